//! `nodewright`: the playground's own commands. What they tell of the cluster is known here; what concerns the page around the
//! terminal, its clock and its lesson is asked of the owner ([`Ask`]).

use super::{Refusal, clock};
use crate::ask::{Ask, Errand};
use crate::kubectl::current_namespace;
use crate::options::Lang;
use crate::run::{Ctx, Io, Program, Step};
use engine::{Session, SimTime};
use objects::{Kind, ObjectKey, Provider};
use view::{Why, why};

/// A command, what may stand behind it, and what it is for.
pub struct Own {
    pub name: &'static str,
    operands: &'static str,
    about: (&'static str, &'static str),
    run: Run,
}

#[derive(Clone, Copy)]
enum Run {
    /// Done at once.
    Now(fn(&[String], &mut Io<'_>, &mut Ctx<'_>) -> i32),
    /// Answered by the owner.
    Ask(fn(&[String]) -> Option<Ask>),
    Skip,
    Open,
}

const fn own(name: &'static str, operands: &'static str, en: &'static str, ko: &'static str, run: Run) -> Own {
    Own { name, operands, about: (en, ko), run }
}

/// All of them, in the order of the help.
pub static COMMANDS: &[Own] = &[
    own(
        "explain",
        "[TYPE/NAME]",
        "what was decided about a node, a claim or a pod, and why; without a name the newest decisions",
        "노드·클레임·파드에 대해 무엇을 왜 결정했는지; 이름이 없으면 최근 결정",
        Run::Now(explain),
    ),
    own("goal", "", "what this step of the lesson is about", "지금 단계의 목표", Run::Ask(|a| a.is_empty().then_some(Ask::Goal))),
    own("hint", "", "the next hint of this step", "지금 단계의 다음 힌트", Run::Ask(|a| a.is_empty().then_some(Ask::Hint))),
    own("check", "", "what of this step is done", "지금 단계에서 끝난 것", Run::Ask(|a| a.is_empty().then_some(Ask::Check))),
    own("speed", "[N]", "simulated seconds in a second", "실제 1초에 흐르는 시뮬레이션 초", Run::Ask(speed)),
    own(
        "skip",
        "[DURATION]",
        "let time pass at once: to the next event, or that long (90s, 5m)",
        "시간을 건너뛰기: 다음 일까지, 또는 그만큼(90s, 5m)",
        Run::Skip,
    ),
    own(
        "share",
        "",
        "the address that begins like this page",
        "이 페이지와 같은 시작을 여는 주소",
        Run::Ask(|a| a.is_empty().then_some(Ask::Share)),
    ),
    own(
        "open",
        "FILE",
        "go on with a cluster that `nodewright export` has written down, or begin one of the kwok provider with these instance types; - reads what is piped in",
        "`nodewright export`로 적어 둔 클러스터를 열어 이어 가기, 또는 이 인스턴스 타입들로 kwok 클러스터 시작하기; -는 파이프로 받은 내용",
        Run::Open,
    ),
    own(
        "undo",
        "",
        "take the last command back",
        "마지막 명령 되돌리기",
        Run::Now(|_, io, ctx| changed(ctx.session.undo(), "nothing to undo", io)),
    ),
    own(
        "redo",
        "",
        "do what was taken back",
        "되돌린 명령 다시 하기",
        Run::Now(|_, io, ctx| changed(ctx.session.redo(), "nothing to redo", io)),
    ),
    own(
        "reset",
        "",
        "begin anew",
        "처음부터 다시",
        Run::Now(|_, _, ctx| {
            ctx.session.reset();
            0
        }),
    ),
    own("scenario", "", "era, region and seed of this cluster", "이 클러스터의 버전, 리전, 시드", Run::Now(scenario)),
    own("version", "", "the version of nodewright", "nodewright의 버전", Run::Now(version)),
];

/// Decisions that `explain` shows without a name.
const NEWEST: usize = 10;
/// Most simulated seconds in a second, as in an address.
const FASTEST: u32 = 60;
/// Farthest that `skip` looks for an event.
const FARTHEST_MS: u64 = 15 * 60_000;

pub fn build(args: Vec<String>, ctx: &Ctx<'_>) -> Result<Box<dyn Program>, Refusal> {
    let lang = ctx.state.options.lang;
    let Some((name, rest)) = args.split_first().filter(|(name, _)| !matches!(name.as_str(), "help" | "-h" | "--help")) else {
        return Ok(Box::new(super::Say(vec![(crate::Stream::Stdout, usage(lang))], 0)));
    };
    let name = match name.as_str() {
        "--version" => "version",
        "status" => "scenario",
        other => other,
    };
    let Some(command) = COMMANDS.iter().find(|c| c.name == name) else {
        return Err(Refusal::new(2, format!("nodewright: unknown command \"{name}\"\n{}", usage(lang).trim_end())));
    };
    let wrong = || Refusal::new(2, format!("usage: {}", line(command).trim_end()));
    if command.operands.is_empty() && !rest.is_empty() {
        return Err(wrong());
    }
    match command.run {
        Run::Now(run) => super::call(run, rest.to_vec()),
        Run::Ask(ask) => Ok(Box::new(Asking { ask: ask(rest).ok_or_else(wrong)?, name: command.name, asked: false })),
        Run::Open => match rest {
            [file] => Ok(Box::new(Open { file: file.clone() })),
            _ => Err(wrong()),
        },
        Run::Skip => {
            let ms = match rest {
                [] => None,
                [given] => {
                    let ms = objects::duration::parse_go_ms(given).and_then(|ms| u64::try_from(ms).ok()).filter(|ms| *ms > 0);
                    Some(ms.ok_or_else(|| {
                        Refusal::new(2, format!("nodewright: skip: {given:?} is no duration: write 90s, 5m or 1h30m"))
                    })?)
                }
                _ => return Err(wrong()),
            };
            Ok(Box::new(Skip { ms, under_way: None }))
        }
    }
}

fn line(command: &Own) -> String {
    format!("nodewright {} {}", command.name, command.operands).trim_end().to_owned()
}

fn usage(lang: Lang) -> String {
    let width = COMMANDS.iter().map(|c| line(c).len()).max().unwrap_or(0);
    COMMANDS.iter().map(|c| format!("{:<width$}  {}\n", line(c), lang.pick(c.about.1, c.about.0))).collect()
}

fn version(_: &[String], io: &mut Io<'_>, _: &mut Ctx<'_>) -> i32 {
    io.out(&format!("nodewright {}\n", env!("CARGO_PKG_VERSION")));
    0
}

fn scenario(_: &[String], io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> i32 {
    let snapshot = ctx.session.snapshot();
    let (era, seconds) = (snapshot.profile.era.as_str(), snapshot.elapsed_ms() / 1000);
    io.out(&format!("era {era}, region {}, seed {}, {seconds} s since the start\n", snapshot.region, snapshot.seed));
    0
}

fn changed(done: bool, otherwise: &str, io: &mut Io<'_>) -> i32 {
    if !done {
        io.err(&format!("nodewright: {otherwise}\n"));
    }
    i32::from(!done)
}

fn speed(args: &[String]) -> Option<Ask> {
    match args {
        [] => Some(Ask::Speed(None)),
        [n] => {
            let n = n.trim_end_matches(['x', '×']).parse().ok()?;
            (1..=FASTEST).contains(&n).then_some(Ask::Speed(Some(n)))
        }
        _ => None,
    }
}

fn explain(args: &[String], io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> i32 {
    let (lang, snapshot) = (ctx.state.options.lang, ctx.session.snapshot());
    let at = |at: SimTime| {
        let unix_ms = snapshot.unix_ms().saturating_sub_unsigned(snapshot.now.ms().saturating_sub(at.ms()));
        let options = &ctx.state.options;
        clock::date_text(unix_ms, options.utc_offset_min, &options.zone, "%T")
    };
    if args.is_empty() {
        let mut rows = why::rows(&snapshot, lang);
        rows.truncate(NEWEST);
        if rows.is_empty() {
            io.out(lang.pick("아직 Karpenter가 결정한 것이 없어요.\n", "Karpenter has decided nothing so far.\n"));
        }
        rows.iter().rev().for_each(|w| io.out(&told(w, &at(w.at))));
        return 0;
    }
    match object(args, ctx) {
        Ok(key) => {
            let name = format!("{}/{}", key.kind.name().to_lowercase(), key.name);
            let rows = why::about(&snapshot, &key, lang);
            if rows.is_empty() {
                io.out(&match lang {
                    Lang::Ko => format!("{name}에 대해 Karpenter가 결정한 것이 아직 없어요.\n"),
                    Lang::En => format!("Karpenter has decided nothing about {name} so far.\n"),
                });
            }
            rows.iter().for_each(|w| io.out(&told(w, &at(w.at))));
            0
        }
        Err(message) => {
            io.err(&format!("nodewright: explain: {message}\n"));
            1
        }
    }
}

/// The object that is asked about: `TYPE/NAME`, `TYPE NAME`, or a name alone, which is looked for among nodes, claims and the
/// pods of the present namespace; `-n` names another.
fn object(args: &[String], ctx: &Ctx<'_>) -> Result<ObjectKey, String> {
    let snapshot = ctx.session.snapshot();
    let claim = Kind::claim(snapshot.profile.era);
    let mut namespace = current_namespace(ctx.state);
    let mut words: Vec<&str> = Vec::new();
    let mut rest = args.iter().map(String::as_str);
    while let Some(arg) = rest.next() {
        match arg {
            "-n" | "--namespace" => namespace = rest.next().ok_or("flag needs an argument: -n")?.to_owned(),
            _ if arg.starts_with('-') => {
                return Err(arg
                    .strip_prefix("--namespace=")
                    .map_or_else(|| format!("unknown flag: {arg}"), |_| "write -n NAMESPACE".to_owned()));
            }
            _ => words.extend(arg.split('/')),
        }
    }
    let (kinds, name) = match words.as_slice() {
        [name] => (vec![Kind::Node, claim, Kind::Pod], *name),
        [kind, name] => {
            let known = Kind::parse(kind, snapshot.profile.api()).filter(|k| [Kind::Node, claim, Kind::Pod].contains(k));
            let claims = claim.name().to_lowercase();
            (vec![known.ok_or_else(|| format!("{kind:?} is no node, {claims} or pod: decisions are about those"))?], *name)
        }
        _ => return Err("one node, claim or pod at a time: TYPE/NAME".to_owned()),
    };
    let keys = kinds.iter().map(|k| ObjectKey::new(*k, &namespace, name));
    // What is gone is still spoken of.
    let decided = |key: &ObjectKey| snapshot.decisions.iter().any(|d| d.about == *key);
    let mut known = keys.filter(|key| snapshot.store.get(key).is_some() || decided(key));
    known.next().ok_or_else(|| {
        let places: Vec<String> = kinds.iter().map(|k| k.resource()).collect();
        format!("{} {name:?} not found", places.join(", "))
    })
}

/// The sentence behind its time, and what it rests on below it.
fn told(why: &Why, at: &str) -> String {
    let mut text = format!("{at}  {}\n", why.sentence);
    let mut last = None;
    for (label, value) in &why.facts {
        if last == Some(label) {
            text.pop();
            text += &format!(", {value}\n");
        } else {
            text += &format!("          {label}: {value}\n");
        }
        last = Some(label);
    }
    why.raw.lines().for_each(|l| text += &format!("          {l}\n"));
    text
}

/// Asks the owner and prints the answer.
struct Asking {
    ask: Ask,
    name: &'static str,
    asked: bool,
}

impl Program for Asking {
    fn step(&mut self, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Step {
        match std::mem::replace(ctx.errand, Errand::None) {
            Errand::Nobody => {
                *ctx.errand = Errand::Nobody;
                io.err(&format!("nodewright: {}: there is no page around this terminal that could answer\n", self.name));
                Step::Done(1)
            }
            Errand::Answered(said) if self.asked => {
                io.out(&said.stdout);
                io.err(&said.stderr);
                Step::Done(said.exit)
            }
            // Another program's turn comes first.
            other @ (Errand::Asked(_) | Errand::Answered(_)) => {
                *ctx.errand = other;
                Step::Wait(None)
            }
            Errand::None => {
                *ctx.errand = Errand::Asked(self.ask);
                self.asked = true;
                Step::Wait(None)
            }
        }
    }
}

/// Takes another cluster in place of the one that is there.
struct Open {
    file: String,
}

impl Program for Open {
    fn step(&mut self, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Step {
        let name = &self.file;
        let text = if name == "-" {
            let Some(text) = io.input.all() else { return Step::Wait(None) };
            text
        } else {
            let Some(text) = ctx.state.files.read(&ctx.state.path(name)).map(str::to_owned) else {
                io.err(&format!("nodewright: open: {name}: no such file\n"));
                return Step::Done(1);
            };
            text
        };
        // The region of the page's address has come with the page.
        let prices = {
            let known = ctx.session.scenario();
            // Those of the kwok provider are its types.
            let packed = known.prices.clone().filter(|_| known.provider == Provider::Aws);
            packed.map(|packed| (known.region.clone(), packed))
        };
        match Session::open(&text, prices) {
            Ok((session, notes)) => {
                let has_prices = !session.scenario().region.is_empty();
                *ctx.session = session;
                if !has_prices && ctx.state.options.asks {
                    io.hint(ctx.state.options.lang.pick(
                        "이 클러스터의 리전 가격이 없어요. 주소에 ?region=리전 을 붙여 페이지를 열면 함께 옵니다.",
                        "The prices of its region are not here: open this page with ?region=NAME in its address, and they are.",
                    ));
                }
                notes.iter().for_each(|note| io.err(&format!("note: {note}\n")));
                scenario(&[], io, ctx);
                Step::Done(0)
            }
            Err(error) => {
                io.err(&format!("nodewright: open: {name}: {}\n", error.message));
                Step::Done(1)
            }
        }
    }
}

/// Waits for a time or an event, and asks the owner to let time pass at once.
struct Skip {
    ms: Option<u64>,
    /// Until when, and what was visible when it began.
    under_way: Option<(SimTime, (u64, usize))>,
}

impl Program for Skip {
    fn step(&mut self, _io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Step {
        let now = ctx.now();
        let Some((limit, before)) = self.under_way else {
            let limit = now + self.ms.unwrap_or(FARTHEST_MS);
            self.under_way = Some((limit, ctx.session.visible()));
            if matches!(ctx.errand, Errand::None) {
                *ctx.errand = Errand::Asked(Ask::Skip(self.ms.map(|_| limit)));
            }
            return Step::Wait(Some(limit));
        };
        if matches!(ctx.errand, Errand::Answered(_)) {
            *ctx.errand = Errand::None;
        }
        if now >= limit || self.ms.is_none() && ctx.session.visible() != before {
            return Step::Done(0);
        }
        Step::Wait(Some(limit))
    }
}
