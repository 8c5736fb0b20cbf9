//! What the word at a place means: a field's documentation, an instance type's size and price, a schedule's next times.

use crate::cursor::{Role, join, locate, word_end};
use crate::finding::{Range, Spot};
use crate::{Around, say};
use engine::controllers::Schedule;
use engine::scheduling::{InstanceType, labels};
use objects::quantity::Quantity;
use objects::schema::{self, Field, Pattern, Type};
use objects::{Kind, time};

/// What is shown over a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hover {
    pub range: Range,
    /// `replicas <integer>`
    pub title: String,
    /// Paragraphs; those of the schema are English in both languages.
    pub body: Vec<String>,
}

/// About the word at a place; `None` where there is nothing to say.
pub fn hover(text: &str, spot: Spot, around: &Around<'_>) -> Option<Hover> {
    let cursor = locate(text, word_end(text, spot))?;
    let word = cursor.word.trim_end_matches(':');
    let about = |title: String, body: Vec<String>| Hover { range: cursor.range, title, body };
    if let Some(known) = known_word(word, around) {
        return Some(about(known.0, known.1));
    }
    let kind = cursor.kind?;
    match &cursor.role {
        Role::Word if !cursor.path.ends_with(']') || schema::field(kind, &join(&cursor.path, word)).is_some() => {
            let path = join(&cursor.path, word);
            let field = schema::field(kind, &path).filter(|f| f.name == word)?;
            Some(about(format!("{word} <{}>", field.ty.explain()), field_body(kind, &path, &field, around)))
        }
        Role::Value(key) if cursor.path.is_empty() && key == "kind" => {
            Some(about(kind.name().to_owned(), around.docs.and_then(|d| d.kind(kind)).into_iter().collect()))
        }
        Role::Value(key) => {
            let path = join(&cursor.path, key);
            let field = schema::field(kind, &path)?;
            let body = value_body(&field, key, word, around);
            (!body.is_empty()).then(|| about(word.to_owned(), body))
        }
        Role::Word => None,
    }
}

/// Instance types and well-known labels mean the same wherever they stand.
fn known_word(word: &str, around: &Around<'_>) -> Option<(String, Vec<String>)> {
    if let Some((_, t)) = around.market.types().named(word) {
        let labels: Vec<String> = t
            .requirements
            .iter()
            .filter(|r| r.key.starts_with("karpenter.k8s.aws/instance-"))
            .filter_map(|r| Some(format!("{}: {}", r.key.strip_prefix("karpenter.k8s.aws/instance-")?, r.single()?)))
            .collect();
        return Some((word.to_owned(), vec![type_line(t, around), labels.join(", ")]));
    }
    let key = labels::normalized(word);
    let is_label = key.contains('/') && labels::is_well_known(around.era, key);
    if !is_label {
        return None;
    }
    let values = around.label_values(key);
    let count = values.len();
    let some: Vec<&str> = values.into_iter().take(12).collect();
    let some = some.join(", ");
    let more = if count > 12 { ", ..." } else { "" };
    let line = say!(around.lang, "이 리전의 값 {count}가지: {some}{more}", "{count} values in this region: {some}{more}");
    Some((key.to_owned(), vec![line]))
}

/// `2 vCPU, 7.3 GiB allocatable of 8, on-demand $0.118/h, spot from $0.036/h`
pub(crate) fn type_line(t: &InstanceType, around: &Around<'_>) -> String {
    let cpu = t.capacity.cpu() / 1000;
    let (have, free) = (gib(t.capacity.memory()), gib(t.allocatable.memory()));
    let free_cpu = t.allocatable.cpu();
    let pods = t.allocatable.get("pods");
    let cheapest = |kind: &str| t.offerings.iter().filter(|o| &*o.capacity_type == kind).map(|o| o.price_micro).min();
    let price = |micro: i64| format!("${}.{:04}", micro / 1_000_000, micro % 1_000_000 / 100);
    let mut line = say!(
        around.lang,
        "vCPU {cpu} (파드에 {free_cpu}m), 메모리 {have} GiB (파드에 {free} GiB), 파드 {pods}개",
        "{cpu} vCPU ({free_cpu}m for pods), {have} GiB ({free} GiB for pods), {pods} pods"
    );
    if let Some(p) = cheapest(labels::ON_DEMAND).map(price) {
        line.push_str(&say!(around.lang, ", 온디맨드 시간당 {p}", ", on-demand {p}/h"));
    }
    if let Some(p) = cheapest(labels::SPOT).map(price) {
        line.push_str(&say!(around.lang, ", 스팟 시간당 {p}부터", ", spot from {p}/h"));
    }
    line
}

/// GiB with one decimal.
pub(crate) fn gib(bytes: i64) -> String {
    let tenths = bytes.saturating_mul(10) / (1 << 30);
    if tenths % 10 == 0 { (tenths / 10).to_string() } else { format!("{}.{}", tenths / 10, tenths % 10) }
}

fn field_body(kind: Kind, path: &str, field: &Field, around: &Around<'_>) -> Vec<String> {
    let lang = around.lang;
    let mut body = vec![format!("{}.{path}", kind.name())];
    body.extend(around.docs.and_then(|d| d.field(kind, path)));
    if field.required {
        body.push(lang.pick("필수", "Required").to_owned());
    }
    if !field.values.is_empty() {
        let values = field.values.join(", ");
        body.push(say!(lang, "쓸 수 있는 값: {values}", "One of: {values}"));
    }
    if let Some(default) = field.default {
        body.push(say!(lang, "비워 두면: {default}", "Default: {default}"));
    }
    match (field.min, field.max) {
        (Some(min), Some(max)) => body.push(format!("{min} - {max}")),
        (Some(min), None) => body.push(format!(">= {min}")),
        _ => {}
    }
    body
}

fn value_body(field: &Field, key: &str, word: &str, around: &Around<'_>) -> Vec<String> {
    let lang = around.lang;
    let mut body = Vec::new();
    if matches!(field.ty, Type::ResourceList | Type::Quantity)
        && let Ok(q) = Quantity::parse(word)
    {
        if key == "cpu" {
            let (milli, whole, rest) = (q.milli(), q.milli() / 1000, q.milli() % 1000);
            body.push(say!(lang, "vCPU {whole}.{rest:03}개 ({milli}m)", "{whole}.{rest:03} of a vCPU ({milli}m)"));
        } else if key == "memory" || key.ends_with("storage") {
            let (bytes, gib) = (q.value(), gib(q.value()));
            body.push(say!(lang, "{bytes}바이트 ({gib} GiB)", "{bytes} bytes ({gib} GiB)"));
        }
    }
    if field.pattern == Some(Pattern::Cron)
        && let Ok(schedule) = Schedule::parse(word)
    {
        let mut at = around.now_ms;
        for _ in 0..3 {
            let Some(next) = schedule.next(at) else { break };
            body.push(say!(lang, "다음: {} (UTC)", "next: {} (UTC)", time::rfc3339(next)));
            at = next;
        }
    }
    body
}
