//! Five-field cron schedules as the budgets of node pools use them, read like robfig/cron's standard parser: names of
//! months and days, lists, ranges, steps, `@daily` and its like; the day matches if either day field does where both
//! are given. Source: github.com/robfig/cron v3 parser.go, spec.go. Times are UTC.

use objects::time::{from_parts, parts};

/// One bit per allowed value of each field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    minute: u64,
    hour: u64,
    day: u64,
    month: u64,
    weekday: u64,
    /// `*` or `?` in the day fields: then the other one decides alone.
    any_day: bool,
    any_weekday: bool,
}

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const DAY_MS: i64 = 86_400_000;
/// A schedule that never comes (30 February) is given up after this many days.
const HORIZON_DAYS: i64 = 366 * 5;

impl Schedule {
    /// The error says which field is wrong, and how.
    pub fn parse(text: &str) -> Result<Schedule, String> {
        let text = match text.trim() {
            "@annually" | "@yearly" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            other => other,
        };
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields.as_slice() else {
            return Err(format!("expected exactly 5 fields, found {}: {text:?}", fields.len()));
        };
        let is_any = |f: &str| f.split(',').any(|part| part == "*" || part == "?" || part.starts_with("*/"));
        Ok(Schedule {
            minute: field("minute", minute, 0, 59, &[])?,
            hour: field("hour", hour, 0, 23, &[])?,
            day: field("day of month", day, 1, 31, &[])?,
            month: field("month", month, 1, 12, &MONTHS)?,
            weekday: field("day of week", weekday, 0, 6, &DAYS)?,
            any_day: is_any(day),
            any_weekday: is_any(weekday),
        })
    }

    /// The first minute after `unix_ms` that the schedule names; `None` where there is none.
    pub fn next(&self, unix_ms: i64) -> Option<i64> {
        let start = (unix_ms.div_euclid(60_000) + 1) * 60_000;
        let first_day = start.div_euclid(DAY_MS);
        for day in first_day..first_day + HORIZON_DAYS {
            let midnight = day * DAY_MS;
            if !self.allows_day(midnight) {
                continue;
            }
            for hour in bits(self.hour) {
                for minute in bits(self.minute) {
                    let at = midnight + (i64::from(hour) * 60 + i64::from(minute)) * 60_000;
                    if at >= start {
                        return Some(at);
                    }
                }
            }
        }
        None
    }

    fn allows_day(&self, midnight_ms: i64) -> bool {
        let (year, month, day, ..) = parts(midnight_ms);
        debug_assert_eq!(from_parts(year, month, day, 0, 0, 0), midnight_ms);
        // 1 January 1970 was a Thursday.
        let weekday = (midnight_ms.div_euclid(DAY_MS) + 4).rem_euclid(7);
        let has = |set: u64, n: u32| set >> n & 1 == 1;
        let by_day = has(self.day, day);
        let by_weekday = has(self.weekday, u32::try_from(weekday).unwrap_or(0));
        let day_allowed = if self.any_day || self.any_weekday { by_day && by_weekday } else { by_day || by_weekday };
        has(self.month, month) && day_allowed
    }
}

fn bits(set: u64) -> impl Iterator<Item = u32> {
    (0..64).filter(move |n| set >> n & 1 == 1)
}

/// Whether a window of `duration_ms` that opens by the schedule is open at `unix_ms`.
pub fn is_open(schedule: &Schedule, duration_ms: i64, unix_ms: i64) -> bool {
    schedule.next(unix_ms.saturating_sub(duration_ms)).is_some_and(|at| at <= unix_ms)
}

fn field(what: &str, text: &str, min: u32, max: u32, names: &[&str]) -> Result<u64, String> {
    let mut set = 0u64;
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => {
                let step: u32 = step.parse().map_err(|_| format!("failed to parse the step of {what} {part:?}"))?;
                (range, Some(step))
            }
            None => (part, None),
        };
        let number = |t: &str| -> Result<u32, String> {
            let lower = t.to_lowercase();
            if let Some(i) = names.iter().position(|n| *n == lower) {
                return Ok(min + u32::try_from(i).unwrap_or(0));
            }
            t.parse().map_err(|_| format!("failed to parse {what} {t:?}"))
        };
        let (from, to) = match range {
            "*" | "?" => (min, max),
            _ => match range.split_once('-') {
                Some((from, to)) => (number(from)?, number(to)?),
                // `5/10` means from 5 on.
                None => (number(range)?, if step.is_some() { max } else { number(range)? }),
            },
        };
        let step = step.unwrap_or(1);
        if step == 0 {
            return Err(format!("the step of {what} {part:?} must be positive"));
        }
        if from < min || to > max {
            return Err(format!("{what} {part:?} is outside {min}-{max}"));
        }
        if from > to {
            return Err(format!("the beginning of {what} {part:?} is beyond its end"));
        }
        for n in (from..=to).step_by(step as usize) {
            set |= 1 << n;
        }
    }
    Ok(set)
}

#[cfg(test)]
mod tests {
    use super::*;
    use objects::time::{parse_rfc3339, rfc3339};

    fn check(schedule: &str, after: &str, want: &str) {
        let next = Schedule::parse(schedule).unwrap().next(parse_rfc3339(after).unwrap()).map(rfc3339);
        assert_eq!(next.as_deref().unwrap_or("never"), want, "{schedule} after {after}");
    }

    #[test]
    fn next_times() {
        // 25 August 2026 is a Tuesday.
        check("0 9 * * mon-fri", "2026-08-25T09:00:00Z", "2026-08-26T09:00:00Z");
        check("0 9 * * 1-5", "2026-08-28T10:00:00Z", "2026-08-31T09:00:00Z");
        check("*/15 * * * *", "2026-08-25T05:10:01Z", "2026-08-25T05:15:00Z");
        check("5/10 3 * * *", "2026-08-25T03:16:00Z", "2026-08-25T03:25:00Z");
        check("@monthly", "2026-08-25T00:00:00Z", "2026-09-01T00:00:00Z");
        check("0 0 29 2 *", "2026-03-01T00:00:00Z", "2028-02-29T00:00:00Z");
        // Both day fields: either is enough.
        check("0 0 13 * fri", "2026-08-25T00:00:00Z", "2026-08-28T00:00:00Z");
        check("0 0 30 2 *", "2026-08-25T00:00:00Z", "never");
    }

    #[test]
    fn refusals_name_the_field() {
        for (text, want) in [
            ("* * * *", "expected exactly 5 fields, found 4: \"* * * *\""),
            ("60 * * * *", "minute \"60\" is outside 0-59"),
            ("* * * * 7", "day of week \"7\" is outside 0-6"),
            ("*/0 * * * *", "the step of minute \"*/0\" must be positive"),
            ("x * * * *", "failed to parse minute \"x\""),
            ("9-5 * * * *", "the beginning of minute \"9-5\" is beyond its end"),
        ] {
            assert_eq!(Schedule::parse(text), Err(want.to_owned()));
        }
    }

    #[test]
    fn windows_open_and_close() {
        let schedule = Schedule::parse("0 9 * * mon-fri").unwrap();
        for (at, want) in [
            ("2026-08-25T08:59:59Z", false),
            ("2026-08-25T09:00:00Z", true),
            ("2026-08-25T16:59:59Z", true),
            ("2026-08-25T17:00:00Z", false),
            ("2026-08-29T10:00:00Z", false),
        ] {
            assert_eq!(is_open(&schedule, 8 * 3_600_000, parse_rfc3339(at).unwrap()), want, "{at}");
        }
    }
}
