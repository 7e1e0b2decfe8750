//! Spans of time as an operator types and reads them: `90s`, `60m`, `12h`, `30d`.

use std::str::FromStr;
use std::time::Duration;

/// Units and their seconds, the longest first.
const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3600), ('m', 60), ('s', 1)];

/// A span of time on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(pub Duration);

/// A text that is no span.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write a whole number and its unit, such as 90s, 60m, 12h or 30d")]
pub struct NotASpan;

impl FromStr for Span {
    type Err = NotASpan;

    fn from_str(text: &str) -> Result<Self, NotASpan> {
        let unit = text.chars().last().ok_or(NotASpan)?;
        let (_, seconds) = UNITS.into_iter().find(|(name, _)| *name == unit).ok_or(NotASpan)?;
        let digits = &text[..text.len() - unit.len_utf8()];
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NotASpan);
        }
        let number: u64 = digits.parse().map_err(|_| NotASpan)?;
        number.checked_mul(seconds).map(Duration::from_secs).map(Self).ok_or(NotASpan)
    }
}

/// In the longest unit that leaves nothing over.
pub fn show(span: Duration) -> String {
    let all = span.as_secs();
    let fits = |(_, seconds): &(char, u64)| all >= *seconds && all.is_multiple_of(*seconds);
    let (unit, seconds) = UNITS.into_iter().find(fits).unwrap_or(('s', 1));
    format!("{}{unit}", all / seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_and_shown_alike() {
        for (text, seconds) in [("90s", 90), ("61m", 3660), ("12h", 43_200), ("30d", 2_592_000)] {
            let span = Duration::from_secs(seconds);
            assert_eq!(text.parse(), Ok(Span(span)));
            assert_eq!(show(span), text);
        }
        assert_eq!(show(Duration::from_secs(3600)), "1h");
        assert_eq!(show(Duration::ZERO), "0s");
    }

    #[test]
    fn what_is_no_span_is_refused() {
        let too_long = format!("{}d", u64::MAX);
        for bad in ["", "60", "m", "-1m", "+1m", "1.5h", "1h30m", "12 h", "1ü", &too_long] {
            assert_eq!(bad.parse::<Span>(), Err(NotASpan), "{bad}");
        }
    }
}
