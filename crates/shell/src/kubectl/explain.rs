//! kubectl explain, from the schema table. Layout: k8s.io/kubectl/pkg/explain/v2, v0.28.

use super::{Call, Fail, Next, era};
use crate::run::{Ctx, Io};
use objects::Kind;
use objects::schema::{Field, describe, field, fields_at};

/// Text wrapped at 80 columns behind an indent.
fn wrap(text: &str, indent: usize) -> String {
    let pad = " ".repeat(indent);
    let mut out = String::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && indent + line.len() + 1 + word.len() > 80 {
            out.push_str(&format!("{pad}{line}\n"));
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        out.push_str(&format!("{pad}{line}\n"));
    }
    out
}

fn enums(f: &Field, indent: usize) -> String {
    if f.values.is_empty() {
        return String::new();
    }
    let pad = " ".repeat(indent);
    format!("{pad}enum: {}\n", f.values.join(", "))
}

pub fn run(call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    let [target] = call.args.as_slice() else {
        return Err(Fail::usage(
            "explain",
            "You must specify the type of resource to explain. Use \"kubectl api-resources\" for a complete list of supported \
             resources.",
        ));
    };
    let (name, path) = target.split_once('.').unwrap_or((target, ""));
    let Some(kind) = Kind::parse(name, era(ctx)) else {
        return Err(Fail { text: format!("the server doesn't have a resource type \"{name}\"\n"), exit: 1 });
    };
    let info = kind.info();
    if !info.group.is_empty() {
        io.out(&format!("GROUP:      {}\n", info.group));
    }
    io.out(&format!("KIND:       {}\nVERSION:    {}\n\n", info.kind, info.version));
    let fields = fields_at(kind, path);
    let mut description = describe(kind).to_owned();
    if !path.is_empty() {
        let Some(f) = field(kind, path) else {
            let last = path.rsplit('.').next().unwrap_or(path);
            return Err(Fail::error(format!("field \"{last}\" does not exist")));
        };
        let required = if f.required { " -required-" } else { "" };
        io.out(&format!("FIELD: {} <{}>{required}\n", f.name, f.ty.explain()));
        io.out(&enums(&f, 4));
        io.out("\n\n");
        f.doc.clone_into(&mut description);
    }
    io.out(&format!("DESCRIPTION:\n{}    \n", wrap(if description.is_empty() { "<empty>" } else { &description }, 4)));
    if fields.is_empty() {
        io.out("\n");
        return Ok(Next::Done(0));
    }
    io.out("FIELDS:\n");
    if call.flags.on("recursive") {
        let mut out = String::new();
        recursive(kind, path, 2, &mut out);
        io.out(&format!("{out}\n"));
        return Ok(Next::Done(0));
    }
    for f in fields {
        let required = if f.required { " -required-" } else { "" };
        io.out(&format!("  {}\t<{}>{required}\n{}{}\n", f.name, f.ty.explain(), enums(&f, 2), wrap(f.doc, 4)));
    }
    io.out("\n");
    Ok(Next::Done(0))
}

fn recursive(kind: Kind, path: &str, indent: usize, out: &mut String) {
    // Schemas that contain themselves are cut where nobody reads on.
    if indent > 24 || out.len() > 200_000 {
        return;
    }
    for f in fields_at(kind, path) {
        let required = if f.required { " -required-" } else { "" };
        out.push_str(&format!("{}{}\t<{}>{required}\n{}", " ".repeat(indent), f.name, f.ty.explain(), enums(&f, indent)));
        let below = if path.is_empty() { f.name.to_owned() } else { format!("{path}.{}", f.name) };
        recursive(kind, &below, indent + 2, out);
    }
}
