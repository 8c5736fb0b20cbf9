//! `nodewright`: replays labs headless, and looks at a real cluster.

use clap::{Parser, Subcommand, ValueEnum};
use nodewright_cli::lab::{Lab, era};
use nodewright_cli::replay::{Choices, Entry, replay_telling};
use nodewright_cli::{Failure, report};
use std::io::{IsTerminal, Read, Write};
use std::process::ExitCode;

// For its symbols.
#[cfg(target_env = "musl")]
use mem as _;

/// A cluster is millions of small pieces, which come and go with every change.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A Kubernetes node-autoscaling playground: Karpenter, kube-scheduler and an EC2 fleet, simulated to the letter.
#[derive(Parser, Debug)]
#[command(name = "nodewright", version, arg_required_else_help = true)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Replay a lab in virtual time and print its transcript.
    ///
    /// FILE is a Markdown lab (fenced `sh` blocks, each checked by the `expect` block behind it) or a shell script. The exit
    /// status is that of the first command that failed or expectation that was not met; 2 for wrong usage.
    Run(Run),
    /// Watch a real cluster: its nodes as eks-node-viewer draws them, until q or Ctrl+C.
    ///
    /// Nothing is written to the cluster. Prices are those built in, by each node's instance type, zone and capacity type. What
    /// cannot be read, and since when, stands below the nodes. With --once, or where standard output is no terminal, the cluster
    /// is read once and printed, and notes go to standard error. With --web a browser of this machine shows it. The exit status is 3
    /// where the cluster cannot be reached or refuses to list its nodes.
    #[cfg(feature = "kube")]
    Observe(Observe),
    /// Say what Karpenter would do to a cluster now and why, until nothing is left to do. Writes nothing.
    ///
    /// Reads the cluster of a kubeconfig, or with --from what `kubectl get -A nodes,pods,... -o json` printed of one: a file (YAML
    /// is read too), a folder of files, or - for standard input; docs/plan.md has the whole command. Each action comes with its reason, its savings and the pods that it evicts,
    /// each node that stays with what keeps it. Notes on what was missing and what was assumed go to standard error. The exit
    /// status is 0 where there is nothing to do, 10 where there is, 1 for a dump or a manifest that cannot be used, 2 for wrong
    /// usage, 3 for a cluster that cannot be reached or refuses to list its nodes.
    Plan(Plan),
    /// Look after a cluster: launch nodes for pods that wait, consolidate, replace what has drifted or expired.
    ///
    /// Without --yes nothing is written: what it would do is printed, as plan does. With --yes and the context's name it works
    /// until it is stopped (SIGINT, SIGTERM), as the only one of those that share its Lease; docs/act.md tells the whole. The exit
    /// status is 0 when it was stopped, 1 where it will not begin, 2 for wrong usage, 3 for a cluster that cannot be reached, 4
    /// when another process has taken the Lease; without --yes that of plan.
    #[cfg(feature = "kube")]
    Act(Act),
    /// Print the rights that a verb needs on a cluster, as manifests for kubectl apply: a service account, its roles and bindings.
    #[cfg(feature = "kube")]
    Rbac(Rbac),
    /// Write a cluster down as a scenario, which `nodewright run --scenario FILE` continues as a simulation.
    ///
    /// Reads as plan does. Environments, arguments, user data, annotations of the user's own and kinds that say nothing about
    /// where pods go are left out.
    Export(Export),
    /// Make a script of a trace that SimKube has recorded, which `nodewright run` and the page's terminal play.
    ///
    /// Objects come and go at their times, applied on the server; what was left out stands on standard error. Pods leave their node,
    /// account and volumes behind, and those that end run as long as the trace says.
    Import(Import),
    /// Compare the engine's decisions with recorded ones of the real Karpenter.
    ///
    /// DIR is a folder with scenarios (NAME.yaml) or a folder `scenarios` of them, or one NAME.yaml; the recorded decisions
    /// (NAME.karpenter-v1.14.1.json, NAME.karpenter-v0.31.4.json) are beside them, and a folder `catalog` with the instance
    /// types beside or above. One line a case, then `N passed, M failed`. The exit status is 1 where a case differs, 2 for
    /// files that cannot be used.
    Conform(Conform),
    /// Measure how fast pods are packed onto new nodes, or a cluster is scanned for nodes to consolidate.
    ///
    /// FILE is a CSV file of pods (idx,class,label,selector,cpu_m,mem_mi); with --consolidate two files, nodes
    /// (node,instance_type,zone,capacity_type) and pods (a column node more). One thread; the fastest of the runs counts.
    Bench(Bench),
    /// Find what is wrong in manifests, with the place, a sentence and ways to mend it.
    ///
    /// FILE is a file, a folder (all .yaml, .yml and .json files below it) or - for standard input. All documents are looked
    /// at together: admission of the API server, and what they mean for the instance types of a region. The exit status is 1
    /// where there is an error, 2 for wrong usage.
    Lint(Lint),
    /// Replay a run recorded on a real cluster, and compare what its commands print.
    ///
    /// SEQUENCE is the run, a line a step; CASES_DIR holds what was recorded, a file a command. Each set of the run begins on a
    /// cluster made of the manifest base.yaml. One line a case, then `N passed, M failed`. tests/kubectl/README.md tells what
    /// is taken off both sides before they are compared. The exit status is 1 where a case differs, 2 for files that cannot
    /// be used.
    KubectlCases(KubectlCases),
    /// Print the version.
    Version,
}

#[derive(clap::Args, Debug)]
struct Run {
    /// A Markdown lab (.md) or a shell script; - reads a script from standard input.
    file: String,
    /// Seed of everything random; the lab's own, or one that answers the lab with an r3.2xlarge.
    #[arg(long)]
    seed: Option<u64>,
    /// v1alpha5 (Karpenter 0.29, Provisioner) or v1 (Karpenter 1.14, NodePool).
    #[arg(long)]
    era: Option<String>,
    /// AWS region, for prices and zones.
    #[arg(long)]
    region: Option<String>,
    /// Where the session begins (karpenter-basics, playground, karpenter-bare, kwok), or a file that export wrote (.yaml,
    /// .json).
    #[arg(long)]
    scenario: Option<String>,
    /// With --scenario kwok: what Karpenter's kwok provider sells, in the form of its INSTANCE_TYPES_FILE_PATH; the types that it is
    /// built with if left out.
    #[arg(long, value_name = "FILE")]
    instance_types: Option<String>,
    /// Let time run on at the end, up to this long after the start (30m, 1h30m).
    #[arg(long, value_name = "DURATION")]
    until: Option<String>,
    /// ndjson prints a line of JSON for each command as it ends, and one with the cluster at the end.
    #[arg(short, long, value_enum, default_value_t = RunFormat::Text)]
    output: RunFormat,
    /// Go on behind a failure and report all of them.
    #[arg(long)]
    keep_going: bool,
}

/// Which cluster, as it was when, and with whose prices.
#[derive(clap::Args, Debug)]
struct Which {
    /// What kubectl printed of the cluster; may be given more than once.
    #[cfg_attr(feature = "kube", arg(long, value_name = "DUMP", conflicts_with_all = ["context", "kubeconfig"]))]
    #[cfg_attr(not(feature = "kube"), arg(long, value_name = "DUMP", required = true))]
    from: Vec<String>,
    #[cfg(feature = "kube")]
    #[command(flatten)]
    cluster: Named,
    /// When the cluster was as the dump says (2026-08-25T05:00:00Z); when its files were written if left out.
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// AWS region of prices and types; that of the nodes if left out.
    #[arg(long)]
    region: Option<String>,
    /// What Karpenter's kwok provider sells, in the form of its INSTANCE_TYPES_FILE_PATH; the types that it is built with if
    /// left out.
    #[arg(long, value_name = "FILE")]
    instance_types: Option<String>,
    /// Seed of what the model draws: which of equal pools the cloud serves, how long machines boot.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(clap::Args, Debug)]
struct Plan {
    #[command(flatten)]
    which: Which,
    /// Manifests to apply first: the difference that they make is shown. Files, folders or -; may be given more than once.
    #[arg(short, long, value_name = "CHANGED")]
    filename: Vec<String>,
    /// Look ahead at most this long (2h).
    #[arg(long, value_name = "DURATION", default_value = "2h")]
    horizon: String,
    /// Look no further once so many pods have moved.
    #[arg(long, value_name = "PODS", default_value_t = engine::cluster::Ahead::default().moves)]
    moves: usize,
    #[arg(short, long, value_enum, default_value_t = Written::Text)]
    output: Written,
}

#[cfg(feature = "kube")]
#[derive(clap::Args, Debug)]
struct Act {
    #[command(flatten)]
    cluster: Named,
    /// What makes the machines.
    #[arg(long, value_enum, default_value_t = Fleet::Kwok)]
    fleet: Fleet,
    /// Write to the cluster.
    #[arg(long)]
    yes: bool,
    /// Carry out this saved plan (-o json of a dry run or of nodewright plan) and nothing else, then end.
    #[arg(long, value_name = "FILE")]
    plan: Option<String>,
    /// How a dry run prints what would be done.
    #[arg(short, long, value_enum, default_value_t = Written::Text, conflicts_with = "yes")]
    output: Written,
    /// AWS region of prices and types; that of the nodes if left out.
    #[arg(long)]
    region: Option<String>,
    /// With --fleet nodeclaim: what Karpenter's kwok provider sells, in the form of its INSTANCE_TYPES_FILE_PATH; the types that it
    /// is built with if left out.
    #[arg(long, value_name = "FILE")]
    instance_types: Option<String>,
    /// With --fleet kwok: machines join so long after their launch (5s); in 30 to 60 seconds, as EC2's do, if left out.
    #[arg(long, value_name = "DURATION")]
    boot_time: Option<String>,
    /// Claims that are made or deleted within a minute at most.
    #[arg(long, value_name = "N", default_value_t = 30)]
    budget: u16,
    /// The namespace of the Lease.
    #[arg(long, default_value = engine::cluster::NAMESPACE)]
    namespace: String,
    /// Append every decision and write to this file, a line of JSON each; standard error if left out.
    #[arg(long, value_name = "FILE")]
    audit: Option<String>,
    /// Serve /metrics on this port, on all addresses; 0 for not at all.
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    metrics_port: u16,
    /// Serve /healthz and /readyz on this port, on all addresses; 0 for not at all.
    #[arg(long, value_name = "PORT", default_value_t = 8081)]
    health_probe_port: u16,
}

#[cfg(feature = "kube")]
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Fleet {
    /// Node objects alone, which kwok's controller plays.
    Kwok,
    /// An installed Karpenter, which carries claims out.
    Nodeclaim,
}

#[cfg(feature = "kube")]
impl From<Fleet> for engine::cluster::FleetKind {
    fn from(fleet: Fleet) -> Self {
        match fleet {
            Fleet::Kwok => engine::cluster::FleetKind::Kwok,
            Fleet::Nodeclaim => engine::cluster::FleetKind::NodeClaim,
        }
    }
}

#[cfg(feature = "kube")]
#[derive(clap::Args, Debug)]
struct Rbac {
    /// Which verb; export needs what plan needs, and so does act without --yes.
    #[arg(value_enum)]
    verb: Allowed,
    /// What makes the machines, for act.
    #[arg(long, value_enum, default_value_t = Fleet::Kwok)]
    fleet: Fleet,
    /// For observe: the page too.
    #[arg(long)]
    web: bool,
    /// The namespace of the service account, and of the Lease of act.
    #[arg(long, default_value = engine::cluster::NAMESPACE)]
    namespace: String,
}

#[cfg(feature = "kube")]
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Allowed {
    Observe,
    Plan,
    Act,
}

#[derive(clap::Args, Debug)]
struct Export {
    #[command(flatten)]
    which: Which,
    /// Numbers for the names of objects, namespaces, labels, images and addresses.
    #[arg(long)]
    anonymise: bool,
}

#[derive(clap::Args, Debug)]
struct Import {
    /// A trace (.sktrace); - for standard input.
    #[arg(value_name = "TRACE")]
    file: String,
    /// Of the cluster that it is for: v1 or v1alpha5, which have other kinds.
    #[arg(long, default_value = "v1")]
    era: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Written {
    Text,
    Json,
    Yaml,
}

#[derive(clap::Args, Debug)]
struct Conform {
    /// Folders of scenarios, or single scenarios.
    #[arg(required = true, value_name = "DIR")]
    dirs: Vec<std::path::PathBuf>,
    /// v1 (decisions of Karpenter 1.14.1) or v1alpha5 (of 0.31.4).
    #[arg(long, default_value = "v1")]
    era: String,
    /// Write the engine's decision on each case as OUT/NAME.json, cases without a recorded decision included.
    #[arg(long, value_name = "OUT")]
    emit: Option<std::path::PathBuf>,
}

#[derive(clap::Args, Debug)]
struct Lint {
    #[arg(required_unless_present = "codes", value_name = "FILE")]
    files: Vec<String>,
    /// v1alpha5 (Karpenter 0.31) or v1 (Karpenter 1.14); what the documents say if left out.
    #[arg(long)]
    era: Option<String>,
    /// AWS region, for instance types, zones and prices.
    #[arg(long, default_value = engine::session::LAB_REGION)]
    region: String,
    #[arg(long, value_enum, default_value_t = Tongue::En)]
    lang: Tongue,
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,
    /// Print the page that lists all codes, and nothing else.
    #[arg(long)]
    codes: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Tongue {
    En,
    Ko,
}

#[derive(clap::Args, Debug)]
struct KubectlCases {
    sequence: std::path::PathBuf,
    cases_dir: std::path::PathBuf,
    /// Files that commands name; the folder `manifests` beside SEQUENCE if left out.
    #[arg(long, value_name = "DIR")]
    manifests: Option<std::path::PathBuf>,
    /// Only cases whose name begins so: a set (d), some (a05) or one.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Print both sides of cases that differ, as they are compared.
    #[arg(long)]
    full: bool,
}

#[cfg(feature = "kube")]
#[derive(clap::Args, Debug)]
struct Observe {
    #[command(flatten)]
    cluster: Named,
    /// Read and print it once.
    #[arg(long, conflicts_with = "web")]
    once: bool,
    /// Serve the page, attached to the cluster: panes, costs and why. Only this machine can open it, at an address that is new
    /// with every start, and nothing can be changed from there.
    #[arg(long)]
    web: bool,
    /// With --web: the port, on 127.0.0.1; 0 for any that is free.
    #[arg(long, value_name = "PORT", default_value_t = 0, requires = "web")]
    port: u16,
    /// With --web: the folder of a built page; the one in the program if left out.
    #[arg(long, value_name = "DIR", requires = "web")]
    page: Option<std::path::PathBuf>,
}

#[cfg(feature = "kube")]
#[derive(clap::Args, Debug)]
struct Named {
    /// The kubeconfig's context; its current one if left out.
    #[arg(long)]
    context: Option<String>,
    /// Path of the kubeconfig; KUBECONFIG or ~/.kube/config if left out.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<String>,
}

#[cfg(feature = "kube")]
impl Named {
    fn options(&self) -> engine::cluster::Options {
        engine::cluster::Options { context: self.context.clone(), kubeconfig: self.kubeconfig.clone() }
    }
}

#[derive(clap::Args, Debug)]
struct Bench {
    #[arg(required = true, num_args = 1..=2, value_name = "FILE")]
    files: Vec<String>,
    /// Scan for consolidation instead: FILE FILE are nodes and pods.
    #[arg(long)]
    consolidate: bool,
    /// Give kube-scheduler pods to place instead: FILE FILE are nodes and pods.
    #[arg(long, conflicts_with = "consolidate")]
    schedule: bool,
    /// With --consolidate: one candidate after the other, or the most that can go at once.
    #[arg(long, value_enum, default_value_t = Scan::Single)]
    method: Scan,
    /// The instance types, a JSON catalogue.
    #[arg(long, value_name = "CATALOGUE")]
    types: String,
    /// With --consolidate: the only types that are sold, by name. For files named cluster-tight-* three are assumed.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    allow: Vec<String>,
    #[arg(long, default_value_t = 5)]
    runs: u32,
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum Scan {
    Single,
    Multi,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum RunFormat {
    Text,
    Json,
    Ndjson,
}

fn main() -> ExitCode {
    // Usage errors leave with status 2 from within clap.
    let done = match Args::parse().command {
        Command::Version => Ok((format!("nodewright {}\n", env!("CARGO_PKG_VERSION")), 0)),
        Command::Run(args) => run(&args),
        Command::Plan(args) => plan(&args),
        #[cfg(feature = "kube")]
        Command::Act(args) => act(&args),
        #[cfg(feature = "kube")]
        Command::Rbac(args) => rbac(&args),
        Command::Export(args) => export(&args),
        Command::Import(args) => import(&args),
        Command::Conform(args) => conform(args),
        Command::Bench(args) => bench(args),
        Command::Lint(args) => lint(&args),
        Command::KubectlCases(args) => nodewright_cli::cases::run(&nodewright_cli::cases::Choices {
            sequence: args.sequence,
            cases: args.cases_dir,
            manifests: args.manifests,
            only: args.only,
            full: args.full,
        }),
        #[cfg(feature = "kube")]
        Command::Observe(args) => observe(&args),
    };
    match done {
        Ok((text, exit)) => say(&text, exit),
        Err(failure) => {
            complain(&format!("nodewright: {}\n", failure.message));
            ExitCode::from(failure.exit)
        }
    }
}

fn bench(args: Bench) -> Result<(String, u8), Failure> {
    let v = nodewright_cli::bench::run(&nodewright_cli::bench::Choices {
        files: args.files,
        consolidate: args.consolidate,
        schedule: args.schedule,
        multi: args.method == Scan::Multi,
        types: args.types,
        allow: args.allow,
        runs: args.runs,
    })?;
    Ok(match args.output {
        Format::Text => (nodewright_cli::bench::text(&v), 0),
        Format::Json => (format!("{v}\n"), 0),
    })
}

fn conform(args: Conform) -> Result<(String, u8), Failure> {
    let choices = nodewright_cli::conform::Choices { paths: args.dirs, era: era(&args.era)?, emit: args.emit };
    nodewright_cli::conform::run(&choices)
}

fn plan(args: &Plan) -> Result<(String, u8), Failure> {
    use nodewright_cli::plan;
    let horizon = objects::duration::parse_go_ms(&args.horizon).and_then(|ms| u64::try_from(ms).ok()).filter(|ms| *ms > 0);
    let horizon_ms =
        horizon.ok_or_else(|| Failure::usage(format!("--horizon {:?} is no duration: write 30m or 2h", args.horizon)))?;
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
fn act(args: &Act) -> Result<(String, u8), Failure> {
    use nodewright_cli::{act, plan};
    let boot = args.boot_time.as_ref().map(|text| {
        let ms = objects::duration::parse_go_ms(text).and_then(|ms| u64::try_from(ms).ok());
        ms.ok_or_else(|| Failure::usage(format!("--boot-time {text:?} is no duration: write 5s or 1m")))
    });
    let now = unix_ms();
    let seed = now.unsigned_abs() ^ u64::from(std::process::id()).rotate_left(32);
    let settings = engine::cluster::Settings {
        cluster: args.cluster.options(),
        region: args.region.clone(),
        fleet: args.fleet.into(),
        types: args.instance_types.as_deref().map(read).transpose()?,
        boot_ms: boot.transpose()?,
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
fn rbac(args: &Rbac) -> Result<(String, u8), Failure> {
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

fn import(args: &Import) -> Result<(String, u8), Failure> {
    let bytes = match args.file.as_str() {
        "-" => {
            let mut bytes = Vec::new();
            std::io::stdin().read_to_end(&mut bytes).map(|_| bytes)
        }
        file => std::fs::read(file),
    };
    let bytes = bytes.map_err(|error| Failure::usage(format!("{}: {error}", args.file)))?;
    let imported = nodewright_cli::import::run(&args.file, &bytes, era(&args.era)?)?;
    for note in &imported.notes {
        complain(&format!("note: {note}\n"));
    }
    Ok((imported.script, 0))
}

fn export(args: &Export) -> Result<(String, u8), Failure> {
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
fn observe(args: &Observe) -> Result<(String, u8), Failure> {
    if args.web {
        use nodewright_cli::observe::web;
        let site = web::Site::new(args.page.clone())?;
        let mut ready = |address: &str| {
            say(&format!("{address}\n"), 0);
            complain("whoever has this address, on this machine, sees the cluster; Ctrl+C ends it\n");
        };
        return web::serve(&args.cluster.options(), site, args.port, unix_ms, &mut ready).map(|()| (String::new(), 0));
    }
    if !args.once && std::io::stdout().is_terminal() {
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

fn run(args: &Run) -> Result<(String, u8), Failure> {
    let text = read(&args.file)?;
    let lab = Lab::parse(&args.file, &text).map_err(|f| Failure { message: format!("{}: {}", args.file, f.message), ..f })?;
    let until_ms = match &args.until {
        None => None,
        Some(text) => {
            let ms = objects::duration::parse_go_ms(text).and_then(|ms| u64::try_from(ms).ok());
            Some(ms.ok_or_else(|| Failure::usage(format!("--until {text:?} is no duration: write 90s, 30m or 1h30m")))?)
        }
    };
    let choices = Choices {
        era: args.era.as_deref().map(era).transpose()?,
        seed: args.seed,
        region: args.region.clone(),
        scenario: args.scenario.clone(),
        types: args.instance_types.as_deref().map(read).transpose()?,
        until_ms,
        keep_going: args.keep_going,
    };
    let mut tell = |entry: &Entry| {
        if args.output == RunFormat::Ndjson {
            say(&format!("{}\n", report::record(entry)), 0);
        }
    };
    let replay = match choices.scenario.as_deref().filter(|name| is_file(name)) {
        Some(name) => {
            if choices.era.is_some() || choices.seed.is_some() || choices.region.is_some() {
                return Err(Failure::usage(format!(
                    "{name} has its own era, seed and region: leave --era, --seed and --region out"
                )));
            }
            let (session, notes) = nodewright_cli::export::session(name, &read(name)?)?;
            notes.iter().for_each(|note| complain(&format!("note: {note}\n")));
            nodewright_cli::replay::replay_on(session, &lab, &choices, &mut tell)
        }
        None => replay_telling(&lab, &choices, &mut tell)?,
    };
    complain(&report::faults(&replay, &args.file));
    let out = match args.output {
        RunFormat::Text => report::text(&replay),
        RunFormat::Json => format!("{}\n", report::json(&replay)),
        RunFormat::Ndjson => format!("{}\n", report::end(&replay)),
    };
    Ok((out, u8::try_from(replay.exit()).unwrap_or(1)))
}

/// A scenario that is a file; the built-in ones have names.
fn is_file(scenario: &str) -> bool {
    [".yaml", ".yml", ".json"].iter().any(|ending| scenario.ends_with(ending))
}

fn lint(args: &Lint) -> Result<(String, u8), Failure> {
    use nodewright_cli::lint::{Choices, Source, collect, run};
    if args.codes {
        return Ok((::lint::reference(), 0));
    }
    let mut files = Vec::new();
    args.files.iter().try_for_each(|f| collect(f, &mut files))?;
    let named = |file: &String| read(file).map(|text| Source { name: file.clone(), text });
    let sources = files.iter().map(named).collect::<Result<Vec<_>, _>>()?;
    let lang = match args.lang {
        Tongue::En => view::Lang::En,
        Tongue::Ko => view::Lang::Ko,
    };
    let choices = Choices { era: args.era.as_deref().map(era).transpose()?, region: args.region.clone(), lang };
    let report = run(&sources, &choices)?;
    let out = match args.output {
        Format::Text => report.text(),
        Format::Json => format!("{}\n", report.json()),
    };
    Ok((out, report.exit()))
}

fn read(file: &str) -> Result<String, Failure> {
    if file == "-" {
        let mut text = String::new();
        let read = std::io::stdin().read_to_string(&mut text);
        return read.map(|_| text).map_err(|error| Failure::usage(format!("standard input: {error}")));
    }
    std::fs::read_to_string(file).map_err(|error| Failure::usage(format!("{file}: {error}")))
}

/// Writes to standard output; a reader that has gone away ends the program quietly.
fn say(text: &str, exit: u8) -> ExitCode {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => ExitCode::from(exit),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::from(exit),
        Err(error) => {
            complain(&format!("nodewright: standard output: {error}\n"));
            ExitCode::from(1)
        }
    }
}

fn complain(text: &str) {
    // Nothing can be said about a standard error that does not take what is said.
    let _written = std::io::stderr().lock().write_all(text.as_bytes());
}
