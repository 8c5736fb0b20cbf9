//! `docs/shell.md`: the commands of the shell, from the tables. A test holds the page to them.

use super::TOOLS;
use super::absent::ABSENT;

fn page() -> String {
    let mut out = String::from(
        "# Shell\n\nThe commands of the shell. This page is made from the tables that the shell, its help and its completion use\n\
         (`crates/shell/src/tools`): `NODEWRIGHT_DOCS=1 cargo test -p nodewright-shell docs` writes it. [kubectl.md](kubectl.md) \
         lists kubectl.\n\nThe language is that of bash: pipes, lists, quotes, expansion of variables, commands and arithmetic, \
         redirection, heredocs,\n`if`, `for`, `while`, `case`, functions, `time`, jobs in the background (`&`), and \
         scripts (`bash FILE`, `./FILE`,\n`source`, `eval`). Messages begin with `bash:`, where a real one names a script and \
         its line too. Time is simulated.\n\n| command | what |\n|---|---|\n",
    );
    for tool in TOOLS {
        out.push_str(&format!("| `{}` | {} |\n", tool.name, tool.about));
    }
    out.push_str(
        "\n## Not simulated\n\nThese say so and exit with 1; a word that is nothing at all is bash's `command not found`, with \
         127.\n\n| command | what it says |\n|---|---|\n",
    );
    for (names, why, _) in ABSENT {
        let names: Vec<String> = names.iter().map(|n| format!("`{n}`")).collect();
        out.push_str(&format!("| {} | {why} |\n", names.join(" ")));
    }
    out
}

#[test]
#[allow(clippy::disallowed_methods, reason = "writes the page when it is asked to")]
fn docs_page_is_fresh() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/shell.md");
    if std::env::var_os("NODEWRIGHT_DOCS").is_some() {
        std::fs::write(path, page()).unwrap();
    }
    let there = std::fs::read_to_string(path).unwrap_or_default();
    assert!(there == page(), "docs/shell.md is stale: NODEWRIGHT_DOCS=1 cargo test -p nodewright-shell docs");
}
