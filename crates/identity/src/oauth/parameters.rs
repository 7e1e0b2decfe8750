//! The parameters of a request, read once: repeated ones refused, sizes bounded.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::oauth::error::{OAuthError, OAuthFault};

/// Most bytes of names and values together.
const MAX_TOTAL: usize = 16 * 1024;

/// Most bytes of one value. `id_token_hint` and assertions are the long ones.
const MAX_VALUE: usize = 8 * 1024;

/// The only parameters that may come more than once (RFC 8707 section 2, RFC 8693 section 2.1).
const REPEATABLE: [&str; 2] = ["resource", "audience"];

/// Names and values of a query or a form.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Parameters(BTreeMap<String, Vec<String>>);

impl Parameters {
    /// Reads decoded pairs. A parameter without a value counts as left out (RFC 6749 section
    /// 3.1). Which one was repeated is not said until it is asked for, so that an error can still
    /// go to a redirect URI that came once.
    pub fn read<'a>(
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, OAuthFault> {
        let mut read: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut total = 0;
        for (name, value) in pairs {
            total += name.len() + value.len();
            if total > MAX_TOTAL || value.len() > MAX_VALUE {
                return Err(invalid(
                    "the request is too long; a parameter has at most 8 KiB, all of them 16 KiB",
                ));
            }
            if !value.is_empty() {
                read.entry(name.to_owned()).or_default().push(value.to_owned());
            }
        }
        Ok(Self(read))
    }

    /// The value, if it came exactly once.
    pub fn once(&self, name: &str) -> Option<&str> {
        match self.all(name) {
            [one] => Some(one),
            _ => None,
        }
    }

    /// Every value of a parameter that may be repeated.
    pub fn all(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// Whether it came at all.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The value, or a fault that names it.
    pub fn needed(&self, name: &str) -> Result<&str, OAuthFault> {
        self.once(name).ok_or_else(|| invalid(&format!("send the parameter {name} exactly once")))
    }

    /// Fails when anything was repeated that may not be (RFC 6749 section 3.1).
    pub fn check_repetition(&self) -> Result<(), OAuthFault> {
        let repeated = self
            .0
            .iter()
            .find(|(name, values)| values.len() > 1 && !REPEATABLE.contains(&name.as_str()));
        match repeated {
            None => Ok(()),
            // The name is the caller's own text, so it stays out of the answer.
            Some(_) => Err(invalid("a parameter came more than once; send each one once")),
        }
    }

    /// With one more, in place of what was there.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.0.insert(name.to_owned(), vec![value.to_owned()]);
        self
    }

    /// These, and nothing else that came.
    #[must_use]
    pub fn only(mut self, names: &[&str]) -> Self {
        self.0.retain(|name, _| names.contains(&name.as_str()));
        self
    }

    /// Without these.
    #[must_use]
    pub fn without(mut self, names: &[&str]) -> Self {
        self.0.retain(|name, _| !names.contains(&name.as_str()));
        self
    }
}

/// Values may be codes and secrets.
impl std::fmt::Debug for Parameters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

fn invalid(description: &str) -> OAuthFault {
    OAuthFault::new(OAuthError::InvalidRequest, description)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_parameter_is_refused_unless_it_may_be_repeated() {
        let twice = Parameters::read([("scope", "a"), ("scope", "a")]).unwrap();
        assert_eq!(twice.once("scope"), None);
        assert!(twice.check_repetition().is_err());
        let resources = [("resource", "https://a.test"), ("resource", "https://b.test")];
        assert!(Parameters::read(resources).unwrap().check_repetition().is_ok());
    }

    #[test]
    fn an_empty_value_counts_as_left_out() {
        let read = Parameters::read([("state", "")]).unwrap();
        assert!(!read.has("state"));
        assert!(read.needed("state").is_err());
    }

    #[test]
    fn too_much_is_refused() {
        let long = "x".repeat(MAX_VALUE + 1);
        assert!(Parameters::read([("state", long.as_str())]).is_err());
        let part = "x".repeat(MAX_VALUE);
        let three = [("a", part.as_str()), ("b", part.as_str()), ("c", part.as_str())];
        assert!(Parameters::read(three).is_err());
    }

    #[test]
    fn one_value_has_at_most_8_kib_and_all_names_and_values_16() {
        let (value, longer) = ("x".repeat(8192), "x".repeat(8193));
        assert_eq!(Parameters::read([("s", value.as_str())]).unwrap().once("s"), Some(&*value));
        assert!(Parameters::read([("s", longer.as_str())]).is_err());
        let half = "x".repeat(8191);
        let whole = [("a", half.as_str()), ("b", half.as_str())];
        assert_eq!(Parameters::read(whole).unwrap().once("b"), Some(&*half));
        let one_byte_more = [("a", half.as_str()), ("bb", half.as_str())];
        assert!(Parameters::read(one_byte_more).is_err(), "names count, too");
    }

    #[test]
    fn some_are_kept_or_left_out_and_the_others_stay_as_they_were() {
        let all = Parameters::read([("a", "1"), ("b", "2"), ("c", "3"), ("c", "4")]).unwrap();
        let left = |pairs: &[(&'static str, &'static str)]| {
            Parameters::read(pairs.iter().copied()).unwrap()
        };
        for (names, only, without) in [
            (&["a"][..], left(&[("a", "1")]), left(&[("b", "2"), ("c", "3"), ("c", "4")])),
            (&["c", "b"], left(&[("b", "2"), ("c", "3"), ("c", "4")]), left(&[("a", "1")])),
            (&["absent"], left(&[]), all.clone()),
            (&[], left(&[]), all.clone()),
        ] {
            assert_eq!(all.clone().only(names), only, "{names:?}");
            assert_eq!(all.clone().without(names), without, "{names:?}");
        }
    }

    #[test]
    fn names_are_printed_and_values_are_not() {
        let read = Parameters::read([("state", "s"), ("client_secret", "hunter2")]).unwrap();
        assert_eq!(format!("{read:?}"), r#"{"client_secret", "state"}"#);
    }
}
