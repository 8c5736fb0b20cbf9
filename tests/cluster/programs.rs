//! The Go programs of the control plane, built from the module beside this file: `go.mod` names their versions, `go.sum`
//! holds them to their contents. No container, no image, nothing but the Go proxy.

use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// File name and package, in the order in which they are built.
const PROGRAMS: [(&str, &str); 5] = [
    ("etcd", "go.etcd.io/etcd/server/v3"),
    ("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver"),
    ("kube-controller-manager", "k8s.io/kubernetes/cmd/kube-controller-manager"),
    ("kube-scheduler", "k8s.io/kubernetes/cmd/kube-scheduler"),
    ("karpenter", "sigs.k8s.io/karpenter/kwok"),
];

/// How often a build that takes minutes says that it still runs.
const SIGN_OF_LIFE: Duration = Duration::from_secs(30);

/// Where the built programs are, and of which Kubernetes version.
#[derive(Clone)]
pub struct Programs {
    folder: PathBuf,
    /// Of Kubernetes, as `v1.35.4`.
    pub version: String,
}

impl Programs {
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Builds what is missing into `folder`. What was built from the same `go.mod`, `go.sum` and flags is kept.
    pub fn build(folder: &Path) -> Result<Programs> {
        let read =
            |name: &str| std::fs::read_to_string(module().join(name)).with_context(|| format!("read tests/cluster/{name}"));
        let (requires, sums) = (read("go.mod")?, read("go.sum")?);
        let version = required(&requires, "k8s.io/kubernetes").context("tests/cluster/go.mod requires no k8s.io/kubernetes")?;
        let flags = link_flags(&version)?;
        let made_from = format!("{flags}\n{requires}{sums}");
        let programs = Programs { folder: folder.to_path_buf(), version };

        let stamp = folder.join("made-from");
        let whole = std::fs::read_to_string(&stamp).is_ok_and(|made| made == made_from);
        if whole && PROGRAMS.iter().all(|(name, _)| programs.path(name).exists()) {
            return Ok(programs);
        }
        check_go(&requires)?;
        std::fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
        // A build that stops half-way must not look whole the next time.
        let _ = std::fs::remove_file(&stamp);
        println!(
            "building the control plane from Go modules into {}: about 8 minutes on two idle cores the first time, and 4.5 GB \
             with Go's caches",
            folder.display()
        );
        for (i, (name, package)) in PROGRAMS.iter().enumerate() {
            let what = format!("{}/{} {name}", i + 1, PROGRAMS.len());
            let mut build = go(&["build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags", &flags, "-o"]);
            run(&what, build.arg(programs.path(name)).arg(package))?;
        }
        std::fs::write(&stamp, made_from).with_context(|| format!("write {}", stamp.display()))?;
        Ok(programs)
    }

    /// The sources of a module of the control plane, in Go's module cache.
    pub fn sources(&self, module: &str) -> Result<PathBuf> {
        // Where the programs were built elsewhere and brought here, the module cache may be empty.
        run(&format!("sources of {module}"), &mut go(&["mod", "download", module]))?;
        let out = go(&["list", "-m", "-f", "{{.Dir}}", module]).output().context("run go list")?;
        let dir = String::from_utf8_lossy(&out.stdout).trim().to_owned();
        if !out.status.success() || dir.is_empty() {
            bail!("go list -m {module} names no folder: {}", String::from_utf8_lossy(&out.stderr).trim());
        }
        Ok(PathBuf::from(dir))
    }
}

/// The folder of `go.mod`.
fn module() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("cluster")
}

/// The Go command in the module, whatever the caller's own settings are.
fn go(args: &[&str]) -> Command {
    let mut command = Command::new("go");
    command.args(args).current_dir(module()).stdin(Stdio::null());
    command.env("GOFLAGS", "").env("GOWORK", "off").env("CGO_ENABLED", "0");
    command
}

/// Without a version the API server calls itself v0.0.0-master, and clients complain.
fn link_flags(version: &str) -> Result<String> {
    let numbers: Vec<&str> = version.trim_start_matches('v').split('.').collect();
    let [major, minor, _] = numbers.as_slice() else { bail!("`{version}` is no version of Kubernetes") };
    let set = [("gitVersion", version), ("gitMajor", major), ("gitMinor", minor), ("gitTreeState", "clean")];
    let set = set.map(|(name, value)| format!(" -X k8s.io/component-base/version.{name}={value}"));
    Ok(format!("-s -w{}", set.concat()))
}

/// The version of `module` that a go.mod requires.
pub fn required(requires: &str, module: &str) -> Option<String> {
    let mut lines = requires.lines().map(|l| l.trim().trim_start_matches("require ").split_whitespace());
    lines.find_map(|mut words| (words.next() == Some(module)).then(|| words.next().map(str::to_owned)).flatten())
}

/// Is there a Go that can build the module?
fn check_go(requires: &str) -> Result<()> {
    let needed = required(requires, "go").context("tests/cluster/go.mod names no Go version")?;
    let install = format!("install Go {needed} or newer (https://go.dev/dl) and put it on the PATH");
    let about = "the cluster suite builds etcd, the Kubernetes control plane and Karpenter from Go modules";
    let Ok(out) = go(&["env", "GOVERSION"]).output() else { bail!("Go is missing: {about}; {install}") };
    let found = String::from_utf8_lossy(&out.stdout).trim().to_owned();
    if !out.status.success() || !is_at_least(&found, &needed) {
        let said = String::from_utf8_lossy(&out.stderr).trim().to_owned();
        let said = if said.is_empty() { format!("it is {found}") } else { said };
        bail!("Go is too old ({said}): {about}; {install}");
    }
    Ok(())
}

/// Is `found` (`go1.26.8`) at least `needed` (`1.26.6`)?
pub fn is_at_least(found: &str, needed: &str) -> bool {
    let numbers = |version: &str| -> Vec<u32> {
        // What follows a space or a dash tells of experiments and vendors; `rc1` is before the release, `0` of it.
        let plain = version.trim_start_matches("go").split([' ', '-']).next().unwrap_or_default();
        plain.split('.').map(|part| part.parse().unwrap_or_default()).collect()
    };
    !found.is_empty() && numbers(found) >= numbers(needed)
}

/// Runs to the end, saying now and then that it still runs.
fn run(what: &str, command: &mut Command) -> Result<()> {
    let (start, mut said) = (Instant::now(), Duration::ZERO);
    let mut child = command.spawn().with_context(|| format!("{what}: cannot run go"))?;
    let status = loop {
        if let Some(status) = child.try_wait().with_context(|| what.to_owned())? {
            break status;
        }
        std::thread::sleep(Duration::from_millis(100));
        if start.elapsed() - said > SIGN_OF_LIFE {
            said = start.elapsed();
            println!("  {what}: {} s so far", said.as_secs());
        }
    };
    if !status.success() {
        bail!("{what}: go failed ({status}); it needs the Go proxy of `go env GOPROXY` for what its cache does not hold");
    }
    if start.elapsed() > Duration::from_secs(2) {
        println!("  {what}: done in {} s", start.elapsed().as_secs());
    }
    Ok(())
}
