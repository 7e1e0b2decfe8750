//! What every test of this folder begins with.

use identity::secret::Secret;
use identity::users::{Status, User};
use server::config::Config;
use store::By;
use testkit::{Browser, Engine, House, MailServer, Page};

/// A password that the policy takes.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// Another one.
pub(crate) const OTHER: &str = "seven purple kites over Riga";

/// Hashes that cost next to nothing, where a test is not about hashing.
pub(crate) fn cheap(config: &mut Config) {
    config.passwords.argon2_memory_kib = 64;
    config.passwords.argon2_passes = 1;
}

/// A house with cheap hashes.
pub(crate) async fn house(engine: Engine) -> House {
    House::with(engine, cheap).await
}

/// A house that sends its mail to `server`.
pub(crate) async fn house_with_mail(engine: Engine, server: &MailServer) -> House {
    let url = server.url();
    House::with(engine, |config| {
        cheap(config);
        config.mail.smtp_url = Some(url);
    })
    .await
}

/// An active staff member with a password.
pub(crate) async fn grace(house: &House) -> User {
    let user = house.add_staff("grace@shop.test", Status::Active).await;
    set_password(house, &user, PASSWORD).await;
    user
}

pub(crate) async fn set_password(house: &House, user: &User, password: &str) {
    let hash = house.app.hasher.hash(Secret::new(password)).await.expect("a hash").to_string();
    let (by, now) = (By::operator(), house.app.now());
    house.app.store.set_password(&user.id, &hash, None, &by, now).await.expect("a password");
}

/// Fills in the form of the back office and sends it.
pub(crate) async fn sign_in(browser: &Browser, email: &str, password: &str) -> Page {
    // With a notice the form is shown to those who are signed in as well.
    let form = browser.open("/back-office/login?notice=again").await.form("/login");
    browser.submit(&form.with("email", email).with("password", password)).await
}

/// Signs in and stays.
pub(crate) async fn signed_in(browser: &Browser, email: &str, password: &str) {
    let page = sign_in(browser, email, password).await;
    assert_eq!(page.status, 303, "{}", page.text());
    assert!(browser.open("/back-office").await.is_signed_in());
}

/// Status and reason, for a list of what happened.
pub(crate) fn outcome(page: &Page) -> (u16, String) {
    (page.status, page.reason().unwrap_or_default())
}

pub(crate) fn refused() -> (u16, String) {
    (422, "not_accepted".to_owned())
}

pub(crate) fn throttled() -> (u16, String) {
    (429, "throttled".to_owned())
}

/// Asks for a reset mail.
pub(crate) async fn ask(browser: &Browser, email: &str) -> Page {
    let form = browser.open("/back-office/password/forgot").await.form("/forgot");
    browser.submit(&form.with("email", email)).await
}

/// Fills in the page behind a reset link and sends it.
pub(crate) async fn choose(browser: &Browser, link: &str, password: &str) -> Page {
    let form = browser.open(link).await.form("/reset");
    browser.submit(&form.with("password", password).with("repeat", password)).await
}
