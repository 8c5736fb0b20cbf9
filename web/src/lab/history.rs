//! Lines typed on earlier visits, where the browser keeps anything. Without storage the history lasts as long as the page.

use crate::dom;

const KEY: &str = "history";
/// Between two lines; nobody types it, and it may not stand in a line.
const BETWEEN: char = '\u{1e}';
/// Most lines kept, and most bytes of them all and of one.
const LINES: usize = 500;
const BYTES: usize = 64_000;
const LINE: usize = 8_000;

/// Oldest first.
pub fn kept() -> Vec<String> {
    let text = dom::stored(KEY).unwrap_or_default();
    text.split(BETWEEN).filter(|l| !l.is_empty()).map(str::to_owned).collect()
}

/// Adds lines to those that are kept; another tab may have added its own meanwhile.
pub fn keep(lines: &[String]) {
    dom::store(KEY, &joined(kept(), lines));
}

fn joined(mut all: Vec<String>, more: &[String]) -> String {
    for line in more {
        if line.trim() == "history -c" {
            all.clear();
        } else if line.len() <= LINE && !line.contains(BETWEEN) && all.last() != Some(line) {
            all.push(line.clone());
        }
    }
    let mut bytes = 0;
    let fits = all.iter().rev().take(LINES).take_while(|l| {
        bytes += l.len() + 1;
        bytes <= BYTES
    });
    let mut fits: Vec<&str> = fits.map(String::as_str).collect();
    fits.reverse();
    fits.join("\u{1e}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(all: &[&str], more: &[&str], want: &[&str]) {
        let own = |l: &[&str]| l.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        assert_eq!(joined(own(all), &own(more)), want.join("\u{1e}"));
    }

    #[test]
    fn keeps_the_newest_within_bounds() {
        check(&["a"], &["a", "b", "b"], &["a", "b"]);
        check(&["a"], &["b", "history -c", "c"], &["c"]);
        check(&["a"], &["\u{1e}"], &["a"]);
        let long = "x".repeat(LINE);
        let longer = format!("{long}y");
        check(&[], &[&longer, "b"], &["b"]);
        let many: Vec<String> = (0..LINES + 3).map(|n| n.to_string()).collect();
        assert_eq!(joined(many, &[]).split(BETWEEN).next(), Some("3"));
        let big: Vec<String> = (0..20).map(|n| format!("{n:02}{}", &long[2..])).collect();
        assert!(joined(big, &[]).len() <= BYTES);
    }
}
