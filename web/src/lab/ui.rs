//! What the interface shows: language, theme, open panes, selection. No part of a session.

use super::models::Ptr;
use crate::dom;
use crate::options::{Options, Theme};
use crate::tools::Planned;
use view::Lang;

/// Panes that share a tab strip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pane {
    Terminal,
    Nodes,
    Logs,
    Events,
    Yaml,
    Cost,
    Why,
}

impl Pane {
    pub fn token(self) -> &'static str {
        match self {
            Pane::Terminal => "term",
            Pane::Nodes => "nodes",
            Pane::Logs => "logs",
            Pane::Events => "events",
            Pane::Yaml => "yaml",
            Pane::Cost => "cost",
            Pane::Why => "why",
        }
    }
}

/// The bottom bar of a phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhoneTab {
    Learn,
    Map,
    Terminal,
    Logs,
    More,
}

impl PhoneTab {
    pub const ATTACHED: [PhoneTab; 2] = [PhoneTab::Map, PhoneTab::More];
    pub const ALL: [PhoneTab; 5] = [PhoneTab::Learn, PhoneTab::Map, PhoneTab::Terminal, PhoneTab::Logs, PhoneTab::More];

    pub fn token(self) -> &'static str {
        match self {
            PhoneTab::Learn => "learn",
            PhoneTab::Map => "map",
            PhoneTab::Terminal => "term",
            PhoneTab::Logs => "logs",
            PhoneTab::More => "more",
        }
    }
}

/// Which arrangement the size of the host gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    Desktop,
    Tablet,
    Phone,
    /// An embed with room for everything.
    EmbedWide,
    /// Map beside a tab strip.
    EmbedSplit,
    /// Tabs only.
    EmbedNarrow,
    /// Too small for anything but a link.
    Poster,
}

impl Layout {
    pub fn of(width: f64, height: f64, embed: bool) -> Layout {
        if embed {
            return match (width, height) {
                (w, h) if w < 320.0 || h < 200.0 => Layout::Poster,
                (w, h) if w >= 960.0 && h >= 560.0 => Layout::EmbedWide,
                (w, _) if w >= 470.0 => Layout::EmbedSplit,
                _ => Layout::EmbedNarrow,
            };
        }
        if width >= 1160.0 {
            Layout::Desktop
        } else if width >= 768.0 {
            Layout::Tablet
        } else {
            Layout::Phone
        }
    }

    pub fn token(self) -> &'static str {
        match self {
            Layout::Desktop => "desktop",
            Layout::Tablet => "tablet",
            Layout::Phone => "phone",
            Layout::EmbedWide => "embed-wide",
            Layout::EmbedSplit => "embed-split",
            Layout::EmbedNarrow => "embed-narrow",
            Layout::Poster => "poster",
        }
    }

    /// The terminal gives way while another pane is open.
    pub fn one_at_a_time(self) -> bool {
        matches!(self, Layout::Phone | Layout::EmbedSplit | Layout::EmbedNarrow)
    }

    /// Panes in the tab strip of this arrangement.
    pub fn strip(self) -> &'static [Pane] {
        use Pane::*;
        match self {
            Layout::Desktop | Layout::EmbedWide => &[Logs, Events, Yaml, Cost, Why],
            Layout::Tablet | Layout::Phone => &[Nodes, Logs, Events, Yaml, Cost, Why],
            Layout::EmbedSplit | Layout::EmbedNarrow => &[Terminal, Logs, Nodes, Yaml, Cost],
            Layout::Poster => &[],
        }
    }
}

/// A dialog over the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialog {
    Share,
    Help,
}

#[derive(Clone, Debug)]
pub struct Ui {
    pub options: Options,
    pub lang: Lang,
    pub theme: Theme,
    pub layout: Layout,
    /// Chosen tab of the strip.
    pub side: Pane,
    pub phone: PhoneTab,
    /// Chosen terminal.
    pub terminal: usize,
    /// Node that is marked in every pane, by full name.
    pub node: Option<String>,
    pub lesson_open: bool,
    pub dialog: Option<Dialog>,
    /// Text that a command card wants in the prompt; the terminal takes it.
    pub insert: Option<String>,
    /// Message of the toast, if one is shown.
    pub toast: Option<String>,
    /// The editor's text, kept across language, theme and layout.
    pub draft: Option<String>,
    pub editor_opened: bool,
    /// The demo of a first visit is typing.
    pub demo: bool,
    /// Of a page that is attached to a cluster: whether it hears of it, and what stands in the way of the whole picture.
    pub connected: bool,
    pub notes: Vec<String>,
    /// The plan that was asked for last, whether one is being made, and why none came.
    pub plan: Option<Ptr<Planned>>,
    pub asking: bool,
    pub unanswered: Option<String>,
}

impl Ui {
    pub fn new(options: &Options) -> Ui {
        Ui {
            options: options.clone(),
            lang: options.lang,
            theme: options.theme,
            layout: if options.embed { Layout::EmbedSplit } else { Layout::Desktop },
            side: if options.embed { Pane::Terminal } else { Pane::Logs },
            phone: if options.lesson.is_some() { PhoneTab::Learn } else { PhoneTab::Map },
            terminal: 0,
            node: None,
            lesson_open: true,
            dialog: None,
            insert: None,
            toast: None,
            draft: None,
            editor_opened: false,
            demo: false,
            connected: false,
            notes: Vec::new(),
            plan: None,
            asking: false,
            unanswered: None,
        }
    }

    /// The pane shown in the strip: the chosen one, or the first that this arrangement has.
    pub fn shown(&self) -> Pane {
        let strip = self.strip();
        if strip.contains(&self.side) { self.side } else { strip.first().copied().unwrap_or(Pane::Logs) }
    }

    /// Panes in the tab strip; a page that is attached to a cluster has none that would write or that it cannot fill.
    pub fn strip(&self) -> &'static [Pane] {
        use Pane::*;
        match (&self.options.attached, self.layout) {
            (None, layout) => layout.strip(),
            (Some(_), Layout::Desktop) => &[Why, Events, Cost],
            (Some(_), _) => &[Nodes, Why, Events, Cost],
        }
    }

    pub fn open(&mut self, pane: Pane) {
        self.side = pane;
        self.phone = match pane {
            Pane::Terminal => PhoneTab::Terminal,
            Pane::Logs => PhoneTab::Logs,
            _ => PhoneTab::More,
        };
        if pane == Pane::Yaml {
            self.editor_opened = true;
        }
    }

    /// Remembers a setting where the browser lets us, except in embeds.
    pub fn remember(&self, key: &str, value: &str) {
        if !self.options.embed {
            dom::store(key, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts() {
        for (w, h, embed, want) in [
            (1280.0, 800.0, false, Layout::Desktop),
            (768.0, 1024.0, false, Layout::Tablet),
            (375.0, 812.0, false, Layout::Phone),
            (640.0, 400.0, true, Layout::EmbedSplit),
            (1000.0, 620.0, true, Layout::EmbedWide),
            (360.0, 480.0, true, Layout::EmbedNarrow),
            (300.0, 480.0, true, Layout::Poster),
        ] {
            assert_eq!(Layout::of(w, h, embed), want);
        }
    }
}
