//! What people are asked on the way, and what happens to requests that are none.

use std::time::Duration;

use serde_json::json;
use testkit::{Engine, Form, House};

use crate::shop::{EMAIL, PASSWORD, RESOURCE, SIGNED_OUT, Shop, brought, claims, machine, read};

async fn opened() -> House {
    House::start(Engine::Sqlite).await
}

#[tokio::test(flavor = "multi_thread")]
async fn s063_an_answer_never_goes_to_an_address_that_is_not_registered() {
    let house = opened().await;
    let shop = Shop::open(&house).await;
    let browser = house.browser();
    for changed in [
        [("redirect_uri", "https://evil.example/")],
        [("redirect_uri", "https://shop.example/callback/")],
        [("redirect_uri", "")],
        [("client_id", "nobody")],
        [("client_id", "")],
    ] {
        let page = browser.get(&shop.address(&changed)).await;
        assert_eq!((page.status, page.location()), (400, None), "{changed:?}");
        assert_eq!(page.reason().as_deref(), Some("invalid_request"), "{changed:?}");
    }
    let twice = format!("{}&redirect_uri=https%3A%2F%2Fevil.example", shop.address(&[]));
    assert_eq!(browser.get(&twice).await.location(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_request_is_told_to_the_client_that_sent_it() {
    let house = opened().await;
    let shop = Shop::open(&house).await;
    let browser = house.browser();
    for (changed, error) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("scope", "openid everything"), "invalid_scope"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("nonce", ""), "invalid_request"),
        (("resource", "https://other.example"), "invalid_target"),
        (("request", "eyJ"), "request_not_supported"),
        (("request_uri", "https://shop.example/request"), "request_uri_not_supported"),
        (("registration", "{}"), "registration_not_supported"),
        (("prompt", "none"), "login_required"),
    ] {
        let page = browser.get(&shop.address(&[changed])).await;
        assert_eq!(brought(&page, "error").as_deref(), Some(error), "{changed:?}");
        assert_eq!(brought(&page, "state").as_deref(), Some("the-state"), "{changed:?}");
        assert_eq!(brought(&page, "iss"), Some(house.app.issuer()), "{changed:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s082_prompt_none_is_silent_with_a_session_and_prompt_login_asks_again() {
    let house = opened().await;
    let shop = Shop::open(&house).await;
    let browser = house.browser();
    shop.tokens(&browser, &[]).await;
    let silent = browser.get(&shop.address(&[("prompt", "none")])).await;
    assert!(brought(&silent, "code").is_some());
    house.clock.turn(Duration::from_secs(60));
    for again in [("prompt", "login"), ("max_age", "0")] {
        let page = shop.onward(&browser, browser.get(&shop.address(&[again])).await).await;
        assert!(page.find_form("/login").is_some(), "{again:?}");
        let id = claims(&shop.tokens(&browser, &[again]).await.text("id_token"));
        assert_eq!(id["auth_time"], house.app.now().seconds(), "{again:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s082_one_sign_in_is_one_answer_however_often_somebody_comes_back() {
    let house = opened().await;
    let shop = Shop::open(&house).await;
    let browser = house.browser();
    let asked = browser.get(&shop.address(&[("prompt", "login")])).await;
    let continued = asked.sent_on("return_to").expect("a way back");
    let form = shop.onward(&browser, asked).await.form("/login");
    let page = browser.submit(&form.with("email", EMAIL).with("password", PASSWORD)).await;
    assert!(brought(&shop.onward(&browser, page).await, "code").is_some());
    house.clock.turn(Duration::from_secs(1));
    let again = shop.onward(&browser, browser.get(&continued).await).await;
    assert!(again.find_form("/login").is_some(), "{:?} {}", again.location(), again.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_does_not_agree_gives_nothing() {
    let house = opened().await;
    let shop = Shop::open(&house).await;
    let browser = house.browser();
    let page = shop.send(&browser, &[("prompt", "consent")]).await;
    assert!(page.text().contains("your e-mail address"), "{}", page.text());
    let form = page.form("/oauth/authorize/continue");
    let no = browser.submit(&form.clone().with("answer", "refuse")).await;
    assert_eq!(brought(&no, "error").as_deref(), Some("access_denied"));
    let forged = browser.submit(&form.clone().with("answer", "agree").with("csrf", "x")).await;
    assert_eq!(brought(&forged, "code"), None);
    let yes = browser.submit(&form.with("answer", "agree")).await;
    assert!(brought(&yes, "code").is_some(), "{:?}", yes.location());
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_may_choose_to_be_somebody_else() {
    let house = opened().await;
    let shop = Shop::open(&house).await;
    let browser = house.browser();
    shop.tokens(&browser, &[]).await;
    house.clock.turn(Duration::from_secs(1));
    let ask = || async {
        let page = browser.get(&shop.address(&[("prompt", "select_account")])).await;
        shop.onward(&browser, page).await.form("/oauth/authorize/continue")
    };
    let stay = browser.submit(&ask().await.with("answer", "stay")).await;
    assert!(brought(&stay, "code").is_some());
    let other = browser.submit(&ask().await.with("answer", "other")).await;
    let other = shop.onward(&browser, other).await;
    assert!(other.find_form("/login").is_some(), "{}", other.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn s110_a_client_acts_for_itself_and_never_as_a_person() {
    let house = opened().await;
    let shop = Shop::open(&house).await;
    let ask = [("grant_type", "client_credentials"), ("resource", RESOURCE)];
    let answer = shop.post("/oauth/token", &ask).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.body.get("refresh_token").is_none() && answer.body.get("id_token").is_none());
    let token = answer.text("access_token");
    assert_eq!(claims(&token)["sub"], "shop");
    assert_eq!(claims(&token)["aud"], json!([RESOURCE]));
    assert_eq!(shop.introspect(&token).await["active"], true);
    assert_eq!(shop.userinfo(&token).await.status, 403);
    let people = [("grant_type", "client_credentials"), ("scope", "openid")];
    assert_eq!(shop.post("/oauth/token", &people).await.error().1, "invalid_scope");
}

#[tokio::test(flavor = "multi_thread")]
async fn s066_s077_no_token_passes_for_another_and_no_grant_exists_that_should_not() {
    let house = opened().await;
    let shop = Shop::open(&house).await;
    let tokens = shop.tokens(&house.browser(), &[]).await;
    let id = tokens.text("id_token");
    assert_eq!(shop.userinfo(&id).await.status, 401);
    assert_eq!(shop.introspect(&id).await, json!({ "active": false }));
    for grant in ["password", "implicit", "urn:ietf:params:oauth:grant-type:device_code"] {
        let answer = shop.post("/oauth/token", &[("grant_type", grant)]).await;
        assert_eq!(answer.error().1, "unsupported_grant_type");
    }
    let twice = [("grant_type", "refresh_token"), ("grant_type", "refresh_token")];
    assert_eq!(shop.post("/oauth/token", &twice).await.error().1, "invalid_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_a_client_that_is_switched_off_count_for_nothing() {
    let house = opened().await;
    let shop = Shop::open(&house).await;
    let orders = Shop::register(&house, "orders", |_| {}).await;
    let asked = [("resource", RESOURCE), ("scope", "openid orders")];
    let browser = house.browser();
    let access = shop.tokens(&browser, &asked).await.text("access_token");
    let waiting = browser.get(&shop.address(&[("prompt", "login")])).await;
    let waiting = waiting.sent_on("return_to").expect("the request that waits");
    assert_eq!(orders.introspect(&access).await["active"], true);
    let (id, by) = (identity::ids::ClientId::from_stored("shop"), store::By::operator());
    let off = house.app.store.change_client_state(&id, true, &by, house.app.now());
    off.await.expect("switched off");
    house.learn().await;
    assert_eq!(orders.introspect(&access).await, json!({ "active": false }));
    assert_eq!(shop.userinfo(&access).await.status, 401);
    assert_eq!(browser.get(&waiting).await.reason().as_deref(), Some("invalid_request"));
    assert_eq!(browser.get(&shop.address(&[])).await.location(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_our_question_gives_nothing_to_a_client_that_was_switched_off_since() {
    let house = opened().await;
    let shop = Shop::open(&house).await;
    let browser = house.browser();
    let page = shop.send(&browser, &[("prompt", "consent")]).await;
    let form = page.form("/oauth/authorize/continue").with("answer", "agree");
    let (id, by) = (identity::ids::ClientId::from_stored("shop"), store::By::operator());
    let off = house.app.store.change_client_state(&id, true, &by, house.app.now());
    off.await.expect("switched off");
    house.learn().await;
    let agreed = browser.submit(&form).await;
    assert_eq!((agreed.status, agreed.location()), (400, None), "{}", agreed.text());
    assert_eq!(agreed.reason().as_deref(), Some("invalid_request"));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_only_looks_at_an_address_uses_nothing_up_and_is_given_nothing() {
    let house = opened().await;
    let shop = Shop::open(&house).await;
    let browser = house.browser();
    let address = url::Url::parse(&shop.address(&[("prompt", "login")])).expect("an address");
    let pairs: Vec<_> = address.query_pairs().into_owned().collect();
    let form: Vec<_> = pairs.iter().map(|(name, value)| (&**name, &**value)).collect();
    let uri = shop.post("/oauth/par", &form).await.text("request_uri");
    let mut to = house.url().join("/oauth/authorize").expect("an address");
    to.query_pairs_mut().extend_pairs([("client_id", "shop"), ("request_uri", &uri)]);
    assert_eq!(browser.head(to.as_str()).await.status, 405);
    let asked = browser.get(to.as_str()).await;
    let waiting = asked.sent_on("return_to").expect("the pushed request, not used up");
    let form = shop.onward(&browser, asked).await.form("/login");
    browser.submit(&form.with("email", EMAIL).with("password", PASSWORD)).await;
    let looked = browser.head(&waiting).await;
    assert_eq!((looked.status, looked.location()), (405, None));
    assert!(brought(&shop.onward(&browser, browser.get(&waiting).await).await, "code").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn s068_after_a_password_the_browser_comes_back_without_it() {
    let house = opened().await;
    let shop = Shop::open(&house).await;
    let browser = house.browser();
    let login = shop.onward(&browser, browser.get(&shop.address(&[])).await).await;
    let form = login.form("/login").with("email", EMAIL).with("password", PASSWORD);
    let entered = browser.submit(&form).await;
    assert_eq!(entered.status, 303, "307 and 308 would send the password on");
    let answered = shop.onward(&browser, entered).await;
    assert_eq!(answered.status, 303);
    assert!(brought(&answered, "code").is_some());
    let agreed = shop.send(&browser, &[("prompt", "consent")]).await;
    let agreed = agreed.form("/oauth/authorize/continue").with("answer", "agree");
    assert_eq!(browser.submit(&agreed).await.status, 303);
    let leaving = browser.get("/back-office/logout").await.form("/logout");
    assert_eq!(browser.submit(&leaving).await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn s069_no_page_on_the_way_can_be_framed() {
    let house = opened().await;
    let shop = Shop::open(&house).await;
    let browser = house.browser();
    let login = shop.onward(&browser, browser.get(&shop.address(&[])).await).await;
    assert!(login.find_form("/login").is_some());
    shop.tokens(&browser, &[]).await;
    house.clock.turn(Duration::from_secs(1));
    let consent = browser.get(&shop.address(&[("prompt", "consent")])).await;
    assert!(consent.text().contains("Do you agree?"), "{}", consent.text());
    let choice = browser.get(&shop.address(&[("prompt", "select_account")])).await;
    assert!(choice.find_form("/oauth/authorize/continue").is_some());
    let posted = browser.get(&shop.address(&[("response_mode", "form_post")])).await;
    assert!(posted.find_form("shop.example").is_some(), "{}", posted.body);
    let leaving = browser.get("/oauth/logout").await;
    assert!(leaving.find_form("/oauth/logout").is_some());
    let lost = browser.get("/oauth/authorize?client_id=nobody").await;
    for page in [login, consent, choice, posted, leaving, lost] {
        let policy = page.headers["content-security-policy"].to_str().expect("text");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}: {}", page.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s081_nobody_registers_a_client_from_outside() {
    let house = opened().await;
    let url = house.url().join("/.well-known/openid-configuration").expect("an address");
    let metadata = read(machine().get(url)).await;
    assert_eq!((metadata.status, metadata.body.get("registration_endpoint")), (200, None));
    let asked = json!({ "redirect_uris": ["https://evil.example/"] });
    for path in ["/oauth/register", "/register", "/connect/register", "/oauth/clients"] {
        let url = house.url().join(path).expect("an address");
        let answer = read(machine().post(url).json(&asked)).await;
        assert!([404, 405].contains(&answer.status), "{path}: {answer:?}");
    }
    assert_eq!(house.app.store.list_clients(None).await.expect("a list"), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn s071_a_logout_asks_unless_the_id_token_of_the_very_session_comes_along() {
    let house = opened().await;
    let shop = Shop::open(&house).await;
    let browser = house.browser();
    let hint = shop.tokens(&browser, &[]).await.text("id_token");
    let address = |pairs: &[(&str, &str)]| {
        let mut url = house.url().join("/oauth/logout").expect("an address");
        url.query_pairs_mut().extend_pairs(pairs);
        url.to_string()
    };
    let back = ("post_logout_redirect_uri", SIGNED_OUT);
    let asked = browser.get(&address(&[("client_id", "shop"), back, ("state", "s")])).await;
    assert!(asked.find_form("/oauth/logout").is_some(), "a link must not sign anybody out");
    let evil = ("post_logout_redirect_uri", "https://shop.example/bye/");
    let out = browser.get(&address(&[("id_token_hint", &hint), evil])).await;
    assert_eq!((out.location(), out.reason().as_deref()), (None, Some("signed_out")));

    let hint = shop.tokens(&browser, &[]).await.text("id_token");
    let out = browser.get(&address(&[("id_token_hint", &hint), back, ("state", "s")])).await;
    let to = out.location().expect("the way back");
    assert_eq!(to.as_str(), format!("{SIGNED_OUT}?state=s"));
    let page = shop.onward(&browser, browser.get(&shop.address(&[])).await).await;
    assert!(page.find_form("/login").is_some(), "signed out");
}

#[tokio::test(flavor = "multi_thread")]
async fn s049_a_form_of_another_site_takes_no_cookie_away_from_a_browser() {
    let house = opened().await;
    let action = house.url().join("/oauth/logout").expect("an address");
    let fields = [("csrf", "x"), ("client_id", "shop")];
    let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let page = house.browser().submit_from_elsewhere(&Form { action, fields }).await;
    assert_eq!((page.status, page.headers.get("set-cookie")), (303, None), "{}", page.text());
    let to = page.location().expect("the same request as an address");
    assert_eq!((to.path(), to.query()), ("/oauth/logout", Some("client_id=shop")));
}

#[tokio::test(flavor = "multi_thread")]
async fn s087_the_metadata_names_what_is_served_and_may_be_kept_for_a_while() {
    let house = opened().await;
    let browser = house.browser();
    let page = browser.get("/.well-known/openid-configuration").await;
    assert_eq!(page.headers["cache-control"], "public, max-age=3600");
    let document: serde_json::Value = serde_json::from_str(&page.body).expect("JSON");
    assert_eq!(document["issuer"], house.app.issuer());
    for (name, address) in document.as_object().expect("an object") {
        if name.ends_with("_endpoint") || name == "jwks_uri" {
            let page = browser.get(address.as_str().expect("an address")).await;
            assert_ne!(page.status, 404, "{name}");
        }
    }
    let same = browser.get("/.well-known/oauth-authorization-server").await;
    assert_eq!(same.body, page.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_a_registered_origin_may_ask_and_no_other() {
    let house = opened().await;
    Shop::register(&house, "spa", |new| {
        new.cors_origins =
            vec![identity::return_to::Origin::parse("https://spa.example").expect("an origin")];
    })
    .await;
    let url = house.url().join("/oauth/token").expect("an address");
    for (origin, allowed) in [("https://spa.example", true), ("https://evil.example", false)] {
        let asked = crate::shop::machine()
            .request(reqwest::Method::OPTIONS, url.clone())
            .header("origin", origin)
            .header("access-control-request-method", "POST");
        let answer = crate::shop::read(asked).await;
        let said = answer.headers.get("access-control-allow-origin");
        assert_eq!(said.is_some(), allowed, "{answer:?}");
        assert_eq!(answer.status == 204, allowed);
        assert_eq!(answer.headers.get("access-control-allow-credentials"), None);
    }
}
