//! kubectl explain, from the schema table. Layout: k8s.io/kubectl pkg/explain/v2/templates/plaintext.tmpl, v0.35.4.

use super::{Call, Fail, Next, api};
use crate::extras::Want;
use crate::run::{Ctx, Io, Program, Step};
use objects::Kind;
use objects::collections::Order as _;
use objects::schema::{Docs, Field, Type, fields_of, fields_of_type};

/// Enumerations in a list of fields end here.
const VALUES: usize = 4;

/// Words at most `limit` wide, newlines and the spaces between kept; a word that is wider stands alone.
/// Source: mitchellh/go-wordwrap v1.0.1.
fn wrap(text: &str, limit: usize) -> String {
    let mut out = String::new();
    let (mut word, mut space) = (String::new(), String::new());
    let mut width = 0;
    let length = |t: &str| t.chars().count();
    for c in text.chars() {
        if c == '\n' {
            if word.is_empty() && width + length(&space) > limit {
                space.clear();
            }
            out.push_str(&std::mem::take(&mut space));
            out.push_str(&std::mem::take(&mut word));
            out.push('\n');
            width = 0;
        } else if c.is_whitespace() && c != '\u{a0}' {
            if space.is_empty() || !word.is_empty() {
                width += length(&space) + length(&word);
                out.push_str(&std::mem::take(&mut space));
                out.push_str(&std::mem::take(&mut word));
            }
            space.push(c);
        } else {
            word.push(c);
            if width + length(&word) + length(&space) > limit && length(&word) < limit {
                out.push('\n');
                width = 0;
                space.clear();
            }
        }
    }
    if !word.is_empty() || width + length(&space) <= limit {
        out.push_str(&space);
    }
    out.push_str(&word);
    out
}

fn indent(text: &str, by: usize) -> String {
    let pad = " ".repeat(by);
    format!("{pad}{}", text.replace('\n', &format!("\n{pad}")))
}

/// What is explained: a kind's own table, whose types have names where the API is built in and none in a custom resource.
struct Explained<'a> {
    kind: Kind,
    custom: bool,
    docs: &'a Docs,
}

impl Explained<'_> {
    fn ty(&self, ty: &Type) -> String {
        match ty {
            Type::List(of) => format!("[]{}", self.ty(of)),
            Type::Map(of) => format!("map[string]{}", self.ty(of)),
            Type::ResourceList if self.custom => "map[string]Object".to_owned(),
            Type::Object(name) if self.custom && *name != "v1.ObjectMeta" => "Object".to_owned(),
            Type::Quantity | Type::IntOrString if self.custom => "Object".to_owned(),
            other => other.explain(),
        }
    }

    /// A line with the name, and in a list of all fields below nothing but the values beside it.
    fn head(&self, f: &Field, depth: usize) -> String {
        let pad = " ".repeat(depth * 2);
        let required = if f.required { " -required-" } else { "" };
        let mut out = format!("{pad}{}\t<{}>{required}", f.name, self.ty(&f.ty));
        // The values of a list's items are not told: only the field's own are.
        if !f.values.is_empty() && !matches!(f.ty, Type::List(_) | Type::Map(_)) {
            let shown: Vec<&str> = f.values.iter().take(VALUES).map(|v| quoted(v)).collect();
            let more = if f.values.len() > VALUES { ", ...." } else { "" };
            out.push_str(&format!("\n{pad}enum: {}{more}", shown.join(", ")));
        }
        out.push('\n');
        out
    }

    fn fields(&self, fields: &[Field], path: &[&str]) -> String {
        let one = |f: &Field| {
            let text = self.field_text(&[path, &[f.name]].concat().join("."));
            let text = if text.is_empty() { "<no description>" } else { &text };
            format!("{}{}\n\n", self.head(f, 1), indent(&wrap(text, 76), 4))
        };
        fields.iter().map(one).collect()
    }

    fn kind_text(&self) -> String {
        self.docs.kind(self.kind).unwrap_or_default()
    }

    fn field_text(&self, path: &str) -> String {
        self.docs.field(self.kind, path).unwrap_or_default()
    }

    /// What is said of a field: its own text, then its type's.
    fn texts(&self, path: &str, f: &Field) -> String {
        let named = !self.custom || object_name(&f.ty) == Some("v1.ObjectMeta");
        let parts = [Some(self.field_text(path)), self.docs.type_of(f).filter(|_| named)];
        parts.into_iter().flatten().filter(|t| !t.is_empty()).collect::<Vec<_>>().join("\n")
    }

    /// All fields below, a type within itself left out.
    fn tree(&self, fields: &[Field], depth: usize, above: &mut Vec<&'static str>, out: &mut String) {
        for f in fields {
            out.push_str(&self.head(f, depth));
            let Some(name) = object_name(&f.ty).filter(|n| !above.contains(n)) else {
                continue;
            };
            above.push(name);
            self.tree(&below(&f.ty), depth + 1, above, out);
            above.pop();
        }
    }
}

fn quoted(value: &'static str) -> &'static str {
    if value.is_empty() { "\"\"" } else { value }
}

fn object_name(ty: &Type) -> Option<&'static str> {
    match ty {
        Type::List(of) | Type::Map(of) => object_name(of),
        Type::Object(name) => Some(name),
        _ => None,
    }
}

/// The fields of a type, or of what it is a list or map of, by name.
fn below(ty: &Type) -> Vec<Field> {
    let mut fields = object_name(ty).map(fields_of_type).unwrap_or_default();
    fields.order_by_key(|f| f.name);
    fields
}

/// The field that a path leads to; maps and lists are gone through.
fn follow(kind: Kind, path: &[&str]) -> Option<Field> {
    let mut fields = fields_of(kind);
    let mut found = None;
    for name in path {
        let field: Field = fields.into_iter().find(|f| f.name == *name)?;
        fields = below(&field.ty);
        found = Some(field);
    }
    found
}

/// What is to be explained, once the descriptions are here.
#[derive(Debug)]
struct Question {
    kind: Kind,
    path: Vec<String>,
    recursive: bool,
}

pub fn run(call: &mut Call, _io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    let target = match call.args.as_slice() {
        [target] => target.trim_end_matches('.'),
        [] => {
            return Err(Fail::error(
                "You must specify the type of resource to explain. Use \"kubectl api-resources\" for a complete list of \
                 supported resources.",
            ));
        }
        _ => return Err(Fail::error("We accept only this format: explain RESOURCE")),
    };
    match call.flags.text("output") {
        None | Some("" | "plaintext") => {}
        Some("plaintext-openapiv2") => return Err(Fail::error("-o plaintext-openapiv2 is not simulated: -o plaintext is")),
        Some(other) => return Err(Fail::error(format!("unrecognized format: {other}"))),
    }
    let mut parts = target.split('.');
    let name = parts.next().unwrap_or_default();
    let path: Vec<String> = parts.map(str::to_owned).collect();
    let Some(kind) = Kind::parse(name, api(ctx)) else {
        if let Some(other) = super::resources::other(name, api(ctx)) {
            return Err(Fail::error(format!("the fields of {} are not simulated", other.plural)));
        }
        return Err(Fail { text: format!("the server doesn't have a resource type \"{name}\"\n"), exit: 1 });
    };
    Ok(Next::Go(Box::new(Question { kind, path, recursive: call.flags.on("recursive") })))
}

impl Program for Question {
    fn step(&mut self, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Step {
        let Some(docs) = ctx.state.docs.clone() else {
            ctx.state.wants = Some(Want::Docs);
            return Step::Wait(None);
        };
        match self.answer(&docs, io) {
            Ok(()) => Step::Done(0),
            Err(fail) => {
                io.err(&fail.text);
                Step::Done(fail.exit)
            }
        }
    }
}

impl Question {
    fn answer(&self, docs: &Docs, io: &mut Io<'_>) -> Result<(), Fail> {
        let (kind, info) = (self.kind, self.kind.info());
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        if !info.group.is_empty() {
            io.out(&format!("GROUP:      {}\n", info.group));
        }
        io.out(&format!("KIND:       {}\nVERSION:    {}\n\n", info.kind, info.version));
        let explained = Explained { kind, custom: kind.is_crd(), docs };
        let (mut description, mut fields) = (explained.kind_text(), fields_of(kind));
        if let Some(last) = path.last() {
            let Some(f) = follow(kind, &path) else {
                return Err(Fail::error(format!("field \"{last}\" does not exist")));
            };
            io.out(&format!("FIELD: {} <{}>\n", f.name, explained.ty(&f.ty)));
            if !f.values.is_empty() && !matches!(f.ty, Type::List(_) | Type::Map(_)) {
                io.out("ENUM:");
                f.values.iter().for_each(|v| io.out(&format!("\n    {}", quoted(v))));
            }
            io.out("\n\n");
            (description, fields) = (explained.texts(&path.join("."), &f), below(&f.ty));
        }
        fields.order_by_key(|f| f.name);
        let description = if description.is_empty() { "<empty>".to_owned() } else { format!("{description}\n") };
        io.out(&format!("DESCRIPTION:\n{}\n", indent(&wrap(&description, 76), 4)));
        if !fields.is_empty() {
            io.out("FIELDS:\n");
            if self.recursive {
                let mut out = String::new();
                explained.tree(&fields, 1, &mut Vec::new(), &mut out);
                io.out(&out);
            } else {
                io.out(&explained.fields(&fields, &path));
            }
        }
        io.out("\n");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recorded descriptions of the real server's schemas.
    #[test]
    fn wraps_as_kubectl_does() {
        let check = |text: &str, want: &str| assert_eq!(indent(&wrap(text, 76), 4), want);
        check(
            "Number of desired pods. This is a pointer to distinguish between explicit zero and not specified. Defaults to 1.\n",
            "    Number of desired pods. This is a pointer to distinguish between explicit\n    zero and not specified. Defaults to 1.\n    ",
        );
        check(
            "Replicas is the desired number of nodes for the NodePool. When specified, the NodePool will\nmaintain this fixed number of replicas rather than scaling based on pod demand.\nWhen replicas is set:\n  - The following fields are ignored:\n      * disruption.consolidationPolicy\n  - Only limits.nodes is supported; other resource limits (e.g., CPU, memory) must not be specified.",
            "    Replicas is the desired number of nodes for the NodePool. When specified,\n    the NodePool will\n    maintain this fixed number of replicas rather than scaling based on pod\n    demand.\n    When replicas is set:\n      - The following fields are ignored:\n          * disruption.consolidationPolicy\n      - Only limits.nodes is supported; other resource limits (e.g., CPU,\n    memory) must not be specified.",
        );
        check(
            "Compute Resources required by this container. Cannot be updated. More info: https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/\nResourceRequirements describes",
            "    Compute Resources required by this container. Cannot be updated. More info:\n    https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/\n    ResourceRequirements describes",
        );
    }
}
