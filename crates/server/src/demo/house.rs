//! Vestibule itself in the demo: an administrator, Acme behind a button, and the shop as a client.

use identity::applications::ApplicationKey;
use identity::federation::policy::UnknownUser;
use identity::federation::provider::Authority;
use identity::groups::{ADMINISTRATORS, GroupName};
use identity::oauth::clients::GrantType;
use identity::oauth::registration::NewClient;
use identity::secret::Secret;
use identity::users::{EmailStanding, UserType};
use store::By;

use super::furnish::{Person, add_client, add_staff};
use super::{Outcome, acme, shop};
use crate::app::App;
use crate::federation::save::{self, Door, NewProvider, Tools};

/// Who can sign in to the back office with a password.
pub(super) const ADMINISTRATOR: &str = "admin@demo.test";

/// Acme's key here.
pub(super) const PROVIDER: &str = "acme";

/// Adds everything that is not there yet. Acme must answer at `acme` already.
pub(super) async fn furnish(app: &App, acme: &str, shop: &str) -> Outcome<()> {
    let group = app
        .store
        .find_group_by_name(UserType::Staff, &GroupName::parse(ADMINISTRATORS)?)
        .await?
        .ok_or("the group of administrators is missing; start with an empty folder")?;
    let administrator = Person {
        email: ADMINISTRATOR,
        email_standing: EmailStanding::VouchedFor,
        given: "Ada",
        family: "Demo",
    };
    add_staff(app, &administrator, &[group.id]).await?;
    connect_acme(app, acme).await?;
    let mut new = NewClient::named(ApplicationKey::from_stored("storefront"), "Demo shop");
    new.id = Some(shop::CLIENT.to_owned());
    new.redirect_uris = vec![format!("{shop}{}", shop::CALLBACK)];
    new.post_logout_redirect_uris = vec![format!("{shop}{}", shop::SIGNED_OUT)];
    new.backchannel_logout_uri = Some(format!("{shop}{}", shop::BACKCHANNEL_LOGOUT));
    // On this machine, and without TLS.
    new.backchannel_logout_private = true;
    new.grant_types = vec![GrantType::AuthorizationCode];
    add_client(app, new, shop::CLIENT_SECRET).await
}

/// As `vestibule providers add` and `providers connect` do it.
async fn connect_acme(app: &App, acme: &str) -> Outcome<()> {
    if app.store.find_provider_by_key(PROVIDER).await?.is_some() {
        return Ok(());
    }
    let tools = Tools {
        store: &app.store,
        keyring: &app.keyring,
        upstream: &app.upstream,
        clock: app.clock.as_ref(),
        entropy: &app.entropy,
    };
    let new = NewProvider {
        name: "Acme".to_owned(),
        issuer: acme.to_owned(),
        client_id: acme::CLIENT.to_owned(),
        client_secret: Secret::new(acme::CLIENT_SECRET),
        key: Some(PROVIDER.to_owned()),
        authority: Authority::Operator,
        scopes: Vec::new(),
        trusted_domains: vec!["acme.test".to_owned()],
        // It is on this machine, which nobody is sent to without an operator's leave.
        allow_private: vec![acme.trim_start_matches("http://").to_owned()],
    };
    let door = |application: &str| Door {
        application: application.to_owned(),
        policy: UnknownUser::Create.into(),
    };
    let by = By::operator();
    save::add(&tools, &new, &door("storefront"), &by).await?;
    save::connect(&tools, PROVIDER, &door("back-office"), &by).await?;
    Ok(())
}
