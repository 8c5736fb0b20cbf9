//! `docs/kubectl.md`: what of kubectl is here, from the tables. A test holds the page to them.

use super::columns::layout;
use super::commands::{self, Command};
use super::verbs::{EVERYWHERE, Operands, VERBS, WITHOUT_EFFECT};
use super::{absent, kustomize, resources};
use objects::{Era, Kind};

fn names(list: impl IntoIterator<Item = String>) -> String {
    let list: Vec<String> = list.into_iter().map(|n| format!("`{n}`")).collect();
    if list.is_empty() { "-".to_owned() } else { list.join(" ") }
}

fn leaves(command: Command) -> Vec<Command> {
    let below = command.subcommands();
    let own = command.usage.is_some() && (below.is_empty() || !command.flags.is_empty() || command.path == "cluster-info");
    let mut out: Vec<Command> = below.into_iter().flat_map(leaves).collect();
    if own {
        out.insert(0, command);
    }
    out
}

fn page() -> String {
    let mut out = String::from(
        "# kubectl\n\nWhat of kubectl 1.35 is here. This page is made from the tables that the parser, the help and the completion \
         use\n(`crates/shell/src/kubectl`): `NODEWRIGHT_DOCS=1 cargo test -p nodewright-shell docs` writes it.\n\nA flag of kubectl \
         that is not named here is known and refused: nothing is printed as done that was not done.\n\n",
    );
    out.push_str(&format!("Flags of every command: {}.\n\n", names(EVERYWHERE.iter().map(|f| format!("--{f}")))));
    out.push_str(&format!("Taken, without effect here: {}.\n\n", names(WITHOUT_EFFECT.iter().map(|f| format!("--{f}")))));
    out.push_str("## Commands\n\n| command | flags |\n|---|---|\n");
    let mut missing = Vec::new();
    for verb in VERBS {
        let Some(command) = commands::find(verb.name) else { continue };
        if std::ptr::fn_addr_eq(verb.run, absent::run as fn(&mut _, &mut _, &mut _) -> _) || command.usage.is_none() {
            missing.push(verb.name.to_owned());
            continue;
        }
        for leaf in leaves(command) {
            // Of the commands below a verb, those that it knows.
            let word = leaf.path.split(' ').nth(1);
            if let (Operands::Words(known), Some(word)) = (verb.operands, word)
                && !known.contains(&word)
            {
                continue;
            }
            let flags = leaf.flags.iter().filter(|f| verb.flags.contains(&f.name)).map(|f| format!("--{}", f.name));
            out.push_str(&format!("| `{}` | {} |\n", leaf.path, names(flags)));
        }
    }
    out.push_str(&format!("\nNot simulated; they say so and exit with 1: {}.\n\n", names(missing)));
    out.push_str(&format!(
        "## Kustomizations\n\n`kubectl kustomize DIR` and `-k DIR` build what kustomize 5.7.1, which is in kubectl 1.35, makes of files \
         in the home directory.\n\nFields that are refused by name: {}. Bases and files by URL are refused too: nothing is fetched. \
         At most {} objects come\nout of one build.\n\nKnown differences: maps are shown in messages in another style of YAML; a merge \
         keeps quotes around a value only where the\nvalue needs them.\n\n",
        names(kustomize::ABSENT.iter().map(|f| (*f).to_owned())),
        kustomize::RESOURCES
    ));
    out.push_str("## Kinds\n\nColumns of `kubectl get`, those of `-o wide` behind the stroke.\n\n| kind | names | eras | columns |\n|---|---|---|---|\n");
    for kind in Kind::ALL.iter().filter(|k| !k.is_internal()) {
        let info = kind.info();
        let eras: Vec<Era> = [Era::V1alpha5, Era::V1].into_iter().filter(|e| kind.served_in(*e)).collect();
        let columns = layout(*kind, eras.last().copied().unwrap_or_default()).columns;
        let pick = |wide: bool| columns.iter().filter(|c| c.wide == wide).map(|c| c.name).collect::<Vec<_>>().join(", ");
        let wide = pick(true);
        let wide = if wide.is_empty() { String::new() } else { format!(" / {wide}") };
        out.push_str(&format!(
            "| {} | {} | {} | {}{wide} |\n",
            info.kind,
            names([info.plural].iter().chain(info.short).map(|n| (*n).to_owned())),
            // What no era has on AWS is of the kwok provider.
            if eras.is_empty() {
                "v1 with kwok".to_owned()
            } else {
                eras.iter().map(|e| e.as_str()).collect::<Vec<_>>().join(", ")
            },
            pick(false)
        ));
    }
    let of = |empty: bool| {
        let list = resources::resources(Era::V1.into()).into_iter().filter(move |r| r.held.is_none() && r.empty == empty);
        names(list.map(|r| r.qualified()))
    };
    out.push_str(&format!(
        "\nKinds that a server has, of which there are none here: {}.\n\nKinds that a server has and that are not simulated: {}.\n",
        of(true),
        of(false)
    ));
    out
}

#[test]
#[allow(clippy::disallowed_methods, reason = "writes the page when it is asked to")]
fn docs_page_is_fresh() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/kubectl.md");
    if std::env::var_os("NODEWRIGHT_DOCS").is_some() {
        std::fs::write(path, page()).unwrap();
    }
    let there = std::fs::read_to_string(path).unwrap_or_default();
    assert!(there == page(), "docs/kubectl.md is stale: NODEWRIGHT_DOCS=1 cargo test -p nodewright-shell docs");
}
