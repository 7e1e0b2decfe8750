//! A browser: cookies, redirects on demand, forms, and several tabs.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::header::{COOKIE, HeaderMap, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::{Client, Method};
use url::Url;

use crate::html;

/// More redirects than this are a loop.
const MOST_REDIRECTS: usize = 15;

/// A tab; clones made by [`Browser::tab`] share their cookies.
#[derive(Clone)]
pub struct Browser {
    client: Client,
    jar: Arc<Mutex<HashMap<String, String>>>,
    home: Url,
    said: Vec<(&'static str, String)>,
}

/// What a browser shows.
#[derive(Clone, Debug)]
pub struct Page {
    /// Where it is from.
    pub url: Url,
    /// HTTP status.
    pub status: u16,
    /// Everything above the page.
    pub headers: HeaderMap,
    /// The page itself.
    pub body: String,
}

/// A form of a page, ready to be filled in.
#[derive(Clone, Debug)]
pub struct Form {
    /// Where it goes.
    pub action: Url,
    /// Names and values, in order.
    pub fields: Vec<(String, String)>,
}

/// How a request came about, which decides about the cookies that go with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    /// Typed, or followed from a page of the same site.
    Here,
    /// A form on another site: SameSite=Lax cookies stay at home.
    FormElsewhere,
}

/// Whether a cookie is the one whose name contains `part`. The note that somebody left is not their
/// session, though its name contains that of it.
pub(crate) fn is_called(name: &str, part: &str) -> bool {
    name.contains(part) && (part.contains("left") || !name.contains("_left"))
}

impl Browser {
    /// A fresh one; paths are read as of `home`.
    #[expect(clippy::disallowed_methods, reason = "a test's browser goes where the test says")]
    pub fn new(home: &Url) -> Self {
        let client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .expect("a client");
        Self { client, jar: Arc::default(), home: home.clone(), said: Vec::new() }
    }

    /// The same browser, carried to another network: from here on its requests come from this
    /// address of the loopback network.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "a test's browser goes where the test says")]
    pub fn at(mut self, address: [u8; 4]) -> Self {
        self.client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .local_address(IpAddr::from(address))
            .build()
            .expect("a client");
        self
    }

    /// The same browser behind something that adds headers to its requests, as a proxy does.
    #[must_use]
    pub fn saying(mut self, name: &'static str, value: &str) -> Self {
        self.said.push((name, value.to_owned()));
        self
    }

    /// Another tab of the same browser.
    pub fn tab(&self) -> Self {
        self.clone()
    }

    /// Loads an address or a path and stays there, redirect or not.
    pub async fn get(&self, address: &str) -> Page {
        let url = self.home.join(address).expect("an address");
        self.send(Method::GET, url, None, From::Here).await
    }

    /// Asks what an address or a path would give, without its page.
    pub async fn head(&self, address: &str) -> Page {
        let url = self.home.join(address).expect("an address");
        self.send(Method::HEAD, url, None, From::Here).await
    }

    /// Loads an address or a path, and follows redirects to the page that they end at.
    pub async fn open(&self, address: &str) -> Page {
        let page = self.get(address).await;
        self.arrive(page).await
    }

    /// Follows redirects to the page that they end at.
    pub async fn arrive(&self, mut page: Page) -> Page {
        for _ in 0..MOST_REDIRECTS {
            match page.location() {
                None => return page,
                Some(next) => page = self.send(Method::GET, next, None, From::Here).await,
            }
        }
        panic!("a redirect loop ended at {}", page.url);
    }

    /// Follows one redirect.
    pub async fn step(&self, page: &Page) -> Page {
        let next = page.location().unwrap_or_else(|| panic!("no redirect: {page:?}"));
        self.send(Method::GET, next, None, From::Here).await
    }

    /// Sends a form as it stands on its page, without following the redirect.
    pub async fn submit(&self, form: &Form) -> Page {
        self.send(Method::POST, form.action.clone(), Some(&form.fields), From::Here).await
    }

    /// Sends a form that stands on a page of another site.
    pub async fn submit_from_elsewhere(&self, form: &Form) -> Page {
        self.send(Method::POST, form.action.clone(), Some(&form.fields), From::FormElsewhere).await
    }

    /// The value of the cookie whose name contains `part`.
    pub fn cookie(&self, part: &str) -> Option<String> {
        let jar = self.jar.lock().unwrap_or_else(PoisonError::into_inner);
        jar.iter().find(|(name, _)| is_called(name, part)).map(|(_, value)| value.clone())
    }

    /// Keeps a cookie that nobody set.
    pub fn put(&self, name: &str, value: &str) {
        let mut jar = self.jar.lock().unwrap_or_else(PoisonError::into_inner);
        jar.insert(name.to_owned(), value.to_owned());
    }

    /// Gives the cookie whose name contains `part` another value.
    pub fn plant(&self, part: &str, value: &str) {
        let mut jar = self.jar.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, own) in jar.iter_mut() {
            if is_called(name, part) {
                value.clone_into(own);
            }
        }
    }

    /// Adds a cookie.
    pub fn plant_new(&self, name: &str, value: &str) {
        let mut jar = self.jar.lock().unwrap_or_else(PoisonError::into_inner);
        jar.insert(name.to_owned(), value.to_owned());
    }

    /// Loses every cookie whose name contains `part`.
    pub fn lose(&self, part: &str) {
        let mut jar = self.jar.lock().unwrap_or_else(PoisonError::into_inner);
        jar.retain(|name, _| !is_called(name, part));
    }

    async fn send(
        &self,
        method: Method,
        url: Url,
        fields: Option<&[(String, String)]>,
        from: From,
    ) -> Page {
        let mut request = self.client.request(method, url.clone());
        if from == From::Here {
            request =
                request.header(COOKIE, self.cookies()).header("sec-fetch-site", "same-origin");
        } else {
            request = request.header("sec-fetch-site", "cross-site");
        }
        for (name, value) in &self.said {
            request = request.header(*name, value);
        }
        if let Some(fields) = fields {
            // Pages of ours say `Referrer-Policy: no-referrer`, and then browsers send this.
            request = request.header(ORIGIN, "null").form(fields);
        }
        let response = request.send().await.unwrap_or_else(|error| panic!("{url}: {error:?}"));
        self.keep(response.headers());
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let body = response.text().await.expect("a body in UTF-8");
        Page { url, status, headers, body }
    }

    fn cookies(&self) -> String {
        let jar = self.jar.lock().unwrap_or_else(PoisonError::into_inner);
        let pairs: Vec<String> =
            jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }

    fn keep(&self, headers: &HeaderMap) {
        let mut jar = self.jar.lock().unwrap_or_else(PoisonError::into_inner);
        for line in headers.get_all(SET_COOKIE) {
            let line = line.to_str().expect("a cookie in ASCII");
            let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
            let (name, value) = pair.split_once('=').expect("name and value");
            if attributes.to_ascii_lowercase().contains("max-age=0") {
                jar.remove(name);
            } else {
                jar.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

impl Page {
    /// Where it redirects to, if it does.
    pub fn location(&self) -> Option<Url> {
        let location = self.headers.get(LOCATION)?.to_str().ok()?;
        (300..400).contains(&self.status).then(|| self.url.join(location).expect("an address"))
    }

    /// A parameter of the address that it redirects to.
    pub fn sent_on(&self, name: &str) -> Option<String> {
        let location = self.location()?;
        location.query_pairs().find(|(own, _)| own == name).map(|(_, value)| value.into_owned())
    }

    /// Why it is not what was asked for: the stable code.
    pub fn reason(&self) -> Option<String> {
        html::attribute(&self.body, "data-reason")
    }

    /// What the person would tell the support.
    pub fn support_code(&self) -> Option<String> {
        html::between(&self.body, "<code class=\"support-code\">", "</code>")
    }

    /// The heading.
    pub fn heading(&self) -> String {
        html::between(&self.body, "<h1>", "</h1>").unwrap_or_default()
    }

    /// The text without the markup.
    pub fn text(&self) -> String {
        html::text(&self.body)
    }

    /// Whether somebody is signed in on it.
    pub fn is_signed_in(&self) -> bool {
        self.status == 200 && self.body.contains("Signed in as")
    }

    /// The only link that is a button: the way on.
    pub fn way_on(&self) -> Option<Url> {
        let link = html::tags(&self.body, "a").into_iter().find(|tag| {
            html::attribute(tag, "class").is_some_and(|class| class.contains("button"))
        })?;
        Some(self.url.join(&html::attribute(&link, "href")?).expect("an address"))
    }

    /// The first link whose address contains `part`.
    pub fn link(&self, part: &str) -> Option<Url> {
        let links = html::tags(&self.body, "a");
        let mut addresses = links.iter().filter_map(|tag| html::attribute(tag, "href"));
        let found = addresses.find(|address| address.contains(part))?;
        Some(self.url.join(&found).expect("an address"))
    }

    /// The first form whose action contains `part`.
    pub fn form(&self, part: &str) -> Form {
        self.find_form(part).unwrap_or_else(|| panic!("no form for {part} in {}", self.body))
    }

    /// The first form whose action contains `part`, if there is one.
    pub fn find_form(&self, part: &str) -> Option<Form> {
        html::forms(&self.body).into_iter().find(|form| form.action.contains(part)).map(|form| {
            Form { action: self.url.join(&form.action).expect("an address"), fields: form.fields }
        })
    }
}

impl Form {
    /// Fills in a field, or adds it.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        match self.fields.iter_mut().find(|(own, _)| own == name) {
            Some((_, own)) => value.clone_into(own),
            None => self.fields.push((name.to_owned(), value.to_owned())),
        }
        self
    }

    /// The value of a field.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}
