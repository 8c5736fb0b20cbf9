//! What goes wrong when YAML is copied from web pages, found and repaired.

/// Text with the remark tails (`value  // ...`) and whole `//` lines taken out, and the lines (from 1) that changed;
/// `None` where there are none. Nothing else is touched: URLs keep their slashes, and so do quoted text, comments and
/// block scalars.
pub fn strip_remarks(text: &str) -> Option<(String, Vec<u32>)> {
    let mut out = String::with_capacity(text.len());
    let mut lines = Vec::new();
    // Indentation of the line that opened a block scalar, while inside one.
    let mut block: Option<usize> = None;
    for (n, row) in (1u32..).zip(text.split_inclusive('\n')) {
        let line = row.trim_end_matches(['\n', '\r']);
        let ending = row.get(line.len()..).unwrap_or_default();
        let indent = line.len() - line.trim_start().len();
        if block.is_some_and(|opened| line.trim().is_empty() || indent > opened) {
            out.push_str(row);
            continue;
        }
        block = None;
        if line.trim_start().starts_with("//") {
            lines.push(n);
            continue;
        }
        let kept = match remark_at(line) {
            Some(at) => {
                lines.push(n);
                line.get(..at).unwrap_or(line).trim_end()
            }
            None => line,
        };
        if opens_block(kept) {
            block = Some(indent);
        }
        out.push_str(kept);
        out.push_str(ending);
    }
    if lines.is_empty() { None } else { Some((out, lines)) }
}

/// Byte offset of a `//` that follows white space outside quotes and comments.
fn remark_at(line: &str) -> Option<usize> {
    let mut quote = None;
    let mut previous = ' ';
    let mut escaped = false;
    for (at, c) in line.char_indices() {
        match quote {
            Some('"') if escaped => escaped = false,
            Some('"') if c == '\\' => escaped = true,
            Some(q) if c == q => quote = None,
            Some(_) => {}
            None => match c {
                '"' | '\'' if matches!(previous, ' ' | '\t' | '[' | '{' | ',' | ':') => quote = Some(c),
                '#' if previous.is_whitespace() => return None,
                '/' if previous.is_whitespace() && line.get(at..).is_some_and(|r| r.starts_with("//")) => return Some(at),
                _ => {}
            },
        }
        previous = c;
    }
    None
}

/// Whether the line ends in a block scalar's `|` or `>` header.
fn opens_block(line: &str) -> bool {
    let header = line.rsplit([' ', '\t']).next().unwrap_or_default();
    header.starts_with(['|', '>']) && header.chars().skip(1).all(|c| c.is_ascii_digit() || c == '-' || c == '+')
}

/// A character that looks like an ordinary one and is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hidden {
    pub line: u32,
    pub column: u32,
    pub found: char,
    /// What it should be; empty where it should go.
    pub instead: &'static str,
    /// `no-break space`, `ideographic space`, ...
    pub name: &'static str,
}

/// What `c` should have been, and its name.
fn look_alike(c: char) -> Option<(&'static str, &'static str)> {
    Some(match c {
        '\u{a0}' => (" ", "no-break space"),
        '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' => (" ", "typographic space"),
        '\u{3000}' => (" ", "ideographic space"),
        '\u{200b}' => ("", "zero-width space"),
        '\u{200c}' | '\u{200d}' => ("", "zero-width joiner"),
        '\u{2060}' => ("", "word joiner"),
        '\u{feff}' => ("", "byte order mark"),
        '\u{ad}' => ("", "soft hyphen"),
        '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{2032}' => ("'", "curly quote"),
        '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{2033}' => ("\"", "curly double quote"),
        '\u{ff1a}' => (":", "full-width colon"),
        '\u{ff0d}' | '\u{2010}' | '\u{2011}' | '\u{2012}' | '\u{2013}' | '\u{2014}' | '\u{2212}' => ("-", "dash"),
        '\u{ff02}' => ("\"", "full-width quote"),
        '\u{ff07}' => ("'", "full-width apostrophe"),
        _ => return None,
    })
}

/// Every look-alike outside comments, in order. Korean and other real text is left alone.
pub fn hidden_characters(text: &str) -> Vec<Hidden> {
    let mut found = Vec::new();
    for (line, row) in (1u32..).zip(text.lines()) {
        let mut previous = ' ';
        for (column, c) in (1u32..).zip(row.chars()) {
            if c == '#' && previous.is_whitespace() {
                break;
            }
            if let Some((instead, name)) = look_alike(c) {
                found.push(Hidden { line, column, found: c, instead, name });
            }
            previous = c;
        }
    }
    found
}

/// The text with every hidden character of [`hidden_characters`] replaced.
pub fn normalise(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for row in text.split_inclusive('\n') {
        let mut previous = ' ';
        let mut comment = false;
        for c in row.chars() {
            comment |= c == '#' && previous.is_whitespace();
            match look_alike(c).filter(|_| !comment) {
                Some((instead, _)) => out.push_str(instead),
                None => out.push(c),
            }
            previous = c;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_remarks_and_nothing_else() {
        for (text, want, lines) in [
            ("replicas: 0    // #@ none\n", "replicas: 0\n", vec![1]),
            ("// create\na: 1\n", "a: 1\n", vec![1]),
            ("image: a/b:3.7    // x\ncpu: 1  // y", "image: a/b:3.7\ncpu: 1", vec![1, 2]),
            ("- c5.large    // 한글\r\n", "- c5.large\r\n", vec![1]),
        ] {
            assert_eq!(strip_remarks(text), Some((want.to_owned(), lines)), "{text:?}");
        }
        for text in [
            "url: https://example.com//x\n",
            "a: \"x // y\"\n",
            "a: 'x // y'\n",
            "# // comment\n",
            "a: 1 # see // there\n",
            "script: |\n  // code\n  x // y\nb: 1\n",
        ] {
            assert_eq!(strip_remarks(text), None, "{text:?}");
        }
    }

    #[test]
    fn finds_and_replaces_look_alikes() {
        let text = "a\u{ff1a}\u{a0}\u{201c}x\u{201d}\u{200b} # \u{201c}said\u{201d}\n이름: 값\n";
        let found: Vec<_> = hidden_characters(text).iter().map(|h| (h.line, h.column, h.instead)).collect();
        assert_eq!(found, [(1, 2, ":"), (1, 3, " "), (1, 4, "\""), (1, 6, "\""), (1, 7, "")]);
        assert_eq!(normalise(text), "a: \"x\" # \u{201c}said\u{201d}\n이름: 값\n");
    }
}
