//! `vestibule providers connect`, `change-connection` and `disconnect`: at which doors a provider is
//! known, and what becomes of strangers there.

use clap::Args;

use super::{Named, provider_json, tools, upstream};
use crate::cli::policy::{InheritArguments, PolicyArguments, no_codes, nothing_to_change};
use crate::cli::{Answer, CommandHouse, Failure, Force, applications};
use crate::federation::save::{self, Door, DoorEdit};

/// A door for a provider.
#[derive(Debug, Args)]
pub struct DoorArguments {
    /// Application that people sign in to, such as back-office
    #[arg(long, value_name = "APPLICATION")]
    application: String,
    #[command(flatten)]
    policy: PolicyArguments,
}

/// Which provider, and which door.
#[derive(Debug, Args)]
pub struct ConnectCommand {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    door: DoorArguments,
}

/// Which connection, and what about it.
#[derive(Debug, Args)]
pub struct ChangeConnectionCommand {
    #[command(flatten)]
    named: Named,
    /// Application of the connection
    #[arg(long, value_name = "APPLICATION")]
    application: String,
    #[command(flatten)]
    edit: EditArguments,
    #[command(flatten)]
    force: Force,
}

/// What to change about a connection.
#[derive(Debug, Args)]
pub struct EditArguments {
    #[command(flatten)]
    policy: PolicyArguments,
    #[command(flatten)]
    inherit: InheritArguments,
    /// Place among the buttons; lower first
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    position: Option<i64>,
    /// Client id at the provider whose tokens the application's clients may exchange for ours,
    /// instead of those so far; may be given several times
    #[arg(long = "exchange-audience", value_name = "CLIENT_ID")]
    exchange_audiences: Vec<String>,
    /// Take no tokens in exchange; the default
    #[arg(long, conflicts_with = "exchange_audiences")]
    no_exchange_audience: bool,
    /// Take tokens of staff in exchange, too
    #[arg(long, overrides_with = "no_exchange_staff")]
    exchange_staff: bool,
    /// Take no tokens of staff in exchange; the default
    #[arg(long)]
    no_exchange_staff: bool,
}

/// Which connection.
#[derive(Debug, Args)]
pub struct DisconnectCommand {
    #[command(flatten)]
    named: Named,
    /// Application of the connection
    #[arg(long, value_name = "APPLICATION")]
    application: String,
    #[command(flatten)]
    force: Force,
}

impl DoorArguments {
    pub(super) fn door(self) -> Result<Door, Failure> {
        let policy = self.policy.edit(InheritArguments::default())?;
        Ok(Door { application: self.application, policy })
    }
}

impl EditArguments {
    fn edit(self) -> Result<DoorEdit, Failure> {
        // Nothing given leaves what there is; `--no-…` leaves nothing.
        let list = |given: Vec<String>, none: bool| (none || !given.is_empty()).then_some(given);
        let staff = self.exchange_staff || self.no_exchange_staff;
        Ok(DoorEdit {
            policy: self.policy.edit(self.inherit)?,
            position: self.position,
            exchange_audiences: list(self.exchange_audiences, self.no_exchange_audience),
            exchange_staff: staff.then_some(self.exchange_staff),
        })
    }
}

pub(super) async fn connect(
    house: &CommandHouse,
    command: ConnectCommand,
) -> Result<Answer, Failure> {
    let door = command.door.door()?;
    let upstream = upstream(house)?;
    let tools = tools(house, &upstream);
    save::connect(&tools, &command.named.key, &door, &house.by()).await?;
    let provider = save::find_provider(&house.store, &command.named.key).await?;
    let note = no_codes(house, &door.policy);
    let text = format!("Connected \"{}\" to {}.{note}", provider.name, door.application);
    Ok(Answer::new(text, provider_json(house, &provider).await?))
}

pub(super) async fn change(
    house: &CommandHouse,
    command: ChangeConnectionCommand,
) -> Result<Answer, Failure> {
    let ChangeConnectionCommand { named, application, edit, force } = command;
    let edit = edit.edit()?;
    if edit == DoorEdit::default() {
        return Err(nothing_to_change());
    }
    let upstream = upstream(house)?;
    let tools = tools(house, &upstream);
    save::change_connection(&tools, &named.key, &application, &edit, &force.by(house)).await?;
    let provider = save::find_provider(&house.store, &named.key).await?;
    let note = no_codes(house, &edit.policy);
    let text = format!("Changed how \"{}\" is connected to {application}.{note}", provider.name);
    Ok(Answer::new(text, provider_json(house, &provider).await?))
}

pub(super) async fn disconnect(
    house: &CommandHouse,
    command: DisconnectCommand,
) -> Result<Answer, Failure> {
    let upstream = upstream(house)?;
    let tools = tools(house, &upstream);
    let DisconnectCommand { named, application, force } = command;
    let door = save::disconnect(&tools, &named.key, &application, &force.by(house)).await?;
    let provider = save::find_provider(&house.store, &named.key).await?;
    let mut text = format!(
        "Nobody can sign in to {} through \"{}\" any more. Sessions that came by it are refused \
         there, and tokens of its clients that came by it have ended.",
        door.key, provider.name
    );
    text.push_str(&applications::no_way_in(house, &door).await?);
    Ok(Answer::new(text, provider_json(house, &provider).await?))
}
