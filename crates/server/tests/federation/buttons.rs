//! The buttons of a login page: what they say, how they look, where they stand, and that one that
//! is hidden takes no way in away.

use serde_json::{Value, json};
use testkit::Page;

use crate::operator::Operator;

const LOGIN: &str = "/back-office/login?ways=all";

const SVG: &str =
    "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 8 8\"><path d=\"M0 0h8v8z\"/></svg>";

/// `vestibule providers change-connection` of the back office.
async fn change(operator: &Operator, more: &[&str]) -> Value {
    let connection = ["change-connection", "corp", "--application", "back-office"];
    operator.ask(&[&connection[..], more].concat()).await["connections"][0].clone()
}

async fn refused(operator: &Operator, more: &[&str]) -> (String, String) {
    let connection = ["change-connection", "corp", "--application", "back-office"];
    operator.refused(&[&connection[..], more].concat()).await
}

async fn login(operator: &Operator) -> Page {
    operator.house.browser().open(LOGIN).await
}

/// An attribute of the first `tag` with `part` in it.
fn attribute(page: &Page, tag: &str, part: &str, name: &str) -> Option<String> {
    let tags = page.body.split('<').filter(|rest| rest.starts_with(tag) && rest.contains(part));
    let (_, value) = tags.into_iter().next()?.split_once(&format!("{name}=\""))?;
    value.split('"').next().map(|value| value.replace("&#x2f;", "/"))
}

fn header(page: &Page, name: &str) -> String {
    page.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_button_says_what_it_is_told_to_and_else_the_providers_name() {
    let operator = Operator::connected().await;
    let name =
        operator.house.app.directory.now().provider("corp").expect("a provider").name.clone();
    assert!(login(&operator).await.text().contains(&format!("Login with {name}")));
    let set = change(&operator, &["--button-label", "Staff & friends <b>"]).await;
    assert_eq!(
        set["policy"]["button_label"],
        json!({ "value": "Staff & friends <b>", "from": "connection" })
    );
    let page = login(&operator).await;
    assert!(
        page.text().contains("Staff &amp; friends &lt;b&gt;")
            || page.text().contains("Staff & friends <b>")
    );
    assert!(!page.body.contains("friends <b>"), "a label is a text");
    assert!(!page.text().contains("Login with"), "{}", page.text());
    change(&operator, &["--no-button-label"]).await;
    assert!(login(&operator).await.text().contains(&format!("Login with {name}")));
    for bad in ["", " x", &"x".repeat(61), "one\ntwo", "a\u{202e}b"] {
        let (code, message) = refused(&operator, &["--button-label", bad]).await;
        assert_eq!(code, "button", "{bad:?}");
        assert!(message.contains("1 to 60 characters"), "{message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_icon_is_served_by_a_name_that_changes_with_it_and_runs_nothing() {
    let operator = Operator::connected().await;
    operator.write("icon.svg", SVG);
    let set = change(&operator, &["--button-icon", "icon.svg"]).await;
    let shown = set["policy"]["button_icon"]["value"].as_str().expect("what it is");
    assert!(shown.starts_with("image/svg+xml, ") && !shown.contains("base64"), "{shown}");
    let page = login(&operator).await;
    let address = attribute(&page, "img", "icon", "src").expect("an icon");
    assert_eq!(attribute(&page, "img", "icon", "alt").as_deref(), Some(""), "beside its label");
    let audit = operator.house.audit().await;
    let entry = audit.iter().find(|entry| entry.action == "connection.change").expect("an entry");
    let name = entry.detail["policy"]["button_icon"].as_str().expect("a name");
    assert!(address.ends_with(name), "which picture, and not the picture itself: {name}");
    let icon = operator.house.browser().get(&address).await;
    assert_eq!((icon.status, icon.body.trim()), (200, SVG));
    assert_eq!(header(&icon, "content-type"), "image/svg+xml");
    assert!(header(&icon, "cache-control").contains("immutable"));
    assert_eq!(header(&icon, "x-content-type-options"), "nosniff");
    let policy = header(&icon, "content-security-policy");
    assert!(policy.contains("default-src 'none'") && !policy.contains("script-src"), "{policy}");

    // What is not named stays, and another picture has another name.
    change(&operator, &["--button-colour", "#0b5cad"]).await;
    operator.write("icon.svg", &SVG.replace("h8", "h7"));
    change(&operator, &["--button-icon", "icon.svg"]).await;
    let other = attribute(&login(&operator).await, "img", "icon", "src").expect("an icon");
    assert_ne!(other, address);
    assert_eq!(operator.house.browser().get(&address).await.status, 404, "the old one is gone");
    change(&operator, &["--no-button-icon"]).await;
    assert_eq!(attribute(&login(&operator).await, "img", "icon", "src"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_small_picture_is_refused_with_what_to_do() {
    let operator = Operator::connected().await;
    let files = [
        ("script.svg", SVG.replace("</svg>", "<script>alert(1)</script></svg>"), "no scripts"),
        ("page.html", "<!doctype html><p>hello</p>".to_owned(), "PNG or SVG"),
        ("large.svg", format!("{SVG}<!--{}-->", "x".repeat(16 * 1024)), "16 KiB"),
    ];
    for (name, content, sentence) in files {
        operator.write(name, &content);
        let (code, message) = refused(&operator, &["--button-icon", name]).await;
        assert_eq!(code, "button", "{name}");
        assert!(message.contains(name) && message.contains(sentence), "{message}");
    }
    let (_, message) = refused(&operator, &["--button-icon", "nowhere.png"]).await;
    assert!(message.contains("nowhere.png"), "{message}");
    assert_eq!(attribute(&login(&operator).await, "img", "icon", "src"), None, "nothing is saved");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_colour_is_a_style_sheet_of_ours_with_an_ink_that_can_be_read() {
    let operator = Operator::connected().await;
    for (colour, ink) in [("#0B5CAD", "#ffffff"), ("#ffd400", "#000000")] {
        change(&operator, &["--button-colour", colour]).await;
        let page = login(&operator).await;
        let digits = colour[1..].to_lowercase();
        let class = attribute(&page, "a", "/login/corp", "class").expect("a class");
        assert_eq!(class, format!("button colour-{digits}"));
        let sheet = attribute(&page, "link", "colour-", "href").expect("a sheet");
        let sheet = operator.house.browser().get(&sheet).await;
        assert_eq!(sheet.status, 200);
        assert!(header(&sheet, "content-type").starts_with("text/css"));
        let rule = format!("a.button.colour-{digits} {{ background: #{digits}; color: {ink}; }}");
        assert_eq!(sheet.body.trim(), rule);
        assert!(!page.body.contains("style="), "pages have no styles of their own");
    }
    for nothing in ["colour-0B5CAD.css", "colour-0b5ca.css", "colour-.css", "colour-0b5cad"] {
        let page = operator.house.browser().get(&format!("/assets/{nothing}")).await;
        assert_eq!(page.status, 404, "{nothing}");
    }
    let output = operator
        .run(&[
            "providers",
            "change-connection",
            "corp",
            "--application",
            "back-office",
            "--button-colour",
            "blue",
        ])
        .await;
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(!output.status.success() && said.contains("six hexadecimal digits"), "{said}");
    change(&operator, &["--no-button-colour"]).await;
    assert_eq!(attribute(&login(&operator).await, "link", "colour-", "href"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn buttons_stand_in_their_order() {
    let operator = Operator::connected().await;
    operator.ask(&["connect", "corp", "--application", "storefront"]).await;
    operator.add(&["--key", "second", "--button-label", "The second one"]).await;
    operator.house.learn().await;
    let places = async || {
        let text = login(&operator).await.text();
        (text.find("Login with"), text.find("The second one"))
    };
    let (first, second) = places().await;
    assert!(first.is_some() && first < second, "as they were connected");
    change(&operator, &["--position", "9"]).await;
    let (first, second) = places().await;
    assert!(second.is_some() && second < first);
    change(&operator, &["--position", "-1"]).await;
    let (first, second) = places().await;
    assert!(first.is_some() && first < second, "before all others");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_button_leaves_every_other_way_to_the_provider() {
    let operator = Operator::connected().await;
    change(&operator, &["--button-hidden", "on"]).await;
    let page = login(&operator).await;
    assert!(page.link("/login/corp").is_none(), "{}", page.body);
    let straight = operator.house.browser().open("/back-office/login/corp").await;
    assert!(straight.is_signed_in(), "{}", straight.text());

    operator.ask(&["change", "corp", "--trusted-domain", "corp.example"]).await;
    let browser = operator.house.browser();
    let form = browser.open(LOGIN).await.form("/login");
    let found = browser.submit(&form.with("email", "ada@corp.example").with("way", "find")).await;
    assert_eq!(found.reason().as_deref(), Some("found"), "{}", found.text());

    let door = ["applications", "change", "back-office", "--auto-redirect", "corp"];
    assert!(operator.run(&door).await.status.success());
    operator.house.learn().await;
    assert!(operator.house.browser().open("/back-office/login").await.is_signed_in());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_without_buttons_says_where_to_start() {
    let operator = Operator::connected().await;
    change(&operator, &["--button-hidden", "on"]).await;
    let closed = ["applications", "change", "back-office", "--password", "off", "--force"];
    assert!(operator.run(&closed).await.status.success());
    operator.house.learn().await;
    let page = login(&operator).await;
    assert!(page.text().contains("Please start from where your company"), "{}", page.text());
    assert!(!page.text().contains("no identity provider is connected"));
    change(&operator, &["--button-hidden", "off"]).await;
    assert!(login(&operator).await.link("/login/corp").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_label_or_an_icon_for_all_of_an_application_is_refused_and_a_colour_is_not() {
    let operator = Operator::connected().await;
    operator.write("icon.svg", SVG);
    let defaults = ["applications", "change-defaults", "back-office"];
    for more in [["--button-label", "Sign in"], ["--button-icon", "icon.svg"]] {
        let output = operator.run(&[&defaults[..], &more, &["--json"]].concat()).await;
        let (code, message) = crate::operator::refused(&output);
        assert_eq!(code, "button");
        assert!(message.contains("one connection"), "{message}");
    }
    let set = [&defaults[..], &["--button-colour", "#224466", "--json"]].concat();
    crate::operator::said(&operator.run(&set).await);
    operator.house.learn().await;
    let class = attribute(&login(&operator).await, "a", "/login/corp", "class");
    assert_eq!(class.as_deref(), Some("button colour-224466"));
    change(&operator, &["--button-colour", "#ffffff"]).await;
    let class = attribute(&login(&operator).await, "a", "/login/corp", "class");
    assert_eq!(class.as_deref(), Some("button colour-ffffff"), "the connection's own wins");
}
