//! Names of rows: UUID version 7 inside, separate random ids for everybody outside.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::entropy::{Entropy, draw};
use crate::time::Moment;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// A new id, ordered by `now` (RFC 9562 section 5.7).
            pub fn new(now: Moment, entropy: &dyn Entropy) -> Self {
                Self(uuid_v7(now, draw(entropy)))
            }

            /// As the database or a person gives it.
            pub fn from_stored(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// A user of any type.
    UserId
);
id!(
    /// A group of users.
    GroupId
);
id!(
    /// The platform, a company or a merchant.
    OrganisationId
);
id!(
    /// An identity provider.
    ProviderId
);
id!(
    /// An application and a provider joined.
    ConnectionId
);
id!(
    /// The tie between a provider's subject and a user.
    IdentityId
);
id!(
    /// One trip to a provider and back.
    AttemptId
);
id!(
    /// What somebody has to show before an account is linked.
    ProofId
);
id!(
    /// A session, as people, logs and tokens see it; never the cookie's value.
    SessionId
);
id!(
    /// An entry of the audit log.
    AuditId
);
id!(
    /// A mail in the queue.
    MailId
);
id!(
    /// A key that encrypts fields at rest.
    DataKeyId
);
id!(
    /// An OAuth client; its text is the `client_id`.
    ClientId
);
id!(
    /// What a person has let a client do: the family of its refresh tokens.
    GrantId
);

/// A random 128-bit id that tells nothing about when or in which order it was made; `sub` is one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PublicId(String);

impl PublicId {
    /// 32 hexadecimal digits.
    pub fn new(entropy: &dyn Entropy) -> Self {
        Self(hex(&draw::<16>(entropy)))
    }

    /// As the database gives it.
    pub fn from_stored(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn uuid_v7(now: Moment, random: [u8; 10]) -> String {
    let millis = u64::try_from(now.micros() / 1000).unwrap_or(0);
    let mut bytes = [0_u8; 16];
    bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
    bytes[6..].copy_from_slice(&random);
    bytes[6] = (bytes[6] & 0x0f) | 0x70;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let text = hex(&bytes);
    [&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]].join("-")
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(u8);
    impl Entropy for Fixed {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(self.0);
        }
    }

    #[test]
    fn an_id_carries_version_and_variant_of_rfc_9562() {
        let id = UserId::new(Moment::from_micros(1_645_557_742_000_000), &Fixed(0xff));
        assert_eq!(id.as_str(), "017f22e2-79b0-7fff-bfff-ffffffffffff");
    }

    #[test]
    fn later_ids_sort_after_earlier_ones() {
        let early = UserId::new(Moment::from_seconds(1), &Fixed(0xff));
        let late = UserId::new(Moment::from_seconds(2), &Fixed(0x00));
        assert!(early < late);
    }
}
