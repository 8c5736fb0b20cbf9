//! eks-node-viewer: what it takes on its command line, and its screen.
//!
//! Source: awslabs/eks-node-viewer cmd/eks-node-viewer/{main,flag}.go and pkg/model. Era v1alpha5 has the look of v0.4.2
//! (July 2023), era v1 that of commit a410d6f (August 2026), which shows the limit of pods and NodeClaims without a node.

mod picture;
mod rows;

use crate::Key;
use crate::kubectl::{contexts, label_selector};
use crate::run::{Ctx, Io, Program, Step};
use crate::tools::{Refusal, Say, date_text};
use crate::{Stream, viewer::rows::Order};
use engine::session::Seen;
use engine::{Era, SimTime, Snapshot};
use objects::collections::VecMap;
use objects::selector::Expression;

/// Redraw while something is on screen. The original redraws ten times a second; ages change once.
const TICK_MS: u64 = 1_000;
/// A screen so high that every node is on its first page.
const ALL_ROWS: usize = usize::MAX / 2;

/// Name, whether it takes a value, its default, what is said of it. In the order in which Go prints them.
const FLAGS: [(&str, bool, &str, &str); 11] = [
    ("attribution", false, "", "Show the Open Source Attribution"),
    ("context", true, "", "Name of the kubernetes context to use"),
    ("disable-pricing", false, "", "Disable pricing lookups"),
    ("extra-labels", true, "", "A comma separated set of extra node labels to display"),
    ("kubeconfig", true, "/home/learner/.kube/config", "Absolute path to the kubeconfig file"),
    ("node-selector", true, "", "Node label selector used to filter nodes, if empty all nodes are selected "),
    (
        "node-sort",
        true,
        "creation=dsc",
        "Sort order for the nodes, either 'creation' or a label name. The sort order defaults to ascending and can be \
         controlled by appending =asc or =dsc to the value.",
    ),
    ("resources", true, "cpu", "List of comma separated resources to monitor"),
    (
        "style",
        true,
        "#04B575,#FFFF00,#FF0000",
        "Three color to use for styling 'good','ok' and 'bad' values. These are also used in the gradients displayed from \
         bad -> good.",
    ),
    ("v", false, "", "Display eks-node-viewer version"),
    ("version", false, "", "Display eks-node-viewer version"),
];

/// The flags, for completion.
pub fn flags() -> impl Iterator<Item = &'static str> {
    FLAGS.iter().map(|(name, ..)| *name)
}

#[derive(Debug)]
struct Viewer {
    resources: Vec<String>,
    labels: Vec<String>,
    selector: Vec<Expression>,
    order: Order,
    pricing: bool,
    page: usize,
    seen: bool,
    last: String,
    next: Option<SimTime>,
}

impl Default for Viewer {
    fn default() -> Viewer {
        Viewer {
            resources: vec!["cpu".to_owned()],
            // An empty list is one empty label.
            labels: vec![String::new()],
            selector: Vec::new(),
            order: Order::parse("creation=dsc"),
            pricing: true,
            page: 0,
            seen: false,
            last: String::new(),
            next: None,
        }
    }
}

/// The whole picture at once, as the viewer draws it without options.
pub fn picture(snapshot: &Snapshot) -> String {
    Viewer::default().picture(snapshot, ALL_ROWS, false)
}

/// One page on a screen of so many rows, as the viewer draws it while it runs, and how many pages there are.
pub fn page(snapshot: &Snapshot, page: usize, rows: usize) -> (String, usize) {
    let viewer = Viewer { page, ..Viewer::default() };
    (viewer.picture(snapshot, rows, true), viewer.pages(snapshot, rows))
}

/// What the flags say, as text; flags without a value are `true`.
type Given = VecMap<&'static str, String>;

pub fn build(args: Vec<String>, ctx: &Ctx<'_>) -> Result<Box<dyn Program>, Refusal> {
    let mut given: Given = FLAGS.iter().map(|(name, _, default, _)| (*name, (*default).to_owned())).collect();
    read_settings(&mut given, ctx);
    let usage = usage(&given);
    read_flags(&mut given, args).map_err(|why| match why {
        Wrong::Help => Refusal::new(0, usage.trim_end()),
        Wrong::Text(text) => Refusal::new(1, format!("{text}\n{usage}{}", fatal(&format!("cannot parse flags: {text}"), ctx))),
    })?;
    let text = |name: &str| given.get(name).map(String::as_str).unwrap_or_default();
    let on = |name: &str| text(name) == "true";
    if on("attribution") {
        return Ok(say("eks-node-viewer is drawn here by nodewright; its licence is Apache-2.0\n"));
    }
    if on("v") || on("version") {
        let (version, commit) = if ctx.session.scenario().era == Era::V1 { ("dev", "a410d6f") } else { ("0.4.2", "") };
        return Ok(say(&format!("eks-node-viewer version {version}\ncommit: {commit}\nbuilt at: \nbuilt by: nodewright\n")));
    }
    let refuse = |why: String| Refusal::new(1, fatal(&why, ctx));
    if !text("context").is_empty() && !contexts(ctx.state).iter().any(|c| c == text("context")) {
        return Err(refuse(format!("creating client, context \"{}\" does not exist", text("context"))));
    }
    let colours = text("style").split(',').count();
    if colours != 3 {
        let style = text("style");
        return Err(refuse(format!(
            "creating style, three colors must be provided for the style, found {colours} (\"{style}\")"
        )));
    }
    Ok(Box::new(Viewer {
        resources: text("resources").split(',').filter(|r| !r.is_empty()).map(str::to_owned).collect(),
        labels: text("extra-labels").split(',').map(str::to_owned).collect(),
        selector: label_selector(text("node-selector")).map_err(|why| refuse(format!("parsing node selector: {why}")))?,
        order: Order::parse(text("node-sort")),
        pricing: !on("disable-pricing"),
        ..Viewer::default()
    }))
}

fn say(text: &str) -> Box<dyn Program> {
    Box::new(Say(vec![(Stream::Stdout, text.to_owned())], 0))
}

/// A line of Go's log.
fn fatal(text: &str, ctx: &Ctx<'_>) -> String {
    let options = &ctx.state.options;
    let now = ctx.session.snapshot().unix_ms();
    format!("{} {text}", date_text(now, options.utc_offset_min, &options.zone, "%Y/%m/%d %T"))
}

/// Defaults come from `~/.eks-node-viewer` as key=value lines.
fn read_settings(given: &mut Given, ctx: &Ctx<'_>) {
    let path = ctx.state.path(&format!("{}/.eks-node-viewer", ctx.state.env.home));
    for line in ctx.state.files.read(&path).unwrap_or_default().lines().filter(|l| !l.trim_start().starts_with('#')) {
        let Some((key, value)) = line.split_once('=') else { continue };
        let known = FLAGS.iter().find(|(name, takes, ..)| *name == key.trim() && (*takes || *name == "disable-pricing"));
        if let Some((name, ..)) = known {
            given.insert(name, value.trim().to_owned());
        }
    }
}

/// Why flags are not taken.
enum Wrong {
    Help,
    Text(String),
}

/// Flags as Go's package reads them: one dash or two; what is no flag ends them.
fn read_flags(given: &mut Given, args: Vec<String>) -> Result<(), Wrong> {
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        let Some(body) = arg.strip_prefix('-').filter(|b| !b.is_empty() && arg != "--") else { break };
        let body = body.strip_prefix('-').unwrap_or(body);
        let (name, value) = body.split_once('=').map_or((body, None), |(n, v)| (n, Some(v.to_owned())));
        let Some((name, takes, ..)) = FLAGS.iter().find(|(n, ..)| *n == name) else {
            let help = matches!(name, "h" | "help");
            return Err(if help { Wrong::Help } else { Wrong::Text(format!("flag provided but not defined: -{name}")) });
        };
        let value = if *takes {
            value.or_else(|| args.next()).ok_or_else(|| Wrong::Text(format!("flag needs an argument: -{name}")))?
        } else {
            match value.as_deref() {
                None | Some("1" | "t" | "T" | "true" | "TRUE" | "True") => "true".to_owned(),
                Some("0" | "f" | "F" | "false" | "FALSE" | "False") => "false".to_owned(),
                Some(other) => return Err(Wrong::Text(format!("invalid boolean value \"{other}\" for -{name}: parse error"))),
            }
        };
        given.insert(name, value);
    }
    Ok(())
}

/// As Go's package prints the defaults of flags.
fn usage(given: &Given) -> String {
    let mut out = "Usage of eks-node-viewer:\n".to_owned();
    for (name, takes, _, about) in FLAGS {
        let default = given.get(name).filter(|d| takes && !d.is_empty());
        let default = default.map(|d| format!(" (default \"{d}\")")).unwrap_or_default();
        let kind = if takes { " string" } else { "" };
        let gap = if name.len() == 1 && !takes { "\t" } else { "\n    \t" };
        out.push_str(&format!("  -{name}{kind}{gap}{about}{default}\n"));
    }
    out
}

impl Program for Viewer {
    fn step(&mut self, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Step {
        let snapshot = ctx.session.snapshot();
        if !self.seen {
            self.seen = true;
            ctx.seen.push(Seen::NodeViewer);
        }
        if !ctx.state.options.interactive || !io.to_terminal {
            io.out(&self.picture(&snapshot, ALL_ROWS, false));
            return Step::Done(0);
        }
        *ctx.follows = true;
        *ctx.full_screen = true;
        for key in ctx.keys.drain(..) {
            match key {
                Key::Char('q') | Key::Escape => return Step::Done(0),
                Key::Left | Key::Char('h') => self.page = self.page.saturating_sub(1),
                Key::Right | Key::Char('l') => self.page += 1,
                _ => {}
            }
        }
        self.page = self.page.min(self.pages(&snapshot, ctx.state.options.rows) - 1);
        let picture = self.picture(&snapshot, ctx.state.options.rows, true);
        if picture != self.last {
            io.screen(&picture);
            self.last = picture;
        }
        if self.next.is_none_or(|next| next <= ctx.now()) {
            self.next = Some(ctx.now() + TICK_MS);
        }
        Step::Wait(self.next)
    }
}
