//! ID tokens that come back to us as hints. They may be old; they prove nothing about now.

use identity::ids::{ClientId, PublicId, SessionId};
use identity::oauth::clients::{Client, SigningAlgorithm};
use identity::oauth::own_tokens::Expected;
use identity::oauth::tokens::ID_TYP;

use crate::app::App;

/// What a hint says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// Who got it.
    pub client: ClientId,
    /// Whom it is about.
    pub subject: PublicId,
    /// The session that it was given in.
    pub session: SessionId,
}

/// Reads a hint; none when it is no ID token that we signed.
pub fn read(app: &App, token: &str) -> Option<Hint> {
    let expected = Expected {
        typ: ID_TYP,
        algorithms: &SigningAlgorithm::ALL,
        issuer: &app.issuer(),
        now: app.now(),
    };
    let claims = app.signer.recognise(token, &expected).ok()?;
    let text = |name: &str| claims.get(name)?.as_str();
    Some(Hint {
        client: ClientId::from_stored(text("aud")?),
        subject: PublicId::from_stored(text("sub")?),
        session: SessionId::from_stored(text("sid")?),
    })
}

/// `sub` of a hint that this client got.
pub fn subject(app: &App, token: &str, client: &Client) -> Option<PublicId> {
    read(app, token).filter(|hint| hint.client == client.id).map(|hint| hint.subject)
}
