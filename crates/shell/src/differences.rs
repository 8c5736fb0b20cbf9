//! Differences of two texts, as `diff` and `diff -u` print them.

/// Lines around a change, unless another number is asked for.
pub const CONTEXT: usize = 3;
/// Table cells of one comparison; texts that differ in more are taken as wholly different.
const CELLS: usize = 4 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Both,
    Old,
    New,
}

/// The lines of both texts in the order in which they are shown, with their newlines.
pub type Script<'a> = [(Side, &'a str)];

/// What the lines are compared by, and the lines.
type Keyed<'a> = [(String, &'a str)];

/// A line behind its mark; one without a newline says so.
fn marked(mark: &str, line: &str) -> String {
    let end = if line.ends_with('\n') { "" } else { "\n\\ No newline at end of file\n" };
    format!("{mark}{line}{end}")
}

/// Hunks with so many lines around each change; empty where there is none.
pub fn unified(script: &Script<'_>, context: usize) -> String {
    let mut out = String::new();
    let (mut a, mut b) = (0, 0);
    let mut at = 0;
    while let Some(first) = script.iter().skip(at).position(|(s, _)| *s != Side::Both).map(|i| at + i) {
        let begin = first.saturating_sub(context).max(at);
        // A hunk goes on while the next change is near.
        let mut end = first;
        let mut quiet = 0;
        for (i, (side, _)) in script.iter().enumerate().skip(first) {
            quiet = if *side == Side::Both { quiet + 1 } else { 0 };
            if quiet > 2 * context {
                break;
            }
            if *side != Side::Both {
                end = i + 1;
            }
        }
        let end = (end + context).min(script.len());
        let (skipped, hunk) = (script.get(at..begin).unwrap_or_default(), script.get(begin..end).unwrap_or_default());
        a += skipped.len();
        b += skipped.len();
        let count = |not: Side| hunk.iter().filter(|(s, _)| *s != not).count();
        let (in_old, in_new) = (count(Side::New), count(Side::Old));
        out.push_str(&format!("@@ -{} +{} @@\n", range(a, in_old), range(b, in_new)));
        for (side, line) in hunk {
            let mark = match side {
                Side::Both => " ",
                Side::Old => "-",
                Side::New => "+",
            };
            out.push_str(&marked(mark, line));
        }
        (a, b, at) = (a + in_old, b + in_new, end);
    }
    out
}

fn range(start: usize, count: usize) -> String {
    match count {
        0 => format!("{start},0"),
        1 => format!("{}", start + 1),
        n => format!("{},{n}", start + 1),
    }
}

/// Changes as `diff` prints them without options; empty where there is none.
pub fn normal(script: &Script<'_>) -> String {
    let mut out = String::new();
    let (mut a, mut b) = (0, 0);
    let mut rest = script;
    while !rest.is_empty() {
        let same = rest.iter().take_while(|(s, _)| *s == Side::Both).count();
        (a, b) = (a + same, b + same);
        rest = rest.get(same..).unwrap_or_default();
        let change = rest.get(..rest.iter().take_while(|(s, _)| *s != Side::Both).count()).unwrap_or_default();
        let lines = |side: Side| change.iter().filter(move |(s, _)| *s == side).map(|(_, l)| *l);
        let (gone, come) = (lines(Side::Old).count(), lines(Side::New).count());
        let place = |before: usize, count: usize| match count {
            0 => before.to_string(),
            1 => (before + 1).to_string(),
            n => format!("{},{}", before + 1, before + n),
        };
        let letter = match (gone, come) {
            (0, 0) => break,
            (0, _) => 'a',
            (_, 0) => 'd',
            _ => 'c',
        };
        out.push_str(&format!("{}{letter}{}\n", place(a, gone), place(b, come)));
        lines(Side::Old).for_each(|l| out.push_str(&marked("< ", l)));
        if letter == 'c' {
            out.push_str("---\n");
        }
        lines(Side::New).for_each(|l| out.push_str(&marked("> ", l)));
        (a, b) = (a + gone, b + come);
        rest = rest.get(change.len()..).unwrap_or_default();
    }
    out
}

/// What goes in front of what comes. Lines with the same `key` are the same.
pub fn script<'a>(old: &'a str, new: &'a str, key: impl Fn(&str) -> String) -> Vec<(Side, &'a str)> {
    let keyed = |text: &'a str| -> Vec<(String, &'a str)> { text.split_inclusive('\n').map(|l| (key(l), l)).collect() };
    let (old, new) = (keyed(old), keyed(new));
    let same = |(a, b): &(&(String, &str), &(String, &str))| a.0 == b.0;
    let head = old.iter().zip(&new).take_while(same).count();
    let (old_rest, new_rest) = (old.get(head..).unwrap_or_default(), new.get(head..).unwrap_or_default());
    let tail = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(same).count();
    let a = old_rest.get(..old_rest.len() - tail).unwrap_or_default();
    let b = new_rest.get(..new_rest.len() - tail).unwrap_or_default();
    let mut out: Vec<(Side, &str)> = old.iter().take(head).map(|(_, l)| (Side::Both, *l)).collect();
    middle(a, b, &mut out);
    out.extend(old.iter().skip(old.len() - tail).map(|(_, l)| (Side::Both, *l)));
    out
}

/// By the longest common subsequence.
fn middle<'a>(a: &Keyed<'a>, b: &Keyed<'a>, out: &mut Vec<(Side, &'a str)>) {
    let width = b.len() + 1;
    if a.len().saturating_mul(width) > CELLS {
        out.extend(a.iter().map(|(_, l)| (Side::Old, *l)));
        out.extend(b.iter().map(|(_, l)| (Side::New, *l)));
        return;
    }
    // `common[i][j]`: lines that a[i..] and b[j..] have in common.
    let mut common = vec![0_u32; (a.len() + 1) * width];
    let at = |common: &[u32], i: usize, j: usize| common.get(i * width + j).copied().unwrap_or(0);
    for (i, (x, _)) in a.iter().enumerate().rev() {
        for (j, (y, _)) in b.iter().enumerate().rev() {
            let best = if x == y { at(&common, i + 1, j + 1) + 1 } else { at(&common, i + 1, j).max(at(&common, i, j + 1)) };
            if let Some(cell) = common.get_mut(i * width + j) {
                *cell = best;
            }
        }
    }
    let (mut i, mut j) = (0, 0);
    while let (Some((x, left)), Some((y, right))) = (a.get(i), b.get(j)) {
        if x == y {
            out.push((Side::Both, left));
            (i, j) = (i + 1, j + 1);
        } else if at(&common, i + 1, j) >= at(&common, i, j + 1) {
            out.push((Side::Old, left));
            i += 1;
        } else {
            out.push((Side::New, right));
            j += 1;
        }
    }
    out.extend(a.iter().skip(i).map(|(_, l)| (Side::Old, *l)));
    out.extend(b.iter().skip(j).map(|(_, l)| (Side::New, *l)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hunks(old: &str, new: &str) -> String {
        unified(&script(old, new, str::to_owned), CONTEXT)
    }

    /// Expected texts are those of GNU diff 3.8, `diff -u`, without its two header lines.
    #[test]
    fn prints_what_diff_prints() {
        let lines = |n: std::ops::RangeInclusive<u32>| n.map(|i| format!("{i}\n")).collect::<String>();
        let old = lines(1..=20);
        assert_eq!(hunks(&old, &old), "");
        let new = old.replace("\n5\n", "\nfive\n").replace("\n18\n", "\n");
        assert_eq!(
            hunks(&old, &new),
            "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n@@ -15,6 +15,5 @@\n 15\n 16\n 17\n-18\n 19\n 20\n"
        );
        assert_eq!(hunks("", "a\nb\n"), "@@ -0,0 +1,2 @@\n+a\n+b\n");
        assert_eq!(hunks("a\n", "b\n"), "@@ -1 +1 @@\n-a\n+b\n");
        // Changes six lines apart share a hunk, seven apart do not.
        let near = old.replace("\n5\n", "\n\n").replace("\n12\n", "\n\n");
        assert_eq!(hunks(&old, &near).matches("@@ -").count(), 1);
        let far = old.replace("\n5\n", "\n\n").replace("\n13\n", "\n\n");
        assert_eq!(hunks(&old, &far).matches("@@ -").count(), 2);
    }
}
