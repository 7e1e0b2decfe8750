//! One trip to a provider: how it begins, and which answer may end it.

use std::time::Duration;

use url::Url;

use crate::applications::ApplicationKey;
use crate::entropy::Entropy;
use crate::federation::provider::{Provider, ProviderState};
use crate::federation::refusal::Refusal;
use crate::ids::{AttemptId, ProofId, ProviderId, SessionId, UserId};
use crate::secret::{Digest, Secret};
use crate::text::is_unprintable;
use crate::time::Moment;

#[cfg(test)]
mod tests;

/// How long a trip may take: time for a person to find a second factor, or to reset a password at
/// the provider; not so long that a link left in a forgotten tab still works the next morning.
pub const ATTEMPT_LIFE: Duration = Duration::from_secs(10 * 60);

/// Our `state` has at most 76 characters (key, underscore, 43); anything longer is not ours.
const MAX_STATE: usize = 128;
/// Codes are opaque; those of Entra ID run to more than a thousand characters.
const MAX_CODE: usize = 4096;
/// An issuer is an address.
const MAX_ISSUER: usize = 2048;
/// What a provider says about its errors is kept for the audit, up to this many characters.
const MAX_ERROR: usize = 500;

/// Who wants an identity tied to their own account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asker {
    /// Who.
    pub user: UserId,
    /// In which session; in no other is it carried out.
    pub session: SessionId,
}

/// What a trip is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Intent {
    /// Whoever comes back signs in.
    #[default]
    SignIn,
    /// The identity that comes back is tied to whoever asked, if they are still the one who is
    /// signed in; nobody is signed in by it.
    Link(Asker),
    /// Whoever comes back shows that an account is theirs, to which another provider shall be
    /// linked; nobody is signed in by it.
    Prove(ProofId),
}

/// What a trip to a provider is begun with.
#[derive(Clone, Copy, Debug)]
pub struct Trip<'a> {
    /// To whom.
    pub provider: &'a Provider,
    /// From which door.
    pub application: &'a ApplicationKey,
    /// Where the provider sends the browser back to; the same text goes to the token endpoint.
    pub redirect_uri: &'a str,
    /// What for.
    pub intent: &'a Intent,
    /// Where the person wanted to go; checked before.
    pub return_to: &'a str,
    /// Who they probably are (OpenID Connect Core 3.1.2.1).
    pub login_hint: Option<&'a str>,
    /// Their language as a BCP 47 tag (`ui_locales`).
    pub ui_locale: Option<&'a str>,
    /// Whether the provider shall ask for the password again (`prompt=login`).
    pub prompt_login: bool,
    /// How long ago the person may have signed in there at most (`max_age`); zero: since the trip
    /// began. The provider has to tell then, so that nobody can take the wish out of the address.
    pub max_age: Option<Duration>,
    /// What the policy adds to the request, by name. What keeps a promise of ours stays ours.
    pub parameters: &'a [(String, String)],
}

/// A trip that was begun, as it is remembered until the browser comes back.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Name of the row.
    pub id: AttemptId,
    /// From which door.
    pub application: ApplicationKey,
    /// To whom; an answer at another provider's address does not end this trip.
    pub provider: ProviderId,
    /// As it was sent (RFC 6749 section 4.1.3 wants it again with the code).
    pub redirect_uri: String,
    /// Ties the ID token to this trip.
    pub nonce: Secret,
    /// PKCE (RFC 7636); there exactly when the provider knew it at the beginning. A change of the
    /// provider's metadata during the trip does not take it away (RFC 9700 section 4.8).
    pub verifier: Option<Secret>,
    /// What it is for.
    pub intent: Intent,
    /// Where the person wanted to go.
    pub return_to: String,
    /// What was sent as `max_age`.
    pub max_age: Option<Duration>,
    /// When it began.
    pub created_at: Moment,
    /// From when on no answer counts.
    pub expires_at: Moment,
}

/// A trip, and what the browser needs for it.
#[derive(Clone, Debug)]
pub struct Begun {
    /// To be remembered under the digest of `state`.
    pub attempt: Attempt,
    /// `{application}_{random}`; only its digest is stored.
    pub state: Secret,
    /// Where the browser goes.
    pub location: Url,
}

/// Why a trip cannot begin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BeginError {
    /// What is stored for the provider cannot be used.
    #[error(
        "the authorization endpoint \"{endpoint}\" is not an address; read the provider's \
         discovery document again: vestibule providers refresh {provider}"
    )]
    AuthorizationEndpoint {
        /// Key of the provider.
        provider: String,
        /// What is stored for it.
        endpoint: String,
    },
}

/// Begins a trip: fresh state (256 bit), nonce and PKCE verifier, and the address of the
/// authentication request (OpenID Connect Core 3.1.2.1, RFC 7636 section 4.3 with S256).
pub fn begin(trip: &Trip<'_>, now: Moment, entropy: &dyn Entropy) -> Result<Begun, BeginError> {
    let random = Secret::generate(entropy);
    let state = Secret::new(format!("{}_{}", trip.application, random.expose()));
    let attempt = Attempt {
        id: AttemptId::new(now, entropy),
        application: trip.application.clone(),
        provider: trip.provider.id.clone(),
        redirect_uri: trip.redirect_uri.to_owned(),
        nonce: Secret::generate(entropy),
        verifier: trip.provider.pkce.then(|| Secret::generate(entropy)),
        intent: trip.intent.clone(),
        return_to: trip.return_to.to_owned(),
        max_age: trip.max_age,
        created_at: now,
        expires_at: now.plus(ATTEMPT_LIFE),
    };
    let location = location(trip, &attempt, &state)?;
    Ok(Begun { attempt, state, location })
}

fn location(trip: &Trip<'_>, attempt: &Attempt, state: &Secret) -> Result<Url, BeginError> {
    let endpoint = &trip.provider.endpoints.authorization;
    let mut url = Url::parse(endpoint).map_err(|_| BeginError::AuthorizationEndpoint {
        provider: trip.provider.key.clone(),
        endpoint: endpoint.clone(),
    })?;
    let mut ours = vec![
        ("response_type", "code".to_owned()),
        ("client_id", trip.provider.client_id.clone()),
        ("redirect_uri", trip.redirect_uri.to_owned()),
        ("scope", trip.provider.scopes.join(" ")),
        ("state", state.expose().to_owned()),
        ("nonce", attempt.nonce.expose().to_owned()),
    ];
    if let Some(verifier) = &attempt.verifier {
        // The digest of a secret is BASE64URL(SHA256(ASCII(text))), which is the S256 challenge.
        ours.push(("code_challenge", verifier.digest().as_str().to_owned()));
        ours.push(("code_challenge_method", "S256".to_owned()));
    }
    let added = |name: &str| trip.parameters.iter().any(|(own, _)| own == name);
    let hints = [("login_hint", trip.login_hint), ("ui_locales", trip.ui_locale)];
    for (name, hint) in hints.into_iter().filter(|(name, _)| !added(name)) {
        ours.extend(hint.map(|hint| (name, hint.to_owned())));
    }
    ours.extend(trip.prompt_login.then(|| ("prompt", "login".to_owned())));
    ours.extend(trip.max_age.map(|most| ("max_age", most.as_secs().to_string())));
    for (name, value) in trip.parameters {
        if !ours.iter().any(|(own, _)| own == name) {
            ours.push((name, value.clone()));
        }
    }
    // RFC 6749 section 3.1: the endpoint's own query is kept, and no parameter is sent twice.
    let kept: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(name, _)| !ours.iter().any(|(own, _)| own == name))
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    url.query_pairs_mut().clear().extend_pairs(kept).extend_pairs(ours);
    Ok(url)
}

/// The application that a `state` of ours names, so that an answer to a forgotten trip still leads
/// back to the right door. It proves nothing.
pub fn application_of(state: &str) -> Option<&str> {
    state.split_once('_').map(|(application, _)| application).filter(|key| !key.is_empty())
}

/// What came back to the redirect URI, by query or by form.
#[derive(Clone, Default)]
pub struct Answer {
    /// The authorization code.
    pub code: Option<String>,
    /// What we sent, if it is that.
    pub state: Option<String>,
    /// Who says that they answer (RFC 9207).
    pub iss: Option<String>,
    /// An error code (RFC 6749 section 4.1.2.1).
    pub error: Option<String>,
    /// Words about the error, cut short; for the audit, never for a page.
    pub error_description: Option<String>,
}

/// Why something that came to the redirect URI is not even an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerFault {
    /// RFC 6749 section 3.1: parameters must not be included more than once.
    #[error("the answer contains \"{0}\" more than once; the provider must send it once")]
    Repeated(&'static str),
    /// Nobody needs that much.
    #[error("\"{0}\" in the answer is too long; the provider must send a shorter one")]
    TooLong(&'static str),
    /// RFC 6749 appendix A.11 and RFC 9207 section 2 allow none; the audit is read on terminals.
    #[error("\"{0}\" in the answer contains control characters; the provider must send none")]
    Control(&'static str),
}

impl From<AnswerFault> for Refusal {
    fn from(_: AnswerFault) -> Self {
        Self::ProviderMalformed
    }
}

impl Answer {
    /// Reads decoded names and values. What we do not know is ignored, and what is empty counts as
    /// not sent (RFC 6749 section 3.1).
    pub fn parse<'p>(
        pairs: impl IntoIterator<Item = (&'p str, &'p str)>,
    ) -> Result<Self, AnswerFault> {
        const NAMES: [(&str, usize); 5] = [
            ("code", MAX_CODE),
            ("state", MAX_STATE),
            ("iss", MAX_ISSUER),
            ("error", usize::MAX),
            ("error_description", usize::MAX),
        ];
        let mut found: [Option<&str>; 5] = [None; 5];
        for (name, value) in pairs {
            let Some(place) = NAMES.iter().position(|(known, _)| *known == name) else { continue };
            let (name, limit) = NAMES[place];
            if found[place].replace(value).is_some() {
                return Err(AnswerFault::Repeated(name));
            }
            if value.len() > limit {
                return Err(AnswerFault::TooLong(name));
            }
        }
        for (place, name) in [(0, "code"), (2, "iss")] {
            if found[place].is_some_and(|value| value.chars().any(is_unprintable)) {
                return Err(AnswerFault::Control(name));
            }
        }
        let [code, state, iss, error, words] = found.map(|value| value.filter(|v| !v.is_empty()));
        Ok(Self {
            code: code.map(str::to_owned),
            state: state.map(str::to_owned),
            iss: iss.map(str::to_owned),
            error: error.map(for_the_audit),
            error_description: words.map(for_the_audit),
        })
    }

    /// Under which key the attempt is remembered. None means that nobody asked for this answer: a
    /// sign-in that the provider began itself is refused.
    pub fn state_digest(&self) -> Option<Digest> {
        self.state.as_deref().map(|state| Digest::of(state.as_bytes()))
    }
}

/// Shows whether there is a code and a state, never which: they are worth a session.
impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer")
            .field("code", &self.code.is_some())
            .field("state", &self.state.is_some())
            .field("iss", &self.iss)
            .field("error", &self.error)
            .field("error_description", &self.error_description)
            .finish()
    }
}

/// A provider's words without what could break a line of a log, cut short.
fn for_the_audit(text: &str) -> String {
    text.chars().filter(|&c| !is_unprintable(c)).take(MAX_ERROR).collect()
}

impl Attempt {
    /// Whether this answer, at this provider's redirect URI, may end the trip; gives the code.
    ///
    /// Nothing here needs the network, so a wrong answer is refused before the code or the client
    /// secret leaves. The order: whose answer it is (RFC 9700 section 4.4), also for errors
    /// (RFC 9207 section 2.4); then what it says.
    pub fn accept(
        &self,
        provider: &Provider,
        answer: &Answer,
        now: Moment,
    ) -> Result<Secret, Refusal> {
        if provider.id != self.provider {
            return Err(Refusal::IssuerMismatch);
        }
        if provider.state == ProviderState::Disabled {
            return Err(Refusal::ProviderDisabled);
        }
        if now >= self.expires_at {
            return Err(Refusal::AttemptExpired);
        }
        let from_issuer = match &answer.iss {
            Some(issuer) => *issuer == provider.issuer,
            None => !provider.promises_iss,
        };
        if !from_issuer {
            return Err(Refusal::IssuerMismatch);
        }
        match (answer.error.as_deref(), &answer.code) {
            (Some("access_denied"), _) => Err(Refusal::ProviderDenied),
            (Some(_), _) => Err(Refusal::ProviderError),
            (None, Some(code)) => Ok(Secret::new(code.clone())),
            (None, None) => Err(Refusal::ProviderMalformed),
        }
    }

    /// How long ago the person may have signed in by now, where that matters. Whoever signed in
    /// during the trip did so for it, however long they took for the rest of it.
    pub fn max_age_at(&self, now: Moment) -> Option<Duration> {
        self.max_age.map(|most| most.max(now.since(self.created_at)))
    }

    /// When the person signed in, of what a proved ID token claims. Whoever was asked to sign in
    /// during the trip did so by a clock that may be a little behind ours: not before it began.
    pub fn auth_time(&self, claimed: Option<Moment>, now: Moment) -> Option<Moment> {
        let at = claimed?.min(now);
        let anew = self.max_age.is_some_and(|most| most.is_zero());
        Some(if anew { at.max(self.created_at) } else { at })
    }
}
