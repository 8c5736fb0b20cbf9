//! kubectl describe. Layouts by recorded outputs and k8s.io/kubectl/pkg/describe/describe.go, v0.35.4.

mod events;
mod generic;
mod node;
mod pod;
mod scaler;
mod small;
mod storage;
mod template;
mod workload;

pub use template::template;

use super::get::{Filter, check_asked, find, none_found};
use super::resolve::{Asked, resolve};
use super::{Call, Fail, Next, api, client, manifest, snapshot};
use crate::run::{Ctx, Io};
use engine::Snapshot;
use engine::session::Seen;
use objects::collections::VecMap;
use objects::{Kind, Object};

pub fn run(call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    let asked: Asked = match manifest::named(call, ctx)? {
        Some(asked) => asked,
        None if call.args.is_empty() => {
            return Err(Fail {
                text: "error: You must specify the type of resource to describe. Use \"kubectl api-resources\" for a complete list of \
                       supported resources.\n"
                    .to_owned(),
                exit: 1,
            });
        }
        None => resolve(&call.args, api(ctx))?,
    };
    check_asked(call, &asked)?;
    let filter = Filter::read(call, ctx)?;
    let snapshot = snapshot(ctx);
    let mut found = find(&asked, &filter, &snapshot);
    // describe takes a name that is only a beginning.
    if let [ask] = asked.asks.as_slice()
        && !found.missing.is_empty()
        && !asked.slashed
    {
        let mut still = Vec::new();
        let absent: Vec<String> = ask.names.iter().filter(|n| !has(&found.objects, n)).cloned().collect();
        for (name, error) in absent.iter().zip(found.missing.drain(..)) {
            let prefixed: Vec<_> = snapshot
                .store
                .list(ask.kind)
                .filter(|o| filter.matches(o) && o.meta.name.starts_with(name.as_str()))
                .cloned()
                .collect();
            if prefixed.is_empty() {
                still.push(error);
            } else if let Some((_, objects)) = found.objects.first_mut() {
                objects.extend(prefixed);
            }
        }
        found.missing = still;
    }
    let events = call.flags.on_by_default("show-events");
    let mut first = true;
    for object in found.objects.iter().flat_map(|(_, o)| o) {
        if !first {
            io.out("\n\n");
        }
        first = false;
        io.out(&text(object, &snapshot, client(ctx), events));
        ctx.seen.push(Seen::Described { kind: object.kind, name: object.meta.name.clone() });
    }
    let missing = found.say_missing(io);
    if first && !missing {
        io.err(&none_found(&asked, &filter));
    }
    Ok(Next::Done(i32::from(missing)))
}

fn has(objects: &[(Kind, Vec<std::sync::Arc<Object>>)], name: &str) -> bool {
    objects.iter().flat_map(|(_, o)| o).any(|o| o.meta.name == name)
}

/// One object's description by that client (see [`super::client`]).
pub fn text(object: &Object, snapshot: &Snapshot, client: u32, events: bool) -> String {
    let mut raw = match object.kind {
        Kind::Node => node::text(object, snapshot),
        Kind::Pod => pod::text(object, snapshot, client),
        Kind::Deployment => workload::deployment(object, snapshot, client),
        Kind::ReplicaSet => workload::replica_set(object, snapshot, client),
        Kind::DaemonSet => workload::daemon_set(object, snapshot, client),
        Kind::StatefulSet => workload::stateful_set(object, snapshot, client),
        Kind::Job => workload::job(object, client),
        Kind::CronJob => workload::cron_job(object, client),
        Kind::HorizontalPodAutoscaler => scaler::scaler(object),
        Kind::PersistentVolumeClaim => storage::claim(object, snapshot),
        Kind::PersistentVolume => storage::volume(object, snapshot),
        Kind::StorageClass => storage::class(object),
        Kind::ServiceAccount => small::service_account(object),
        Kind::PriorityClass => small::priority_class(object),
        Kind::Namespace => small::namespace(object),
        Kind::Service => small::service(object, snapshot),
        Kind::PodDisruptionBudget => small::pdb(object),
        Kind::ConfigMap => small::config_map(object),
        _ => generic::text(object, client),
    };
    if events && object.kind != Kind::Namespace {
        raw.push_str(&events::text(&events::of(object, snapshot), snapshot.unix_ms()));
    }
    align(&raw)
}

/// Tabs to columns as Go's text/tabwriter sets them for describe: a column is a run of lines that have its cell, two
/// spaces lie between.
pub fn align(raw: &str) -> String {
    let lines: Vec<Vec<&str>> = raw.split('\n').map(|l| l.split('\t').collect()).collect();
    let mut widths: Vec<Vec<usize>> = lines.iter().map(|l| vec![0; l.len()]).collect();
    measure(&lines, 0, 0, &mut widths);
    let mut out = String::with_capacity(raw.len() * 2);
    for (n, (cells, widths)) in lines.iter().zip(&widths).enumerate() {
        if n > 0 {
            out.push('\n');
        }
        for (i, (cell, width)) in cells.iter().zip(widths).enumerate() {
            out.push_str(cell);
            if i + 1 < cells.len() {
                out.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.chars().count())));
            }
        }
    }
    out
}

fn measure(lines: &[Vec<&str>], first: usize, column: usize, widths: &mut [Vec<usize>]) {
    let has = |l: &Vec<&str>| column + 1 < l.len();
    let mut at = 0;
    while at < lines.len() {
        let run = lines.iter().skip(at).take_while(|l| has(l)).count();
        if run == 0 {
            at += 1;
            continue;
        }
        let block = lines.get(at..at + run).unwrap_or_default();
        let width = block.iter().filter_map(|l| l.get(column)).map(|c| c.chars().count() + 2).max().unwrap_or(0);
        for line in widths.iter_mut().skip(first + at).take(run) {
            if let Some(w) = line.get_mut(column) {
                *w = width;
            }
        }
        measure(block, first + at, column + 1, widths);
        at += run;
    }
}

/// `Labels:` with one pair a line, the later ones under the first.
fn labels(indent: &str, map: &VecMap<String, String>) -> String {
    lines(indent, "Labels", map.iter().map(|(k, v)| format!("{k}={v}")).collect())
}

/// A title with a value a line; `<none>` where there is none.
fn lines(indent: &str, title: &str, values: Vec<String>) -> String {
    if values.is_empty() {
        return format!("{indent}{title}:\t<none>\n");
    }
    let mut out = String::new();
    for (i, value) in values.iter().enumerate() {
        let head = if i == 0 { format!("{title}:") } else { String::new() };
        out.push_str(&format!("{indent}{head}\t{value}\n"));
    }
    out
}

/// Annotations but for what apply keeps there; long ones begin on the next line.
fn annotations(indent: &str, map: &VecMap<String, String>) -> String {
    let mut values = Vec::new();
    for (key, value) in map.iter().filter(|(k, _)| k.as_str() != "kubectl.kubernetes.io/last-applied-configuration") {
        if !value.contains('\n') && value.chars().count() + key.chars().count() + 2 <= 140 {
            values.push(format!("{key}: {value}"));
            continue;
        }
        values.push(format!("{key}:"));
        for line in value.trim_end_matches('\n').lines() {
            let long = line.chars().count() > 140;
            let cut: String = if long { line.chars().take(137).collect::<String>() + "..." } else { line.to_owned() };
            values.push(format!("  {cut}"));
        }
    }
    lines(indent, "Annotations", values)
}

/// A boolean as Go's printers of pointers write it here.
fn truth(value: Option<bool>) -> &'static str {
    match value {
        Some(true) => "True",
        Some(false) => "False",
        None => "<unset>",
    }
}

/// `Controlled By:` where something does.
fn controlled_by(object: &Object) -> String {
    object.meta.controller().map(|o| format!("Controlled By:\t{}/{}\n", o.kind, o.name)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::align;

    #[test]
    fn columns_are_runs_of_lines() {
        assert_eq!(align("A:\tx\nLonger:\ty\nTitle:\n  a:\tb\n"), "A:       x\nLonger:  y\nTitle:\n  a:  b\n");
        assert_eq!(align("  Type\tStatus\n  Ready \tTrue \n"), "  Type    Status\n  Ready   True \n");
    }
}
