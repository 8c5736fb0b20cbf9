//! Several lines on the clipboard: what they are is shown before they run, all at once or one after the other.

use crate::i18n::Texts;
use crate::tools;
use yew::prelude::*;

/// More lines than this are shown before they run.
const ASK_ABOVE: usize = 3;
/// Lines of a pasted text that its card shows.
const SHOWN: usize = 40;

/// What waits for a person's word.
#[derive(Clone, Debug, PartialEq)]
pub struct Pasted {
    pub text: String,
    /// Characters that look like others, each once, by name.
    pub hidden: Vec<String>,
}

/// What becomes of a pasted text.
#[derive(Clone, Debug, PartialEq)]
pub enum Paste {
    /// The browser inserts it.
    Plain,
    /// Into the prompt, without its line end.
    Insert(String),
    Run(String),
    Ask(Pasted),
}

/// Line ends of every system as one, and none at the end.
pub fn clean(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    text.trim_end_matches('\n').to_owned()
}

/// `around` is what stands before and behind the caret.
pub fn decide(text: &str, around: (&str, &str)) -> Paste {
    let cleaned = clean(text);
    let whole = format!("{}{cleaned}{}", around.0, around.1);
    let hidden = hidden(&cleaned);
    let lines = cleaned.lines().count();
    if !hidden.is_empty() || lines > ASK_ABOVE {
        return Paste::Ask(Pasted { text: whole, hidden });
    }
    match lines {
        0 | 1 if cleaned == text => Paste::Plain,
        0 | 1 => Paste::Insert(cleaned),
        _ => Paste::Run(whole),
    }
}

/// Of a text that comes before the tools nothing is known, and nothing is said.
fn hidden(text: &str) -> Vec<String> {
    tools::get().map(|t| (t.programs.hidden)(text)).unwrap_or_default()
}

pub fn mended(pasted: &Pasted) -> Pasted {
    let text = tools::get().map_or_else(|| pasted.text.clone(), |t| (t.programs.normalise)(&pasted.text));
    Pasted { hidden: hidden(&text), text }
}

/// Clicks on the card of a pasted text.
pub struct Choices {
    pub run: Callback<MouseEvent>,
    pub step: Callback<MouseEvent>,
    pub mend: Callback<MouseEvent>,
    pub cancel: Callback<MouseEvent>,
}

pub fn card(t: &Texts, pasted: &Pasted, c: Choices) -> Html {
    let lines = pasted.text.lines().count();
    let mut shown = pasted.text.lines().take(SHOWN).collect::<Vec<_>>().join("\n");
    if lines > SHOWN {
        shown += "\n…";
    }
    html! {
        <div class="nw-card nw-paste" role="group" aria-label={t.pasted}>
            <p>{ t.pasted_lines(lines) }</p>
            { if pasted.hidden.is_empty() { html! {} } else { html! {
                <p class="nw-warning" role="alert">{ t.hidden_characters }{ " " }<code lang="en">{ pasted.hidden.join(", ") }</code>
                    <button type="button" class="nw-btn" data-action="mend-paste" onclick={c.mend}>{ t.fix_characters }</button></p>
            } } }
            <pre lang="en" tabindex="0">{ shown }</pre>
            <button type="button" class="nw-btn nw-primary" data-action="run-paste" onclick={c.run}>{ t.run_lines(lines) }</button>
            { if lines > 1 { html! {
                <button type="button" class="nw-btn" data-action="step-paste" onclick={c.step}>{ t.step_lines }</button>
            } } else { html! {} } }
            <button type="button" class="nw-btn" data-action="drop-paste" onclick={c.cancel}>{ t.cancel }</button>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decides() {
        for (text, want) in [
            ("kubectl get po", Paste::Plain),
            ("kubectl get po\r\n", Paste::Insert("kubectl get po".to_owned())),
            ("a\r\nb\rc", Paste::Run("-a\nb\nc+".to_owned())),
            ("1\n2\n3\n4\n", Paste::Ask(Pasted { text: "-1\n2\n3\n4+".to_owned(), hidden: Vec::new() })),
        ] {
            assert_eq!(decide(text, ("-", "+")), want, "{text:?}");
        }
    }
}
