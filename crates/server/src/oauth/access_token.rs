//! Access tokens of ours that come back.

use identity::oauth::clients::SigningAlgorithm;
use identity::oauth::own_tokens::Expected;
use identity::oauth::tokens::{ACCESS_TYP, AccessToken};

use crate::app::App;
use crate::visit::Visit;

/// An access token that we signed and that has not expired, from memory. Whether what stands
/// behind it still holds is for [`super::grants::holding`] to say.
pub fn verified(app: &App, visit: &Visit, token: &str) -> Option<AccessToken> {
    let expected = Expected {
        typ: ACCESS_TYP,
        algorithms: &[SigningAlgorithm::Es256],
        issuer: &app.issuer(),
        now: visit.now,
    };
    app.signer.verify(token, &expected).ok().and_then(AccessToken::read)
}
