//! The policies on their pages: each makes of people what the page says.

use serde_json::Value;

use super::*;
use crate::federation::hook::{About, HookAnswer, HookFault};
use crate::federation::proof::Asked;

const PAGES: [&str; 2] = [
    include_str!("../../../../../../docs/policies.md"),
    include_str!("../../../../../../docs/linking-by-proof.md"),
];

/// A policy with its door, and people with what becomes of them.
struct Described {
    door: &'static str,
    policy: PolicyFields,
    people: Vec<(&'static str, &'static str)>,
}

fn described() -> Vec<Described> {
    let blocks = PAGES.into_iter().flat_map(|page| page.split("\n```json policy ").skip(1));
    let read = |block: &'static str| {
        let (head, rest) = block.split_once("\n```\n").expect("the block ends");
        let (door, policy) = head.split_once('\n').expect("a door and a policy");
        let policy = serde_json::from_str(policy).unwrap_or_else(|error| panic!("{head}: {error}"));
        let rows = rest.lines().skip_while(|line| !line.starts_with('|')).skip(2);
        let cells = |line: &'static str| {
            let (person, outcome) = line.trim_matches('|').split_once('|').expect("two cells");
            (person.trim(), outcome.trim())
        };
        let people = rows.take_while(|line| line.starts_with('|')).map(cells).collect();
        Described { door, policy, people }
    };
    blocks.map(read).collect()
}

/// Somebody, in the words of the page.
struct Person {
    arrival: Arrival,
    known: Known,
}

impl Person {
    fn of(words: &str, door: &str, policy: &PolicyFields) -> Self {
        let doors = Application::built_in();
        let application = doors.into_iter().find(|one| one.key.as_str() == door).expect("a door");
        let (who, how) = words.split_once(", ").unwrap_or((words, ""));
        let mut arrival = Arrival { application, ..arrival(ADA) };
        let status = if who.contains("deactivated") || how == "deactivated" {
            Status::Deactivated
        } else {
            Status::Active
        };
        let standing = if who.contains("unconfirmed") {
            EmailStanding::Unconfirmed
        } else {
            EmailStanding::VouchedFor
        };
        let mut known = match who {
            "unknown" => stranger(UnknownUser::Refuse),
            "known" => linked(ADA, status),
            account if account.starts_with("has a") => same_address(status, standing, false),
            other => panic!("who is \"{other}\"?"),
        };
        let external = &mut arrival.external;
        match how {
            "" | "deactivated" => {}
            "address denied" => external.email_verified = EmailVerified::No,
            "no word about the address" => external.email_verified = EmailVerified::Absent,
            "no address" => external.email = None,
            "of another domain" => {
                external.email_verified = EmailVerified::Absent;
                known.provider.trusted_domains = vec!["elsewhere.test".to_owned()];
            }
            "with a new address" => external.email = Some(married()),
            "with a new address that is denied" => {
                external.email = Some(married());
                external.email_verified = EmailVerified::No;
            }
            hook if hook.starts_with("the hook ") => {}
            claims => {
                let claims = claims.strip_prefix("claims `").and_then(|one| one.strip_suffix('`'));
                let claims = claims.unwrap_or_else(|| panic!("what is \"{how}\"?"));
                let claims: Value = serde_json::from_str(claims).expect("claims as JSON");
                external.claims = claims.as_object().expect("an object").clone();
            }
        }
        known.connection.as_mut().expect("a connection").policy = policy.clone();
        known.groups = ["buyers-acme", "editors"].map(group_named).into();
        if let Some(word) = how.strip_prefix("the hook ") {
            arrival.hook = said_by_hook(word, &arrival, &known);
        }
        Self { arrival, known }
    }

    fn outcome(&self) -> String {
        let with_groups = |outcome: &str, groups: &[GroupId]| match groups {
            [] => outcome.to_owned(),
            groups => {
                let names: Vec<_> = groups.iter().map(GroupId::as_str).collect();
                format!("{outcome}, groups {}", names.join(", "))
            }
        };
        match ask(&self.arrival, &self.known) {
            Decision::SignIn { changes, .. } if changes.email.is_some() => {
                with_groups("sign in, address follows", &changes.granted)
            }
            Decision::SignIn { changes, .. } => with_groups("sign in", &changes.granted),
            Decision::Link { changes, .. } => with_groups("link and sign in", &changes.granted),
            Decision::AskProof { asked: Asked::Account } => "ask for proof".to_owned(),
            Decision::AskProof { asked: Asked::Mailbox } => "ask for the mailbox".to_owned(),
            Decision::AskProof { asked: Asked::Both } => "ask for mailbox and proof".to_owned(),
            Decision::Create(new) => with_groups("create and sign in", &new.groups),
            Decision::Hold(new) => with_groups("create and hold", &new.groups),
            Decision::Refuse { reason } => format!("refuse: {}", reason.code()),
        }
    }
}

fn married() -> Email {
    Email::parse("ada@married.test").expect("an address")
}

/// As the server asks: the hook is told what would be done.
fn said_by_hook(word: &str, arrival: &Arrival, known: &Known) -> HookWord {
    let fields = known.connection.as_ref().map(|connection| &connection.policy);
    let hook = fields.and_then(|fields| fields.decision_hook.clone()).flatten();
    let ahead = Arrival { hook: HookWord::Ahead, ..arrival.clone() };
    let about = About::of(&ask(&ahead, known));
    let answer = match word {
        "allows" => r#"{"decision": "allow"}"#,
        "adds editors" => r#"{"decision": "allow", "groups": ["editors"]}"#,
        "refuses" => r#"{"decision": "refuse"}"#,
        "is dead" => return HookWord::Failed(HookFault::Slow),
        other => panic!("what does the hook do when it {other}?"),
    };
    let answer = HookAnswer::parse(answer.as_bytes()).expect("an answer");
    HookWord::Said { hook: hook.expect("a hook"), about, answer }
}

fn group_named(name: &str) -> Group {
    Group {
        id: GroupId::from_stored(name),
        user_type: UserType::Customer,
        name: name.to_owned(),
        built_in: false,
        created_at: NOW,
    }
}

#[test]
fn every_policy_on_a_page_makes_of_people_what_the_page_says() {
    let described = described();
    let mut people = 0;
    for one in &described {
        for (words, outcome) in &one.people {
            let person = Person::of(words, one.door, &one.policy);
            let said = format!("{} under {:?}", words, one.policy);
            assert_eq!(person.outcome(), *outcome, "{said}");
            people += 1;
        }
    }
    assert_eq!((described.len(), people), (15, 57), "policies and people on the pages");
}
