//! What the words of the tables about rules mean, as facts for `decide`.

use identity::applications::Application;
use identity::email::Email;
use identity::federation::decide::{Arrival, Candidate, Decision, Known, Linked, decide};
use identity::federation::external::{EmailVerified, ExternalIdentity};
use identity::federation::hook::HookWord;
use identity::federation::mapping::Membership;
use identity::federation::policy::{Connection, PolicyFields};
use identity::groups::Group;
use identity::ids::{ConnectionId, GroupId, IdentityId, PublicId, UserId};
use identity::time::Moment;
use identity::users::{Birth, EmailStanding, Name, Population, Status, User, UserType};
use serde_json::{Value, json};

use crate::arrivals::provider;
use crate::document::{Cases, Facets};

const CONDITION: [&str; 4] = ["none", "true", "false", "fault"];
const STATUS: [&str; 4] = ["none", "active", "held", "other"];
const PERSON: [&str; 3] = ["new", "account", "known"];
const SYNC: [&str; 3] = ["off", "import", "force"];

pub(crate) const OF_PEOPLE: Facets = &[
    ("person", &PERSON),
    ("status", &["active", "held", "deactivated", "deleted"]),
    ("unknown user", &["create", "hold", "refuse"]),
    ("allow_if", &CONDITION),
    ("create refuses", &CONDITION),
    ("sign-in refuses", &CONDITION),
    ("create status", &STATUS),
    ("sign-in status", &STATUS),
];

pub(crate) const OF_GROUPS: Facets = &[
    ("person", &PERSON),
    ("sync", &SYNC),
    ("named", &["some", "none there", "missing", "untold", "fault"]),
    ("no match", &["default", "keep", "refuse"]),
    ("given before", &["none", "another"]),
];

pub(crate) const OF_NAMES: Facets = &[
    ("person", &PERSON),
    ("sync", &SYNC),
    ("has", &["nothing", "a name"]),
    ("said", &["nothing", "the same name", "another name"]),
];

/// Somebody who comes with a good address, and the policy that they come under.
pub(crate) struct Facts {
    facets: Facets,
    person: String,
    user: User,
    claims: Value,
    said: Name,
    given_before: bool,
    policy: Value,
    rules: [Value; 2],
}

impl Facts {
    pub(crate) fn new(facets: Facets) -> Self {
        Self {
            facets,
            person: String::new(),
            user: user(),
            claims: json!({}),
            said: Name::default(),
            given_before: false,
            policy: json!({ "default_groups": ["the default"] }),
            rules: [json!({}), json!({})],
        }
    }

    pub(crate) fn arrival(&self) -> Arrival {
        let [storefront, ..] = Application::built_in();
        let external = ExternalIdentity {
            provider: provider().id,
            issuer: "https://id.test".to_owned(),
            subject: "4711".to_owned(),
            email: Some(Email::parse("ada@company.test").expect("an address")),
            email_verified: EmailVerified::Yes,
            hosted_domain: None,
            name: self.said.clone(),
            locale: None,
            claims: self.claims.as_object().expect("claims").clone(),
        };
        Arrival {
            external,
            application: storefront,
            hook: HookWord::Unasked,
            shown: None,
            now: Moment::from_seconds(1_800_000_000),
        }
    }

    pub(crate) fn known(&self) -> Known {
        let user = self.user.clone();
        let candidate = Candidate { user: user.clone(), has_identity_of_provider: false };
        let identity = IdentityId::from_stored("i");
        let linked = Linked { identity, email: Some("ada@company.test".to_owned()), user };
        let mut policy = self.policy.clone();
        policy["on_create"] = self.rules[0].clone();
        policy["on_sign_in"] = self.rules[1].clone();
        let policy: PolicyFields = serde_json::from_value(policy).expect("a policy");
        let before = Membership {
            group: GroupId::from_stored("another"),
            name: "another".to_owned(),
            granted_here: true,
        };
        let other_hand = Membership {
            group: GroupId::from_stored("by hand"),
            name: "by hand".to_owned(),
            granted_here: false,
        };
        let there = Group {
            id: GroupId::from_stored("there"),
            user_type: UserType::Customer,
            name: "There".to_owned(),
            built_in: false,
            created_at: Moment::from_seconds(0),
        };
        Known {
            provider: provider(),
            connection: Some(Connection {
                id: ConnectionId::from_stored("c"),
                application: identity::applications::ApplicationKey::from_stored("storefront"),
                provider: provider().id,
                policy,
                position: 0,
                exchange_audiences: Vec::new(),
                exchange_staff: false,
            }),
            defaults: PolicyFields::default(),
            linked: (self.person == "known").then_some(linked),
            candidate: (self.person == "account").then_some(candidate),
            memberships: [other_hand]
                .into_iter()
                .chain(Some(before).filter(|_| self.given_before))
                .collect(),
            groups: vec![there],
        }
    }

    fn name_groups(&mut self, word: &str) {
        let rule =
            if word == "fault" { "claims.groups.join(claims.groups)" } else { "claims.groups" };
        self.rules[1]["groups"] = json!(rule);
        self.claims = match word {
            "some" => json!({ "groups": ["there", "not there"] }),
            "none there" => json!({ "groups": ["not there"] }),
            "untold" => json!({ "_claim_names": { "groups": "s" }, "_claim_sources": {} }),
            "fault" => json!({ "groups": ["there", 7] }),
            _ => json!({}),
        };
    }
}

fn condition(word: &str) -> Value {
    match word {
        "true" => json!("email_trusted"),
        "false" => json!("claims.nothing"),
        "fault" => json!("claims.nothing == null ? email : email_trusted"),
        _ => Value::Null,
    }
}

fn status(word: &str) -> Value {
    match word {
        "none" => Value::Null,
        "other" => json!("'deactivated'"),
        word => json!(format!("'{word}'")),
    }
}

fn called(word: &str) -> Name {
    match word {
        "nothing" => Name::default(),
        "another name" => Name { given: "Grace".to_owned(), family: "Hopper".to_owned() },
        _ => Name { given: "Ada".to_owned(), family: "Lovelace".to_owned() },
    }
}

fn user() -> User {
    User {
        id: UserId::from_stored("u"),
        public_id: PublicId::from_stored("p"),
        user_type: UserType::Customer,
        population: Population::default_one(),
        email: Email::parse("ada@company.test").expect("an address"),
        email_standing: EmailStanding::Verified,
        name: Name::default(),
        locale: None,
        status: Status::Active,
        birth: Birth::Added,
        created_at: Moment::from_seconds(0),
    }
}

impl Cases for Facts {
    fn facets(&self) -> Facets {
        self.facets
    }

    fn fit(&mut self, facet: &str, word: &str) {
        match facet {
            "person" => self.person = word.to_owned(),
            "status" => self.user.status = word.parse().expect("a status"),
            "unknown user" => self.policy["unknown_user"] = json!(word),
            "allow_if" => self.policy["allow_if"] = condition(word),
            "create refuses" => self.rules[0]["refuse_if"] = condition(word),
            "sign-in refuses" => self.rules[1]["refuse_if"] = condition(word),
            "create status" => self.rules[0]["status"] = status(word),
            "sign-in status" => self.rules[1]["status"] = status(word),
            "sync" => self.policy["sync"] = json!({ "groups": word, "name": word }),
            "named" => self.name_groups(word),
            "no match" => self.policy["no_group_match"] = json!(word),
            "given before" => self.given_before = word == "another",
            "has" => self.user.name = called(word),
            "said" => self.said = called(word),
            unknown => panic!("no facet {unknown}"),
        }
    }

    fn comes_out_as(&self, outcome: &str) -> bool {
        let decision = decide(&self.arrival(), &self.known()).decision;
        if let Some(code) = outcome.strip_prefix("refuse: ") {
            return matches!(decision, Decision::Refuse { reason } if reason.code() == code);
        }
        match self.facets {
            OF_PEOPLE => gets_in(&decision, outcome),
            OF_GROUPS => groups_become(&decision, outcome),
            _ => self.is_called(&decision, outcome),
        }
    }
}

fn gets_in(decision: &Decision, outcome: &str) -> bool {
    match (outcome, decision) {
        ("create and sign in", Decision::Create(_)) | ("create and hold", Decision::Hold(_)) => {
            true
        }
        ("sign in" | "approve and sign in", decision) => decision
            .changes()
            .is_some_and(|changes| changes.approved == outcome.starts_with("approve")),
        _ => false,
    }
}

fn groups_become(decision: &Decision, outcome: &str) -> bool {
    let id = |word: &str| match word {
        "named" => GroupId::from_stored("there"),
        "default" => GroupId::from_stored("the default"),
        other => GroupId::from_stored(other),
    };
    let wanted = |prefix: &str| -> Vec<GroupId> {
        outcome.split(", ").filter_map(|part| part.strip_prefix(prefix)).map(id).collect()
    };
    let (into, out_of) = (wanted("into "), wanted("out of "));
    assert_eq!(into.is_empty() && out_of.is_empty(), outcome == "no change", "{outcome}");
    match decision {
        Decision::Create(new) => new.groups == into && out_of.is_empty(),
        decision => decision
            .changes()
            .is_some_and(|changes| changes.granted == into && changes.revoked == out_of),
    }
}

impl Facts {
    fn is_called(&self, decision: &Decision, outcome: &str) -> bool {
        match (outcome, decision) {
            ("no name", Decision::Create(new)) => new.name == Name::default(),
            ("the name that was said", Decision::Create(new)) => new.name == self.said,
            ("stays", decision) => decision.changes().is_some_and(|all| all.name.is_none()),
            ("becomes the one that was said", decision) => {
                decision.changes().is_some_and(|all| all.name.as_ref() == Some(&self.said))
            }
            _ => false,
        }
    }
}
