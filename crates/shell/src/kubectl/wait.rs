//! kubectl wait. Source: k8s.io/kubectl/pkg/cmd/wait/wait.go, v0.28.

use super::get::{Filter, find};
use super::jsonpath::Template;
use super::manifest;
use super::output::name_of;
use super::resolve::resolve;
use super::{Call, Fail, Next, api, api_text, snapshot};
use crate::run::{Ctx, Io, Program, Step};
use engine::SimTime;
use objects::{DocExt, Object, ObjectKey};

#[derive(Debug)]
enum For {
    Delete,
    Create,
    Condition { name: String, value: String },
    Path { template: Template, value: Option<String> },
}

fn goal(call: &Call) -> Result<For, Fail> {
    let text = call.flags.text("for").ok_or_else(|| Fail::error("unrecognized condition: \"\""))?;
    if let Some(rest) = text.strip_prefix("condition=") {
        let (name, value) = rest.split_once('=').unwrap_or((rest, "true"));
        return Ok(For::Condition { name: name.to_owned(), value: value.to_owned() });
    }
    if let Some(rest) = text.strip_prefix("jsonpath=") {
        let (path, value) = match rest.find("}=") {
            Some(at) => (rest.get(..=at).unwrap_or(rest), rest.get(at + 2..).map(str::to_owned)),
            None => match rest.split_once('=') {
                Some((path, value)) if !rest.starts_with('{') => (path, Some(value.to_owned())),
                _ => (rest, None),
            },
        };
        return Ok(For::Path { template: Template::relaxed(path.trim_matches('\'')).map_err(Fail::error)?, value });
    }
    match text.to_lowercase().as_str() {
        "delete" => Ok(For::Delete),
        "create" => Ok(For::Create),
        _ => Err(Fail::error(format!("unrecognized condition: \"{text}\""))),
    }
}

pub fn run(call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    let goal = goal(call)?;
    let asked = match manifest::named(call, ctx)? {
        Some(asked) => asked,
        None => resolve(&call.args, api(ctx))?,
    };
    let by_list = call.flags.on("all") || call.flags.given("selector") || call.flags.given("field-selector");
    if !asked.named() && !by_list {
        return Err(Fail::no_name());
    }
    let found = find(&asked, &Filter::read(call, ctx)?, &snapshot(ctx));
    if let Some(error) = found.missing.first() {
        if matches!(goal, For::Delete) && found.objects.iter().all(|(_, o)| o.is_empty()) {
            return Ok(Next::Done(0));
        }
        if !matches!(goal, For::Create) {
            return Err(Fail { text: format!("{}\n", api_text(error, "")), exit: 1 });
        }
    }
    let mut waiting: Vec<(ObjectKey, String)> =
        found.objects.iter().flat_map(|(_, o)| o).map(|o| (o.key(), o.meta.uid.clone())).collect();
    if matches!(goal, For::Create) {
        for ask in &asked.asks {
            let namespace = ask.namespace.as_deref().unwrap_or(call.namespace(ctx)).to_owned();
            waiting.extend(
                ask.names
                    .iter()
                    .map(|n| (ObjectKey::new(ask.kind, &namespace, n), String::new()))
                    .filter(|(k, _)| !found.objects.iter().flat_map(|(_, o)| o).any(|o| o.key() == *k)),
            );
        }
    }
    if waiting.is_empty() {
        io.err("error: no matching resources found\n");
        return Ok(Next::Done(1));
    }
    let timeout = call.flags.duration("timeout").unwrap_or(30_000);
    // A negative timeout waits for a week, zero looks once.
    let timeout = u64::try_from(timeout).unwrap_or(7 * 86_400_000);
    Ok(Next::Go(Box::new(Wait { goal, waiting, until: ctx.now() + timeout })))
}

#[derive(Debug)]
struct Wait {
    goal: For,
    waiting: Vec<(ObjectKey, String)>,
    until: SimTime,
}

fn met(goal: &For, object: Option<&Object>) -> bool {
    match (goal, object) {
        (For::Delete, object) => object.is_none(),
        (For::Create, object) => object.is_some(),
        (_, None) => false,
        (For::Condition { name, value }, Some(o)) => o
            .doc
            .list_at("status.conditions")
            .iter()
            .find(|c| c.str_at("type").is_some_and(|t| t.eq_ignore_ascii_case(name)))
            .and_then(|c| c.str_at("status"))
            .is_some_and(|s| s.eq_ignore_ascii_case(value)),
        (For::Path { template, value }, Some(o)) => {
            let found = template.values(&o.doc);
            match value {
                None => !found.is_empty(),
                Some(value) => found.first().is_some_and(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned) == *value),
            }
        }
    }
}

impl Program for Wait {
    fn step(&mut self, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Step {
        let snapshot = ctx.session.snapshot();
        let goal = &self.goal;
        self.waiting.retain(|(key, uid)| {
            let object = snapshot.store.get(key).filter(|o| uid.is_empty() || o.meta.uid == *uid || !matches!(goal, For::Delete));
            if !met(goal, object.map(AsRef::as_ref)) {
                return true;
            }
            io.out(&format!("{} condition met\n", name_of(key.kind, &key.name)));
            false
        });
        if self.waiting.is_empty() {
            return Step::Done(0);
        }
        if ctx.now() >= self.until {
            for (key, _) in &self.waiting {
                io.err(&format!("error: timed out waiting for the condition on {}/{}\n", key.kind.info().plural, key.name));
            }
            return Step::Done(1);
        }
        Step::Wait(Some(self.until))
    }
}
