//! Which rules can be saved, and what is added to a request.

use serde_json::json;

use super::*;
use crate::federation::policy::PolicyFields;
use crate::users::UserType;

fn fields(json: serde_json::Value) -> Result<PolicyFields, String> {
    serde_json::from_value(json).map_err(|error| error.to_string())
}

fn kinds(json: serde_json::Value) -> Result<(), String> {
    let fields = fields(json).unwrap();
    let policy = Policy::of(&fields, &PolicyFields::default(), UserType::Staff);
    check_kinds(&policy).map_err(|error| error.to_string())
}

#[test]
fn rules_are_stored_as_their_texts() {
    let written = json!({
        "allow_if": "\"a\" in claims.groups",
        "on_create": { "status": "\"held\"" },
        "on_sign_in": { "groups": "claims.groups" },
        "on_challenge": { "domain_hint": "login_hint.split(\"@\")[1]" },
        "sync": { "name": "force", "locale": "import", "email": "force", "groups": "off" },
        "no_group_match": "keep",
    });
    let read = fields(written.clone()).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), written);
    assert_eq!(
        fields(json!({ "sync": { "name": "off" } })).unwrap().sync,
        Some(SyncModes { name: SyncMode::Off, ..SyncModes::default() })
    );
}

#[test]
fn what_is_misspelled_is_refused_whole_with_its_place() {
    for (wrong, said) in [
        (json!({ "allow_if": "claims.x ==" }), "column 12"),
        (json!({ "allow_if": "nobody.x" }), "nobody"),
        (json!({ "on_create": { "group": "claims.x" } }), "unknown field `group`"),
        (json!({ "on_sign_in": { "groups": "claims." } }), "column"),
        (json!({ "sync": { "phone": "force" } }), "unknown field `phone`"),
        (json!({ "no_group_match": "drop" }), "unknown variant"),
        (json!({ "on_challenge": { "hd": "claims.hd" } }), "claims"),
    ] {
        let error = fields(wrong.clone()).unwrap_err();
        assert!(error.contains(said), "{wrong}: {error}");
    }
}

#[test]
fn a_rule_of_the_wrong_kind_is_refused_when_it_is_saved() {
    for (wrong, said) in [
        (json!({ "allow_if": "claims.x + \"y\"" }), "allow_if has to be a condition"),
        (json!({ "on_create": { "refuse_if": "[\"x\"]" } }), "on_create.refuse_if"),
        (json!({ "on_sign_in": { "groups": "1 < 2" } }), "on_sign_in.groups has to be a text or"),
        (json!({ "on_sign_in": { "locale": "[\"de\"]" } }), "on_sign_in.locale has to be a text"),
        (json!({ "on_challenge": { "hd": "1 < 2" } }), "on_challenge.hd has to be a text"),
    ] {
        let error = kinds(wrong.clone()).unwrap_err();
        assert!(error.contains(said), "{wrong}: {error}");
    }
    let open = json!({ "allow_if": "claims.x", "on_create": { "groups": "claims.x" } });
    assert_eq!(kinds(open), Ok(()), "what the facts have there shows at a sign-in");
    let fit = json!({
        "on_create": { "groups": "\"x\"", "given_name": "\"x\"", "refuse_if": "true" },
        "on_sign_in": { "groups": "[\"x\"]" },
        "on_challenge": { "hd": "\"x\"" },
    });
    assert_eq!(kinds(fit), Ok(()));
}

#[test]
fn the_protocols_own_parameters_are_not_for_a_policy() {
    let set = |name: &str| fields(json!({ "on_challenge": { name: "\"x\"" } }));
    for ours in OURS {
        let error = set(ours).unwrap_err();
        assert!(error.contains(&format!("\"{ours}\" is a parameter of the protocol")), "{error}");
    }
    for name in ["hd", "kc_idp_hint", "acr_values", "x-y.z", &"n".repeat(100)] {
        assert!(set(name).is_ok(), "{name}");
    }
    for name in ["", "a b", "a=b", "a&b", "\u{e9}", &"n".repeat(101)] {
        assert!(set(name).unwrap_err().contains("is no name of a parameter"), "{name}");
    }
    let many = |count: usize| {
        let named = (0..count).map(|number| (format!("p{number}"), json!("\"x\"")));
        fields(json!({ "on_challenge": named.collect::<serde_json::Map<_, _>>() }))
    };
    assert!(many(20).is_ok());
    assert!(many(21).unwrap_err().contains("at most 20"));
}

#[test]
fn a_parameter_whose_facts_are_missing_is_left_out_and_a_fault_is_one() {
    let fields = fields(json!({ "on_challenge": {
        "hd": "login_hint.split(\"@\")[1]",
        "app": "application",
    } }));
    let parameters = fields.unwrap().on_challenge.unwrap();
    let facts = |login_hint| ChallengeFacts {
        locale: None,
        login_hint,
        provider: "corp",
        application: "storefront",
    };
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let both = vec![pair("app", "storefront"), pair("hd", "acme.example")];
    assert_eq!(parameters.values(&facts(Some("ada@acme.example"))).unwrap(), both);
    assert_eq!(parameters.values(&facts(None)).unwrap(), vec![pair("app", "storefront")]);
    let list = Parameters::try_from(BTreeMap::from([(
        "x".to_owned(),
        Expression::compile("login_hint.split(\"@\")").unwrap(),
    )]));
    assert!(list.unwrap().values(&facts(Some("a@b"))).is_err());
}

#[test]
fn every_word_of_the_choices_is_read_back() {
    for mode in SyncMode::ALL {
        assert_eq!(mode.as_str().parse(), Ok(mode));
        assert_eq!(serde_json::to_value(mode).unwrap(), mode.as_str());
    }
    for choice in NoGroupMatch::ALL {
        assert_eq!(choice.as_str().parse(), Ok(choice));
        assert_eq!(serde_json::to_value(choice).unwrap(), choice.as_str());
    }
}
