//! What a decision hook answers: read strictly, because whatever is not understood could be a no.

use serde::{Deserialize, Deserializer};

use super::HookFault;
use crate::federation::claims::{clean, is_language_tag};
use crate::federation::mapping::MAX_GROUPS;
use crate::groups::GroupName;
use crate::text::printable;

/// Longest answer, in bytes.
pub const MAX_ANSWER: usize = 64 * 1024;

/// How much of what is wrong with an answer the audit shows, in characters.
const MAX_SHOWN: usize = 200;

/// Yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The decision stands.
    Allow,
    /// The person is turned away.
    Refuse,
}

/// A good answer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HookAnswer {
    /// Yes or no.
    pub decision: Verdict,
    /// The given name from now on.
    #[serde(default, deserialize_with = "said")]
    pub given_name: Option<String>,
    /// The family name from now on.
    #[serde(default, deserialize_with = "said")]
    pub family_name: Option<String>,
    /// The language from now on (BCP 47).
    #[serde(default, deserialize_with = "said")]
    pub locale: Option<String>,
    /// Groups to be put into besides, by name.
    #[serde(default)]
    pub groups: Vec<String>,
}

/// What is written was said; `null` is no text.
fn said<'de, D: Deserializer<'de>>(value: D) -> Result<Option<String>, D::Error> {
    String::deserialize(value).map(Some)
}

impl HookAnswer {
    /// Reads the body of an answer. Whether its groups are there, only the decision knows.
    pub fn parse(body: &[u8]) -> Result<Self, HookFault> {
        if body.len() > MAX_ANSWER {
            return Err(HookFault::Answer(format!("it is longer than {MAX_ANSWER} bytes")));
        }
        let answer: Self = serde_json::from_slice(body).map_err(|error| {
            let shown: String = error.to_string().chars().take(MAX_SHOWN).collect();
            HookFault::Answer(printable(&shown))
        })?;
        answer.check().map_err(|what| HookFault::Answer(what.to_owned()))?;
        Ok(answer)
    }

    fn check(&self) -> Result<(), &'static str> {
        let is_name = |name: &String| !name.is_empty() && clean(name) == *name;
        if !self.given_name.iter().chain(&self.family_name).all(is_name) {
            return Err("a name has 1 to 255 characters, all of them printable");
        }
        if !self.locale.iter().all(|tag| is_language_tag(tag)) {
            return Err("\"locale\" is no language tag");
        }
        if self.groups.len() > MAX_GROUPS {
            return Err("it names too many groups");
        }
        if !self.groups.iter().all(|name| GroupName::parse(name).is_ok()) {
            return Err("it names a group as none can be called");
        }
        Ok(())
    }
}
