//! Grants: what a person has let a client do, from the code to the last refresh.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ids::{ClientId, GrantId, OrganisationId, SessionId, UserId};
use crate::oauth::authorize::AuthorizationRequest;
use crate::oauth::error::{OAuthError, OAuthFault};
use crate::oauth::pkce::Challenge;
use crate::oauth::scopes::{OFFLINE_ACCESS, Scopes};
use crate::sessions::{Method, Session};
use crate::time::Moment;
use crate::users::{Status, User};

/// Life of a code.
pub const CODE_LIFE: Duration = Duration::from_secs(60);

/// A person, a client, and what they agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Name of the row, and of the family of refresh tokens.
    pub id: GrantId,
    /// Who got it.
    pub client: ClientId,
    /// Who gave it.
    pub user: UserId,
    /// The session that it was given in.
    pub session: SessionId,
    /// Whether it outlives that session (`offline_access`, OpenID Connect Core 11).
    pub offline: bool,
    /// What was agreed on.
    pub scopes: Scopes,
    /// What access tokens are for (RFC 8707); empty: for us alone.
    pub resources: Vec<String>,
    /// The organisation that the session acted for.
    pub organisation: Option<OrganisationId>,
    /// How the person signed in.
    pub methods: Vec<Method>,
    /// When the person signed in, if anybody knows.
    pub auth_time: Option<Moment>,
    /// The DPoP key that refresh tokens are bound to (RFC 9449 section 5).
    pub dpop_jkt: Option<String>,
    /// Number of the newest refresh token; 0 when there is none.
    pub generation: u32,
    /// When that one was made.
    pub refreshed_at: Moment,
    /// When the code was redeemed.
    pub created_at: Moment,
    /// When it was ended, if it was.
    pub revoked_at: Option<Moment>,
}

impl Grant {
    /// Whether its tokens hold: it is not revoked, its user is active, and its session lives,
    /// unless it may outlive that (OpenID Connect Core 11). `session` is none once it is forgotten.
    pub fn holds(&self, user: &User, session: Option<&Session>, now: Moment) -> bool {
        let in_session = || session.is_some_and(|session| session.at(now).is_ok());
        self.revoked_at.is_none() && user.status == Status::Active && (self.offline || in_session())
    }
}

/// What stands behind a code, besides its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeTerms {
    /// Who may redeem it.
    pub client: ClientId,
    /// Must be sent once more (RFC 6749 section 4.1.3).
    pub redirect_uri: String,
    /// PKCE.
    pub challenge: Option<Challenge>,
    /// Goes into the ID token.
    pub nonce: Option<String>,
    /// What was agreed on.
    pub scopes: Scopes,
    /// What the access token is for.
    pub resources: Vec<String>,
    /// The DPoP key that it is bound to.
    pub dpop_jkt: Option<String>,
}

impl CodeTerms {
    /// Of a request that is answered with a code.
    pub fn of(request: &AuthorizationRequest) -> Self {
        Self {
            client: request.target.client.clone(),
            redirect_uri: request.target.redirect_uri.clone(),
            challenge: request.challenge.clone(),
            nonce: request.nonce.clone(),
            scopes: request.scopes.clone(),
            resources: request.resources.clone(),
            dpop_jkt: request.dpop_jkt.clone(),
        }
    }

    /// Whether whoever redeems the code is who asked for it (RFC 6749 section 4.1.3, RFC 7636
    /// section 4.6). A verifier without a challenge is refused as well: somebody took the
    /// challenge out of the request (RFC 9700 section 4.8.2).
    pub fn accept(&self, redeemed: &Redeemed<'_>) -> Result<(), OAuthFault> {
        let fault = |text: &str| Err(OAuthFault::new(OAuthError::InvalidGrant, text));
        if self.client != *redeemed.client {
            return fault("the code was given to another client");
        }
        if self.redirect_uri != redeemed.redirect_uri {
            return fault("redirect_uri is not the one of the authorization request");
        }
        match (&self.challenge, redeemed.verifier) {
            (None, None) => {}
            (None, Some(_)) => return fault("code_verifier came, but there was no code_challenge"),
            (Some(_), None) => return fault("send the code_verifier of the code_challenge"),
            (Some(challenge), Some(verifier)) if challenge.is_met_by(verifier) => {}
            (Some(_), Some(_)) => return fault("code_verifier does not fit the code_challenge"),
        }
        match self.dpop_jkt.as_deref() {
            Some(bound) if redeemed.dpop_jkt != Some(bound) => {
                fault("the code is for another DPoP key; send a proof with the key of dpop_jkt")
            }
            _ => Ok(()),
        }
    }

    /// The grant that begins when the code is redeemed. `refreshable`: whether the client may
    /// refresh. The DPoP key of a confidential client binds its access tokens alone (RFC 9449
    /// section 5), so `dpop_jkt` is the key that refresh tokens are to be bound to.
    pub fn grant(
        &self,
        id: GrantId,
        session: &Session,
        refreshable: bool,
        dpop_jkt: Option<String>,
        now: Moment,
    ) -> Grant {
        Grant {
            id,
            client: self.client.clone(),
            user: session.user.clone(),
            session: session.id.clone(),
            // What the glass was broken for ends with the session.
            offline: refreshable && self.scopes.contains(OFFLINE_ACCESS) && !session.broke_glass(),
            scopes: self.scopes.clone(),
            resources: self.resources.clone(),
            organisation: session.organisation.clone(),
            methods: session.methods.clone(),
            auth_time: session.auth_time,
            dpop_jkt,
            generation: u32::from(refreshable),
            refreshed_at: now,
            created_at: now,
            revoked_at: None,
        }
    }
}

/// What a client sends with a code.
#[derive(Clone, Copy, Debug)]
pub struct Redeemed<'a> {
    /// As authenticated.
    pub client: &'a ClientId,
    /// As sent.
    pub redirect_uri: &'a str,
    /// As sent.
    pub verifier: Option<&'a str>,
    /// Thumbprint of the proof's key, if there was a proof.
    pub dpop_jkt: Option<&'a str>,
}

#[cfg(test)]
mod tests;
