//! `vestibule groups`: groups, and who is in them.

use clap::{Args, Subcommand};
use identity::groups::{Group, GroupName};
use identity::ids::GroupId;
use identity::users::UserType;
use serde_json::{Value, json};
use store::{MemberOutcome, Paging};

use super::answer::{more, table};
use super::users::{self, Person};
use super::{Answer, CommandHouse, Failure, Force};

/// What to do with groups.
#[derive(Debug, Subcommand)]
pub enum GroupsCommand {
    /// List groups
    List(Pages),
    /// Add a group
    Add(AddCommand),
    /// Remove a group and everybody's membership of it
    Remove(Named),
    /// List who is in a group
    Members(MembersCommand),
    /// Put a user into a group
    AddMember(MemberCommand),
    /// Take a user out of a group
    RemoveMember(LeavingCommand),
}

/// The new group.
#[derive(Debug, Args)]
pub struct AddCommand {
    /// Name of the group
    #[arg(value_name = "NAME")]
    name: String,
    /// Type of its users: customer, staff, merchant or member
    #[arg(long = "type", value_name = "TYPE", default_value_t = UserType::Staff)]
    user_type: UserType,
}

/// Which group.
#[derive(Debug, Args)]
pub struct Named {
    /// Name or id of the group
    #[arg(value_name = "GROUP")]
    group: String,
    /// Type of its users: customer, staff, merchant or member
    #[arg(long = "type", value_name = "TYPE", default_value_t = UserType::Staff)]
    user_type: UserType,
}

/// Who is to leave which group.
#[derive(Debug, Args)]
pub struct LeavingCommand {
    #[command(flatten)]
    member: MemberCommand,
    #[command(flatten)]
    force: Force,
}

/// Which group and whom.
#[derive(Debug, Args)]
pub struct MemberCommand {
    /// Name or id of the group
    #[arg(value_name = "GROUP")]
    group: String,
    #[command(flatten)]
    person: Person,
}

/// Which group, and which part of the list.
#[derive(Debug, Args)]
pub struct MembersCommand {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    pages: Pages,
}

/// Which part of a list.
#[derive(Debug, Args)]
pub struct Pages {
    /// How many at most
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Go on behind this place, which the list before has printed
    #[arg(long, value_name = "PLACE")]
    after: Option<String>,
}

impl Pages {
    pub(super) fn paging(self) -> Paging {
        Paging { after: self.after, limit: self.limit }
    }
}

impl GroupsCommand {
    pub(super) async fn run(self, house: &CommandHouse) -> Result<Answer, Failure> {
        match self {
            Self::List(pages) => list(house, pages).await,
            Self::Add(command) => add(house, &command).await,
            Self::Remove(named) => remove(house, &named).await,
            Self::Members(command) => members(house, command).await,
            Self::AddMember(command) => add_member(house, &command).await,
            Self::RemoveMember(command) => remove_member(house, &command).await,
        }
    }
}

/// Finds a group by name or id, among those for users of a type.
pub(super) async fn find(
    house: &CommandHouse,
    group: &str,
    user_type: UserType,
) -> Result<Group, Failure> {
    let name = group_name(group)?;
    let found = match house.store.find_group_by_name(user_type, &name).await? {
        Some(found) => Some(found),
        None => house.store.find_group(&GroupId::from_stored(group)).await?,
    };
    found.ok_or_else(|| {
        let text = format!(
            "there is no group \"{group}\" for {user_type} users; look with: vestibule groups list"
        );
        Failure::new("not_found", text)
    })
}

fn group_name(text: &str) -> Result<GroupName, Failure> {
    GroupName::parse(text).map_err(|error| Failure::new("group_name", error.to_string()))
}

fn group_json(group: &Group) -> Value {
    json!({
        "id": group.id.as_str(),
        "name": group.name,
        "type": group.user_type.as_str(),
        "built_in": group.built_in,
        "created_at": group.created_at.to_rfc3339(),
    })
}

async fn list(house: &CommandHouse, pages: Pages) -> Result<Answer, Failure> {
    let page = house.store.list_groups(&pages.paging()).await?;
    let row = |group: &Group| {
        let kind = if group.built_in { "built in" } else { "" };
        vec![group.name.clone(), group.user_type.to_string(), kind.to_owned(), group.id.to_string()]
    };
    let rows: Vec<_> = page.items.iter().map(row).collect();
    let text = table(&["NAME", "TYPE", "", "ID"], &rows) + &more(page.next.as_ref());
    let groups: Vec<_> = page.items.iter().map(group_json).collect();
    Ok(Answer::new(text, json!({ "groups": groups, "next": page.next })))
}

async fn add(house: &CommandHouse, command: &AddCommand) -> Result<Answer, Failure> {
    let name = group_name(&command.name)?;
    let group = house.store.add_group(command.user_type, &name, &house.by(), house.now()).await?;
    let text = format!(
        "Added the group {} for {} users. It grants nothing by itself.",
        group.name, group.user_type
    );
    Ok(Answer::new(text, json!({ "group": group_json(&group) })))
}

async fn remove(house: &CommandHouse, named: &Named) -> Result<Answer, Failure> {
    let group = find(house, &named.group, named.user_type).await?;
    house.store.remove_group(&group.id, &house.by(), house.now()).await?;
    let text = format!("Removed the group {} and everybody's membership of it.", group.name);
    Ok(Answer::new(text, json!({ "group": group_json(&group), "removed": true })))
}

async fn members(house: &CommandHouse, command: MembersCommand) -> Result<Answer, Failure> {
    let group = find(house, &command.named.group, command.named.user_type).await?;
    let page = house.store.list_group_members(&group.id, &command.pages.paging()).await?;
    let rows: Vec<Vec<String>> = page
        .items
        .iter()
        .map(|user| {
            let (email, id) = (user.email.to_string(), user.id.to_string());
            vec![email, user.name.full(), user.status.to_string(), id]
        })
        .collect();
    let text = if rows.is_empty() {
        format!("Nobody is in the group {}.", group.name)
    } else {
        table(&["ADDRESS", "NAME", "STATUS", "ID"], &rows) + &more(page.next.as_ref())
    };
    let people: Vec<_> = page.items.iter().map(users::user_json).collect();
    let json = json!({ "group": group_json(&group), "users": people, "next": page.next });
    Ok(Answer::new(text, json))
}

async fn add_member(house: &CommandHouse, command: &MemberCommand) -> Result<Answer, Failure> {
    let user = users::find(house, &command.person).await?;
    let group = find(house, &command.group, user.user_type).await?;
    house.store.add_group_member(&group.id, &user.id, &house.by(), house.now()).await?;
    let text = format!("{} is in the group {}.", user.email, group.name);
    Ok(Answer::new(text, member_json(&group, &user, true)))
}

async fn remove_member(
    house: &CommandHouse,
    LeavingCommand { member: command, force }: &LeavingCommand,
) -> Result<Answer, Failure> {
    let user = users::find(house, &command.person).await?;
    let group = find(house, &command.group, user.user_type).await?;
    let outcome =
        house.store.remove_group_member(&group.id, &user.id, &force.by(house), house.now()).await?;
    match outcome {
        MemberOutcome::Refused(refusal) => Err(Failure::new(refusal.code(), refusal.to_string())),
        MemberOutcome::Removed => {
            let text = format!("{} is not in the group {}.", user.email, group.name);
            Ok(Answer::new(text, member_json(&group, &user, false)))
        }
    }
}

fn member_json(group: &Group, user: &identity::users::User, is_member: bool) -> Value {
    let user = users::user_json(user);
    json!({ "group": group_json(group), "user": user, "is_member": is_member })
}
