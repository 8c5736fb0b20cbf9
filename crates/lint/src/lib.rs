//! What an editor of manifests knows: problems at their place with ways to mend them, completion, documentation, the
//! outline of a text, and what applying it would change. No DOM: text, place and surroundings in, plain data out.
//!
//! - [`check`] finds problems: of the text (characters, remarks, YAML), of single documents (the API server's own
//!   admission, [`objects::admit()`]), and of what the documents mean together with the cluster and the market: types that
//!   are left, pods that never fit, budgets that never open.
//! - [`complete`], [`hover`], [`outline`] and [`changes`] answer while somebody types; a text that is not yet YAML is
//!   read by its indentation.
//!
//! Places are lines and columns from 1, columns in characters.

mod changes;
mod code;
mod complete;
mod cursor;
mod document;
mod finding;
mod hover;
mod outline;
mod semantic;
mod sentence;
mod text;
mod types;

pub use changes::{Change, DocumentChanges, Effect, changes};
pub use code::{CODES, Code, Severity, reference};
pub use complete::{Completions, Item, ItemKind, complete};
pub use finding::{Edit, Finding, Fix, Range, Spot, apply};
pub use hover::{Hover, hover};
pub use outline::{Entry, outline};

use engine::pricing::Market;
use engine::{Era, Session, Snapshot, Store};
use objects::collections::Order as _;
use objects::yaml;
use view::Lang;

/// What a text is looked at with.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    pub era: Era,
    pub lang: Lang,
    pub market: &'a Market,
    /// The live cluster, where there is one.
    pub store: Option<&'a Store>,
    /// The present, Unix milliseconds; schedules are looked at from here on.
    pub now_ms: i64,
}

impl<'a> Around<'a> {
    /// Files without a cluster: documents are checked against each other alone.
    pub fn files(era: Era, market: &'a Market, lang: Lang) -> Around<'a> {
        // Any fixed day will do: schedules repeat.
        Around { era, lang, market, store: None, now_ms: 1_767_225_600_000 }
    }

    /// A running session as `snapshot` shows it.
    pub fn session(session: &'a Session, snapshot: &'a Snapshot, lang: Lang) -> Around<'a> {
        Around {
            era: snapshot.profile.era,
            lang,
            market: session.market(),
            store: Some(&snapshot.store),
            now_ms: snapshot.unix_ms(),
        }
    }
}

/// Most problems told at once.
pub const SHOWN: usize = 200;

/// Problems of a text, in reading order.
pub fn check(text: &str, around: &Around<'_>) -> Vec<Finding> {
    let mut out = text::check(text, around.lang);
    let stream = yaml::parse(text);
    let documents: Vec<document::Read<'_>> =
        stream.documents.iter().enumerate().map(|(index, d)| document::Read::of(index, d, text, around.era)).collect();
    for read in &documents {
        document::check(read, around, &mut out);
    }
    if let Some(error) = &stream.error {
        out.push(text::syntax(text, error, around.lang));
    }
    semantic::check(&documents, around, &mut out);
    out.order_by(|a, b| (a.range.start, a.code.id, &a.path).cmp(&(b.range.start, b.code.id, &b.path)));
    out.dedup();
    out.truncate(SHOWN);
    out
}

/// One of two sentences; values are captured from where it stands.
macro_rules! say {
    ($lang:expr, $ko:literal, $en:literal $(, $value:expr)* $(,)?) => {
        match $lang {
            view::Lang::Ko => format!($ko $(, $value)*),
            view::Lang::En => format!($en $(, $value)*),
        }
    };
}
pub(crate) use say;

#[cfg(test)]
mod tests;
