//! Signing keys at the command line, beside a house that publishes them.

use std::time::Duration;

use serde_json::Value;
use testkit::{Engine, House, on_both_engines};

use crate::desk::{Desk, names};

/// Waits until the running house publishes this many keys, and gives back their names.
async fn published(house: &House, wanted: impl Fn(&[String]) -> bool) -> Vec<String> {
    let waited = tokio::time::timeout(Duration::from_secs(30), async {
        loop {
            let page = house.browser().get("/oauth/jwks").await;
            let document: Value = serde_json::from_str(&page.body).expect("JSON");
            let keys = document["keys"].as_array().expect("a list").iter();
            let kids: Vec<String> = keys.map(|key| text(&key["kid"])).collect();
            if wanted(&kids) {
                return kids;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    waited.await.expect("the running house hears of it")
}

fn text(value: &Value) -> String {
    value.as_str().expect("text").to_owned()
}

/// The keys of one algorithm and what they do, as the command lists them.
async fn listed(desk: &Desk, algorithm: &str) -> Vec<(String, String)> {
    let answer = desk.ask(&["keys", "list"]).await;
    let keys = answer["keys"].as_array().expect("a list").iter();
    keys.filter(|key| key["algorithm"] == algorithm)
        .map(|key| (text(&key["kid"]), text(&key["state"])))
        .collect()
}

on_both_engines! {
    async fn s086_a_rotation_by_hand_publishes_first_and_signs_a_day_later(engine: Engine) {
        let desk = Desk::at(engine).await;
        let before = published(&desk.house, |kids| kids.len() == 3).await;
        let answer = desk.ask(&["keys", "rotate", "--algorithm", "ES256"]).await;
        assert_eq!(names(&answer), ["rotated"]);
        let made = &answer["rotated"][0];
        assert_eq!((&made["made"], &made["key"]["state"]), (&true.into(), &"upcoming".into()));
        let new = text(&made["key"]["kid"]);
        let after = published(&desk.house, |kids| kids.len() == 4).await;
        assert!(before.iter().all(|kid| after.contains(kid)) && after.contains(&new));
        let [(old, signs), (upcoming, waits)] = &listed(&desk, "ES256").await[..] else {
            panic!("two keys")
        };
        assert_eq!((signs.as_str(), waits.as_str(), upcoming), ("signing", "upcoming", &new));

        // Once more changes nothing, and says from when it signs.
        let said = desk.read(&["keys", "rotate", "--algorithm", "ES256"]).await;
        let from = text(&made["key"]["signs_from"]);
        assert!(said.contains(&new) && said.contains(&from), "{said}");
        assert_eq!(listed(&desk, "ES256").await.len(), 2);

        let (code, message) = desk.refused(&["keys", "remove", old]).await;
        assert_eq!(code, "signing_key_in_use");
        assert!(message.contains("vestibule keys rotate --now"), "{message}");
        let removed = desk.ask(&["keys", "remove", &new]).await;
        assert_eq!(names(&removed), ["algorithm", "kid", "removed"]);
        published(&desk.house, |kids| kids == before).await;
        let (code, _) = desk.refused(&["keys", "remove", &new]).await;
        assert_eq!(code, "not_found");
    }

    async fn s086_in_an_emergency_the_old_keys_are_gone_at_once(engine: Engine) {
        let desk = Desk::at(engine).await;
        let before = published(&desk.house, |kids| kids.len() == 3).await;
        desk.ask(&["keys", "rotate"]).await;
        let all = published(&desk.house, |kids| kids.len() == 6).await;
        let answer = desk.ask(&["keys", "rotate", "--now"]).await;
        assert_eq!(answer["rotated"].as_array().expect("a list").len(), 3);
        assert_eq!(answer["removed"].as_array().expect("a list").len(), 6);
        assert!(text(&answer["warning"]).contains("refused from now on"));
        let gone = |kids: &[String]| kids.iter().all(|kid| !all.contains(kid));
        let after = published(&desk.house, |kids| kids.len() == 3 && gone(kids)).await;
        assert_ne!(before, after);
        for algorithm in ["RS256", "ES256", "EdDSA"] {
            let [(kid, signs)] = &listed(&desk, algorithm).await[..] else { panic!("one key") };
            assert_eq!(signs, "signing");
            assert!(after.contains(kid));
        }
        let warned = desk.read(&["keys", "rotate", "--now", "--algorithm", "EdDSA"]).await;
        assert!(warned.contains("Warning: ") && warned.contains("60 minutes"), "{warned}");
    }
}

#[tokio::test]
async fn keys_are_listed_for_people_and_what_is_no_algorithm_is_not_understood() {
    let desk = Desk::at(Engine::Sqlite).await;
    let kids = published(&desk.house, |kids| kids.len() == 3).await;
    let said = desk.read(&["keys", "list"]).await;
    assert!(said.starts_with("KID") && said.contains("signing"), "{said}");
    assert!(kids.iter().all(|kid| said.contains(kid.as_str())), "{said}");
    let output = desk.run(&["keys", "rotate", "--algorithm", "HS256"]).await;
    assert_eq!(output.status.code(), Some(2));
}
