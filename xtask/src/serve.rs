//! `cargo xtask serve`: builds the page and serves it on this machine only.

use crate::args::Args;
use crate::{page, shell};
use anyhow::{Context, Result, anyhow};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tiny_http::{Header, Method, Request, Response, Server};

pub fn run(mut args: Args) -> Result<()> {
    let port: u16 = match args.option("--port")? {
        Some(text) => text.parse().with_context(|| format!("`--port {text}` is no port number"))?,
        None => 8080,
    };
    let profile = if args.flag("--release") { "page" } else { "page-dev" };
    let (no_build, watch) = (args.flag("--no-build"), args.flag("--watch"));
    args.finish()?;
    let dist = shell::root().join("dist");
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
fn newest() -> Option<SystemTime> {
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

/// A server of one folder on 127.0.0.1.
pub struct Site {
    server: Server,
    folder: PathBuf,
    pub port: u16,
}

impl Site {
    /// `port` 0 takes any free one.
    pub fn bind(port: u16, folder: PathBuf) -> Result<Site> {
        let server = Server::http(("127.0.0.1", port))
            .map_err(|e| anyhow!("cannot listen on port {port}: {e}; choose another with --port"))?;
        let port = server.server_addr().to_ip().map_or(port, |a| a.port());
        Ok(Site { server, folder, port })
    }

    /// Answers until the process ends.
    pub fn serve(&self) {
        while let Ok(request) = self.server.recv() {
            let answer = self.answer(&request);
            // A visitor that went away before the answer is no concern of ours.
            let _gone = request.respond(answer);
        }
    }

    /// Serves in the background until the process ends.
    pub fn spawn(self) {
        spawn(move || self.serve());
    }

    fn answer(&self, request: &Request) -> Response<std::io::Cursor<Vec<u8>>> {
        if !matches!(request.method(), Method::Get | Method::Head) {
            return plain(405, "only GET and HEAD");
        }
        let path = request.url().split(['?', '#']).next().unwrap_or("/");
        let Some(name) = file_of(path) else { return plain(404, "not found") };
        let file = self.folder.join(&name);
        let accepts = header_of(request, "Accept-Encoding").is_some_and(|v| v.contains("gzip"));
        let packed = self.folder.join(format!("{name}.gz"));
        let (body, encoded) = match accepts.then(|| std::fs::read(packed).ok()).flatten() {
            Some(bytes) => (Some(bytes), true),
            None => (std::fs::read(file).ok(), false),
        };
        let Some(body) = body else { return plain(404, "not found") };
        let mut response = Response::from_data(body);
        let origin = origin_of(request, self.port);
        let mut headers = vec![
            ("Content-Type", mime(&name).to_owned()),
            ("Cache-Control", "no-cache".to_owned()),
            ("X-Content-Type-Options", "nosniff".to_owned()),
            ("Vary", "Accept-Encoding".to_owned()),
        ];
        match name.as_str() {
            "embed.html" => headers.push(("Content-Security-Policy", policy(&origin, "*"))),
            name if name.ends_with(".html") => headers.push(("Content-Security-Policy", policy(&origin, "'self'"))),
            // A sandboxed frame asks from origin `null`.
            _ => headers.push(("Access-Control-Allow-Origin", "*".to_owned())),
        }
        if encoded {
            headers.push(("Content-Encoding", "gzip".to_owned()));
        }
        for (name, value) in headers {
            if let Ok(header) = Header::from_bytes(name, value) {
                response.add_header(header);
            }
        }
        response
    }
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
fn origin_of(request: &Request, port: u16) -> String {
    let host = header_of(request, "Host").unwrap_or_default();
    let known = [format!("127.0.0.1:{port}"), format!("localhost:{port}")];
    let host = known.iter().find(|k| **k == host).or(known.first());
    format!("http://{}", host.map_or("127.0.0.1", String::as_str))
}

fn header_of(request: &Request, name: &'static str) -> Option<String> {
    request.headers().iter().find(|h| h.field.equiv(name)).map(|h| h.value.as_str().to_owned())
}

fn plain(status: u16, text: &str) -> Response<std::io::Cursor<Vec<u8>>> {
    Response::from_string(format!("{text}\n")).with_status_code(status)
}

fn mime(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        Some("txt" | "md") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
