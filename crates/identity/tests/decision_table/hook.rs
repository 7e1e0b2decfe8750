//! What the words of the table about the decision hook mean, as facts for `decide`.

use identity::federation::decide::{Arrival, Decision, Known, decide};
use identity::federation::hook::{About, DecisionHook, HookAnswer, HookFault, HookWord};
use identity::federation::policy::PolicyFields;
use identity::groups::{ADMINISTRATORS, Group};
use identity::ids::GroupId;
use serde_json::{Value, json};

use crate::document::{Cases, Facets};
use crate::rules;

pub(crate) const OF_HOOK: Facets = &[
    ("person", &["new", "account", "known"]),
    ("rules", &["let in", "keep out"]),
    (
        "hook",
        &["none", "unasked", "ahead", "allows", "refuses", "fails", "of another", "of other facts"],
    ),
    ("groups", &["nothing", "named", "unheard of", "administrators"]),
];

/// Somebody, and what the hook said.
pub(crate) struct Facts {
    person: rules::Facts,
    policy: Value,
    word: String,
    groups: String,
}

fn at(url: &str) -> DecisionHook {
    DecisionHook { url: url.to_owned(), allow_private: Vec::new() }
}

impl Facts {
    pub(crate) fn new() -> Self {
        let person = rules::Facts::new(OF_HOOK);
        Self { person, policy: json!({}), word: String::new(), groups: String::new() }
    }

    fn known(&self) -> Known {
        let mut known = self.person.known();
        let policy: PolicyFields = serde_json::from_value(self.policy.clone()).expect("a policy");
        known.connection.as_mut().expect("a connection").policy = policy;
        let administrators = Group {
            id: GroupId::from_stored("a"),
            name: ADMINISTRATORS.to_owned(),
            built_in: true,
            ..known.groups[0].clone()
        };
        known.groups.push(administrators);
        known
    }

    fn word(&self, known: &Known) -> HookWord {
        let ahead = Arrival { hook: HookWord::Ahead, ..self.person.arrival() };
        let about = About::of(&decide(&ahead, known).decision);
        let groups = match self.groups.as_str() {
            "nothing" => json!([]),
            "named" => json!(["there"]),
            "unheard of" => json!(["nobody's"]),
            other => json!([other]),
        };
        let verdict = if self.word == "refuses" { "refuse" } else { "allow" };
        let answer = json!({ "decision": verdict, "groups": groups }).to_string();
        let answer = HookAnswer::parse(answer.as_bytes()).expect("an answer");
        match self.word.as_str() {
            "none" | "unasked" => HookWord::Unasked,
            "ahead" => HookWord::Ahead,
            "fails" => HookWord::Failed(HookFault::Status(503)),
            "of another" => HookWord::Said { hook: at("https://b.test/"), about, answer },
            "of other facts" => {
                let mut elsewhere = known.clone();
                elsewhere.connection = None;
                let about = About::of(&decide(&ahead, &elsewhere).decision);
                HookWord::Said { hook: at("https://a.test/"), about, answer }
            }
            _ => HookWord::Said { hook: at("https://a.test/"), about, answer },
        }
    }
}

impl Cases for Facts {
    fn facets(&self) -> Facets {
        OF_HOOK
    }

    fn fit(&mut self, facet: &str, word: &str) {
        match facet {
            "person" => self.person.fit(facet, word),
            "rules" => {
                let condition = if word == "let in" { "email_trusted" } else { "claims.nothing" };
                self.policy["allow_if"] = json!(condition);
            }
            "hook" => {
                word.clone_into(&mut self.word);
                let named = (word != "none").then(|| at("https://a.test/"));
                self.policy["decision_hook"] = json!(named);
            }
            "groups" => word.clone_into(&mut self.groups),
            unknown => panic!("no facet {unknown}"),
        }
    }

    fn comes_out_as(&self, outcome: &str) -> bool {
        let known = self.known();
        let arrival = Arrival { hook: self.word(&known), ..self.person.arrival() };
        let decision = decide(&arrival, &known).decision;
        let (what, into) = outcome.split_once(", ").unwrap_or((outcome, ""));
        let granted = match (&decision, what) {
            (Decision::Refuse { reason }, refused) => {
                return refused.strip_prefix("refuse: ") == Some(reason.code());
            }
            (Decision::Create(new), "create and sign in") => &new.groups,
            (Decision::Link { changes, .. }, "link and sign in")
            | (Decision::SignIn { changes, .. }, "sign in") => &changes.granted,
            _ => return false,
        };
        match into {
            "" => granted.is_empty(),
            "into named" => *granted == [GroupId::from_stored("there")],
            _ => false,
        }
    }
}
