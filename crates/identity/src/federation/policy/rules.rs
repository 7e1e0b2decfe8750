//! What a policy says in expressions: what claims become here, how often they are looked at, and
//! what a provider is asked for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::expressions::{Challenge, ChallengeFacts, EvaluationFault, Expression, Kind, Rule};
use crate::users::words;

use super::Policy;

/// What the claims of somebody who may pass become here. What no rule says stays as it is without
/// one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mapping {
    /// Who is turned away after all: whoever it is true for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refuse_if: Option<Expression<Rule>>,
    /// Names of groups; those that there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<Expression<Rule>>,
    /// The given name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_name: Option<Expression<Rule>>,
    /// The family name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family_name: Option<Expression<Rule>>,
    /// The language (BCP 47).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<Expression<Rule>>,
    /// `active` or `held`: whether somebody waits for approval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Expression<Rule>>,
}

impl Mapping {
    /// Every rule that there is, with its name.
    pub fn rules(&self) -> impl Iterator<Item = (&'static str, &Expression<Rule>)> {
        [
            ("refuse_if", &self.refuse_if),
            ("groups", &self.groups),
            ("given_name", &self.given_name),
            ("family_name", &self.family_name),
            ("locale", &self.locale),
            ("status", &self.status),
        ]
        .into_iter()
        .filter_map(|(name, rule)| Some((name, rule.as_ref()?)))
    }
}

/// A rule that can never give what its place needs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{rule} has to be {wanted}, and this is {found}: {text}")]
pub struct KindError {
    rule: String,
    wanted: &'static str,
    found: &'static str,
    text: String,
}

/// That every rule could give what its place needs: who may pass is a condition, a name is a text.
pub(super) fn check_kinds(policy: &Policy) -> Result<(), KindError> {
    let place = |rule: &str, expression: &Expression<Rule>| {
        let (wanted, fits): (_, &[Kind]) = match rule.rsplit('.').next() {
            Some("allow_if" | "refuse_if") => ("a condition", &[Kind::Condition]),
            Some("groups") => ("a text or a list of texts", &[Kind::Text, Kind::List]),
            _ => ("a text", &[Kind::Text]),
        };
        let kind = expression.kind();
        if kind == Kind::Open || fits.contains(&kind) {
            return Ok(());
        }
        let text = expression.as_str().to_owned();
        Err(KindError { rule: rule.to_owned(), wanted, found: kind.what(), text })
    };
    if let Some(expression) = &policy.allow_if.value {
        place("allow_if", expression)?;
    }
    let mappings =
        [("on_create", &policy.on_create.value), ("on_sign_in", &policy.on_sign_in.value)];
    for (field, mapping) in mappings {
        for (rule, expression) in mapping.rules() {
            place(&format!("{field}.{rule}"), expression)?;
        }
    }
    for (name, expression) in &policy.on_challenge.value.0 {
        if !matches!(expression.kind(), Kind::Text | Kind::Open) {
            let (rule, found) = (format!("on_challenge.{name}"), expression.kind().what());
            let text = expression.as_str().to_owned();
            return Err(KindError { rule, wanted: "a text", found, text });
        }
    }
    Ok(())
}

/// How often an attribute is taken from what a provider says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SyncMode {
    /// Never.
    Off,
    /// The first time: when the user is made, or linked and still without one.
    Import,
    /// At every sign-in.
    Force,
}

impl SyncMode {
    /// Every choice.
    pub const ALL: [Self; 3] = [Self::Off, Self::Import, Self::Force];

    /// The word for it in data and commands.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Import => "import",
            Self::Force => "force",
        }
    }
}

/// How often each attribute is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SyncModes {
    /// Given and family name.
    pub name: SyncMode,
    /// The language.
    pub locale: SyncMode,
    /// The user's own address, at every sign-in or never: there is always one already.
    pub email: SyncMode,
    /// What the rules about groups give. A group that is no longer among it is taken away again,
    /// if it was this connection that gave it.
    pub groups: SyncMode,
}

impl Default for SyncModes {
    fn default() -> Self {
        Self {
            name: SyncMode::Import,
            locale: SyncMode::Import,
            email: SyncMode::Off,
            groups: SyncMode::Force,
        }
    }
}

/// What becomes of somebody for whom the rules about groups name none that there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoGroupMatch {
    /// They are in the default groups.
    Default,
    /// They keep what they have.
    Keep,
    /// They are turned away.
    Refuse,
}

impl NoGroupMatch {
    /// Every choice.
    pub const ALL: [Self; 3] = [Self::Default, Self::Keep, Self::Refuse];

    /// The word for it in data and commands.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Keep => "keep",
            Self::Refuse => "refuse",
        }
    }
}

words!(SyncMode, NoGroupMatch);

/// Parameters of the authentication request that are ours alone to say: they carry the protocol
/// (OpenID Connect Core 3.1.2.1, RFC 7636 section 4.3, RFC 9101 section 4, RFC 9126 section 4),
/// or a promise that somebody signs in anew.
const OURS: [&str; 14] = [
    "client_id",
    "code_challenge",
    "code_challenge_method",
    "id_token_hint",
    "max_age",
    "nonce",
    "redirect_uri",
    "registration",
    "request",
    "request_uri",
    "response_mode",
    "response_type",
    "scope",
    "state",
];

/// Most parameters of a request besides ours.
const MAX_PARAMETERS: usize = 20;

/// Longest name of a parameter, in characters.
const MAX_NAME: usize = 100;

/// What is added to the request to a provider, by the names of the parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, Expression<Challenge>>")]
pub struct Parameters(BTreeMap<String, Expression<Challenge>>);

/// Why a request cannot have these parameters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParametersError {
    /// One of the protocol's own.
    #[error("\"{0}\" is a parameter of the protocol, which is not yours to set; leave it out")]
    Ours(String),
    /// No name that a parameter can have.
    #[error("\"{0}\" is no name of a parameter; it has 1 to {MAX_NAME} letters, digits, and . _ -")]
    Name(String),
    /// More than anybody needs.
    #[error("a request has at most {MAX_PARAMETERS} parameters of yours")]
    TooMany,
}

impl Parameters {
    /// What they are for these facts; one whose facts are missing is left out.
    pub fn values(
        &self,
        facts: &ChallengeFacts<'_>,
    ) -> Result<Vec<(String, String)>, EvaluationFault> {
        let mut values = Vec::new();
        for (name, expression) in &self.0 {
            if let Some(value) = expression.text(facts)? {
                values.push((name.clone(), value));
            }
        }
        Ok(values)
    }
}

impl TryFrom<BTreeMap<String, Expression<Challenge>>> for Parameters {
    type Error = ParametersError;

    fn try_from(named: BTreeMap<String, Expression<Challenge>>) -> Result<Self, ParametersError> {
        if named.len() > MAX_PARAMETERS {
            return Err(ParametersError::TooMany);
        }
        for name in named.keys() {
            let of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
            if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(of_name) {
                return Err(ParametersError::Name(name.clone()));
            }
            if OURS.contains(&name.as_str()) {
                return Err(ParametersError::Ours(name.clone()));
            }
        }
        Ok(Self(named))
    }
}

#[cfg(test)]
mod tests;
