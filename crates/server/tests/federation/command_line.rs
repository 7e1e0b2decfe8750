//! `vestibule providers`, as an operator types it beside a house that serves.

use testkit::provider::Place;

use crate::operator::{Operator, refused, said};

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_adds_shows_switches_and_removes_a_provider() {
    let operator = Operator::arrive().await;
    let added = said(&operator.add(&["--unknown-user", "create"]).await);
    assert_eq!(added["key"], "corp");
    let redirect = format!("{}login/callback/corp", operator.house.url());
    assert_eq!(added["redirect_uri"], redirect.as_str());
    assert_eq!(added["connections"][0]["policy"]["unknown_user"]["value"], "create");
    assert!(!added.to_string().contains("s3cret"), "{added}");

    let shown = operator.run(&["providers", "show", "corp"]).await;
    let shown = String::from_utf8(shown.stdout).expect("text");
    assert!(shown.contains(&redirect) && shown.contains("back-office"), "{shown}");

    let connect = [
        "providers",
        "connect",
        "corp",
        "--application",
        "storefront",
        "--unknown-user",
        "refuse",
        "--json",
    ];
    assert_eq!(
        said(&operator.run(&connect).await)["connections"].as_array().map(Vec::len),
        Some(2)
    );
    let listed = said(&operator.run(&["providers", "list", "--json"]).await);
    assert_eq!(listed["providers"][0]["state"], "enabled");
    let disabled = said(&operator.run(&["providers", "disable", "corp", "--json"]).await);
    assert_eq!(disabled["state"], "disabled");
    let enabled = said(&operator.run(&["providers", "enable", "corp", "--json"]).await);
    assert_eq!(enabled["state"], "enabled");
    let audit = operator.house.audit().await;
    assert!(audit.iter().all(|entry| entry.actor == "operator"), "{audit:?}");

    said(&operator.run(&["providers", "remove", "corp", "--json"]).await);
    let listed = said(&operator.run(&["providers", "list", "--json"]).await);
    assert_eq!(listed["providers"].as_array().map(Vec::len), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_people_came_through_is_disabled_and_not_removed() {
    let operator = Operator::arrive().await;
    said(&operator.add(&["--unknown-user", "create"]).await);
    operator.house.learn().await;
    let browser = operator.house.browser();
    assert!(browser.open("/back-office/login/corp").await.is_signed_in());
    let (code, message) = refused(&operator.run(&["providers", "remove", "corp", "--json"]).await);
    assert_eq!(code, "in_use");
    assert!(message.contains("vestibule providers disable corp"), "{message}");
    said(&operator.run(&["providers", "disable", "corp", "--json"]).await);
    // The house learns of it by itself, and the session that came by the provider is refused.
    while browser.open("/back-office").await.is_signed_in() {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said_with_its_code_and_what_to_do() {
    let operator = Operator::arrive().await;
    let (code, message) =
        refused(&operator.add(&["--unknown-user", "refuse", "--authority", "organisation"]).await);
    assert_eq!(code, "nothing_counts");
    assert!(message.contains("--trusted-domain"), "{message}");
    let (code, _) = refused(
        &operator.add(&["--unknown-user", "create", "--default-group", "administrators"]).await,
    );
    assert_eq!(code, "administrators_by_default");
    std::fs::write(operator.folder().join("secret"), "\n").expect("a file");
    let (code, _) = refused(&operator.add(&["--unknown-user", "create"]).await);
    assert_eq!(code, "empty_secret");
    let (code, _) = refused(&operator.run(&["providers", "show", "nobody", "--json"]).await);
    assert_eq!(code, "unknown_provider");
    // Only what the provider's own document shows is told after asking for it.
    assert_eq!(operator.provider.times(Place::Discovery), 1);
}
