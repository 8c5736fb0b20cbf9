//! The algebra of requirements: a label key with the set of values it may have, or the complement of a set, with
//! optional integer bounds.
//! Source: kubernetes-sigs/karpenter pkg/scheduling/{requirement,requirements}.go v0.31.4 and v1.14.1.

use super::labels;
use objects::Era;
use objects::collections::Order as _;
use objects::collections::{VecMap, VecSet};
use objects::selector::{Expression, Operator};
use std::fmt::Write;
use std::sync::Arc;

/// The values that one key may have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Requirement {
    pub key: Arc<str>,
    /// The values are those that are excluded.
    complement: bool,
    values: VecSet<Arc<str>>,
    /// Inclusive bounds; only a complement keeps them.
    gte: Option<i64>,
    lte: Option<i64>,
    pub min_values: Option<u32>,
}

impl Requirement {
    pub fn new(key: &str, operator: Operator, values: impl IntoIterator<Item = impl AsRef<str>>) -> Requirement {
        let values: Vec<Arc<str>> = values.into_iter().map(|v| Arc::from(v.as_ref())).collect();
        let bound = || values.first().and_then(|v| v.parse::<i64>().ok()).unwrap_or(0);
        let mut r = Requirement {
            key: Arc::from(labels::normalized(key)),
            complement: !matches!(operator, Operator::In | Operator::DoesNotExist),
            values: VecSet::new(),
            gte: None,
            lte: None,
            min_values: None,
        };
        match operator {
            Operator::In | Operator::NotIn => r.values = values.into_iter().collect(),
            Operator::Exists | Operator::DoesNotExist => {}
            Operator::Gt => r.gte = Some(bound().saturating_add(1)),
            Operator::Gte => r.gte = Some(bound()),
            Operator::Lt => r.lte = Some(bound().saturating_sub(1)),
            Operator::Lte => r.lte = Some(bound()),
        }
        r
    }

    pub fn is_in(key: &str, values: impl IntoIterator<Item = impl AsRef<str>>) -> Requirement {
        Requirement::new(key, Operator::In, values)
    }

    pub fn exists(key: &str) -> Requirement {
        Requirement::new(key, Operator::Exists, [""; 0])
    }

    pub fn absent(key: &str) -> Requirement {
        Requirement::new(key, Operator::DoesNotExist, [""; 0])
    }

    pub fn of_expression(e: &Expression) -> Requirement {
        Requirement { min_values: e.min_values, ..Requirement::new(&e.key, e.operator, &e.values) }
    }

    /// The same requirement with another `minValues`.
    pub fn with_min_values(&self, min_values: Option<u32>) -> Requirement {
        Requirement { min_values, ..self.clone() }
    }

    /// The concrete values, or the excluded ones of a complement.
    pub fn values(&self) -> impl Iterator<Item = &Arc<str>> + Clone {
        self.values.iter()
    }

    pub fn is_complement(&self) -> bool {
        self.complement
    }

    /// How many values are concretely allowed; a complement has no count.
    pub fn len(&self) -> Option<usize> {
        if self.complement { None } else { Some(self.values.len()) }
    }

    /// Whether no value at all is allowed.
    pub fn is_empty(&self) -> bool {
        !self.complement && self.values.is_empty()
    }

    /// The only value allowed, where there is exactly one.
    pub fn single(&self) -> Option<&Arc<str>> {
        if self.complement || self.values.len() != 1 { None } else { self.values.first() }
    }

    pub fn insert(&mut self, value: Arc<str>) {
        self.values.insert(value);
    }

    /// Whether the value is allowed.
    pub fn has(&self, value: &str) -> bool {
        self.values.contains(value) != self.complement && within(value, self.gte, self.lte)
    }

    /// In, NotIn, Exists or DoesNotExist; bounds do not count.
    pub fn operator(&self) -> Operator {
        match (self.complement, self.values.is_empty()) {
            (true, true) => Operator::Exists,
            (true, false) => Operator::NotIn,
            (false, false) => Operator::In,
            (false, true) => Operator::DoesNotExist,
        }
    }

    fn forbids(&self) -> bool {
        matches!(self.operator(), Operator::NotIn | Operator::DoesNotExist)
    }

    pub fn intersection(&self, other: &Requirement) -> Requirement {
        let gte = self.gte.max(other.gte);
        let lte = smaller(self.lte, other.lte);
        let min_values = self.min_values.max(other.min_values);
        if crossed(gte, lte) {
            return Requirement { min_values, ..Requirement::absent(&self.key) };
        }
        let complement = self.complement && other.complement;
        let mut values: VecSet<Arc<str>> = match (self.complement, other.complement) {
            (true, true) => self.values.union(&other.values).cloned().collect(),
            (true, false) => other.values.difference(&self.values).cloned().collect(),
            (false, true) => self.values.difference(&other.values).cloned().collect(),
            (false, false) => self.values.intersection(&other.values).cloned().collect(),
        };
        values.retain(|v| within(v, gte, lte));
        let (gte, lte) = if complement { (gte, lte) } else { (None, None) };
        Requirement { key: self.key.clone(), complement, values, gte, lte, min_values }
    }

    /// Whether some value is allowed by both, without making the set.
    pub fn intersects(&self, other: &Requirement) -> bool {
        let gte = self.gte.max(other.gte);
        let lte = smaller(self.lte, other.lte);
        if crossed(gte, lte) {
            return false;
        }
        let (few, many) = match (self.complement, other.complement) {
            (true, true) => return true,
            (true, false) => (other, self),
            (false, true) => (self, other),
            (false, false) if self.values.len() <= other.values.len() => (self, other),
            (false, false) => (other, self),
        };
        few.values.iter().any(|v| many.values.contains(v) != many.complement && within(v, gte, lte))
    }

    /// As the era writes it in an object: era v1alpha5 keeps only the lower of two bounds, v1 writes both.
    pub fn expressions(&self, era: Era) -> Vec<Expression> {
        let bound = |operator, n: i64| Expression {
            key: self.key.to_string(),
            operator,
            values: vec![n.to_string()],
            min_values: self.min_values,
        };
        match (era, self.gte, self.lte) {
            (Era::V1alpha5, Some(gte), _) => vec![bound(Operator::Gt, gte.saturating_sub(1))],
            (Era::V1alpha5, None, Some(lte)) => vec![bound(Operator::Lt, lte.saturating_add(1))],
            (Era::V1, Some(gte), Some(lte)) => vec![bound(Operator::Gte, gte), bound(Operator::Lte, lte)],
            (Era::V1, Some(gte), None) => vec![bound(Operator::Gte, gte)],
            (Era::V1, None, Some(lte)) => vec![bound(Operator::Lte, lte)],
            (_, None, None) => vec![Expression {
                key: self.key.to_string(),
                operator: self.operator(),
                values: self.values.iter().map(|v| v.to_string()).collect(),
                min_values: self.min_values,
            }],
        }
    }

    /// As the era prints it: `key In [a b]`, the first five values and `and N others`, bounds behind.
    pub fn text(&self, era: Era) -> String {
        let operator = self.operator();
        let mut s = format!("{} {}", self.key, operator.as_str());
        if matches!(operator, Operator::In | Operator::NotIn) {
            let mut shown: Vec<&str> = self.values.iter().map(|v| &**v).take(5).collect();
            let more = format!("and {} others", self.values.len().saturating_sub(5));
            if self.values.len() > 5 {
                shown.push(&more);
            }
            let _ = write!(s, " [{}]", shown.join(" "));
        }
        let (low, high) = match era {
            Era::V1alpha5 => (self.gte.map(|n| format!(" >{}", n - 1)), self.lte.map(|n| format!(" <{}", n + 1))),
            Era::V1 => (self.gte.map(|n| format!(" >={n}")), self.lte.map(|n| format!(" <={n}"))),
        };
        s.extend(low.into_iter().chain(high));
        if let Some(n) = self.min_values {
            let _ = write!(s, " minValues {n}");
        }
        s
    }
}

fn smaller(a: Option<i64>, b: Option<i64>) -> Option<i64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

fn crossed(gte: Option<i64>, lte: Option<i64>) -> bool {
    matches!((gte, lte), (Some(low), Some(high)) if low > high)
}

fn within(value: &str, gte: Option<i64>, lte: Option<i64>) -> bool {
    if gte.is_none() && lte.is_none() {
        return true;
    }
    // Values that are no integers lie outside every bound.
    value.parse::<i64>().is_ok_and(|n| gte.is_none_or(|g| n >= g) && lte.is_none_or(|l| n <= l))
}

/// Requirements by key. Cloning shares the single requirements.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Requirements(VecMap<Arc<str>, Arc<Requirement>>);

impl Requirements {
    pub fn of_labels(labels: &VecMap<String, String>) -> Requirements {
        labels.iter().map(|(k, v)| Requirement::is_in(k, [v])).collect()
    }

    pub fn of_expressions(list: &[Expression]) -> Requirements {
        list.iter().map(Requirement::of_expression).collect()
    }

    /// Narrows the key by one more requirement.
    pub fn add(&mut self, requirement: Requirement) {
        self.add_shared(&Arc::new(requirement));
    }

    pub fn add_shared(&mut self, requirement: &Arc<Requirement>) {
        match self.0.get_mut(&requirement.key) {
            Some(existing) if **existing == **requirement => {}
            Some(existing) => *existing = Arc::new(requirement.intersection(existing)),
            None => {
                self.0.insert(requirement.key.clone(), requirement.clone());
            }
        }
    }

    pub fn add_all(&mut self, other: &Requirements) {
        for requirement in other.0.values() {
            self.add_shared(requirement);
        }
    }

    /// Puts a requirement in place of whatever the key had.
    pub fn replace(&mut self, requirement: Requirement) {
        self.0.insert(requirement.key.clone(), Arc::new(requirement));
    }

    pub fn remove(&mut self, key: &str) {
        self.0.remove(key);
    }

    pub fn get(&self, key: &str) -> Option<&Arc<Requirement>> {
        self.0.get(key)
    }

    /// Whether the key may have the value; a key that is not named may have any.
    pub fn allows(&self, key: &str, value: &str) -> bool {
        self.0.get(key).is_none_or(|r| r.has(value))
    }

    pub fn has(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(|k| &**k)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<Requirement>> {
        self.0.values()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn has_min_values(&self) -> bool {
        self.0.values().any(|r| r.min_values.is_some())
    }

    /// Whether every key that both name has a value in common; a key that both forbid agrees.
    pub fn intersects(&self, other: &Requirements) -> bool {
        self.conflicts(other).next().is_none()
    }

    /// The pairs (ours, theirs) without a common value.
    fn conflicts<'a>(&'a self, other: &'a Requirements) -> impl Iterator<Item = (&'a Arc<Requirement>, &'a Arc<Requirement>)> {
        other
            .0
            .iter()
            .filter_map(|(key, theirs)| Some((self.0.get(key)?, theirs)))
            .filter(|(ours, theirs)| !(ours.intersects(theirs) || ours.forbids() && theirs.forbids()))
    }

    /// The first key that `asked` needs to be defined and that is not.
    fn undefined<'a>(&'a self, asked: &'a Requirements, allow_well_known: Option<Era>) -> impl Iterator<Item = &'a str> {
        asked
            .0
            .values()
            .filter(move |r| !allow_well_known.is_some_and(|era| labels::is_well_known(era, &r.key)))
            .filter(|r| !self.has(&r.key) && !r.forbids())
            .map(|r| &*r.key)
    }

    /// Whether a node with these requirements may hold a pod that asks for `asked`. With `allow_well_known` keys that
    /// the cloud knows may be undefined here.
    pub fn compatible(&self, asked: &Requirements, allow_well_known: Option<Era>) -> bool {
        self.undefined(asked, allow_well_known).next().is_none() && self.intersects(asked)
    }

    /// Why not, in the era's words.
    pub fn incompatibility(&self, asked: &Requirements, allow_well_known: bool, era: Era) -> String {
        let allowed = allow_well_known.then_some(era);
        let mut errors: Vec<String> = self
            .undefined(asked, allowed)
            .map(|key| format!("label {key:?} does not have known values{}", labels::hint(era, self, key, allow_well_known)))
            .collect();
        if era == Era::V1 && !errors.is_empty() {
            errors.truncate(1);
        } else {
            errors.extend(
                self.conflicts(asked)
                    .map(|(ours, theirs)| format!("key {}, {} not in {}", ours.key, theirs.text(era), ours.text(era))),
            );
        }
        errors.join("; ")
    }

    /// All requirements as the era writes them in an object, in order of key.
    pub fn expressions(&self, era: Era) -> Vec<Expression> {
        self.0.values().flat_map(|r| r.expressions(era)).collect()
    }

    /// As the era prints them: sorted, joined by commas, without the keys that are never shown.
    pub fn text(&self, era: Era) -> String {
        let mut all: Vec<String> = self.0.values().filter(|r| !labels::is_hidden(era, &r.key)).map(|r| r.text(era)).collect();
        all.order();
        all.join(", ")
    }
}

impl FromIterator<Requirement> for Requirements {
    fn from_iter<I: IntoIterator<Item = Requirement>>(list: I) -> Requirements {
        let mut all = Requirements::default();
        for r in list {
            all.add(r);
        }
        all
    }
}

#[cfg(test)]
mod tests;
