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
use objects::collections::{Order as _, VecSet};
use objects::schema::Docs;
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
    /// Descriptions of fields, as far as they are loaded.
    pub docs: Option<&'a Docs>,
}

impl<'a> Around<'a> {
    /// Files without a cluster: documents are checked against each other alone.
    pub fn files(era: Era, market: &'a Market, lang: Lang) -> Around<'a> {
        // Any fixed day will do: schedules repeat.
        Around { era, lang, market, store: None, now_ms: 1_767_225_600_000, docs: None }
    }

    /// A running session as `snapshot` shows it.
    pub fn session(session: &'a Session, snapshot: &'a Snapshot, lang: Lang) -> Around<'a> {
        Around {
            era: snapshot.profile.era,
            lang,
            market: session.market(),
            store: Some(&snapshot.store),
            now_ms: snapshot.unix_ms(),
            docs: None,
        }
    }

    /// With the descriptions of fields.
    pub fn with_docs(self, docs: &'a Docs) -> Around<'a> {
        Around { docs: Some(docs), ..self }
    }

    /// The values that a label has among the types of the market.
    fn label_values(&self, key: &str) -> VecSet<&'a str> {
        let market: &'a Market = self.market;
        let named = market.types().iter().filter_map(|t| t.requirements.get(key)).filter(|r| !r.is_complement());
        named.flat_map(|r| r.values().map(|v| &**v)).collect()
    }
}

/// Most problems told at once.
pub const SHOWN: usize = 200;

/// Problems of a text, in reading order.
pub fn check(text: &str, around: &Around<'_>) -> Vec<Finding> {
    check_all(&[text], around).into_iter().next().unwrap_or_default()
}

/// Problems of several texts whose documents belong together, by text.
pub fn check_all(texts: &[&str], around: &Around<'_>) -> Vec<Vec<Finding>> {
    let streams: Vec<yaml::Stream> = texts.iter().map(|t| yaml::parse(t)).collect();
    // Documents are numbered through all texts while they are looked at together.
    let mut documents: Vec<document::Read<'_>> = Vec::new();
    let mut firsts = Vec::new();
    for (text, stream) in texts.iter().zip(&streams) {
        firsts.push(documents.len());
        for d in &stream.documents {
            documents.push(document::Read::of(documents.len(), d, text, around.era));
        }
    }
    let mut all = Vec::new();
    for read in &documents {
        document::check(read, around, &mut all);
    }
    semantic::check(&documents, around, &mut all);
    let mut out = Vec::new();
    for (i, (text, stream)) in texts.iter().zip(&streams).enumerate() {
        let first = firsts.get(i).copied().unwrap_or(0);
        let end = first + stream.documents.len();
        let mut own = text::check(text, around.lang);
        own.extend(stream.error.iter().map(|e| text::syntax(text, e, around.lang)));
        for f in all.iter().filter(|f| f.document.is_some_and(|d| (first..end).contains(&d))) {
            own.push(Finding { document: f.document.map(|d| d - first), ..f.clone() });
        }
        own.order_by(|a, b| (a.range.start, a.code.id, &a.path).cmp(&(b.range.start, b.code.id, &b.path)));
        own.dedup();
        own.truncate(SHOWN);
        out.push(own);
    }
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
