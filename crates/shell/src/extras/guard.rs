//! Limits on jq filters. The language can loop and grow without end and its interpreter has no limits of its own; here a
//! parsed filter is given calls of `!weigh`, which counts the parts of every value that is built, and of `!in`, which
//! counts how deep definitions call each other. Both stand for the identity, also as paths and in updates.

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Def, Pattern, Term};
use jaq_core::native::{Fun, v};
use jaq_core::{Bind, DataT, Error, Exn, Native, ops};
use jaq_json::Val;
use std::cell::Cell;

/// Parts of values that one run may build.
pub const FUEL: usize = 8_000_000;
/// Deepest value, as jq's own parser has it.
pub const VALUE_DEPTH: usize = 256;
/// Deepest calls of a filter's own definitions.
const CALL_DEPTH: usize = 100;
/// Most tokens of a filter, which bounds how deep parser and interpreter go.
const TOKENS: usize = 2_000;
/// Deepest brackets of a filter.
const BRACKETS: usize = 60;

/// What a run has left.
#[derive(Debug)]
pub struct Limits {
    fuel: Cell<usize>,
    depth: Cell<usize>,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { fuel: Cell::new(FUEL), depth: Cell::new(0) }
    }
}

/// Data of a run that knows its limits.
pub trait HasLimits<'a> {
    fn limits(&self) -> &'a Limits;
}

impl Limits {
    /// Parts that were built.
    pub fn spent(&self) -> usize {
        FUEL - self.fuel.get()
    }

    fn spend(&self, amount: usize) -> Result<(), Error<Val>> {
        match self.fuel.get().checked_sub(amount) {
            Some(left) => {
                self.fuel.set(left);
                Ok(())
            }
            None => {
                self.fuel.set(0);
                Err(Error::str("stopped: the filter builds more than a playground can hold"))
            }
        }
    }

    fn weigh(&self, value: &Val, depth: usize) -> Result<(), Error<Val>> {
        if depth > VALUE_DEPTH {
            return Err(Error::str("stopped: the value is nested too deeply"));
        }
        match value {
            Val::BStr(text) | Val::TStr(text) => self.spend(1 + text.len() / 8),
            Val::Arr(items) => {
                self.spend(1)?;
                items.iter().try_for_each(|item| self.weigh(item, depth + 1))
            }
            Val::Obj(map) => {
                self.spend(1)?;
                map.iter().try_for_each(|(k, item)| self.weigh(k, depth + 1).and_then(|()| self.weigh(item, depth + 1)))
            }
            Val::Null | Val::Bool(_) | Val::Num(_) => self.spend(1),
        }
    }

    fn enter(&self) -> Result<(), Error<Val>> {
        if self.depth.get() >= CALL_DEPTH {
            return Err(Error::str("stopped: definitions call each other too deeply"));
        }
        self.depth.set(self.depth.get() + 1);
        Ok(())
    }

    fn leave(&self) {
        self.depth.set(self.depth.get().saturating_sub(1));
    }
}

/// Whether a filter is short and flat enough to be parsed.
pub fn parsable(filter: &str) -> bool {
    let (mut depth, mut deepest, mut tokens, mut in_word) = (0usize, 0usize, 0usize, false);
    let mut ifs = 0usize;
    for c in filter.chars() {
        let word = c.is_alphanumeric() || c == '_';
        tokens += usize::from(!(c.is_whitespace() || word && in_word));
        in_word = word;
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    for word in ["if", "try", "reduce", "foreach", "def", "label", "as", "-"] {
        ifs += filter.matches(word).count();
    }
    tokens <= TOKENS && deepest <= BRACKETS && ifs <= 4 * BRACKETS
}

fn call(name: &'static str) -> Term<&'static str> {
    Term::Call(name, Vec::new())
}

/// `term | !weigh`
fn weighed(term: Term<&str>) -> Term<&str> {
    Term::BinOp(Box::new(term), BinaryOp::Pipe(None), Box::new(call("!weigh")))
}

/// A definition of the standard library: whoever calls it pays for its input.
pub fn library(def: Def<&'static str>) -> Def<&'static str> {
    Def { body: count(def.body), ..def }
}

/// Nested definitions and what folds build; tail calls stay what they are.
fn count(term: Term<&'static str>) -> Term<&'static str> {
    let body = match term {
        Term::Def(defs, rest) => Term::Def(defs.into_iter().map(library).collect(), Box::new(count(*rest))),
        Term::Fold(name, xs, pattern, args) => Term::Fold(name, xs, pattern, fold(args)),
        term => term,
    };
    Term::BinOp(Box::new(call("!weigh")), BinaryOp::Pipe(None), Box::new(body))
}

fn fold(args: Vec<Term<&str>>) -> Vec<Term<&str>> {
    args.into_iter().enumerate().map(|(i, a)| if i == 1 { weighed(a) } else { a }).collect()
}

/// A user's filter with its limits in it.
pub fn guarded<'s>(term: Term<&'s str>) -> Term<&'s str> {
    let boxed = |t: Box<Term<&'s str>>| Box::new(guarded(*t));
    match term {
        Term::Id | Term::Recurse | Term::Num(_) | Term::Break(_) | Term::Var(_) | Term::Arr(None) => term,
        Term::Str(format, parts) => {
            let parts = parts.into_iter().map(|p| match p {
                StrPart::Term(t) => StrPart::Term(guarded(t)),
                other => other,
            });
            weighed(Term::Str(format, parts.collect()))
        }
        Term::Arr(Some(inner)) => weighed(Term::Arr(Some(boxed(inner)))),
        Term::Obj(pairs) => weighed(Term::Obj(pairs.into_iter().map(|(k, v)| (key(k), v.map(guarded))).collect())),
        Term::Neg(inner) => Term::Neg(boxed(inner)),
        Term::BinOp(left, op, right) => binary(guarded(*left), op, guarded(*right)),
        Term::Label(name, inner) => Term::Label(name, boxed(inner)),
        Term::Fold(name, xs, pattern, args) => {
            let args = args.into_iter().map(guarded).collect();
            weighed(Term::Fold(name, boxed(xs), pattern, fold(args)))
        }
        Term::TryCatch(body, catch) => Term::TryCatch(boxed(body), catch.map(boxed)),
        Term::IfThenElse(arms, otherwise) => {
            let arms = arms.into_iter().map(|(c, t)| (guarded(c), guarded(t)));
            Term::IfThenElse(arms.collect(), otherwise.map(boxed))
        }
        Term::Def(defs, rest) => {
            let defs = defs.into_iter().map(|d| Def { body: Term::Call("!in", vec![weighed_first(guarded(d.body))]), ..d });
            Term::Def(defs.collect(), boxed(rest))
        }
        Term::Call(name, args) => weighed(Term::Call(name, args.into_iter().map(guarded).collect())),
        Term::Path(head, path) => {
            use jaq_core::path::Part;
            let parts = path.0.into_iter().map(|(part, opt)| {
                let part = match part {
                    Part::Index(i) => Part::Index(guarded(i)),
                    Part::Range(a, b) => Part::Range(a.map(guarded), b.map(guarded)),
                };
                (part, opt)
            });
            Term::Path(boxed(head), jaq_core::path::Path(parts.collect()))
        }
    }
}

/// Keys stay bare words and strings where they are, since `{a}` and `{"a"}` mean more than a term.
fn key(term: Term<&str>) -> Term<&str> {
    match term {
        Term::Str(..) | Term::Var(_) | Term::Num(_) | Term::Call(..) => term,
        other => guarded(other),
    }
}

fn weighed_first(body: Term<&str>) -> Term<&str> {
    Term::BinOp(Box::new(call("!weigh")), BinaryOp::Pipe(None), Box::new(body))
}

fn binary<'s>(left: Term<&'s str>, op: BinaryOp<&'s str>, right: Term<&'s str>) -> Term<&'s str> {
    let whole = |op, right| Term::BinOp(Box::new(left.clone()), op, Box::new(right));
    match op {
        // A string times a number is the one operation that builds more than its operands in one go.
        BinaryOp::Math(ops::Math::Mul) => weighed(Term::Call("!mul", vec![left, right])),
        BinaryOp::UpdateMath(ops::Math::Mul) => {
            let product = Term::Call("!mul", vec![Term::Id, Term::Var("$!factor")]);
            let update = whole(BinaryOp::Update, product);
            weighed(Term::BinOp(Box::new(right), BinaryOp::Pipe(Some(Pattern::Var("$!factor"))), Box::new(update)))
        }
        BinaryOp::Math(_) | BinaryOp::Assign | BinaryOp::Update | BinaryOp::UpdateMath(_) | BinaryOp::UpdateAlt => {
            weighed(whole(op, right))
        }
        op => whole(op, right),
    }
}

/// Calls of `!in` that are under way are counted only while they work, not between their outputs.
struct Inside<'a, I> {
    inner: I,
    limits: &'a Limits,
}

impl<'a, T, I: Iterator<Item = Result<T, Exn<'a, Val>>>> Iterator for Inside<'a, I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        if let Err(error) = self.limits.enter() {
            return Some(Err(Exn::from(error)));
        }
        let item = self.inner.next();
        self.limits.leave();
        item
    }
}

/// The filters that guarded terms call.
pub fn funs<D>() -> [Fun<D>; 3]
where
    D: for<'a> DataT<V<'a> = Val>,
    for<'a> D::Data<'a>: HasLimits<'a>,
{
    let weigh = Native::<D>::new(|cv| {
        let weight = cv.0.data().limits().weigh(&cv.1, 0);
        Box::new(std::iter::once(weight.map(|()| cv.1).map_err(Exn::from)))
    })
    .with_paths(|cvp| {
        let weight = cvp.0.data().limits().weigh(&cvp.1.0, 0);
        Box::new(std::iter::once(weight.map(|()| cvp.1).map_err(Exn::from)))
    })
    .with_update(|cv, update| match cv.0.data().limits().weigh(&cv.1, 0) {
        Ok(()) => update(cv.1),
        Err(error) => Box::new(std::iter::once(Err(Exn::from(error)))),
    });
    let inside = Native::<D>::new(|mut cv| {
        let limits = cv.0.data().limits();
        if let Err(error) = limits.enter() {
            return Box::new(std::iter::once(Err(Exn::from(error))));
        }
        let (f, ctx) = cv.0.pop_fun();
        let inner = f.run((ctx, cv.1));
        limits.leave();
        Box::new(Inside { inner, limits })
    })
    .with_paths(|mut cvp| {
        let limits = cvp.0.data().limits();
        if let Err(error) = limits.enter() {
            return Box::new(std::iter::once(Err(Exn::from(error))));
        }
        let (f, ctx) = cvp.0.pop_fun();
        let inner = f.paths((ctx, cvp.1));
        limits.leave();
        Box::new(Inside { inner, limits })
    })
    .with_update(|mut cv, update| {
        let limits = cv.0.data().limits();
        if let Err(error) = limits.enter() {
            return Box::new(std::iter::once(Err(Exn::from(error))));
        }
        let (f, ctx) = cv.0.pop_fun();
        let inner = f.update((ctx, cv.1), update);
        limits.leave();
        Box::new(Inside { inner, limits })
    });
    let product = Native::<D>::new(|mut cv| {
        let right = cv.0.pop_var();
        let left = cv.0.pop_var();
        let size = |text: &Val, times: &Val| match (text, times) {
            (Val::TStr(t) | Val::BStr(t), Val::Num(n)) => {
                let times = n.as_isize().map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(0));
                t.len().saturating_mul(times)
            }
            _ => 0,
        };
        let weight = cv.0.data().limits().spend(size(&left, &right).max(size(&right, &left)) / 8);
        let out = weight.and_then(|()| left * right);
        Box::new(std::iter::once(out.map_err(Exn::from)))
    });
    [("!weigh", v(0), weigh), ("!in", [Bind::Fun(())].into(), inside), ("!mul", v(2), product)]
}
