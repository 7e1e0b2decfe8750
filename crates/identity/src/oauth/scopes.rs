//! Scopes: what an application may see of a person, and what its tokens may do.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Makes the request one of OpenID Connect (Core 3.1.2.1).
pub const OPENID: &str = "openid";
/// Asks for a refresh token that outlives the browser's session (Core 11).
pub const OFFLINE_ACCESS: &str = "offline_access";

/// Scopes about a person; everything else is for a resource server to understand.
pub const ABOUT_PEOPLE: [&str; 6] =
    [OPENID, "profile", "email", "groups", "organisation", OFFLINE_ACCESS];

/// Longest that `scope` may be, in bytes.
const MAX_LENGTH: usize = 1024;

/// A set of scopes; its text is in alphabetical order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Scopes(BTreeSet<String>);

/// A `scope` parameter that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("scope is a list of words of visible ASCII, separated by one blank, at most 1024 bytes")]
pub struct MalformedScope;

impl Scopes {
    /// Reads a `scope` parameter (RFC 6749 section 3.3). Repeated words count once.
    pub fn parse(text: &str) -> Result<Self, MalformedScope> {
        if text.len() > MAX_LENGTH {
            return Err(MalformedScope);
        }
        let words = text.split(' ').filter(|word| !word.is_empty());
        let token = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
        words
            .map(|word| word.bytes().all(token).then(|| word.to_owned()).ok_or(MalformedScope))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Of words that are known to be good.
    pub fn of<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        Self(words.into_iter().map(str::to_owned).collect())
    }

    /// Whether it is among them.
    pub fn contains(&self, scope: &str) -> bool {
        self.0.contains(scope)
    }

    /// Whether all of these are among `others`.
    pub fn is_within(&self, others: &Self) -> bool {
        self.0.is_subset(&others.0)
    }

    /// Those that are in both.
    #[must_use]
    pub fn and(&self, others: &Self) -> Self {
        Self(self.0.intersection(&others.0).cloned().collect())
    }

    /// Without one of them.
    #[must_use]
    pub fn without(mut self, scope: &str) -> Self {
        self.0.remove(scope);
        self
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each, in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iter().collect::<Vec<_>>().join(" "))
    }
}

impl From<Scopes> for String {
    fn from(scopes: Scopes) -> Self {
        scopes.to_string()
    }
}

impl TryFrom<String> for Scopes {
    type Error = MalformedScope;

    fn try_from(text: String) -> Result<Self, MalformedScope> {
        Self::parse(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_repetition_do_not_matter() {
        let one = Scopes::parse("profile openid  openid").unwrap();
        assert_eq!(one.to_string(), "openid profile");
        assert_eq!(Scopes::parse("").unwrap(), Scopes::default());
    }

    #[test]
    fn what_cannot_be_a_scope_is_refused() {
        let long = "a".repeat(1025);
        for bad in ["öffnen", "a\tb", "a\"b", "a\\b", "a\u{0}b", &long] {
            assert_eq!(Scopes::parse(bad), Err(MalformedScope), "{bad}");
        }
    }

    #[test]
    fn within_means_no_more_than() {
        let (few, many) = (Scopes::of(["openid"]), Scopes::of(["openid", "email"]));
        assert!(few.is_within(&many) && !many.is_within(&few));
        assert_eq!(many.and(&few), few);
    }

    #[test]
    fn a_scope_parameter_has_at_most_1024_bytes() {
        let longest = "a".repeat(1024);
        assert_eq!(Scopes::parse(&longest).unwrap().to_string(), longest);
        assert_eq!(Scopes::parse(&"a".repeat(1025)), Err(MalformedScope));
        // Bytes of the whole text, blanks included.
        assert!(Scopes::parse(&format!("{} a", "a".repeat(1022))).is_ok());
        assert_eq!(Scopes::parse(&format!("{} a", "a".repeat(1023))), Err(MalformedScope));
    }

    #[test]
    fn one_can_be_taken_out_and_the_others_stay() {
        let both = Scopes::of(["openid", "email"]);
        assert_eq!(both.clone().without("email"), Scopes::of(["openid"]));
        assert_eq!(both.clone().without("profile"), both);
        let none = both.clone().without("email").without("openid");
        assert_eq!((none.is_empty(), both.is_empty()), (true, false));
    }

    /// Grants and tokens are stored with them.
    #[test]
    fn their_data_is_the_text_of_a_scope_parameter() {
        let scopes = Scopes::of(["profile", "openid"]);
        assert_eq!(serde_json::to_value(&scopes).unwrap(), "openid profile");
        let read = |text: &str| serde_json::from_value::<Scopes>(text.into());
        assert_eq!(read("openid profile").unwrap(), scopes);
        assert_eq!(read("").unwrap(), Scopes::default());
        assert!(read("a\"b").is_err());
    }
}
