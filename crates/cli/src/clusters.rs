//! The verbs that look at clusters, real or dumped, and work on them.

#[cfg(feature = "kube")]
use crate::args::{Act, Allowed, Fleet, Observe, Rbac};
use crate::args::{Export, Plan, Which, Written};
#[cfg(feature = "kube")]
use crate::say;
use crate::{complain, duration_ms, read};
use nodewright_cli::Failure;

pub fn plan(args: &Plan) -> Result<(String, u8), Failure> {
    use nodewright_cli::plan;
    let horizon_ms = match duration_ms("--horizon", &args.horizon, "30m or 2h")? {
        0 => return Err(Failure::usage("--horizon is nothing: write 30m or 2h")),
        ms => ms,
    };
    let (dump, choices) = cluster(&args.which, engine::cluster::Ahead { horizon_ms, moves: args.moves }, true)?;
    let report = plan::run(dump, &sources(&args.filename)?, &choices)?;
    for note in &report.notes {
        complain(&format!("note: {note}\n"));
    }
    let out = match args.output {
        Written::Text => report.text(),
        Written::Json => format!("{}\n", report.json()),
        Written::Yaml => report.yaml(),
    };
    Ok((out, report.exit()))
}

#[cfg(feature = "kube")]
pub fn act(args: &Act) -> Result<(String, u8), Failure> {
    use nodewright_cli::{act, plan};
    let now = unix_ms();
    let seed = now.unsigned_abs() ^ u64::from(std::process::id()).rotate_left(32);
    let settings = engine::cluster::Settings {
        cluster: args.cluster.options(),
        region: args.region.clone(),
        fleet: args.fleet.into(),
        types: args.instance_types.as_deref().map(read).transpose()?,
        boot_ms: args.boot_time.as_deref().map(|text| duration_ms("--boot-time", text, "5s or 1m")).transpose()?,
        budget: usize::from(args.budget),
        namespace: act::namespace(&args.namespace)?.to_owned(),
        // The seed tells processes of one machine apart, its number processes of one moment.
        identity: format!("nodewright-{seed:016x}"),
        seed,
        plan: None,
        clock: unix_ms,
    };
    let choices = act::Choices {
        settings,
        plan: args.plan.as_ref().map(|path| Ok(plan::read::Source { name: path.clone(), text: read(path)? })).transpose()?,
        form: match args.output {
            Written::Text => act::Form::Text,
            Written::Json => act::Form::Json,
            Written::Yaml => act::Form::Yaml,
        },
        yes: args.yes,
        audit: args.audit.clone(),
        metrics_port: args.metrics_port,
        health_port: args.health_probe_port,
    };
    act::run(&choices, now)
}

#[cfg(feature = "kube")]
pub fn rbac(args: &Rbac) -> Result<(String, u8), Failure> {
    use engine::cluster::Verb;
    let verb = match args.verb {
        Allowed::Observe if args.web => Verb::ObserveWeb,
        Allowed::Observe => Verb::Observe,
        Allowed::Plan => Verb::Plan,
        Allowed::Act => match args.fleet {
            Fleet::Kwok => Verb::Act,
            Fleet::Nodeclaim => Verb::ActNodeClaim,
        },
    };
    if args.web && verb != Verb::ObserveWeb {
        return Err(Failure::usage("--web is for `nodewright rbac observe` alone"));
    }
    Ok((verb.manifest(nodewright_cli::act::namespace(&args.namespace)?), 0))
}

pub fn export(args: &Export) -> Result<(String, u8), Failure> {
    let (dump, choices) = cluster(&args.which, engine::cluster::Ahead::default(), false)?;
    for note in &dump.notes {
        complain(&format!("note: {note}\n"));
    }
    Ok((nodewright_cli::export::run(dump, &choices, args.anonymise)?, 0))
}

/// What was read of a cluster, live or from a dump, and as of when. `to_plan`: nothing else will be done with it.
fn cluster(
    which: &Which,
    ahead: engine::cluster::Ahead,
    to_plan: bool,
) -> Result<(engine::cluster::Dump, nodewright_cli::plan::Choices), Failure> {
    use nodewright_cli::plan::{self, Choices};
    let at = which.at.as_ref().map(|at| {
        let wrong = || Failure::usage(format!("--at {at:?} is no time: write 2026-08-25T05:00:00Z"));
        objects::time::parse_rfc3339(at).ok_or_else(wrong)
    });
    let at = at.transpose()?;
    let (dump, read_ms) = match which.from.as_slice() {
        #[cfg(feature = "kube")]
        [] => (plan::live(&which.cluster.options())?, unix_ms()),
        from => {
            let from = sources(from)?;
            (plan::dump(&from, to_plan)?, from.iter().map(|source| written_ms(&source.name)).max().unwrap_or_default())
        }
    };
    let at_ms = at.unwrap_or_else(|| plan::time_of(&dump, read_ms));
    let types = which.instance_types.as_ref().map(|file| {
        let text = read(file)?;
        let wrong = |why| Failure { message: format!("{file}: {why}"), exit: 1 };
        engine::pricing::Market::kwok(Some(&text)).map_err(wrong).map(|_| text)
    });
    let types = types.transpose()?;
    Ok((dump, Choices { at_ms, seed: which.seed, region: which.region.clone(), types, ahead }))
}

/// The texts of files and of all manifests in folders.
fn sources(arguments: &[String]) -> Result<Vec<nodewright_cli::plan::read::Source>, Failure> {
    let mut files = Vec::new();
    arguments.iter().try_for_each(|f| nodewright_cli::lint::collect(f, &mut files))?;
    files.into_iter().map(|name| Ok(nodewright_cli::plan::read::Source { text: read(&name)?, name })).collect()
}

/// When a file was written last; now for standard input.
#[expect(clippy::disallowed_types, reason = "ages in a real cluster are counted from the real time")]
fn written_ms(file: &str) -> i64 {
    let modified = std::fs::metadata(file).and_then(|m| m.modified()).unwrap_or_else(|_| std::time::SystemTime::now());
    let since = modified.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(feature = "kube")]
pub fn observe(args: &Observe) -> Result<(String, u8), Failure> {
    if args.web {
        use nodewright_cli::observe::web;
        let site = web::Site::new(args.page.clone())?;
        let mut ready = |address: &str| {
            say(&format!("{address}\n"), 0);
            complain("whoever has this address, on this machine, sees the cluster; Ctrl+C ends it\n");
        };
        return web::serve(&args.cluster.options(), site, args.port, unix_ms, &mut ready).map(|()| (String::new(), 0));
    }
    if !args.once && std::io::IsTerminal::is_terminal(&std::io::stdout()) {
        return nodewright_cli::observe::live(&args.cluster.options(), unix_ms).map(|()| (String::new(), 0));
    }
    let (picture, notes) = nodewright_cli::observe::picture(&args.cluster.options(), unix_ms())?;
    for note in notes {
        complain(&format!("note: {note}\n"));
    }
    Ok((picture, 0))
}

#[cfg(feature = "kube")]
#[expect(clippy::disallowed_types, reason = "a real cluster's ages are counted from the real time")]
fn unix_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
