//! Unified differences of two texts, as `diff -u` prints them.

/// Lines around a change.
const CONTEXT: usize = 3;
/// Table cells of one comparison; texts that differ in more are taken as wholly different.
const CELLS: usize = 4 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Both,
    Old,
    New,
}

/// The hunks of `old` against `new`, empty where they are equal.
pub fn hunks(old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let script = script(&old, &new);
    if script.iter().all(|(side, _)| *side == Side::Both) {
        return String::new();
    }
    let mut out = String::new();
    let (mut a, mut b) = (0, 0);
    let mut at = 0;
    while let Some(first) = script.iter().skip(at).position(|(s, _)| *s != Side::Both).map(|i| at + i) {
        let begin = first.saturating_sub(CONTEXT).max(at);
        // A hunk goes on while the next change is near.
        let mut end = first;
        let mut quiet = 0;
        for (i, (side, _)) in script.iter().enumerate().skip(first) {
            quiet = if *side == Side::Both { quiet + 1 } else { 0 };
            if quiet > 2 * CONTEXT {
                break;
            }
            if *side != Side::Both {
                end = i + 1;
            }
        }
        let end = (end + CONTEXT).min(script.len());
        let (skipped, hunk) = (script.get(at..begin).unwrap_or_default(), script.get(begin..end).unwrap_or_default());
        a += skipped.len();
        b += skipped.len();
        let count = |not: Side| hunk.iter().filter(|(s, _)| *s != not).count();
        let (in_old, in_new) = (count(Side::New), count(Side::Old));
        out.push_str(&format!("@@ -{} +{} @@\n", range(a, in_old), range(b, in_new)));
        for (side, line) in hunk {
            let mark = match side {
                Side::Both => ' ',
                Side::Old => '-',
                Side::New => '+',
            };
            out.push_str(&format!("{mark}{line}\n"));
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

/// The lines of both texts in the order in which they are shown: what goes in front of what comes.
fn script<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<(Side, &'a str)> {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (old.get(head..).unwrap_or_default(), new.get(head..).unwrap_or_default());
    let tail = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(a, b)| a == b).count();
    let a = old_rest.get(..old_rest.len() - tail).unwrap_or_default();
    let b = new_rest.get(..new_rest.len() - tail).unwrap_or_default();
    let mut out: Vec<(Side, &str)> = old.iter().take(head).map(|l| (Side::Both, *l)).collect();
    middle(a, b, &mut out);
    out.extend(old.iter().skip(old.len() - tail).map(|l| (Side::Both, *l)));
    out
}

/// By the longest common subsequence.
fn middle<'a>(a: &[&'a str], b: &[&'a str], out: &mut Vec<(Side, &'a str)>) {
    let width = b.len() + 1;
    if a.len().saturating_mul(width) > CELLS {
        out.extend(a.iter().map(|l| (Side::Old, *l)));
        out.extend(b.iter().map(|l| (Side::New, *l)));
        return;
    }
    // `common[i][j]`: lines that a[i..] and b[j..] have in common.
    let mut common = vec![0_u32; (a.len() + 1) * width];
    let at = |common: &[u32], i: usize, j: usize| common.get(i * width + j).copied().unwrap_or(0);
    for (i, x) in a.iter().enumerate().rev() {
        for (j, y) in b.iter().enumerate().rev() {
            let best = if x == y { at(&common, i + 1, j + 1) + 1 } else { at(&common, i + 1, j).max(at(&common, i, j + 1)) };
            if let Some(cell) = common.get_mut(i * width + j) {
                *cell = best;
            }
        }
    }
    let (mut i, mut j) = (0, 0);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        if x == y {
            out.push((Side::Both, x));
            (i, j) = (i + 1, j + 1);
        } else if at(&common, i + 1, j) >= at(&common, i, j + 1) {
            out.push((Side::Old, x));
            i += 1;
        } else {
            out.push((Side::New, y));
            j += 1;
        }
    }
    out.extend(a.iter().skip(i).map(|l| (Side::Old, *l)));
    out.extend(b.iter().skip(j).map(|l| (Side::New, *l)));
}

#[cfg(test)]
mod tests {
    use super::*;

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
