//! When something was, in words that need no time zone.

use identity::time::Moment;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// `just now`, `5 minutes ago`, `3 days ago`; after a week the date.
pub(super) fn ago(at: Moment, now: Moment) -> String {
    let seconds = now.since(at).as_secs();
    let count = |number: u64, unit: &str| {
        let s = if number == 1 { "" } else { "s" };
        format!("{number} {unit}{s} ago")
    };
    match seconds {
        0..MINUTE => "just now".to_owned(),
        MINUTE..HOUR => count(seconds / MINUTE, "minute"),
        HOUR..DAY => count(seconds / HOUR, "hour"),
        _ if seconds < 7 * DAY => count(seconds / DAY, "day"),
        _ => date(at),
    }
}

/// `21 November 2026`, by the calendar of UTC.
pub(super) fn date(at: Moment) -> String {
    let text = at.to_rfc3339();
    let mut parts = text.split(['-', 'T']);
    let (year, month, day) = (parts.next(), parts.next(), parts.next());
    let number = |part: Option<&str>| part.and_then(|part| part.parse::<usize>().ok());
    let name = number(month).and_then(|month| MONTHS.get(month.wrapping_sub(1)));
    match (year, name, number(day)) {
        (Some(year), Some(name), Some(day)) => format!("{day} {name} {year}"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_was_lately_is_counted_back_and_what_was_long_ago_has_a_date() {
        let now = Moment::from_seconds(1_795_564_800);
        let after = |seconds| ago(now.minus(Duration::from_secs(seconds)), now);
        for (seconds, words) in [
            (0, "just now"),
            (59, "just now"),
            (60, "1 minute ago"),
            (59 * MINUTE, "59 minutes ago"),
            (HOUR, "1 hour ago"),
            (23 * HOUR, "23 hours ago"),
            (DAY, "1 day ago"),
            (7 * DAY - 1, "6 days ago"),
            (7 * DAY, "18 November 2026"),
            (320 * DAY, "9 January 2026"),
        ] {
            assert_eq!(after(seconds), words, "{seconds}");
        }
        assert_eq!(ago(now.plus(Duration::from_secs(5)), now), "just now");
    }
}
