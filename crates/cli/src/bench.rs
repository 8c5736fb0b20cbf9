//! `nodewright bench`: how fast pods are packed and clusters scanned for consolidation, on inputs that Karpenter's own
//! code has been measured on, and how fast kube-scheduler places pods.

use crate::Failure;
use bench::{Board, Method, Outcome};
use objects::Value;
use serde_json::json;

/// What to measure.
#[derive(Clone, Debug)]
pub struct Choices {
    /// The pods, or (to consolidate or to schedule) the nodes and the pods.
    pub files: Vec<String>,
    pub consolidate: bool,
    /// kube-scheduler alone.
    pub schedule: bool,
    pub multi: bool,
    /// The instance types, as JSON.
    pub types: String,
    /// Names of the types that are sold; none: all, but for `cluster-tight-*` the three that its makers allow.
    pub allow: Vec<String>,
    /// The fastest of so many runs counts: what the machine does beside only adds.
    pub runs: u32,
}

/// One run: its seconds by the clock, and what came out.
type Run = Box<dyn Fn() -> (f64, Outcome)>;

/// Runs it: `{"file","pods","nodes","seconds","pods_per_s","peak_rss_mb","errors"}`, to consolidate with `method`,
/// `tried` and `command` too. `seconds` are those of the clock.
pub fn run(choices: &Choices) -> Result<Value, Failure> {
    let read = |file: &String| std::fs::read_to_string(file).map_err(|e| Failure::usage(format!("{file}: {e}")));
    let types = read(&choices.types)?;
    let at = |nodes: &String, pods: &String| format!("{nodes}, {pods}");
    let (first, once): (&String, Run) = match (choices.files.as_slice(), choices.consolidate) {
        ([nodes, pods], false) if choices.schedule => {
            let board = input(&at(nodes, pods), bench::board(&read(nodes)?, &read(pods)?, &types))?;
            (nodes, Box::new(move || scheduled(&board)))
        }
        (_, false) if choices.schedule => {
            return Err(Failure::usage("bench --schedule takes a file of nodes and a file of pods"));
        }
        ([pods], false) => {
            let cluster = input(pods, bench::pending(&read(pods)?, &types))?;
            (pods, Box::new(move || timed(&|| bench::pack(&cluster))))
        }
        ([nodes, pods], true) => {
            let tight = nodes.contains("cluster-tight") && choices.allow.is_empty();
            let allow: Vec<&str> = choices.allow.iter().map(String::as_str).collect();
            let allow = if tight { &["c5.large", "m5.large", "m5.xlarge"][..] } else { &allow };
            let cluster = input(&at(nodes, pods), bench::cluster(&read(nodes)?, &read(pods)?, &types, allow))?;
            let method = if choices.multi { Method::Multi } else { Method::Single };
            (nodes, Box::new(move || timed(&|| bench::consolidate(&cluster, method))))
        }
        (_, false) => return Err(Failure::usage("bench takes one file of pods")),
        (_, true) => return Err(Failure::usage("bench --consolidate takes a file of nodes and a file of pods")),
    };
    let runs = (0..choices.runs.max(1)).map(|_| once());
    let Some((seconds, outcome)) = runs.min_by(|a, b| a.0.total_cmp(&b.0)) else { return Err(Failure::usage("no run")) };
    let name = std::path::Path::new(first).file_name().map(|n| n.to_string_lossy().into_owned());
    let mut v = json!({
        "file": name, "pods": outcome.pods, "nodes": outcome.nodes, "seconds": round(seconds),
        "pods_per_s": (outcome.pods as f64 / seconds).round(), "peak_rss_mb": peak_rss_mb(), "errors": outcome.errors,
    });
    if let (Some((tried, command)), Some(map)) = (&outcome.scan, v.as_object_mut()) {
        map.insert("method".to_owned(), json!(if choices.multi { "multi" } else { "single" }));
        map.insert("tried".to_owned(), json!(tried));
        map.insert("command".to_owned(), json!(command));
    }
    Ok(v)
}

/// One line for people.
pub fn text(v: &Value) -> String {
    let field = |key: &str| v.get(key).map_or_else(String::new, |f| f.as_str().map_or_else(|| f.to_string(), str::to_owned));
    let scan = v.get("method").map(|_| format!(", {}-node, {} tried: {}", field("method"), field("tried"), field("command")));
    format!(
        "{}: {} pods, {} nodes, {} errors in {} s ({} pods/s, peak {} MB{})\n",
        field("file"),
        field("pods"),
        field("nodes"),
        field("errors"),
        field("seconds"),
        field("pods_per_s"),
        field("peak_rss_mb"),
        scan.unwrap_or_default()
    )
}

fn input<T>(file: &str, read: Result<T, String>) -> Result<T, Failure> {
    read.map_err(|why| Failure::usage(format!("{file}: {why}")))
}

#[expect(clippy::disallowed_types, reason = "a measurement of real time")]
fn timed(once: &dyn Fn() -> Outcome) -> (f64, Outcome) {
    let start = std::time::Instant::now();
    let outcome = once();
    (start.elapsed().as_secs_f64(), outcome)
}

/// What the scheduler took, without the API server's writes in between.
#[expect(clippy::disallowed_types, reason = "a measurement of real time")]
fn scheduled(board: &Board) -> (f64, Outcome) {
    let mut took = std::time::Duration::ZERO;
    let outcome = board.run(&mut |work| {
        let start = std::time::Instant::now();
        work();
        took += start.elapsed();
    });
    (took.as_secs_f64(), outcome)
}

fn round(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e6
}

/// The most memory that the process has had, in MB; `null` where the system does not say.
fn peak_rss_mb() -> Value {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let kb = line.and_then(|l| l.split_whitespace().next()).and_then(|n| n.parse::<f64>().ok());
    kb.map_or(Value::Null, |kb| json!((kb * 1.024 / 100.0).round() / 10.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_uses_say_what_is_wanted() {
        let check = |files: &[&str], mode: &str, message: &str| {
            let files: Vec<String> = files.iter().map(|f| (*f).to_owned()).collect();
            let types = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml").to_owned();
            let (consolidate, schedule) = (mode == "consolidate", mode == "schedule");
            let choices = Choices { files, consolidate, schedule, multi: false, types, allow: Vec::new(), runs: 1 };
            let failure = run(&choices).unwrap_err();
            assert_eq!(failure.exit, 2);
            assert!(failure.message.contains(message), "{}", failure.message);
        };
        check(&["a.csv", "b.csv"], "", "takes one file of pods");
        check(&["a.csv"], "schedule", "--schedule takes a file of nodes and a file of pods");
        check(&["a.csv"], "consolidate", "takes a file of nodes and a file of pods");
        check(&["no such file"], "", "no such file");
    }
}
