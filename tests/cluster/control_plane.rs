//! A control plane of real programs on this machine's loopback, and nothing of it left when it is dropped.

use super::kubelet::Kubelets;
use super::pki::Pki;
use super::process::Process;
use super::programs::Programs;
use anyhow::{Context, Result, bail};
use kube::Client;
use objects::Kind;
use std::collections::BTreeMap;
use std::future::Future;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// One program of the control plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Etcd,
    ApiServer,
    ControllerManager,
    Scheduler,
    Karpenter,
}

impl Part {
    fn program(self) -> &'static str {
        match self {
            Part::Etcd => "etcd",
            Part::ApiServer => "kube-apiserver",
            Part::ControllerManager => "kube-controller-manager",
            Part::Scheduler => "kube-scheduler",
            Part::Karpenter => "karpenter",
        }
    }

    /// What Go may use, so that all parts together stay below 1.5 GB.
    fn memory_mib(self) -> u32 {
        match self {
            Part::Etcd => 150,
            Part::ApiServer => 700,
            Part::ControllerManager | Part::Karpenter => 300,
            Part::Scheduler => 200,
        }
    }
}

const AUDIT_POLICY: &str = "audit-policy.json";

/// How long a part may take until it answers, on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(90);

pub struct Cluster {
    /// Of the administrator, who may do everything.
    pub kubeconfig: String,
    pub client: Client,
    pub programs: Programs,
    pub pki: Pki,
    folder: PathBuf,
    ports: Ports,
    runtime: tokio::runtime::Runtime,
    // Stopped before the programs they talk to.
    kubelets: Option<Kubelets>,
    running: BTreeMap<Part, Process>,
}

struct Ports {
    etcd: u16,
    peers: u16,
    server: u16,
    manager: u16,
    scheduler: u16,
    health: u16,
    metrics: u16,
}

impl Ports {
    /// Free ones: held together, so that they differ.
    fn free() -> Result<Ports> {
        let held = (0..7).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<Vec<_>, _>>().context("find free ports")?;
        let ports = held.iter().map(|l| Ok(l.local_addr()?.port())).collect::<Result<Vec<_>>>()?;
        let [etcd, peers, server, manager, scheduler, health, metrics] = ports[..] else { bail!("no seven ports") };
        Ok(Ports { etcd, peers, server, manager, scheduler, health, metrics })
    }

    fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.server)
    }
}

impl Cluster {
    /// Starts etcd, the API server, its controllers and scheduler from empty data in `folder`, with kubelets for
    /// whatever nodes there will be.
    pub fn start(programs: Programs, folder: &Path) -> Result<Cluster> {
        std::fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
        let ports = Ports::free()?;
        let pki = Pki::create(&folder.join("pki"))?;
        let kubeconfig = pki.kubeconfig(&ports.url(), "admin", Some("system:masters"))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let client = runtime.block_on(client(&kubeconfig))?;
        std::fs::write(folder.join(AUDIT_POLICY), super::audit::policy().to_string()).context("write the audit policy")?;
        let (running, kubelets) = (BTreeMap::new(), None);
        let folder = folder.to_path_buf();
        let mut cluster = Cluster { kubeconfig, client, programs, pki, folder, ports, runtime, kubelets, running };
        cluster.run(Part::Etcd)?;
        cluster.run(Part::ApiServer)?;
        cluster.run(Part::ControllerManager)?;
        cluster.run(Part::Scheduler)?;
        cluster.kubelets = Some(Kubelets::start(&cluster.kubeconfig)?);
        Ok(cluster)
    }

    pub fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// A kubeconfig for another user.
    pub fn kubeconfig_of(&self, user: &str) -> Result<String> {
        self.kubeconfig_in(user, None)
    }

    pub fn kubeconfig_in(&self, user: &str, group: Option<&str>) -> Result<String> {
        self.pki.kubeconfig(&self.ports.url(), user, group)
    }

    pub fn audit_log(&self) -> PathBuf {
        self.folder.join("audit.log")
    }

    /// Starts a part that does not run, and waits until it answers.
    pub fn run(&mut self, part: Part) -> Result<()> {
        self.run_with(part, &[])
    }

    /// The same with more in its environment.
    pub fn run_with(&mut self, part: Part, env: &[(&str, String)]) -> Result<()> {
        if self.running.contains_key(&part) {
            bail!("{} runs already", part.program());
        }
        let mut settings = vec![("GOMAXPROCS", "2".to_owned()), ("GOMEMLIMIT", format!("{}MiB", part.memory_mib()))];
        settings.extend_from_slice(env);
        let (program, log) = (self.programs.path(part.program()), self.log(part));
        let mut process = Process::start(part.program(), &program, &self.arguments(part)?, &settings, &log)?;
        let start = Instant::now();
        while !self.answers(part) {
            process.check()?;
            if start.elapsed() > PATIENCE {
                let lines = process.last_lines(20);
                bail!("{} does not answer after {} s:\n{lines}", process.name, PATIENCE.as_secs());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        self.running.insert(part, process);
        Ok(())
    }

    /// Asks a part to stop, and waits until it has.
    pub fn stop(&mut self, part: Part) {
        if let Some(process) = self.running.remove(&part) {
            process.stop();
        }
    }

    /// Ends a part as a crash would.
    pub fn kill(&mut self, part: Part) {
        if let Some(process) = self.running.remove(&part) {
            process.kill();
        }
    }

    pub fn is_running(&self, part: Part) -> bool {
        self.running.contains_key(&part)
    }

    /// All that a part has written so far, in all its runs.
    pub fn log_of(&self, part: Part) -> String {
        std::fs::read_to_string(self.log(part)).unwrap_or_default()
    }

    fn log(&self, part: Part) -> PathBuf {
        self.folder.join(format!("{}.log", part.program()))
    }

    /// Fails when a part has ended by itself.
    pub fn check(&mut self) -> Result<()> {
        self.running.values_mut().try_for_each(Process::check)
    }

    fn arguments(&self, part: Part) -> Result<Vec<String>> {
        let p = &self.ports;
        let pki = |name: &str| self.pki.path(name);
        let args = match part {
            Part::Etcd => vec![
                format!("--data-dir={}", self.folder.join("etcd").display()),
                format!("--listen-client-urls=http://127.0.0.1:{}", p.etcd),
                format!("--advertise-client-urls=http://127.0.0.1:{}", p.etcd),
                format!("--listen-peer-urls=http://127.0.0.1:{}", p.peers),
                format!("--initial-advertise-peer-urls=http://127.0.0.1:{}", p.peers),
                format!("--initial-cluster=default=http://127.0.0.1:{}", p.peers),
                // The data lives as long as the test.
                "--unsafe-no-fsync".to_owned(),
                "--log-level=warn".to_owned(),
            ],
            Part::ApiServer => vec![
                format!("--etcd-servers=http://127.0.0.1:{}", p.etcd),
                "--bind-address=127.0.0.1".to_owned(),
                "--advertise-address=127.0.0.1".to_owned(),
                // A loopback address cannot be an endpoint of the Service `kubernetes`.
                "--endpoint-reconciler-type=none".to_owned(),
                format!("--secure-port={}", p.server),
                "--service-cluster-ip-range=10.0.0.0/24".to_owned(),
                format!("--client-ca-file={}", pki("ca.crt")),
                format!("--tls-cert-file={}", pki("server.crt")),
                format!("--tls-private-key-file={}", pki("server.key")),
                "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
                format!("--service-account-key-file={}", pki("accounts.pub")),
                format!("--service-account-signing-key-file={}", pki("accounts.key")),
                "--authorization-mode=Node,RBAC".to_owned(),
                format!("--audit-policy-file={}", self.folder.join(AUDIT_POLICY).display()),
                format!("--audit-log-path={}", self.audit_log().display()),
                "--allow-privileged=true".to_owned(),
                "--profiling=false".to_owned(),
            ],
            Part::ControllerManager => vec![
                // The server knows these users, and gives them their rights.
                format!("--kubeconfig={}", self.kubeconfig_of("system:kube-controller-manager")?),
                "--leader-elect=false".to_owned(),
                // Without it every controller acts as the manager itself, which RBAC lets do next to nothing.
                "--use-service-account-credentials=true".to_owned(),
                format!("--service-account-private-key-file={}", pki("accounts.key")),
                format!("--root-ca-file={}", pki("ca.crt")),
                "--bind-address=127.0.0.1".to_owned(),
                format!("--secure-port={}", p.manager),
            ],
            Part::Scheduler => vec![
                format!("--kubeconfig={}", self.kubeconfig_of("system:kube-scheduler")?),
                "--leader-elect=false".to_owned(),
                "--bind-address=127.0.0.1".to_owned(),
                format!("--secure-port={}", p.scheduler),
            ],
            // Its settings are in the environment.
            Part::Karpenter => Vec::new(),
        };
        Ok(args)
    }

    /// The ports on which Karpenter is to answer: health, metrics.
    pub fn karpenter_ports(&self) -> (u16, u16) {
        (self.ports.health, self.ports.metrics)
    }

    fn answers(&self, part: Part) -> bool {
        match part {
            Part::Etcd => is_ok(self.ports.etcd, "/health"),
            Part::Karpenter => is_ok(self.ports.health, "/readyz"),
            Part::ApiServer => self.is_ready(),
            // It has begun to work when the namespace has what every namespace gets.
            Part::ControllerManager => self.get(Kind::ServiceAccount, "default", "default").is_some(),
            Part::Scheduler => TcpStream::connect(("127.0.0.1", self.ports.scheduler)).is_ok(),
        }
    }

    fn is_ready(&self) -> bool {
        let asked = self.block_on(async {
            let request = http::Request::get("/readyz").body(Vec::new()).expect("a request");
            self.client.request_text(request).await
        });
        asked.is_ok_and(|answer| answer == "ok")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.kubelets.take());
        // The API server last but for its store: the others end sooner while it answers.
        while let Some((_, process)) = self.running.pop_last() {
            process.kill();
        }
    }
}

async fn client(kubeconfig: &str) -> Result<Client> {
    let file = kube::config::Kubeconfig::read_from(kubeconfig).with_context(|| format!("read {kubeconfig}"))?;
    let mut config = kube::Config::from_custom_kubeconfig(file, &kube::config::KubeConfigOptions::default()).await?;
    // Checks want to see each 429 themselves: tried again, a refused eviction takes four minutes.
    config.default_retry = false;
    Ok(Client::try_from(config)?)
}

/// Does a program on this machine answer 200 to a plain request?
fn is_ok(port: u16, path: &str) -> bool {
    ask(port, path).is_some_and(|(code, _)| code == 200)
}

/// What a program on this machine answers to a plain request: status and body.
pub fn ask(port: u16, path: &str) -> Option<(u16, String)> {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    let answer = ask().ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}

/// A port that nobody listens on.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}
