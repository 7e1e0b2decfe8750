//! What an operator can change about a provider and its doors while people sign in through it.

use testkit::provider::CLIENT_SECRET;

use crate::operator::Operator;

#[tokio::test(flavor = "multi_thread")]
async fn a_client_secret_is_rotated_while_people_keep_their_accounts() {
    let operator = Operator::connected().await;
    let sign_in = async || operator.house.browser().open("/back-office/login/corp").await;
    assert!(sign_in().await.is_signed_in());
    let rotate = ["change", "corp", "--client-secret-file", "rotated"];
    operator.write("rotated", "what the provider does not know");
    let changed = operator.ask(&rotate).await;
    assert!(!changed.to_string().contains("does not know"), "{changed}");
    assert_eq!(sign_in().await.reason().as_deref(), Some("provider_error"), "the new one is shown");
    operator.write("rotated", CLIENT_SECRET);
    operator.ask(&rotate).await;
    assert!(sign_in().await.is_signed_in());
    assert_eq!(operator.house.users().await.len(), 1);
    let audit = operator.house.audit().await;
    let entry = audit.iter().find(|one| one.action == "provider.change").expect("an entry");
    assert_eq!((entry.actor.as_str(), &entry.detail["secret_changed"]), ("operator", &true.into()));

    operator.write("rotated", "");
    assert_eq!(operator.refused(&rotate).await.0, "empty_secret");
}

#[tokio::test(flavor = "multi_thread")]
async fn name_client_id_scopes_domains_and_the_way_of_showing_the_secret_are_changed() {
    let operator = Operator::connected().await;
    let changed = operator
        .ask(&[
            "change",
            "corp",
            "--name",
            "Big Corp",
            "--scope",
            "email",
            "--trusted-domain",
            "Corp.Example",
            "--trusted-domain",
            "corp.test",
            "--client-auth",
            "client_secret_post",
            "--authority",
            "organisation",
        ])
        .await;
    assert_eq!(changed["name"], "Big Corp");
    assert_eq!(changed["scopes"], serde_json::json!(["openid", "email"]));
    assert_eq!(changed["trusted_domains"], serde_json::json!(["corp.example", "corp.test"]));
    assert_eq!(changed["authority"], "organisation");
    let page = operator.house.browser().open("/back-office/login").await;
    assert!(page.text().contains("Login with Big Corp"), "{}", page.text());
    assert!(operator.house.browser().open("/back-office/login/corp").await.is_signed_in());
    let seen = operator.provider.seen();
    assert_eq!(seen.authorizations[0]["scope"], "openid email");
    assert!(seen.token_forms[0].contains_key("client_secret"));

    let changed =
        operator.ask(&["change", "corp", "--authority", "operator", "--no-trusted-domain"]).await;
    assert_eq!(changed["trusted_domains"], serde_json::json!([]));
    operator.ask(&["change", "corp", "--client-id", "somebody else"]).await;
    operator.house.browser().open("/back-office/login/corp").await;
    let seen = operator.provider.seen();
    assert_eq!(seen.authorizations[1]["client_id"], "somebody else");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_meets_the_checks_of_the_save() {
    let operator = Operator::connected().await;
    for (arguments, code) in [
        (&["--name", " "][..], "name"),
        (&["--client-id", ""], "client_id"),
        (&["--scope", "two words"], "scope"),
        (&["--trusted-domain", "no domain"], "domain"),
        (&["--allow-private", "http://x/"], "allow_private"),
        // The connection that it has could no longer let anybody in, or make anybody.
        (&["--authority", "organisation"], "nothing_counts"),
        (&["--authority", "public"], "public_for_privileged"),
        (&["--scope", "profile"], "nothing_counts"),
        (&["--scope", "profile", "--trusted-domain", "corp.test"], "create_needs_email"),
        // What is stored as its endpoints would no longer be reached.
        (&["--no-allow-private"], "plain_http"),
    ] {
        let (said, message) =
            operator.refused(&[&["change", "corp"][..], arguments].concat()).await;
        assert_eq!(said, code, "{arguments:?}: {message}");
    }
    assert_eq!(operator.refused(&["change", "nobody", "--name", "X"]).await.0, "unknown_provider");
    let nothing = operator.run(&["providers", "change", "corp"]).await;
    assert_eq!(nothing.status.code(), Some(2), "a change names what it changes");
    let row = operator.house.app.store.find_provider_by_key("corp").await.expect("an answer");
    let row = row.expect("a provider");
    assert_eq!((row.name.as_str(), row.allow_private), ("Corp", vec![operator.provider.host()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn s083_a_door_takes_tokens_in_exchange_once_somebody_lists_whose() {
    let operator = Operator::connected().await;
    let back_office = ["change-connection", "corp", "--application", "back-office"];
    let change = async |more: &[&str]| {
        let changed = operator.ask(&[&back_office[..], more].concat()).await;
        let door = &changed["connections"][0];
        (door["exchange_audiences"].clone(), door["exchange_staff"].clone())
    };
    let none = (serde_json::json!([]), serde_json::json!(false));
    assert_eq!(change(&["--position", "7"]).await, none);
    let two = ["--exchange-audience", "app", "--exchange-audience", "web", "--exchange-staff"];
    let both = (serde_json::json!(["app", "web"]), serde_json::json!(true));
    assert_eq!(change(&two).await, both);
    assert_eq!(change(&["--position", "8"]).await, both, "what is not named stays");
    assert_eq!(change(&["--no-exchange-audience", "--no-exchange-staff"]).await, none);
    for bad in [&["app", "app"][..], &["\u{7}"]] {
        let given = bad.iter().flat_map(|one| ["--exchange-audience", *one]).collect::<Vec<_>>();
        let (code, _) = operator.refused(&[&back_office[..], &given].concat()).await;
        assert_eq!(code, "exchange_audience", "{bad:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_door_turns_from_creating_to_refusing_and_back() {
    let operator = Operator::connected().await;
    operator.house.add_group("Newcomers").await;
    let back_office = ["change-connection", "corp", "--application", "back-office"];
    let change = async |more: &[&str]| operator.ask(&[&back_office[..], more].concat()).await;
    let sign_in = async || operator.house.browser().open("/back-office/login/corp").await;

    change(&["--unknown-user", "refuse"]).await;
    assert_eq!(sign_in().await.reason().as_deref(), Some("unknown_user"));
    let changed = change(&["--unknown-user", "create", "--default-group", "newcomers"]).await;
    assert_eq!(changed["connections"][0]["policy"]["unknown_user"]["value"], "create");
    assert!(sign_in().await.is_signed_in());
    let user = operator.house.find_staff("ada@corp.example").await.expect("a user");
    let groups = operator.house.app.store.list_groups_of(&user.id).await.expect("groups");
    assert_eq!(groups[0].name, "Newcomers");
    let changed = change(&["--no-default-group", "--position", "7"]).await;
    assert_eq!(
        changed["connections"][0]["policy"]["default_groups"]["value"],
        serde_json::json!([])
    );
    assert_eq!(changed["connections"][0]["position"], 7);

    let refused = async |more: &[&str]| operator.refused(&[&back_office[..], more].concat()).await;
    let (code, message) = refused(&["--default-group", "nobody"]).await;
    assert_eq!(code, "unknown_group");
    assert!(message.contains("groups add \"nobody\" --type staff"), "{message}");
    assert_eq!(
        refused(&["--default-group", "administrators"]).await.0,
        "administrators_by_default"
    );
    let elsewhere = ["--application", "storefront", "--unknown-user", "refuse"];
    let (code, message) =
        operator.refused(&[&["change-connection", "corp"][..], &elsewhere].concat()).await;
    assert_eq!(code, "not_connected");
    assert!(message.contains("providers connect corp --application storefront"), "{message}");
    // The group's own type is named, even when the group is given by its id.
    let id = groups[0].id.to_string();
    let stranger = [&["connect", "corp"][..], &elsewhere, &["--default-group", &id]].concat();
    assert_eq!(operator.refused(&stranger).await.0, "group_of_another_type");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_door_that_is_disconnected_refuses_sign_ins_and_sessions() {
    let operator = Operator::connected().await;
    let browser = operator.house.browser();
    assert!(browser.open("/back-office/login/corp").await.is_signed_in());
    let connect = ["connect", "corp", "--application", "back-office", "--unknown-user", "create"];
    let (code, message) = operator.refused(&connect).await;
    assert_eq!(code, "already_connected");
    assert!(
        message.contains("providers change-connection corp --application back-office"),
        "{message}"
    );
    let disconnect = ["disconnect", "corp", "--application", "back-office"];
    let answer = operator.ask(&disconnect).await;
    assert_eq!(answer["connections"], serde_json::json!([]));
    assert!(!browser.open("/back-office").await.is_signed_in());
    let page = operator.house.browser().open("/back-office/login").await;
    assert!(!page.text().contains("Login with"), "{}", page.text());
    assert_eq!(operator.refused(&disconnect).await.0, "not_connected");

    operator.ask(&connect).await;
    assert!(operator.house.browser().open("/back-office/login/corp").await.is_signed_in());
    assert_eq!(operator.house.users().await.len(), 1, "the identity outlived the connection");
}
