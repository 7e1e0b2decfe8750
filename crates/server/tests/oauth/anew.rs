//! People whom an application wants to sign in anew, through a provider that knows them already.

use std::time::Duration;

use testkit::{Browser, FakeProvider, House, Page, on_both_engines};

use crate::shop::{EMAIL, PASSWORD, Shop, brought, claims};

/// What an application says that minds the sign-in.
const ANEW: [(&str, &str); 2] = [("prompt", "login"), ("max_age", "0")];

/// The way in by the provider.
const BY_CORP: &str = "/back-office/login/corp";

/// A shop whose people come in by a provider.
struct Scene<'a> {
    house: &'a House,
    shop: Shop<'a>,
    provider: FakeProvider,
}

impl<'a> Scene<'a> {
    async fn of(house: &'a House) -> Self {
        let shop = Shop::open(house).await;
        let provider = FakeProvider::start(house.clock.clone()).await;
        house.connect(&provider).await;
        Self { house, shop, provider }
    }

    fn now(&self) -> i64 {
        self.house.app.now().seconds()
    }

    /// What the provider says from now on about when the person signed in there.
    fn tells(&self, auth_time: Option<i64>) {
        self.provider.script(|script| {
            script.claims.remove("auth_time");
            script.claims.extend(auth_time.map(|at| ("auth_time".to_owned(), at.into())));
        });
    }

    /// Follows redirects through the house and the provider; stops where the browser leaves both.
    async fn travel(&self, browser: &Browser, mut page: Page) -> Page {
        while page.location().is_some_and(|to| to.host_str() == self.house.url().host_str()) {
            page = browser.step(&page).await;
        }
        page
    }

    async fn go(&self, browser: &Browser, address: &str) -> Page {
        self.travel(browser, browser.get(address).await).await
    }

    /// Somebody who signed in at the provider just now, and ten minutes later; the address at
    /// which a request that wants them to sign in anew goes on.
    async fn waiting(&self, browser: &Browser, wish: (&str, &str)) -> String {
        self.tells(Some(self.now()));
        assert!(self.go(browser, BY_CORP).await.is_signed_in());
        self.house.clock.turn(Duration::from_secs(600));
        let asked = browser.get(&self.shop.address(&[wish])).await;
        asked.sent_on("return_to").expect("a request that waits")
    }
}

fn to_corp(return_to: &str) -> String {
    let pairs = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("return_to", return_to)
        .finish();
    format!("{BY_CORP}?{pairs}")
}

/// The same address without what the application wished.
fn without_wishes(mut to: url::Url) -> String {
    let kept: Vec<(String, String)> = to.query_pairs().into_owned().collect();
    let kept = kept.into_iter().filter(|(name, _)| name != "prompt" && name != "max_age");
    to.query_pairs_mut().clear().extend_pairs(kept);
    to.into()
}

on_both_engines! {
    async fn s082_whom_a_provider_lets_in_without_a_word_has_not_signed_in_anew(engine: Engine) {
        let house = House::start(engine).await;
        let scene = Scene::of(&house).await;
        for wish in ANEW {
            // Around the request, so that the provider is not asked for anything; and whether it
            // tells the truth about when the person signed in, or nothing.
            for tells in [Some(scene.now()), None] {
                let browser = house.browser();
                let waiting = scene.waiting(&browser, wish).await;
                scene.tells(tells);
                assert!(scene.go(&browser, BY_CORP).await.is_signed_in());
                let page = scene.go(&browser, &waiting).await;
                assert!(page.find_form("/login").is_some(), "{wish:?} {tells:?} {:?}", page.location());
            }
        }
    }

    async fn s021_s082_a_provider_has_to_say_that_people_signed_in_anew(engine: Engine) {
        let house = House::start(engine).await;
        let scene = Scene::of(&house).await;
        for (wish, spelling) in [(ANEW[0], ""), (ANEW[1], "&x=1")] {
            let browser = house.browser();
            let waiting = scene.waiting(&browser, wish).await;
            let before = scene.now() - 600;
            let start = to_corp(&format!("{waiting}{spelling}"));
            for tells in [Some(before), None] {
                scene.tells(tells);
                // As it is asked, and with the wish taken out of the address on the way.
                let out = browser.get(&start).await;
                let asked = (out.sent_on("prompt"), out.sent_on("max_age"));
                assert_eq!(asked, (Some("login".to_owned()), Some("0".to_owned())), "{wish:?}");
                let shortened = without_wishes(out.location().expect("a provider"));
                for page in [
                    scene.go(&browser, &start).await,
                    scene.go(&browser, &shortened).await,
                ] {
                    let reason = page.reason();
                    assert_eq!(reason.as_deref(), Some("not_signed_in_anew"), "{wish:?} {tells:?}");
                    assert!(page.support_code().is_some(), "{}", page.text());
                }
            }
            // Two minutes at the provider, whose clock is a little behind.
            let out = browser.get(&start).await;
            scene.tells(Some(scene.now() - 30));
            let back = browser.step(&out).await;
            house.clock.turn(Duration::from_secs(20));
            let page = scene.travel(&browser, back).await;
            let code = brought(&page, "code");
            let code = code.unwrap_or_else(|| panic!("{:?} {}", page.location(), page.text()));
            let id = claims(&scene.shop.redeem(&code).await.text("id_token"));
            assert_eq!(id["auth_time"], scene.now() - 20, "{wish:?}");
        }
    }

    async fn tokens_say_when_somebody_signed_in_or_nothing(engine: Engine) {
        let house = House::start(engine).await;
        let scene = Scene::of(&house).await;
        let before = scene.now() - 86_400;
        for tells in [Some(before), None] {
            scene.tells(tells);
            let browser = house.browser();
            let asked = browser.get(&scene.shop.address(&[("provider", "corp")])).await;
            let page = scene.travel(&browser, asked).await;
            let tokens = scene.shop.redeem(&brought(&page, "code").expect("a code")).await;
            for name in ["id_token", "access_token"] {
                let said = claims(&tokens.text(name))["auth_time"].as_i64();
                assert_eq!(said, tells, "{name}");
            }
            let told = scene.shop.introspect(&tokens.text("access_token")).await;
            assert_eq!(told["auth_time"].as_i64(), tells);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s082_a_sign_in_elsewhere_grows_old_while_a_request_waits() {
    let house = House::start(testkit::Engine::Sqlite).await;
    let shop = Shop::open(&house).await;
    let browser = house.browser();
    let asked = browser.get(&shop.address(&[("max_age", "2")])).await;
    let waiting = asked.sent_on("return_to").expect("a request that waits");
    let form = browser.get("/back-office/login").await.form("/login");
    browser.submit(&form.with("email", EMAIL).with("password", PASSWORD)).await;
    house.clock.turn(Duration::from_secs(60));
    let page = shop.onward(&browser, browser.get(&waiting).await).await;
    assert!(page.find_form("/login").is_some(), "{:?}", page.location());
}

#[tokio::test(flavor = "multi_thread")]
async fn s021_a_door_that_wants_fresh_sign_ins_asks_providers_for_them() {
    let house = House::start(testkit::Engine::Sqlite).await;
    let scene = Scene::of(&house).await;
    let change = store::ApplicationChange {
        fresh_within: Some(Some(Duration::from_secs(300))),
        ..store::ApplicationChange::default()
    };
    let door = identity::applications::ApplicationKey::from_stored("back-office");
    let (by, now) = (store::By::operator(), house.app.now());
    house.app.store.change_application(&door, &change, &by, now).await.expect("changed");
    house.learn().await;
    for (tells, is_in) in
        [(None, false), (Some(scene.now() - 400), false), (Some(scene.now()), true)]
    {
        scene.tells(tells);
        let browser = house.browser();
        let out = browser.get(BY_CORP).await;
        assert_eq!((out.sent_on("max_age").as_deref(), out.sent_on("prompt")), (Some("300"), None));
        let page = scene.travel(&browser, out).await;
        assert_eq!(page.is_signed_in(), is_in, "{tells:?} {}", page.text());
    }
}
