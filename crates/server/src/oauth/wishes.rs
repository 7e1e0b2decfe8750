//! What an application that waits for a sign-in would have it be like, told on to a provider.

use identity::applications::Application;
use identity::oauth::authorize::{AuthorizationRequest, Target};
use identity::secret::Secret;
use identity::time::Moment;
use store::WaitingRequest;

use crate::account;
use crate::app::App;
use crate::return_to::waiting_request;

/// What is asked for on behalf of an application.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// People sign in once more, although the provider may know them, and the provider has to say
    /// that they did: a session there may be as old as it likes, so an application that minds the
    /// sign-in gets a new one.
    pub anew: bool,
    /// The provider is asked to have them sign in: also where somebody wants to be somebody else,
    /// who would not get past its session.
    pub prompt_login: bool,
    /// Whom the application expects.
    pub login_hint: Option<String>,
    /// The language that the person reads best.
    pub ui_locale: Option<String>,
}

impl Wishes {
    /// Of the request that the visitor goes back to, or of our own page that wants a fresh sign-in;
    /// none where no application waits. What is kept
    /// here counts, not the address, which a visitor could shorten.
    pub async fn of(
        app: &App,
        door: &Application,
        return_to: &str,
        now: Moment,
    ) -> Result<Self, store::Error> {
        if account::wants_anew(door, return_to) {
            return Ok(Self { anew: true, prompt_login: true, ..Self::default() });
        }
        let Some(name) = waiting_request(return_to) else { return Ok(Self::default()) };
        let digest = Secret::new(name).digest();
        let waiting = app.store.find_authorization_request(&digest, now).await?;
        let request = waiting.and_then(|waiting| request_of(app, &waiting));
        Ok(request.map(Self::in_request).unwrap_or_default())
    }

    fn in_request(request: AuthorizationRequest) -> Self {
        let anew = request.minds_the_sign_in();
        let locales = request.ui_locales.unwrap_or_default();
        Self {
            anew,
            prompt_login: anew || request.prompt.select_account,
            login_hint: request.login_hint,
            ui_locale: locales.split(' ').next().filter(|tag| !tag.is_empty()).map(str::to_owned),
        }
    }
}

/// What waits, read as it will be read when it goes on; none if it comes to nothing then.
fn request_of(app: &App, waiting: &WaitingRequest) -> Option<AuthorizationRequest> {
    let client = app.directory.now().live_client(waiting.client.as_str())?;
    let target = Target::of(&waiting.parameters, &client).ok()?;
    AuthorizationRequest::check(&waiting.parameters, &client, target).ok()
}
