//! Reads lesson files. Every error names its place, as authors of lessons meet them.

use crate::LessonError;
use crate::check::{Check, Since};
use crate::lesson::{Command, Lesson, Mistake, Observe, Pane, Predict, Quiz, Reference, Repair, Step};
use crate::measure::{Measure, Moment};
use crate::predicate::{Filter, Is, Op, Selector};
use crate::text::Text;
use objects::{DocExt, Era, Kind, ObjectKey, Value};

type Read<T> = Result<T, LessonError>;

/// Longest waits of a reference solution, where the file gives none.
const WAIT_S: u64 = 600;

pub(crate) fn lesson(v: &Value) -> Read<Lesson> {
    let era = Era::parse(string(v, "era", "")?).ok_or_else(|| wrong("era", "is neither v1alpha5 nor v1"))?;
    let steps = list(v, "steps", "")?;
    Ok(Lesson {
        id: string(v, "id", "")?.to_owned(),
        era,
        title: text(v, "title", "")?,
        minutes: u32::try_from(int(v, "minutes", "")?).map_err(|_| wrong("minutes", "is no number of minutes"))?,
        start: string(v, "start", "")?.to_owned(),
        seed: u64::try_from(int(v, "seed", "")?).map_err(|_| wrong("seed", "is negative"))?,
        steps: steps.iter().enumerate().map(|(i, s)| step(s, &format!("steps[{i}]"), era)).collect::<Read<_>>()?,
    })
}

fn wrong(place: &str, what: &str) -> LessonError {
    LessonError(format!("{place} {what}"))
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn string<'a>(v: &'a Value, name: &str, path: &str) -> Read<&'a str> {
    v.field(name).as_str().ok_or_else(|| wrong(&join(path, name), "must be a text"))
}

fn int(v: &Value, name: &str, path: &str) -> Read<i64> {
    v.field(name).as_i64().ok_or_else(|| wrong(&join(path, name), "must be a whole number"))
}

fn list<'a>(v: &'a Value, name: &str, path: &str) -> Read<&'a [Value]> {
    match v.field(name) {
        Value::Array(items) => Ok(items),
        Value::Null => Ok(&[]),
        _ => Err(wrong(&join(path, name), "must be a list")),
    }
}

/// Both languages, neither empty.
fn text(v: &Value, name: &str, path: &str) -> Read<Text> {
    text_of(v.field(name), &join(path, name))
}

fn text_of(v: &Value, place: &str) -> Read<Text> {
    let part = |lang: &str| {
        let found = v.field(lang).as_str().map(str::trim).filter(|t| !t.is_empty());
        found.map(str::to_owned).ok_or_else(|| wrong(place, &format!("has no `{lang}`")))
    };
    Ok(Text { ko: part("ko")?, en: part("en")? })
}

fn optional<T>(v: &Value, name: &str, read: impl FnOnce(&Value) -> Read<T>) -> Read<Option<T>> {
    match v.field(name) {
        Value::Null => Ok(None),
        found => read(found).map(Some),
    }
}

fn each<T>(v: &Value, name: &str, path: &str, read: impl Fn(&Value, &str) -> Read<T>) -> Read<Vec<T>> {
    let place = join(path, name);
    list(v, name, path)?.iter().enumerate().map(|(i, item)| read(item, &format!("{place}[{i}]"))).collect()
}

fn step(v: &Value, path: &str, era: Era) -> Read<Step> {
    let check_at = |v: &Value, p: &str| check(v, p, era);
    let hints = each(v, "hints", path, text_of)?;
    if hints.len() != 3 {
        return Err(wrong(&join(path, "hints"), "must have three rungs"));
    }
    let checks = each(v, "checks", path, |c, p| Ok((check(c, p, era)?, text(c, "say", p)?)))?;
    if checks.is_empty() {
        return Err(wrong(&join(path, "checks"), "is empty: nothing would have to be done"));
    }
    Ok(Step {
        id: string(v, "id", path)?.to_owned(),
        title: text(v, "title", path)?,
        goal: text(v, "goal", path)?,
        commands: each(v, "commands", path, command)?,
        predict: optional(v, "predict", |p| predict(p, &join(path, "predict")))?,
        observe: each(v, "observe", path, observe)?,
        checks,
        quiz: optional(v, "quiz", |q| quiz(q, &join(path, "quiz")))?,
        mistakes: each(v, "mistakes", path, |m, p| {
            Ok(Mistake {
                when: check(m.field("when"), &join(p, "when"), era)?,
                hint: text(m, "hint", p)?,
                repair: optional(m, "repair", |r| repair(r, &join(p, "repair")))?,
            })
        })?,
        hints,
        hint_command: string(v, "hint_command", path)?.trim_end().to_owned(),
        why: optional(v, "why", |w| text_of(w, &join(path, "why")))?,
        success: text(v, "success", path)?,
        measures: each(v, "measures", path, |m, p| measure(m, p, era))?,
        reference: each(v, "reference", path, |r, p| reference(r, p, era))?,
        golden: each(v, "golden", path, check_at)?,
    })
}

fn command(v: &Value, path: &str) -> Read<Command> {
    if let Some(run) = v.as_str() {
        return Ok(Command { run: run.trim_end().to_owned(), note: None, optional: false });
    }
    Ok(Command {
        run: string(v, "run", path)?.trim_end().to_owned(),
        note: optional(v, "note", |n| text_of(n, &join(path, "note")))?,
        optional: v.bool_at("optional").unwrap_or(false),
    })
}

fn predict(v: &Value, path: &str) -> Read<Predict> {
    let Quiz { question, options, answer } = quiz(v, path)?;
    Ok(Predict { question, options, answer, reveal: text(v, "reveal", path)? })
}

fn quiz(v: &Value, path: &str) -> Read<Quiz> {
    let options = each(v, "options", path, text_of)?;
    let answer = usize::try_from(int(v, "answer", path)?).unwrap_or(usize::MAX);
    if answer >= options.len() {
        return Err(wrong(&join(path, "answer"), "names no option"));
    }
    Ok(Quiz { question: text(v, "question", path)?, options, answer })
}

fn observe(v: &Value, path: &str) -> Read<Observe> {
    let pane = match string(v, "pane", path)? {
        "terminal" => Pane::Terminal,
        "log" => Pane::Log,
        "node-viewer" => Pane::NodeViewer,
        "ops-view" => Pane::OpsView,
        "yaml" => Pane::Yaml,
        other => return Err(wrong(path, &format!("names no pane: `{other}`"))),
    };
    Ok(Observe { pane, text: text_of(v, path)? })
}

fn repair(v: &Value, path: &str) -> Read<Repair> {
    match v {
        Value::String(s) if s == "strip-remarks" => Ok(Repair::StripRemarks),
        Value::String(s) if s == "normalise" => Ok(Repair::Normalise),
        v => Ok(Repair::Command(string(v, "command", path)?.to_owned())),
    }
}

fn reference(v: &Value, path: &str, era: Era) -> Read<Reference> {
    let max_s = v.int_at("max_s").and_then(|s| u64::try_from(s).ok()).unwrap_or(WAIT_S);
    if let Some(run) = v.str_at("run") {
        return Ok(Reference::Run(run.trim_end().to_owned()));
    }
    if let Some(s) = v.int_at("wait_s") {
        return Ok(Reference::WaitS(u64::try_from(s).map_err(|_| wrong(path, "waits a negative time"))?));
    }
    match v.field("wait_until") {
        Value::String(s) if s == "passed" => Ok(Reference::WaitPassed { max_s }),
        until => Ok(Reference::WaitUntil { check: check(until, &join(path, "wait_until"), era)?, max_s }),
    }
}

/// `Deployment/inflate`, `kube-system/DaemonSet/aws-node`, `Node` (without a name).
fn target(name: &str, path: &str, era: Era) -> Read<ObjectKey> {
    let parts: Vec<&str> = name.split('/').collect();
    let (namespace, kind, name) = match parts.as_slice() {
        [kind] => ("default", *kind, ""),
        [kind, name] => ("default", *kind, *name),
        [namespace, kind, name] => (*namespace, *kind, *name),
        _ => return Err(wrong(path, &format!("is no object: `{name}`"))),
    };
    Ok(ObjectKey::new(kind_of(kind, path, era)?, namespace, name))
}

fn kind_of(name: &str, path: &str, era: Era) -> Read<Kind> {
    Kind::parse(name, era).ok_or_else(|| wrong(path, &format!("names no kind of this era: `{name}`")))
}

fn since(v: &Value, path: &str) -> Read<Since> {
    match v.str_at("since") {
        None | Some("step") => Ok(Since::Step),
        Some("previous") => Ok(Since::Previous),
        Some("lesson") => Ok(Since::Lesson),
        Some(other) => Err(wrong(&join(path, "since"), &format!("is neither step, previous nor lesson: `{other}`"))),
    }
}

/// One check: a map with one of the names below (and `say`, where a learner reads it).
fn check(v: &Value, path: &str, era: Era) -> Read<Check> {
    let mut names = v.as_object().into_iter().flatten().filter(|(k, _)| *k != "say");
    let (Some((name, body)), None) = (names.next(), names.next()) else {
        return Err(wrong(path, "must be one check"));
    };
    let place = join(path, name);
    let text = |field: &str| body.str_at(field).unwrap_or_default().to_owned();
    let many = || {
        let items = body.as_array().ok_or_else(|| wrong(&place, "must be a list of checks"))?;
        items.iter().enumerate().map(|(i, c)| check(c, &format!("{place}[{i}]"), era)).collect::<Read<Vec<_>>>()
    };
    Ok(match name.as_str() {
        "all" => Check::All(many()?),
        "any" => Check::Any(many()?),
        "not" => Check::Not(Box::new(check(body, &place, era)?)),
        "count" => {
            let (op, n) = Op::split(string(body, "is", &place)?);
            let n = n.parse().map_err(|_| wrong(&place, "compares with no number"))?;
            let kind = kind_of(string(body, "kind", &place)?, &place, era)?;
            Check::Count { kind, filter: filter(body, &place)?, op, n }
        }
        "field" => Check::Field {
            key: target(string(body, "of", &place)?, &place, era)?,
            path: string(body, "path", &place)?.to_owned(),
            is: Is::read(body.field("is")).ok_or_else(|| wrong(&place, "has no `is`"))?,
        },
        "exists" | "absent" => {
            let key = target(body.as_str().unwrap_or_default(), &place, era)?;
            Check::Exists { key, is: name == "exists" }
        }
        "event" => Check::Event {
            reason: string(body, "reason", &place)?.to_owned(),
            kind: optional(body, "kind", |k| kind_of(k.as_str().unwrap_or_default(), &place, era))?,
            since: since(body, &place)?,
        },
        "listed" => Check::Listed {
            kind: kind_of(string(body, "kind", &place)?, &place, era)?,
            name: text("name"),
            selector: text("selector"),
            label: body.field("label").as_str().unwrap_or_default().to_owned(),
            rows: body.int_at("rows").and_then(|n| usize::try_from(n).ok()).unwrap_or(1),
            since: since(body, &place)?,
        },
        "log" => Check::Log { contains: string(body, "contains", &place)?.to_owned(), since: since(body, &place)? },
        "viewer" => Check::Viewer { since: since(body, &place)? },
        "decided" => Check::Decided { method: string(body, "method", &place)?.to_owned(), since: since(body, &place)? },
        "elapsed" => Check::Elapsed {
            measure: measure(body, &place, era)?,
            min_s: body.int_at("min_s").and_then(|n| u64::try_from(n).ok()).unwrap_or(0),
            max_s: body.int_at("max_s").and_then(|n| u64::try_from(n).ok()).unwrap_or(u64::MAX),
        },
        "rate" if body.as_str() == Some("< start") => Check::RateBelowStart,
        "answered" => Check::Answered,
        "failed" => Check::Failed { contains: string(body, "contains", &place)?.to_owned() },
        _ => return Err(wrong(&place, "is no check")),
    })
}

fn filter(v: &Value, path: &str) -> Read<Filter> {
    let mut filter = Filter {
        selector: Selector::read(v.str_at("selector").unwrap_or_default()),
        namespace: v.str_at("namespace").unwrap_or_default().to_owned(),
        ready: v.bool_at("ready"),
        deleting: v.bool_at("deleting"),
        node: v.str_at("node").map(Selector::read),
        fields: Vec::new(),
    };
    for (field, is) in v.field("where").as_object().into_iter().flatten() {
        let is = Is::read(is).ok_or_else(|| wrong(&join(path, "where"), "compares with nothing"))?;
        filter.fields.push((field.clone(), is));
    }
    Ok(filter)
}

fn measure(v: &Value, path: &str, era: Era) -> Read<Measure> {
    Ok(Measure {
        name: v.str_at("name").unwrap_or_default().to_owned(),
        from: moment(v.field("from"), &join(path, "from"), era)?,
        to: moment(v.field("to"), &join(path, "to"), era)?,
    })
}

fn moment(v: &Value, path: &str, era: Era) -> Read<Moment> {
    let (what, removed) = match (v.str_at("removed"), v.str_at("added")) {
        (Some(what), None) => (what, true),
        (None, Some(what)) => (what, false),
        _ => return Err(wrong(path, "must be `removed` or `added`")),
    };
    let key = target(what, path, era)?;
    Ok(Moment { kind: key.kind, name: key.name, selector: Selector::read(v.str_at("selector").unwrap_or_default()), removed })
}
