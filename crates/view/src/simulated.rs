//! What is simulated and what is not: the tables of README.md, which is the one place where that is written down.

/// A table as its cells say it, without Markdown's marks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    pub head: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

const HEADING: &str = "## What is simulated, and what is not";

/// The tables under README's heading of that name, in order.
pub fn tables(readme: &str) -> Vec<Table> {
    let section = readme.lines().skip_while(|l| *l != HEADING).skip(1).take_while(|l| !l.starts_with("## "));
    let mut out: Vec<Table> = Vec::new();
    let mut inside = false;
    for line in section {
        let Some(cells) = line.strip_prefix("| ").and_then(|l| l.strip_suffix(" |")) else {
            // The line below the head has no spaces.
            inside = inside && line.starts_with('|');
            continue;
        };
        let cells = cells.split(" | ").map(plain).collect();
        match out.last_mut().filter(|_| inside) {
            Some(table) => table.rows.push(cells),
            None => out.push(Table { head: cells, rows: Vec::new() }),
        }
        inside = true;
    }
    out
}

/// The words of a cell: of a link its text, of code and bold what they hold.
fn plain(cell: &str) -> String {
    let mut out = String::new();
    let mut rest = cell.trim();
    while let Some((before, after)) = rest.split_once("](") {
        out.push_str(before);
        rest = after.split_once(')').map_or("", |(_, tail)| tail);
    }
    out.push_str(rest);
    out.replace("**", "").replace(['`', '['], "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_tables_of_its_section_alone() {
        let text = format!(
            "| a | b |\n|---|---|\n| 1 | 2 |\n\n{HEADING}\n\n| part | simulated |\n|---|---|\n| **x** of `y` | see [here](docs/z.md), too |\n\nwords\n\n| Subject | Why |\n|---|---|\n| p | q |\n| r | s |\n\n## More\n\n| c |\n"
        );
        let own = |cells: &[&str]| cells.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>();
        let want = [
            Table { head: own(&["part", "simulated"]), rows: vec![own(&["x of y", "see here, too"])] },
            Table { head: own(&["Subject", "Why"]), rows: vec![own(&["p", "q"]), own(&["r", "s"])] },
        ];
        assert_eq!(tables(&text), want);
    }

    #[test]
    fn the_readme_has_both() {
        let found = tables(include_str!("../../../README.md"));
        assert_eq!(found.iter().map(|t| t.head.len()).collect::<Vec<_>>(), [3, 3]);
        for table in &found {
            assert!(!table.rows.is_empty() && table.rows.iter().all(|r| r.len() == 3), "{table:?}");
        }
    }
}
