//! What may be written at a place: fields of the schema, their values, and names that the market and the cluster know.

mod values;

use crate::cursor::{Cursor, Role, locate};
use crate::finding::{Range, Spot};
use crate::{Around, say};
use objects::collections::Order as _;
use objects::schema::{self, Field, Type};
use objects::{Kind, collections::VecSet};
use view::Lang;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemKind {
    Field,
    Value,
    /// A key of a label.
    Label,
    /// The name of a live object.
    Name,
}

/// One offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub label: String,
    pub kind: ItemKind,
    /// Type, price, or another short remark.
    pub detail: String,
    /// What is written in place of [`Completions::range`].
    pub insert: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completions {
    /// The word that an offer replaces.
    pub range: Range,
    /// Best first.
    pub items: Vec<Item>,
}

/// Most offers at once.
const SHOWN: usize = 300;

/// Offers at a place; `None` where there is nothing to say.
pub fn complete(text: &str, spot: Spot, around: &Around<'_>) -> Option<Completions> {
    let cursor = locate(text, spot)?;
    let mut items = match &cursor.role {
        Role::Value(key) => values::of_field(&cursor, key, around),
        Role::Word => words(&cursor, around),
    };
    let typed = cursor.prefix.to_lowercase();
    items.retain(|i| i.label.to_lowercase().contains(&typed));
    // Those that begin with what was typed come first; the order is kept otherwise.
    let (first, rest): (Vec<Item>, Vec<Item>) = items.into_iter().partition(|i| i.label.to_lowercase().starts_with(&typed));
    let mut items: Vec<Item> = first.into_iter().chain(rest).collect();
    items.truncate(SHOWN);
    (!items.is_empty()).then_some(Completions { range: cursor.range, items })
}

/// An item of a list, or a key.
fn words(cursor: &Cursor, around: &Around<'_>) -> Vec<Item> {
    let Some(kind) = cursor.kind else { return top_level(cursor, around) };
    if cursor.path.ends_with(']') {
        let list = cursor.path.rsplit_once('[').map_or("", |(list, _)| list);
        let element = schema::field(kind, list).map(|f| f.ty);
        if !matches!(element, Some(Type::List(of)) if matches!(*of, Type::Object(_))) {
            return values::of_item(cursor, list, around);
        }
    }
    let field = schema::field(kind, &cursor.path);
    match field.as_ref().map(|f| innermost(&f.ty)) {
        Some(Type::ResourceList) => values::resources(cursor),
        _ if field.as_ref().is_some_and(|f| matches!(f.ty, Type::Map(_))) => values::label_keys(cursor, around),
        _ => keys(cursor, &schema::fields_at(kind, &cursor.path), around.lang),
    }
}

/// The list's own element, the map's own value.
fn innermost(ty: &Type) -> &Type {
    match ty {
        Type::List(of) => innermost(of),
        ty => ty,
    }
}

/// A document that does not say yet what it is.
fn top_level(cursor: &Cursor, around: &Around<'_>) -> Vec<Item> {
    if !cursor.path.is_empty() {
        return Vec::new();
    }
    keys(cursor, &schema::fields_of(Kind::pool(around.era)), around.lang)
}

fn keys(cursor: &Cursor, fields: &[Field], lang: Lang) -> Vec<Item> {
    let there: VecSet<&str> = cursor.siblings.iter().map(|(k, _)| k.as_str()).collect();
    let server = |name: &str| cursor.path.is_empty() && name == "status";
    let mut fields: Vec<&Field> = fields.iter().filter(|f| !there.contains(f.name) && !server(f.name)).collect();
    // Required ones first, as they must come anyway.
    fields.order_by(|a, b| (!a.required, a.name).cmp(&(!b.required, b.name)));
    let item = |f: &&Field| Item {
        label: f.name.to_owned(),
        kind: ItemKind::Field,
        detail: detail(f, lang),
        insert: format!("{}:{}", f.name, opening(cursor, &f.ty)),
    };
    fields.iter().map(item).collect()
}

fn detail(field: &Field, lang: Lang) -> String {
    let ty = field.ty.explain();
    if field.required { say!(lang, "{ty}, 필수", "{ty}, required") } else { ty }
}

/// What follows the colon of a key: a space, or the start of the block below.
fn opening(cursor: &Cursor, ty: &Type) -> String {
    let below = " ".repeat(cursor.indent + 2);
    match ty {
        _ if cursor.flow => " ".to_owned(),
        Type::Object(_) | Type::Map(_) | Type::ResourceList => format!("\n{below}"),
        Type::List(_) => format!("\n{below}- "),
        _ => " ".to_owned(),
    }
}
