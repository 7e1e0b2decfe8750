//! Breaking the glass over HTTP: a door that takes no passwords, and the one way in that is sealed.

use std::time::Duration;

use identity::applications::ApplicationKey;
use identity::break_glass::{for_people, new_code};
use identity::groups::{ADMINISTRATORS, GroupName};
use identity::ids::GroupId;
use identity::sessions::Method;
use identity::users::{Status, StatusChange, User, UserType};
use store::{ApplicationChange, By, SealOutcome};
use testkit::{Browser, Engine, Form, House, MailServer, Page, on_both_engines};

use crate::logs::until;
use crate::scene::{
    OTHER, PASSWORD, house, house_with_mail, outcome, refused, set_password, throttled,
};

const PAGE: &str = "/back-office/break-glass";
const ADA: &str = "ada@shop.test";
const GRACE: &str = "grace@shop.test";

async fn administrators(house: &House) -> GroupId {
    let name = GroupName::parse(ADMINISTRATORS).expect("a name");
    let found = house.app.store.find_group_by_name(UserType::Staff, &name).await;
    found.expect("an answer").expect("built in").id
}

async fn administrator(house: &House, email: &str) -> User {
    let user = house.add_staff(email, Status::Active).await;
    set_password(house, &user, PASSWORD).await;
    let (group, by) = (administrators(house).await, By::operator());
    let added = house.app.store.add_group_member(&group, &user.id, &by, house.app.now()).await;
    added.expect("a member");
    user
}

/// Whether passwords open the back office.
async fn passwords(house: &House, open: bool) {
    let change = ApplicationChange { local_login: Some(open), ..ApplicationChange::default() };
    let key = ApplicationKey::from_stored("back-office");
    let (by, now) = (By::operator().forced(true), house.app.now());
    house.app.store.change_application(&key, &change, &by, now).await.expect("a change");
    house.learn().await;
}

/// Seals a code for them, and says it as it is printed.
async fn seal(house: &House, user: &User) -> String {
    let store = &house.app.store;
    let key = ApplicationKey::from_stored("back-office");
    let door = store.get_application(&key).await.expect("a door");
    let code = new_code(house.app.entropy.as_ref());
    let (by, now) = (By::operator(), house.app.now());
    let sealed = store.add_break_glass_seal(&door, &user.id, &code.digest(), &by, now).await;
    assert_eq!(sealed.expect("an answer"), SealOutcome::Sealed);
    for_people(&code)
}

/// Ada and Grace are administrators, a code is sealed for Ada, and passwords are off.
async fn sealed(house: &House) -> (User, String) {
    let ada = administrator(house, ADA).await;
    administrator(house, GRACE).await;
    let code = seal(house, &ada).await;
    passwords(house, false).await;
    (ada, code)
}

async fn form(browser: &Browser) -> Form {
    browser.open(PAGE).await.form("/break-glass")
}

fn filled(form: Form, email: &str, password: &str, code: &str) -> Form {
    form.with("email", email).with("password", password).with("code", code)
}

async fn break_it(browser: &Browser, email: &str, password: &str, code: &str) -> Page {
    browser.submit(&filled(form(browser).await, email, password, code)).await
}

async fn last_audit(house: &House) -> (String, String) {
    let entry = house.audit().await.remove(0);
    (entry.action, entry.outcome)
}

on_both_engines! {
    async fn s107_the_glass_breaks_once_with_password_and_code(engine: Engine) {
        let mails = MailServer::start().await;
        let house = house_with_mail(engine, &mails).await;
        let browser = house.browser();
        let (ada, code) = sealed(&house).await;
        passwords(&house, true).await;
        assert_eq!(outcome(&browser.open(PAGE).await), (404, "not_found".to_owned()), "it is open");
        passwords(&house, false).await;
        let login = browser.open("/back-office/login").await;
        assert!(!login.body.to_lowercase().contains("glass"), "nothing leads there: {}", login.body);
        let form = form(&browser).await;
        let page = browser.submit(&filled(form.clone(), ADA, PASSWORD, &code.to_lowercase())).await;
        assert_eq!(page.status, 303, "{}", page.text());
        let home = browser.arrive(page).await;
        assert!(home.is_signed_in(), "{}", home.text());
        assert!(home.text().contains("By breaking the glass"), "{}", home.text());
        let session = house.app.store.list_sessions(&ada.id).await.expect("a list").remove(0);
        assert_eq!(session.methods, [Method::Password, Method::BreakGlass]);
        assert_eq!(session.times.absolute, Duration::from_secs(3600));

        let page = browser.submit(&filled(form, ADA, PASSWORD, &code)).await;
        assert_eq!(outcome(&page), (404, "not_found".to_owned()), "it is used up");
        assert!(browser.open("/back-office").await.is_signed_in());
        house.clock.turn(Duration::from_secs(1800));
        assert!(browser.open("/back-office").await.is_signed_in());
        house.clock.turn(Duration::from_secs(1800));
        assert!(!browser.open("/back-office").await.is_signed_in(), "an hour, used or not");

        let entries = house.audit().await;
        let broken: Vec<_> =
            entries.iter().filter(|entry| entry.action == "break_glass.open").collect();
        let [entry] = broken[..] else { panic!("{broken:?}") };
        assert_eq!((entry.outcome.as_str(), entry.user.as_ref()), ("done", Some(&ada.id)));
        let support_code = entry.support_code.as_deref().expect("a support code");
        let network = entry.address.as_deref().expect("a network");
        for number in [1, 2] {
            let mail = mails.wait_for(number).await;
            assert!(mail.data.contains("Subject: The glass of Back Office was broken"), "{}", mail.data);
            let text = mail.text();
            for said in [ADA, support_code, network, "vestibule break-glass seal --application back-office"] {
                assert!(text.contains(said), "{said}: {text}");
            }
        }
        let mut told: Vec<_> = mails.mails().into_iter().flat_map(|mail| mail.to).collect();
        told.sort();
        assert_eq!(told, [ADA, GRACE]);
    }

    async fn s107_of_two_who_break_the_glass_at_once_one_is_in(engine: Engine) {
        let house = house(engine).await;
        let (ada, code) = sealed(&house).await;
        let (one, two) = (house.browser(), house.browser());
        let forms = (form(&one).await, form(&two).await);
        let first = filled(forms.0, ADA, PASSWORD, &code);
        let second = filled(forms.1, ADA, PASSWORD, &code);
        let pages = tokio::join!(one.submit(&first), two.submit(&second));
        let into = [&pages.0, &pages.1].iter().filter(|page| page.status == 303).count();
        assert_eq!(into, 1, "{pages:?}");
        assert_eq!(house.app.store.list_sessions(&ada.id).await.expect("a list").len(), 1);
        let waiting = house.app.store.count_mails().await.expect("a count").waiting;
        assert_eq!(waiting, 2, "each administrator is told once");
    }

    async fn s107_the_letters_outlive_a_restart_and_a_mail_server_that_is_down(engine: Engine) {
        let mut mails = MailServer::start().await;
        let mut house = house_with_mail(engine, &mails).await;
        let (_, code) = sealed(&house).await;
        mails.down().await;
        assert_eq!(break_it(&house.browser(), ADA, PASSWORD, &code).await.status, 303);
        house.stop().await;
        house.start_again().await;
        mails.up().await;
        until(async || {
            house.clock.turn(Duration::from_secs(60));
            mails.mails().len() == 2
        })
        .await;
    }

    async fn s107_a_seal_is_worth_nothing_once_its_owner_is_no_administrator(engine: Engine) {
        let house = house(engine).await;
        let (ada, code) = sealed(&house).await;
        let browser = house.browser();
        let open = form(&browser).await;
        let (store, by) = (&house.app.store, By::operator().forced(true));
        let group = administrators(&house).await;
        let now = house.app.now();
        store.remove_group_member(&group, &ada.id, &by, now).await.expect("an answer");
        assert_eq!(browser.open(PAGE).await.status, 404, "nothing else is sealed");
        // Another seal keeps the page.
        let grace = house.find_staff(GRACE).await.expect("Grace");
        seal(&house, &grace).await;
        let page = browser.submit(&filled(open.clone(), ADA, PASSWORD, &code)).await;
        assert_eq!(outcome(&page), refused());
        let held = ("break_glass.open".to_owned(), "not_administrator".to_owned());
        assert_eq!(last_audit(&house).await, held);
        store.add_group_member(&group, &ada.id, &by, now).await.expect("a member");
        let off = StatusChange::Deactivate;
        store.change_user_status(&ada.id, off, &by, now).await.expect("an answer");
        let page = browser.submit(&filled(open, ADA, PASSWORD, &code)).await;
        assert_eq!(outcome(&page), refused());
        assert_eq!(last_audit(&house).await.1, "user_not_active");
        assert_eq!(browser.cookie("staff"), None);
    }
}

#[tokio::test]
async fn s107_unknown_wrong_and_unsealed_look_the_same() {
    let house = house(Engine::Sqlite).await;
    let (ada, code) = sealed(&house).await;
    let other = for_people(&new_code(house.app.entropy.as_ref()));
    let mut texts = Vec::new();
    for (email, password, code, why) in [
        (ADA, PASSWORD, other.as_str(), "wrong_code"),
        (ADA, OTHER, &code, "wrong_password"),
        (ADA, OTHER, &other, "wrong_password"),
        (GRACE, PASSWORD, &code, "not_sealed"),
        ("nobody@shop.test", PASSWORD, &code, "not_sealed"),
        ("no address", PASSWORD, "no code", "not_sealed"),
    ] {
        let page = break_it(&house.browser(), email, password, code).await;
        assert_eq!(outcome(&page), refused(), "{why}");
        let support_code = page.support_code().expect("a support code");
        let entry = house.audit_of(&support_code).await;
        assert_eq!((entry.action.as_str(), entry.outcome.as_str()), ("break_glass.open", why));
        let rules = entry.detail["rules"].as_array().expect("rules");
        assert_eq!(rules.last().expect("a rule")["settled"], true);
        texts.push(page.text().replace(&support_code, "CODE"));
        assert!(!format!("{entry:?}").contains(password), "what was typed is not in the audit");
        house.clock.turn(Duration::from_secs(3600));
    }
    texts.dedup();
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert_eq!(house.app.store.list_sessions(&ada.id).await.expect("a list"), []);
    let page = break_it(&house.browser(), ADA, PASSWORD, &code).await;
    assert_eq!(page.status, 303, "nothing was used up: {}", page.text());
}

#[tokio::test]
async fn s104_s107_the_glass_is_throttled_like_the_login() {
    let house = house(Engine::Sqlite).await;
    let (_, code) = sealed(&house).await;
    for email in [ADA, "nobody@shop.test"] {
        for guess in 0..9 {
            // A right password with a wrong code is a failure like any other.
            let (password, code) = if guess % 2 == 0 { (PASSWORD, "x") } else { (OTHER, &*code) };
            let page = break_it(&house.browser(), email, password, code).await;
            assert_eq!(outcome(&page), refused(), "{guess}");
        }
        let page = break_it(&house.browser(), email, PASSWORD, &code).await;
        assert_eq!(outcome(&page), throttled(), "{email}");
        assert!(page.headers.contains_key("retry-after"));
    }
    // The counters are those of the login: both doors together get as many guesses as one.
    passwords(&house, true).await;
    let page = crate::scene::sign_in(&house.browser(), ADA, PASSWORD).await;
    assert_eq!(outcome(&page), throttled());
    passwords(&house, false).await;
    house.clock.turn(Duration::from_secs(6 * 60));
    assert_eq!(break_it(&house.browser(), ADA, PASSWORD, &code).await.status, 303);
}

#[tokio::test]
async fn s107_a_form_from_elsewhere_breaks_nothing_and_a_row_of_failures_says_what_helps() {
    let house = House::with(Engine::Sqlite, |config| {
        crate::scene::cheap(config);
        config.throttle.account_failures = 2;
    })
    .await;
    let (ada, code) = sealed(&house).await;
    let browser = house.browser();
    let good = filled(form(&browser).await, ADA, PASSWORD, &code);
    let page = browser.submit_from_elsewhere(&good).await;
    assert_eq!(page.sent_on("notice").as_deref(), Some("expired"), "{}", page.text());
    let page = browser.submit(&good.clone().with("csrf", "forged")).await;
    assert_eq!(outcome(&page), (403, "form_expired".to_owned()));
    for _ in 0..2 {
        assert_eq!(outcome(&break_it(&browser, ADA, OTHER, &code).await), refused());
    }
    let page = browser.submit(&good).await;
    assert_eq!(outcome(&page), (429, "needs_reset".to_owned()));
    assert!(page.text().contains("vestibule users set-password"), "{}", page.text());
    set_password(&house, &ada, OTHER).await;
    let page = break_it(&browser, ADA, OTHER, &code).await;
    assert_eq!(page.status, 303, "a new password keeps the seal: {}", page.text());
}
