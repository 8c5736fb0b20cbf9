//! What goes wrong when YAML is copied from web pages, found and repaired.

/// Text with the remark tails (`value  // ...`) and whole `//` lines taken out, and the lines (from 1) that changed;
/// `None` where there are none. Nothing else is touched.
pub fn strip_remarks(_text: &str) -> Option<(String, Vec<u32>)> {
    None
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

pub fn hidden_characters(_text: &str) -> Vec<Hidden> {
    Vec::new()
}

/// The text with every hidden character replaced.
pub fn normalise(text: &str) -> String {
    text.to_owned()
}
