//! What a person meets between an authorization request and its answer (OpenID Connect Core
//! 3.1.2.1, 3.1.2.3 and 3.1.2.4).

use crate::ids::PublicId;
use crate::oauth::authorize::AuthorizationRequest;
use crate::oauth::error::{OAuthError, OAuthFault};
use crate::sessions::{Admission, Session};
use crate::time::Moment;

/// Whoever is at the application's door with a session.
#[derive(Clone, Copy, Debug)]
pub struct AtAuthorize<'a> {
    /// Their session.
    pub session: &'a Session,
    /// `sub` of its user.
    pub subject: &'a PublicId,
    /// What `admit` says at the application's door.
    pub admission: Admission,
}

/// A request, and what has become of it so far.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// What the application asks for.
    pub request: &'a AuthorizationRequest,
    /// When it came. A sign-in after that was made for it.
    pub begun_at: Moment,
    /// `sub` of the ID token that came as a hint.
    pub hinted: Option<&'a PublicId>,
    /// Whether the person has agreed on the page that asks.
    pub agreed: bool,
    /// Whether the person has chosen to go on as who they are.
    pub chosen: bool,
}

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A code.
    Issue,
    /// The login page; with `again` also for somebody who is signed in.
    SignIn {
        /// Whether a live session does not count.
        again: bool,
    },
    /// The page that asks who they want to be.
    ChooseAccount,
    /// The page that asks whether they agree.
    Consent,
    /// An answer without a code.
    Refuse(OAuthFault),
}

/// What comes next for this request and this visitor. With `prompt=none` it is an answer, never a
/// page.
pub fn next(asked: Asked<'_>, visitor: Option<AtAuthorize<'_>>, now: Moment) -> Step {
    let request = asked.request;
    let Some(visitor) = visitor.filter(|seen| seen.admission == Admission::Enter) else {
        return sign_in(request, false);
    };
    let made_for_this = visitor.session.auth_time >= asked.begun_at;
    let too_old = request.max_age.is_some_and(|most| now >= visitor.session.auth_time.plus(most));
    if !made_for_this && (request.prompt.login || too_old) {
        return sign_in(request, true);
    }
    if asked.hinted.is_some_and(|subject| subject != visitor.subject) {
        // Whoever has just signed in is not the one who is meant: asking again would go round.
        return if made_for_this {
            refuse(OAuthError::LoginRequired, "somebody else signed in than id_token_hint names")
        } else {
            sign_in(request, true)
        };
    }
    if request.prompt.select_account && !made_for_this && !asked.chosen {
        return Step::ChooseAccount;
    }
    if request.prompt.consent && !asked.agreed {
        return Step::Consent;
    }
    Step::Issue
}

fn sign_in(request: &AuthorizationRequest, again: bool) -> Step {
    if request.prompt.none {
        refuse(OAuthError::LoginRequired, "nobody is signed in, or not as it was asked for")
    } else {
        Step::SignIn { again }
    }
}

fn refuse(error: OAuthError, description: &str) -> Step {
    Step::Refuse(OAuthFault::new(error, description))
}

#[cfg(test)]
mod tests;
