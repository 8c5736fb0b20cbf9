//! Commands about commands.

use super::TOOLS;
use crate::options::Lang;
use crate::run::{Ctx, Io};

pub fn help(args: &[String], io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> i32 {
    if !args.is_empty() {
        return man(args, io, ctx);
    }
    for tool in TOOLS.iter().filter(|t| !matches!(t.name, ":" | "[" | "printenv" | "egrep")) {
        io.out(&format!("{:<16} {}\n", tool.name, tool.about));
    }
    0
}

pub fn man(args: &[String], io: &mut Io<'_>, _ctx: &mut Ctx<'_>) -> i32 {
    let Some(name) = args.first() else {
        io.err("What manual page do you want?\nFor example, try 'man man'.\n");
        return 1;
    };
    match super::find(name) {
        Some(tool) => {
            io.out(&format!("{} - {}\n", tool.name, tool.about));
            0
        }
        None => {
            io.err(&format!("No manual entry for {name}\n"));
            16
        }
    }
}

pub fn which(args: &[String], io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> i32 {
    let mut exit = 0;
    for name in args.iter().filter(|a| !a.starts_with('-')) {
        if let Some(value) = ctx.state.aliases.get(name) {
            io.out(&format!("alias {name}='{value}'\n"));
        } else if super::find(name).is_some() {
            io.out(&format!("/usr/bin/{name}\n"));
        } else {
            exit = 1;
        }
    }
    exit
}

pub fn type_of(args: &[String], io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> i32 {
    let mut exit = 0;
    for name in args {
        if let Some(value) = ctx.state.aliases.get(name) {
            io.out(&format!("{name} is aliased to `{value}'\n"));
        } else if super::find(name).is_some() {
            io.out(&format!("{name} is /usr/bin/{name}\n"));
        } else {
            io.err(&format!("bash: type: {name}: not found\n"));
            exit = 1;
        }
    }
    exit
}

pub fn clear(_args: &[String], io: &mut Io<'_>, _ctx: &mut Ctx<'_>) -> i32 {
    // The owner of the screen empties it: a picture without text.
    if io.to_terminal {
        io.screen("");
    }
    0
}

/// The playground's own commands act on the page around the terminal; a shell without a page says so.
pub fn nodewright(args: &[String], io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> i32 {
    match args.first().map(String::as_str) {
        Some("version" | "--version") => {
            io.out(&format!("nodewright {}\n", env!("CARGO_PKG_VERSION")));
            0
        }
        Some("undo") => i32::from(!ctx.session.undo()),
        Some("redo") => i32::from(!ctx.session.redo()),
        Some("reset") => {
            ctx.session.reset();
            0
        }
        Some("status" | "scenario") => {
            let snapshot = ctx.session.snapshot();
            io.out(&format!(
                "era {}, region {}, seed {}, {} s since the start\n",
                snapshot.profile.era.as_str(),
                snapshot.region,
                snapshot.seed,
                snapshot.elapsed_ms() / 1000
            ));
            0
        }
        Some(word @ ("explain" | "hint" | "check" | "goal" | "speed" | "skip" | "share")) => {
            let (place, ko) = match word {
                "explain" => ("the panel Why", "왜? 창"),
                "hint" | "check" | "goal" => ("the panel of the lesson", "배우기 창"),
                "share" => ("the button Share", "공유 버튼"),
                _ => ("the bar at the top", "맨 위의 막대"),
            };
            io.err(&format!("nodewright: {word} is not a command of the terminal: use {place}\n"));
            if ctx.state.options.lang == Lang::Ko {
                io.hint(&format!("터미널이 아니라 {ko}에서 할 수 있습니다"));
            }
            1
        }
        _ => {
            io.out(match ctx.state.options.lang {
                Lang::En => "usage: nodewright undo | redo | reset | scenario | version\n",
                Lang::Ko => "사용법: nodewright undo | redo | reset | scenario | version\n",
            });
            i32::from(!args.is_empty()) * 2
        }
    }
}
