//! The page's files: in the program, or in a folder that was built.

use crate::Failure;
use engine::cluster::File;
use std::borrow::Cow;
use std::path::PathBuf;

include!(concat!(env!("OUT_DIR"), "/page.rs"));

/// Where the files are.
#[derive(Clone, Debug)]
pub enum Site {
    Program,
    Folder(PathBuf),
}

impl Site {
    /// # Errors
    /// A folder without a page, or a program without one where no folder is named.
    pub fn new(folder: Option<PathBuf>) -> Result<Site, Failure> {
        let site = match folder {
            Some(folder) => Site::Folder(folder),
            None => Site::Program,
        };
        if site.file("").is_some() {
            return Ok(site);
        }
        Err(Failure::usage(match &site {
            Site::Program => {
                "this program was built without the page: name a folder that `cargo xtask build` has made with --page \
                              (dist)"
                    .to_owned()
            }
            Site::Folder(folder) => format!("--page {}: it has no index.html; `cargo xtask build` makes one", folder.display()),
        }))
    }

    /// The file of a name below the address; the page itself has none.
    pub fn file(&self, name: &str) -> Option<File> {
        let name = if name.is_empty() { "index.html" } else { name };
        let ok = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
        if !name.chars().all(ok) || name.split('/').any(|part| part.is_empty() || part.starts_with('.')) {
            return None;
        }
        let mime = mime(name);
        match self {
            Site::Program => {
                let (_, gzip, bytes) = FILES.iter().find(|(known, ..)| *known == name)?;
                Some(File { bytes: Cow::Borrowed(bytes), gzip: *gzip, mime })
            }
            Site::Folder(folder) => {
                let bytes = std::fs::read(folder.join(name)).ok()?;
                Some(File { bytes: Cow::Owned(bytes), gzip: false, mime })
            }
        }
    }

    /// The page, told whose cluster it shows.
    pub fn attached(&self, cluster: &str) -> Option<File> {
        let page = self.file("")?;
        let text = String::from_utf8(page.bytes.into_owned()).ok()?;
        let told = text.replacen("<html ", &format!("<html data-attached=\"{}\" ", escaped(cluster)), 1);
        Some(File { bytes: Cow::Owned(told.into_bytes()), ..page })
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
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
    fn names_stay_within_the_folder() {
        let folder = std::env::temp_dir().join(format!("nodewright-site-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("a")).unwrap();
        std::fs::write(folder.join("index.html"), "<html lang=\"en\">").unwrap();
        std::fs::write(folder.join("a/b.js"), "b").unwrap();
        let site = Site::new(Some(folder.clone())).unwrap();
        assert_eq!(site.file("a/b.js").unwrap().mime, "text/javascript; charset=utf-8");
        for name in ["../site", "a/../../x", "/etc/passwd", "a//b.js", ".git", "a/%2e%2e/b.js", "a", "none.js"] {
            assert!(site.file(name).is_none(), "{name}");
        }
        let page = site.attached("a\"<&b").unwrap();
        assert_eq!(page.bytes.as_ref(), b"<html data-attached=\"a&quot;&lt;&amp;b\" lang=\"en\">");
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(Site::new(Some(folder)).unwrap_err().message.ends_with("it has no index.html; `cargo xtask build` makes one"));
    }
}
