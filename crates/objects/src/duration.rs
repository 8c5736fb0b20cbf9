//! Go durations (`1h30m5s`, `720h`, `300ms`), as `time.ParseDuration` reads them.

/// Milliseconds of a Go duration; `None` for `Never` and for what does not parse.
pub fn parse_go_ms(text: &str) -> Option<i64> {
    if text == "0" {
        return Some(0);
    }
    let mut rest = text;
    let mut total_us: i64 = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at_checked(digits)?;
        let unit_end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, next) = tail.split_at_checked(unit_end)?;
        let unit_us: i64 = match unit {
            "us" | "µs" => 1,
            "ms" => 1000,
            "s" => 1_000_000,
            "m" => 60_000_000,
            "h" => 3_600_000_000,
            _ => return None,
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let mut us = if whole.is_empty() { 0 } else { whole.parse::<i64>().ok()?.checked_mul(unit_us)? };
        let mut scale = unit_us;
        for d in fraction.chars() {
            scale /= 10;
            us = us.checked_add(i64::from(d.to_digit(10)?) * scale)?;
        }
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        total_us = total_us.checked_add(us)?;
        rest = next;
    }
    Some(total_us / 1000)
}

#[cfg(test)]
mod tests {
    use super::parse_go_ms;

    #[test]
    fn reads_go_durations() {
        for (text, want) in [
            ("30s", Some(30_000)),
            ("1h30m5s", Some(5_405_000)),
            ("1.5h", Some(5_400_000)),
            ("0s", Some(0)),
            ("Never", None),
            ("5", None),
            ("", None),
            ("2 hours", None),
        ] {
            assert_eq!(parse_go_ms(text), want, "{text}");
        }
    }
}
