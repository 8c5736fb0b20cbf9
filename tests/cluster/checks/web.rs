//! The page of `observe --web`: what it is told of the real cluster, and with which rights.

use super::act::scale;
use super::rights::{ABSENT, OF_AWS, account, enough, forget_users, grant, users_without};
use super::{clear, inflate, namespace, node, until_running, until_usable};
use crate::api::eventually;
use crate::control_plane::Cluster;
use anyhow::{Result, anyhow};
use engine::cluster::{Mirror, NAMESPACE, Options, Right, Verb};
use nodewright_cli::observe::web;
use objects::{DocExt, Kind, Value};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The first argument of a process that serves the page; then the kubeconfig and a folder with a page.
const WEB: &str = "--serves-the-page";
/// What the manifest's account and users without one right are called.
const WORD: &str = "observe-web";

pub fn arguments() -> Option<[String; 2]> {
    let mut all = std::env::args().skip(1);
    if all.next()? != WEB {
        return None;
    }
    Some([all.next()?, all.next()?])
}

/// Prints the address, and serves until the process that started it ends.
pub fn process([kubeconfig, page]: &[String; 2]) -> Result<()> {
    std::thread::spawn(|| {
        let _ = std::io::stdin().lines().next();
        std::process::exit(0);
    });
    let options = Options { kubeconfig: Some(kubeconfig.clone()), ..Options::default() };
    let site = web::Site::new(Some(page.into())).map_err(|f| anyhow!(f.message))?;
    let clock = || jiff::Timestamp::now().as_millisecond();
    web::serve(&options, site, 0, clock, &mut |address| println!("{address}")).map_err(|f| anyhow!(f.message))
}

/// The served page, and what is told of the cluster there.
struct Page {
    child: Child,
    host: String,
    path: String,
    told: BufReader<TcpStream>,
    mirror: Mirror,
}

impl Page {
    fn open(kubeconfig: &str) -> Page {
        let folder = Path::new(kubeconfig).with_extension("page");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("index.html"), "<html lang=\"en\">").unwrap();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args([WEB, kubeconfig]).arg(&folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut address).unwrap();
        let (host, path) = address.trim().strip_prefix("http://").unwrap().split_once('/').unwrap();
        let (host, path) = (host.to_owned(), format!("/{path}"));
        let told = BufReader::new(get(&host, &format!("{path}cluster")));
        Page { child, host, path, told, mirror: Mirror::default() }
    }

    /// Listens until the picture is so.
    fn until(&mut self, what: &str, is: impl Fn(&Mirror) -> bool) {
        eventually(what, 60, || {
            let mut line = String::new();
            self.told.read_line(&mut line).expect("it goes on");
            if let Some(text) = line.strip_prefix("data: ") {
                self.mirror.hear(text.trim_end()).unwrap();
            }
            is(&self.mirror).then_some(())
        });
    }

    fn plan(&self) -> Value {
        let answer = std::io::read_to_string(get(&self.host, &format!("{}plan", self.path))).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.0 200") || head.starts_with("HTTP/1.1 200"), "{answer}");
        serde_json::from_str(body).unwrap()
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks by HTTP 1.0, which has no chunks.
fn get(host: &str, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(host).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n").unwrap();
    stream
}

fn lacks(mirror: &Mirror) -> Vec<&String> {
    mirror.notes().iter().filter(|n| n.contains("no permission")).collect()
}

/// It is told what happens and what it costs, plans, asks for nothing but what its manifest grants, and says what it may not see.
pub fn attached(cluster: &mut Cluster) {
    cluster.install_karpenter_crds().unwrap();
    cluster.apply(&namespace("web"));
    cluster.create(&node("web-a")).unwrap();
    until_usable(cluster, "web-a");
    cluster.create(&inflate("web", 2)).unwrap();
    until_running(cluster, "web", 2);
    grant(cluster, Verb::ObserveWeb);
    let kubeconfig = cluster.audited(&account(WORD)).unwrap();
    let last = Verb::ObserveWeb.rights(NAMESPACE).pop().unwrap();
    eventually("the manifest has come into force", 20, || cluster.may(&account(WORD), &last).then_some(()));

    let mut page = Page::open(&kubeconfig);
    let pods = |m: &Mirror| m.snapshot().store.pods_on("web-a").count();
    page.until("two pods and no notes", |m| pods(m) == 2 && m.notes().is_empty());
    assert_eq!(page.mirror.snapshot().ledger.rate_micro(), 236_000);
    assert!(page.mirror.snapshot().store.count(Kind::Event) > 0);
    scale(cluster, "web", 3);
    page.until("a third pod", |m| pods(m) == 3);
    let plan = page.plan();
    let sentences = |lang: &str| -> Vec<String> {
        plan.list_at(lang).iter().filter_map(|row| row.str_at("sentence").map(str::to_owned)).collect()
    };
    assert_eq!(sentences("en"), ["There is nothing for Karpenter to do now.", "The node web-a stays."]);
    assert_eq!(sentences("ko").len(), 2);
    assert_eq!(plan.list_at("en")[1].str_at("raw"), Some("not Karpenter's"));
    assert!(!plan.list_at("notes").iter().any(|n| n.as_str().is_some_and(|n| n.contains("no permission"))), "{plan}");
    drop(page);
    // What the server has not is not watched.
    let absent = |right: &Right| ABSENT.contains(&right.resource.as_str()) || right.resource == OF_AWS;
    enough(cluster, &account(WORD), Verb::ObserveWeb, |right| right.verb == "watch" && absent(right));

    // The other rights are those of observe and plan, each of which is tried without.
    let users = users_without(cluster, WORD, Verb::ObserveWeb);
    for (right, kubeconfig) in users.iter().filter(|(right, _)| right.resource == "events") {
        let mut page = Page::open(kubeconfig);
        page.until("what may not be seen is told", |m| !lacks(m).is_empty() && pods(m) == 3);
        let [lack] = lacks(&page.mirror)[..] else { panic!("{:?}", page.mirror.notes()) };
        assert!(lack.starts_with(&format!("no permission to {} events: ", right.verb)), "{lack}");
    }
    forget_users(cluster, &users, WORD);
    clear(cluster, "web", &["web-a"]);
}
