//! `kubectl --help` and `kubectl VERB --help`, from the tables.

use super::flags::{self, Takes};
use super::verbs::{Operands, VERBS, Verb};
use objects::collections::Order as _;

pub fn overview() -> String {
    let mut out = String::from(
        "kubectl controls the Kubernetes cluster manager.\n\n Find more information at: \
         https://kubernetes.io/docs/reference/kubectl/\n",
    );
    let mut group = "";
    for verb in VERBS {
        if verb.group != group {
            group = verb.group;
            if group == "Other Commands" {
                out.push_str("\nSubcommands provided by plugins:\n");
            }
            out.push_str(&format!("\n{group}:\n"));
        }
        out.push_str(&format!("  {:<15} {}\n", verb.name, verb.about));
    }
    out.push_str(
        "\nUsage:\n  kubectl [flags] [options]\n\nUse \"kubectl <command> --help\" for more information about a given \
         command.\nUse \"kubectl options\" for a list of global command-line options (applies to all commands).\n",
    );
    out
}

pub fn verb(verb: &Verb) -> String {
    let mut out = format!("{}.\n", verb.about);
    if let Operands::Words(words) = verb.operands {
        out.push_str(&format!("\nAvailable Commands:\n  {}\n", words.join("\n  ")));
    }
    out.push_str("\nOptions:\n");
    let mut names: Vec<&str> = verb.flags.to_vec();
    names.order();
    for flag in names.into_iter().filter_map(flags::find) {
        let short = flag.short.map(|c| format!("-{c}, ")).unwrap_or_default();
        let default = match flag.takes {
            Takes::Bool => "false",
            Takes::Int => "0",
            Takes::Duration => "0s",
            Takes::List | Takes::Each => "[]",
            Takes::Text | Takes::Optional(_) => "''",
        };
        out.push_str(&format!("    {short}--{}={default}:\n\t{}\n\n", flag.name, flag.about));
    }
    let operands = match verb.operands {
        Operands::Nothing => "",
        Operands::KindAndNames => " (TYPE[.VERSION][.GROUP] [NAME | -l label] | TYPE/NAME ...)",
        Operands::Nodes => " NODE",
        Operands::Pods => " (POD | TYPE/NAME)",
        Operands::Words(_) => " COMMAND",
        Operands::Fields => " TYPE[.FIELD...]",
    };
    out.push_str(&format!(
        "Usage:\n  kubectl {}{operands} [options]\n\nUse \"kubectl options\" for a list of global command-line options \
         (applies to all commands).\n",
        verb.name
    ));
    out
}
