//! The AWS CLI, as far as the simulated cloud can answer: the instances of EC2, and the role that spot instances need.
//! Answers as those of aws-cli v2 (`ec2 describe-instances`, `iam create-service-linked-role`).

use super::query::Query;
use super::spot::runs;
use crate::run::{Ctx, Io};
use engine::Snapshot;
use objects::collections::Order as _;
use objects::{DocExt, Kind, Object, Value, json};

/// What went wrong, and the CLI's status: 252 for what was typed, 254 for what the service refuses.
type Wrong = (String, i32);

const ACCOUNT: &str = "000000000000";
const USAGE: &str = "\nusage: aws [options] <command> <subcommand> [<subcommand> ...] [parameters]\nTo see help text, you can run:\n\n  aws help\n  aws <command> help\n  aws <command> <subcommand> help\n";

pub fn aws(args: &[String], io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> i32 {
    match run(args, ctx) {
        Ok(text) => {
            io.out(&text);
            0
        }
        Err((why, exit)) => {
            io.err(&format!("{why}\n"));
            exit
        }
    }
}

fn run(args: &[String], ctx: &Ctx<'_>) -> Result<String, Wrong> {
    let mut options = Options::default();
    let words = options.read(args)?;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let answer = match words.as_slice() {
        [] => return Err((format!("{USAGE}\naws: error: the following arguments are required: command"), 252)),
        ["--version"] => return Ok("aws-cli/2.15.0 nodewright\n".to_owned()),
        ["sts", "get-caller-identity"] => {
            json!({"UserId": "AIDAEXAMPLE", "Account": ACCOUNT, "Arn": format!("arn:aws:iam::{ACCOUNT}:user/learner")})
        }
        ["iam", "create-service-linked-role"] => return Err(role(&options)),
        ["ec2", "describe-instances"] => instances(&options, &ctx.session.snapshot())?,
        [service, rest @ ..] => {
            let what = [&[*service], rest].concat().join(" ");
            return Err((
                format!(
                    "aws: `aws {what}` is not simulated: there is no AWS account here, only ec2 describe-instances, iam \
                     create-service-linked-role and sts get-caller-identity answer; kubectl shows the cluster"
                ),
                1,
            ));
        }
    };
    let answer = match &options.query {
        Some(query) => Query::parse(query).map_err(|why| (why, 252))?.run(&answer),
        None => answer,
    };
    match options.output.as_str() {
        "json" => Ok(format!("{}\n", indented(&answer))),
        "text" => text(&answer)
            .ok_or_else(|| ("aws: --output text is simulated for plain values alone: pick some by --query".to_owned(), 1)),
        other => Err((format!("aws: --output {other} is not simulated: use json or text"), 1)),
    }
}

#[derive(Debug)]
struct Options {
    query: Option<String>,
    output: String,
    /// Parameters of the command, with their values.
    parameters: Vec<(String, Vec<String>)>,
}

impl Default for Options {
    fn default() -> Options {
        Options { query: None, output: "json".to_owned(), parameters: Vec::new() }
    }
}

impl Options {
    /// Takes the options out of the words.
    fn read(&mut self, args: &[String]) -> Result<Vec<String>, Wrong> {
        let mut words = Vec::new();
        let mut rest = args.iter().peekable();
        while let Some(arg) = rest.next() {
            if !arg.starts_with("--") || arg == "--version" {
                words.push(arg.clone());
                continue;
            }
            let (name, given) = arg.split_once('=').map_or((arg.as_str(), None), |(n, v)| (n, Some(v.to_owned())));
            let mut values: Vec<String> = given.into_iter().collect();
            while values.is_empty() || matches!(name, "--filters" | "--instance-ids") {
                match rest.next_if(|a| !a.starts_with("--")) {
                    Some(value) => values.push(value.clone()),
                    None => break,
                }
            }
            let one = values.first().cloned();
            let missing = || (format!("{USAGE}\naws: error: argument {name}: expected one argument"), 252);
            match name {
                "--query" => self.query = Some(one.ok_or_else(missing)?),
                "--output" => self.output = one.ok_or_else(missing)?,
                "--region" | "--profile" | "--no-cli-pager" | "--no-paginate" => {}
                _ => self.parameters.push((name.to_owned(), values)),
            }
        }
        Ok(words)
    }

    fn values(&self, name: &str) -> Option<&[String]> {
        self.parameters.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_slice())
    }

    /// Whatever is no parameter of this command is refused.
    fn only(&self, known: &[&str]) -> Result<(), Wrong> {
        match self.parameters.iter().find(|(n, _)| !known.contains(&n.as_str())) {
            Some((name, _)) => Err((format!("{USAGE}\nUnknown options: {name}"), 252)),
            None => Ok(()),
        }
    }
}

/// The role for spot instances is there: without it none could be launched.
fn role(options: &Options) -> Wrong {
    match options.values("--aws-service-name").and_then(|v| v.first()).map(String::as_str) {
        Some("spot.amazonaws.com") => (
            "\nAn error occurred (InvalidInput) when calling the CreateServiceLinkedRole operation: Service role name \
             AWSServiceRoleForEC2Spot has been taken in this account, please try a different suffix."
                .to_owned(),
            254,
        ),
        Some(other) => (format!("aws: the role of {other} is not simulated"), 1),
        None => (format!("{USAGE}\naws: error: the following arguments are required: --aws-service-name"), 252),
    }
}

fn instances(options: &Options, snapshot: &Snapshot) -> Result<Value, Wrong> {
    options.only(&["--filters", "--instance-ids"])?;
    let refused = |code: &str, text: String| {
        (format!("\nAn error occurred ({code}) when calling the DescribeInstances operation: {text}"), 254)
    };
    let mut found: Vec<Value> = Vec::new();
    for id in options.values("--instance-ids").unwrap_or_default() {
        if !snapshot.store.list(Kind::Instance).any(|i| i.meta.name == *id) {
            return Err(refused("InvalidInstanceID.NotFound", format!("The instance ID '{id}' does not exist")));
        }
    }
    for instance in snapshot.store.list(Kind::Instance) {
        if options.values("--instance-ids").is_none_or(|ids| ids.contains(&instance.meta.name)) {
            found.push(described(instance));
        }
    }
    for filter in options.values("--filters").unwrap_or_default() {
        let (name, values) = read_filter(filter).ok_or_else(|| {
            (format!("\nError parsing parameter '--filters': Expected: '=', received: 'EOF' for input:\n{filter}\n^"), 252)
        })?;
        let Some(of) = filtered_by(&name) else {
            return Err(refused("InvalidParameterValue", format!("The filter '{name}' is invalid")));
        };
        found.retain(|i| of(i, &name).iter().any(|v| values.iter().any(|pattern| fits(pattern, v))));
    }
    let reservation = |i: Value| {
        let id = i.str_at("InstanceId").unwrap_or_default().replacen('i', "r", 1);
        json!({"Groups": [], "Instances": [i], "OwnerId": ACCOUNT, "ReservationId": id})
    };
    Ok(json!({"Reservations": found.into_iter().map(reservation).collect::<Vec<_>>()}))
}

/// An instance as EC2 describes it, as far as this cloud knows it.
fn described(instance: &Object) -> Value {
    let spec = instance.doc.at("spec");
    let text = |path: &str| spec.str_at(path).unwrap_or_default();
    let state = match instance.doc.str_at("status.state").unwrap_or_default() {
        "running" if !runs(instance) => "shutting-down",
        "" => "pending",
        state => state,
    };
    let code = match state {
        "pending" => 0,
        "running" => 16,
        "shutting-down" => 32,
        _ => 48,
    };
    let mut tags = vec![json!({"Key": "Name", "Value": text("nodeName")})];
    for key in ["karpenter.sh/nodepool", "karpenter.sh/provisioner-name", "eks.amazonaws.com/nodegroup"] {
        if let Some(value) = spec.at("nodeLabels").field(key).as_str() {
            tags.push(json!({"Key": key, "Value": value}));
        }
    }
    if let Some(claim) = spec.str_at("claim").filter(|c| !c.is_empty()) {
        tags.push(json!({"Key": "karpenter.sh/nodeclaim", "Value": claim}));
    }
    let mut doc = json!({
        "InstanceId": instance.meta.name,
        "InstanceType": text("instanceType"),
        "LaunchTime": objects::time::rfc3339(instance.meta.created_ms).replace('Z', "+00:00"),
        "Placement": {"AvailabilityZone": text("zone"), "GroupName": "", "Tenancy": "default"},
        "PrivateDnsName": text("nodeName"),
        "PrivateIpAddress": text("privateIP"),
        "State": {"Code": code, "Name": state},
        "Tags": tags,
    });
    if text("capacityType") == "spot" {
        doc.set("InstanceLifecycle", "spot");
    }
    doc
}

/// `Name=x,Values=a,b`.
fn read_filter(text: &str) -> Option<(String, Vec<String>)> {
    let (name, values) = text.strip_prefix("Name=")?.split_once(",Values=")?;
    Some((name.to_owned(), values.split(',').map(str::to_owned).collect()))
}

type Of = fn(&Value, &str) -> Vec<String>;

/// The values of an instance that a filter looks at.
fn filtered_by(name: &str) -> Option<Of> {
    fn one(i: &Value, path: &str) -> Vec<String> {
        i.str_at(path).map(str::to_owned).into_iter().collect()
    }
    let tag: Of = |i, name| {
        let key = name.strip_prefix("tag:").unwrap_or_default();
        i.list_at("Tags").iter().filter(|t| t.str_at("Key") == Some(key)).flat_map(|t| one(t, "Value")).collect()
    };
    Some(match name {
        "instance-id" => |i, _| one(i, "InstanceId"),
        "instance-type" => |i, _| one(i, "InstanceType"),
        "instance-state-name" => |i, _| one(i, "State.Name"),
        "instance-lifecycle" => |i, _| one(i, "InstanceLifecycle"),
        "availability-zone" => |i, _| one(i, "Placement.AvailabilityZone"),
        "private-dns-name" => |i, _| one(i, "PrivateDnsName"),
        "private-ip-address" => |i, _| one(i, "PrivateIpAddress"),
        "tag-key" => |i, _| i.list_at("Tags").iter().flat_map(|t| one(t, "Key")).collect(),
        _ if name.starts_with("tag:") => tag,
        _ => return None,
    })
}

/// EC2's wildcards: `*` and `?`.
fn fits(pattern: &str, value: &str) -> bool {
    crate::lang::glob::fits(pattern, value)
}

/// JSON with four blanks a level.
fn indented(value: &Value) -> String {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    let line = |l: &str| {
        let blanks = l.len() - l.trim_start().len();
        format!("{}{}", " ".repeat(blanks * 2), l.trim_start())
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// Plain values with tabs between, a line a list or object of them; `None` where objects hold more.
/// Recorded from awscli 1.45 (`awscli.text`).
fn text(value: &Value) -> Option<String> {
    let plain = |v: &Value| match v {
        Value::String(s) => Some(s.clone()),
        Value::Null => Some("None".to_owned()),
        Value::Bool(b) => Some(if *b { "True" } else { "False" }.to_owned()),
        Value::Number(n) => Some(n.to_string()),
        _ => None,
    };
    if let Some(fields) = value.as_object() {
        let mut names: Vec<&String> = fields.keys().collect();
        names.order();
        let cells: Option<Vec<String>> = names.into_iter().filter_map(|n| fields.get(n)).map(plain).collect();
        return cells.map(|c| format!("{}\n", c.join("\t")));
    }
    let Some(list) = value.as_array() else { return plain(value).map(|v| format!("{v}\n")) };
    let mut out = String::new();
    let (mut cells, mut below) = (Vec::new(), String::new());
    for item in list {
        match plain(item) {
            Some(cell) => cells.push(cell),
            None => below.push_str(&text(item)?),
        }
    }
    if !cells.is_empty() {
        out.push_str(&format!("{}\n", cells.join("\t")));
    }
    out.push_str(&below);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_text_as_the_cli_does() {
        for (value, want) in [
            (json!(["a", "b"]), "a\tb\n"),
            (json!([["a"], ["b", "c"]]), "a\nb\tc\n"),
            (json!("a"), "a\n"),
            (Value::Null, "None\n"),
            (json!([]), ""),
            (json!([[["a", "m5"]], [["b", "c5"], ["c", "x"]]]), "a\tm5\nb\tc5\nc\tx\n"),
            (json!([{"Id": "a", "A": true}]), "True\ta\n"),
            (json!([1, null]), "1\tNone\n"),
            (json!([[], ["b"]]), "b\n"),
        ] {
            assert_eq!(text(&value).as_deref(), Some(want), "{value}");
        }
        assert_eq!(text(&json!([{"a": {"b": 1}}])), None);
    }
}
