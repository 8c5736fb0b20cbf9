//! The syntax tree. Nodes that frames of the machine hold are reference-counted, so that running copies nothing.

use std::rc::Rc;

pub type List = Rc<Vec<Rc<AndOr>>>;

/// Pipelines joined by `&&` and `||`.
#[derive(Debug)]
pub struct AndOr {
    pub first: Rc<Pipeline>,
    /// `true` for `&&`.
    pub rest: Vec<(bool, Rc<Pipeline>)>,
    /// Behind it stands `&`: it runs in the background, and this is its text.
    pub background: Option<String>,
}

impl From<Pipeline> for AndOr {
    fn from(pipeline: Pipeline) -> AndOr {
        AndOr { first: Rc::new(pipeline), rest: Vec::new(), background: None }
    }
}

#[derive(Debug, Default)]
pub struct Pipeline {
    pub negate: bool,
    pub timed: Option<Timed>,
    pub commands: Vec<Rc<Command>>,
    /// Places of commands that pipe their standard error too (`|&`).
    pub merged: Vec<usize>,
}

/// How `time` in front of a pipeline prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timed {
    Bash,
    /// `time -p`
    Posix,
}

#[derive(Debug)]
pub enum Command {
    Simple(Simple),
    /// `{ ...; }`
    Group(List, Vec<Redirect>),
    /// `( ... )`
    Subshell(List, Vec<Redirect>),
    For {
        variable: String,
        words: Vec<Word>,
        body: List,
        redirects: Vec<Redirect>,
    },
    While {
        until: bool,
        condition: List,
        body: List,
        redirects: Vec<Redirect>,
    },
    /// `case word in pattern) ...;; esac`
    Case {
        word: Word,
        arms: Vec<(Vec<Word>, List)>,
        redirects: Vec<Redirect>,
    },
    /// `name() { ...; }`
    Function {
        name: String,
        body: Rc<Command>,
    },
    If {
        /// Condition and body of `if` and each `elif`.
        arms: Vec<(List, List)>,
        otherwise: Option<List>,
        redirects: Vec<Redirect>,
    },
}

#[derive(Debug, Default)]
pub struct Simple {
    pub assignments: Vec<(String, Word)>,
    pub words: Vec<Word>,
    pub redirects: Vec<Redirect>,
}

#[derive(Clone, Debug, Default)]
pub struct Word(pub Vec<Part>);

#[derive(Clone, Debug)]
pub enum Part {
    Text {
        text: String,
        quoted: bool,
    },
    Variable {
        name: String,
        /// What else the braces ask for.
        change: Option<Rc<Change>>,
        quoted: bool,
    },
    Substitution {
        list: List,
        quoted: bool,
    },
    /// `$(( ))`, with its text.
    Arithmetic {
        word: Word,
    },
}

/// What `${name...}` makes of a value.
#[derive(Debug)]
pub enum Change {
    /// `${#name}`
    Length,
    /// `${name:-word}` and its kin: `-`, `=`, `?`, `+`; with `:` an empty value counts as none.
    Default { op: char, empty_too: bool, word: Word },
    /// `${name#pattern}`, `##`, `%`, `%%`.
    Cut { end: bool, longest: bool, pattern: Word },
    /// `${name/pattern/with}`, `//`, `/#`, `/%`.
    Replace { all: bool, anchor: Option<char>, pattern: Word, with: Word },
    /// `${name:from:length}`
    Slice { from: Word, length: Option<Word> },
    /// `${name^}`, `^^`, `,`, `,,`.
    Case { upper: bool, all: bool },
}

#[derive(Clone, Debug)]
pub enum Redirect {
    /// `> file`, `>> file`, `2> file`; `both` for `&> file`.
    Out {
        fd: u32,
        append: bool,
        both: bool,
        target: Word,
    },
    In(Word),
    /// A heredoc, by its number in [`super::Parsed::heredocs`].
    Here(usize),
    HereString(Word),
    /// `2>&1`.
    Dup {
        from: u32,
        to: u32,
    },
}

impl Word {
    /// The word's text where it is one unquoted literal (a keyword, an alias name).
    pub fn plain(&self) -> Option<&str> {
        match self.0.as_slice() {
            [Part::Text { text, quoted: false }] => Some(text),
            _ => None,
        }
    }

    fn substitutions<'a>(&'a self, out: &mut Vec<&'a List>) {
        for part in &self.0 {
            match part {
                Part::Substitution { list, .. } => out.push(list),
                Part::Arithmetic { word } => word.substitutions(out),
                Part::Variable { change: Some(change), .. } => {
                    for word in change.words() {
                        word.substitutions(out);
                    }
                }
                _ => {}
            }
        }
    }
}

impl Change {
    /// Its operands in the order in which they are expanded.
    fn words(&self) -> Vec<&Word> {
        match self {
            Change::Length | Change::Case { .. } => Vec::new(),
            Change::Default { word, .. } => vec![word],
            Change::Cut { pattern, .. } => vec![pattern],
            Change::Replace { pattern, with, .. } => vec![pattern, with],
            Change::Slice { from, length } => std::iter::once(from).chain(length).collect(),
        }
    }
}

impl Simple {
    /// The command substitutions in the order in which they are expanded: assignments, words, redirects.
    pub fn substitutions(&self, heredocs: &[Word]) -> Vec<List> {
        let mut out = Vec::new();
        for (_, word) in &self.assignments {
            word.substitutions(&mut out);
        }
        for word in &self.words {
            word.substitutions(&mut out);
        }
        redirect_substitutions(&self.redirects, heredocs, &mut out);
        out.into_iter().cloned().collect()
    }
}

fn redirect_substitutions<'a>(redirects: &'a [Redirect], heredocs: &'a [Word], out: &mut Vec<&'a List>) {
    for redirect in redirects {
        match redirect {
            Redirect::Out { target, .. } => target.substitutions(out),
            Redirect::In(word) | Redirect::HereString(word) => word.substitutions(out),
            Redirect::Here(n) => {
                if let Some(word) = heredocs.get(*n) {
                    word.substitutions(out);
                }
            }
            Redirect::Dup { .. } => {}
        }
    }
}

/// The substitutions of plain words (`for x in ...`).
pub fn word_substitutions(words: &[Word]) -> Vec<List> {
    let mut out = Vec::new();
    for word in words {
        word.substitutions(&mut out);
    }
    out.into_iter().cloned().collect()
}
