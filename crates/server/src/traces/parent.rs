//! The trace that a request belongs to, in the words of whoever asked (W3C Trace Context).

use axum::http::HeaderMap;

/// Span of somebody else that a request was made for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Parent<'a> {
    /// The trace: 32 hexadecimal digits.
    pub(crate) trace: &'a str,
    /// Its span: 16 hexadecimal digits.
    pub(crate) span: &'a str,
    /// Whether whoever asked keeps what it records.
    pub(crate) sampled: bool,
}

/// Bit of the flags that says that the span is kept (W3C Trace Context section 3.2.2.5.1).
const SAMPLED: u8 = 1;

/// What `traceparent` says (W3C Trace Context section 3.2). Anything that is not exactly so is
/// ignored, two of them too.
pub(crate) fn parent(headers: &HeaderMap) -> Option<Parent<'_>> {
    let mut lines = headers.get_all("traceparent").iter();
    let text = lines.next()?.to_str().ok()?;
    let (version, rest) = text.split_once('-')?;
    let (trace, rest) = rest.split_once('-')?;
    let (span, flags) = rest.split_once('-')?;
    let is_hex = |part: &str, length: usize| {
        let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        part.len() == length && part.bytes().all(digit)
    };
    let is_named = |part: &str, length| is_hex(part, length) && part.bytes().any(|b| b != b'0');
    let fits = version == "00" && is_named(trace, 32) && is_named(span, 16) && is_hex(flags, 2);
    if !fits || lines.next().is_some() {
        return None;
    }
    let sampled = u8::from_str_radix(flags, 16).ok()? & SAMPLED != 0;
    Some(Parent { trace, span, sampled })
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    fn told(texts: &[&str]) -> Option<(String, String, bool)> {
        let mut headers = HeaderMap::new();
        for text in texts {
            headers.append("traceparent", HeaderValue::from_str(text).expect("a header"));
        }
        parent(&headers).map(|one| (one.trace.to_owned(), one.span.to_owned(), one.sampled))
    }

    #[test]
    fn a_trace_is_taken_from_a_well_formed_traceparent_only() {
        let good = format!("00-{TRACE}-{SPAN}-01");
        assert_eq!(told(&[&good]), Some((TRACE.to_owned(), SPAN.to_owned(), true)));
        assert_eq!(told(&[&good, &good]), None, "two of them");
        for odd in [
            "",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
            "99-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "secret-in-a-header",
        ] {
            assert_eq!(told(&[odd]), None, "{odd}");
        }
    }

    #[test]
    fn one_bit_of_the_flags_says_whether_the_trace_is_kept() {
        for (flags, sampled) in [("00", false), ("01", true), ("02", false), ("ff", true)] {
            let found = told(&[&format!("00-{TRACE}-{SPAN}-{flags}")]).expect("a trace");
            assert_eq!(found.2, sampled, "{flags}");
        }
    }
}
