//! What one can say on the command line, and what `--help` tells of it.

use clap::{Parser, Subcommand, ValueEnum};

/// A Kubernetes node-autoscaling playground: Karpenter, kube-scheduler and an EC2 fleet, simulated to the letter.
#[derive(Parser, Debug)]
#[command(name = "nodewright", version, arg_required_else_help = true)]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand, Debug)]
pub enum Command {
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
pub struct Run {
    /// A Markdown lab (.md) or a shell script; - reads a script from standard input.
    pub file: String,
    /// Seed of everything random; the lab's own, or one that answers the lab with an r3.2xlarge.
    #[arg(long)]
    pub seed: Option<u64>,
    /// v1alpha5 (Karpenter 0.29, Provisioner) or v1 (Karpenter 1.14, NodePool).
    #[arg(long)]
    pub era: Option<String>,
    /// AWS region, for prices and zones.
    #[arg(long)]
    pub region: Option<String>,
    /// Where the session begins (karpenter-basics, playground, karpenter-bare, kwok), or a file that export wrote (.yaml,
    /// .json).
    #[arg(long)]
    pub scenario: Option<String>,
    /// With --scenario kwok: what Karpenter's kwok provider sells, in the form of its INSTANCE_TYPES_FILE_PATH; the types that it is
    /// built with if left out.
    #[arg(long, value_name = "FILE")]
    pub instance_types: Option<String>,
    /// Let time run on at the end, up to this long after the start (30m, 1h30m).
    #[arg(long, value_name = "DURATION")]
    pub until: Option<String>,
    /// ndjson prints a line of JSON for each command as it ends, and one with the cluster at the end.
    #[arg(short, long, value_enum, default_value_t = RunFormat::Text)]
    pub output: RunFormat,
    /// Go on behind a failure and report all of them.
    #[arg(long)]
    pub keep_going: bool,
}

/// Which cluster, as it was when, and with whose prices.
#[derive(clap::Args, Debug)]
pub struct Which {
    /// What kubectl printed of the cluster; may be given more than once.
    #[cfg_attr(feature = "kube", arg(long, value_name = "DUMP", conflicts_with_all = ["context", "kubeconfig"]))]
    #[cfg_attr(not(feature = "kube"), arg(long, value_name = "DUMP", required = true))]
    pub from: Vec<String>,
    #[cfg(feature = "kube")]
    #[command(flatten)]
    pub cluster: Named,
    /// When the cluster was as the dump says (2026-08-25T05:00:00Z); when its files were written if left out.
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// AWS region of prices and types; that of the nodes if left out.
    #[arg(long)]
    pub region: Option<String>,
    /// What Karpenter's kwok provider sells, in the form of its INSTANCE_TYPES_FILE_PATH; the types that it is built with if
    /// left out.
    #[arg(long, value_name = "FILE")]
    pub instance_types: Option<String>,
    /// Seed of what the model draws: which of equal pools the cloud serves, how long machines boot.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

#[derive(clap::Args, Debug)]
pub struct Plan {
    #[command(flatten)]
    pub which: Which,
    /// Manifests to apply first: the difference that they make is shown. Files, folders or -; may be given more than once.
    #[arg(short, long, value_name = "CHANGED")]
    pub filename: Vec<String>,
    /// Look ahead at most this long (2h).
    #[arg(long, value_name = "DURATION", default_value = "2h")]
    pub horizon: String,
    /// Look no further once so many pods have moved.
    #[arg(long, value_name = "PODS", default_value_t = engine::cluster::Ahead::default().moves)]
    pub moves: usize,
    #[arg(short, long, value_enum, default_value_t = Written::Text)]
    pub output: Written,
}

#[cfg(feature = "kube")]
#[derive(clap::Args, Debug)]
pub struct Act {
    #[command(flatten)]
    pub cluster: Named,
    /// What makes the machines.
    #[arg(long, value_enum, default_value_t = Fleet::Kwok)]
    pub fleet: Fleet,
    /// Write to the cluster.
    #[arg(long)]
    pub yes: bool,
    /// Carry out this saved plan (-o json of a dry run or of nodewright plan) and nothing else, then end.
    #[arg(long, value_name = "FILE")]
    pub plan: Option<String>,
    /// How a dry run prints what would be done.
    #[arg(short, long, value_enum, default_value_t = Written::Text, conflicts_with = "yes")]
    pub output: Written,
    /// AWS region of prices and types; that of the nodes if left out.
    #[arg(long)]
    pub region: Option<String>,
    /// With --fleet nodeclaim: what Karpenter's kwok provider sells, in the form of its INSTANCE_TYPES_FILE_PATH; the types that it
    /// is built with if left out.
    #[arg(long, value_name = "FILE")]
    pub instance_types: Option<String>,
    /// With --fleet kwok: machines join so long after their launch (5s); in 30 to 60 seconds, as EC2's do, if left out.
    #[arg(long, value_name = "DURATION")]
    pub boot_time: Option<String>,
    /// Claims that are made or deleted within a minute at most.
    #[arg(long, value_name = "N", default_value_t = 30)]
    pub budget: u16,
    /// The namespace of the Lease.
    #[arg(long, default_value = engine::cluster::NAMESPACE)]
    pub namespace: String,
    /// Append every decision and write to this file, a line of JSON each; standard error if left out.
    #[arg(long, value_name = "FILE")]
    pub audit: Option<String>,
    /// Serve /metrics on this port, on all addresses; 0 for not at all.
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    pub metrics_port: u16,
    /// Serve /healthz and /readyz on this port, on all addresses; 0 for not at all.
    #[arg(long, value_name = "PORT", default_value_t = 8081)]
    pub health_probe_port: u16,
}

#[cfg(feature = "kube")]
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Fleet {
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
pub struct Rbac {
    /// Which verb; export needs what plan needs, and so does act without --yes.
    #[arg(value_enum)]
    pub verb: Allowed,
    /// What makes the machines, for act.
    #[arg(long, value_enum, default_value_t = Fleet::Kwok)]
    pub fleet: Fleet,
    /// For observe: the page too.
    #[arg(long)]
    pub web: bool,
    /// The namespace of the service account, and of the Lease of act.
    #[arg(long, default_value = engine::cluster::NAMESPACE)]
    pub namespace: String,
}

#[cfg(feature = "kube")]
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Allowed {
    Observe,
    Plan,
    Act,
}

#[derive(clap::Args, Debug)]
pub struct Export {
    #[command(flatten)]
    pub which: Which,
    /// Numbers for the names of objects, namespaces, labels, images and addresses.
    #[arg(long)]
    pub anonymise: bool,
}

#[derive(clap::Args, Debug)]
pub struct Import {
    /// A trace (.sktrace); - for standard input.
    #[arg(value_name = "TRACE")]
    pub file: String,
    /// Of the cluster that it is for: v1 or v1alpha5, which have other kinds.
    #[arg(long, default_value = "v1")]
    pub era: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Written {
    Text,
    Json,
    Yaml,
}

#[derive(clap::Args, Debug)]
pub struct Conform {
    /// Folders of scenarios, or single scenarios.
    #[arg(required = true, value_name = "DIR")]
    pub dirs: Vec<std::path::PathBuf>,
    /// v1 (decisions of Karpenter 1.14.1) or v1alpha5 (of 0.31.4).
    #[arg(long, default_value = "v1")]
    pub era: String,
    /// Write the engine's decision on each case as OUT/NAME.json, cases without a recorded decision included.
    #[arg(long, value_name = "OUT")]
    pub emit: Option<std::path::PathBuf>,
}

#[derive(clap::Args, Debug)]
pub struct Lint {
    #[arg(required_unless_present = "codes", value_name = "FILE")]
    pub files: Vec<String>,
    /// v1alpha5 (Karpenter 0.31) or v1 (Karpenter 1.14); what the documents say if left out.
    #[arg(long)]
    pub era: Option<String>,
    /// AWS region, for instance types, zones and prices.
    #[arg(long, default_value = engine::session::LAB_REGION)]
    pub region: String,
    #[arg(long, value_enum, default_value_t = Tongue::En)]
    pub lang: Tongue,
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub output: Format,
    /// Print the page that lists all codes, and nothing else.
    #[arg(long)]
    pub codes: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Tongue {
    En,
    Ko,
}

#[derive(clap::Args, Debug)]
pub struct KubectlCases {
    pub sequence: std::path::PathBuf,
    pub cases_dir: std::path::PathBuf,
    /// Files that commands name; the folder `manifests` beside SEQUENCE if left out.
    #[arg(long, value_name = "DIR")]
    pub manifests: Option<std::path::PathBuf>,
    /// Only cases whose name begins so: a set (d), some (a05) or one.
    #[arg(long, value_name = "NAME")]
    pub only: Option<String>,
    /// Print both sides of cases that differ, as they are compared.
    #[arg(long)]
    pub full: bool,
}

#[cfg(feature = "kube")]
#[derive(clap::Args, Debug)]
pub struct Observe {
    #[command(flatten)]
    pub cluster: Named,
    /// Read and print it once.
    #[arg(long, conflicts_with = "web")]
    pub once: bool,
    /// Serve the page, attached to the cluster: panes, costs and why. Only this machine can open it, at an address that is new
    /// with every start, and nothing can be changed from there.
    #[arg(long)]
    pub web: bool,
    /// With --web: the port, on 127.0.0.1; 0 for any that is free.
    #[arg(long, value_name = "PORT", default_value_t = 0, requires = "web")]
    pub port: u16,
    /// With --web: the folder of a built page; the one in the program if left out.
    #[arg(long, value_name = "DIR", requires = "web")]
    pub page: Option<std::path::PathBuf>,
}

#[cfg(feature = "kube")]
#[derive(clap::Args, Debug)]
pub struct Named {
    /// The kubeconfig's context; its current one if left out.
    #[arg(long)]
    pub context: Option<String>,
    /// Path of the kubeconfig; KUBECONFIG or ~/.kube/config if left out.
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<String>,
}

#[cfg(feature = "kube")]
impl Named {
    pub fn options(&self) -> engine::cluster::Options {
        engine::cluster::Options { context: self.context.clone(), kubeconfig: self.kubeconfig.clone() }
    }
}

#[derive(clap::Args, Debug)]
pub struct Bench {
    #[arg(required = true, num_args = 1..=2, value_name = "FILE")]
    pub files: Vec<String>,
    /// Scan for consolidation instead: FILE FILE are nodes and pods.
    #[arg(long)]
    pub consolidate: bool,
    /// Give kube-scheduler pods to place instead: FILE FILE are nodes and pods.
    #[arg(long, conflicts_with = "consolidate")]
    pub schedule: bool,
    /// With --consolidate: one candidate after the other, or the most that can go at once.
    #[arg(long, value_enum, default_value_t = Scan::Single)]
    pub method: Scan,
    /// The instance types, a JSON catalogue.
    #[arg(long, value_name = "CATALOGUE")]
    pub types: String,
    /// With --consolidate: the only types that are sold, by name. For files named cluster-tight-* three are assumed.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    pub allow: Vec<String>,
    #[arg(long, default_value_t = 5)]
    pub runs: u32,
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub output: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub enum Scan {
    Single,
    Multi,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Format {
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub enum RunFormat {
    Text,
    Json,
    Ndjson,
}
