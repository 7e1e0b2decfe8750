//! What an application that waits for a sign-in would have it be like, told on to a provider.

use identity::oauth::parameters::Parameters;
use identity::secret::Secret;
use identity::time::Moment;

use crate::app::App;
use crate::return_to::waiting_request;

/// What is asked for on behalf of an application.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// People sign in once more, although the provider may know them. A session there may be as
    /// old as it likes, so an application that minds the age of a sign-in gets a new one; and who
    /// wants to be somebody else would not get past it.
    pub prompt_login: bool,
    /// Whom the application expects.
    pub login_hint: Option<String>,
    /// The language that the person reads best.
    pub ui_locale: Option<String>,
}

impl Wishes {
    /// Of the request that the visitor goes back to; none where no application waits. What is kept
    /// here counts, not the address, which a visitor could shorten.
    pub async fn of(app: &App, return_to: &str, now: Moment) -> Result<Self, store::Error> {
        let Some(name) = waiting_request(return_to) else { return Ok(Self::default()) };
        let digest = Secret::new(name).digest();
        let waiting = app.store.find_authorization_request(&digest, now).await?;
        Ok(waiting.map(|waiting| Self::read(&waiting.parameters)).unwrap_or_default())
    }

    fn read(parameters: &Parameters) -> Self {
        let prompt = parameters.once("prompt").unwrap_or("");
        let locales = parameters.once("ui_locales").unwrap_or("");
        Self {
            prompt_login: prompt.split(' ').any(|word| word == "login" || word == "select_account")
                || parameters.has("max_age"),
            login_hint: parameters.once("login_hint").map(str::to_owned),
            ui_locale: locales.split(' ').next().filter(|tag| !tag.is_empty()).map(str::to_owned),
        }
    }
}
