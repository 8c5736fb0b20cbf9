//! `cargo xtask serve`: builds the page and serves it on this machine only.

use crate::args::Args;
use crate::{page, shell};
use anyhow::{Context, Result};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub fn run(mut args: Args) -> Result<()> {
    let port: u16 = match args.option("--port")? {
        Some(text) => text.parse().with_context(|| format!("`--port {text}` is no port number"))?,
        None => 8080,
    };
    let profile = if args.flag("--release") { "page" } else { "page-dev" };
    let (no_build, watch) = (args.flag("--no-build"), args.flag("--watch"));
    let out = args.option("--out")?.unwrap_or_else(|| "dist".to_owned());
    args.finish()?;
    let dist = shell::root().join(out);
    if !no_build {
        println!("{}", page::build(profile, &dist)?);
    }
    let server = Site::bind(port, dist.clone())?;
    println!("http://127.0.0.1:{}/", server.port);
    if watch {
        spawn(move || rebuild_on_change(profile, &dist));
    }
    server.serve();
    Ok(())
}

/// Builds anew whenever a source file is newer than it was; a failed build is shown and the old page stays.
#[expect(clippy::disallowed_methods, reason = "the watcher waits for the clock of this machine, not of a simulation")]
fn rebuild_on_change(profile: &str, dist: &Path) {
    let mut built = newest();
    loop {
        std::thread::sleep(Duration::from_millis(500));
        let now = newest();
        if now > built {
            built = now;
            match page::build(profile, dist) {
                Ok(done) => println!("{done}"),
                Err(error) => eprintln!("{error:#}"),
            }
        }
    }
}

#[expect(clippy::disallowed_types, reason = "file times of this machine")]
fn newest() -> Option<std::time::SystemTime> {
    let root = shell::root();
    let folders = ["crates", "web/src", "web/style", "web/boot"].map(|f| root.join(f));
    let sources = folders.iter().filter_map(|f| page::files(f).ok()).flatten();
    let pages = ["index.html", "embed.html", "Cargo.lock"].map(|f| root.join(f));
    sources.chain(pages).filter_map(|f| f.metadata().ok()?.modified().ok()).max()
}

#[expect(clippy::disallowed_methods, reason = "the build driver is no part of the engine")]
fn spawn(work: impl FnOnce() + Send + 'static) {
    std::thread::spawn(work);
}

/// A server of one folder on 127.0.0.1: GET and HEAD, one request a connection, a thread each.
pub struct Site {
    listener: TcpListener,
    folder: Arc<Path>,
    pub port: u16,
}

/// Longest request head that is read, and how long a visitor may take for it.
const HEAD_BYTES: u64 = 16 * 1_024;
const PATIENCE: Duration = Duration::from_secs(10);

impl Site {
    /// `port` 0 takes any free one.
    pub fn bind(port: u16, folder: PathBuf) -> Result<Site> {
        let listener = TcpListener::bind(("127.0.0.1", port))
            .with_context(|| format!("cannot listen on port {port}; choose another with --port"))?;
        let port = listener.local_addr().context("ask for the port")?.port();
        Ok(Site { listener, folder: Arc::from(folder), port })
    }

    /// Answers until the process ends.
    pub fn serve(&self) {
        for stream in self.listener.incoming().flatten() {
            let (folder, port) = (Arc::clone(&self.folder), self.port);
            // A visitor that goes away before the answer is no concern of ours.
            spawn(move || drop(answer(stream, &folder, port)));
        }
    }

    /// Serves in the background until the process ends.
    pub fn spawn(self) {
        spawn(move || self.serve());
    }
}

/// What of a request matters here.
#[derive(Debug, Default, PartialEq, Eq)]
struct Request {
    method: String,
    /// Without query and fragment.
    path: String,
    host: String,
    gzip: bool,
}

impl Request {
    fn read(from: impl BufRead) -> Option<Request> {
        let mut lines = from.take(HEAD_BYTES).lines();
        let first = lines.next()?.ok()?;
        let mut words = first.split(' ');
        let (method, target) = (words.next()?.to_owned(), words.next()?);
        let path = target.split(['?', '#']).next().unwrap_or_default().to_owned();
        let mut request = Request { method, path, ..Request::default() };
        for line in lines {
            let line = line.ok()?;
            let Some((name, value)) = line.split_once(':') else { return line.is_empty().then_some(request) };
            match name.to_ascii_lowercase().as_str() {
                "host" => request.host = value.trim().to_owned(),
                "accept-encoding" => request.gzip = value.contains("gzip"),
                _ => {}
            }
        }
        None
    }
}

fn answer(stream: TcpStream, folder: &Path, port: u16) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let request = Request::read(BufReader::new(&stream));
    let (status, headers, body) = match &request {
        None => plain("400 Bad Request", "this is no request"),
        Some(r) if r.method != "GET" && r.method != "HEAD" => plain("405 Method Not Allowed", "only GET and HEAD"),
        Some(r) => file(r, folder, port).unwrap_or_else(|| plain("404 Not Found", "not found")),
    };
    let mut head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    let mut out = &stream;
    out.write_all(head.as_bytes())?;
    if request.is_none_or(|r| r.method != "HEAD") {
        out.write_all(&body)?;
    }
    out.flush()
}

type Answer = (&'static str, Vec<(&'static str, String)>, Vec<u8>);

/// None where there is no such file.
fn file(request: &Request, folder: &Path, port: u16) -> Option<Answer> {
    let name = file_of(&request.path)?;
    let packed = if request.gzip { std::fs::read(folder.join(format!("{name}.gz"))).ok() } else { None };
    let encoded = packed.is_some();
    let body = match packed {
        Some(bytes) => bytes,
        None => std::fs::read(folder.join(&name)).ok()?,
    };
    let mut headers = vec![
        ("Content-Type", mime(&name)),
        ("Cache-Control", "no-cache".to_owned()),
        ("X-Content-Type-Options", "nosniff".to_owned()),
        ("Vary", "Accept-Encoding".to_owned()),
    ];
    let origin = origin_of(&request.host, port);
    match name.as_str() {
        "embed.html" => headers.push(("Content-Security-Policy", policy(&origin, "*"))),
        // Pages of documentation hold the playground in a frame.
        name if name.starts_with("docs/") => headers.push((
            "Content-Security-Policy",
            format!("default-src 'none'; style-src {origin}; img-src {origin} data:; frame-src {origin}"),
        )),
        name if name.ends_with(".html") => headers.push(("Content-Security-Policy", policy(&origin, "'self'"))),
        // A sandboxed frame asks from origin `null`.
        _ => headers.push(("Access-Control-Allow-Origin", "*".to_owned())),
    }
    if encoded {
        headers.push(("Content-Encoding", "gzip".to_owned()));
    }
    Some(("200 OK", headers, body))
}

fn plain(status: &'static str, text: &str) -> Answer {
    (status, vec![("Content-Type", mime("x.txt"))], format!("{text}\n").into_bytes())
}

/// The file that a path means. None for what would leave the folder.
fn file_of(path: &str) -> Option<String> {
    let path = path.strip_prefix('/')?;
    let ok = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    if !path.chars().all(ok) || path.split('/').any(|part| part.starts_with('.')) || path.ends_with(".gz") {
        return None;
    }
    Some(match path {
        "" => "index.html".to_owned(),
        "embed" => "embed.html".to_owned(),
        other => other.to_owned(),
    })
}

/// The policy of the page. The origin is spelt out: in a sandboxed frame `'self'` is not where the page came from.
pub fn policy(origin: &str, ancestors: &str) -> String {
    format!(
        "default-src 'none'; script-src {origin} 'wasm-unsafe-eval'; style-src {origin}; img-src {origin} data:; \
         font-src {origin}; connect-src {origin}; worker-src {origin}; base-uri 'none'; form-action 'none'; \
         object-src 'none'; frame-ancestors {ancestors}"
    )
}

/// The origin the visitor used, if it is one of this machine's names.
fn origin_of(host: &str, port: u16) -> String {
    let name = if host == format!("localhost:{port}") { "localhost" } else { "127.0.0.1" };
    format!("http://{name}:{port}")
}

fn mime(name: &str) -> String {
    let kind = mime_guess::from_path(name).first_or_octet_stream();
    let charset = if kind.type_() == "text" { "; charset=utf-8" } else { "" };
    format!("{kind}{charset}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_up_to_a_bound() {
        let read = |text: &str| Request::read(text.as_bytes());
        let request = read("GET /embed?a=1 HTTP/1.1\r\nHost: localhost:1\r\naccept-encoding: br, gzip\r\n\r\n").expect("request");
        let expect = Request { method: "GET".into(), path: "/embed".into(), host: "localhost:1".into(), gzip: true };
        assert_eq!(request, expect);
        for broken in ["", "GET", "GET / HTTP/1.1\r\nHost: x\r\n", "GET / HTTP/1.1\r\nno header\r\n\r\n"] {
            assert_eq!(read(broken), None, "{broken:?}");
        }
        assert_eq!(read(&format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "y".repeat(20_000))), None);
    }

    #[test]
    fn paths_stay_within_the_folder() {
        for (path, file) in [
            ("/", Some("index.html")),
            ("/embed", Some("embed.html")),
            ("/vendor/codemirror.js", Some("vendor/codemirror.js")),
            ("/../Cargo.toml", None),
            ("/a/../../b", None),
            ("/%2e%2e/b", None),
            ("/.git/config", None),
            ("/page.wasm.gz", None),
            ("relative", None),
        ] {
            assert_eq!(file_of(path).as_deref(), file, "{path}");
        }
    }
}
