//! Guests of a provider: refused, held or let in, linked to nobody, and told of nobody.

use identity::federation::provider::Authority;
use identity::users::{EmailStanding, Status};
use serde_json::json;
use server::federation::save::{self, DoorEdit, PolicyEdit, SaveError};
use store::By;
use testkit::{Browser, Engine, FakeProvider, House, Page, on_both_engines};

use crate::scene::Scene;

/// A back office of an organisation's people, whose domain is corp.example.
async fn organisation(engine: Engine) -> Scene {
    let house = House::start(engine).await;
    let provider = FakeProvider::start(house.clock.clone()).await;
    let added = house.try_connect(&provider, |new, _| {
        new.authority = Authority::Organisation;
        new.trusted_domains = vec!["corp.example".to_owned()];
    });
    let row = added.await.expect("a good provider");
    Scene { house, provider, row }
}

/// What a person sees, without what is another one each time.
fn seen(page: &Page) -> (u16, String, Option<String>, usize) {
    let text =
        page.support_code().map_or_else(|| page.text(), |code| page.text().replace(&code, ""));
    (page.status, text, page.reason(), page.body.len())
}

async fn comes(scene: &Scene, subject: &str, email: &str) -> (Browser, Page) {
    scene.provider.person(subject, email);
    scene.sign_in().await
}

on_both_engines! {
    async fn guests_of_an_organisation_are_refused_whoever_has_their_address(engine: Engine) {
        let scene = organisation(engine).await;
        scene.house.add_staff("taken@elsewhere.example", Status::Active).await;
        scene.provider.person("guest", "free@elsewhere.example");
        let free = scene.refused("email_untrusted").await;
        scene.provider.person("other", "taken@elsewhere.example");
        let taken = scene.refused("email_untrusted").await;
        assert_eq!(seen(&free), seen(&taken));
        assert_eq!(scene.house.users().await.len(), 1);
        let (_, page) = comes(&scene, "own", "own@corp.example").await;
        assert!(page.is_signed_in(), "its own people come as ever");
    }

    async fn s051_a_guest_who_is_held_sees_the_same_whoever_has_their_address(engine: Engine) {
        let scene = organisation(engine).await;
        scene.set_rules(json!({ "guests": "hold" })).await;
        let account = scene.house.add_staff("taken@elsewhere.example", Status::Active).await;
        let mut pages = Vec::new();
        for (subject, email) in
            [("one", "free@elsewhere.example"), ("two", "taken@elsewhere.example")]
        {
            scene.provider.person(subject, email);
            for _ in 0..2 {
                pages.push(seen(&scene.refused("user_held").await));
            }
        }
        pages.dedup();
        assert_eq!(pages.len(), 1, "{pages:?}");
        let users = scene.house.users().await;
        assert_eq!(users.len(), 2, "nobody was made for the address that is somebody's");
        let held = scene.house.find_staff("free@elsewhere.example").await.expect("made");
        assert_eq!((held.status, held.email_standing), (Status::Held, EmailStanding::Unconfirmed));
        let store = &scene.house.app.store;
        assert!(store.list_identities_of(&account.id).await.expect("ties").is_empty());
        let audit = scene.house.audit().await;
        let entry = audit.iter().find(|entry| entry.action == "sign_in.provider").expect("one");
        let rules = entry.detail["rules"].as_array().expect("rules");
        assert_eq!(
            rules.last(),
            Some(&json!({ "rule": "guest_account", "saw": "a user has the address", "settled": true }))
        );
        assert_eq!(entry.user, None, "they have no part in it");
    }
}

#[tokio::test]
async fn an_organisations_guests_are_not_let_in_at_once() {
    let scene = organisation(Engine::Sqlite).await;
    let tools = scene.house.tools();
    let edit = |guests: &str| {
        let guests = Some(guests.parse().expect("a choice"));
        let policy = PolicyEdit { guests, ..PolicyEdit::default() };
        DoorEdit { policy, ..DoorEdit::default() }
    };
    let by = By::operator();
    let said = save::change_connection(&tools, "corp", "back-office", &edit("create"), &by).await;
    let Err(SaveError::Connection(error)) = said else { panic!("{said:?}") };
    assert_eq!(error.code(), "guests_of_organisation");
    assert!(error.to_string().contains("--guests hold"), "{error}");
    let held = save::change_connection(&tools, "corp", "back-office", &edit("hold"), &by).await;
    held.expect("guests may be held");
}
