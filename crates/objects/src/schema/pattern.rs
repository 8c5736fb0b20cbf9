//! The regular expressions of Karpenter's CRDs, each with a matcher written out: a regular expression library would weigh
//! more than everything that uses it. Source: kubernetes-sigs/karpenter pkg/apis/crds/karpenter.sh_nodepools.yaml.

/// A named pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// `30s`, `1h30m` or `Never`.
    DurationOrNever,
    Duration,
    BudgetNodes,
    BudgetDuration,
    Cron,
    LabelKey,
    LabelValue,
    NoSlash,
}

impl Pattern {
    /// All of them.
    pub const ALL: [Pattern; 8] = [
        Pattern::DurationOrNever,
        Pattern::Duration,
        Pattern::BudgetNodes,
        Pattern::BudgetDuration,
        Pattern::Cron,
        Pattern::LabelKey,
        Pattern::LabelValue,
        Pattern::NoSlash,
    ];

    pub(super) fn named(name: &str) -> Option<Pattern> {
        Pattern::ALL.into_iter().find(|p| p.name() == name)
    }

    /// As the table writes it.
    pub fn name(self) -> &'static str {
        match self {
            Pattern::DurationOrNever => "never",
            Pattern::Duration => "duration",
            Pattern::BudgetNodes => "budget-nodes",
            Pattern::BudgetDuration => "budget-duration",
            Pattern::Cron => "cron",
            Pattern::LabelKey => "label-key",
            Pattern::LabelValue => "label-value",
            Pattern::NoSlash => "no-slash",
        }
    }

    /// As messages print it.
    pub fn text(self) -> &'static str {
        match self {
            Pattern::DurationOrNever => "^(([0-9]+(s|m|h))+|Never)$",
            Pattern::Duration => "^([0-9]+(s|m|h))+$",
            Pattern::BudgetNodes => "^((100|[0-9]{1,2})%|[0-9]+)$",
            Pattern::BudgetDuration => "^((([0-9]+(h|m))|([0-9]+h[0-9]+m))(0s)?)$",
            Pattern::Cron => r"^(@(annually|yearly|monthly|weekly|daily|midnight|hourly))|((.+)\s(.+)\s(.+)\s(.+)\s(.+))$",
            Pattern::LabelKey => {
                r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*(\/))?([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$"
            }
            Pattern::LabelValue => "^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$",
            Pattern::NoSlash => "^[^/]*$",
        }
    }

    pub fn matches(self, text: &str) -> bool {
        let digits = |s: &str| !s.is_empty() && s.chars().all(|c| c.is_ascii_digit());
        match self {
            Pattern::DurationOrNever => text == "Never" || duration(text, "smh"),
            Pattern::Duration => duration(text, "smh"),
            Pattern::BudgetNodes => match text.strip_suffix('%') {
                Some(p) => digits(p) && (p.len() <= 2 || p == "100"),
                None => digits(text),
            },
            Pattern::BudgetDuration => {
                let fits = |t: &str| match t.split_once('h') {
                    Some((h, "")) => digits(h),
                    Some((h, m)) => digits(h) && m.strip_suffix('m').is_some_and(digits),
                    None => t.strip_suffix('m').is_some_and(digits),
                };
                fits(text) || text.strip_suffix("0s").is_some_and(fits)
            }
            Pattern::Cron => {
                const NAMES: [&str; 7] = ["annually", "yearly", "monthly", "weekly", "daily", "midnight", "hourly"];
                // Each of five parts has at least one character, whatever it is; the first branch is anchored only
                // at its start.
                let named = text.strip_prefix('@').is_some_and(|t| NAMES.iter().any(|n| t.starts_with(n)));
                named || (!text.contains('\n') && has_five_parts(text))
            }
            Pattern::LabelKey => match text.split_once('/') {
                Some((prefix, name)) => dns_subdomain(prefix) && label_name(name),
                None => label_name(text),
            },
            Pattern::LabelValue => text.is_empty() || label_name(text),
            Pattern::NoSlash => !text.contains('/'),
        }
    }
}

/// One or more groups of digits and a unit.
fn duration(text: &str, units: &str) -> bool {
    let mut digits = 0;
    let mut groups = 0;
    for c in text.chars() {
        if c.is_ascii_digit() {
            digits += 1;
        } else if units.contains(c) && digits > 0 {
            digits = 0;
            groups += 1;
        } else {
            return false;
        }
    }
    groups > 0 && digits == 0
}

/// Four white space characters, each with something before it and something after the last.
fn has_five_parts(text: &str) -> bool {
    let mut parts = 0;
    let mut since = 0;
    for c in text.chars() {
        if c.is_whitespace() && since > 0 && parts < 4 {
            parts += 1;
            since = 0;
        } else {
            since += 1;
        }
    }
    parts == 4 && since > 0
}

/// `[a-z0-9]([-a-z0-9]*[a-z0-9])?` parts joined by dots.
pub(crate) fn dns_subdomain(text: &str) -> bool {
    text.split('.').all(dns_label)
}

pub(crate) fn dns_label(text: &str) -> bool {
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.starts_with(edge) && text.ends_with(edge) && text.chars().all(|c| edge(c) || c == '-')
}

/// `([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]`
pub(crate) fn label_name(text: &str) -> bool {
    let edge = |c: char| c.is_ascii_alphanumeric();
    text.starts_with(edge) && text.ends_with(edge) && text.chars().all(|c| edge(c) || "-_.".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matchers_do_what_the_expressions_say() {
        for (pattern, good, bad) in [
            (Pattern::DurationOrNever, &["30s", "1h30m5s", "Never"][..], &["", "abc", "1d", "5", "never"][..]),
            (Pattern::Duration, &["5m"], &["Never", "5x", "m"]),
            (Pattern::BudgetNodes, &["0%", "100%", "99%", "1000"], &["150%", "101%", "", "%", "5 %"]),
            (Pattern::BudgetDuration, &["8h", "30m", "1h30m", "8h0s", "1h30m0s"], &["8s", "1m1h", "", "8"]),
            (Pattern::Cron, &["@daily", "0 9 * * 1", "0 9 * * mon-fri"], &["0 9", "@never", ""]),
            (Pattern::LabelKey, &["karpenter.sh/capacity-type", "type", "a.b"], &["a b", "/x", "A/b", "x/", "-x"]),
            (Pattern::LabelValue, &["", "c5.large", "a_b"], &["a b", "c5.large    //", "-a"]),
        ] {
            good.iter().for_each(|t| assert!(pattern.matches(t), "{pattern:?} {t:?}"));
            bad.iter().for_each(|t| assert!(!pattern.matches(t), "{pattern:?} {t:?}"));
        }
    }
}
