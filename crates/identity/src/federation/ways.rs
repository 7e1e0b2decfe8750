//! Which way in: the provider that a door sends everybody to, or the one whose people have the
//! address that somebody types.

use crate::applications::Application;
use crate::email::Email;
use crate::federation::provider::{Provider, ProviderState};
use crate::ids::ProviderId;
use crate::text::fold;

/// Longest text that is looked for, in bytes: no address is longer, and no name.
const MAX_TYPED: usize = 254;

/// How somebody comes to a login page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coming {
    /// The page has something to say first: that they are signed out, that their session has
    /// ended, that something did not work.
    pub told: bool,
    /// The address asks for every way in.
    pub every_way: bool,
    /// They bring a session that does not open the door. Sent on by itself, whoever comes back with
    /// another such session would go round for ever.
    pub turned_away: bool,
}

/// The provider that the door sends them to without showing its page, if it is one of `connected`
/// and nothing speaks against it.
pub fn straight_on<'p>(
    door: &Application,
    coming: Coming,
    connected: impl IntoIterator<Item = &'p Provider>,
) -> Option<&'p Provider> {
    if coming.told || coming.every_way || coming.turned_away {
        return None;
    }
    let wanted: &ProviderId = door.auto_redirect.as_ref()?;
    connected.into_iter().find(|one| one.id == *wanted && one.state == ProviderState::Enabled)
}

/// What somebody typed who looks for their provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found<'p> {
    /// The address, if it is one: the provider is told whom to expect.
    pub email: Option<Email>,
    /// Whose it is, of `connected` in their order; none if nobody's.
    pub providers: Vec<&'p Provider>,
}

/// The providers that own the domain of an address, or that are called as it was typed.
///
/// It looks at nothing but what providers are trusted with, so that the answer does not depend on
/// whether there is an account. A domain is its own alone and not its subdomains': whoever runs
/// one need not run the others.
pub fn find<'p>(typed: &str, connected: impl IntoIterator<Item = &'p Provider>) -> Found<'p> {
    let typed = typed.trim();
    if typed.is_empty() || typed.len() > MAX_TYPED {
        return Found { email: None, providers: Vec::new() };
    }
    let email = Email::parse(typed).ok();
    let name = fold(typed);
    let is_it = |one: &&Provider| match &email {
        Some(email) => one.trusted_domains.iter().any(|own| own == email.domain()),
        None => fold(&one.name) == name || one.key == name,
    };
    let enabled = connected.into_iter().filter(|one| one.state == ProviderState::Enabled);
    let providers = enabled.filter(is_it).collect();
    Found { email, providers }
}

#[cfg(test)]
mod tests;
