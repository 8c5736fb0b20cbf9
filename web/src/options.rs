//! What the address (or an embedder) asks for.

use crate::dom;
use engine::Era;
use std::rc::Rc;
use view::Lang;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Theme {
    #[default]
    Auto,
    Light,
    Dark,
    HighContrast,
}

impl Theme {
    pub const ALL: [Theme; 4] = [Theme::Auto, Theme::Light, Theme::Dark, Theme::HighContrast];

    pub fn parse(text: &str) -> Option<Theme> {
        Theme::ALL.into_iter().find(|t| t.as_str() == text)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Theme::Auto => "auto",
            Theme::Light => "light",
            Theme::Dark => "dark",
            Theme::HighContrast => "hc",
        }
    }
}

/// The author-set part of the address: unknown keys and values are ignored.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    pub embed: bool,
    pub lesson: Option<String>,
    /// The lesson's file, as far as it was fetched.
    pub lesson_file: Option<Rc<str>>,
    pub step: Option<usize>,
    pub scenario: Option<String>,
    pub era: Option<Era>,
    pub seed: Option<u64>,
    pub region: Option<String>,
    /// The catalogue file of the region, as far as one was fetched.
    pub prices: Option<Rc<str>>,
    pub lang: Lang,
    pub theme: Theme,
    pub speed: Option<u32>,
    pub autoplay: bool,
    /// Panes by priority, as named in the address; empty means all.
    pub panes: Vec<String>,
    /// The real cluster that the page shows; its server says so, no address can.
    pub attached: Option<String>,
    /// The first visit on this device, as far as the browser tells.
    pub first_visit: bool,
}

pub const SPEEDS: [u32; 6] = [1, 2, 5, 10, 30, 60];

impl Options {
    /// Reads the page's address, stored settings and the browser's language.
    pub fn of_page() -> Options {
        let location = dom::window().map(|w| w.location());
        let query = location.as_ref().and_then(|l| l.search().ok()).unwrap_or_default();
        let path = location.as_ref().and_then(|l| l.pathname().ok()).unwrap_or_default();
        let browser = dom::window().and_then(|w| w.navigator().language()).unwrap_or_default();
        let embed = path.trim_end_matches('/').trim_end_matches(".html").ends_with("/embed");
        let [prices, lesson_file] = ["nodewrightPrices", "nodewrightLesson"].map(|name| dom::left_on_root(name).map(Rc::from));
        let attached = dom::root().and_then(|r| r.get_attribute("data-attached"));
        let asked = Options::parse(&query, embed, &browser, &dom::stored);
        match attached {
            Some(cluster) => Options::attached(cluster, &asked),
            None => Options { prices, lesson_file, ..asked },
        }
    }

    /// Of a page that shows a real cluster an address says how it looks, and nothing else.
    fn attached(cluster: String, asked: &Options) -> Options {
        let plain = Options::parse("", false, "", &|_| None);
        Options { attached: Some(cluster), lang: asked.lang, theme: asked.theme, autoplay: false, first_visit: false, ..plain }
    }

    /// `stored` gives remembered settings by key; an embed never reads them.
    pub fn parse(query: &str, embed: bool, browser_lang: &str, stored: &dyn Fn(&str) -> Option<String>) -> Options {
        let mut o = Options {
            embed,
            lesson: None,
            lesson_file: None,
            step: None,
            scenario: None,
            era: None,
            seed: None,
            region: None,
            prices: None,
            lang: if browser_lang.starts_with("ko") { Lang::Ko } else { Lang::En },
            theme: Theme::Auto,
            speed: None,
            autoplay: true,
            panes: Vec::new(),
            attached: None,
            first_visit: !embed && stored("visited").is_none(),
        };
        if !embed {
            o.lang = stored("lang").as_deref().and_then(lang).unwrap_or(o.lang);
            o.theme = stored("theme").as_deref().and_then(Theme::parse).unwrap_or_default();
        }
        for pair in query.trim_start_matches('?').split('&') {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = decode(value);
            match key {
                "lesson" if is_id(&value) => o.lesson = Some(value),
                "scenario" if is_id(&value) => o.scenario = Some(value),
                "region" if is_id(&value) => o.region = Some(value),
                "step" => o.step = value.parse().ok(),
                "era" => o.era = Era::parse(&value),
                "seed" => o.seed = value.parse().ok(),
                "lang" => o.lang = lang(&value).unwrap_or(o.lang),
                "theme" => o.theme = Theme::parse(&value).unwrap_or(o.theme),
                "speed" => o.speed = value.parse().ok().filter(|s| (1..=60).contains(s)),
                "autoplay" => o.autoplay = value != "0",
                "panes" => o.panes = value.split(',').filter(|p| is_id(p)).map(str::to_owned).collect(),
                _ => {}
            }
        }
        o
    }

    pub fn shows(&self, pane: &str) -> bool {
        self.panes.is_empty() || self.panes.iter().any(|p| p == pane)
    }
}

fn lang(text: &str) -> Option<Lang> {
    match text {
        "ko" => Some(Lang::Ko),
        "en" => Some(Lang::En),
        _ => None,
    }
}

fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= 64 && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// Percent-decoding; what is malformed stays as it is.
fn decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(b) = bytes.next() {
        match b {
            b'+' => out.push(b' '),
            b'%' => {
                let hex: Vec<u8> = bytes.clone().take(2).collect();
                match std::str::from_utf8(&hex).ok().filter(|h| h.len() == 2).and_then(|h| u8::from_str_radix(h, 16).ok()) {
                    Some(value) => {
                        out.push(value);
                        bytes.nth(1);
                    }
                    None => out.push(b),
                }
            }
            _ => out.push(b),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &str) -> Options {
        Options::parse(query, false, "en-US", &|_| None)
    }

    #[test]
    fn reads_the_query() {
        let o = parse(
            "?lesson=karpenter-basics-v1alpha5&lang=ko&theme=dark&speed=10&era=v1&seed=7&step=3&panes=map,term&x=y&region=us-east-1",
        );
        assert_eq!(o.lesson.as_deref(), Some("karpenter-basics-v1alpha5"));
        assert_eq!(
            (o.lang, o.theme, o.speed, o.era, o.seed, o.step),
            (Lang::Ko, Theme::Dark, Some(10), Some(Era::V1), Some(7), Some(3))
        );
        assert_eq!((o.region.as_deref(), o.prices.as_deref()), (Some("us-east-1"), None));
        assert!(o.shows("map") && !o.shows("cost"));
    }

    #[test]
    fn ignores_what_it_does_not_know() {
        let o = parse("?lesson=%3Cscript%3E&speed=9999&theme=pink&era=v2&lang=");
        assert_eq!((o.lesson, o.speed, o.theme, o.era, o.lang), (None, None, Theme::Auto, None, Lang::En));
    }

    #[test]
    fn stored_settings_yield_to_the_address_and_embeds_ignore_them() {
        let stored = |key: &str| (key == "lang").then(|| "ko".to_owned());
        assert_eq!(Options::parse("", false, "en", &stored).lang, Lang::Ko);
        assert_eq!(Options::parse("?lang=en", false, "en", &stored).lang, Lang::En);
        assert_eq!(Options::parse("", true, "en", &stored).lang, Lang::En);
    }

    #[test]
    fn an_attached_page_takes_only_its_looks_from_the_address() {
        let asked =
            parse("?lesson=karpenter-basics-v1&lang=ko&theme=dark&speed=60&era=v1alpha5&seed=9&scenario=kwok&step=2&panes=term");
        let o = Options::attached("prod".to_owned(), &asked);
        let looks = Options { lang: Lang::Ko, theme: Theme::Dark, ..Options::attached("prod".to_owned(), &parse("")) };
        assert_eq!(o, looks);
        assert_eq!((o.attached.as_deref(), o.lesson, o.autoplay), (Some("prod"), None, false));
    }

    #[test]
    fn decodes() {
        for (from, to) in [("a%20b", "a b"), ("%EA%B0%80", "가"), ("100%", "100%"), ("%zz", "%zz"), ("a+b", "a b")] {
            assert_eq!(decode(from), to);
        }
    }
}
