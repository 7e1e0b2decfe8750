//! What a logout token says, what answers mean, and how long is waited.

use super::*;
use crate::federation::reach::Reach;
use crate::oauth::fixtures::{at, client};

struct Fixed(u8);
impl Entropy for Fixed {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(self.0);
    }
}

fn token(client: &Client) -> Map<String, Value> {
    let (subject, session) = (PublicId::from_stored("subject"), SessionId::from_stored("session"));
    let ended = Ended { issuer: "https://id.test", client, subject: &subject, session: &session };
    logout_token(ended, at(60), &Fixed(7))
}

#[test]
fn a_logout_token_says_whose_session_is_over_and_never_has_a_nonce() {
    let expected = json!({
        "iss": "https://id.test", "aud": "shop", "sub": "subject", "sid": "session",
        "iat": 1_800_000_060, "exp": 1_800_000_180, "jti": "07".repeat(16),
        "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
    });
    assert_eq!(Value::Object(token(&client())), expected);
}

#[test]
fn a_client_that_keeps_no_sid_is_told_of_the_person_alone() {
    let told = token(&Client { backchannel_logout_session_required: false, ..client() });
    assert_eq!((told.get("sid"), &told["sub"]), (None, &json!("subject")));
}

#[test]
fn s099_only_400_is_a_no_and_only_200_and_204_are_a_yes() {
    for status in 100..600 {
        let expected = match status {
            200 | 204 => Heard::Done,
            400 => Heard::Refused,
            _ => Heard::NotYet,
        };
        assert_eq!(heard(status), expected, "{status}");
    }
}

#[test]
fn s099_waits_grow_from_seconds_to_hours_and_end_after_a_day() {
    let usual = |tries| wait_after(tries, &Fixed(128));
    let waits: Vec<_> = (1..).map_while(usual).collect();
    let seconds = [5, 30, 120, 600, 3_600, 7_200, 14_400, 28_800, 28_800];
    assert_eq!(waits, seconds.map(Duration::from_secs));
    let together: Duration = waits.iter().sum();
    let day = Duration::from_secs(24 * 3600);
    assert!(together > day * 9 / 10 && together < day, "{together:?}");
    assert_eq!(usual(u32::MAX), None);
    assert!(wait_after(3, &Fixed(0)) < usual(3) && usual(3) < wait_after(3, &Fixed(255)));
}

#[test]
fn only_the_registered_host_and_only_by_the_operators_word_is_private() {
    let uri = Some("http://127.0.0.1:9000/logout".to_owned());
    let quiet = Client { backchannel_logout_uri: uri, ..client() };
    assert_eq!(allowed_hosts(&quiet), Vec::<String>::new());
    let allowed = allowed_hosts(&Client { backchannel_logout_private: true, ..quiet });
    assert_eq!(allowed, ["127.0.0.1:9000"]);
    let reach = Reach { allow_private: &allowed };
    let goes = |text: &str| reach.check_url(&Url::parse(text).unwrap()).is_ok();
    assert!(goes("http://127.0.0.1:9000/logout"));
    assert!(!goes("http://127.0.0.1:9001/logout"));
    assert!(!goes("https://10.0.0.1:9000/logout"));
    let six = Some("https://[fd00::1]/logout".to_owned());
    let six = Client { backchannel_logout_uri: six, backchannel_logout_private: true, ..client() };
    assert_eq!(allowed_hosts(&six), ["[fd00::1]:443"]);
}
