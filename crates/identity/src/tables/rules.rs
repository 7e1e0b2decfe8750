//! What the rules of a policy make of people, of their groups, and of what they are called.

use serde_json::{Map, Value, json};

use super::asked_for;
use super::fold::{Cases, Facet};
use super::people::{address, provider, silent, user};
use crate::applications::Application;
use crate::federation::decide::{Arrival, Candidate, Decision, Known, Linked, decide};
use crate::federation::external::EmailVerified;
use crate::federation::hook::HookWord;
use crate::federation::mapping::Membership;
use crate::federation::policy::{Connection, PolicyFields};
use crate::federation::provider::Authority;
use crate::groups::Group;
use crate::ids::{ConnectionId, GroupId, IdentityId};
use crate::time::Moment;
use crate::users::{EmailStanding, Name, Status, User, UserType};

pub(super) const OF_PEOPLE: &str = "\
What the rules of a policy make of people whom everything else lets in: `allow_if` of whoever comes,
`on_create` of those who would be made a user, `on_sign_in` of everybody. A rule that cannot be
applied to the claims keeps people out.
";

pub(super) const OF_GROUPS: &str = "\
What becomes of somebody's groups where `on_sign_in.groups` names some. Only what this connection
gave is ever taken away, and no rule makes an administrator.
";

pub(super) const OF_NAMES: &str = "\
What becomes of what somebody is called; of their language the same.
";

pub(super) const WHO: Facet = Facet {
    name: "person",
    meaning: "nobody here yet; an account of the same address that is linked now; or known",
    values: &["new", "account", "known"],
};

/// Somebody whom everything but the rules lets in.
pub(super) struct Person {
    pub(super) arrival: Arrival,
    pub(super) known: Known,
    user: User,
    policy: Map<String, Value>,
}

impl Person {
    pub(super) fn new() -> Self {
        let [application, ..] = Application::built_in();
        let provider = provider(Authority::Operator);
        let mut external = silent(&provider);
        external.email = Some(address("person@elsewhere.example"));
        external.email_verified = EmailVerified::Yes;
        let known = Known {
            provider,
            connection: None,
            defaults: PolicyFields::default(),
            linked: None,
            candidate: None,
            memberships: Vec::new(),
            groups: vec![group("named")],
        };
        let user =
            User { email_standing: EmailStanding::Verified, ..user("person", Status::Active) };
        let arrival = Arrival {
            external,
            application,
            hook: HookWord::Unasked,
            shown: None,
            now: Moment::from_seconds(0),
        };
        Self { arrival, known, user, policy: Map::new() }
    }

    pub(super) fn choose_who(&mut self, value: usize) {
        self.known.candidate = None;
        self.known.linked = None;
        let user = self.user.clone();
        match value {
            0 => {}
            1 => self.known.candidate = Some(Candidate { user, has_identity_of_provider: false }),
            _ => {
                let identity = IdentityId::from_stored("identity");
                let email = self.arrival.external.email.as_ref();
                let email = email.map(|email| email.as_typed().to_owned());
                self.known.linked = Some(Linked { identity, email, user });
            }
        }
    }

    /// Changes the user, whichever of the two they are.
    fn user(&mut self, change: impl Fn(&mut User)) {
        change(&mut self.user);
        self.known.linked.iter_mut().for_each(|linked| change(&mut linked.user));
        self.known.candidate.iter_mut().for_each(|candidate| change(&mut candidate.user));
    }

    /// Sets one rule or field, named as `explain` names it; null takes it away.
    pub(super) fn set(&mut self, field: &str, value: Value) {
        let (field, member) = field.split_once('.').unwrap_or((field, ""));
        if member.is_empty() {
            self.policy.insert(field.to_owned(), value);
        } else {
            let mapping = self.policy.entry(field).or_insert_with(|| json!({}));
            mapping[member] = value;
        }
        self.known.connection = Some(Connection {
            id: ConnectionId::from_stored("connection"),
            application: self.arrival.application.key.clone(),
            provider: self.known.provider.id.clone(),
            policy: fields(&self.policy),
            position: 0,
            exchange_audiences: Vec::new(),
            exchange_staff: false,
        });
    }

    fn decision(&self) -> Decision {
        decide(&self.arrival, &self.known).decision
    }
}

/// The tables set good rules only; one that is none is no rule.
fn fields(policy: &Map<String, Value>) -> PolicyFields {
    serde_json::from_value(Value::Object(policy.clone())).unwrap_or_default()
}

pub(super) fn group(name: &str) -> Group {
    Group {
        id: GroupId::from_stored(name),
        user_type: UserType::Customer,
        name: name.to_owned(),
        built_in: false,
        created_at: Moment::from_seconds(0),
    }
}

/// A condition that is true, is not, or cannot be applied.
fn condition(value: usize) -> Value {
    let fault = json!("email_trusted ? email : true");
    [Value::Null, json!("true"), json!("false"), fault][value].clone()
}

/// Who gets in.
pub(super) struct People(Person);

impl People {
    pub(super) fn new() -> Self {
        Self(Person::new())
    }
}

const CONDITION: [&str; 4] = ["none", "true", "false", "fault"];
const STATUS: [&str; 4] = ["none", "active", "held", "other"];

impl Cases for People {
    fn facets(&self) -> &'static [Facet] {
        const FACETS: &[Facet] = &[
            WHO,
            Facet {
                name: "status",
                meaning: "of that user",
                values: &["active", "held", "deactivated", "deleted"],
            },
            Facet {
                name: "unknown user",
                meaning: "what the policy makes of unknown people",
                values: &["create", "hold", "refuse"],
            },
            Facet {
                name: "allow_if",
                meaning: "who may pass at all; false: it is, or a claim is missing",
                values: &CONDITION,
            },
            Facet { name: "create refuses", meaning: "`on_create.refuse_if`", values: &CONDITION },
            Facet {
                name: "sign-in refuses",
                meaning: "`on_sign_in.refuse_if`",
                values: &CONDITION,
            },
            Facet {
                name: "create status",
                meaning: "what `on_create.status` gives; other: neither of the two words",
                values: &STATUS,
            },
            Facet {
                name: "sign-in status",
                meaning: "what `on_sign_in.status` gives",
                values: &STATUS,
            },
        ];
        FACETS
    }

    fn choose(&mut self, facet: usize, value: usize) {
        let person = &mut self.0;
        let status = [Value::Null, json!("'active'"), json!("'held'"), json!("'gone'")];
        match facet {
            0 => person.choose_who(value),
            1 => person.user(|user| user.status = Status::ALL[value]),
            2 => person.set("unknown_user", json!(["create", "hold", "refuse"][value])),
            3 => person.set("allow_if", condition(value)),
            4 => person.set("on_create.refuse_if", condition(value)),
            5 => person.set("on_sign_in.refuse_if", condition(value)),
            6 => person.set("on_create.status", status[value].clone()),
            _ => person.set("on_sign_in.status", status[value].clone()),
        }
    }

    fn outcome(&self) -> String {
        let approved = |decision: &Decision| decision.changes().is_some_and(|one| one.approved);
        match self.0.decision() {
            decision if approved(&decision) => "approve and sign in".to_owned(),
            Decision::SignIn { .. } | Decision::Link { .. } => "sign in".to_owned(),
            Decision::AskProof { asked } => asked_for(asked).to_owned(),
            Decision::Create(_) => "create and sign in".to_owned(),
            Decision::Hold(_) => "create and hold".to_owned(),
            Decision::Refuse { reason } => format!("refuse: {}", reason.code()),
        }
    }
}

/// Whose groups change.
pub(super) struct Groups(Person);

impl Groups {
    pub(super) fn new() -> Self {
        let mut person = Person::new();
        person.set("default_groups", json!(["default"]));
        Self(person)
    }

    fn name_groups(&mut self, value: usize) {
        let rule = if value == 4 { "email_trusted" } else { "claims.groups" };
        self.0.set("on_sign_in.groups", json!(rule));
        let claims = [
            json!({ "groups": ["named", "unheard of"] }),
            json!({ "groups": ["unheard of"] }),
            json!({}),
            json!({ "_claim_names": { "groups": "elsewhere" } }),
            json!({ "groups": ["named"] }),
        ];
        self.0.arrival.external.claims = claims[value].as_object().cloned().unwrap_or_default();
    }
}

impl Cases for Groups {
    fn facets(&self) -> &'static [Facet] {
        const FACETS: &[Facet] = &[
            WHO,
            Facet {
                name: "sync",
                meaning: "how often groups are taken",
                values: &["off", "import", "force"],
            },
            Facet {
                name: "named",
                meaning: "what the rule names: groups that there are, none that there is, nothing \
                          because the claim is missing, nothing because the provider says that it \
                          is too long to be told (`_claim_names`), or a fault",
                values: &["some", "none there", "missing", "untold", "fault"],
            },
            Facet {
                name: "no match",
                meaning: "`no_group_match`",
                values: &["default", "keep", "refuse"],
            },
            Facet {
                name: "given before",
                meaning: "whether this connection gave them another group before",
                values: &["none", "another"],
            },
        ];
        FACETS
    }

    fn choose(&mut self, facet: usize, value: usize) {
        match facet {
            0 => self.0.choose_who(value),
            1 => {
                let mode = ["off", "import", "force"][value];
                self.0.set("sync", json!({ "groups": mode }));
            }
            2 => self.name_groups(value),
            3 => self.0.set("no_group_match", json!(["default", "keep", "refuse"][value])),
            _ => {
                let another = Membership {
                    group: GroupId::from_stored("another"),
                    name: "another".to_owned(),
                    granted_here: true,
                };
                self.0.known.memberships = if value == 1 { vec![another] } else { Vec::new() };
            }
        }
    }

    fn outcome(&self) -> String {
        let names =
            |groups: &[GroupId]| groups.iter().map(GroupId::as_str).collect::<Vec<_>>().join(", ");
        let told = |granted: &[GroupId], revoked: &[GroupId]| match (granted, revoked) {
            ([], []) => "no change".to_owned(),
            (granted, []) => format!("into {}", names(granted)),
            ([], revoked) => format!("out of {}", names(revoked)),
            (granted, revoked) => format!("into {}, out of {}", names(granted), names(revoked)),
        };
        match self.0.decision() {
            Decision::Create(new) | Decision::Hold(new) => told(&new.groups, &[]),
            Decision::Refuse { reason } => format!("refuse: {}", reason.code()),
            other => other
                .changes()
                .map(|changes| told(&changes.granted, &changes.revoked))
                .unwrap_or_default(),
        }
    }
}

/// Who is called what.
pub(super) struct Names(Person);

impl Names {
    pub(super) fn new() -> Self {
        let mut person = Person::new();
        person.set("unknown_user", json!("create"));
        Self(person)
    }
}

fn called(name: &str) -> Name {
    Name { given: name.to_owned(), family: String::new() }
}

impl Cases for Names {
    fn facets(&self) -> &'static [Facet] {
        const FACETS: &[Facet] = &[
            WHO,
            Facet {
                name: "sync",
                meaning: "how often the name is taken",
                values: &["off", "import", "force"],
            },
            Facet {
                name: "has",
                meaning: "what the user is called so far",
                values: &["nothing", "a name"],
            },
            Facet {
                name: "said",
                meaning: "what the provider says",
                values: &["nothing", "the same name", "another name"],
            },
        ];
        FACETS
    }

    fn choose(&mut self, facet: usize, value: usize) {
        match facet {
            0 => self.0.choose_who(value),
            1 => {
                let mode = ["off", "import", "force"][value];
                self.0.set("sync", json!({ "name": mode }));
            }
            2 => self.0.user(|user| user.name = called(["", "Ada"][value])),
            _ => self.0.arrival.external.name = called(["", "Ada", "Grace"][value]),
        }
    }

    fn outcome(&self) -> String {
        let said = &self.0.arrival.external.name;
        match self.0.decision() {
            Decision::Create(new) if new.name == Name::default() => "no name".to_owned(),
            Decision::Create(new) if new.name == *said => "the name that was said".to_owned(),
            decision => match decision.changes().map(|changes| &changes.name) {
                Some(None) => "stays".to_owned(),
                Some(Some(name)) if name == said => "becomes the one that was said".to_owned(),
                _ => "unheard of".to_owned(),
            },
        }
    }
}
