//! Tokens of providers, proved with the keys that those publish.

use identity::federation::id_token::{self, Expected, IdClaims, TokenFault};
use identity::federation::jwks::KeySet;
use identity::federation::provider::Provider;
use identity::federation::subject_token::{self, SubjectKind, SubjectToken};
use identity::secret::Secret;

use super::{Exchange, Failure, Tokens, Upstream};
use crate::clock::Clock;

/// A token that a client brings to exchange it (RFC 8693).
pub struct BroughtToken<'a> {
    /// The token.
    pub token: &'a Secret,
    /// What it is said to be.
    pub kind: SubjectKind,
    /// Clients of the provider whose ID tokens are taken.
    pub audiences: &'a [String],
    /// We: the public URL.
    pub house: &'a str,
}

impl Upstream {
    /// Proves the ID token that came for a code.
    pub(super) async fn prove_id(
        &self,
        exchange: &Exchange<'_>,
        tokens: &Tokens,
        clock: &dyn Clock,
    ) -> Result<IdClaims, Failure> {
        let Exchange { provider, attempt, .. } = *exchange;
        let now = clock.now();
        let expected = Expected {
            issuer: &provider.issuer,
            client_id: &provider.client_id,
            nonce: &attempt.nonce,
            algorithms: &provider.algorithms,
            now,
            leeway: self.leeway,
            max_age: attempt.max_age_at(now),
            access_token: tokens.access_token.as_ref().map(Secret::expose),
        };
        let token = &tokens.id_token;
        let verify = |keys: &KeySet| id_token::verify(token.expose(), keys, &expected);
        self.with_keys(provider, token, clock, verify).await
    }

    /// Proves a token that a client brings to exchange it. The provider is asked for its keys and
    /// for nothing else.
    pub async fn prove(
        &self,
        provider: &Provider,
        brought: &BroughtToken<'_>,
        clock: &dyn Clock,
    ) -> Result<SubjectToken, Failure> {
        let expected = subject_token::Expected {
            issuer: &provider.issuer,
            algorithms: &provider.algorithms,
            kind: brought.kind,
            audiences: brought.audiences,
            house: brought.house,
            now: clock.now(),
            leeway: self.leeway,
        };
        let token = brought.token;
        let verify = |keys: &KeySet| subject_token::verify(token.expose(), keys, &expected);
        self.with_keys(provider, token, clock, verify).await
    }

    /// Checks a token with the keys at hand, and once more with newer ones where those could help.
    async fn with_keys<T>(
        &self,
        provider: &Provider,
        token: &Secret,
        clock: &dyn Clock,
        verify: impl Fn(&KeySet) -> Result<T, TokenFault>,
    ) -> Result<T, Failure> {
        let read = self.keys.read(&self.wire, provider, clock).await;
        let read = read.map_err(|fault| Failure::of_keys(&fault))?;
        let outcome = match verify(&read.keys) {
            Err(fault) if fault.is_about_keys() => {
                match self.keys.newer(&self.wire, provider, clock, &read).await {
                    Some(newer) => verify(&newer.keys),
                    None => Err(fault),
                }
            }
            settled => settled,
        };
        outcome.map_err(|fault| Failure::of_token(fault, token))
    }
}
