//! From proved claims to a person: what a provider says about somebody, cleaned and bounded.

use serde_json::{Map, Value, json};

use crate::email::Email;
use crate::federation::external::{EmailVerified, ExternalIdentity};
use crate::federation::id_token::IdClaims;
use crate::federation::provider::Provider;
use crate::federation::refusal::Refusal;
use crate::text::is_unprintable;
use crate::users::Name;

#[cfg(test)]
mod tests;

/// Longest name that is kept, in characters; the rest is cut off.
const MAX_NAME: usize = 255;
/// Longest language tag that is believed.
const MAX_LOCALE: usize = 35;
/// Claims that are one statement about a mailbox.
const MAILBOX: [&str; 3] = ["email", "email_verified", "hd"];
/// Most claims that the audit lists.
const MAX_LISTED: usize = 100;

type Document = Map<String, Value>;

/// Whether the UserInfo endpoint could tell us something that the ID token does not.
pub fn needs_userinfo(provider: &Provider, id: &IdClaims) -> bool {
    let has_email = raw(&id.claims, "email").is_some() && id.claims.contains_key("email_verified");
    let has = |claim| text(&id.claims, claim).is_some();
    let has_name = has("name") || (has("given_name") && has("family_name"));
    provider.endpoints.userinfo.is_some() && !(has_email && has_name)
}

/// Makes a person of what the provider said.
///
/// UserInfo counts only if its `sub` is the ID token's (OpenID Connect Core 5.3.2). The ID token
/// is signed, so claim by claim it goes first, and UserInfo fills what it lacks. An e-mail address
/// and its `email_verified` are one statement: they are taken from the same document, together
/// with `hd`, never the address of one with the word of the other.
pub fn read(
    provider: &Provider,
    id: &IdClaims,
    userinfo: Option<&Value>,
) -> Result<ExternalIdentity, Refusal> {
    let nothing = Document::new();
    let userinfo = match userinfo {
        None => &nothing,
        Some(said) => said
            .as_object()
            .filter(|said| said.get("sub").is_some_and(|sub| *sub == id.subject))
            .ok_or(Refusal::UserinfoMismatch)?,
    };
    let sources = Sources { id: &id.claims, userinfo };
    let (mailbox, other) = sources.mailbox();
    let address = raw(mailbox, "email");
    Ok(ExternalIdentity {
        provider: provider.id.clone(),
        issuer: id.issuer.clone(),
        subject: id.subject.clone(),
        email: address.and_then(|address| Email::parse(address).ok()),
        email_verified: verified(mailbox, other, address),
        hosted_domain: raw(mailbox, "hd").and_then(domain_name),
        name: sources.name(),
        locale: sources.text("locale").and_then(|tag| language_tag(&tag)),
        claims: sources.merged(mailbox),
    })
}

struct Sources<'a> {
    id: &'a Document,
    userinfo: &'a Document,
}

impl<'a> Sources<'a> {
    fn text(&self, claim: &str) -> Option<String> {
        text(self.id, claim).or_else(|| text(self.userinfo, claim))
    }

    /// Both as one, for rules to look at. What is said about the mailbox is of one document.
    fn merged(&self, mailbox: &Document) -> Document {
        let is_of_mailbox = |name: &str| MAILBOX.contains(&name);
        let others = self.userinfo.iter().chain(self.id);
        let others = others.filter(|(name, _)| !is_of_mailbox(name));
        let own = mailbox.iter().filter(|(name, _)| is_of_mailbox(name));
        others.chain(own).map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// The document whose word about the mailbox counts, and the other one: the first that has
    /// both address and `email_verified`, else the first that has an address, else the ID token.
    fn mailbox(&self) -> (&'a Document, &'a Document) {
        let has_address = |document: &&Document| raw(document, "email").is_some();
        let complete =
            |document: &&Document| has_address(document) && document.contains_key("email_verified");
        let both = [self.id, self.userinfo];
        let chosen = both.into_iter().find(complete).or_else(|| both.into_iter().find(has_address));
        match chosen {
            Some(document) if std::ptr::eq(document, self.userinfo) => (self.userinfo, self.id),
            _ => (self.id, self.userinfo),
        }
    }

    /// Given and family name; else `name`, split at the first space; else the user name there,
    /// unless it is an e-mail address: that one is nobody's name.
    fn name(&self) -> Name {
        let (given, family) = (self.text("given_name"), self.text("family_name"));
        if given.is_some() || family.is_some() {
            let (given, family) = (given.unwrap_or_default(), family.unwrap_or_default());
            return Name { given, family };
        }
        if let Some(name) = self.text("name") {
            let (given, family) = name.split_once(' ').unwrap_or((&name, ""));
            return Name { given: given.to_owned(), family: family.trim_start().to_owned() };
        }
        let nick = self.text("preferred_username").filter(|nick| !nick.contains('@'));
        Name { given: nick.unwrap_or_default(), family: String::new() }
    }
}

/// What was said about the address in its own document. The other document can take the word
/// back where it speaks of the same address or of none, and can never give it.
fn verified(mailbox: &Document, other: &Document, address: Option<&str>) -> EmailVerified {
    let same = raw(other, "email").is_none_or(|other| Some(other) == address);
    match (flag(mailbox), flag(other)) {
        (_, EmailVerified::No) if same => EmailVerified::No,
        (own, _) => own,
    }
}

/// Only the boolean true means yes (checklist 41): a text "true", 1 or "pending" mean no.
fn flag(document: &Document) -> EmailVerified {
    match document.get("email_verified") {
        None => EmailVerified::Absent,
        Some(Value::Bool(true)) => EmailVerified::Yes,
        Some(_) => EmailVerified::No,
    }
}

/// A claim to the letter, if it is a text and not empty: an address that were cleaned first could
/// turn into somebody else's.
fn raw<'a>(document: &'a Document, claim: &str) -> Option<&'a str> {
    document.get(claim)?.as_str().filter(|text| !text.is_empty())
}

/// A claim as one line of text: cleaned, bounded, and none if nothing is left of it.
fn text(document: &Document, claim: &str) -> Option<String> {
    let cleaned = clean(document.get(claim)?.as_str()?);
    (!cleaned.is_empty()).then_some(cleaned)
}

/// Space for every kind of white space, nothing for control characters and for those that turn
/// the direction of text around, which make a name look like another in a list.
pub(super) fn clean(text: &str) -> String {
    let shown: String = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !is_unprintable(*c))
        .collect();
    let cut: String = shown.trim().chars().take(MAX_NAME).collect();
    cut.trim_end().to_owned()
}

/// A-label form, lower case, as the domain of an e-mail address is compared.
fn domain_name(text: &str) -> Option<String> {
    idna::domain_to_ascii_strict(text).ok().filter(|domain| !domain.is_empty())
}

/// A BCP 47 tag by its shape. Some providers write `de_AT` (Core 5.1), which is the same.
pub(super) fn language_tag(text: &str) -> Option<String> {
    let tag = text.replace('_', "-");
    is_language_tag(&tag).then_some(tag)
}

/// Whether a text has the shape of a language tag (BCP 47), as far as we keep one.
pub fn is_language_tag(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let language = parts.next().unwrap_or_default();
    tag.len() <= MAX_LOCALE
        && (2..=8).contains(&language.len())
        && language.bytes().all(|byte| byte.is_ascii_alphabetic())
        && parts.all(|part| {
            (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
}

/// Claims as the audit keeps them: every name; of the values only issuer, audience, times, the
/// e-mail address's domain, `email_verified` and `hd`, and of the rest type and length.
pub fn redacted(claims: &Value) -> Value {
    let Some(members) = claims.as_object() else { return json!(outline(claims)) };
    members
        .iter()
        .take(MAX_LISTED)
        .map(|(name, value)| (clean(name), shown(name, value)))
        .collect::<Document>()
        .into()
}

fn shown(name: &str, value: &Value) -> Value {
    match name {
        "email" => match value.as_str().and_then(|address| address.rsplit_once('@')) {
            Some((_, domain)) => json!(format!("…@{}", clean(domain))),
            None => json!(outline(value)),
        },
        "iss" | "aud" | "azp" | "exp" | "iat" | "nbf" | "auth_time" | "email_verified" | "hd" => {
            plain(value)
        }
        _ => json!(outline(value)),
    }
}

/// The value itself, as long as it is short and simple.
fn plain(value: &Value) -> Value {
    match value {
        Value::String(text) => json!(clean(text)),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            items.iter().take(MAX_LISTED).map(plain).collect()
        }
        Value::Array(_) | Value::Object(_) => json!(outline(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

fn outline(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "true or false".to_owned(),
        Value::Number(_) => "a number".to_owned(),
        Value::String(text) => format!("a text of {} characters", text.chars().count()),
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::Object(members) => format!("an object of {}", members.len()),
    }
}
