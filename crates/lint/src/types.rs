//! The fields and values of a document against the schema: all that is unknown or of another type, not only the first,
//! and amounts of memory whose unit was forgotten.

use crate::code::{MEMORY_MILLI, MEMORY_UNIT, NEEDS_QUOTES, UNKNOWN_FIELD, WRONG_TYPE};
use crate::cursor::join;
use crate::document::Read;
use crate::finding::{Finding, Fix, Lines, Range};
use crate::{say, sentence};
use objects::quantity::Quantity;
use objects::schema::{self, Field, Pattern, Type};
use objects::yaml::{Content, Node, Span};
use objects::{Kind, Value};
use view::Lang;

pub(crate) fn check(read: &Read<'_>, kind: Kind, lang: Lang, out: &mut Vec<Finding>) {
    let mut walk = Walk { read, lang, lines: Lines::of(read.text), out };
    walk.object(&schema::fields_of(kind), &read.document.root, "");
}

struct Walk<'a> {
    read: &'a Read<'a>,
    lang: Lang,
    lines: Lines<'a>,
    out: &'a mut Vec<Finding>,
}

impl Walk<'_> {
    fn object(&mut self, fields: &[Field], node: &Node, path: &str) {
        let Content::Map(entries) = &node.content else { return };
        for (name, key, value) in entries {
            let at = join(path, name);
            match fields.iter().find(|f| f.name == name) {
                Some(field) => self.value(field, &field.ty, value, &at),
                None => self.unknown(fields, name, *key, &at),
            }
        }
    }

    fn unknown(&mut self, fields: &[Field], name: &str, key: Span, path: &str) {
        let lang = self.lang;
        let range: Range = key.into();
        let meant = schema::nearest(name, fields.iter().map(|f| f.name));
        let elsewhere = self.read.kind.and_then(|kind| moved(kind, path));
        let message = match (elsewhere, meant) {
            (Some(place), _) => say!(
                lang,
                "`{name}`: 여기에는 없는 필드예요. 이 버전에서는 `{place}`에 적어요",
                "there is no field `{name}` here; in this version it is `{place}`"
            ),
            (None, Some(meant)) => say!(
                lang,
                "`{name}`: 없는 필드예요. `{meant}`를 쓰려던 것인가요?",
                "unknown field `{name}`, did you mean `{meant}`?"
            ),
            (None, None) => say!(lang, "`{name}`: 여기에는 없는 필드예요", "there is no field `{name}` here"),
        };
        let mut finding = self.read.finding(&UNKNOWN_FIELD, path, range, message);
        if let Some(meant) = meant {
            finding.fixes.push(Fix::replace(say!(lang, "`{meant}`로 바꾸기", "Change it to `{meant}`"), range, meant));
        }
        if let Some(edit) = self.read.removal(path) {
            finding.fixes.push(Fix { title: say!(lang, "이 필드 지우기", "Remove the field"), edits: vec![edit] });
        }
        self.out.push(finding);
    }

    fn value(&mut self, field: &Field, ty: &Type, node: &Node, path: &str) {
        if matches!(node.content, Content::Scalar(Value::Null)) {
            return;
        }
        match (ty, &node.content) {
            (Type::Any, _) => {}
            (Type::Object(name), Content::Map(_)) => self.object(&schema::fields_of_type(name), node, path),
            (Type::List(of), Content::List(items)) => {
                for (i, item) in items.iter().enumerate() {
                    self.value(field, of, item, &format!("{path}[{i}]"));
                }
            }
            (Type::Map(of), Content::Map(entries)) => {
                for (key, _, item) in entries {
                    self.value(field, of, item, &join(path, key));
                }
            }
            (Type::ResourceList, Content::Map(entries)) => {
                for (key, _, item) in entries {
                    self.amount(key, item, &join(path, key));
                }
            }
            (Type::String | Type::Time, Content::Scalar(Value::String(_))) => {}
            (Type::String | Type::Time, Content::Scalar(v)) => self.unquoted(field, v, node, path),
            (Type::Int32 | Type::Int64, Content::Scalar(Value::Number(n))) if n.is_i64() || n.is_u64() => {}
            (Type::Int32 | Type::Int64, Content::Scalar(Value::String(s))) => self.quoted_number(s, node, path),
            (Type::Bool, Content::Scalar(Value::Bool(_))) => {}
            (Type::Quantity | Type::IntOrString, Content::Scalar(Value::String(_) | Value::Number(_))) => {}
            _ => self.mismatch(ty, node, path),
        }
    }

    /// A number or a truth value where text belongs.
    fn unquoted(&mut self, field: &Field, v: &Value, node: &Node, path: &str) {
        let lang = self.lang;
        let range: Range = node.span.into();
        let written = self.written(range).unwrap_or_else(|| v.to_string());
        let message = say!(
            lang,
            "`{written}`: 글자여야 하는 곳에 숫자나 참/거짓으로 읽혀요. 따옴표로 묶어 주세요",
            "`{written}` reads as {v}, and text belongs here: quote it"
        );
        let mut finding = self.read.finding(&NEEDS_QUOTES, path, range, message);
        let quoted = format!("\"{written}\"");
        finding.fixes.push(Fix::replace(say!(lang, "{quoted}로 바꾸기", "Write {quoted}"), range, quoted));
        if field.pattern == Some(Pattern::BudgetNodes) && v.as_u64().is_some_and(|n| n <= 100) {
            let percent = format!("\"{written}%\"");
            finding.fixes.push(Fix::replace(say!(lang, "{percent}로 바꾸기", "Write {percent}"), range, percent));
        }
        self.out.push(finding);
    }

    /// Text where a whole number belongs.
    fn quoted_number(&mut self, text: &str, node: &Node, path: &str) {
        let lang = self.lang;
        let range: Range = node.span.into();
        let want = lang.pick("정수", "a whole number");
        let mut finding = self.read.finding(&WRONG_TYPE, path, range, sentence::mismatch(want, lang.pick("글자", "text"), lang));
        if text.trim().parse::<i64>().is_ok() {
            let number = text.trim().to_owned();
            finding.fixes.push(Fix::replace(say!(lang, "{number}로 바꾸기", "Write {number}"), range, number));
        }
        self.out.push(finding);
    }

    fn mismatch(&mut self, ty: &Type, node: &Node, path: &str) {
        let lang = self.lang;
        let want = match ty {
            Type::Int32 | Type::Int64 => lang.pick("정수", "a whole number"),
            Type::Bool => lang.pick("true 또는 false", "true or false"),
            Type::List(_) => lang.pick("목록", "a list"),
            Type::Object(_) => lang.pick("필드 묶음", "a block of fields"),
            Type::Map(_) | Type::ResourceList => lang.pick("이름과 값의 묶음", "names with values"),
            _ => lang.pick("값 하나", "a single value"),
        };
        let is = match &node.content {
            Content::Map(_) => lang.pick("필드 묶음", "a block of fields"),
            Content::List(_) => lang.pick("목록", "a list"),
            Content::Scalar(Value::Bool(_)) => lang.pick("참/거짓", "a truth value"),
            Content::Scalar(Value::Number(_)) => lang.pick("숫자", "a number"),
            Content::Scalar(_) => lang.pick("글자", "text"),
        };
        let range = self.read.place_of_value(path);
        self.out.push(self.read.finding(&WRONG_TYPE, path, range, sentence::mismatch(want, is, lang)));
    }

    /// An amount in a resource list.
    fn amount(&mut self, resource: &str, node: &Node, path: &str) {
        if !matches!(resource, "memory" | "ephemeral-storage" | "storage") {
            return;
        }
        let text = match &node.content {
            Content::Scalar(Value::String(s)) => s.clone(),
            Content::Scalar(Value::Number(n)) => n.to_string(),
            _ => return,
        };
        let lang = self.lang;
        let range: Range = node.span.into();
        let Ok(quantity) = Quantity::parse(&text) else { return };
        if let Some(number) = text.strip_suffix('m').filter(|_| quantity.nano > 0) {
            let message = say!(
                lang,
                "`{text}`: 메모리에서 `m`은 1000분의 1바이트예요. `{number}Mi`를 쓰려던 것인가요?",
                "`{text}` is thousandths of a byte; did you mean `{number}Mi`?"
            );
            let mut finding = self.read.finding(&MEMORY_MILLI, path, range, message);
            let right = format!("{number}Mi");
            finding.fixes.push(Fix::replace(say!(lang, "`{right}`로 바꾸기", "Change it to `{right}`"), range, right));
            self.out.push(finding);
            return;
        }
        let plain = text.chars().all(|c| c.is_ascii_digit());
        if plain && quantity.value() > 0 && quantity.value() < 1 << 20 {
            let message = say!(
                lang,
                "`{text}`: 단위가 없으면 {text}바이트예요. `{text}Mi`나 `{text}Gi`를 쓰려던 것인가요?",
                "`{text}` without a unit is {text} bytes; did you mean `{text}Mi` or `{text}Gi`?"
            );
            let mut finding = self.read.finding(&MEMORY_UNIT, path, range, message);
            for unit in ["Mi", "Gi"] {
                let right = format!("{text}{unit}");
                finding.fixes.push(Fix::replace(say!(lang, "`{right}`로 바꾸기", "Change it to `{right}`"), range, right));
            }
            self.out.push(finding);
        }
    }

    /// The text of a range of one line.
    fn written(&self, range: Range) -> Option<String> {
        if range.start.line != range.end.line {
            return None;
        }
        let (from, to) = (self.lines.byte(range.start), self.lines.byte(range.end));
        self.read.text.get(from..to).filter(|t| !t.is_empty()).map(str::to_owned)
    }
}

/// Where a field of another version of Karpenter went. Source: the upgrade guides of v0.32 and v1.0.
fn moved(kind: Kind, path: &str) -> Option<&'static str> {
    const MOVED: [(Kind, &str, &str); 14] = [
        (Kind::NodePool, "spec.ttlSecondsAfterEmpty", "spec.disruption.consolidateAfter"),
        (Kind::NodePool, "spec.ttlSecondsUntilExpired", "spec.template.spec.expireAfter"),
        (Kind::NodePool, "spec.consolidation", "spec.disruption.consolidationPolicy"),
        (Kind::NodePool, "spec.requirements", "spec.template.spec.requirements"),
        (Kind::NodePool, "spec.taints", "spec.template.spec.taints"),
        (Kind::NodePool, "spec.startupTaints", "spec.template.spec.startupTaints"),
        (Kind::NodePool, "spec.labels", "spec.template.metadata.labels"),
        (Kind::NodePool, "spec.annotations", "spec.template.metadata.annotations"),
        (Kind::NodePool, "spec.providerRef", "spec.template.spec.nodeClassRef"),
        (Kind::NodePool, "spec.disruption.expireAfter", "spec.template.spec.expireAfter"),
        (Kind::NodePool, "spec.template.spec.nodeClassRef.apiVersion", "spec.template.spec.nodeClassRef.group"),
        (Kind::NodePool, "spec.template.spec.kubelet", "EC2NodeClass spec.kubelet"),
        (Kind::EC2NodeClass, "spec.subnetSelector", "spec.subnetSelectorTerms"),
        (Kind::EC2NodeClass, "spec.securityGroupSelector", "spec.securityGroupSelectorTerms"),
    ];
    MOVED.iter().find(|(k, p, _)| *k == kind && *p == path).map(|(_, _, to)| *to)
}
