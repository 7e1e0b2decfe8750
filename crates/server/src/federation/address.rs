//! What is mailed to the address that somebody had, when theirs follows their provider's.

use identity::applications::Application;
use identity::federation::provider::Provider;
use identity::time::Moment;
use store::Sealer;

use crate::app::App;
use crate::mail::{Letter, seal};

/// The letter to whichever address it was; only the settling finds it.
pub fn address_letter(app: &App, door: &Application, provider: &Provider, now: Moment) -> Sealer {
    let app = app.clone();
    let (application, provider) = (door.key.clone(), provider.name.clone());
    Sealer::new(move |to| {
        let letter = Letter::EmailChanged {
            application: application.clone(),
            to: to.as_typed().to_owned(),
            provider: provider.clone(),
        };
        let sealed = seal(&app.keyring, app.entropy.as_ref(), &letter, now);
        sealed.map_err(|error| error.to_string())
    })
}
