//! How a shell is set up by its owner.

/// Language of hints; output of programs is never translated.
pub use view::Lang;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    pub lang: Lang,
    /// At a terminal: full-screen programs repaint until they are left. In scripts they print one frame.
    pub interactive: bool,
    /// The owner has an editor, which it opens for what [`crate::Job::editing`] gives.
    pub editor: bool,
    /// The owner answers what [`crate::Job::asking`] gives: there is a page around the terminal.
    pub asks: bool,
    /// Simulated milliseconds that each call of kubectl takes.
    pub kubectl_ms: u64,
    /// The minor version of kubectl (32 for 1.32); without one it is that of the scenario's era.
    pub kubectl: Option<u32>,
    /// Minutes east of UTC that `date` shows by default, and the zone's abbreviation.
    pub utc_offset_min: i64,
    pub zone: String,
    /// Columns of the terminal, for full-screen programs.
    pub columns: usize,
    pub rows: usize,
}

impl Options {
    /// A terminal on a page: commands take no time of their own.
    pub fn terminal(lang: Lang) -> Options {
        Options {
            lang,
            interactive: true,
            editor: false,
            asks: false,
            kubectl_ms: 0,
            kubectl: None,
            utc_offset_min: 9 * 60,
            zone: "KST".to_owned(),
            columns: 120,
            rows: 30,
        }
    }

    /// A script: every kubectl call takes 100 ms.
    pub fn script() -> Options {
        Options { interactive: false, kubectl_ms: 100, ..Options::terminal(Lang::En) }
    }
}
