//! What holds, and who said so.

use serde_json::json;

use super::*;

fn fields(json: Json) -> Result<PolicyFields, String> {
    serde_json::from_value(json).map_err(|error| error.to_string())
}

#[test]
fn a_value_comes_from_the_connection_else_the_application_else_it_is_built_in() {
    let connection = fields(json!({"link": "never"})).unwrap();
    let application = fields(json!({"link": "any_email", "unknown_user": "hold"})).unwrap();
    let policy = Policy::of(&connection, &application, UserType::Staff);
    assert_eq!((policy.link.value, policy.link.from), (Link::Never, Source::Connection));
    let unknown_user = (policy.unknown_user.value, policy.unknown_user.from);
    assert_eq!(unknown_user, (UnknownUser::Hold, Source::Application));
    assert_eq!(policy.default_groups.from, Source::BuiltIn);
    let shown: Vec<_> = policy.settings();
    assert_eq!(shown.len(), PolicyField::ALL.len());
    assert_eq!(shown[1], (PolicyField::Link, json!("never"), Source::Connection));
}

#[test]
fn nobody_works_for_somebody_without_being_asked_for() {
    for user_type in UserType::ALL {
        let policy = Policy::of(&PolicyFields::default(), &PolicyFields::default(), user_type);
        let customers = user_type == UserType::Customer;
        let expected = if customers { UnknownUser::Create } else { UnknownUser::Refuse };
        assert_eq!(policy.unknown_user.value, expected, "{user_type}");
        assert_eq!(policy.link.value, Link::TrustedEmail);
        assert!(policy.default_groups.value.is_empty());
    }
}

#[test]
fn an_unknown_field_or_word_is_refused_with_its_name() {
    let error = fields(json!({"unknown_users": "create"})).unwrap_err();
    assert!(error.contains("`unknown_users`") && error.contains("`unknown_user`"), "{error}");
    let error = fields(json!({"link": "any-email"})).unwrap_err();
    assert!(error.contains("`any-email`") && error.contains("`any_email`"), "{error}");
    assert!(fields(json!({"link": null})).is_err());
}

#[test]
fn what_was_set_to_nothing_is_something_else_than_what_was_not_set() {
    let none = fields(json!({"default_locale": null})).unwrap();
    assert_eq!(none.default_locale, Some(None));
    assert_eq!(serde_json::to_value(&none).unwrap(), json!({"default_locale": null}));
    let german = fields(json!({"default_locale": "de"})).unwrap();
    let of = |connection| Policy::of(connection, &german, UserType::Customer).default_locale.value;
    assert_eq!(of(&none), None);
    assert_eq!(of(&PolicyFields::default()).as_deref(), Some("de"));
    assert_eq!(serde_json::to_value(PolicyFields::default()).unwrap(), json!({}));
}

#[test]
fn a_change_sets_what_it_names_and_takes_back_what_it_shall() {
    let before = fields(json!({"link": "never", "unknown_user": "hold"})).unwrap();
    let change = fields(json!({"unknown_user": "create", "default_locale": "de"})).unwrap();
    let set = change.clone();
    let after = PolicyChange { set, unset: vec![PolicyField::Link] }.apply(before.clone());
    let expected = fields(json!({"unknown_user": "create", "default_locale": "de"})).unwrap();
    assert_eq!(after, expected);
    assert_eq!(PolicyChange::default().apply(before.clone()), before);
    // What is named twice is set.
    let unset = vec![PolicyField::UnknownUser];
    let both = PolicyChange { set: change, unset: unset.clone() }.apply(before);
    assert_eq!(both.unknown_user, Some(UnknownUser::Create));
    assert!(PolicyChange::default().is_empty());
    assert!(!PolicyChange { unset, ..PolicyChange::default() }.is_empty());
}

#[test]
fn every_word_is_the_same_in_data_and_commands() {
    for field in PolicyField::ALL {
        assert_eq!(field.as_str().parse(), Ok(field));
    }
    for link in Link::ALL {
        assert_eq!(json!(link), link.as_str());
    }
    for unknown_user in UnknownUser::ALL {
        assert_eq!(json!(unknown_user), unknown_user.as_str());
        let waits = unknown_user == UnknownUser::Refuse;
        assert_eq!(unknown_user.makes_users(), !waits);
    }
    let words = [Source::Connection, Source::Application, Source::BuiltIn].map(Source::as_str);
    assert_eq!(words, ["connection", "application", "built-in"]);
}
