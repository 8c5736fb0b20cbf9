//! `kubectl` typed in Hangul mode: the keys are right, the input mode is not.

/// Latin letters of the two-set Korean layout, for leading consonants, vowels and trailing consonants.
const LEAD: [&str; 19] = ["r", "R", "s", "e", "E", "f", "a", "q", "Q", "t", "T", "d", "w", "W", "c", "z", "x", "v", "g"];
const VOWEL: [&str; 21] =
    ["k", "o", "i", "O", "j", "p", "u", "P", "h", "hk", "ho", "hl", "y", "n", "nj", "np", "nl", "b", "m", "ml", "l"];
const TAIL: [&str; 28] = [
    "", "r", "R", "rt", "s", "sw", "sg", "e", "f", "fr", "fa", "fq", "ft", "fx", "fv", "fg", "a", "q", "qt", "t", "T", "d", "w",
    "c", "z", "x", "v", "g",
];
/// Lone jamo from U+3131 on.
const JAMO: [&str; 51] = [
    "r", "R", "rt", "s", "sw", "sg", "e", "E", "f", "fr", "fa", "fq", "ft", "fx", "fv", "fg", "a", "q", "Q", "qt", "t", "T", "d",
    "w", "W", "c", "z", "x", "v", "g", "k", "o", "i", "O", "j", "p", "u", "P", "h", "hk", "ho", "hl", "y", "n", "nj", "np", "nl",
    "b", "m", "ml", "l",
];

/// The line with its first word as Latin keys, where that word is `kubectl` or another command.
pub fn hangul(line: &str) -> Option<String> {
    let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
    if first.is_ascii() {
        return None;
    }
    let typed = latin(first)?;
    let known = ["kubectl", "eks-node-viewer", "k", "watch", "clear", "date", "history"];
    known.contains(&typed.as_str()).then(|| if line.contains(' ') { format!("{typed} {rest}") } else { typed })
}

fn latin(text: &str) -> Option<String> {
    let mut out = String::new();
    for c in text.chars() {
        let code = u32::from(c);
        if let Some(i) = code.checked_sub(0xAC00).filter(|i| *i < 11_172) {
            let (lead, vowel, tail) = (i / 588, i / 28 % 21, i % 28);
            out += LEAD.get(lead as usize)?;
            out += VOWEL.get(vowel as usize)?;
            out += TAIL.get(tail as usize)?;
        } else if let Some(i) = code.checked_sub(0x3131).filter(|i| *i < 51) {
            out += JAMO.get(i as usize)?;
        } else if c.is_ascii() {
            out.push(c);
        } else {
            return None;
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognises_commands_in_hangul_mode() {
        for (line, want) in [
            ("ㅏㅕㅠㄷㅊ시 get po", Some("kubectl get po")),
            ("ㅏㅕㅠㄷㅊ시", Some("kubectl")),
            ("kubectl get po", None),
            ("안녕 세상", None),
        ] {
            assert_eq!(hangul(line).as_deref(), want, "{line}");
        }
    }
}
