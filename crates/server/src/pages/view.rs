//! What a page shows.

use std::collections::BTreeMap;

use identity::applications::Application;
use minijinja::Value;

use super::headers::{PagePolicy, SCRIPT};

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
    policy: PagePolicy,
    fields: Vec<(&'static str, Value)>,
}

impl View {
    /// A page with its heading.
    pub fn new(template: &'static str, title: impl Into<String>) -> Self {
        Self {
            template,
            title: title.into(),
            application: None,
            policy: PagePolicy::default(),
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
        self.policy.form_targets.extend(PagePolicy::of(application).form_targets);
        self
    }

    /// Where a form of the page may lead to in the end, besides to us: origins, or schemes.
    pub fn form_may_lead_to(mut self, targets: impl IntoIterator<Item = String>) -> Self {
        self.policy.form_targets.extend(targets);
        self
    }

    /// Sends its form by itself where scripts run.
    pub fn posts_itself(mut self) -> Self {
        self.policy.posts_itself = true;
        self.with("posts_itself", SCRIPT)
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

    pub(super) fn policy(&self) -> PagePolicy {
        self.policy.clone()
    }

    /// Fields that every template may ask for have a value even where a page sets none.
    pub(super) fn context(&self, style: &str) -> Value {
        const ALWAYS: [&str; 9] = [
            "notice",
            "detail",
            "reason",
            "way_on",
            "support_code",
            "request_id",
            "text",
            "csrf",
            "elsewhere",
        ];
        let mut all: BTreeMap<&str, Value> =
            ALWAYS.into_iter().map(|name| (name, Value::from(()))).collect();
        all.insert("style", style.into());
        all.insert("title", self.title.as_str().into());
        all.insert("application", self.application.clone().unwrap_or_else(|| Value::from(())));
        all.extend(self.fields.iter().cloned());
        all.into()
    }
}
