//! Commands about commands.

use super::TOOLS;
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
