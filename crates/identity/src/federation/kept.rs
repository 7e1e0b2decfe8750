//! What is kept of somebody who arrived, so that the decision can be made again: of the claims only
//! what rules read.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::email::Email;
use crate::federation::external::{EmailVerified, ExternalIdentity};
use crate::federation::policy::Policy;
use crate::ids::ProviderId;
use crate::users::Name;

/// Most that is kept of one person's claims, in bytes of JSON. What is over is as if no rule read it.
const MAX_KEPT: usize = 16 * 1024;

/// Where a provider says that claims are to be had elsewhere (OpenID Connect Core 5.6.2).
const ELSEWHERE: &str = "_claim_names";

/// Somebody who arrived, without what no rule of the policy in force looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptArrival {
    issuer: String,
    subject: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    email_verified: EmailVerified,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hosted_domain: Option<String>,
    /// Those that rules read, as the provider said them.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    claims: Map<String, Json>,
    /// Those that rules read, and of which it said nothing.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    absent: BTreeSet<String>,
}

impl KeptArrival {
    /// What is kept under this policy.
    pub fn of(external: &ExternalIdentity, policy: &Policy) -> Self {
        let mut kept = Self {
            issuer: external.issuer.clone(),
            subject: external.subject.clone(),
            email: external.email.as_ref().map(|email| email.as_typed().to_owned()),
            email_verified: external.email_verified,
            hosted_domain: external.hosted_domain.clone(),
            claims: Map::new(),
            absent: BTreeSet::new(),
        };
        let reads = policy.reads();
        let mut room = MAX_KEPT;
        for name in &reads {
            let Some(value) = external.claims.get(*name) else {
                kept.absent.insert((*name).to_owned());
                continue;
            };
            let length = name.len() + value.to_string().len();
            if length <= room {
                room -= length;
                kept.claims.insert((*name).to_owned(), value.clone());
            }
        }
        // Where claims are elsewhere changes what comes of a rule that reads them.
        if let Some(Json::Object(elsewhere)) = external.claims.get(ELSEWHERE) {
            let read = elsewhere.iter().filter(|(name, _)| reads.contains(name.as_str()));
            let read: Map<_, _> = read.map(|(name, _)| (name.clone(), Json::Null)).collect();
            if !read.is_empty() && !kept.claims.contains_key(ELSEWHERE) {
                kept.claims.insert(ELSEWHERE.to_owned(), Json::Object(read));
            }
        }
        kept
    }

    /// Who they are at their provider.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The first claim that rules of this policy read and that was not kept, so that nothing can be
    /// said about what they would make of it.
    pub fn lacks<'p>(&self, policy: &'p Policy) -> Option<&'p str> {
        let claims = self.known_claims();
        let known = |name: &str| claims.contains_key(name) || self.absent.contains(name);
        policy.reads().into_iter().find(|name| !known(name))
    }

    /// As they stood at the door. What they are called was not kept: no outcome hangs on it but by
    /// rules, which read claims.
    pub fn external(&self, provider: &ProviderId) -> ExternalIdentity {
        ExternalIdentity {
            provider: provider.clone(),
            issuer: self.issuer.clone(),
            subject: self.subject.clone(),
            email: self.email.as_deref().and_then(|email| Email::parse(email).ok()),
            email_verified: self.email_verified,
            hosted_domain: self.hosted_domain.clone(),
            name: Name::default(),
            locale: None,
            claims: self.known_claims(),
        }
    }

    /// The claims that were kept, and those that follow from the rest.
    fn known_claims(&self) -> Map<String, Json> {
        let mut claims = self.claims.clone();
        let mut follows = |name: &str, value: Option<Json>| {
            if let Some(value) = value.filter(|_| !self.absent.contains(name)) {
                claims.entry(name).or_insert(value);
            }
        };
        follows("iss", Some(self.issuer.as_str().into()));
        follows("sub", Some(self.subject.as_str().into()));
        follows("email", self.email.as_deref().map(Json::from));
        // Whatever is not true was something that we do not know any more.
        let verified = self.email_verified == EmailVerified::Yes;
        follows("email_verified", verified.then_some(Json::Bool(true)));
        claims
    }
}

#[cfg(test)]
mod tests;
