//! The policy for people who come through a provider, in commands: how it is set, and how it is
//! shown with who set what.

mod button;
pub(super) mod rules;

use std::path::PathBuf;

use clap::Args;
use identity::federation::guests::Guests;
use identity::federation::hook::DecisionHook;
use identity::federation::policy::{
    Link, LocalPassword, NoGroupMatch, Policy, PolicyField, Source, UnknownUser,
};
use serde_json::{Map, Value, json};

use self::button::ButtonArguments;
use self::rules::{expression, mapping, parameters, sync_modes};
use super::applications::Switch;
use super::{CommandHouse, Failure};
use crate::federation::save::{self, PolicyEdit};

/// What shall become of people who come through a provider. What is not set here holds as it is
/// set for the application, or as it is built in.
#[derive(Debug, Default, Args)]
pub struct PolicyArguments {
    /// What becomes of people without an account: create one, create one that waits for approval,
    /// or refuse them [default: refuse; for customers: create]
    #[arg(long, value_name = "create|hold|refuse")]
    unknown_user: Option<UnknownUser>,
    /// When a sign-in is tied to the account that has the same e-mail address: ask_proof has people
    /// sign in once with what the account already has; prove_mailbox has them give back a code that
    /// is sent to the address, and all but customers sign in once besides [default: trusted_email,
    /// which is when the provider's word about the address counts]
    #[arg(long, value_name = "never|ask_proof|prove_mailbox|trusted_email|any_email")]
    link: Option<Link>,
    /// Who may pass: an expression over claims that has to be true, such as
    /// '"shop-staff" in claims.groups' (docs/expressions.md) [default: everybody]
    #[arg(long, value_name = "EXPRESSION")]
    allow_if: Option<String>,
    /// Let people pass whatever their claims are
    #[arg(long, conflicts_with = "allow_if")]
    any_claims: bool,
    /// Domain whose e-mail addresses may pass, instead of those so far; may be given several times
    /// [default: every domain]
    #[arg(long = "allowed-domain", value_name = "DOMAIN")]
    allowed_domains: Vec<String>,
    /// Let addresses of every domain pass
    #[arg(long, conflicts_with = "allowed_domains")]
    any_domain: bool,
    /// What becomes of people of another tenant or domain than the provider is there for, who have
    /// no identity here: refuse them, hold them for approval, or create a user [default: refuse]
    #[arg(long, value_name = "refuse|hold|create")]
    guests: Option<Guests>,
    /// Group for new users, instead of those so far; may be given several times
    #[arg(long = "default-group", value_name = "GROUP")]
    default_groups: Vec<String>,
    /// No group for new users
    #[arg(long, conflicts_with = "default_groups")]
    no_default_group: bool,
    /// Language of new users of whom the provider says none, such as en or pt-BR
    #[arg(long, value_name = "TAG")]
    default_locale: Option<String>,
    /// No language for new users of whom the provider says none
    #[arg(long, conflicts_with = "default_locale")]
    no_default_locale: bool,
    /// File with expressions for people who become users, as JSON with any of refuse_if, groups,
    /// given_name, family_name, locale, status [default: those of --on-sign-in]
    #[arg(long, value_name = "FILE")]
    on_create: Option<PathBuf>,
    /// File with expressions for everybody who signs in, as JSON with the same names
    #[arg(long, value_name = "FILE")]
    on_sign_in: Option<PathBuf>,
    /// File with expressions for parameters of the request to the provider, as JSON, by the name of
    /// the parameter
    #[arg(long, value_name = "FILE")]
    on_challenge: Option<PathBuf>,
    /// How often attributes are taken from the provider: name, locale, email and groups, each off,
    /// import (the first time; not email) or force (at every sign-in), such as
    /// name=force,groups=import [default: name=import,locale=import,email=off,groups=force]
    #[arg(long, value_name = "ATTRIBUTE=MODE,…")]
    sync: Option<String>,
    /// What becomes of people for whom the expressions name no group that there is: they get the
    /// default groups, keep what they have, or are refused [default: default]
    #[arg(long, value_name = "default|keep|refuse")]
    no_group_match: Option<NoGroupMatch>,
    /// Address of your own that is asked, with a signed request, before anybody is let in, and may
    /// refuse or add names and groups (docs/policies.md) [default: none]
    #[arg(long, value_name = "URL")]
    decision_hook: Option<String>,
    /// Host of the decision hook that may lie at a private address; may be given several times
    #[arg(long, value_name = "HOST[:PORT]", requires = "decision_hook")]
    hook_allow_private: Vec<String>,
    /// Ask no decision hook
    #[arg(long, conflicts_with = "decision_hook")]
    no_decision_hook: bool,
    /// Whether people link and unlink the provider themselves, on their account page [default: off;
    /// for customers: on]
    #[arg(long, value_name = "on|off")]
    manual_linking: Option<Switch>,
    /// Whether users who are made by single sign-on may have a password here [default: never; for
    /// customers: allowed]
    #[arg(long, value_name = "never|allowed")]
    local_password: Option<LocalPassword>,
    #[command(flatten)]
    button: ButtonArguments,
}

/// Fields to be taken back.
#[derive(Debug, Default, Args)]
pub struct InheritArguments {
    /// Field that shall hold as it does without this setting, such as link; may be given several
    /// times
    #[arg(long = "inherit", value_name = "FIELD")]
    inherit: Vec<PolicyField>,
}

/// What is said besides where people shall be asked for a code that nobody could be sent.
pub(super) fn no_codes(house: &CommandHouse, edit: &PolicyEdit) -> &'static str {
    if edit.link == Some(Link::ProveMailbox) && !house.config.mail.goes_out() {
        "\nNobody who is asked for a code can come in yet: no mail goes out (mail.smtp_url is not set)."
    } else {
        ""
    }
}

impl PolicyArguments {
    /// What to change. Expressions are checked here, with the place where one is wrong.
    pub(super) fn edit(self, inherit: InheritArguments) -> Result<PolicyEdit, Failure> {
        // Nothing given leaves what there is; `--no-…` leaves nothing.
        let list = |given: Vec<String>, none: bool| (none || !given.is_empty()).then_some(given);
        let locale = self.default_locale.map(Some);
        let allow_if = self.allow_if.as_deref().map(|text| expression("allow_if", text));
        let allow_if = allow_if.transpose()?.map(Some);
        let allow_private = self.hook_allow_private;
        let hook = self.decision_hook.map(|url| Some(DecisionHook { url, allow_private }));
        let edit = PolicyEdit {
            unknown_user: self.unknown_user,
            link: self.link,
            allow_if: if self.any_claims { Some(None) } else { allow_if },
            allowed_domains: list(self.allowed_domains, self.any_domain),
            guests: self.guests,
            default_groups: list(self.default_groups, self.no_default_group),
            default_locale: if self.no_default_locale { Some(None) } else { locale },
            on_create: self.on_create.as_deref().map(mapping).transpose()?,
            on_sign_in: self.on_sign_in.as_deref().map(mapping).transpose()?,
            on_challenge: self.on_challenge.as_deref().map(parameters).transpose()?,
            sync: self.sync.as_deref().map(sync_modes).transpose()?,
            no_group_match: self.no_group_match,
            decision_hook: if self.no_decision_hook { Some(None) } else { hook },
            manual_linking: self.manual_linking.map(Switch::is_on),
            local_password: self.local_password,
            unset: inherit.inherit,
            ..PolicyEdit::default()
        };
        self.button.add_to(edit)
    }
}

/// The answer to a change that names nothing.
pub(super) fn nothing_to_change() -> Failure {
    let text = "say what to change, such as --unknown-user or --link (see --help)";
    Failure::new("nothing_to_change", text)
}

/// A policy for people to read and for programs, with the names of its groups.
pub(super) struct Shown {
    fields: Vec<(PolicyField, Value, Source)>,
}

impl Shown {
    pub(super) async fn of(house: &CommandHouse, policy: &Policy) -> Result<Self, Failure> {
        let mut fields = policy.settings();
        let groups = save::groups_of(&house.store, &policy.default_groups.value).await?;
        for (field, value, _) in &mut fields {
            if *field == PolicyField::DefaultGroups {
                *value = groups.iter().map(|group| group.name.as_str()).collect();
            }
            if *field == PolicyField::ButtonIcon
                && let Some(icon) = &policy.button_icon.value
            {
                // What it is, and not the picture itself.
                *value = format!("{}, {} bytes", icon.media_type(), icon.bytes().len()).into();
            }
        }
        Ok(Self { fields })
    }

    /// `{"link": {"value": "never", "from": "connection"}, …}`
    pub(super) fn json(&self) -> Value {
        let fields = self.fields.iter().map(|(field, value, from)| {
            (field.as_str().to_owned(), json!({ "value": value, "from": from.as_str() }))
        });
        Value::Object(fields.collect::<Map<_, _>>())
    }

    /// One row for each field: its name, its value, who set it.
    pub(super) fn rows(&self) -> Vec<Vec<String>> {
        let row = |(field, value, from): &(PolicyField, Value, Source)| {
            vec![field.as_str().to_owned(), words(*field, value), from.as_str().to_owned()]
        };
        self.fields.iter().map(row).collect()
    }
}

fn words(field: PolicyField, value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(on) => if *on { "on" } else { "off" }.to_owned(),
        Value::Array(all) if all.is_empty() && field == PolicyField::AllowedDomains => {
            "every domain".to_owned()
        }
        Value::Array(all) if !all.is_empty() => {
            all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
        }
        Value::Object(members) if !members.is_empty() => {
            let member = |(name, value): (&String, &Value)| {
                let text = match value {
                    Value::Array(all) => {
                        all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
                    }
                    one => one.as_str().unwrap_or_default().to_owned(),
                };
                format!("{name}: {text}")
            };
            members.iter().map(member).collect::<Vec<_>>().join("; ")
        }
        _ if field == PolicyField::AllowIf => "everybody".to_owned(),
        _ => "none".to_owned(),
    }
}
