//! Resource indicators (RFC 8707): which resource servers an access token is for.

use crate::oauth::clients::Client;
use crate::oauth::error::{OAuthError, OAuthFault};
use crate::oauth::registration::RegistrationFault;
use crate::oauth::tokens::AccessToken;

/// Refuses our own address as a client's resource server. Nearly every access token names us,
/// because userinfo is asked with it, and would be that client's business.
pub fn check_foreign(resources: &[String], issuer: &str) -> Result<(), RegistrationFault> {
    match resources.iter().any(|resource| is_ours(resource, issuer)) {
        true => Err(RegistrationFault::OwnResource),
        false => Ok(()),
    }
}

/// Whether a token of ours is for a resource server of this client. We ourselves are none, whatever
/// was registered, or was before the public URL changed.
pub fn is_meant(client: &Client, token: &AccessToken, issuer: &str) -> bool {
    let foreign = client.resources.iter().filter(|resource| !is_ours(resource, issuer));
    foreign.into_iter().any(|resource| token.audience.contains(resource))
}

/// With or without a slash at the end.
fn is_ours(resource: &str, issuer: &str) -> bool {
    resource.trim_end_matches('/') == issuer.trim_end_matches('/')
}

/// What a request names, if the client is registered for all of it (section 2).
pub fn registered(asked: &[String], client: &Client) -> Result<Vec<String>, OAuthFault> {
    within(asked, &client.resources, "this client is not registered for every resource it names")
}

/// What one access token is for, when its request names some of what was granted; all of it, when
/// it names nothing (section 2.2).
pub fn narrowed(asked: &[String], granted: &[String]) -> Result<Vec<String>, OAuthFault> {
    if asked.is_empty() {
        return Ok(granted.to_vec());
    }
    let text = "only what the authorization request named as resource can be named here again";
    within(asked, granted, text)
}

/// Each of them once, if all are allowed.
fn within(asked: &[String], allowed: &[String], text: &str) -> Result<Vec<String>, OAuthFault> {
    let mut named: Vec<String> = Vec::new();
    for resource in asked {
        if !allowed.contains(resource) {
            return Err(OAuthFault::new(OAuthError::InvalidTarget, text));
        }
        if !named.contains(resource) {
            named.push(resource.clone());
        }
    }
    Ok(named)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::oauth::fixtures::client;

    fn texts(all: &[&str]) -> Vec<String> {
        all.iter().map(|&one| one.to_owned()).collect()
    }

    #[test]
    fn s076_a_token_request_narrows_what_was_granted_and_never_widens_it() {
        let granted = texts(&["https://orders.test", "https://stock.test"]);
        let said = |asked: &[&str]| narrowed(&texts(asked), &granted);
        assert_eq!(said(&[]).unwrap(), granted);
        assert_eq!(said(&["https://stock.test"]).unwrap(), ["https://stock.test"]);
        let twice = ["https://stock.test", "https://stock.test"];
        assert_eq!(said(&twice).unwrap(), ["https://stock.test"]);
        for more in [&["https://other.test"][..], &["https://stock.test", "https://other.test"]] {
            assert_eq!(said(more).unwrap_err().error, OAuthError::InvalidTarget, "{more:?}");
        }
        assert!(narrowed(&texts(&["https://stock.test"]), &[]).is_err(), "nothing was granted");
    }

    #[test]
    fn s076_our_own_address_is_no_resource_of_a_client() {
        let ours = "https://id.test";
        let check = |resource: &str| check_foreign(&texts(&[resource]), ours).is_ok();
        assert!(check("https://orders.test") && check("https://id.test.example"));
        assert!(check("https://id.test/orders"));
        assert!(!check("https://id.test") && !check("https://id.test/"));
    }

    #[test]
    fn s076_a_token_for_us_is_no_token_for_whoever_registered_us() {
        let token = |audience: &[&str]| {
            let claims = serde_json::json!({
                "client_id": "shop", "sub": "s", "aud": audience, "scope": "", "exp": 0,
            });
            AccessToken::read(claims.as_object().unwrap().clone()).unwrap()
        };
        let client = |resource: &str| Client { resources: texts(&[resource]), ..client() };
        let meant = |resource: &str, audience: &[&str]| {
            is_meant(&client(resource), &token(audience), "https://id.test")
        };
        assert!(meant("https://orders.test", &["https://id.test", "https://orders.test"]));
        assert!(!meant("https://orders.test", &["https://id.test"]));
        assert!(!meant("https://id.test", &["https://id.test"]));
        assert!(!meant("https://id.test/", &["https://id.test/"]));
    }

    proptest! {
        #[test]
        fn s076_whatever_is_named_the_answer_is_part_of_what_was_granted(
            asked in prop::collection::vec("[a-d]", 0..5),
            granted in prop::collection::vec("[a-d]", 0..5),
        ) {
            match narrowed(&asked, &granted) {
                Ok(named) => {
                    prop_assert!(named.iter().all(|one| granted.contains(one)));
                    prop_assert!(asked.iter().all(|one| named.contains(one)));
                }
                Err(_) => prop_assert!(asked.iter().any(|one| !granted.contains(one))),
            }
        }
    }
}
