//! Protected hosts at the command line, beside a house that answers their proxies.

use testkit::{Engine, on_both_engines};

use crate::desk::Desk;

const SHOP: &str = "https://shop.example";

on_both_engines! {
    async fn hosts_are_added_listed_and_removed_and_the_running_house_learns_of_it(engine: Engine) {
        let desk = Desk::at(engine).await;
        let words = ["hosts", "add", SHOP, "--application", "storefront"];
        let said = desk.read(&words).await;
        assert!(said.contains("/forward-auth/storefront") && said.contains("trusted_proxies"));
        let answer = desk.ask(&["hosts", "list"]).await;
        assert_eq!(answer["hosts"][0]["origin"], SHOP);
        assert_eq!(answer["hosts"][0]["application"], "storefront");
        let knows = async |wanted: bool| {
            let waited = tokio::time::timeout(std::time::Duration::from_secs(30), async {
                while desk.house.app.directory.now().host("shop.example").is_some() != wanted {
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                }
            });
            waited.await.expect("the running house hears of it");
        };
        knows(true).await;
        assert_eq!(desk.ask(&["hosts", "remove", SHOP]).await["removed"], true);
        knows(false).await;
    }
}

#[tokio::test]
async fn what_is_no_host_of_an_application_is_refused_with_the_reason() {
    let desk = Desk::at(Engine::Sqlite).await;
    let own = desk.house.url().as_str().to_owned();
    desk.ask(&["hosts", "add", SHOP, "--application", "storefront"]).await;
    for (origin, application, code) in [
        ("http://shop.example", "storefront", "origin"),
        ("https://shop.example/cart", "storefront", "origin"),
        (&own, "storefront", "own_address"),
        ("https://other.example", "nowhere", "unknown_application"),
        ("https://other.example", "No Where", "unknown_application"),
        (SHOP, "back-office", "already_there"),
    ] {
        let words = ["hosts", "add", origin, "--application", application];
        assert_eq!(desk.refused(&words).await.0, code, "{origin} {application}");
    }
    let words = ["hosts", "remove", "https://other.example"];
    assert_eq!(desk.refused(&words).await.0, "not_found");
}
