//! Every kind of problem, with its stable code. `docs/lint.md` is made from this table.

use std::fmt::Write as _;
use view::Lang;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The API server refuses it, or it can never work.
    Error,
    /// It is accepted and probably not what was meant.
    Warning,
    /// Worth knowing.
    Note,
}

impl Severity {
    pub fn token(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

/// A kind of problem.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// Stable: scripts may rely on it.
    pub id: &'static str,
    pub severity: Severity,
    pub ko: &'static str,
    pub en: &'static str,
}

impl Code {
    pub fn title(&self, lang: Lang) -> &'static str {
        lang.pick(self.ko, self.en)
    }
}

macro_rules! codes {
    ($($name:ident $id:literal $severity:ident $ko:literal $en:literal;)*) => {
        $(pub(crate) static $name: Code = Code { id: $id, severity: Severity::$severity, ko: $ko, en: $en };)*
        /// All of them, texts first, then documents, then meanings.
        pub static CODES: &[&Code] = &[$(&$name),*];
    };
}

codes! {
    HIDDEN_CHARACTER "hidden-character" Error
        "보통 글자처럼 보이지만 다른 글자" "A character that looks like an ordinary one and is not";
    REMARK "remark" Error
        "`//`로 쓴 설명" "A remark behind `//`, which YAML does not know";
    TAB "tab" Error
        "들여쓰기에 쓴 탭" "A tab in the indentation";
    SYNTAX "yaml-syntax" Error
        "YAML로 읽을 수 없음" "Not YAML";
    UNKNOWN_KIND "unknown-kind" Error
        "이 클러스터에 없는 종류" "A kind that the cluster does not serve";
    WRONG_VERSION "wrong-api-version" Error
        "종류는 있지만 apiVersion이 다름" "The kind exists under another apiVersion";
    OTHER_ERA "other-era" Error
        "다른 Karpenter 세대의 종류" "A kind of the other Karpenter era";
    UNKNOWN_FIELD "unknown-field" Error
        "스키마에 없는 필드" "A field that the schema does not have";
    NEEDS_QUOTES "needs-quotes" Error
        "글자여야 하는데 숫자나 참/거짓으로 읽힘" "Text that reads as a number or a truth value: quote it";
    WRONG_TYPE "wrong-type" Error
        "값의 형식이 다름" "A value of the wrong type";
    MISSING_FIELD "missing-field" Error
        "필수 필드가 없음" "A required field is missing";
    UNSUPPORTED_VALUE "unsupported-value" Error
        "정해진 값 가운데 하나가 아님" "None of the allowed values";
    DUPLICATE_VALUE "duplicate-value" Error
        "같은 값이 두 번" "The same value twice";
    EXCLUSIVE_FIELDS "exclusive-fields" Error
        "함께 쓸 수 없는 필드" "Fields that exclude each other";
    INVALID_VALUE "invalid-value" Error
        "규칙에 맞지 않는 값" "A value that breaks a rule of the API server";
    REJECTED "rejected" Error
        "API 서버가 거절함" "Refused by the API server for another reason";
    MEMORY_UNIT "memory-without-unit" Warning
        "단위가 없는 메모리" "Memory without a unit is bytes";
    MEMORY_MILLI "memory-in-millibytes" Warning
        "`m`으로 끝나는 메모리" "Memory with `m` is thousandths of a byte";
    NO_TYPES_LEFT "no-types-left" Error
        "조건을 모두 만족하는 인스턴스 타입이 없음" "No instance type satisfies all requirements";
    TYPES_LEFT "types-left" Note
        "남은 인스턴스 타입의 수" "How many instance types are left, and what removed the others";
    UNKNOWN_LABEL_VALUE "unknown-label-value" Warning
        "어떤 인스턴스 타입에도 없는 레이블 값" "A label value that no instance type has";
    LIMIT_BELOW_NODE "limit-below-node" Warning
        "노드 하나보다 작은 한도" "A limit below the smallest node";
    SAME_WEIGHT "overlapping-pools" Warning
        "가중치가 같은 풀이 서로 겹침" "Pools of the same weight overlap";
    NEVER_SCALES_DOWN "never-scales-down" Warning
        "노드가 줄어들지 않음" "Nodes are never removed";
    CONSOLIDATE_TRAP "consolidate-after-trap" Warning
        "통합 대기 시간의 함정" "A waiting time that works against consolidation";
    EXPIRES_BEFORE_BOOT "expires-before-boot" Warning
        "노드가 준비되기도 전에 만료됨" "Nodes expire about as fast as they boot";
    BUDGET_NUMBER "budget-number" Warning
        "퍼센트로 보이는 개수" "A number of nodes that looks like a percentage";
    BUDGET_SCHEDULE "budget-schedule" Error
        "읽을 수 없는 일정" "A schedule that cannot be read";
    BUDGET_NEVER_OPENS "budget-never-opens" Warning
        "한 번도 열리지 않는 중단 예산" "A disruption budget that never opens";
    BUDGET_NEVER_APPLIES "budget-never-applies" Warning
        "한 번도 적용되지 않는 중단 예산" "A disruption budget whose window never comes";
    POD_TOO_LARGE "pod-too-large" Error
        "어떤 인스턴스 타입에도 들어가지 않는 파드" "A pod that fits no instance type";
    POD_NO_POOL "pod-fits-no-pool" Warning
        "어떤 풀도 받을 수 없는 파드" "A pod that no pool can make a node for";
    REQUESTS_MISSING "requests-missing" Warning
        "requests가 없는 컨테이너" "A container without requests";
    SPREAD_IMPOSSIBLE "spread-impossible" Warning
        "영역 수로는 만족할 수 없는 분산" "A spread or anti-affinity that the zones cannot satisfy";
    DO_NOT_DISRUPT "do-not-disrupt-without-grace" Warning
        "끝없이 노드를 붙잡는 파드" "Pods that hold their node for ever";
    PDB_ALLOWS_NONE "pdb-allows-none" Warning
        "축출을 하나도 허용하지 않는 PDB" "A PodDisruptionBudget that allows no eviction";
    PDB_MATCHES_NOTHING "pdb-matches-nothing" Warning
        "맞는 파드가 없는 PDB" "A PodDisruptionBudget that matches no workload";
}

/// The page that lists all codes.
pub fn reference() -> String {
    let mut out = String::from(
        "# What `nodewright lint` finds\n\n\
         This page is printed by `nodewright lint --codes`; a test compares the two. Codes are stable.\n\n\
         An *error* is refused by the API server or can never work; a *warning* is accepted and probably not what was meant;\n\
         a *note* is worth knowing. `nodewright lint FILE...` exits with status 1 where there is an error, with 2 for wrong\n\
         usage.\n\n\
         | code | severity | what | |\n|---|---|---|---|\n",
    );
    for code in CODES {
        let _ = writeln!(out, "| `{}` | {} | {} | {} |", code.id, code.severity.token(), code.en, code.ko);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_listed_in_the_reference() {
        let mut ids: Vec<&str> = CODES.iter().map(|c| c.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), CODES.len());
        assert_eq!(include_str!("../../../docs/lint.md"), reference());
    }
}
