//! What a page shows.

use std::collections::BTreeMap;

use identity::applications::Application;
use minijinja::Value;

use super::headers::FormTargets;

/// A line above a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Something went well.
    Good(String),
    /// Something needs attention.
    Problem(String),
}

/// A page to be filled: template, heading, and what the template asks for.
#[derive(Clone, Debug)]
pub struct View {
    template: &'static str,
    title: String,
    application: Option<Value>,
    targets: FormTargets,
    fields: Vec<(&'static str, Value)>,
}

impl View {
    /// A page with its heading.
    pub fn new(template: &'static str, title: impl Into<String>) -> Self {
        Self {
            template,
            title: title.into(),
            application: None,
            targets: FormTargets::default(),
            fields: Vec::new(),
        }
    }

    /// A page that says one thing and shows the way on.
    pub fn message(title: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new("message.html", title).with("text", text.into())
    }

    /// At which door the page stands.
    pub fn at(mut self, application: &Application) -> Self {
        self.application = Some(minijinja::context! {
            key => application.key.as_str(),
            name => &*application.name,
            user_type => application.user_type.as_str(),
            local_login => application.local_login,
        });
        self.targets = FormTargets::of(application);
        self
    }

    /// Adds something that the template asks for.
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.fields.push((name, value.into()));
        self
    }

    /// Adds a line above the form.
    pub fn notice(self, notice: Option<Notice>) -> Self {
        let value = match notice {
            None => Value::from(()),
            Some(Notice::Good(text)) => minijinja::context! { kind => "good", text },
            Some(Notice::Problem(text)) => minijinja::context! { kind => "problem", text },
        };
        self.with("notice", value)
    }

    /// Why the page is shown instead of what was asked for; a stable code for tests and support.
    pub fn reason(self, code: &'static str) -> Self {
        self.with("reason", code)
    }

    /// A button that leads on.
    pub fn way_on(self, href: impl Into<String>, label: impl Into<String>) -> Self {
        self.with("way_on", minijinja::context! { href => href.into(), label => label.into() })
    }

    pub(super) fn template(&self) -> &'static str {
        self.template
    }

    pub(super) fn form_targets(&self) -> FormTargets {
        self.targets.clone()
    }

    /// Fields that every template may ask for have a value even where a page sets none.
    pub(super) fn context(&self, style: &str) -> Value {
        const ALWAYS: [&str; 7] =
            ["notice", "reason", "way_on", "support_code", "request_id", "text", "csrf"];
        let mut all: BTreeMap<&str, Value> =
            ALWAYS.into_iter().map(|name| (name, Value::from(()))).collect();
        all.insert("style", style.into());
        all.insert("title", self.title.as_str().into());
        all.insert("application", self.application.clone().unwrap_or_else(|| Value::from(())));
        all.extend(self.fields.iter().cloned());
        all.into()
    }
}
