//! Which connections can be saved.

use serde_json::json;

use super::*;
use crate::federation::fixtures::provider;
use crate::groups::ADMINISTRATORS;
use crate::ids::GroupId;
use crate::time::Moment;

fn with(authority: Authority, email_scope: bool, domains: &[&str]) -> Provider {
    let scopes = if email_scope { vec!["openid", "email"] } else { vec!["openid"] };
    Provider {
        authority,
        scopes: scopes.into_iter().map(str::to_owned).collect(),
        trusted_domains: domains.iter().map(|domain| (*domain).to_owned()).collect(),
        ..provider()
    }
}

/// The built-in door for a user type.
fn door(user_type: UserType) -> Application {
    let doors = Application::built_in();
    doors.into_iter().find(|door| door.user_type == user_type).expect("one for every type")
}

/// What holds where a connection says nothing but what becomes of strangers.
fn unknown(unknown_user: UnknownUser, user_type: UserType) -> Policy {
    Policy::of(&unknown_user.into(), &PolicyFields::default(), user_type)
}

fn group(name: &str, user_type: UserType, built_in: bool) -> Group {
    Group {
        id: GroupId::from_stored(name),
        user_type,
        name: name.to_owned(),
        built_in,
        created_at: Moment::from_seconds(0),
    }
}

fn check_staff(provider: &Provider, unknown_user: UnknownUser) -> Result<(), ConnectionError> {
    let policy = unknown(unknown_user, UserType::Staff);
    check_connection(provider, &door(UserType::Staff), &policy, &[])
}

#[test]
fn s042_a_connection_by_which_nobody_could_ever_come_in_is_refused() {
    use Authority::{Operator, Organisation, Public};
    for (authority, email_scope, domains, could) in [
        (Operator, true, &[][..], true),
        (Operator, false, &["company.test"], true),
        (Operator, false, &[], false),
        (Organisation, true, &[], false),
        (Organisation, false, &["company.test"], true),
        (Public, true, &["company.test"], false),
    ] {
        let provider = with(authority, email_scope, domains);
        assert_eq!(could_ever_count(&provider, UserType::Staff), could, "{authority} {domains:?}");
        let saved = check_staff(&provider, UnknownUser::Refuse);
        assert_eq!(saved.is_ok(), could, "{authority} {domains:?}");
    }
    let silent = with(Organisation, true, &[]);
    let error = check_staff(&silent, UnknownUser::Refuse).unwrap_err();
    assert_eq!(
        error,
        ConnectionError::NothingCounts { provider: "Corp".to_owned(), advice: TRUST }
    );
    assert!(
        error.to_string().contains("\"Corp\"") && error.to_string().contains("--trusted-domain")
    );
}

#[test]
fn s047_a_provider_of_everybody_opens_no_door_of_people_who_work_for_somebody() {
    let at = |authority, user_type| {
        let issuer = "https://accounts.google.com".to_owned();
        let google = Provider { issuer, ..with(authority, true, &["company.test"]) };
        check_connection(&google, &door(user_type), &unknown(UnknownUser::Create, user_type), &[])
            .map_err(|error| error.code())
    };
    for user_type in [UserType::Staff, UserType::Merchant, UserType::Member] {
        assert_eq!(at(Authority::Operator, user_type), Err("open_to_everybody"));
        assert_eq!(at(Authority::Public, user_type), Err("open_to_everybody"));
        // Only addresses in its own domains count then.
        assert_eq!(at(Authority::Organisation, user_type), Ok(()));
    }
    assert_eq!(at(Authority::Operator, UserType::Customer), Ok(()));
}

#[test]
fn s047_a_public_provider_can_be_connected_for_customers_of_google_only() {
    let public = |issuer: &str, email_scope| Provider {
        issuer: issuer.to_owned(),
        ..with(Authority::Public, email_scope, &[])
    };
    let google = "https://accounts.google.com";
    assert!(could_ever_count(&public(google, true), UserType::Customer));
    assert!(!could_ever_count(&public(google, false), UserType::Customer));
    assert!(!could_ever_count(&public("https://id.example.com", true), UserType::Customer));
    for user_type in [UserType::Staff, UserType::Merchant, UserType::Member] {
        let application = door(user_type);
        let own = public("https://id.example.com", true);
        let said =
            check_connection(&own, &application, &unknown(UnknownUser::Refuse, user_type), &[]);
        let application = application.key.to_string();
        assert_eq!(said, Err(ConnectionError::PublicForPrivileged { application }));
    }
    let customers = door(UserType::Customer);
    let refuse = unknown(UnknownUser::Refuse, UserType::Customer);
    // Each with what helps.
    for (provider, advice) in
        [(public(google, false), ASK), (public("https://id.example.com", true), SHOW)]
    {
        let said = check_connection(&provider, &customers, &refuse, &[]);
        let provider = "Corp".to_owned();
        assert_eq!(said, Err(ConnectionError::NothingCounts { provider, advice }));
    }
}

#[test]
fn users_are_made_only_where_their_address_is_asked_for() {
    let silent = with(Authority::Operator, false, &["company.test"]);
    let check = |unknown_user| check_staff(&silent, unknown_user);
    for unknown_user in [UnknownUser::Create, UnknownUser::Hold] {
        assert_eq!(check(unknown_user), Err(ConnectionError::CreateNeedsEmail));
    }
    assert_eq!(check(UnknownUser::Refuse), Ok(()));
}

#[test]
fn newcomers_are_never_administrators() {
    let provider = with(Authority::Operator, true, &[]);
    let staff = door(UserType::Staff);
    let create = unknown(UnknownUser::Create, UserType::Staff);
    let check = |groups: &[Group]| check_connection(&provider, &staff, &create, groups);
    let newcomers = group("newcomers", UserType::Staff, false);
    let administrators = group(ADMINISTRATORS, UserType::Staff, true);
    assert_eq!(check(std::slice::from_ref(&newcomers)), Ok(()));
    let error = check(&[newcomers, administrators]);
    assert_eq!(error, Err(ConnectionError::AdministratorsByDefault));
}

#[test]
fn default_groups_are_of_the_doors_user_type() {
    let provider = with(Authority::Operator, true, &[]);
    let customers = group("vip", UserType::Customer, false);
    let staff = door(UserType::Staff);
    let create = unknown(UnknownUser::Create, UserType::Staff);
    let error = check_connection(&provider, &staff, &create, &[customers]).unwrap_err();
    let (of, wanted) = (UserType::Customer, UserType::Staff);
    assert_eq!(error, ConnectionError::GroupOfAnotherType { group: "vip".to_owned(), of, wanted });
}

#[test]
fn every_error_has_its_code() {
    let (of, wanted) = (UserType::Customer, UserType::Staff);
    let codes = [
        ConnectionError::NothingCounts { provider: String::new(), advice: TRUST },
        ConnectionError::PublicForPrivileged { application: String::new() },
        ConnectionError::NobodyNew,
        ConnectionError::AnyEmail { application: String::new(), provider: String::new() },
        ConnectionError::Locale(String::new()),
        ConnectionError::CreateNeedsEmail,
        ConnectionError::DomainsNeedEmail,
        ConnectionError::AdministratorsByDefault,
        ConnectionError::GroupOfAnotherType { group: String::new(), of, wanted },
    ]
    .map(|error| error.code());
    let expected = [
        "nothing_counts",
        "public_for_privileged",
        "nobody_new",
        "any_email",
        "locale",
        "create_needs_email",
        "domains_need_email",
        "administrators_by_default",
        "group_of_another_type",
    ];
    assert_eq!(codes, expected);
}

#[test]
fn audiences_of_an_exchange_are_distinct_words_of_some_length() {
    let takes = |audiences: &[&str]| {
        let audiences: Vec<String> = audiences.iter().map(|&one| one.to_owned()).collect();
        check_exchange_audiences(&audiences).is_ok()
    };
    let longest = "é".repeat(MAX_AUDIENCE);
    for good in [&[][..], &["app"], &["app", "another app"], &[&longest]] {
        assert!(takes(good), "{good:?}");
    }
    let longer = format!("{longest}a");
    for bad in [&[""][..], &["app", ""], &["app", "app"], &["two\nlines"], &[&longer]] {
        assert!(!takes(bad), "{bad:?}");
    }
    let many: Vec<String> = (0..=MAX_AUDIENCES).map(|number| number.to_string()).collect();
    assert!(check_exchange_audiences(&many[1..]).is_ok());
    assert!(check_exchange_audiences(&many).is_err());
}

#[test]
fn s042_any_address_is_for_customers_of_the_operators_own_provider_alone() {
    let any = PolicyFields { link: Some(Link::AnyEmail), ..PolicyFields::default() };
    for authority in Authority::ALL {
        let provider = with(authority, true, &["company.test"]);
        for user_type in UserType::ALL {
            let policy = Policy::of(&any, &PolicyFields::default(), user_type);
            let saved = check_connection(&provider, &door(user_type), &policy, &[]);
            let lax = user_type == UserType::Customer && authority == Authority::Operator;
            assert_eq!(saved.is_ok(), lax, "{user_type} {authority}");
            let held = if lax { Link::AnyEmail } else { Link::TrustedEmail };
            assert_eq!(Link::AnyEmail.held_to(user_type, authority), held);
        }
    }
}

#[test]
fn s047_by_proof_a_public_provider_is_linked_to_customers_alone() {
    for (authority, link) in Authority::ALL
        .into_iter()
        .flat_map(|authority| [Link::AskProof, Link::ProveMailbox].map(|link| (authority, link)))
    {
        let proof = PolicyFields { link: Some(link), ..PolicyFields::default() };
        for user_type in UserType::ALL {
            let policy = Policy::of(&proof, &PolicyFields::default(), user_type);
            let saved = |domains: &[&str]| {
                let provider = with(authority, true, domains);
                check_connection(&provider, &door(user_type), &policy, &[]).map_err(|e| e.code())
            };
            let staff = user_type != UserType::Customer;
            let public = authority == Authority::Public;
            let without_domains = match authority {
                Authority::Operator => Ok(()),
                Authority::Organisation => Err("nothing_counts"),
                Authority::Public if staff => Err("public_for_privileged"),
                Authority::Public => Ok(()),
            };
            assert_eq!(saved(&[]), without_domains, "{user_type} {authority}");
            assert_eq!(saved(&["company.test"]).is_ok(), !(public && staff));
            let held = if public && staff { Link::TrustedEmail } else { link };
            assert_eq!(link.held_to(user_type, authority), held);
        }
    }
}

#[test]
fn an_address_is_not_imported() {
    let import: PolicyFields =
        serde_json::from_value(serde_json::json!({ "sync": { "email": "import" } })).unwrap();
    assert_eq!(at_the_storefront(import, true), Some("email_import"));
    let force = serde_json::json!({ "sync": { "email": "force" } });
    assert_eq!(at_the_storefront(serde_json::from_value(force).unwrap(), true), None);
    assert_eq!(crate::federation::policy::SyncModes::default().email, SyncMode::Off);
}

fn at_the_storefront(fields: PolicyFields, scopes: bool) -> Option<&'static str> {
    let customer = UserType::Customer;
    let policy = Policy::of(&fields, &PolicyFields::default(), customer);
    let provider = with(Authority::Operator, scopes, &["company.test"]);
    check_connection(&provider, &door(customer), &policy, &[]).err().map(|error| error.code())
}

#[test]
fn a_policy_by_which_nobody_new_could_come_is_refused() {
    let with = |unknown_user, link| {
        let by_hand = Some(false);
        let fields = PolicyFields {
            link: Some(link),
            manual_linking: by_hand,
            ..PolicyFields::from(unknown_user)
        };
        at_the_storefront(fields, true)
    };
    assert_eq!(with(UnknownUser::Refuse, Link::Never), Some("nobody_new"));
    assert_eq!(with(UnknownUser::Hold, Link::Never), None);
    assert_eq!(with(UnknownUser::Create, Link::Never), None);
    assert_eq!(with(UnknownUser::Refuse, Link::TrustedEmail), None);
}

/// No word about an address has to count where people link the provider themselves, and only then.
#[test]
fn a_provider_that_is_there_for_linking_alone_can_be_connected() {
    use Authority::{Operator, Organisation, Public};
    let save = |authority, more: serde_json::Value| {
        let mut fields =
            json!({ "unknown_user": "refuse", "link": "never", "manual_linking": true });
        fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let fields: PolicyFields = serde_json::from_value(fields).unwrap();
        let policy = Policy::of(&fields, &PolicyFields::default(), UserType::Staff);
        let provider = with(authority, false, &[]);
        let saved = check_connection(&provider, &door(UserType::Staff), &policy, &[]);
        saved.err().map(|error| error.code())
    };
    assert_eq!(save(Operator, json!({})), None);
    assert_eq!(save(Organisation, json!({})), None);
    assert_eq!(save(Public, json!({})), Some("public_for_privileged"));
    assert_eq!(save(Operator, json!({ "manual_linking": false })), Some("nothing_counts"));
    assert_eq!(save(Operator, json!({ "link": "trusted_email" })), Some("nothing_counts"));
    assert_eq!(save(Organisation, json!({ "guests": "hold" })), Some("nothing_counts"));
}

#[test]
fn domains_are_looked_at_only_where_addresses_are_asked_for() {
    let listed = |unknown_user| PolicyFields {
        allowed_domains: Some(vec!["company.test".to_owned()]),
        ..PolicyFields::from(unknown_user)
    };
    assert_eq!(at_the_storefront(listed(UnknownUser::Refuse), false), Some("domains_need_email"));
    assert_eq!(at_the_storefront(listed(UnknownUser::Refuse), true), None);
}

#[test]
fn a_language_is_a_tag() {
    let of = |tag: &str| {
        let default_locale = Some(Some(tag.to_owned()));
        at_the_storefront(PolicyFields { default_locale, ..PolicyFields::default() }, true)
    };
    for (tag, error) in
        [("de", None), ("pt-BR", None), ("german!", Some("locale")), ("", Some("locale"))]
    {
        assert_eq!(of(tag), error, "{tag:?}");
    }
}

#[test]
fn what_needs_groups_and_rules_is_told_apart_from_what_does_not() {
    let of = |fields: serde_json::Value| {
        let fields: PolicyFields = serde_json::from_value(fields).unwrap();
        let policy = Policy::of(&fields, &PolicyFields::default(), UserType::Customer);
        (policy.has_rules(), policy.needs_groups())
    };
    assert_eq!(of(json!({})), (false, false));
    assert_eq!(of(json!({ "link": "never", "default_locale": "de" })), (false, false));
    assert_eq!(of(json!({ "allow_if": "claims.staff" })), (true, true));
    assert_eq!(of(json!({ "decision_hook": { "url": "https://shop.test/hook" } })), (true, true));
    assert_eq!(of(json!({ "on_create": { "locale": "claims.lang" } })), (true, true));
    assert_eq!(of(json!({ "on_sign_in": { "groups": "claims.groups" } })), (true, true));
    // Who is an administrator keeps their address.
    assert_eq!(of(json!({ "sync": { "email": "force" } })), (false, true));
    assert_eq!(of(json!({ "sync": { "name": "force" } })), (false, false));
}

#[test]
fn whether_there_is_a_password_has_a_word() {
    assert_eq!(LocalPassword::Never.as_str(), "never");
    assert_eq!(LocalPassword::Allowed.as_str(), "allowed");
}
