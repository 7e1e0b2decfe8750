//! Who does something, and what the audit notes besides.

use identity::ids::UserId;

/// In whose name something is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Whoever has the command line.
    Operator,
    /// A signed-in user.
    User(UserId),
    /// Somebody who is not signed in.
    Visitor,
    /// The house itself, by its clock.
    System,
}

impl Actor {
    /// As the audit writes it: `operator`, `user:ID`, `visitor`, `system`.
    pub fn text(&self) -> String {
        match self {
            Self::Operator => "operator".to_owned(),
            Self::User(id) => format!("user:{id}"),
            Self::Visitor => "visitor".to_owned(),
            Self::System => "system".to_owned(),
        }
    }

    /// The user, if it is one.
    pub const fn user(&self) -> Option<&UserId> {
        match self {
            Self::User(id) => Some(id),
            _ => None,
        }
    }
}

/// What the audit notes about the request behind a change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditNote {
    /// The id that the log and the error page carry too.
    pub request_id: Option<String>,
    /// The client's network as text, already shortened to what may be kept.
    pub address: Option<String>,
    /// The `User-Agent` header, shortened.
    pub user_agent: Option<String>,
    /// Further facts; nothing secret, claims redacted. Goes into the entry's detail.
    pub detail: serde_json::Map<String, serde_json::Value>,
}

/// Who does it, and the note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct By {
    /// In whose name.
    pub actor: Actor,
    /// What else the audit says.
    pub note: AuditNote,
    /// Whether it is done although it may lock administrators out; the audit says so.
    pub forced: bool,
}

impl By {
    /// The command line.
    pub fn operator() -> Self {
        Self { actor: Actor::Operator, note: AuditNote::default(), forced: false }
    }

    /// The house itself.
    pub fn system() -> Self {
        Self { actor: Actor::System, note: AuditNote::default(), forced: false }
    }

    /// Somebody who is not signed in, with the note of their request.
    pub const fn visitor(note: AuditNote) -> Self {
        Self { actor: Actor::Visitor, note, forced: false }
    }

    /// A signed-in user, with the note of their request.
    pub const fn user(id: UserId, note: AuditNote) -> Self {
        Self { actor: Actor::User(id), note, forced: false }
    }

    /// The same, and insisting on it or not.
    #[must_use]
    pub fn forced(self, forced: bool) -> Self {
        Self { forced, ..self }
    }
}
