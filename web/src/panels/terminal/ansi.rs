//! Colours of programs, as a fixed set of classes: SGR only, everything else of an escape is dropped.

use yew::prelude::*;

/// A stretch of text with one look.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Span {
    class: String,
    text: String,
}

/// Text with SGR sequences as spans of classes `sgr-1`, `sgr-31` and the like.
pub fn render(text: &str) -> Html {
    if !text.contains('\u{1b}') {
        return html! { { text.to_owned() } };
    }
    html! { { for spans(text).into_iter().map(|s| html! { <span class={s.class}>{ s.text }</span> }) } }
}

fn spans(text: &str) -> Vec<Span> {
    let mut out: Vec<Span> = Vec::new();
    let mut classes: Vec<u16> = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('\u{1b}') {
        push(&mut out, &classes, rest.get(..at).unwrap_or_default());
        let after = rest.get(at + 1..).unwrap_or_default();
        let Some(body) = after.strip_prefix('[') else {
            rest = after;
            continue;
        };
        let end = body.find(|c: char| ('@'..='~').contains(&c)).unwrap_or(body.len());
        if body.get(end..).is_some_and(|b| b.starts_with('m')) {
            apply(&mut classes, body.get(..end).unwrap_or_default());
        }
        rest = body.get(end + 1..).unwrap_or_default();
    }
    push(&mut out, &classes, rest);
    out
}

fn push(out: &mut Vec<Span>, classes: &[u16], text: &str) {
    if !text.is_empty() {
        let class = classes.iter().map(|c| format!("sgr-{c}")).collect::<Vec<_>>().join(" ");
        out.push(Span { class, text: text.to_owned() });
    }
}

fn apply(classes: &mut Vec<u16>, parameters: &str) {
    let mut codes = parameters.split(';').map(|p| p.parse::<u16>().unwrap_or(0));
    while let Some(code) = codes.next() {
        match code {
            0 => classes.clear(),
            1 | 2 | 4 | 7 if !classes.contains(&code) => {
                classes.push(code);
            }
            30..=37 | 90..=97 => {
                classes.retain(|c| !matches!(c, 30..=37 | 90..=97));
                classes.push(code);
            }
            39 => classes.retain(|c| !matches!(c, 30..=37 | 90..=97)),
            // An indexed or true colour: its parameters are skipped, the text keeps its colour.
            38 | 48 => match codes.next() {
                Some(5) => {
                    codes.next();
                }
                Some(2) => {
                    codes.nth(2);
                }
                _ => {}
            },
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, want: &[(&str, &str)]) {
        let got: Vec<(String, String)> = spans(text).into_iter().map(|s| (s.class, s.text)).collect();
        let want: Vec<(String, String)> = want.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        assert_eq!(got, want);
    }

    #[test]
    fn sgr() {
        check("a\u{1b}[31mb\u{1b}[0mc", &[("", "a"), ("sgr-31", "b"), ("", "c")]);
        check("\u{1b}[1;32mx\u{1b}[39my", &[("sgr-1 sgr-32", "x"), ("sgr-1", "y")]);
        check("\u{1b}[38;2;1;2;3mx", &[("", "x")]);
        check("\u{1b}[2Jx\u{1b}]8;;http://a\u{1b}\\", &[("", "x"), ("", "]8;;http://a"), ("", "\\")]);
        check("\u{1b}[", &[]);
    }
}
