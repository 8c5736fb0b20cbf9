//! Numbers as the screen writes them, by integer arithmetic.

use objects::quantity::Quantity;

/// Kubernetes' canonical CPU quantity: `2450m`, `5`.
pub fn cpu(milli: i64) -> String {
    Quantity::from_milli(milli).to_string()
}

/// `$0.475` with `decimals` (0 to 6) places, rounded half up, thousands separated.
pub fn usd(micro: i64, decimals: u32) -> String {
    let decimals = decimals.min(6);
    let unit = 10_i64.pow(6 - decimals);
    let rounded = (micro.unsigned_abs() + unit.unsigned_abs() / 2) / unit.unsigned_abs();
    let scale = 10_u64.pow(decimals);
    let sign = if micro < 0 && rounded > 0 { "-" } else { "" };
    let whole = thousands(rounded / scale);
    if decimals == 0 {
        return format!("{sign}${whole}");
    }
    format!("{sign}${whole}.{:0width$}", rounded % scale, width = decimals as usize)
}

/// `12,345`.
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// What a month of 730 hours costs at an hourly rate, in micro-dollars.
pub fn monthly(rate_micro: i64) -> i64 {
    rate_micro.saturating_mul(730)
}

/// Parts per thousand, rounded half up; 0 of nothing.
pub fn permille(part: i64, whole: i64) -> i64 {
    if whole <= 0 {
        return 0;
    }
    part.saturating_mul(2000).saturating_add(whole) / (whole.saturating_mul(2))
}

/// `64.4` from 644.
pub fn percent1(permille: i64) -> String {
    format!("{}.{}", permille / 10, permille.rem_euclid(10))
}

/// Kubernetes' HumanDuration: `45s`, `3m20s`, `25m`, `3h10m`, `30h`, `5d`.
/// Source: kubernetes/apimachinery pkg/util/duration/duration.go.
pub fn age(ms: u64) -> String {
    let s = ms / 1000;
    let (m, h, d) = (s / 60, s / 3600, s / 86_400);
    let two = |a: u64, ua: &str, b: u64, ub: &str| if b == 0 { format!("{a}{ua}") } else { format!("{a}{ua}{b}{ub}") };
    if s < 120 {
        format!("{s}s")
    } else if m < 10 {
        two(m, "m", s % 60, "s")
    } else if m < 180 {
        format!("{m}m")
    } else if h < 8 {
        two(h, "h", m % 60, "m")
    } else if h < 48 {
        format!("{h}h")
    } else if d < 8 {
        two(d, "d", h % 24, "h")
    } else if d < 730 {
        format!("{d}d")
    } else {
        two(d / 365, "y", d % 365, "d")
    }
}

/// `ip-192-168-3-121.ap-northeast-2.compute.internal` as `3-121`; other names lose their domain.
pub fn short_node(name: &str) -> &str {
    let host = name.split('.').next().unwrap_or(name);
    let Some(rest) = host.strip_prefix("ip-") else { return host };
    let mut dashes = rest.match_indices('-').map(|(i, _)| i);
    match (dashes.next(), dashes.next()) {
        (Some(_), Some(second)) => rest.get(second + 1..).unwrap_or(host),
        _ => host,
    }
}

/// Whole mebibytes or gibibytes, for reading: `70Mi`, `7.3Gi`.
pub fn memory(bytes: i64) -> String {
    let mib = bytes / (1 << 20);
    if mib < 1024 {
        return format!("{mib}Mi");
    }
    format!("{}.{}Gi", mib / 1024, mib % 1024 * 10 / 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money() {
        for (micro, decimals, want) in [
            (475_000, 3, "$0.475"),
            (0, 2, "$0.00"),
            (1_234_567_890, 2, "$1,234.57"),
            (999_999, 3, "$1.000"),
            (-20_000, 2, "-$0.02"),
            (12_345_000_000, 0, "$12,345"),
        ] {
            assert_eq!(usd(micro, decimals), want);
        }
    }

    #[test]
    fn ratios() {
        for (part, whole, want) in
            [(2450, 3860, "63.5"), (7575, 11770, "64.4"), (2575, 11770, "21.9"), (14950, 19540, "76.5"), (1, 0, "0.0")]
        {
            assert_eq!(percent1(permille(part, whole)), want);
        }
    }

    #[test]
    fn ages() {
        for (s, want) in
            [(0, "0s"), (119, "119s"), (120, "2m"), (200, "3m20s"), (1500, "25m"), (11_400, "3h10m"), (200_000, "2d7h")]
        {
            assert_eq!(age(s * 1000), want);
        }
    }

    #[test]
    fn names() {
        assert_eq!(short_node("ip-192-168-3-121.ap-northeast-2.compute.internal"), "3-121");
        assert_eq!(short_node("worker-7.example"), "worker-7");
        assert_eq!(short_node("ip-10"), "ip-10");
    }
}
