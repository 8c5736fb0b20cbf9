//! The controller log: what is said once as data ([`Say`]), worded and laid out by one table per era.
//!
//! Era A is zap's console encoding (TABs, `": "` and `", "` between fields), era B its JSON encoding. Lines that are
//! DEBUG are shown in era A (chart default `logLevel: debug`) and hidden in era B (`info`).

mod v1;
mod v1alpha5;

use super::names::Names;
use crate::actor::View;
use crate::logs::{Level, LogLine};
use objects::resources::CPU;
use objects::{Era, Resources, Value};
use std::fmt::Write;

/// The controller on whose behalf a line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Provisioner,
    Disruption,
    Lifecycle,
    ClaimDisruption,
    NodeTermination,
    Eviction,
    ClaimTermination,
    GarbageCollection,
    Interruption,
    Pricing,
    Expiration,
    Health,
    StaticProvisioning,
    StaticDeprovisioning,
    Queue,
    Plain,
}

/// A claim as log lines name it.
#[derive(Clone, Copy, Debug)]
pub struct ClaimRef<'a> {
    pub name: &'a str,
    pub pool: &'a str,
    pub provider_id: &'a str,
    pub node: &'a str,
}

/// A node of a disruption command as 1.14 lists it.
#[derive(Clone, Debug)]
pub struct Disrupted {
    pub node: String,
    pub claim: String,
    pub capacity_type: String,
    pub instance_type: String,
}

/// Everything the controllers log. Durations are milliseconds, names are object names, `pod` is `namespace/name`.
#[derive(Debug)]
pub enum Say<'a> {
    Starting {
        controller: By,
    },
    /// What a starting process finds out: a message and its field.
    Discovered {
        message: &'a str,
        field: &'a str,
        value: &'a str,
    },
    PricesUpdated {
        spot: bool,
        types: usize,
        offerings: usize,
    },
    WaitingOnSync,
    FoundPods {
        pods: &'a [String],
        duration_us: u64,
    },
    ComputedNew {
        claims: usize,
        pods: usize,
    },
    ComputedUnready {
        nodes: usize,
        pods: usize,
    },
    CreatedClaim {
        pool: &'a str,
        claim: &'a str,
        requests: &'a Resources,
        types: &'a [String],
    },
    CannotSchedule {
        pod: &'a str,
        error: &'a str,
    },
    Relaxed {
        pod: &'a str,
        text: &'a str,
    },
    IgnoringPod {
        pod: &'a str,
        error: &'a str,
    },
    PreferredAntiAffinity {
        pods: &'a [String],
    },
    PreferredSpread {
        pods: &'a [String],
    },
    NoPools,
    PoolNotReady {
        pool: &'a str,
    },
    /// Static pools (1.14): nodes made, taken away, or not made for the pool's limit.
    StaticProvisioning {
        pool: &'a str,
        current: i64,
        desired: i64,
        count: i64,
    },
    StaticDeprovisioning {
        pool: &'a str,
        current: i64,
        desired: i64,
        count: i64,
    },
    NodeLimitReached {
        pool: &'a str,
    },
    /// Node repair (1.14).
    DeletingUnhealthy {
        node: &'a str,
        claim: &'a str,
    },
    AnnotatedUnhealthy {
        node: &'a str,
        claim: &'a str,
        time: &'a str,
    },
    LimitsExclude {
        pool: &'a str,
        excluded: usize,
        of: usize,
    },
    CannotCreate {
        error: &'a str,
    },
    Launched {
        claim: ClaimRef<'a>,
        instance_type: &'a str,
        zone: &'a str,
        capacity_type: &'a str,
        allocatable: &'a Resources,
    },
    LaunchFailed {
        claim: ClaimRef<'a>,
        error: &'a str,
    },
    /// What controller-runtime writes of an error that a reconcile returned.
    ReconcilerError {
        claim: ClaimRef<'a>,
        error: &'a str,
    },
    NotFlexible {
        claim: ClaimRef<'a>,
        types: usize,
    },
    RemovingOffering {
        claim: ClaimRef<'a>,
        reason: &'a str,
        instance_type: &'a str,
        zone: &'a str,
        capacity_type: &'a str,
    },
    Registered {
        claim: ClaimRef<'a>,
    },
    Initialized {
        claim: ClaimRef<'a>,
        allocatable: &'a Resources,
    },
    Timeout {
        claim: ClaimRef<'a>,
        reason: &'a str,
        timeout_ms: u64,
    },
    MarkingEmpty {
        claim: ClaimRef<'a>,
    },
    NotEmpty {
        claim: ClaimRef<'a>,
        why: &'a str,
    },
    MarkingExpired {
        claim: ClaimRef<'a>,
    },
    MarkingDrifted {
        claim: ClaimRef<'a>,
    },
    NotDrifted {
        claim: ClaimRef<'a>,
        why: &'a str,
    },
    /// 0.31: the pods of a node that has expired or drifted have nowhere to go. `what` is which of the two.
    CannotTerminate {
        claim: ClaimRef<'a>,
        what: &'a str,
        error: &'a str,
    },
    MarkingConsolidatable {
        claim: ClaimRef<'a>,
    },
    NotConsolidatable {
        claim: ClaimRef<'a>,
        why: &'a str,
    },
    Disrupting {
        method: &'a str,
        command: &'a str,
        decision: &'a str,
        nodes: &'a [Disrupted],
        replacements: &'a [(String, String)],
        pods: usize,
    },
    TriggeringExpiration {
        ttl_ms: u64,
        delay_ms: u64,
    },
    Abandoned {
        text: &'a str,
        command: &'a str,
    },
    DisruptionFailed {
        error: &'a str,
    },
    BudgetErrors {
        error: &'a str,
    },
    QueueFailed {
        error: &'a str,
    },
    WaitingOnDeletion {
        error: &'a str,
    },
    Cordoned {
        node: &'a str,
        claim: &'a str,
    },
    DeletedNode {
        node: &'a str,
        claim: &'a str,
    },
    EvictionFailed {
        error: &'a str,
    },
    DeletedClaim {
        claim: ClaimRef<'a>,
    },
    Annotated {
        claim: ClaimRef<'a>,
        time: &'a str,
    },
    Garbage {
        claim: ClaimRef<'a>,
    },
    GarbageInstance {
        provider_id: &'a str,
    },
    Expiring {
        claim: ClaimRef<'a>,
    },
    Interrupted {
        queue: &'a str,
        kind: &'a str,
        claim: &'a str,
        action: &'a str,
        node: &'a str,
    },
}

/// A line before it is laid out.
#[derive(Debug)]
struct Worded {
    level: Level,
    by: By,
    message: String,
    fields: Vec<(String, Value)>,
    /// Era B: the object that the controller reconciled, as (kind, name); `None` for singletons.
    object: Option<(&'static str, String)>,
}

impl Worded {
    fn new(level: Level, by: By, message: impl Into<String>) -> Worded {
        Worded { level, by, message: message.into(), fields: Vec::new(), object: None }
    }

    fn field(mut self, name: &str, value: impl Into<Value>) -> Worded {
        self.fields.push((name.to_owned(), value.into()));
        self
    }
}

/// The line as the era prints it; `None` where that era's Karpenter says nothing or hides it.
pub fn line(view: &View<'_>, by: By, say: &Say<'_>) -> Option<LogLine> {
    let era = view.era();
    let mut worded = match era {
        Era::V1alpha5 => v1alpha5::word(by, say)?,
        Era::V1 => v1::word(by, say)?,
    };
    // The error about a taint carries it as a value, which the log shows beside the text.
    if let Say::CannotSchedule { error, .. } = say
        && view.profile.as_recorded
        && let Some(taint) = error.strip_prefix("did not tolerate taint (taint=").and_then(|e| e.strip_suffix(')'))
    {
        let at = worded.fields.len().saturating_sub(1);
        worded.fields.insert(at, ("taint".to_owned(), taint.into()));
    }
    if era == Era::V1 && worded.level == Level::Debug {
        return None;
    }
    let time = objects::time::rfc3339_ms(view.unix_ms());
    let (logger, text) = match era {
        Era::V1alpha5 => {
            let logger = v1alpha5::logger(worded.by);
            let text = console(&time, &logger, view.profile.karpenter_commit, &worded);
            (logger, text)
        }
        Era::V1 => {
            let logger = v1::controller(worded.by).to_owned();
            let about = worded.object.as_ref().map_or("", |(_, name)| name);
            let id = view.stream("reconcile", &format!("{logger}/{about}/{}", view.now.ms())).uuid();
            let text = json_line(&time, &logger, view.profile.karpenter_commit, &id, &worded);
            (logger, text)
        }
    };
    Some(LogLine {
        at: view.now,
        pod: String::new(),
        container: "controller".to_owned(),
        level: worded.level,
        logger,
        message: worded.message,
        fields: worded.fields,
        text,
    })
}

/// A line of era B that no reconcile writes: of the process as such, or of a controller that starts. `pod` is another than
/// the leader, as `namespace/name`.
pub fn plain_line(view: &View<'_>, pod: &str, logger: &str, message: &str, fields: Vec<(&'static str, Value)>) -> LogLine {
    let mut text = format!("{{\"level\":\"INFO\",\"time\":{}", Value::from(objects::time::rfc3339_ms(view.unix_ms())));
    let lead = [("logger", Value::from(logger)), ("message", message.into())].into_iter().filter(|(_, v)| *v != "");
    for (name, value) in lead.chain(fields.iter().cloned()) {
        let _ = write!(text, ",{}:{value}", Value::from(name));
    }
    text.push('}');
    LogLine {
        at: view.now,
        pod: pod.to_owned(),
        container: "controller".to_owned(),
        level: Level::Info,
        logger: logger.to_owned(),
        message: message.to_owned(),
        fields: fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        text,
    }
}

fn console(time: &str, logger: &str, commit: &str, w: &Worded) -> String {
    let mut text = format!("{time}\t{}\t{logger}\t{}\t{{\"commit\": {}", w.level.as_str(), w.message, Value::from(commit));
    for (name, value) in &w.fields {
        // Writing to a String cannot fail.
        let _ = write!(text, ", {}: {value}", Value::from(name.as_str()));
    }
    text.push('}');
    text
}

fn json_line(time: &str, controller: &str, commit: &str, reconcile_id: &str, w: &Worded) -> String {
    let mut text = String::from("{");
    let mut put = |name: &str, value: &Value| {
        if text.len() > 1 {
            text.push(',');
        }
        let _ = write!(text, "{}:{value}", Value::from(name));
    };
    put("level", &w.level.as_str().into());
    put("time", &time.into());
    put("logger", &"controller".into());
    put("message", &w.message.as_str().into());
    // A build from a checkout does not know its commit.
    if !commit.is_empty() {
        put("commit", &commit.into());
    }
    if !controller.is_empty() {
        put("controller", &controller.into());
        match &w.object {
            Some((kind, name)) => {
                let group = if *kind == "Node" { "" } else { "karpenter.sh" };
                put("controllerGroup", &group.into());
                put("controllerKind", &(*kind).into());
                put(kind, &objects::json!({"name": name}));
                put("namespace", &"".into());
                put("name", &name.as_str().into());
            }
            None => {
                put("namespace", &"".into());
                put("name", &"".into());
            }
        }
        put("reconcileID", &reconcile_id.into());
    }
    for (name, value) in &w.fields {
        put(name, value);
    }
    text.push('}');
    text
}

/// A resource list as Kubernetes prints it in logs and documents: `{"cpu":"5125m","pods":"7"}`.
pub fn quantities(resources: &Resources) -> Value {
    Value::Object(objects::json::map(resources.0.iter().map(|(n, amount)| (n.clone(), Value::from(quantity(n, *amount))))))
}

/// One amount in canonical form: CPU in milli-units, bytes in the largest binary suffix that divides them.
pub fn quantity(name: &str, amount: i64) -> String {
    const BYTES: [&str; 2] = [objects::resources::MEMORY, objects::resources::EPHEMERAL];
    if name == CPU {
        return if amount % 1000 == 0 { (amount / 1000).to_string() } else { format!("{amount}m") };
    }
    if !BYTES.contains(&name) || amount == 0 {
        return amount.to_string();
    }
    let mut value = amount;
    let mut suffix = "";
    for s in ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"] {
        if value % 1024 != 0 {
            break;
        }
        value /= 1024;
        suffix = s;
    }
    format!("{value}{suffix}")
}

/// The first five names, then how many more.
pub fn five(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(5).map(String::as_str).collect();
    let mut text = shown.join(", ");
    if names.len() > 5 {
        let _ = write!(text, " and {} other(s)", names.len() - 5);
    }
    text
}

/// A duration as Go prints it: `15m0s`, `3m0s`, `30s`, `1.5s`.
pub fn go_duration(ms: u64) -> String {
    let (h, m, s, rest) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000);
    if h == 0 && m == 0 && s == 0 {
        return if rest == 0 { "0s".to_owned() } else { format!("{rest}ms") };
    }
    let fraction = if rest == 0 { String::new() } else { format!(".{rest:03}").trim_end_matches('0').to_owned() };
    match (h, m) {
        (0, 0) => format!("{s}{fraction}s"),
        (0, _) => format!("{m}m{s}{fraction}s"),
        _ => format!("{h}h{m}m{s}{fraction}s"),
    }
}

/// `$0.30` of micro-dollars, rounded half up as Go's `%.2f` does for what is no tie.
pub fn dollars(micro: i64) -> String {
    let sign = if micro < 0 { "-" } else { "" };
    let cents = (micro.unsigned_abs() + 5_000) / 10_000;
    format!("${sign}{}.{:02}", cents / 100, cents % 100)
}

/// Names of the era, for tables that need them.
fn names(era: Era) -> &'static Names {
    Names::of(era)
}

#[cfg(test)]
mod tests;
