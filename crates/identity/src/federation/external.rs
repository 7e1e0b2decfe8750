//! What came back from a provider and was proved.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::email::Email;
use crate::ids::ProviderId;
use crate::users::Name;

/// What the provider said about the e-mail address; absent is not false.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EmailVerified {
    /// `email_verified` was the boolean true (or the string, where the profile accepts it).
    Yes,
    /// It was there, and was anything else.
    No,
    /// It was not there.
    Absent,
}

impl EmailVerified {
    /// Every value.
    pub const ALL: [Self; 3] = [Self::Yes, Self::No, Self::Absent];
}

/// Who stands at the door, by a provider's proved word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExternalIdentity {
    /// Which provider.
    pub provider: ProviderId,
    /// Its issuer, exactly as in the token.
    pub issuer: String,
    /// Who they are there, for ever.
    pub subject: String,
    /// The address that it gave, if it is an address at all.
    pub email: Option<Email>,
    /// What it said about the address.
    pub email_verified: EmailVerified,
    /// Google's word for the company that runs the mailbox (`hd`).
    pub hosted_domain: Option<String>,
    /// What they are called.
    pub name: Name,
    /// BCP 47 tag, if it said one.
    pub locale: Option<String>,
    /// Everything that it said, for rules to look at: the ID token's claims, and from UserInfo
    /// those that it lacks.
    #[serde(skip)]
    pub claims: Map<String, Value>,
}
