//! What can go wrong when packed text is read or a region is asked for.

use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CatalogError {
    /// No data for the region is loaded. `known` lists the regions that are.
    UnknownRegion { name: String, known: Vec<String> },
    /// The region is known, but nothing was recorded of its offerings at that date.
    NoOfferings { name: String, era: crate::Era },
    /// Packed text or a source table that does not read: what, and where.
    Malformed { file: String, what: String },
}

impl CatalogError {
    pub(crate) fn malformed(file: &str, what: impl Into<String>) -> CatalogError {
        CatalogError::Malformed { file: file.to_owned(), what: what.into() }
    }
}

impl fmt::Display for CatalogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CatalogError::UnknownRegion { name, known } => {
                write!(f, "no data for region `{name}`; loaded regions: {}", known.join(", "))
            }
            CatalogError::NoOfferings { name, era } => {
                write!(f, "region `{name}` has no recorded offerings of {}; choose another region", era.snapshot())
            }
            CatalogError::Malformed { file, what } => write!(f, "cannot read `{file}`: {what}"),
        }
    }
}

impl std::error::Error for CatalogError {}
