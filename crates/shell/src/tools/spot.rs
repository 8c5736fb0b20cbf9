//! ec2-spot-interrupter: a rebalance recommendation, and after a delay the two-minute notice, for spot instances.
//! Source: aws/amazon-ec2-spot-interrupter cmd/main.go, pkg/cli/cli.go and pkg/itn/itn.go, of 2022.

use super::Refusal;
use super::clock::date_text;
use crate::run::{Ctx, Io, Program, Step};
use engine::SimTime;
use engine::session::{CloudEvent, CloudWhat, Request};
use objects::{DocExt, Kind, Object};

/// How often the state of the experiment is asked for.
const POLL_MS: u64 = 5_000;
const NOTICE_MS: u64 = 120_000;
const RULE: &str = "===================================================================";

#[derive(Debug)]
struct Interrupter {
    ids: Vec<String>,
    delay_ms: u64,
    stage: Stage,
}

/// What comes next, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Begin,
    Notice(SimTime),
    Told(SimTime),
    End(SimTime),
}

const FLAGS: &str = "\
Flags:
  -c, --clean                  clean up the underlying simulations (default true)
  -d, --delay duration         duration until the interruption notification is sent (default 15s)
  -h, --help                   help for ec2-spot-interrupter
  -i, --instance-ids strings   instance IDs to interrupt
      --interactive            interactive TUI
  -p, --profile string         the AWS Profile
  -r, --region string          the AWS Region
  -v, --version                the version
";
const ABOUT: &str = "ec2-spot-interrupter is a simple CLI tool that triggers Amazon EC2 Spot Instance Interruption \
                     Notifications and Rebalance Recommendations.";

pub fn build(args: Vec<String>, _ctx: &Ctx<'_>) -> Result<Box<dyn Program>, Refusal> {
    let usage = |why: String| Refusal::new(0, format!("Error: {why}\nUsage:\n  ec2-spot-interrupter [flags]\n\n{FLAGS}"));
    let mut program = Interrupter { ids: Vec::new(), delay_ms: 15_000, stage: Stage::Begin };
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        let (name, value) = match arg.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (arg.clone(), None),
        };
        let mut text = || {
            let missing = || usage(format!("flag needs an argument: {name}"));
            value.clone().or_else(|| args.next()).ok_or_else(missing)
        };
        match name.as_str() {
            "-i" | "--instance-ids" => {
                let list = text()?;
                program.ids.extend(list.split(',').filter(|i| !i.is_empty()).map(str::to_owned));
            }
            "-d" | "--delay" => {
                let given = text()?;
                let ms = objects::duration::parse_go_ms(&given).and_then(|ms| u64::try_from(ms).ok());
                program.delay_ms = ms.ok_or_else(|| {
                    usage(format!("invalid argument \"{given}\" for \"-d, --delay\" flag: time: invalid duration \"{given}\""))
                })?;
            }
            "-r" | "--region" | "-p" | "--profile" => drop(text()?),
            "-c" | "--clean" => {}
            "-h" | "--help" => {
                let help = format!("{ABOUT}\n\nUsage:\n  ec2-spot-interrupter [flags]\n\n{FLAGS}");
                return Ok(Box::new(super::Say(vec![(crate::Stream::Stdout, help)], 0)));
            }
            "-v" | "--version" => {
                return Ok(Box::new(super::Say(vec![(crate::Stream::Stdout, "v0.0.10\n".to_owned())], 0)));
            }
            "--interactive" => {
                return Err(Refusal::new(1, "ec2-spot-interrupter: the interactive view is not simulated: use --instance-ids"));
            }
            _ if name.starts_with("--") => return Err(usage(format!("unknown flag: {name}"))),
            _ if name.starts_with('-') => {
                let letter = name.chars().nth(1).unwrap_or('-');
                return Err(usage(format!("unknown shorthand flag: '{letter}' in {name}")));
            }
            _ => return Err(usage(format!("unknown command \"{name}\" for \"ec2-spot-interrupter\""))),
        }
    }
    Ok(Box::new(program))
}

impl Interrupter {
    /// The nodes behind the instances; the error is the tool's own, or that of EC2.
    fn nodes(&self, ctx: &Ctx<'_>) -> Result<Vec<String>, String> {
        if self.ids.is_empty() {
            return Err("no instances specified".to_owned());
        }
        let api = |code: &str, text: String| format!("operation error EC2: DescribeInstances, api error {code}: {text}");
        let snapshot = ctx.session.snapshot();
        let mut found = Vec::new();
        for id in &self.ids {
            if !id.starts_with("i-") || !id.chars().skip(2).all(|c| c.is_ascii_hexdigit()) || id.len() < 10 {
                return Err(api("InvalidInstanceID.Malformed", format!("Invalid id: \"{id}\"")));
            }
            let instance = snapshot.store.list(Kind::Instance).find(|i| i.meta.name == *id).cloned();
            let missing = || api("InvalidInstanceID.NotFound", format!("The instance ID '{id}' does not exist"));
            found.push(instance.ok_or_else(missing)?);
        }
        let mut wrong = Vec::new();
        for instance in &found {
            let id = &instance.meta.name;
            if instance.doc.str_at("spec.capacityType") != Some("spot") {
                wrong.push(format!("{id} is not a Spot instance"));
            }
            if !runs(instance) {
                wrong.push(format!("{id} is not running"));
            }
        }
        if !wrong.is_empty() {
            return Err(wrong.join("; "));
        }
        Ok(found.iter().filter_map(|i| i.doc.str_at("spec.nodeName").map(str::to_owned)).collect())
    }

    fn send(&self, ctx: &mut Ctx<'_>, request: impl Fn(String) -> Request) -> Result<(), String> {
        for node in self.nodes(ctx)? {
            ctx.session.request(ctx.line, request(node)).map_err(|e| e.message)?;
        }
        Ok(())
    }

    fn begin(&mut self, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<(), String> {
        let rebalance = |node: String| {
            Request::Cloud(CloudEvent {
                what: CloudWhat::Rebalance,
                node,
                capacity_type: String::new(),
                instance_type: String::new(),
                zone: String::new(),
                code: String::new(),
                on: true,
            })
        };
        self.send(ctx, rebalance)?;
        let mut text = format!("{RULE}\n📖 Experiment Summary: \n        ID: EXP{:015}\n", ctx.now().ms());
        text.push_str("  Role ARN: arn:aws:iam::000000000000:role/aws-fis-itn\n");
        text.push_str("    Action: aws:ec2:send-spot-instance-interruptions\n   Targets:\n");
        self.ids.iter().for_each(|id| text.push_str(&format!("    - {id}\n")));
        io.out(&format!("{text}{RULE}\n"));
        say("✅ Rebalance Recommendation sent", io, ctx);
        say(&format!("⏳ Interruption will be sent in {} seconds", self.delay_ms / 1000), io, ctx);
        self.stage = Stage::Notice(ctx.now() + self.delay_ms);
        Ok(())
    }
}

/// Whether EC2 calls the instance running.
pub fn runs(instance: &Object) -> bool {
    instance.doc.str_at("status.state") == Some("running") && !instance.meta.is_deleting()
}

fn say(text: &str, io: &mut Io<'_>, ctx: &Ctx<'_>) {
    let options = &ctx.state.options;
    let now = ctx.session.snapshot().unix_ms();
    io.out(&format!("{}: {text}\n", date_text(now, options.utc_offset_min, &options.zone, "%FT%T")));
}

impl Program for Interrupter {
    fn step(&mut self, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Step {
        let fail = |why: String, io: &mut Io<'_>| {
            io.out(&format!("❌ {why}\n"));
            Step::Done(1)
        };
        if self.stage == Stage::Begin
            && let Err(why) = self.begin(io, ctx)
        {
            return fail(why, io);
        }
        loop {
            let at = match self.stage {
                Stage::Begin => ctx.now(),
                Stage::Notice(at) | Stage::Told(at) | Stage::End(at) => at,
            };
            if ctx.now() < at {
                return Step::Wait(Some(at));
            }
            self.stage = match self.stage {
                Stage::Begin | Stage::Notice(_) => {
                    if let Err(why) = self.send(ctx, |node| Request::InterruptSpot { node }) {
                        return fail(why, io);
                    }
                    Stage::Told(at + POLL_MS)
                }
                Stage::Told(_) => {
                    say("✅ Spot 2-minute Interruption Notification sent", io, ctx);
                    Stage::End(at + NOTICE_MS)
                }
                Stage::End(_) => {
                    say("✅ Spot Instance Shutdown sent", io, ctx);
                    return Step::Done(0);
                }
            };
        }
    }
}
