//! What a person is told who is not signed in: what happened, and what they can do.

use axum::http::StatusCode;
use identity::federation::refusal::Refusal;

/// Heading and text for every refusal; `{provider}` is its name, as on the button.
const WORDS: [(Refusal, &str, &str); Refusal::ALL.len()] = [
    (
        Refusal::UserDeactivated,
        "Your account is switched off",
        "{provider} knows you, but your account here is deactivated. If you should have access, \
         ask your administrator to activate it.",
    ),
    (
        Refusal::UserHeld,
        "Your account is waiting for approval",
        "An administrator has to approve your account before you can sign in. You get an e-mail as \
         soon as that is decided; there is nothing more to do until then.",
    ),
    (
        Refusal::UserDeleted,
        "Your account was deleted",
        "Your account here was deleted. If that is a mistake, ask your administrator to restore \
         it.",
    ),
    (
        Refusal::UnknownUser,
        "You have no account here",
        "You are signed in at {provider}, but there is no account here for you. Ask your \
         administrator to add you, or sign in at {provider} with another account.",
    ),
    (
        Refusal::EmailMissing,
        "Your e-mail address is missing",
        "{provider} did not tell us your e-mail address, so we cannot find your account. Add an \
         e-mail address to your account at {provider}, allow it to be shared, and sign in again.",
    ),
    (
        Refusal::EmailUntrusted,
        "Your e-mail address could not be confirmed",
        "{provider} does not vouch for your e-mail address in a way that counts here. Confirm the \
         address at {provider} and sign in again, or ask your administrator which account to use.",
    ),
    (
        Refusal::AccountUnconfirmed,
        "Confirm your account first",
        "There is an account here whose e-mail address was never confirmed, and somebody else may \
         know its password. To confirm it, have a message sent to you as for a forgotten password, \
         and choose a new password; then sign in with {provider} again. If no passwords are taken \
         here, ask your administrator for help.",
    ),
    (
        Refusal::LinkedToAnother,
        "Your account belongs to another sign-in",
        "The account here is already tied to another person's sign-in at {provider}. If your \
         account at {provider} was made anew, ask your administrator to check it.",
    ),
    (
        Refusal::NotAllowed,
        "You may not sign in here",
        "Signing in here with {provider} is for certain people, and your account there is not one \
         of theirs. Sign in at {provider} with another account, such as that of your work, or ask \
         your administrator.",
    ),
    (
        Refusal::NoGroup,
        "Your account has no access yet",
        "{provider} knows you, but you are in none of the groups there that have access here. Ask \
         your administrator to add you to one, and sign in again.",
    ),
    (
        Refusal::RuleFailed,
        "Your account could not be checked",
        "What {provider} says about you is not what is expected here, so you could not be let in. \
         Tell your administrator; the code below shows them why.",
    ),
    (
        Refusal::GuestRefused,
        "You are a guest there",
        "Signing in here with {provider} is for its own people, and your account there is a guest's \
         or another company's. Sign in with an account of your own company, or ask your \
         administrator.",
    ),
    (
        Refusal::HookRefused,
        "You were not let in",
        "{provider} knows you, but you may not sign in here at the moment. Ask your administrator; \
         the code below shows them who decided so.",
    ),
    (
        Refusal::HookFailed,
        "You could not be checked",
        "{provider} knows you, but whether you may sign in here could not be found out just now. \
         Please try again in a few minutes; if it happens again, tell your administrator the code \
         below.",
    ),
    (
        Refusal::LinkingOff,
        "You have an account here already",
        "There is an account here with your e-mail address, and {provider} is not a way into it. \
         Sign in as you did before, or ask your administrator.",
    ),
    (
        Refusal::ProofVoid,
        "This could not be linked",
        "Something about the account changed while you showed that it is yours, so {provider} was \
         not linked to it. Please start again.",
    ),
    (
        Refusal::ProviderDisabled,
        "This way in is switched off",
        "Signing in with {provider} is switched off at the moment. Choose another way to sign in, \
         or ask your administrator.",
    ),
    (
        Refusal::ProviderNotConnected,
        "This way in does not exist here",
        "{provider} cannot be used to sign in here. Go back and choose one of the ways to sign in \
         that are offered.",
    ),
    (
        Refusal::ProviderDenied,
        "You did not sign in",
        "{provider} says that the sign-in was cancelled or not allowed. Try again, or ask your \
         administrator whether you may use {provider}.",
    ),
    (
        Refusal::ProviderUnreachable,
        "We cannot reach your identity provider",
        "{provider} did not answer in time. Please try again in a few minutes; if it happens \
         again, tell your administrator.",
    ),
    (
        Refusal::ProviderError,
        "Your identity provider reported an error",
        "{provider} could not complete the sign-in. Please try again; if it happens again, tell \
         your administrator the code below.",
    ),
    (
        Refusal::ProviderMalformed,
        "Your identity provider gave no usable answer",
        "We did not understand what {provider} sent us. Please try again; if it happens again, \
         tell your administrator the code below.",
    ),
    (
        Refusal::TokenInvalid,
        "We could not check your sign-in",
        "What {provider} sent us about you could not be verified, so we did not sign you in. \
         Please try again; if it happens again, tell your administrator the code below.",
    ),
    (
        Refusal::NotSignedInAnew,
        "You have to sign in once more",
        "You were asked to sign in anew, and {provider} did not tell us that you did. Sign out at \
         {provider} and start again; if it happens again, tell your administrator the code below.",
    ),
    (
        Refusal::UserinfoMismatch,
        "Your identity provider contradicts itself",
        "{provider} spoke of two different people, so we did not sign you in. Please try again; \
         if it happens again, tell your administrator the code below.",
    ),
    (
        Refusal::ExchangeOff,
        "This application may not sign you in by itself",
        "{provider} is not set up to sign you in here without a browser. Sign in with a browser, \
         or ask your administrator.",
    ),
    (
        Refusal::LinkingNotOffered,
        "You cannot link this here",
        "{provider} cannot be linked to accounts here by their owners. Ask your administrator.",
    ),
    (
        Refusal::NotSignedInAsBefore,
        "You are not signed in as before",
        "{provider} was to be linked to an account, but you are not signed in to it any more, so \
         nothing was linked. Sign in, and link it on your account page once more.",
    ),
    (
        Refusal::IdentityTaken,
        "This cannot be linked to your account",
        "The account at {provider} that you signed in with cannot be linked here. Sign in at \
         {provider} with another account of yours, or ask your administrator.",
    ),
    (
        Refusal::LinkedAlready,
        "Your account is linked already",
        "Another account at {provider} is linked to your account here. Unlink that one first.",
    ),
    (
        Refusal::LinkNeedsSignIn,
        "Sign in with a browser once",
        "If you have an account here, it has to be linked to {provider} first. Sign in with \
         {provider} in a browser once; after that the application can do it by itself.",
    ),
    (
        Refusal::ApprovalNeedsSignIn,
        "Ask for an account first",
        "There is no account here for you yet. Sign in with {provider} in a browser once to ask for \
         one; when it is approved, the application can do it by itself.",
    ),
    (
        Refusal::AttemptExpired,
        "The sign-in took too long",
        "For your safety, a sign-in has to be finished within ten minutes. Please start again.",
    ),
    (
        Refusal::AttemptReplayed,
        "This sign-in was used already",
        "Each sign-in works once, and this one has been used. Please start again.",
    ),
    (
        Refusal::AttemptForeign,
        "This sign-in was started elsewhere",
        "It was started in another browser, or this browser does not keep cookies. Please start \
         again in this browser, with cookies allowed.",
    ),
    (
        Refusal::IssuerMismatch,
        "The answer came from the wrong place",
        "What came back does not belong to your sign-in with {provider}, so we did not use it. \
         Please start again.",
    ),
    (
        Refusal::AttemptUnknown,
        "We do not know this sign-in",
        "It was not started here, or too long ago. Please start again from the sign-in page.",
    ),
];

/// Heading and text. `provider` is its name, as on the button, where it is known.
pub(super) fn words(refusal: Refusal, provider: Option<&str>) -> (&'static str, String) {
    let found = WORDS.iter().find(|(own, _, _)| *own == refusal);
    let (_, heading, text) = found.unwrap_or(&WORDS[WORDS.len() - 1]);
    let text = match (provider, text.strip_prefix("{provider}")) {
        (Some(name), _) => text.replace("{provider}", name),
        (None, Some(rest)) => format!("Your identity provider{rest}"),
        (None, None) => (*text).to_owned(),
    };
    (heading, text.replace("{provider}", "your identity provider"))
}

/// HTTP status: whose fault it is.
pub(super) const fn status(refusal: Refusal) -> StatusCode {
    match refusal {
        Refusal::AttemptUnknown
        | Refusal::AttemptExpired
        | Refusal::AttemptReplayed
        | Refusal::AttemptForeign
        | Refusal::IssuerMismatch => StatusCode::BAD_REQUEST,
        Refusal::ProviderError
        | Refusal::ProviderUnreachable
        | Refusal::ProviderMalformed
        | Refusal::TokenInvalid
        | Refusal::NotSignedInAnew
        | Refusal::UserinfoMismatch
        | Refusal::HookFailed => StatusCode::BAD_GATEWAY,
        _ => StatusCode::FORBIDDEN,
    }
}

/// Whether the same trip may well succeed the next time, so that the way on leads right into it.
pub(super) const fn worth_another_trip(refusal: Refusal) -> bool {
    matches!(
        refusal,
        Refusal::AttemptUnknown
            | Refusal::AttemptExpired
            | Refusal::AttemptReplayed
            | Refusal::AttemptForeign
            | Refusal::IssuerMismatch
            | Refusal::ProviderDenied
            | Refusal::ProviderError
            | Refusal::ProviderUnreachable
            | Refusal::ProviderMalformed
            | Refusal::TokenInvalid
            | Refusal::NotSignedInAnew
            | Refusal::UserinfoMismatch
            | Refusal::HookFailed
            | Refusal::ProofVoid
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_refusal_has_words_of_its_own() {
        let all: HashSet<_> = Refusal::ALL.map(|refusal| words(refusal, Some("Corp"))).into();
        assert_eq!(all.len(), Refusal::ALL.len());
        let unnamed = Refusal::ALL.map(|refusal| words(refusal, None).1);
        assert!(unnamed.iter().all(|text| !text.contains('{')), "{unnamed:?}");
        for (heading, text) in all {
            assert!(!heading.is_empty() && text.len() > heading.len(), "{heading}");
        }
    }

    #[test]
    fn nobody_is_told_that_it_was_our_fault_when_it_was_not() {
        for refusal in Refusal::ALL {
            assert_ne!(status(refusal), StatusCode::INTERNAL_SERVER_ERROR, "{refusal:?}");
            assert!(!status(refusal).is_success(), "{refusal:?}");
        }
    }
}
