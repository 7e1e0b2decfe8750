//! Token exchange (RFC 8693): what a client asks for, and what its tokens let it have at most.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::federation::subject_token::SubjectKind;
use crate::oauth::clients::Client;
use crate::oauth::error::{OAuthError, OAuthFault};
use crate::oauth::parameters::Parameters;
use crate::oauth::resources::{is_meant, registered};
use crate::oauth::scopes::{OFFLINE_ACCESS, OPENID, Scopes};
use crate::oauth::tokens::{AccessToken, TOKEN_LIFE};
use crate::secret::Secret;
use crate::time::Moment;

#[cfg(test)]
mod tests;

/// `access_token` among the token types (RFC 8693 section 3); what we answer with.
pub const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// `id_token`, of a provider.
const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";

/// `jwt`: an access token whose form is told besides.
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// Most actors of a chain (section 4.1): a longer one is a circle.
const MAX_ACTORS: usize = 5;

/// What a client asks for (section 2.1).
#[derive(Clone, Debug)]
pub struct ExchangeRequest {
    /// About whom.
    pub subject: Secret,
    /// What that is said to be.
    pub kind: SubjectKind,
    /// Who acts for them, if somebody does.
    pub actor: Option<Secret>,
    /// What the result may do; none: as much as it can.
    pub scopes: Option<Scopes>,
    /// What the result is for: `resource` and `audience` together, which are the same here.
    pub targets: Vec<String>,
}

impl ExchangeRequest {
    /// Reads a form whose client may exchange.
    pub fn read(form: &Parameters, client: &Client) -> Result<Self, OAuthFault> {
        let kind = match form.needed("subject_token_type")? {
            ID_TOKEN => SubjectKind::IdToken,
            ACCESS_TOKEN | JWT => SubjectKind::AccessToken,
            _ => return Err(invalid("subject_token_type is id_token, access_token or jwt")),
        };
        if form.once("requested_token_type").is_some_and(|wanted| wanted != ACCESS_TOKEN) {
            return Err(invalid("only access tokens are given in exchange (requested_token_type)"));
        }
        let actor = match (form.once("actor_token"), form.once("actor_token_type")) {
            (None, None) => None,
            (Some(actor), Some(ACCESS_TOKEN | JWT)) => Some(Secret::new(actor)),
            (Some(_), _) => return Err(invalid("actor_token_type is access_token or jwt")),
            (None, Some(_)) => return Err(invalid("actor_token_type comes with an actor_token")),
        };
        let scopes = form.once("scope").map(Scopes::parse).transpose().map_err(|malformed| {
            OAuthFault::new(OAuthError::InvalidScope, malformed.to_string())
        })?;
        let asked = [form.all("resource"), form.all("audience")].concat();
        Ok(Self {
            subject: Secret::new(form.needed("subject_token")?),
            kind,
            actor,
            scopes,
            targets: registered(&asked, client)?,
        })
    }
}

/// Whether a client may bring this token of ours: it is the client's own, with the key that it is
/// bound to, or the client is one of those that it is for. `issuer`: the public URL.
pub fn may_bring(
    token: &AccessToken,
    client: &Client,
    dpop_jkt: Option<&str>,
    issuer: &str,
) -> bool {
    if token.client == client.id {
        return token.dpop_jkt.is_none() || token.dpop_jkt.as_deref() == dpop_jkt;
    }
    is_meant(client, token, issuer)
}

/// What bounds the result.
#[derive(Clone, Copy, Debug)]
pub struct Bounds<'a> {
    /// We: the public URL.
    pub issuer: &'a str,
    /// Who asks.
    pub client: &'a Client,
    /// For what.
    pub asked: &'a ExchangeRequest,
    /// With which token of ours; none for a provider's token.
    pub subject: Option<&'a AccessToken>,
    /// Who acts, proved.
    pub actor: Option<&'a AccessToken>,
    /// When the subject token ends.
    pub ends_at: Moment,
    /// Now.
    pub now: Moment,
}

/// What the result says, besides about whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    /// What it may do.
    pub scopes: Scopes,
    /// What it is for.
    pub audience: Vec<String>,
    /// When it ends.
    pub ends_at: Moment,
    /// Who acts, the latest outermost (section 4.1).
    pub act: Option<Value>,
}

impl Bounds<'_> {
    /// Never more than the subject token, the client and the chain of actors allow (statement 83).
    pub fn terms(&self) -> Result<Terms, OAuthFault> {
        let act = self.act()?;
        let scopes = self.scopes(act.is_some())?;
        let audience = self.audience(&scopes)?;
        let ends_at = self.ends_at.min(self.now.plus(TOKEN_LIFE));
        Ok(Terms { scopes, audience, ends_at, act })
    }

    /// Section 4.1: the actors of the subject token stay in the chain.
    fn act(&self) -> Result<Option<Value>, OAuthFault> {
        let before = self.subject.and_then(|subject| subject.claims.get("act"));
        let Some(actor) = self.actor else { return Ok(before.cloned()) };
        let mut act = json!({ "sub": actor.subject });
        if let Some(before) = before {
            act["act"] = before.clone();
        }
        let chain = std::iter::successors(Some(&act), |one| one.get("act"));
        if chain.count() > MAX_ACTORS {
            return Err(invalid("the chain of actors is longer than any that makes sense"));
        }
        Ok(Some(act))
    }

    fn scopes(&self, is_delegated: bool) -> Result<Scopes, OAuthFault> {
        let own = Scopes::of(self.client.scopes.iter().map(String::as_str));
        let allowed = match self.subject {
            Some(subject) => own.and(&subject.scopes),
            None => own,
        };
        let good = |scope: &&str| *scope != OFFLINE_ACCESS && (!is_delegated || delegable(scope));
        let allowed = Scopes::of(allowed.iter().filter(good));
        match &self.asked.scopes {
            None => Ok(allowed),
            Some(asked) if asked.is_within(&allowed) => Ok(asked.clone()),
            Some(_) => {
                let text = "an exchange gives no scope that the subject token, the client or a \
                            chain of actors does not have";
                Err(OAuthFault::new(OAuthError::InvalidScope, text))
            }
        }
    }

    /// What was asked for, which are resources of the client; else what the subject token is for,
    /// as far as those are the client's. We are among them where userinfo may be asked.
    fn audience(&self, scopes: &Scopes) -> Result<Vec<String>, OAuthFault> {
        let was_for = |one: &String| self.subject.is_some_and(|token| token.audience.contains(one));
        let mut audience = self.asked.targets.clone();
        if audience.is_empty() {
            let own = self.client.resources.iter();
            audience = own.filter(|resource| was_for(resource)).cloned().collect();
        }
        let issuer = self.issuer.to_owned();
        let may_be_ours = self.subject.is_none() || was_for(&issuer);
        if scopes.contains(OPENID) || (audience.is_empty() && may_be_ours) {
            audience.push(issuer);
        }
        if audience.is_empty() {
            let text = "say what the token is to be for (resource), among the client's resources";
            return Err(OAuthFault::new(OAuthError::InvalidTarget, text));
        }
        Ok(audience)
    }
}

/// What may be done in somebody else's name: nothing that says who is signed in, that outlives
/// them, or that administrates.
fn delegable(scope: &str) -> bool {
    let administrates = scope.strip_prefix("admin");
    let administrates = administrates
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '.', '_', '/', '-']));
    !administrates && scope != OPENID && scope != OFFLINE_ACCESS
}

impl Terms {
    /// How long the result lives.
    pub fn life(&self, now: Moment) -> Duration {
        self.ends_at.since(now)
    }

    /// The claims of the result. `person` holds who it is about, and by which sign-in: nothing of
    /// it that these terms speak of is kept.
    pub fn claims(
        &self,
        person: &Map<String, Value>,
        client: &Client,
        dpop_jkt: Option<&str>,
        jti: &str,
        now: Moment,
    ) -> Map<String, Value> {
        const KEPT: [&str; 7] = ["iss", "sub", "grant", "sid", "auth_time", "amr", "acr"];
        let mut claims: Map<String, Value> =
            person.iter().filter(|(name, _)| KEPT.contains(&name.as_str())).map(owned).collect();
        let mut say = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        say("aud", json!(self.audience));
        say("client_id", client.id.as_str().into());
        say("scope", self.scopes.to_string().into());
        say("iat", now.seconds().into());
        say("exp", self.ends_at.seconds().into());
        say("jti", jti.into());
        if let Some(act) = &self.act {
            say("act", act.clone());
        }
        if let Some(thumbprint) = dpop_jkt {
            say("cnf", json!({ "jkt": thumbprint }));
        }
        claims
    }
}

fn owned((name, value): (&String, &Value)) -> (String, Value) {
    (name.clone(), value.clone())
}

fn invalid(description: &str) -> OAuthFault {
    OAuthFault::new(OAuthError::InvalidRequest, description)
}
