//! Reads the `<link data-trunk ..>` lines of index.html, so that Trunk and this driver build from one list.

use anyhow::{Result, bail};

/// What one `data-trunk` line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asset {
    /// The package to build, by its manifest, and the binary of it.
    Rust { manifest: String, bin: String },
    /// A file, copied into `target` of the output (its top where that is empty).
    File { path: String, target: String },
    /// A folder, copied whole under its own name.
    Folder { path: String },
}

/// The page without its `data-trunk` lines, and what they asked for, in order.
pub fn read(page: &str) -> Result<(String, Vec<Asset>)> {
    let (mut out, mut assets) = (String::new(), Vec::new());
    for line in page.split_inclusive('\n') {
        let Some(link) = line.trim().strip_prefix("<link data-trunk ") else {
            out.push_str(line);
            continue;
        };
        let value = |name: &str| attribute(link, name);
        let Some(href) = value("href") else { bail!("index.html: no href in `{}`", line.trim()) };
        assets.push(match value("rel").unwrap_or_default() {
            "rust" => match value("data-bin") {
                Some(bin) => Asset::Rust { manifest: href.to_owned(), bin: bin.to_owned() },
                None => bail!("index.html: no data-bin in `{}`", line.trim()),
            },
            "copy-file" => {
                Asset::File { path: href.to_owned(), target: value("data-target-path").unwrap_or_default().to_owned() }
            }
            "copy-dir" => Asset::Folder { path: href.to_owned() },
            other => bail!("index.html: rel=\"{other}\" is not known here; use rust, copy-file or copy-dir"),
        });
    }
    Ok((out, assets))
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = tag;
    loop {
        let (before, after) = rest.split_once("=\"")?;
        let (value, next) = after.split_once('"')?;
        if before.trim() == name {
            return Some(value);
        }
        rest = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_lines_out() {
        let page = "<head>\n <link rel=\"icon\" href=\"i\">\n <link data-trunk rel=\"rust\" href=\"w/Cargo.toml\" data-bin=\"p\">\n \
                    <link data-trunk rel=\"copy-file\" href=\"a/b.js\" data-target-path=\"v\">\n\
                    <link data-trunk rel=\"copy-dir\" href=\"s\"/>\n</head>\n";
        let (out, assets) = read(page).expect("page");
        assert_eq!(out, "<head>\n <link rel=\"icon\" href=\"i\">\n</head>\n");
        let text = str::to_owned;
        assert_eq!(
            assets,
            [
                Asset::Rust { manifest: text("w/Cargo.toml"), bin: text("p") },
                Asset::File { path: text("a/b.js"), target: text("v") },
                Asset::Folder { path: text("s") },
            ]
        );
    }

    #[test]
    fn refuses_what_it_would_have_to_guess() {
        for page in [
            "<link data-trunk rel=\"css\" href=\"x\">",
            "<link data-trunk rel=\"rust\" href=\"x\">",
            "<link data-trunk rel=\"rust\">",
        ] {
            assert!(read(page).is_err(), "{page}");
        }
    }
}
