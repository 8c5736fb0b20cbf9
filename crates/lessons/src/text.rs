//! Texts in two languages, and a lesson's texts in one of them as plain structs for a panel.

use crate::lesson::{Lesson, Observe, Pane, Repair, Step};
use objects::collections::VecMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Lang {
    #[default]
    Ko,
    En,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    pub ko: String,
    pub en: String,
}

impl Text {
    pub fn get(&self, lang: Lang) -> &str {
        match lang {
            Lang::Ko => &self.ko,
            Lang::En => &self.en,
        }
    }

    /// The text with `{name}` replaced by values; unknown names stay as they are.
    pub fn fill(&self, lang: Lang, values: &VecMap<String, String>) -> String {
        let mut out = self.get(lang).to_owned();
        for (name, value) in values {
            out = out.replace(&format!("{{{name}}}"), value);
        }
        out
    }

    /// The names between braces.
    pub fn placeholders(&self, lang: Lang) -> Vec<&str> {
        self.get(lang).split('{').skip(1).filter_map(|t| t.split_once('}').map(|(name, _)| name)).collect()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LessonText {
    pub id: String,
    pub title: String,
    pub minutes: u32,
    /// Titles of all steps.
    pub steps: Vec<String>,
}

/// One step in one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepText {
    pub number: usize,
    pub id: String,
    pub title: String,
    pub goal: String,
    /// Command, remark, whether it may be left out.
    pub commands: Vec<(String, Option<String>, bool)>,
    pub observe: Vec<(Pane, String)>,
    pub hints: Vec<String>,
    pub hint_command: String,
    pub predict: Option<CardText>,
    pub quiz: Option<QuizText>,
    pub why: Option<String>,
}

/// A prediction: any answer is fine, the right one is revealed afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardText {
    pub question: String,
    pub options: Vec<String>,
    pub answer: usize,
    pub reveal: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuizText {
    pub question: String,
    pub options: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MistakeText {
    pub hint: String,
    pub repair: Option<Repair>,
}

impl Lesson {
    pub fn text(&self, lang: Lang) -> LessonText {
        LessonText {
            id: self.id.clone(),
            title: self.title.get(lang).to_owned(),
            minutes: self.minutes,
            steps: self.steps.iter().map(|s| s.title.get(lang).to_owned()).collect(),
        }
    }

    /// The step of that number in one language.
    pub fn step_text(&self, number: usize, lang: Lang) -> Option<StepText> {
        self.steps.get(number).map(|s| s.text(number, lang))
    }
}

impl Step {
    fn text(&self, number: usize, lang: Lang) -> StepText {
        let get = |t: &Text| t.get(lang).to_owned();
        StepText {
            number,
            id: self.id.clone(),
            title: get(&self.title),
            goal: get(&self.goal),
            commands: self.commands.iter().map(|c| (c.run.clone(), c.note.as_ref().map(get), c.optional)).collect(),
            observe: self.observe.iter().map(|Observe { pane, text }| (*pane, get(text))).collect(),
            hints: self.hints.iter().map(get).collect(),
            hint_command: self.hint_command.clone(),
            predict: self.predict.as_ref().map(|p| CardText {
                question: get(&p.question),
                options: p.options.iter().map(get).collect(),
                answer: p.answer,
                reveal: get(&p.reveal),
            }),
            quiz: self
                .quiz
                .as_ref()
                .map(|q| QuizText { question: get(&q.question), options: q.options.iter().map(get).collect() }),
            why: self.why.as_ref().map(get),
        }
    }
}
