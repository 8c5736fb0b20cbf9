//! Aligned columns as kubectl's tabwriter sets them: three spaces between, at least six wide, the last not padded;
//! widths only ever grow within one output, so that rows of a watch stay under their headers.
//! Source: k8s.io/cli-runtime/pkg/printers/tabwriter.go, v0.28.

#[derive(Clone, Debug, Default)]
pub struct Table {
    widths: Vec<usize>,
}

const PADDING: usize = 3;
const LEAST: usize = 6;

impl Table {
    /// The rows with a newline each.
    pub fn print(&mut self, rows: &[Vec<String>]) -> String {
        for row in rows {
            for (i, cell) in row.iter().enumerate().take(row.len().saturating_sub(1)) {
                let width = (cell.chars().count() + PADDING).max(LEAST);
                match self.widths.get_mut(i) {
                    Some(w) => *w = (*w).max(width),
                    None => self.widths.push(width),
                }
            }
        }
        let mut out = String::new();
        for row in rows {
            for (i, cell) in row.iter().enumerate() {
                out.push_str(cell);
                if i + 1 < row.len() {
                    let width = self.widths.get(i).copied().unwrap_or(0);
                    out.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.chars().count())));
                }
            }
            out.push('\n');
        }
        out
    }
}

/// Text cells of a row.
pub fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.iter().map(|c| (*c).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aligns_and_remembers() {
        let mut t = Table::default();
        let first = t.print(&[row(["NAME", "READY", "AGE"]), row(["a", "1/1", "3s"])]);
        assert_eq!(first, "NAME   READY   AGE\na      1/1     3s\n");
        assert_eq!(t.print(&[row(["longer-name", "0", ""])]), "longer-name   0       \n");
        assert_eq!(t.print(&[row(["a", "0", "x"])]), "a             0       x\n");
        assert_eq!(Table::default().print(&[row(["x", "0", "27m"])]), "x     0     27m\n");
    }
}
