//! `vestibule explain --replay`: the last decisions, made again under a changed policy.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use identity::applications::Application;
use identity::federation::decide::{Arrival, Decided, Decision};
use identity::federation::hook::HookWord;
use identity::federation::policy::PolicyChange;
use identity::federation::proof::Asked;
use identity::federation::provider::Provider;
use identity::federation::replay::{Difference, Replayed, Said, replay};
use identity::ids::UserId;
use serde_json::{Value, json};
use store::RecordedArrival;

use super::{policy_of, under};
use crate::cli::answer::table;
use crate::cli::{Answer, CommandHouse, Failure};
use crate::federation::save;

/// People who are named where not everybody is asked for.
const NAMED: usize = 20;

/// Which decisions, under which policy.
pub(super) struct Replay<'a> {
    pub application: &'a str,
    pub provider: Option<&'a str>,
    pub policy: &'a Path,
    pub most: u32,
    pub all: bool,
}

/// Sign-ins, and how many people they were of.
#[derive(Default)]
struct Count {
    sign_ins: u64,
    people: BTreeSet<(String, String)>,
}

impl Count {
    fn add(&mut self, provider: &Provider, arrival: &RecordedArrival) {
        self.sign_ins += 1;
        self.people.insert((provider.key.clone(), arrival.kept.subject().to_owned()));
    }

    fn json(&self) -> Value {
        json!({ "sign_ins": self.sign_ins, "people": self.people.len() })
    }

    fn words(&self) -> String {
        let plural = |count: usize, one: &str, many: &str| {
            format!("{count} {}", if count == 1 { one } else { many })
        };
        match usize::try_from(self.sign_ins).unwrap_or(usize::MAX) {
            0 => "0".to_owned(),
            count => format!(
                "{} of {}",
                plural(count, "sign-in", "sign-ins"),
                plural(self.people.len(), "person", "people")
            ),
        }
    }
}

/// Somebody whose outcome changes, at their latest sign-in of that kind.
struct Changed {
    arrival: RecordedArrival,
    provider: String,
    said: Box<Said>,
}

#[derive(Default)]
struct Tally {
    all: Count,
    differences: BTreeMap<Difference, Count>,
    unknown: BTreeMap<String, Count>,
    changed: Vec<Changed>,
}

impl Replay<'_> {
    pub(super) async fn run(self, house: &CommandHouse) -> Result<Answer, Failure> {
        let application = save::find_application(&house.store, self.application).await?;
        let change = policy_of(house, &application, self.policy).await?;
        let mut tally = Tally::default();
        for provider in self.providers(house, &application).await? {
            Box::pin(tally.play(house, &application, &provider, &change, self.most)).await?;
        }
        tally.changed.sort_by_key(|one| std::cmp::Reverse(one.arrival.at));
        tally.answer(house, self.all).await
    }

    /// The one that is named, or every one that is connected.
    async fn providers(
        &self,
        house: &CommandHouse,
        application: &Application,
    ) -> Result<Vec<Provider>, Failure> {
        let connections = house.store.list_connections(Some(&application.key)).await?;
        let mut providers = house.store.list_providers().await?;
        providers.retain(|one| connections.iter().any(|door| door.provider == one.id));
        let Some(key) = self.provider else { return Ok(providers) };
        let named = save::find_provider(&house.store, key).await?;
        providers.retain(|one| one.id == named.id);
        if providers.is_empty() {
            let text = format!("\"{key}\" is not connected to {}", application.key);
            return Err(Failure::new("not_connected", text));
        }
        Ok(providers)
    }
}

impl Tally {
    async fn play(
        &mut self,
        house: &CommandHouse,
        application: &Application,
        provider: &Provider,
        change: &PolicyChange,
        most: u32,
    ) -> Result<(), Failure> {
        let arrivals = house.store.list_arrivals(&application.key, &provider.id, most).await?;
        for recorded in arrivals {
            let external = recorded.kept.external(&provider.id);
            let arrival = Arrival {
                external,
                application: application.clone(),
                hook: HookWord::Ahead,
                shown: None,
                now: house.now(),
            };
            let tried =
                house.store.find_known_under(&arrival, |known| under(known, change)).await?;
            let Some(replayed) = replay(&recorded.kept, &arrival, &tried) else { continue };
            self.all.add(provider, &recorded);
            match replayed {
                Replayed::CannotSay { claim } => {
                    self.unknown.entry(claim).or_default().add(provider, &recorded);
                }
                Replayed::Said(said) => self.say(provider, recorded, said),
            }
        }
        Ok(())
    }

    fn say(&mut self, provider: &Provider, arrival: RecordedArrival, said: Box<Said>) {
        let count = self.differences.entry(said.difference).or_default();
        let people = count.people.len();
        count.add(provider, &arrival);
        // The latest comes first; those before it say the same about the same person.
        if said.difference != Difference::Same && count.people.len() > people {
            self.changed.push(Changed { arrival, provider: provider.key.clone(), said });
        }
    }

    async fn answer(self, house: &CommandHouse, all: bool) -> Result<Answer, Failure> {
        let shown = if all { self.changed.len() } else { NAMED.min(self.changed.len()) };
        let more = self.changed.len() - shown;
        let emails = emails(house, &self.changed[..shown]).await?;
        let nothing = Count::default();
        let count = |difference| self.differences.get(&difference).unwrap_or(&nothing);
        let mut rows: Vec<Vec<String>> = Difference::ALL
            .iter()
            .map(|one| vec![words(*one).to_owned(), count(*one).words()])
            .collect();
        for (claim, count) in &self.unknown {
            let what = format!("cannot say: {claim} was not recorded");
            rows.push(vec![what, count.words()]);
        }
        let mut text = format!(
            "Looked at {}. Each was decided twice on the facts of now and with the claims that were \
             recorded: by the policy in force, and by the changed one. What differs comes from the \
             policy alone; nothing is written.\n\n{}",
            self.all.words(),
            table(&["OUTCOME", ""], &rows)
        );
        let people = &self.changed[..shown];
        if !people.is_empty() {
            let rows: Vec<_> = people.iter().map(|one| one.row(&emails)).collect();
            let head = ["TIME", "WHO", "PROVIDER", "CODE", "OUTCOME", "NOW", "THEN"];
            text.push_str(&format!("\n\n{}", table(&head, &rows)));
        }
        if more > 0 {
            text.push_str(&format!("\n\nThere are {more} more: --all"));
        }
        let mut json = serde_json::Map::new();
        json.insert("looked_at".to_owned(), self.all.json());
        for one in Difference::ALL {
            json.insert(one.as_str().to_owned(), count(one).json());
        }
        let unknown = self.unknown.iter().map(|(claim, count)| (claim.clone(), count.json()));
        json.insert("cannot_say".to_owned(), Value::Object(unknown.collect()));
        json.insert("people".to_owned(), people.iter().map(|one| one.json(&emails)).collect());
        json.insert("more".to_owned(), more.into());
        Ok(Answer::new(text, Value::Object(json)))
    }
}

type Emails = HashMap<UserId, String>;

/// The addresses of those who are users.
async fn emails(house: &CommandHouse, people: &[Changed]) -> Result<Emails, Failure> {
    let mut emails = Emails::new();
    for one in people {
        if let Some(id) = &one.arrival.user
            && let Some(user) = house.store.find_user(id).await?
        {
            emails.insert(id.clone(), user.email.as_typed().to_owned());
        }
    }
    Ok(emails)
}

impl Changed {
    fn email<'e>(&self, emails: &'e Emails) -> Option<&'e str> {
        emails.get(self.arrival.user.as_ref()?).map(String::as_str)
    }

    fn row(&self, emails: &Emails) -> Vec<String> {
        let or_dash = |text: Option<&str>| text.unwrap_or("-").to_owned();
        vec![
            self.arrival.at.to_rfc3339(),
            or_dash(self.email(emails)),
            self.provider.clone(),
            or_dash(self.arrival.support_code.as_deref()),
            words(self.said.difference).to_owned(),
            outcome(&self.said.before).to_owned(),
            outcome(&self.said.after).to_owned(),
        ]
    }

    fn json(&self, emails: &Emails) -> Value {
        json!({
            "entry": self.arrival.id.as_str(),
            "at": self.arrival.at.to_rfc3339(),
            "support_code": self.arrival.support_code,
            "user": self.arrival.user.as_ref().map(UserId::as_str),
            "user_email": self.email(emails),
            "provider": self.provider,
            "difference": self.said.difference.as_str(),
            "before": json!(self.said.before.decision),
            "after": json!(self.said.after.decision),
        })
    }
}

fn words(difference: Difference) -> &'static str {
    match difference {
        Difference::LetIn => "let in",
        Difference::KeptOut => "kept out",
        Difference::Groups => "changes groups",
        Difference::Same => "the same",
    }
}

/// What comes of somebody, in a word.
fn outcome(decided: &Decided) -> &'static str {
    match &decided.decision {
        Decision::Refuse { reason } => reason.code(),
        Decision::AskProof { asked: Asked::Account } => "ask_proof",
        Decision::AskProof { asked: Asked::Mailbox | Asked::Both } => "prove_mailbox",
        Decision::Hold(_) => "waits",
        Decision::SignIn { .. } | Decision::Link { .. } | Decision::Create(_) => "in",
    }
}
