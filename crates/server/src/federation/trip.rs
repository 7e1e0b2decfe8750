//! A trip on its way back, and every way in which it ends without a session.

use std::sync::Arc;

use identity::applications::Application;
use identity::federation::attempt::{Answer, Attempt, Intent};
use identity::federation::provider::Provider;
use identity::federation::refusal::Refusal;
use identity::return_to::ReturnTo;

use super::refused::Refused;
use super::upstream::Failure;
use crate::error::PageError;

/// Why a trip does not end in a session.
pub(super) enum Stop {
    /// For a reason that the person is told.
    Refused(Box<Refused>),
    /// The house cannot answer now.
    Page(PageError),
}

impl From<Refused> for Stop {
    fn from(refused: Refused) -> Self {
        Self::Refused(Box::new(refused))
    }
}

impl From<Box<Refused>> for Stop {
    fn from(refused: Box<Refused>) -> Self {
        Self::Refused(refused)
    }
}

impl From<PageError> for Stop {
    fn from(error: PageError) -> Self {
        Self::Page(error)
    }
}

impl From<store::Error> for Stop {
    fn from(error: store::Error) -> Self {
        Self::Page(error.into())
    }
}

/// A trip on its way back.
pub(super) struct Trip {
    pub(super) attempt: Attempt,
    pub(super) door: Arc<Application>,
    pub(super) provider: Arc<Provider>,
}

impl Trip {
    /// Where the person wanted to go, by what is registered now.
    pub(super) fn return_to(&self) -> Option<ReturnTo> {
        ReturnTo::parse(&self.attempt.return_to, &self.door.return_origins)
    }

    /// Where a session goes: there, or to the door itself.
    pub(super) fn target(&self) -> String {
        self.return_to().map_or_else(|| format!("/{}", self.door.key), |target| target.to_string())
    }

    /// This trip, refused.
    pub(super) fn refused(&self, refusal: Refusal) -> Refused {
        Refused {
            application: Some(Arc::clone(&self.door)),
            provider: Some(Arc::clone(&self.provider)),
            return_to: self.return_to(),
            ends_trip: true,
            links: matches!(self.attempt.intent, Intent::Link(_)),
            proof: match &self.attempt.intent {
                Intent::Prove(proof) => Some(proof.clone()),
                Intent::SignIn | Intent::Link(_) => None,
            },
            ..Refused::new(refusal)
        }
    }

    /// With what the provider itself said about its error.
    pub(super) fn not_accepted(&self, refusal: Refusal, answer: &Answer) -> Refused {
        let said = [
            ("error", &answer.error),
            ("error_description", &answer.error_description),
            ("iss", &answer.iss),
        ];
        said.into_iter().fold(self.refused(refusal), |refused, (name, value)| match value {
            Some(value) => refused.with(name, value.as_str()),
            None => refused,
        })
    }

    /// With what went wrong at the provider.
    pub(super) fn failed(&self, failure: Failure) -> Refused {
        let refused = self.refused(failure.refusal).with("detail", failure.detail);
        match failure.claims {
            Some(claims) => refused.with("claims", claims),
            None => refused,
        }
    }
}
