//! `vestibule applications`: the doors, and how long and by what people come in there.

use clap::{Args, Subcommand, ValueEnum};
use identity::applications::{Application, ApplicationKey};
use identity::federation::policy::{Policy, PolicyChange, PolicyFields};
use identity::ids::ProviderId;
use identity::return_to::Origin;
use identity::sessions::SessionTimes;
use serde_json::{Value, json};
use store::ApplicationChange;

use super::answer::table;
use super::policy::{InheritArguments, PolicyArguments, Shown, no_codes, nothing_to_change};
use super::providers::{tools, upstream};
use super::span::{Span, show as shown};
use super::{Answer, CommandHouse, Failure, Force};
use crate::federation::save::{self, PolicyEdit};

/// What to do with applications.
#[derive(Debug, Subcommand)]
pub enum ApplicationsCommand {
    /// List applications
    List,
    /// Show an application
    Show(Named),
    /// Change an application: how long sessions last, where sign-ins may return to, and more
    Change(Box<ChangeCommand>),
    /// Change what holds for people who come through any provider to an application, where the
    /// provider's connection says nothing else
    ChangeDefaults(Box<DefaultsCommand>),
}

/// Which application, and what about those who come through its providers.
#[derive(Debug, Args)]
pub struct DefaultsCommand {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    policy: PolicyArguments,
    #[command(flatten)]
    inherit: InheritArguments,
    #[command(flatten)]
    force: Force,
}

/// Which application.
#[derive(Debug, Args)]
pub struct Named {
    /// Key of the application, such as back-office
    #[arg(value_name = "KEY")]
    key: String,
}

/// Which application, and what about it.
#[derive(Debug, Args)]
pub struct ChangeCommand {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    edit: EditArguments,
    #[command(flatten)]
    force: Force,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Switch {
    On,
    Off,
}

impl Switch {
    pub(super) fn is_on(self) -> bool {
        self == Self::On
    }
}

/// What to change about an application.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub struct EditArguments {
    /// What people read
    #[arg(long)]
    name: Option<String>,
    /// End sessions that were not used for this long, such as 60m; sessions that live obey a
    /// shorter time at once
    #[arg(long, value_name = "TIME")]
    idle: Option<Span>,
    /// End sessions this long after the sign-in, such as 12h, used or not
    #[arg(long, value_name = "TIME")]
    absolute: Option<Span>,
    /// Origin that a sign-in may return to, such as https://shop.example, instead of those so
    /// far; may be given several times
    #[arg(long = "return-origin", value_name = "ORIGIN")]
    return_origins: Vec<String>,
    /// Let sign-ins return to our own paths alone
    #[arg(long, conflicts_with = "return_origins")]
    no_return_origin: bool,
    /// Whether people may sign in with a password of ours; off refuses sessions that came by one
    #[arg(long = "password", value_name = "on|off")]
    local_login: Option<Switch>,
    /// Send whoever comes to the login page straight to this provider, or to none; the page is
    /// still shown after signing out, after a time-out, and at login?ways=all
    #[arg(long, value_name = "KEY|none")]
    auto_redirect: Option<String>,
    /// What a session from another application must bring: a sign-in at most this long ago
    #[arg(long, value_name = "TIME")]
    fresh_within: Option<Span>,
    /// Take any live session from another application
    #[arg(long, conflicts_with = "fresh_within")]
    no_fresh_within: bool,
    /// For how long after they proved who they are people may change the ways into their account
    /// without proving it again, such as 30m
    #[arg(long, value_name = "TIME")]
    authenticated_for: Option<Span>,
}

impl ApplicationsCommand {
    pub(super) async fn run(self, house: &CommandHouse) -> Result<Answer, Failure> {
        match self {
            Self::List => list(house).await,
            Self::Show(named) => show(house, &named).await,
            Self::Change(command) => change(house, *command).await,
            Self::ChangeDefaults(command) => change_defaults(house, *command).await,
        }
    }
}

/// The application of this key.
async fn find(house: &CommandHouse, named: &Named) -> Result<Application, Failure> {
    Ok(save::find_application(&house.store, &named.key).await?)
}

async fn list(house: &CommandHouse) -> Result<Answer, Failure> {
    let doors = house.store.list_applications().await?;
    let (mut rows, mut documents) = (Vec::new(), Vec::new());
    for door in &doors {
        rows.push(vec![
            door.key.to_string(),
            door.name.clone(),
            door.user_type.to_string(),
            switch(door.local_login).to_owned(),
            straight_to(house, door).await?.unwrap_or_default(),
            shown(door.session.idle),
            shown(door.session.absolute),
        ]);
        documents.push(application_json(house, door).await?);
    }
    let head = ["KEY", "NAME", "FOR", "PASSWORD", "GOES TO", "IDLE", "ABSOLUTE"];
    let text = table(&head, &rows);
    Ok(Answer::new(text, json!({ "applications": documents })))
}

async fn show(house: &CommandHouse, named: &Named) -> Result<Answer, Failure> {
    let door = find(house, named).await?;
    let origins: Vec<&str> = door.return_origins.iter().map(Origin::as_str).collect();
    let origins =
        if origins.is_empty() { "our own paths alone".to_owned() } else { origins.join(" ") };
    let fresh = door.fresh_within.map_or_else(|| "any live session".to_owned(), shown);
    let straight_to = straight_to(house, &door).await?;
    let rows = [
        ("Name", door.name.clone()),
        ("For", door.user_type.to_string()),
        ("Population", door.population.as_str().to_owned()),
        ("Password", switch(door.local_login).to_owned()),
        ("Idle", shown(door.session.idle)),
        ("Absolute", shown(door.session.absolute)),
        ("Returns to", origins),
        ("Fresh within", fresh),
        ("Authenticated for", shown(door.authenticated_for)),
        ("Providers", providers_of(house, &door.key).await?.join(" ")),
        ("Goes straight to", straight_to.unwrap_or_else(|| "no provider".to_owned())),
    ]
    .map(|(label, text)| vec![label.to_owned(), text]);
    let shown = defaults(house, &door).await?;
    let text = format!(
        "{}\n\n{}",
        table(&[door.key.as_str(), ""], &rows),
        table(&["THROUGH ANY PROVIDER", "", "SET FOR"], &shown.rows())
    );
    let mut json = application_json(house, &door).await?;
    json["defaults"] = shown.json();
    Ok(Answer::new(text, json))
}

async fn change(house: &CommandHouse, command: ChangeCommand) -> Result<Answer, Failure> {
    let door = find(house, &command.named).await?;
    let auto_redirect = command.edit.straight_to(house).await?;
    let change = ApplicationChange { auto_redirect, ..command.edit.change(&door)? };
    change
        .apply(door.clone())
        .check()
        .map_err(|error| Failure::new(error.code(), error.to_string()))?;
    let changed = house
        .store
        .change_application(&door.key, &change, &command.force.by(house), house.now())
        .await?;
    let mut text = format!("Changed {}.", changed.key);
    text.push_str(&no_way_in(house, &changed).await?);
    Ok(Answer::new(text, application_json(house, &changed).await?))
}

async fn change_defaults(
    house: &CommandHouse,
    command: DefaultsCommand,
) -> Result<Answer, Failure> {
    let by = command.force.by(house);
    let edit = command.policy.edit(command.inherit)?;
    if edit == PolicyEdit::default() {
        return Err(nothing_to_change());
    }
    let upstream = upstream(house)?;
    let tools = tools(house, &upstream);
    let changed = save::change_defaults(&tools, &command.named.key, &edit, &by).await?;
    let shown = defaults(house, &changed).await?;
    let head = ["FIELD", "VALUE", "SET FOR"];
    let note = no_codes(house, &edit);
    let text = format!("Changed {}.{note}\n\n{}", changed.key, table(&head, &shown.rows()));
    let mut json = application_json(house, &changed).await?;
    json["defaults"] = shown.json();
    Ok(Answer::new(text, json))
}

/// What holds for a connection of which nothing is said.
async fn defaults(house: &CommandHouse, door: &Application) -> Result<Shown, Failure> {
    let policy = Policy::of(&PolicyFields::default(), &door.defaults, door.user_type);
    Shown::of(house, &policy).await
}

impl EditArguments {
    /// The provider that people are sent to from now on, if that is to change.
    async fn straight_to(
        &self,
        house: &CommandHouse,
    ) -> Result<Option<Option<ProviderId>>, Failure> {
        match self.auto_redirect.as_deref() {
            None => Ok(None),
            Some("none") => Ok(Some(None)),
            Some(key) => Ok(Some(Some(save::find_provider(&house.store, key).await?.id))),
        }
    }

    fn change(self, door: &Application) -> Result<ApplicationChange, Failure> {
        let origins: Vec<Origin> = self
            .return_origins
            .iter()
            .map(|text| {
                Origin::parse(text).map_err(|error| {
                    Failure::new("return_origin", format!("\"{text}\" is no origin: {error}"))
                })
            })
            .collect::<Result<_, _>>()?;
        let replaced = self.no_return_origin || !origins.is_empty();
        let times = SessionTimes {
            idle: self.idle.map_or(door.session.idle, |span| span.0),
            absolute: self.absolute.map_or(door.session.absolute, |span| span.0),
        };
        let fresh = self.fresh_within.map(|span| Some(span.0));
        Ok(ApplicationChange {
            name: self.name.map(|name| name.trim().to_owned()),
            return_origins: replaced.then_some(origins),
            local_login: self.local_login.map(|switch| switch == Switch::On),
            session: (times != door.session).then_some(times),
            auto_redirect: None,
            fresh_within: if self.no_fresh_within { Some(None) } else { fresh },
            authenticated_for: self.authenticated_for.map(|span| span.0),
            defaults: PolicyChange::default(),
        })
    }
}

/// Keys of the providers that are connected to a door.
async fn providers_of(
    house: &CommandHouse,
    door: &ApplicationKey,
) -> Result<Vec<String>, store::Error> {
    let connections = house.store.list_connections(Some(door)).await?;
    let mut keys = Vec::new();
    for connection in connections {
        let provider = house.store.find_provider(&connection.provider).await?;
        keys.extend(provider.map(|provider| provider.key));
    }
    Ok(keys)
}

/// A warning to be added when a door is left without any way in; else nothing.
pub(super) async fn no_way_in(
    house: &CommandHouse,
    door: &Application,
) -> Result<String, store::Error> {
    if door.local_login || !providers_of(house, &door.key).await?.is_empty() {
        return Ok(String::new());
    }
    Ok(format!(
        "\nNobody can sign in to {key} now: connect a provider (vestibule providers connect), or \
         allow passwords: vestibule applications change {key} --password on",
        key = door.key
    ))
}

fn switch(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

/// Key of the provider that a door sends people to.
async fn straight_to(
    house: &CommandHouse,
    door: &Application,
) -> Result<Option<String>, store::Error> {
    let Some(id) = &door.auto_redirect else { return Ok(None) };
    Ok(house.store.find_provider(id).await?.map(|provider| provider.key))
}

/// Times are in seconds.
async fn application_json(house: &CommandHouse, door: &Application) -> Result<Value, store::Error> {
    Ok(json!({
        "key": door.key.as_str(),
        "name": door.name,
        "type": door.user_type.as_str(),
        "population": door.population.as_str(),
        "password": door.local_login,
        "idle_seconds": door.session.idle.as_secs(),
        "absolute_seconds": door.session.absolute.as_secs(),
        "return_origins": door.return_origins,
        "fresh_within_seconds": door.fresh_within.map(|span| span.as_secs()),
        "authenticated_for_seconds": door.authenticated_for.as_secs(),
        "auto_redirect": straight_to(house, door).await?,
    }))
}
