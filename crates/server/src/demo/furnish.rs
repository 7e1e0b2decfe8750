//! What both houses of a demo are furnished with: a configuration, people, clients. All of it is
//! what an operator's commands do, by the same functions.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use identity::email::Email;
use identity::ids::GroupId;
use identity::oauth::registration::NewClient;
use identity::secret::Secret;
use identity::users::{Birth, EmailStanding, Name, Population, Status, UserType};
use store::{By, NewUser};

use super::places::Place;
use super::{Outcome, PASSWORD};
use crate::app::{App, OpenError, Parts};
use crate::clock::{SystemClock, SystemEntropy};
use crate::config::{Config, loopback_url};

/// A configuration file and what it says.
pub(super) struct Written {
    pub(super) file: PathBuf,
    pub(super) loaded: Config,
}

/// Somebody who can sign in with [`PASSWORD`].
pub(super) struct Person {
    pub(super) email: &'static str,
    pub(super) email_standing: EmailStanding,
    pub(super) given: &'static str,
    pub(super) family: &'static str,
}

/// Writes the configuration of a house that keeps everything in `folder`, and reads it as every
/// house does.
pub(super) fn config(place: &Place, folder: &Path) -> Outcome<Written> {
    crate::files::private_folder(folder)?;
    let file = folder.join("vestibule.toml");
    let inside = |name: &str| folder.join(name).display().to_string();
    let url = loopback_url(place.port).to_string();
    let sections = [
        ("server", "listen", format!("127.0.0.1:{}", place.port)),
        ("server", "public_url", url),
        ("database", "url", format!("sqlite:{}", inside("vestibule.db"))),
        ("keys", "file", inside("vestibule.key")),
        ("log", "level", "warn".to_owned()),
    ];
    let mut table = toml::Table::new();
    for (section, key, value) in sections {
        let section = table.entry(section).or_insert_with(|| toml::Table::new().into());
        section.as_table_mut().map(|section| section.insert(key.to_owned(), value.into()));
    }
    fs::write(&file, table.to_string())?;
    let loaded = crate::config::load(Some(&file), std::iter::empty())?;
    Ok(Written { file, loaded })
}

pub(super) async fn open(config: Config) -> Result<App, OpenError> {
    let parts = Parts { clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy) };
    App::open(config, parts).await
}

/// Adds somebody to the staff of a house; a folder that is kept has them already.
pub(super) async fn add_staff(app: &App, person: &Person, groups: &[GroupId]) -> Outcome<()> {
    let email = Email::parse(person.email)?;
    let population = Population::default_one();
    let known = app.store.find_user_by_email(UserType::Staff, &population, email.key()).await?;
    if known.is_some() {
        return Ok(());
    }
    let new = NewUser {
        user_type: UserType::Staff,
        population,
        email,
        email_standing: person.email_standing,
        name: Name { given: person.given.into(), family: person.family.into() },
        locale: None,
        status: Status::Active,
        birth: Birth::Added,
    };
    let by = By::operator();
    let user = app.store.add_user(&new, groups, &by, app.now()).await?;
    let hash = app.hasher.hash(Secret::new(PASSWORD)).await?;
    app.store.set_password(&user.id, &hash.to_string(), None, &by, app.now()).await?;
    Ok(())
}

/// Registers a client with a secret that can be read in the documentation: nowhere else is one
/// chosen.
pub(super) async fn add_client(app: &App, new: NewClient, secret: &str) -> Outcome<()> {
    let client = new.register(app.now(), app.entropy.as_ref())?;
    if app.store.find_client(&client.id).await?.is_none() {
        let digest = Secret::new(secret).digest();
        app.store.add_client(&client, Some(&digest), &By::operator(), app.now()).await?;
    }
    Ok(())
}
