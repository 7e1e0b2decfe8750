//! Connecting a provider: what is wrong is said at once, with what to do.

use std::sync::Arc;

use identity::federation::policy::UnknownUser;
use identity::federation::provider::Authority;
use identity::secret::Secret;
use serde_json::{Map, Value, json};
use server::federation::save::{self, Door, NewProvider, SaveError};
use store::By;
use testkit::provider::{Fault, Place};
use testkit::{Engine, FakeProvider, House};

struct Desk {
    house: House,
    provider: FakeProvider,
}

impl Desk {
    async fn open() -> Self {
        let house = House::start(Engine::Sqlite).await;
        let provider = FakeProvider::start(house.clock.clone()).await;
        Self { house, provider }
    }

    /// A save with this change must be refused so, and must leave nothing behind.
    async fn refused(
        &self,
        code: &str,
        change: impl FnOnce(&mut NewProvider, &mut Door),
    ) -> String {
        let refused = self.house.try_connect(&self.provider, change).await.expect_err(code);
        assert_eq!(refused.code(), code, "{refused}");
        assert!(self.house.app.store.list_providers().await.expect("a list").is_empty());
        refused.to_string()
    }

    /// A discovery document with this change must be refused so.
    async fn document(
        &self,
        code: &str,
        edit: impl Fn(&mut Map<String, Value>) + Send + Sync + 'static,
    ) -> String {
        self.provider.script(|script| script.edit_discovery = Some(Arc::new(edit)));
        self.refused(code, |_, _| {}).await
    }
}

fn set(name: &'static str, value: Value) -> impl Fn(&mut Map<String, Value>) + Send + Sync {
    move |document| {
        document.insert(name.to_owned(), value.clone());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s029_a_document_of_another_issuer_is_refused() {
    let desk = Desk::open().await;
    let said = desk.document("issuer_differs", set("issuer", json!("https://evil.example"))).await;
    assert!(said.contains("https://evil.example") && said.contains("--issuer"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn s030_every_endpoint_must_be_https_unless_it_is_allowed_on_loopback() {
    let desk = Desk::open().await;
    for name in ["authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"] {
        let plain = set(name, json!("http://id.corp.example/x"));
        let said = desk.document("endpoint_refused", plain).await;
        assert!(said.contains(name) && said.contains("https"), "{said}");
    }
    let plain = |new: &mut NewProvider, _: &mut Door| new.issuer = "http://id.corp.example".into();
    desk.refused("issuer_refused", plain).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s031_private_addresses_are_refused_unless_the_operator_allows_the_host() {
    let desk = Desk::open().await;
    for (issuer, code) in [
        ("https://127.0.0.1", "issuer_refused"),
        ("https://10.0.0.1", "issuer_refused"),
        ("https://[::1]", "issuer_refused"),
        ("https://[::ffff:192.168.1.1]", "issuer_refused"),
        ("https://169.254.169.254", "issuer_refused"),
        ("https://localhost", "issuer_refused"),
    ] {
        desk.refused(code, |new, _| {
            new.issuer = issuer.to_owned();
            new.allow_private = Vec::new();
        })
        .await;
    }
    // Allowing one port does not open another, and allowing a host opens no metadata service.
    desk.refused("issuer_refused", |new, _| {
        new.allow_private = vec!["127.0.0.1:1".to_owned()];
    })
    .await;
    desk.refused("issuer_refused", |new, _| {
        new.issuer = "https://169.254.169.254".to_owned();
        new.allow_private = vec!["169.254.169.254".to_owned()];
    })
    .await;
    assert_eq!(desk.provider.times(Place::Discovery), 0, "nobody was asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_without_what_we_speak_is_refused() {
    let desk = Desk::open().await;
    desk.document("no_code_flow", set("response_types_supported", json!(["id_token"]))).await;
    for offered in [json!(["HS256"]), json!(["none"]), json!(["HS256", "none"])] {
        let offered = set("id_token_signing_alg_values_supported", offered);
        desk.document("no_algorithm", offered).await;
    }
    let only = set("token_endpoint_auth_methods_supported", json!(["private_key_jwt"]));
    desk.document("no_client_authentication", only).await;
    desk.document("missing", |document| {
        document.remove("token_endpoint");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_does_not_answer_well_is_refused() {
    let desk = Desk::open().await;
    for place in [Place::Discovery, Place::Keys] {
        for (fault, code) in [
            (Fault::Status(500), "provider_error"),
            (Fault::Redirect("https://elsewhere.example/".to_owned()), "provider_error"),
            (Fault::Says("text/html", "<p>hello</p>".to_owned()), "provider_malformed"),
        ] {
            desk.provider.script(|script| {
                script.faults.insert(place, fault);
            });
            desk.refused(code, |_, _| {}).await;
        }
        desk.provider.script(|script| script.faults.clear());
    }
    let broken = Fault::Says("application/json", "{".to_owned());
    desk.provider.script(|script| {
        script.faults.insert(Place::Discovery, broken);
    });
    desk.refused("not_json", |_, _| {}).await;
    desk.provider.down().await;
    let said = desk.refused("provider_unreachable", |_, _| {}).await;
    assert!(said.contains("refused"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_operator_mistypes_is_said_before_anybody_is_asked() {
    let desk = Desk::open().await;
    desk.refused("name", |new, _| new.name = " ".to_owned()).await;
    desk.refused("client_id", |new, _| new.client_id = String::new()).await;
    desk.refused("empty_secret", |new, _| new.client_secret = Secret::new("\n")).await;
    desk.refused("key_shape", |new, _| new.key = Some("Corp!".to_owned())).await;
    desk.refused("key_shape", |new, _| new.name = "Ü".to_owned()).await;
    desk.refused("scope", |new, _| new.scopes = vec!["openid email".to_owned()]).await;
    desk.refused("domain", |new, _| new.trusted_domains = vec!["not a domain".to_owned()]).await;
    desk.refused("allow_private", |new, _| new.allow_private = vec!["http://x/".to_owned()]).await;
    let said = desk
        .refused("unknown_application", |_, door| door.application = "backoffice".to_owned())
        .await;
    assert!(said.contains("back-office"), "{said}");
    let said = desk
        .refused("unknown_group", |_, door| {
            door.application = "storefront".to_owned();
            door.policy.default_groups = Some(vec!["VIP buyers".to_owned()]);
        })
        .await;
    assert!(said.contains("vestibule groups add \"VIP buyers\" --type customer"), "{said}");
    assert_eq!(desk.provider.times(Place::Discovery), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_nobody_could_or_should_use_is_refused() {
    let desk = Desk::open().await;
    desk.refused("administrators_by_default", |_, door| {
        door.policy.default_groups = Some(vec!["Administrators".to_owned()]);
    })
    .await;
    let said =
        desk.refused("nothing_counts", |new, _| new.authority = Authority::Organisation).await;
    assert!(said.contains("--trusted-domain"), "{said}");
    desk.refused("nothing_counts", |new, door| {
        new.scopes = vec!["openid".to_owned()];
        door.policy.unknown_user = Some(UnknownUser::Refuse);
    })
    .await;
    desk.refused("create_needs_email", |new, _| {
        new.scopes = vec!["profile".to_owned()];
        new.trusted_domains = vec!["corp.example".to_owned()];
    })
    .await;
    desk.refused("public_for_privileged", |new, _| new.authority = Authority::Public).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_is_saved_once_and_joined_to_a_door_once() {
    let desk = Desk::open().await;
    let saved = desk.house.connect(&desk.provider).await;
    assert_eq!((saved.key.as_str(), saved.name.as_str()), ("corp", "Corp"));
    assert_eq!(saved.scopes, ["openid", "email", "profile"]);
    let again = desk.house.try_connect(&desk.provider, |_, _| {}).await.expect_err("taken");
    assert_eq!(again.code(), "key_taken");
    let door = |application: &str| Door {
        application: application.to_owned(),
        policy: UnknownUser::Refuse.into(),
    };
    let tools = desk.house.tools();
    let by = By::operator();
    save::connect(&tools, "corp", &door("storefront"), &by).await.expect("a second door");
    let twice = save::connect(&tools, "corp", &door("storefront"), &by).await;
    assert!(matches!(twice, Err(SaveError::AlreadyConnected { .. })), "{twice:?}");
    let nobody = save::connect(&tools, "nobody", &door("storefront"), &by).await;
    assert!(matches!(nobody, Err(SaveError::UnknownProvider(_))), "{nobody:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_house_learns_of_a_provider_that_another_process_adds() {
    let desk = Desk::open().await;
    let by = By::operator();
    let door = Door { application: "back-office".to_owned(), policy: UnknownUser::Create.into() };
    let new = NewProvider {
        name: "Big & Co.".to_owned(),
        issuer: desk.provider.issuer(),
        client_id: testkit::provider::CLIENT_ID.to_owned(),
        client_secret: Secret::new(testkit::provider::CLIENT_SECRET),
        key: None,
        scopes: Vec::new(),
        trusted_domains: Vec::new(),
        allow_private: vec![desk.provider.host()],
        authority: Authority::Operator,
    };
    let saved = save::add(&desk.house.tools(), &new, &door, &by).await.expect("a good provider");
    assert_eq!(saved.key, "big-co");
    let browser = desk.house.browser();
    for _ in 0..100 {
        if browser.open("/back-office/login").await.text().contains("Login with Big & Co.") {
            assert!(browser.open("/back-office/login/big-co").await.is_signed_in());
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the login page never showed the button");
}
