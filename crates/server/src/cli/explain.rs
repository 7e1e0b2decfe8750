//! `vestibule explain`: what would become of somebody with these claims, and why; nothing is written.

use std::path::{Path, PathBuf};

use clap::Args;
use identity::applications::Application;
use identity::federation::claims;
use identity::federation::decide::{Arrival, Decided, Decision, Known, NewUser, decide};
use identity::federation::hook::{About, HookAnswer, HookWord, hook_of};
use identity::federation::id_token::IdClaims;
use identity::federation::policy::{Policy, PolicyChange, PolicyFields};
use identity::federation::proof;
use identity::federation::provider::Provider;
use identity::federation::refusal::Refusal;
use serde_json::{Map, Value, json};

use super::answer::table;
use super::json_file::{self, object};
use super::policy::Shown;
use super::{Answer, CommandHouse, Failure, audit};
use crate::federation::save;

mod replay;

use replay::Replay;

/// Longest file of claims, in bytes: as much as is taken from a provider.
const MAX_CLAIMS: u64 = 256 * 1024;

/// Whose sign-in is to be explained.
#[derive(Debug, Args)]
pub struct ExplainCommand {
    /// A refused sign-in, by the code that the person was shown: explains the decision that was
    /// made then
    #[arg(
        long,
        value_name = "CODE",
        conflicts_with_all =
            ["application", "provider", "claims", "policy", "hook_answer", "replay"],
        required_unless_present_any = ["claims", "replay"]
    )]
    support_code: Option<String>,
    /// Application that somebody would sign in to
    #[arg(long, value_name = "APPLICATION", requires = "asked")]
    application: Option<String>,
    /// Provider that would vouch for them; with --replay, every connected one where none is named
    #[arg(long, value_name = "KEY", requires = "asked")]
    provider: Option<String>,
    /// File with what the provider would say about them: the claims of an ID token, as JSON
    #[arg(long, value_name = "FILE", group = "asked", requires_all = ["application", "provider"])]
    claims: Option<PathBuf>,
    /// File with fields of a policy, as JSON, that shall hold for the connection instead of its
    /// own; nothing is changed
    #[arg(long, value_name = "FILE", requires = "asked")]
    policy: Option<PathBuf>,
    /// Makes the last decisions again under --policy, so many for each provider, and counts who
    /// would be let in, kept out, or change groups
    #[arg(
        long,
        value_name = "DECISIONS",
        group = "asked",
        requires_all = ["application", "policy"],
        conflicts_with = "claims",
        value_parser = clap::value_parser!(u32).range(1..=100_000)
    )]
    replay: Option<u32>,
    /// With --replay: name everybody whose outcome changes, and not only the latest 20
    #[arg(long, requires = "replay")]
    all: bool,
    /// File with what the decision hook would answer, as JSON; it is not asked [default: nothing,
    /// as if it let them in]
    #[arg(long, value_name = "FILE", requires = "claims")]
    hook_answer: Option<PathBuf>,
}

impl ExplainCommand {
    pub(super) async fn run(self, house: &CommandHouse) -> Result<Answer, Failure> {
        if let (Some(most), Some(application), Some(policy)) =
            (self.replay, &self.application, &self.policy)
        {
            let provider = self.provider.as_deref();
            let replay = Replay { application, provider, policy, most, all: self.all };
            return Box::pin(replay.run(house)).await;
        }
        match (self.support_code, self.application, self.provider, self.claims) {
            (Some(code), ..) => audit::show(house, &code).await,
            (None, Some(application), Some(provider), Some(claims)) => {
                let (policy, hook_answer) = (self.policy, self.hook_answer);
                let asked = Asked { application, provider, policy, hook_answer };
                let said = object(&claims, "claims", MAX_CLAIMS)?;
                Box::pin(asked.explain(house, said)).await
            }
            _ => Err(Failure::new(
                "usage",
                "give --support-code, or --application, --provider and --claims, or --application, \
                 --policy and --replay",
            )),
        }
    }
}

struct Asked {
    application: String,
    provider: String,
    policy: Option<PathBuf>,
    hook_answer: Option<PathBuf>,
}

impl Asked {
    async fn explain(
        self,
        house: &CommandHouse,
        said: Map<String, Value>,
    ) -> Result<Answer, Failure> {
        let application = save::find_application(&house.store, &self.application).await?;
        let provider = save::find_provider(&house.store, &self.provider).await?;
        let user_type = application.user_type;
        let external = match claims::read(&provider, &id_claims(&provider, said)?, None) {
            Ok(external) => external,
            Err(refusal) => return Ok(unread(refusal)),
        };
        let change = match &self.policy {
            Some(file) => policy_of(house, &application, file).await?,
            None => PolicyChange::default(),
        };
        let hook = HookWord::Ahead;
        let mut arrival = Arrival { external, application, hook, shown: None, now: house.now() };
        let (mut known, mut decided) = decide_under(house, &arrival, &change).await?;
        if let (Some(file), Some(hook)) = (&self.hook_answer, hook_of(&arrival, &known)) {
            let answer = hook_answer(file)?;
            arrival.hook = HookWord::Said { hook, about: About::of(&decided.decision), answer };
            (known, decided) = decide_under(house, &arrival, &change).await?;
        }
        let policy = match &known.connection {
            None => None,
            Some(connection) => {
                let policy = Policy::of(&connection.policy, &known.defaults, user_type);
                Some(Shown::of(house, &policy).await?)
            }
        };
        answer(&decided, &known, policy.as_ref())
    }
}

async fn decide_under(
    house: &CommandHouse,
    arrival: &Arrival,
    change: &PolicyChange,
) -> Result<(Known, Decided), Failure> {
    let known = house.store.find_known_under(arrival, |known| under(known, change)).await?;
    let known = known.changed;
    let decided = decide(arrival, &known);
    Ok((known, decided))
}

/// What a file says that the decision hook would answer, read as its answer is.
fn hook_answer(file: &Path) -> Result<HookAnswer, Failure> {
    let said = Value::Object(object(file, "hook_answer", MAX_CLAIMS)?).to_string();
    HookAnswer::parse(said.as_bytes())
        .map_err(|fault| Failure::new("hook_answer", format!("{}: {fault}", file.display())))
}

/// What a file changes about a policy that was set; groups are named there as they are to commands.
async fn policy_of(
    house: &CommandHouse,
    application: &Application,
    file: &Path,
) -> Result<PolicyChange, Failure> {
    let text = json_file::text(file, "policy", MAX_CLAIMS)?;
    let mut set: PolicyFields = serde_json::from_str(&text).map_err(|error| {
        Failure::new("policy", format!("{} is no policy: {error}", file.display()))
    })?;
    if let Some(groups) = &mut set.default_groups {
        let named: Vec<String> = groups.iter().map(|group| group.as_str().to_owned()).collect();
        let found = save::find_groups(&house.store, application, &named).await?;
        *groups = found.into_iter().map(|group| group.id).collect();
    }
    Ok(PolicyChange::from(set))
}

/// As if the change were made.
fn under(known: &mut Known, change: &PolicyChange) {
    if let Some(connection) = &mut known.connection {
        connection.policy = change.apply(connection.policy.clone());
    }
}

/// As an ID token that was checked: `iss` and `sub` are those of the provider and of somebody.
fn id_claims(provider: &Provider, said: Map<String, Value>) -> Result<IdClaims, Failure> {
    let subject = said.get("sub").and_then(Value::as_str).filter(|subject| !subject.is_empty());
    let Some(subject) = subject.map(str::to_owned) else {
        let text =
            "the claims name nobody; add \"sub\", which is how the provider tells people apart";
        return Err(Failure::new("claims", text));
    };
    if said.get("iss").is_some_and(|issuer| *issuer != provider.issuer.as_str()) {
        let text =
            format!("\"iss\" is not the issuer of {}, which is {}", provider.key, provider.issuer);
        return Err(Failure::new("claims", text));
    }
    let issuer = provider.issuer.clone();
    Ok(IdClaims { issuer, subject, auth_time: None, claims: said })
}

fn unread(refusal: Refusal) -> Answer {
    let text = format!("Refused: {} ({}).", refusal.meaning(), refusal.code());
    let decision = json!({ "decision": "refuse", "reason": refusal.code() });
    Answer::new(text, json!({ "decision": decision, "rules": [], "writes": [] }))
}

fn answer(decided: &Decided, known: &Known, policy: Option<&Shown>) -> Result<Answer, Failure> {
    let row = |one: &identity::weighed::Weighed| {
        let settled = if one.settled { "settles it" } else { "" };
        vec![one.rule.to_owned(), one.saw.clone(), settled.to_owned()]
    };
    let rows: Vec<_> = decided.rules.iter().map(row).collect();
    let writes = writes(&decided.decision);
    let mut text = format!("{}\n\n{}", words(decided, known), table(&["RULE", "SAW", ""], &rows));
    if let Some(policy) = policy {
        text.push_str(&format!("\n\n{}", table(&["POLICY", "", "SET FOR"], &policy.rows())));
    }
    text.push_str(&format!("\n\nWould be written: {}.", writes.join(", ")));
    let broken = |error: serde_json::Error| Failure::new("broken", error.to_string());
    let json = json!({
        "decision": serde_json::to_value(&decided.decision).map_err(broken)?,
        "rules": serde_json::to_value(&decided.rules).map_err(broken)?,
        "policy": policy.map(Shown::json),
        "writes": writes,
    });
    Ok(Answer::new(text, json))
}

/// The decision in a sentence.
fn words(decided: &Decided, known: &Known) -> String {
    let made = |new: &NewUser, then: &str| {
        format!("A user is made for {} ({} address) and {then}.", new.email, new.email_standing)
    };
    match &decided.decision {
        Decision::SignIn { .. } => {
            let who = known.linked.as_ref().map(|linked| linked.user.email.to_string());
            format!("Signs in as {}.", who.unwrap_or_default())
        }
        Decision::Link { .. } => {
            let who = known.candidate.as_ref().map(|candidate| candidate.user.email.to_string());
            format!("Is linked to {} and signs in.", who.unwrap_or_default())
        }
        Decision::AskProof { asked } => {
            let shows = match asked {
                proof::Asked::Account => "sign in once with what an account of this address has",
                proof::Asked::Mailbox => "give back a code that is sent to this address",
                proof::Asked::Both => {
                    "give back a code that is sent to this address, and then sign in once with \
                     what an account of it has"
                }
            };
            let told = if decided.considered_account() {
                ""
            } else {
                " Whether an account has the address is not looked at before."
            };
            format!("Has to {shows}; then it is decided again.{told}")
        }
        Decision::Create(new) => made(new, "signs in"),
        Decision::Hold(new) => made(new, "waits for approval"),
        Decision::Refuse { reason } => {
            format!("Refused: {} ({}).", reason.meaning(), reason.code())
        }
    }
}

/// What carrying it out writes, by the name of the thing.
fn writes(decision: &Decision) -> Vec<&'static str> {
    let mut writes = Vec::new();
    let mut writes_if = |written, what| writes.extend(Some(what).filter(|_| written));
    let made = match decision {
        Decision::Create(new) | Decision::Hold(new) => Some(new),
        _ => None,
    };
    let changes = decision.changes().cloned().unwrap_or_default();
    let profile = changes.name.is_some() || changes.locale.is_some() || changes.approved;
    let grants = made.map_or(&changes.granted, |new| &new.groups);
    let keeps = matches!(decision, Decision::SignIn { identity_email: Some(_), .. });
    let is_in = decision.lets_in();
    writes_if(made.is_some(), "user");
    writes_if(profile, "attributes of the user");
    writes_if(changes.email.is_some(), "address of the user");
    writes_if(!grants.is_empty() || !changes.revoked.is_empty(), "groups of the user");
    writes_if(keeps, "address of the identity");
    writes_if(made.is_some() || matches!(decision, Decision::Link { .. }), "identity");
    writes_if(matches!(decision, Decision::AskProof { .. }), "proof");
    writes_if(is_in, "session");
    writes_if(true, "audit");
    writes
}
