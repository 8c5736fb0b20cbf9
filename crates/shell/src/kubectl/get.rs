//! kubectl get.

use super::columns::{Facts, layout};
use super::jsonpath::Template;
use super::output::{Output, name_of};
use super::resolve::{Asked, resolve};
use super::selector::{Fields, Labels};
use super::table::Table;
use super::watch::Watch;
use super::{Call, Fail, Next, api, era, snapshot};
use crate::run::{Ctx, Io};
use engine::Snapshot;
use engine::session::Seen;
use objects::collections::Order as _;
use objects::collections::VecSet;
use objects::{ApiError, Kind, Object, ObjectKey, Reason, Value};
use std::cmp::Ordering;
use std::sync::Arc;

/// Which objects of a kind are wanted.
#[derive(Clone, Debug)]
pub struct Filter {
    pub labels: Labels,
    pub fields: Fields,
    /// `None` for all namespaces.
    pub namespace: Option<String>,
}

impl Filter {
    pub fn read(call: &Call, ctx: &Ctx<'_>) -> Result<Filter, Fail> {
        let namespace = (!call.all_namespaces()).then(|| call.namespace(ctx).to_owned());
        let (labels, fields) = (call.flags.text("selector").unwrap_or(""), call.flags.text("field-selector").unwrap_or(""));
        let wrong = |why: String| {
            Fail::error(format!("Unable to find that match label selector \"{labels}\", field selector \"{fields}\": {why}"))
        };
        Ok(Filter {
            labels: Labels::parse(labels)
                .or_else(|why| if labels.is_empty() { Ok(Labels::default()) } else { Err(wrong(why)) })?,
            fields: Fields::parse(fields).map_err(Fail::error)?,
            namespace,
        })
    }

    pub fn matches(&self, object: &Object) -> bool {
        (!object.kind.namespaced() || self.namespace.as_ref().is_none_or(|n| *n == object.meta.namespace))
            && self.labels.matches(&object.meta.labels)
            && self.fields.matches(object)
    }
}

/// The server's refusal of selectors it cannot serve for `kind`.
pub fn check_selectors(call: &Call, kind: Kind) -> Result<(), Fail> {
    let labels = call.flags.text("selector").unwrap_or("");
    let fields = call.flags.text("field-selector").unwrap_or("");
    let why = match Labels::parse(labels) {
        Err(why) => Some(why),
        Ok(_) => Fields::parse(fields)
            .map_err(Fail::error)?
            .unsupported(kind)
            .map(|field| format!("field label not supported: {field}")),
    };
    let Some(why) = why else {
        return Ok(());
    };
    let info = kind.info();
    let group = if info.group.is_empty() { String::new() } else { info.group.to_owned() };
    Err(Fail {
        text: format!(
            "Error from server (BadRequest): Unable to find \"{group}/{}, Resource={}\" that match label selector \
             \"{labels}\", field selector \"{fields}\": {why}\n",
            info.version, info.plural
        ),
        exit: 1,
    })
}

/// `pods "x" not found`.
pub fn not_found(kind: Kind, name: &str) -> ApiError {
    ApiError::new(Reason::NotFound, format!("{} \"{name}\" not found", kind.resource()))
}

/// What was found and what was not.
#[derive(Debug, Default)]
pub struct Found {
    pub objects: Vec<(Kind, Vec<Arc<Object>>)>,
    pub missing: Vec<ApiError>,
}

impl Found {
    /// Prints what was not found; true if there is such.
    pub fn say_missing(&self, io: &mut Io<'_>) -> bool {
        for error in &self.missing {
            io.err(&Fail::api(error).text);
        }
        !self.missing.is_empty()
    }
}

/// Names go with no selector and with one namespace only, and selectors must be ones that the server knows for the kind.
pub fn check_asked(call: &Call, asked: &Asked) -> Result<(), Fail> {
    if asked.named() && (call.flags.given("selector") || call.flags.given("field-selector")) {
        return Err(Fail::error("name cannot be provided when a selector is specified"));
    }
    if asked.named() && call.all_namespaces() {
        return Err(Fail::error("a resource cannot be retrieved by name across all namespaces"));
    }
    asked.asks.iter().try_for_each(|ask| check_selectors(call, ask.kind))
}

pub fn find(asked: &Asked, filter: &Filter, snapshot: &Snapshot) -> Found {
    let mut found = Found::default();
    for ask in &asked.asks {
        let mut objects = Vec::new();
        if ask.names.is_empty() {
            objects.extend(snapshot.store.list(ask.kind).filter(|o| filter.matches(o)).cloned());
        }
        for name in &ask.names {
            let namespace = ask.namespace.as_deref().or(filter.namespace.as_deref()).unwrap_or_default();
            match snapshot.store.get(&ObjectKey::new(ask.kind, namespace, name)) {
                Some(object) => objects.push(object.clone()),
                None => found.missing.push(not_found(ask.kind, name)),
            }
        }
        found.objects.push((ask.kind, objects));
    }
    found
}

/// How rows of one kind are set, headers and label columns included.
#[derive(Clone, Debug)]
pub struct Rows {
    pub wide: bool,
    pub all_namespaces: bool,
    pub label_columns: Vec<String>,
    pub show_labels: bool,
    /// Names carry their kind (`pod/x`).
    pub with_kind: bool,
}

impl Rows {
    pub fn headers(&self, kind: Kind, facts: &Facts) -> Vec<String> {
        let mut cells = Vec::new();
        if self.all_namespaces && kind.namespaced() {
            cells.push("NAMESPACE".to_owned());
        }
        cells.extend(layout(kind, facts.era).headers(self.wide));
        cells.extend(self.label_columns.iter().map(|l| l.rsplit('/').next().unwrap_or(l).to_uppercase()));
        if self.show_labels {
            cells.push("LABELS".to_owned());
        }
        cells
    }

    pub fn cells(&self, object: &Object, facts: &Facts) -> Vec<String> {
        let mut own = layout(object.kind, facts.era).cells(object, facts, self.wide);
        if self.with_kind
            && object.kind != Kind::Event
            && let Some(name) = own.first_mut()
        {
            *name = name_of(object.kind, name);
        }
        let mut cells = Vec::new();
        if self.all_namespaces && object.kind.namespaced() {
            cells.push(object.meta.namespace.clone());
        }
        cells.append(&mut own);
        cells.extend(self.label_columns.iter().map(|l| object.meta.labels.get(l).cloned().unwrap_or_default()));
        if self.show_labels {
            cells.push(super::columns::labels_text(&object.meta.labels));
        }
        cells
    }
}

pub fn run(call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    if let Some(path) = call.flags.text("raw") {
        return raw(path, call, io, ctx);
    }
    let era = era(ctx);
    let from_files = super::manifest::named(call, ctx)?;
    if call.args.is_empty() && from_files.is_none() {
        return Err(Fail {
            text: "You must specify the type of resource to get. Use \"kubectl api-resources\" for a complete list of \
                   supported resources.\n\nerror: Required resource not specified.\nUse \"kubectl explain <resource>\" for a \
                   detailed description of that resource (e.g. kubectl explain pods).\nSee 'kubectl get -h' for help and \
                   examples\n"
                .to_owned(),
            exit: 1,
        });
    }
    let output = Output::of(call, true, super::client(ctx), ctx)?;
    if let Some(answer) = super::resources::get_other(call, io, ctx) {
        return answer;
    }
    let asked = match from_files {
        Some(asked) => asked,
        None => resolve(&call.args, api(ctx))?,
    };
    check_asked(call, &asked)?;
    let named = asked.named();
    let filter = Filter::read(call, ctx)?;
    let rows = Rows {
        wide: output == Output::Table { wide: true },
        all_namespaces: call.all_namespaces(),
        label_columns: call.flags.list("label-columns").to_vec(),
        show_labels: call.flags.on("show-labels"),
        with_kind: asked.mixed || call.flags.on("show-kind"),
    };
    if call.flags.on("watch") || call.flags.on("watch-only") {
        let [ask] = asked.asks.as_slice() else {
            return Err(Fail::error("you may only specify a single resource type"));
        };
        let ([] | [_]) = ask.names.as_slice() else {
            return Err(Fail::error("watch is only supported on individual resources and resource collections"));
        };
        let snapshot = snapshot(ctx);
        if let Some(error) = find(&asked, &filter, &snapshot).missing.first() {
            return Err(Fail::api(error));
        }
        let listed = !call.flags.on("watch-only");
        let headers = !call.flags.on("no-headers");
        let watch = Watch::new(ask.clone(), filter, rows, output, listed, headers, &snapshot);
        let timeout = call.flags.text("request-timeout").and_then(timeout_ms);
        let watch = watch.telling(call.flags.on("output-watch-events"), timeout.map(|ms| ctx.now() + ms));
        return Ok(Next::Go(Box::new(watch)));
    }
    let snapshot = snapshot(ctx);
    let mut found = find(&asked, &filter, &snapshot);
    if let Some(path) = call.flags.text("sort-by") {
        let template = Template::relaxed(path).map_err(Fail::error)?;
        if !sort(&mut found, &template) {
            io.err("No resources found\n");
            return Ok(Next::Done(0));
        }
    }
    if call.flags.on("ignore-not-found") {
        found.missing.clear();
    }
    note_seen(&found, call, &output, &rows, ctx);
    let count: usize = found.objects.iter().map(|(_, o)| o.len()).sum();
    let no_headers = call.flags.on("no-headers");
    if !matches!(output, Output::Table { .. }) {
        let all: Vec<Arc<Object>> = found.objects.iter().flat_map(|(_, o)| o.clone()).collect();
        let list = !(named && asked.asks.iter().map(|a| a.names.len()).sum::<usize>() == 1);
        // Of a single file either all is printed or nothing.
        let of_one_file = match call.flags.list("filename") {
            [file] => ctx.state.files.is_file(&ctx.state.path(file)),
            _ => false,
        };
        let whole = found.missing.is_empty() || !of_one_file;
        if whole && (count > 0 || (list && !named)) {
            io.out(&output.print(&all, list, no_headers));
        }
    } else if count == 0 && found.missing.is_empty() {
        if !call.flags.on("ignore-not-found") {
            io.err(&none_found(&asked, &filter));
        }
    } else {
        let facts = Facts { now_ms: snapshot.unix_ms(), era };
        let mut first = true;
        for (kind, objects) in found.objects.iter().filter(|(_, o)| !o.is_empty()) {
            if !first && !no_headers {
                io.out("\n");
            }
            first = false;
            let mut cells: Vec<Vec<String>> = Vec::new();
            if !no_headers {
                cells.push(rows.headers(*kind, &facts));
            }
            cells.extend(objects.iter().map(|o| rows.cells(o, &facts)));
            io.out(&Table::default().print(&cells));
        }
    }
    let missing = found.say_missing(io);
    if missing {
        hint_where(&asked, &snapshot, &filter, io, ctx);
    }
    Ok(Next::Done(i32::from(missing)))
}

/// `No resources found` and, where a namespace bounds the search, which.
pub fn none_found(asked: &Asked, filter: &Filter) -> String {
    let bounded = asked.asks.iter().all(|a| a.kind.namespaced());
    match &filter.namespace {
        Some(namespace) if bounded => format!("No resources found in {namespace} namespace.\n"),
        _ => "No resources found\n".to_owned(),
    }
}

/// Where a name that was not found exists in another namespace, one line of advice says so.
fn hint_where(asked: &Asked, snapshot: &Snapshot, filter: &Filter, io: &mut Io<'_>, ctx: &Ctx<'_>) {
    for ask in asked.asks.iter().filter(|a| a.kind.namespaced()) {
        for name in &ask.names {
            let elsewhere = snapshot
                .store
                .list(ask.kind)
                .find(|o| o.meta.name == *name && filter.namespace.as_ref().is_some_and(|n| *n != o.meta.namespace));
            if let Some(o) = elsewhere {
                let place = &o.meta.namespace;
                io.hint(&match ctx.state.options.lang {
                    crate::Lang::En => format!("{name} is in namespace {place}: add -n {place}"),
                    crate::Lang::Ko => format!("{name}은(는) {place} 네임스페이스에 있어요. -n {place}를 붙여 보세요."),
                });
            }
        }
    }
}

fn note_seen(found: &Found, call: &Call, output: &Output, rows: &Rows, ctx: &mut Ctx<'_>) {
    for (kind, objects) in found.objects.iter().filter(|(_, o)| !o.is_empty()) {
        let keys: VecSet<&String> = objects.iter().flat_map(|o| o.meta.labels.keys()).collect();
        let labels: Vec<String> = match output {
            Output::Yaml | Output::Json => keys.into_iter().cloned().collect(),
            Output::Table { .. } if rows.show_labels => keys.into_iter().cloned().collect(),
            Output::Table { .. } => rows.label_columns.clone(),
            other => {
                let text = other.template_text();
                keys.into_iter().filter(|k| text.contains(k.as_str()) || text.contains(&k.replace('.', "\\."))).cloned().collect()
            }
        };
        ctx.seen.push(Seen::Listed {
            kind: *kind,
            names: objects.iter().map(|o| o.meta.name.clone()).collect(),
            selector: call.flags.text("selector").unwrap_or_default().to_owned(),
            labels,
        });
    }
}

/// Sorts by a field; false where no object has it.
fn sort(found: &mut Found, by: &Template) -> bool {
    let mut any = false;
    for (_, objects) in &mut found.objects {
        any |= objects.is_empty();
        let mut keyed: Vec<(Option<Value>, Arc<Object>)> =
            objects.drain(..).map(|o| (by.values(&o.doc).first().map(|v| (*v).clone()), o)).collect();
        any |= keyed.iter().any(|(k, _)| k.is_some());
        keyed.order_by(|(a, _), (b, _)| compare(a.as_ref(), b.as_ref()));
        objects.extend(keyed.into_iter().map(|(_, o)| o));
    }
    any
}

fn compare(a: Option<&Value>, b: Option<&Value>) -> Ordering {
    match (a, b) {
        (None, None) => Ordering::Equal,
        (None, _) => Ordering::Less,
        (_, None) => Ordering::Greater,
        (Some(Value::Number(x)), Some(Value::Number(y))) => {
            x.as_i64().cmp(&y.as_i64()).then_with(|| x.to_string().cmp(&y.to_string()))
        }
        (Some(Value::String(x)), Some(Value::String(y))) => {
            use objects::quantity::Quantity;
            match (Quantity::parse(x), Quantity::parse(y)) {
                (Ok(x), Ok(y)) => x.nano.cmp(&y.nano),
                _ => natural(x, y),
            }
        }
        (Some(x), Some(y)) => x.to_string().cmp(&y.to_string()),
    }
}

/// Runs of digits compare as numbers.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut x, mut y) = (a, b);
    loop {
        let digits = |t: &str| t.len() - t.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (m, n) = (digits(x), digits(y));
        if m > 0 && n > 0 {
            let (p, q) = (x.get(..m).unwrap_or_default(), y.get(..n).unwrap_or_default());
            let (s, t) = (p.trim_start_matches('0'), q.trim_start_matches('0'));
            let order = s.len().cmp(&t.len()).then_with(|| s.cmp(t));
            if order != Ordering::Equal {
                return order;
            }
            (x, y) = (x.get(m..).unwrap_or_default(), y.get(n..).unwrap_or_default());
            continue;
        }
        match (x.chars().next(), y.chars().next()) {
            (Some(c), Some(d)) if c == d => {
                (x, y) = (x.get(c.len_utf8()..).unwrap_or_default(), y.get(d.len_utf8()..).unwrap_or_default());
            }
            (c, d) => return c.cmp(&d),
        }
    }
}

/// `--request-timeout`: seconds or a duration; zero is none.
fn timeout_ms(text: &str) -> Option<u64> {
    let ms = match text.parse::<i64>() {
        Ok(seconds) => seconds.saturating_mul(1000),
        Err(_) => objects::duration::parse_go_ms(text)?,
    };
    u64::try_from(ms).ok().filter(|ms| *ms > 0)
}

/// `--raw`: what the server answers at a path: its health, its version, and what is under `/api` and `/apis`.
fn raw(path: &str, call: &Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    if !call.args.is_empty() {
        return Err(Fail::error("arguments may not be passed when --raw is specified"));
    }
    let path = path.split('?').next().unwrap_or(path);
    let text = match path {
        "/healthz" | "/livez" | "/readyz" => "ok".to_owned(),
        "/version" | "/version/" => super::info::server_version(snapshot(ctx).profile.kubernetes_version),
        _ => match answer(path, ctx) {
            Some(text) => text,
            None => {
                let text = "Error from server (NotFound): the server could not find the requested resource\n".to_owned();
                return Err(Fail { text, exit: 1 });
            }
        },
    };
    io.out(&text);
    Ok(Next::Done(0))
}

/// A collection or an object by its path.
fn answer(path: &str, ctx: &Ctx<'_>) -> Option<String> {
    let mut parts = path.trim_matches('/').split('/');
    let group = match parts.next()? {
        "api" => "",
        "apis" => parts.next()?,
        _ => return None,
    };
    let version = parts.next()?;
    let rest: Vec<&str> = parts.collect();
    let (namespace, plural, name) = match rest.as_slice() {
        ["namespaces", namespace, plural] => (Some(*namespace), *plural, None),
        ["namespaces", namespace, plural, name] => (Some(*namespace), *plural, Some(*name)),
        [plural] => (None, *plural, None),
        [plural, name] => (None, *plural, Some(*name)),
        _ => return None,
    };
    let kind = Kind::ALL.iter().copied().filter(|k| k.served_in(api(ctx))).find(|k| {
        let info = k.info();
        info.plural == plural && info.group == group && info.version == version
    })?;
    let snapshot = snapshot(ctx);
    if let Some(name) = name {
        let found = snapshot.store.get(&ObjectKey::new(kind, namespace.unwrap_or_default(), name))?;
        return Some(super::output::visible(&found.doc).to_string());
    }
    let items = snapshot.store.list(kind).filter(|o| namespace.is_none_or(|n| o.meta.namespace == n));
    let items: Vec<String> = items.map(|o| super::output::visible(&o.doc).to_string()).collect();
    Some(format!(
        "{{\"kind\":\"{}List\",\"apiVersion\":\"{}\",\"metadata\":{{\"resourceVersion\":\"{}\"}},\"items\":[{}]}}\n",
        kind.name(),
        kind.api_version(),
        snapshot.store.revision(),
        items.join(",")
    ))
}
