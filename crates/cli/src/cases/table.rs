//! Tables in a text: which lines belong together, where their columns begin, and a column laid out anew.
//!
//! Columns are what blanks part that go through all lines of a table, two characters wide at least. A column of which no
//! cell is changed keeps every character.

/// Consecutive lines with common columns.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Vec<char>>,
    /// Where any row has something.
    used: Vec<bool>,
}

impl Table {
    /// Takes a line that belongs to the table; false where it does not.
    pub fn take(&mut self, line: &str) -> bool {
        let row: Vec<char> = line.chars().collect();
        let alone = mask(&[], &row);
        if starts(&alone).len() < 2 {
            return false;
        }
        let indent = |row: &[char]| row.iter().take_while(|c| **c == ' ').count();
        let together = mask(&self.used, &row);
        let same = self.rows.first().is_none_or(|first| indent(first) == indent(&row));
        let columns = starts(&together);
        if !same || starts(&self.used).iter().any(|start| !columns.contains(start)) {
            return false;
        }
        self.used = together;
        self.rows.push(row);
        true
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The titles, if the first row is one of titles.
    pub fn titles(&self) -> Vec<String> {
        let starts = starts(&self.used);
        self.rows.first().map(|first| (0..starts.len()).map(|c| text(first, &starts, c)).collect()).unwrap_or_default()
    }

    /// The rows with their cells as `change` gives them, which is told the column. A column in which it changed something
    /// is laid out anew: as wide as its widest cell, and the same gap after it as before.
    pub fn with(&self, change: impl Fn(usize, &str) -> String) -> Vec<String> {
        let starts = starts(&self.used);
        let mut out = vec![String::new(); self.rows.len()];
        for (c, start) in starts.iter().enumerate() {
            let cells: Vec<String> = self.rows.iter().map(|row| text(row, &starts, c)).collect();
            let changed: Vec<String> = cells.iter().map(|cell| change(c, cell)).collect();
            let next = starts.get(c + 1).copied();
            let widest = |cells: &[String]| cells.iter().map(|cell| cell.chars().count()).max().unwrap_or(0);
            let width = match next {
                Some(next) if cells != changed => Some(widest(&changed) + (next - start).saturating_sub(widest(&cells))),
                _ => None,
            };
            for (((row, line), cell), now) in self.rows.iter().zip(&mut out).zip(&cells).zip(&changed) {
                if c == 0 {
                    line.extend(row.iter().take(*start));
                }
                line.push_str(now);
                let end = next.unwrap_or(row.len()).min(row.len());
                let blanks = match width {
                    Some(width) if next.is_some_and(|next| row.len() >= next) => width.saturating_sub(now.chars().count()),
                    _ => end.saturating_sub(start + cell.chars().count()),
                };
                line.extend(std::iter::repeat_n(' ', blanks));
            }
        }
        out
    }
}

fn mask(used: &[bool], row: &[char]) -> Vec<bool> {
    let is = |at: usize| used.get(at).copied().unwrap_or(false) || row.get(at).is_some_and(|c| *c != ' ');
    (0..used.len().max(row.len())).map(is).collect()
}

fn starts(used: &[bool]) -> Vec<usize> {
    let mut out = Vec::new();
    // The first column begins wherever it does.
    let mut blanks = 2;
    for (at, used) in used.iter().enumerate() {
        if !used {
            blanks += 1;
            continue;
        }
        if blanks >= 2 {
            out.push(at);
        }
        blanks = 0;
    }
    out
}

/// A cell without the blanks after it.
fn text(row: &[char], starts: &[usize], column: usize) -> String {
    let start = starts.get(column).copied().unwrap_or(0).min(row.len());
    let end = starts.get(column + 1).copied().unwrap_or(row.len()).min(row.len());
    row.get(start..end).unwrap_or_default().iter().collect::<String>().trim_end_matches(' ').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Table {
        let mut table = Table::default();
        text.lines().for_each(|line| assert!(table.take(line), "{line}"));
        table
    }

    #[test]
    fn a_changed_column_is_laid_out_anew_and_no_other() {
        let t = table("NAME      READY   AGE\na-xyzxz   1/1     3m22s\nb         0/1     5s");
        assert_eq!(t.titles(), ["NAME", "READY", "AGE"]);
        let got = t.with(|_, cell| cell.replace("xyzxz", "DRAWN!"));
        assert_eq!(got, ["NAME       READY   AGE", "a-DRAWN!   1/1     3m22s", "b          0/1     5s"]);
        let got = t.with(|c, cell| if c == 2 { "x".to_owned() } else { cell.to_owned() });
        assert_eq!(got, ["NAME      READY   x", "a-xyzxz   1/1     x", "b         0/1     x"]);
    }

    #[test]
    fn too_wide_a_gap_stays_too_wide() {
        let t = table("NAME         AGE\na-xyzxz      5s");
        assert_eq!(t.with(|_, c| c.replace("xyzxz", "N")), ["NAME      AGE", "a-N       5s"]);
    }

    #[test]
    fn what_follows_the_last_cell_stays() {
        let t = table("CURRENT   NAME   NAMESPACE\n*         a1     ");
        assert_eq!(t.with(|_, c| c.replace("a1", "a2")), ["CURRENT   NAME   NAMESPACE", "*         a2     "]);
    }

    #[test]
    fn lines_of_other_columns_are_another_table() {
        let mut t = table("NAME   READY   AGE\na      1/1     5s");
        assert!(!t.take("a-very-long-name   1/1   5s"), "its cells cross the columns");
        assert!(!t.take("  b    1/1     5s"), "it stands further in");
        assert!(!t.take("No resources found"), "no columns");
        assert!(t.take("b      0/1     6s"));
    }
}
