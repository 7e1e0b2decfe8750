//! What shall become of the people who come through a provider, as somebody describes it.

use identity::applications::Application;
use identity::expressions::{Expression, Rule};
use identity::federation::button::{ButtonError, Colour, Icon};
use identity::federation::guests::Guests;
use identity::federation::hook::DecisionHook;
use identity::federation::policy::{
    ConnectionError, Link, LocalPassword, Mapping, NoGroupMatch, Parameters, Policy, PolicyChange,
    PolicyField, PolicyFields, SyncModes, UnknownUser, check_connection, check_default_groups,
};
use identity::federation::provider::Provider;
use identity::groups::Group;
use identity::ids::GroupId;
use store::{ApplicationChange, By, Store};

use super::{SaveError, Tools, draft, find_application, find_groups};

/// What to change about a policy; what is none stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyEdit {
    /// What becomes of strangers.
    pub unknown_user: Option<UnknownUser>,
    /// When an account of the same address is linked.
    pub link: Option<Link>,
    /// Who may pass; `Some(None)` lets everybody.
    pub allow_if: Option<Option<Expression<Rule>>>,
    /// Domains whose addresses may pass; none of them lets every one pass.
    pub allowed_domains: Option<Vec<String>>,
    /// What becomes of guests.
    pub guests: Option<Guests>,
    /// Names or ids of groups for new users.
    pub default_groups: Option<Vec<String>>,
    /// Language of new users of whom the provider says none.
    pub default_locale: Option<Option<String>>,
    /// What claims become when a user is made.
    pub on_create: Option<Mapping>,
    /// What claims become at every sign-in.
    pub on_sign_in: Option<Mapping>,
    /// What is added to the request to the provider.
    pub on_challenge: Option<Parameters>,
    /// How often each attribute is taken.
    pub sync: Option<SyncModes>,
    /// What becomes of people for whom the rules name no group that there is.
    pub no_group_match: Option<NoGroupMatch>,
    /// Who is asked before anybody is let in; `Some(None)` asks nobody.
    pub decision_hook: Option<Option<DecisionHook>>,
    /// Whether people link and unlink the provider themselves.
    pub manual_linking: Option<bool>,
    /// Whether users who are made may have a password of ours.
    pub local_password: Option<LocalPassword>,
    /// What the button says; `Some(None)` for "Login with" and the provider's name.
    pub button_label: Option<Option<String>>,
    /// What is on the button.
    pub button_icon: Option<Option<Icon>>,
    /// The colour of the button.
    pub button_colour: Option<Option<Colour>>,
    /// Whether there is no button.
    pub button_hidden: Option<bool>,
    /// Fields that shall not be set any more.
    pub unset: Vec<PolicyField>,
}

impl From<UnknownUser> for PolicyEdit {
    fn from(unknown_user: UnknownUser) -> Self {
        Self { unknown_user: Some(unknown_user), ..Self::default() }
    }
}

impl PolicyEdit {
    /// The same with groups and domains as they are stored.
    pub(super) async fn read(
        &self,
        store: &Store,
        application: &Application,
    ) -> Result<PolicyChange, SaveError> {
        let groups = match &self.default_groups {
            Some(named) => Some(find_groups(store, application, named).await?),
            None => None,
        };
        if let Some(groups) = &groups {
            check_default_groups(application.user_type, groups)?;
        }
        let set = PolicyFields {
            unknown_user: self.unknown_user,
            link: self.link,
            allow_if: self.allow_if.clone(),
            allowed_domains: self.allowed_domains.as_deref().map(draft::domains).transpose()?,
            guests: self.guests,
            default_groups: groups.map(|groups| groups.into_iter().map(|group| group.id).collect()),
            default_locale: self.default_locale.clone(),
            on_create: self.on_create.clone(),
            on_sign_in: self.on_sign_in.clone(),
            on_challenge: self.on_challenge.clone(),
            sync: self.sync,
            no_group_match: self.no_group_match,
            decision_hook: self.decision_hook.clone().map(hook).transpose()?,
            manual_linking: self.manual_linking,
            local_password: self.local_password,
            button_label: self.button_label.clone(),
            button_icon: self.button_icon.clone(),
            button_colour: self.button_colour,
            button_hidden: self.button_hidden,
        };
        Ok(PolicyChange { set, unset: self.unset.clone() })
    }
}

/// A hook with its hosts as they are compared.
fn hook(given: Option<DecisionHook>) -> Result<Option<DecisionHook>, SaveError> {
    let checked = |hook: DecisionHook| {
        let allow_private = draft::hosts(&hook.allow_private)?;
        Ok::<_, SaveError>(DecisionHook { allow_private, ..hook })
    };
    given.map(checked).transpose()
}

/// Checks what will hold for a connection.
pub(super) async fn check(
    store: &Store,
    provider: &Provider,
    application: &Application,
    policy: &PolicyFields,
) -> Result<(), SaveError> {
    let policy = Policy::of(policy, &application.defaults, application.user_type);
    let groups = groups_of(store, &policy.default_groups.value).await?;
    Ok(check_connection(provider, application, &policy, &groups)?)
}

/// Those of the groups that there are; one that was removed since grants nothing and is left out.
pub async fn groups_of(store: &Store, ids: &[GroupId]) -> Result<Vec<Group>, store::Error> {
    let mut groups = Vec::new();
    for id in ids {
        groups.extend(store.find_group(id).await?);
    }
    Ok(groups)
}

/// Changes what holds for every connection of an application that says nothing else.
pub async fn change_defaults(
    tools: &Tools<'_>,
    application: &str,
    edit: &PolicyEdit,
    by: &By,
) -> Result<Application, SaveError> {
    let application = find_application(tools.store, application).await?;
    let tells_apart = [edit.button_label.is_some(), edit.button_icon.is_some()];
    if tells_apart.contains(&true) {
        return Err(ConnectionError::from(ButtonError::ForEverybody).into());
    }
    let change = ApplicationChange {
        defaults: edit.read(tools.store, &application).await?,
        ..ApplicationChange::default()
    };
    let changed = change.apply(application.clone());
    for connection in tools.store.list_connections(Some(&application.key)).await? {
        if let Some(provider) = tools.store.find_provider(&connection.provider).await? {
            check(tools.store, &provider, &changed, &connection.policy).await?;
        }
    }
    let now = tools.clock.now();
    Ok(tools.store.change_application(&application.key, &change, by, now).await?)
}
