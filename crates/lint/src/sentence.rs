//! The API server's words as sentences for people. The words themselves stay beside them.

use crate::say;
use view::Lang;

/// What is wrong at `path`, said plainly; the server's own words where there is nothing plainer.
pub(crate) fn cause(path: &str, why: &str, lang: Lang) -> String {
    let name = path.rsplit('.').next().unwrap_or(path);
    if let Some(rest) = why.strip_prefix("Required value").or_else(|| why.strip_prefix("missing field(s)")) {
        let rest = rest.trim_start_matches(": ");
        return if rest.is_empty() {
            say!(lang, "`{name}`: 꼭 있어야 하는 필드예요", "`{name}` is required")
        } else {
            say!(lang, "`{name}`: 꼭 있어야 하는 필드예요 ({rest})", "`{name}` is required: {rest}")
        };
    }
    if let Some(rest) = why.strip_prefix("Unsupported value: ") {
        let (value, supported) = rest.split_once(": supported values: ").unwrap_or((rest, ""));
        return say!(
            lang,
            "{value}: 쓸 수 없는 값이에요. 쓸 수 있는 값: {supported}",
            "{value} is not allowed here; allowed: {supported}"
        );
    }
    if let Some(value) = why.strip_prefix("Duplicate value: ") {
        return say!(lang, "{value}: 두 번 적혀 있어요", "{value} occurs twice");
    }
    if why.contains("expected exactly one, got both") {
        return say!(
            lang,
            "함께 쓸 수 없는 필드예요. 하나만 남겨 주세요",
            "this excludes another field that is set too: keep one of them"
        );
    }
    if why.contains("expected exactly one, got neither") {
        return say!(lang, "이 가운데 하나는 있어야 해요", "one of these fields is required");
    }
    if let Some(text) = go_type(why, lang) {
        return text;
    }
    if why.starts_with("quantities must match") {
        return say!(
            lang,
            "수량이 아니에요. 500m, 2, 512Mi, 1Gi처럼 써 주세요",
            "this is no quantity: write 500m, 2, 512Mi or 1Gi"
        );
    }
    if let Some(rest) = why.strip_prefix("Invalid value: ") {
        return match rest.split_once(": ").filter(|(value, _)| !value.contains(' ')) {
            Some((value, rule)) => {
                let rule = rule.strip_prefix(path).and_then(|r| r.strip_prefix(" in body ")).unwrap_or(rule);
                say!(lang, "{value}: 올바른 값이 아니에요 ({rule})", "{value} is not valid: {rule}")
            }
            None => say!(lang, "올바른 값이 아니에요: {rest}", "not valid: {rest}"),
        };
    }
    if let Some(rest) = why.strip_prefix("Forbidden: ") {
        return say!(lang, "여기에는 쓸 수 없어요: {rest}", "not allowed here: {rest}");
    }
    why.to_owned()
}

/// Type errors of Go's JSON decoder.
fn go_type(why: &str, lang: Lang) -> Option<String> {
    let rest = why.strip_prefix("json: cannot unmarshal ")?;
    let (is, rest) = rest.split_once(" into Go ")?;
    let want = rest.rsplit("of type ").next()?;
    Some(mismatch(word(want, lang), word(is, lang), lang))
}

/// `want` should stand where `is` stands.
pub(crate) fn mismatch(want: &str, is: &str, lang: Lang) -> String {
    say!(lang, "필요한 형식: {want}, 지금 값의 형식: {is}", "this should be {want} and is {is}")
}

/// A type of Go or JSON in plain words.
fn word(ty: &str, lang: Lang) -> &str {
    match ty {
        "int32" | "int64" | "integer" => lang.pick("정수", "a whole number"),
        "bool" | "boolean" => lang.pick("true 또는 false", "true or false"),
        "string" => lang.pick("글자(문자열)", "text"),
        "array" => lang.pick("목록", "a list"),
        "object" => lang.pick("필드 묶음", "a block of fields"),
        t if t.starts_with("number") => lang.pick("숫자", "a number"),
        t if t.starts_with("[]") => lang.pick("목록", "a list"),
        t if t.starts_with("map[") => lang.pick("이름과 값의 묶음", "names with values"),
        t if t.contains('.') => lang.pick("필드 묶음", "a block of fields"),
        other => other,
    }
}

/// A refusal without a place.
pub(crate) fn rejected(message: &str, lang: Lang) -> String {
    say!(lang, "API 서버가 받지 않아요: {message}", "the API server refuses it: {message}")
}
