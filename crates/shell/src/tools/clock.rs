//! Time as programs see it: `date` and `sleep`, all simulated.

use super::Refusal;
use crate::run::{Ctx, Io, Program, Step};
use engine::SimTime;

const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const LONG_DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const LONG_MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

/// Time zones that `TZ` may name: minutes east of UTC and the abbreviation.
const ZONES: &[(&str, i64, &str)] = &[
    ("Asia/Seoul", 540, "KST"),
    ("KST", 540, "KST"),
    ("Asia/Tokyo", 540, "JST"),
    ("UTC", 0, "UTC"),
    ("Etc/UTC", 0, "UTC"),
    ("GMT", 0, "GMT"),
    ("", 0, "UTC"),
];

/// GNU date's format, for a Unix time and a zone.
pub fn date_text(unix_ms: i64, offset_min: i64, zone: &str, format: &str) -> String {
    let local = unix_ms + offset_min * 60_000;
    let (year, month, day, hour, minute, second, ms) = objects::time::parts(local);
    let days = local.div_euclid(86_400_000);
    let weekday = (days + 4).rem_euclid(7) as usize;
    let month0 = (month as usize).saturating_sub(1);
    let pick = |names: &[&'static str], n: usize| names.get(n).copied().unwrap_or_default();
    let hour12 = if hour % 12 == 0 { 12 } else { hour % 12 };
    let mut out = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut c = chars.next();
        let unpadded = c == Some('-');
        if unpadded {
            c = chars.next();
        }
        let two = |n: u32| if unpadded { n.to_string() } else { format!("{n:02}") };
        let text = match c {
            Some('Y') => year.to_string(),
            Some('y') => two((year.rem_euclid(100)) as u32),
            Some('m') => two(month),
            Some('d') => two(day),
            Some('e') => format!("{day:>2}"),
            Some('H') => two(hour),
            Some('I') => two(hour12),
            Some('M') => two(minute),
            Some('S') => two(second),
            Some('N') => format!("{ms:03}000000"),
            Some('p') => if hour < 12 { "AM" } else { "PM" }.to_owned(),
            Some('a') => pick(&DAYS, weekday).to_owned(),
            Some('A') => pick(&LONG_DAYS, weekday).to_owned(),
            Some('b' | 'h') => pick(&MONTHS, month0).to_owned(),
            Some('B') => pick(&LONG_MONTHS, month0).to_owned(),
            Some('T') => format!("{hour:02}:{minute:02}:{second:02}"),
            Some('R') => format!("{hour:02}:{minute:02}"),
            Some('F') => format!("{year:04}-{month:02}-{day:02}"),
            Some('D') => format!("{month:02}/{day:02}/{:02}", year.rem_euclid(100)),
            Some('Z') => zone.to_owned(),
            Some('z') => {
                format!("{}{:02}{:02}", if offset_min < 0 { '-' } else { '+' }, offset_min.abs() / 60, offset_min.abs() % 60)
            }
            Some('s') => unix_ms.div_euclid(1000).to_string(),
            Some('u') => (if weekday == 0 { 7 } else { weekday }).to_string(),
            Some('w') => weekday.to_string(),
            Some('j') => {
                let start = objects::time::from_parts(year, 1, 1, 0, 0, 0).div_euclid(86_400_000);
                format!("{:03}", days - start + 1)
            }
            Some('n') => "\n".to_owned(),
            Some('t') => "\t".to_owned(),
            Some('%') => "%".to_owned(),
            Some(other) => format!("%{other}"),
            None => "%".to_owned(),
        };
        out.push_str(&text);
    }
    out
}

pub fn date(args: &[String], io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> i32 {
    let options = &ctx.state.options;
    let (mut offset, mut zone) = (options.utc_offset_min, options.zone.clone());
    if let Some(tz) = ctx.state.variable("TZ") {
        let known = ZONES.iter().find(|(name, ..)| *name == tz);
        (offset, zone) = known.map_or((0, tz.clone()), |(_, offset, zone)| (*offset, (*zone).to_owned()));
    }
    let mut format = "%a %b %e %T %Z %Y".to_owned();
    for arg in args {
        match arg.as_str() {
            "-u" | "--utc" | "--universal" => (offset, zone) = (0, "UTC".to_owned()),
            "-R" | "--rfc-email" => format = "%a, %d %b %Y %T %z".to_owned(),
            "-Is" | "-Iseconds" | "--iso-8601=seconds" => format = "%FT%T%z".to_owned(),
            "-I" | "--iso-8601" => format = "%F".to_owned(),
            a if a.starts_with('+') => format = a.chars().skip(1).collect(),
            a if a.starts_with('-') => {
                io.err(&format!("date: invalid option -- '{}'\n", a.trim_start_matches('-')));
                return 1;
            }
            a => {
                io.err(&format!("date: invalid date ‘{a}’\n"));
                return 1;
            }
        }
    }
    let unix_ms = ctx.session.snapshot().unix_ms();
    let mut text = date_text(unix_ms, offset, &zone, &format);
    if format == "%FT%T%z" {
        text.insert(text.len() - 2, ':');
    }
    io.out(&format!("{text}\n"));
    0
}

/// `time` is a word of the language; it comes here only where it is none, behind a pipe.
pub fn time(_args: Vec<String>, _ctx: &Ctx<'_>) -> Result<Box<dyn Program>, Refusal> {
    Err(Refusal::new(1, "time: not simulated behind a pipe: put it in front of the whole pipeline"))
}

/// Waits in simulated time.
#[derive(Debug)]
struct Sleep {
    ms: u64,
    until: Option<SimTime>,
}

pub fn sleep(args: Vec<String>, _ctx: &Ctx<'_>) -> Result<Box<dyn Program>, Refusal> {
    if args.is_empty() {
        return Err(Refusal::new(1, "sleep: missing operand\nTry 'sleep --help' for more information."));
    }
    let mut ms: u64 = 0;
    for arg in &args {
        let one = interval_ms(arg).ok_or_else(|| Refusal::new(1, format!("sleep: invalid time interval ‘{arg}’")))?;
        ms = ms.saturating_add(one);
    }
    Ok(Box::new(Sleep { ms, until: None }))
}

/// `30`, `1.5`, `2m`, `1h`, `1d` in milliseconds.
pub fn interval_ms(text: &str) -> Option<u64> {
    let (number, unit) = match text.strip_suffix(['s', 'm', 'h', 'd']) {
        Some(number) => (number, text.chars().last()?),
        None => (text, 's'),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || !fraction.chars().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let fraction: u64 = format!("{fraction:0<3}").chars().take(3).collect::<String>().parse().ok()?;
    let unit = match unit {
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => 1,
    };
    whole.checked_mul(1000)?.checked_add(fraction)?.checked_mul(unit)
}

impl Program for Sleep {
    fn step(&mut self, _io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Step {
        let now = ctx.now();
        let until = *self.until.get_or_insert(now + self.ms);
        if now >= until { Step::Done(0) } else { Step::Wait(Some(until)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_like_gnu_date() {
        // 2023-07-26 05:10:01 UTC, a Wednesday.
        let ms = objects::time::parse_rfc3339("2023-07-26T05:10:01Z").unwrap();
        for (format, want) in [
            ("%a %b %e %T %Z %Y", "Wed Jul 26 14:10:01 KST 2023"),
            ("%F %R", "2023-07-26 14:10"),
            ("%s", "1690348201"),
            ("%j %u %z", "207 3 +0900"),
            ("%-d/%-m", "26/7"),
            ("100%%", "100%"),
        ] {
            assert_eq!(date_text(ms, 540, "KST", format), want);
        }
    }

    #[test]
    fn reads_intervals() {
        for (text, want) in
            [("30", Some(30_000)), ("1.5", Some(1_500)), ("2m", Some(120_000)), ("x", None), ("", None), ("-1", None)]
        {
            assert_eq!(interval_ms(text), want, "{text}");
        }
    }
}
