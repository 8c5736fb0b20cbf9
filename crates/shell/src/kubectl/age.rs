//! How kubectl writes durations. Source: k8s.io/apimachinery/pkg/util/duration/duration.go, v0.28.

use objects::time::parse_rfc3339;

/// `HumanDuration` of milliseconds.
pub fn human(ms: i64) -> String {
    let seconds = ms / 1000;
    if seconds < -1 {
        return "<invalid>".to_owned();
    }
    if seconds < 0 {
        return "0s".to_owned();
    }
    if seconds < 120 {
        return format!("{seconds}s");
    }
    let pair = |big: i64, unit: char, small: i64, lesser: char| {
        if small == 0 { format!("{big}{unit}") } else { format!("{big}{unit}{small}{lesser}") }
    };
    let minutes = seconds / 60;
    if minutes < 10 {
        return pair(minutes, 'm', seconds % 60, 's');
    }
    if minutes < 180 {
        return format!("{minutes}m");
    }
    let hours = minutes / 60;
    if hours < 8 {
        return pair(hours, 'h', minutes % 60, 'm');
    }
    if hours < 48 {
        return format!("{hours}h");
    }
    let days = hours / 24;
    if hours < 24 * 8 {
        return pair(days, 'd', hours % 24, 'h');
    }
    if hours < 24 * 365 * 2 {
        return format!("{days}d");
    }
    if hours < 24 * 365 * 8 {
        return pair(days / 365, 'y', days % 365, 'd');
    }
    format!("{}y", days / 365)
}

/// The age of an API timestamp; `<unknown>` where there is none.
pub fn since(timestamp: Option<&str>, now_ms: i64) -> String {
    match timestamp.and_then(parse_rfc3339) {
        Some(then) => human(now_ms - then),
        None => "<unknown>".to_owned(),
    }
}

/// `Mon, 02 Jan 2006 15:04:05 +0000`, as describe prints times.
pub fn rfc1123z(timestamp: Option<&str>) -> String {
    match timestamp.and_then(parse_rfc3339) {
        Some(ms) => crate::tools::date_text(ms, 0, "UTC", "%a, %d %b %Y %T %z"),
        None => "<unset>".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recorded from apimachinery's own function.
    #[test]
    fn human_durations() {
        for (seconds, want) in [
            (-2, "<invalid>"),
            (-1, "0s"),
            (0, "0s"),
            (59, "59s"),
            (60, "60s"),
            (119, "119s"),
            (120, "2m"),
            (121, "2m1s"),
            (179, "2m59s"),
            (180, "3m"),
            (599, "9m59s"),
            (600, "10m"),
            (3599, "59m"),
            (3600, "60m"),
            (10799, "179m"),
            (10800, "3h"),
            (10860, "3h1m"),
            (15000, "4h10m"),
            (28799, "7h59m"),
            (28800, "8h"),
            (86399, "23h"),
            (90000, "25h"),
            (172799, "47h"),
            (172800, "2d"),
            (176400, "2d1h"),
            (259200, "3d"),
            (300000, "3d11h"),
            (604800, "7d"),
        ] {
            assert_eq!(human(seconds * 1000), want, "{seconds}");
        }
    }
}
