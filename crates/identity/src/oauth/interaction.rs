//! What a person meets between an authorization request and its answer (OpenID Connect Core
//! 3.1.2.1, 3.1.2.3 and 3.1.2.4).

use std::time::Duration;

use crate::ids::PublicId;
use crate::oauth::authorize::AuthorizationRequest;
use crate::oauth::error::{OAuthError, OAuthFault};
use crate::sessions::Session;
use crate::time::Moment;

/// How long a sign-in that was made for a request is recent enough for it, however short its
/// `max_age` is: nobody is back at once, and `max_age=0` must not go round for ever.
const BACK_WITHIN: Duration = Duration::from_secs(60);

/// Whoever the application's door lets in.
#[derive(Clone, Copy, Debug)]
pub struct AtAuthorize<'a> {
    /// Their session.
    pub session: &'a Session,
    /// `sub` of its user.
    pub subject: &'a PublicId,
}

/// A request, and what has become of it so far.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// What the application asks for.
    pub request: &'a AuthorizationRequest,
    /// When it came, or was answered last. A sign-in after that was made for it.
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
    /// The login page, also for somebody who is signed in.
    SignIn,
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
    let Some(AtAuthorize { session, subject }) = visitor else { return sign_in(request) };
    if !is_fresh_for(asked, session, now) {
        return sign_in(request);
    }
    let came_for_this = session.began_at >= asked.begun_at;
    if asked.hinted.is_some_and(|hinted| hinted != subject) {
        // Whoever has just signed in is not the one who is meant: asking again would go round.
        return if came_for_this {
            refuse(OAuthError::LoginRequired, "somebody else signed in than id_token_hint names")
        } else {
            sign_in(request)
        };
    }
    if request.prompt.select_account && !came_for_this && !asked.chosen {
        return Step::ChooseAccount;
    }
    if request.prompt.consent && !asked.agreed {
        return Step::Consent;
    }
    Step::Issue
}

/// Whether the person proved who they are as lately as the application wants it. That the session
/// is new proves nothing: a provider may have let somebody in whom it knew already, so what counts
/// is when they signed in there, and where nobody knows it they have to do it again.
fn is_fresh_for(asked: Asked<'_>, session: &Session, now: Moment) -> bool {
    let request = asked.request;
    if !request.minds_the_sign_in() {
        return true;
    }
    let Some(proved) = session.auth_time else { return false };
    let made_for_this = proved >= asked.begun_at;
    let recent = |most: Duration| {
        let most = if made_for_this { most.max(BACK_WITHIN) } else { most };
        now < proved.plus(most)
    };
    (made_for_this || !request.prompt.login) && request.max_age.is_none_or(recent)
}

fn sign_in(request: &AuthorizationRequest) -> Step {
    if request.prompt.none {
        refuse(OAuthError::LoginRequired, "nobody is signed in, or not as it was asked for")
    } else {
        Step::SignIn
    }
}

fn refuse(error: OAuthError, description: &str) -> Step {
    Step::Refuse(OAuthFault::new(error, description))
}

#[cfg(test)]
mod tests;
