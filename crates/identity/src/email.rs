//! E-mail addresses: what may be one, and the key by which two spellings are one.

use std::fmt;

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use serde::{Deserialize, Serialize};
use unicode_security::{
    GeneralSecurityProfile, RestrictionLevel, RestrictionLevelDetection, skeleton,
};

use crate::text;

/// Octets before the `@` (RFC 5321 section 4.5.3.1.1).
const LOCAL_OCTETS: usize = 64;

/// Octets of the whole address: a path of 256 (RFC 5321 section 4.5.3.1.3) without its brackets.
const OCTETS: usize = 254;

/// An e-mail address: as its owner typed it, and the key by which it is found.
///
/// Mail goes to the address as typed, never to the key, and never to what somebody types later:
/// two texts with one key may be two mailboxes at somebody else's server. Plus-tags and dots are
/// kept, because only the mailbox's own server knows what they mean.
///
/// As JSON it is the text as typed.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Email {
    typed: String,
    key: String,
}

/// Why a text is not an address that we take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmailError {
    /// No `@`, or nothing on one side of it.
    #[error("this is not an e-mail address; type it like name@example.com")]
    Shape,
    /// Longer than mail servers take.
    #[error(
        "this e-mail address is too long; at most 64 bytes may stand before the @, and 254 in all"
    )]
    TooLong,
    /// A blank, a quote, a bracket, a control or invisible character.
    #[error(
        "an e-mail address cannot have the character {0:?} here; remove it, or use another address"
    )]
    Character(char),
    /// A dot at an edge, or two in a row.
    #[error("before the @, a dot stands between two other characters; remove the extra dot")]
    Dots,
    /// No domain of the Internet.
    #[error("the part after the @ is no domain name; type it like example.com")]
    Domain,
    /// Letters that look alike but are not.
    #[error(
        "this e-mail address mixes letters of several scripts, which can pass for another \
         address; type it with letters of one script, or use another address"
    )]
    MixedScripts,
    /// Letters of another script that all look Latin.
    #[error(
        "this e-mail address looks as if it were written in Latin letters, but is not; type it \
         with Latin letters, or use another address"
    )]
    LooksLatin,
}

impl EmailError {
    /// Stable name for JSON and tests.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Shape => "email_shape",
            Self::TooLong => "email_too_long",
            Self::Character(_) => "email_character",
            Self::Dots => "email_dots",
            Self::Domain => "email_domain",
            Self::MixedScripts => "email_mixed_scripts",
            Self::LooksLatin => "email_looks_latin",
        }
    }
}

impl Email {
    /// Checks an address that is to be kept. Blanks around it are dropped.
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        let address = Self::structure(text)?;
        address.check_looks()?;
        Ok(address)
    }

    /// The key of whatever a person typed, for a look-up; none for what cannot be an address.
    ///
    /// It asks for less than [`Email::parse`], because a look-up keeps nothing.
    pub fn key_of(text: &str) -> Option<String> {
        Self::structure(text).ok().map(|address| address.key)
    }

    /// As the database gives it.
    pub fn from_stored(typed: impl Into<String>, key: impl Into<String>) -> Self {
        Self { typed: typed.into(), key: key.into() }
    }

    /// What people read, and where mail goes.
    pub fn as_typed(&self) -> &str {
        &self.typed
    }

    /// Unique within a user type and population: the local part in NFC, default case fold, NFC,
    /// and the domain as lower-case A-labels.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The domain as lower-case A-labels: `xn--bcher-kva.example`.
    pub fn domain(&self) -> &str {
        self.key.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    fn structure(text: &str) -> Result<Self, EmailError> {
        let typed = text.trim();
        if typed.len() > OCTETS {
            return Err(EmailError::TooLong);
        }
        let (local, domain) = typed.rsplit_once('@').ok_or(EmailError::Shape)?;
        if local.is_empty() || domain.is_empty() {
            return Err(EmailError::Shape);
        }
        if local.len() > LOCAL_OCTETS {
            return Err(EmailError::TooLong);
        }
        check_local(local)?;
        let domain = a_labels(domain)?;
        let key = format!("{}@{domain}", text::fold(local));
        if local.len() + 1 + domain.len() > OCTETS {
            return Err(EmailError::TooLong);
        }
        Ok(Self { typed: typed.to_owned(), key })
    }

    /// Refuses what can pass for somebody else's address (Unicode Technical Standard 39).
    fn check_looks(&self) -> Result<(), EmailError> {
        if let Some(found) = self.typed.chars().find(|&c| !c.is_ascii() && !may_stand(c)) {
            return Err(EmailError::Character(found));
        }
        let (domain, _) =
            Uts46::new().to_unicode(self.domain().as_bytes(), AsciiDenyList::STD3, Hyphens::Allow);
        let local = self.typed.rsplit_once('@').map_or("", |(local, _)| local);
        let in_latin_domain =
            domain.rsplit_once('.').is_some_and(|(_, top_level)| top_level.is_ascii());
        for part in domain.split('.').chain([local]) {
            check_script(part, in_latin_domain)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Email({})", self.typed)
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.typed)
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.typed
    }
}

impl TryFrom<String> for Email {
    type Error = EmailError;

    /// For what we wrote ourselves: it was checked when it came in.
    fn try_from(typed: String) -> Result<Self, EmailError> {
        Self::structure(&typed)
    }
}

/// A dot-string (RFC 5321 section 4.1.2) with the characters of RFC 6531; no quoted string, which
/// no mailbox that people use needs and which carries comments, blanks and a second `@`.
fn check_local(local: &str) -> Result<(), EmailError> {
    let atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    let wrong = |c: &char| {
        if c.is_ascii() { !atom(*c) } else { c.is_control() || c.is_whitespace() }
    };
    if let Some(found) = local.chars().find(wrong) {
        return Err(EmailError::Character(found));
    }
    if local.split('.').any(str::is_empty) {
        return Err(EmailError::Dots);
    }
    Ok(())
}

/// Non-transitional UTS 46 with the rules for host names; at least two labels, because nobody's
/// mailbox is at a top-level domain and `admin@localhost` is a slip.
fn a_labels(domain: &str) -> Result<String, EmailError> {
    let ascii = Uts46::new()
        .to_ascii(
            domain.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::CheckFirstLast,
            DnsLength::Verify,
        )
        .map_err(|_| EmailError::Domain)?;
    let top_level = ascii.rsplit_once('.').map(|(_, last)| last).ok_or(EmailError::Domain)?;
    if top_level.chars().all(|c| c.is_ascii_digit()) {
        return Err(EmailError::Domain);
    }
    Ok(ascii.into_owned())
}

/// What identifiers may have (Unicode Technical Standard 39, section 3.1): nothing invisible and no
/// second form of another letter; and the full stop that Japanese keyboards write.
fn may_stand(c: char) -> bool {
    c == '\u{3002}' || c.identifier_allowed()
}

fn check_script(part: &str, in_latin_domain: bool) -> Result<(), EmailError> {
    // Marks like + and ! are no identifier characters, and mix with every script.
    let letters: String =
        part.chars().filter(|c| !c.is_ascii() || c.is_ascii_alphanumeric()).collect();
    if !letters.as_str().check_restriction_level(RestrictionLevel::HighlyRestrictive) {
        return Err(EmailError::MixedScripts);
    }
    let foreign = !letters.is_ascii() && !letters.contains(|c: char| c.is_ascii_alphabetic());
    if in_latin_domain && foreign && skeleton(&letters).all(|c| c.is_ascii()) {
        return Err(EmailError::LooksLatin);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
