//! `vestibule audit`: what was done and what was refused, by whom and why.

use std::collections::HashMap;

use clap::{Args, Subcommand};
use identity::ids::{AuditId, ProviderId, UserId};
use identity::text::printable;
use serde_json::{Value, json};
use store::{AuditEntry, Paging};

use super::answer::{more, table};
use super::users::{self, Person};
use super::{Answer, CommandHouse, Failure};
use crate::audit::read_support_code;

/// What to read.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Show one entry, by its support code or its id, with the rules that were weighed
    Show(ShowCommand),
    /// List entries, the latest first
    List(ListCommand),
    /// List the entries about a user, the latest first
    Of(OfCommand),
}

/// Which entry.
#[derive(Debug, Args)]
pub struct ShowCommand {
    /// Support code, as the person was shown it; or the id of an entry, as --json lists it
    #[arg(value_name = "CODE")]
    code: String,
}

/// Which entries.
#[derive(Debug, Args)]
pub struct ListCommand {
    /// How many at most
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Go on behind this place, which the list before has printed
    #[arg(long, value_name = "PLACE")]
    after: Option<String>,
}

/// Whose entries.
#[derive(Debug, Args)]
pub struct OfCommand {
    #[command(flatten)]
    person: Person,
    #[command(flatten)]
    list: ListCommand,
}

impl AuditCommand {
    pub(super) async fn run(self, house: &CommandHouse) -> Result<Answer, Failure> {
        match self {
            Self::Show(command) => show(house, &command.code).await,
            Self::List(command) => list(house, None, command).await,
            Self::Of(OfCommand { person, list: command }) => {
                list(house, Some(&person), command).await
            }
        }
    }
}

pub(super) async fn show(house: &CommandHouse, code: &str) -> Result<Answer, Failure> {
    // People read codes out and type them in their own way; what is none finds nothing.
    let found = match read_support_code(code) {
        Some(code) => house.store.find_audit_by_support_code(&code).await?,
        None => house.store.find_audit(&AuditId::from_stored(code.trim())).await?,
    };
    let entry = found.ok_or_else(|| {
        let text = format!("no entry has the support code or id {code}; check it letter by letter");
        Failure::new("not_found", text)
    })?;
    let names = Names::of(house, std::slice::from_ref(&entry)).await?;
    let json = entry_json(&entry, &names);
    Ok(Answer::new(words(&entry, &names), json!({ "entry": json })))
}

async fn list(
    house: &CommandHouse,
    person: Option<&Person>,
    command: ListCommand,
) -> Result<Answer, Failure> {
    let user = match person {
        Some(person) => Some(users::find(house, person).await?.id),
        None => None,
    };
    let paging = Paging { after: command.after, limit: command.limit };
    let page = house.store.list_audit(user.as_ref(), &paging).await?;
    let names = Names::of(house, &page.items).await?;
    let or_dash = |text: Option<&str>| text.unwrap_or("-").to_owned();
    let row = |entry: &AuditEntry| {
        vec![
            entry.at.to_rfc3339(),
            names.actor(entry),
            entry.action.clone(),
            entry.outcome.clone(),
            names.about(entry),
            or_dash(entry.support_code.as_deref()),
        ]
    };
    let rows: Vec<_> = page.items.iter().map(row).collect();
    let text = if rows.is_empty() {
        "There is no entry.".to_owned()
    } else {
        let head = ["TIME", "BY", "ACTION", "OUTCOME", "ABOUT", "CODE"];
        table(&head, &rows) + &more(page.next.as_ref())
    };
    let entries: Vec<_> = page.items.iter().map(|entry| entry_json(entry, &names)).collect();
    Ok(Answer::new(text, json!({ "entries": entries, "next": page.next })))
}

/// What the ids in entries stand for now; an id stands for itself where nothing has it any more.
#[derive(Default)]
struct Names {
    emails: HashMap<UserId, String>,
    providers: HashMap<ProviderId, String>,
}

impl Names {
    async fn of(house: &CommandHouse, entries: &[AuditEntry]) -> Result<Self, Failure> {
        let mut names = Self::default();
        for id in entries.iter().flat_map(|entry| [entry.user.clone(), actor(entry)]).flatten() {
            if !names.emails.contains_key(&id)
                && let Some(user) = house.store.find_user(&id).await?
            {
                names.emails.insert(id, user.email.as_typed().to_owned());
            }
        }
        for provider in house.store.list_providers().await? {
            names.providers.insert(provider.id, provider.key);
        }
        Ok(names)
    }

    fn user<'a>(&'a self, entry: &'a AuditEntry) -> Option<&'a str> {
        let id = entry.user.as_ref()?;
        Some(self.emails.get(id).map_or(id.as_str(), String::as_str))
    }

    fn provider<'a>(&'a self, entry: &'a AuditEntry) -> Option<&'a str> {
        let id = entry.provider.as_ref()?;
        Some(self.providers.get(id).map_or(id.as_str(), String::as_str))
    }

    /// Whom or what an entry is about: a person, else what its detail names.
    fn about(&self, entry: &AuditEntry) -> String {
        const THINGS: [&str; 5] = ["client", "origin", "kid", "group", "application"];
        let thing = || {
            let named = THINGS.iter().find_map(|name| entry.detail.get(*name)?.as_str());
            named.or(self.provider(entry)).or(entry.application.as_ref().map(|key| key.as_str()))
        };
        self.user(entry).or_else(thing).unwrap_or("-").to_owned()
    }

    fn actor(&self, entry: &AuditEntry) -> String {
        let email = actor(entry).and_then(|id| self.emails.get(&id).cloned());
        email.unwrap_or_else(|| entry.actor.clone())
    }
}

/// The user who did it, if it was one.
fn actor(entry: &AuditEntry) -> Option<UserId> {
    entry.actor.strip_prefix("user:").map(UserId::from_stored)
}

/// An entry as JSON. Fields are added, never removed or changed.
fn entry_json(entry: &AuditEntry, names: &Names) -> Value {
    json!({
        "id": entry.id.as_str(),
        "at": entry.at.to_rfc3339(),
        "actor": entry.actor,
        "action": entry.action,
        "outcome": entry.outcome,
        "user": entry.user.as_ref().map(UserId::as_str),
        "user_email": entry.user.as_ref().and_then(|id| names.emails.get(id)),
        "application": entry.application.as_ref().map(|key| key.as_str()),
        "provider": entry.provider.as_ref().map(ProviderId::as_str),
        "provider_key": entry.provider.as_ref().and_then(|id| names.providers.get(id)),
        "support_code": entry.support_code,
        "request_id": entry.request_id,
        "address": entry.address,
        "user_agent": entry.user_agent,
        "detail": entry.detail,
    })
}

/// An entry for people: one fact a line, the rules in their order.
fn words(entry: &AuditEntry, names: &Names) -> String {
    let (at, by) = (entry.at.to_rfc3339(), names.actor(entry));
    let facts = [
        ("Time", Some(at.as_str())),
        ("By", Some(by.as_str())),
        ("Action", Some(entry.action.as_str())),
        ("Outcome", Some(entry.outcome.as_str())),
        ("User", names.user(entry)),
        ("Door", entry.application.as_ref().map(|key| key.as_str())),
        ("Provider", names.provider(entry)),
        ("Network", entry.address.as_deref()),
        ("Browser", entry.user_agent.as_deref()),
        ("Request", entry.request_id.as_deref()),
    ];
    let mut text = String::new();
    for (name, value) in facts {
        if let Some(value) = value {
            text.push_str(&format!("{name:<10}  {}\n", printable(value)));
        }
    }
    for (name, value) in &entry.detail {
        let name = printable(name);
        match value.as_array().filter(|list| list.iter().all(Value::is_object)) {
            Some(rules) if !rules.is_empty() => {
                text.push_str(&format!("\n{name}:\n"));
                rules.iter().for_each(|rule| text.push_str(&format!("  {}\n", rule_words(rule))));
            }
            _ => text.push_str(&format!("{name:<10}  {}\n", plain(value))),
        }
    }
    text
}

fn rule_words(rule: &Value) -> String {
    let settled = if rule["settled"] == true { " -> settles it" } else { "" };
    let words = match (rule["rule"].as_str(), rule["saw"].as_str()) {
        (Some(name), Some(saw)) => format!("{name}: {saw}{settled}"),
        _ => rule.to_string(),
    };
    printable(&words)
}

fn plain(value: &Value) -> String {
    printable(&value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_provider_said_does_not_command_the_terminal() {
        let said = "https://a\u{1b}[2J\nOutcome  done\u{202e}";
        let spelt = r"https://a\u{1b}[2J\u{a}Outcome  done\u{202e}";
        assert_eq!(plain(&json!(said)), spelt);
        assert_eq!(
            rule_words(&json!({ "rule": "issuer", "saw": said })),
            format!("issuer: {spelt}")
        );
    }
}
