//! Label selectors: `matchLabels` with `matchExpressions`, as in `metav1.LabelSelector`.

use crate::collections::VecMap;
use crate::doc::DocExt;
use serde_json::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
    Gt,
    Lt,
    Gte,
    Lte,
}

impl Operator {
    pub fn parse(text: &str) -> Option<Operator> {
        Some(match text {
            "In" => Operator::In,
            "NotIn" => Operator::NotIn,
            "Exists" => Operator::Exists,
            "DoesNotExist" => Operator::DoesNotExist,
            "Gt" => Operator::Gt,
            "Lt" => Operator::Lt,
            "Gte" => Operator::Gte,
            "Lte" => Operator::Lte,
            _ => return None,
        })
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Operator::In => "In",
            Operator::NotIn => "NotIn",
            Operator::Exists => "Exists",
            Operator::DoesNotExist => "DoesNotExist",
            Operator::Gt => "Gt",
            Operator::Lt => "Lt",
            Operator::Gte => "Gte",
            Operator::Lte => "Lte",
        }
    }
}

/// Key, operator, values: one requirement of a selector, a node affinity term or a pool.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expression {
    pub key: String,
    pub operator: Operator,
    pub values: Vec<String>,
    /// `minValues` of a NodePool requirement (v1).
    pub min_values: Option<u32>,
}

impl Expression {
    pub fn read(v: &Value) -> Option<Expression> {
        Some(Expression {
            key: v.str_at("key")?.to_owned(),
            operator: Operator::parse(v.str_at("operator")?)?,
            values: v.list_at("values").iter().filter_map(|v| v.as_str().map(str::to_owned)).collect(),
            min_values: v.int_at("minValues").and_then(|n| u32::try_from(n).ok()),
        })
    }

    pub fn read_list(list: &[Value]) -> Vec<Expression> {
        list.iter().filter_map(Expression::read).collect()
    }

    /// Whether `labels` satisfy the expression, by the rules of label selectors and node affinity
    /// (NotIn and DoesNotExist hold when the key is absent).
    pub fn matches(&self, labels: &VecMap<String, String>) -> bool {
        let value = labels.get(&self.key);
        let compare = |f: fn(i64, i64) -> bool| {
            let (Some(a), Some(b)) = (value.and_then(|v| v.parse().ok()), self.values.first().and_then(|v| v.parse().ok()))
            else {
                return false;
            };
            f(a, b)
        };
        match self.operator {
            Operator::In => value.is_some_and(|v| self.values.contains(v)),
            Operator::NotIn => !value.is_some_and(|v| self.values.contains(v)),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
            Operator::Gt => compare(|a, b| a > b),
            Operator::Lt => compare(|a, b| a < b),
            Operator::Gte => compare(|a, b| a >= b),
            Operator::Lte => compare(|a, b| a <= b),
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct LabelSelector {
    pub match_labels: VecMap<String, String>,
    pub expressions: Vec<Expression>,
}

impl LabelSelector {
    /// Reads a selector; `None` where the value is absent (which selects nothing in most places).
    pub fn read(v: &Value) -> Option<LabelSelector> {
        v.as_object()?;
        Some(LabelSelector {
            match_labels: v.strings_at("matchLabels"),
            expressions: Expression::read_list(v.list_at("matchExpressions")),
        })
    }

    /// An empty selector selects everything.
    pub fn matches(&self, labels: &VecMap<String, String>) -> bool {
        self.match_labels.iter().all(|(k, v)| labels.get(k) == Some(v)) && self.expressions.iter().all(|e| e.matches(labels))
    }
}
