//! An expression as the parser leaves it: a tree whose height is bounded, with columns.

use regex::Regex;

/// A part of an expression, and the column where it begins.
#[derive(Debug)]
pub(super) struct Node {
    pub at: usize,
    pub what: What,
}

/// Chains stand side by side instead of in one another, so that no length of them is a depth.
#[derive(Debug)]
pub(super) enum What {
    Nothing,
    Condition(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Variable(Variable),
    /// What a loop gives its name to; the outermost loop's is 0.
    Local(usize),
    Not(Box<Node>),
    /// All of them (`&&`).
    All(Vec<Node>),
    /// Any of them (`||`).
    Any(Vec<Node>),
    /// One after the other (`+`).
    Join(Vec<Node>),
    Compare(Comparison, Box<(Node, Node)>),
    In(Box<(Node, Node)>),
    /// Whether something is there (`has`, `!= null`), or is not (`== null`).
    Present(Box<Node>, bool),
    /// The first whose condition holds, else the last.
    Choose(Vec<(Node, Node)>, Box<Node>),
    /// The first, or the second where the first is missing.
    Default(Box<(Node, Node)>),
    /// A number or a condition as a text.
    AsText(Box<Node>),
    Steps(Box<Node>, Vec<Step>),
}

/// What follows a value: `.name`, `[0]`, `.method(…)`.
#[derive(Debug)]
pub(super) struct Step {
    pub at: usize,
    pub what: StepKind,
}

#[derive(Debug)]
pub(super) enum StepKind {
    Member(String),
    Index(Node),
    Call(Method, Vec<Node>),
    Matches(Regex),
    Loop(Loop, Node),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    Whole(i128),
    Decimal(f64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Unequal,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

impl Comparison {
    pub fn of(sign: &str) -> Option<Self> {
        Some(match sign {
            "==" => Self::Equal,
            "!=" => Self::Unequal,
            "<" => Self::Less,
            "<=" => Self::AtMost,
            ">" => Self::Greater,
            ">=" => Self::AtLeast,
            _ => return None,
        })
    }
}

/// Every name that an expression may begin with; a place has some of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variable {
    Claims,
    Email,
    EmailTrusted,
    Provider,
    Application,
    UserType,
    User,
    Locale,
    LoginHint,
}

impl Variable {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Claims => "claims",
            Self::Email => "email",
            Self::EmailTrusted => "email_trusted",
            Self::Provider => "provider",
            Self::Application => "application",
            Self::UserType => "user_type",
            Self::User => "user",
            Self::Locale => "locale",
            Self::LoginHint => "login_hint",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    StartsWith,
    EndsWith,
    LowerAscii,
    UpperAscii,
    Trim,
    Split,
    Replace,
    Substring,
    Join,
    Size,
}

/// Methods of texts and lists with the fewest and most arguments that they take.
pub(super) const METHODS: [(&str, Method, usize, usize); 10] = [
    ("startsWith", Method::StartsWith, 1, 1),
    ("endsWith", Method::EndsWith, 1, 1),
    ("lowerAscii", Method::LowerAscii, 0, 0),
    ("upperAscii", Method::UpperAscii, 0, 0),
    ("trim", Method::Trim, 0, 0),
    ("split", Method::Split, 1, 1),
    ("replace", Method::Replace, 2, 2),
    ("substring", Method::Substring, 1, 2),
    ("join", Method::Join, 0, 1),
    ("size", Method::Size, 0, 0),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loop {
    Exists,
    All,
    Filter,
    Map,
}

/// Methods that give each element of a list a name.
pub(super) const LOOPS: [(&str, Loop); 4] =
    [("exists", Loop::Exists), ("all", Loop::All), ("filter", Loop::Filter), ("map", Loop::Map)];

/// What an expression gives, as far as that shows before it has met any facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// True or false.
    Condition,
    /// A text.
    Text,
    /// A number.
    Number,
    /// A list.
    List,
    /// Whatever the facts have there.
    Open,
}

impl Kind {
    /// What it is, for a sentence: `a text`.
    pub fn what(self) -> &'static str {
        match self {
            Self::Condition => "a condition",
            Self::Text => "a text",
            Self::Number => "a number",
            Self::List => "a list",
            Self::Open => "whatever the facts have",
        }
    }
}

impl Node {
    pub fn kind(&self) -> Kind {
        match &self.what {
            What::Condition(_)
            | What::Not(_)
            | What::All(_)
            | What::Any(_)
            | What::Compare(..)
            | What::In(_)
            | What::Present(..)
            | What::Variable(Variable::EmailTrusted) => Kind::Condition,
            What::Text(_)
            | What::AsText(_)
            | What::Variable(
                Variable::Email
                | Variable::Provider
                | Variable::Application
                | Variable::UserType
                | Variable::Locale
                | Variable::LoginHint,
            ) => Kind::Text,
            What::Number(_) => Kind::Number,
            What::List(_) => Kind::List,
            What::Join(parts) => first_known(parts.iter()),
            What::Choose(arms, otherwise) => {
                let results = arms.iter().map(|(_, result)| result);
                agreed(results.chain([&**otherwise]))
            }
            What::Default(two) => agreed([&two.0, &two.1].into_iter()),
            What::Steps(_, steps) => steps.last().map_or(Kind::Open, Step::kind),
            What::Nothing | What::Variable(_) | What::Local(_) => Kind::Open,
        }
    }
}

impl Step {
    fn kind(&self) -> Kind {
        match &self.what {
            StepKind::Member(_) | StepKind::Index(_) => Kind::Open,
            StepKind::Matches(_) | StepKind::Loop(Loop::Exists | Loop::All, _) => Kind::Condition,
            StepKind::Loop(Loop::Filter | Loop::Map, _) => Kind::List,
            StepKind::Call(method, _) => match method {
                Method::StartsWith | Method::EndsWith => Kind::Condition,
                Method::Split => Kind::List,
                Method::Size => Kind::Number,
                _ => Kind::Text,
            },
        }
    }
}

/// Parts of a `+` are of one kind: one that shows is enough.
fn first_known<'a>(mut parts: impl Iterator<Item = &'a Node>) -> Kind {
    parts.by_ref().map(Node::kind).find(|&kind| kind != Kind::Open).unwrap_or(Kind::Open)
}

fn agreed<'a>(mut results: impl Iterator<Item = &'a Node>) -> Kind {
    let first = results.next().map_or(Kind::Open, Node::kind);
    if results.all(|result| result.kind() == first) { first } else { Kind::Open }
}
