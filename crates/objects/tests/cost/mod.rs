//! What a fuzzer's own thread has cost, however busy the machine is: by what Linux says of it, where there is Linux.
#![allow(dead_code, clippy::panic, reason = "test support, included by several tests")]

use std::time::Duration;

/// Time on a processor of this thread so far; elsewhere than on Linux nothing, so that no bound on it fails.
pub fn processor() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0))
}

/// The most memory that this process has had at once, in MiB.
pub fn most_memory_mib() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.trim().strip_suffix(" kB")?.parse::<u64>().ok()).unwrap_or(0) / 1024
}

/// A number that the environment gives, as `FUZZ_SECONDS` and `FUZZ_SEED`.
pub fn asked(name: &str, otherwise: u64) -> u64 {
    #[expect(clippy::disallowed_methods, reason = "how long a fuzzer runs is asked by the environment")]
    let text = std::env::var(name);
    text.map_or(otherwise, |t| t.parse().unwrap_or_else(|e| panic!("{name}={t}: {e}")))
}
