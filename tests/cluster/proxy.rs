//! Between a client and the API server: hands everything on, but for requests that it has been told to answer otherwise.

use anyhow::{Context, Result, bail};
use futures::AsyncReadExt;
use kube::Client;
use objects::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What becomes of a request.
#[derive(Clone, Debug)]
pub enum Fate {
    /// The server does not see it; this is the answer: status, `Retry-After`, body.
    Answered(u16, Option<u16>, String),
    /// The server does it, and nobody hears of it.
    Unheard,
    /// The server does it, and the connection is gone before the answer.
    Lost,
}

/// Requests of this method whose path and body contain these texts, so often.
#[derive(Clone, Debug)]
pub struct Rule {
    pub method: &'static str,
    pub path: String,
    pub body: &'static str,
    pub fate: Fate,
    pub times: usize,
}

#[derive(Default)]
struct State {
    rules: Mutex<Vec<Rule>>,
    /// How often watches were made to expire.
    expired: AtomicUsize,
    /// Requests that the server has done and nobody has heard of.
    unheard: AtomicUsize,
}

pub struct Proxy {
    /// Leads here; its only context is `proxied`.
    pub kubeconfig: String,
    state: Arc<State>,
}

impl Proxy {
    /// Hands on as the user of `upstream`, until the tests end.
    pub fn start(upstream: &str, folder: &Path) -> Result<Proxy> {
        let listener = TcpListener::bind("127.0.0.1:0").context("find a free port")?;
        let address = listener.local_addr()?;
        let url = format!("http://{address}");
        let name = "proxied";
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": name,
            "clusters": [{"name": name, "cluster": {"server": url}}], "users": [{"name": name, "user": {}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        });
        let kubeconfig = folder.join(format!("{name}-{}.kubeconfig", address.port())).to_string_lossy().into_owned();
        std::fs::write(&kubeconfig, config.to_string()).with_context(|| format!("write {kubeconfig}"))?;
        let state = Arc::new(State::default());
        let (shared, upstream) = (Arc::clone(&state), upstream.to_owned());
        std::thread::spawn(move || {
            for stream in listener.incoming().filter_map(Result::ok) {
                let (shared, upstream) = (Arc::clone(&shared), upstream.clone());
                // A client that goes away in between is its own affair.
                std::thread::spawn(move || drop(serve(stream, &upstream, &shared)));
            }
        });
        Ok(Proxy { kubeconfig, state })
    }

    pub fn add(&self, rule: Rule) {
        self.state.rules.lock().expect("no panic").push(rule);
    }

    /// Rules that have not been used up.
    pub fn left(&self) -> Vec<Rule> {
        self.state.rules.lock().expect("no panic").clone()
    }

    /// From now on everything is handed on.
    pub fn clear(&self) {
        self.state.rules.lock().expect("no panic").clear();
    }

    /// Ends all watches that are open, as the server does when it has forgotten what was before.
    pub fn expire_watches(&self) {
        self.state.expired.fetch_add(1, Ordering::SeqCst);
    }

    pub fn unheard(&self) -> usize {
        self.state.unheard.load(Ordering::SeqCst)
    }
}

/// One request: the connection is not used again.
fn serve(mut stream: TcpStream, upstream: &str, state: &State) -> Result<()> {
    let (method, path, headers, body) = read(&stream)?;
    let text = String::from_utf8_lossy(&body).into_owned();
    let fate = {
        let mut rules = state.rules.lock().expect("no panic");
        let at = rules.iter().position(|r| r.method == method && path.contains(&r.path) && text.contains(r.body));
        at.map(|at| {
            let fate = rules[at].fate.clone();
            rules[at].times -= 1;
            if rules[at].times == 0 {
                rules.remove(at);
            }
            fate
        })
    };
    if let Some(Fate::Answered(code, retry_after, body)) = fate {
        let retry = retry_after.map_or(String::new(), |s| format!("Retry-After: {s}\r\n"));
        let length = body.len();
        write!(stream, "HTTP/1.1 {code} x\r\n{retry}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}")?;
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let is_watch = path.contains("watch=true");
    runtime.block_on(async {
        let client = upstream_client(upstream).await?;
        let mut request = http::Request::builder().method(method.as_str()).uri(path.as_str());
        for (name, value) in headers.iter().filter(|(name, _)| ["content-type", "accept"].contains(&name.as_str())) {
            request = request.header(name, value);
        }
        let request = request.body(body)?;
        if is_watch {
            return watch(&client, request, &mut stream, state).await;
        }
        let (code, body) = match client.request_text(request).await {
            Ok(body) => (200, body),
            Err(kube::Error::Api(status)) => (status.code, serde_json::to_string(&status)?),
            // As if this were the server, and away.
            Err(other) => bail!("{other}"),
        };
        if matches!(fate, Some(Fate::Unheard)) {
            state.unheard.fetch_add(1, Ordering::SeqCst);
            // Until the client has been killed.
            let _ = stream.read(&mut [0]);
            return Ok(());
        }
        if matches!(fate, Some(Fate::Lost)) {
            return Ok(());
        }
        let length = body.len();
        write!(
            stream,
            "HTTP/1.1 {code} x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )?;
        Ok(())
    })
}

async fn upstream_client(kubeconfig: &str) -> Result<Client> {
    let file = kube::config::Kubeconfig::read_from(kubeconfig)?;
    let mut config = kube::Config::from_custom_kubeconfig(file, &kube::config::KubeConfigOptions::default()).await?;
    config.default_retry = false;
    Ok(Client::try_from(config)?)
}

async fn watch(client: &Client, request: http::Request<Vec<u8>>, stream: &mut TcpStream, state: &State) -> Result<()> {
    let since = state.expired.load(Ordering::SeqCst);
    let mut events = match client.request_stream(request).await {
        Ok(events) => Box::pin(events),
        Err(kube::Error::Api(status)) => {
            let body = serde_json::to_string(&status)?;
            let (code, length) = (status.code, body.len());
            write!(stream, "HTTP/1.1 {code} x\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")?;
            return Ok(());
        }
        Err(other) => bail!("{other}"),
    };
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n")?;
    let mut part = vec![0; 65_536];
    loop {
        let next = tokio::time::timeout(Duration::from_millis(50), events.read(&mut part)).await;
        if state.expired.load(Ordering::SeqCst) != since {
            let expired = json!({"type": "ERROR", "object": status(410, "Expired", "too old resource version: 1 (2)")});
            writeln!(stream, "{expired}")?;
            return Ok(());
        }
        match next {
            Err(_) => {}
            Ok(Ok(0)) => return Ok(()),
            Ok(Ok(n)) => stream.write_all(&part[..n])?,
            Ok(Err(error)) => bail!("{error}"),
        }
    }
}

/// A server's way to say no.
pub fn status(code: u16, reason: &str, message: &str) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason, "code": code})
}

/// Method, path, headers and body.
type Parts = (String, String, Vec<(String, String)>, Vec<u8>);

fn read(stream: &TcpStream) -> Result<Parts> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split(' ');
    let (method, path) = (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default().to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.push((name.to_lowercase(), value.to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length").map_or(Ok(0), |(_, v)| v.parse::<usize>())?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok((method, path, headers, body))
}
