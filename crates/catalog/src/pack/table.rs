//! Source tables: plain CSV without quotes, first line the column names.

use crate::CatalogError;
use std::collections::BTreeMap;

pub(super) struct Table<'a> {
    file: &'static str,
    head: Vec<&'a str>,
    pub rows: Vec<Vec<&'a str>>,
}

impl<'a> Table<'a> {
    pub fn read(file: &'static str, text: &'a str) -> Result<Table<'a>, CatalogError> {
        let mut lines = text.lines();
        let head: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
        let rows: Vec<Vec<&str>> = lines.map(|l| l.split(',').collect()).collect();
        match rows.iter().position(|r| r.len() != head.len()) {
            Some(i) => Err(CatalogError::malformed(file, format!("line {} has another number of cells", i + 2))),
            None => Ok(Table { file, head, rows }),
        }
    }

    fn index(&self, column: &str) -> Result<usize, CatalogError> {
        let found = self.head.iter().position(|h| *h == column);
        found.ok_or_else(|| CatalogError::malformed(self.file, format!("no column `{column}`")))
    }

    pub fn column(&self, column: &str) -> Result<Vec<&'a str>, CatalogError> {
        let i = self.index(column)?;
        Ok(self.rows.iter().filter_map(|r| r.get(i).copied()).collect())
    }

    pub fn cell(&self, row: &[&'a str], column: &str) -> Option<&'a str> {
        row.get(self.index(column).ok()?).copied()
    }

    pub fn rows_where(&self, column: &str, value: &str) -> Result<Vec<&[&'a str]>, CatalogError> {
        let i = self.index(column)?;
        Ok(self.rows.iter().filter(|r| r.get(i) == Some(&value)).map(Vec::as_slice).collect())
    }

    /// Cells of the rows of a region by type name.
    pub fn of_region(&self, region: &str, columns: &[&str]) -> Result<BTreeMap<&'a str, Vec<&'a str>>, CatalogError> {
        let name = self.index("name")?;
        let wanted: Result<Vec<usize>, _> = columns.iter().map(|c| self.index(c)).collect();
        let wanted = wanted?;
        let rows = self.rows_where("region", region)?;
        let cells = |row: &[&'a str]| wanted.iter().filter_map(|i| row.get(*i).copied()).collect();
        Ok(rows.into_iter().filter_map(|row| Some((*row.get(name)?, cells(row)))).collect())
    }

    /// An integer cell, None where it is empty.
    pub fn integer(&self, column: &str, cell: &str) -> Result<Option<u64>, CatalogError> {
        if cell.is_empty() {
            return Ok(None);
        }
        let wrong = |_| CatalogError::malformed(self.file, format!("column `{column}`: `{cell}` is no whole number"));
        cell.parse().map(Some).map_err(wrong)
    }
}

/// A decimal number of dollars in micro-dollars, digits past the sixth dropped after rounding half up.
pub(super) fn micro(file: &str, usd: &str) -> Result<u64, CatalogError> {
    let wrong = || CatalogError::malformed(file, format!("`{usd}` is no price"));
    let (whole, part) = usd.split_once('.').unwrap_or((usd, ""));
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(part) {
        return Err(wrong());
    }
    let seven: String = part.chars().chain("0000000".chars()).take(7).collect();
    let scaled: u64 = format!("{whole}{seven}").parse().map_err(|_| wrong())?;
    Ok((scaled + 5) / 10)
}
