//! Whether a configuration can work: what is refused, and what is only remarked on.

use std::ops::RangeInclusive;

use url::Url;

use super::{Config, PasswordsConfig, TracesConfig};

/// A key, and why its value cannot work.
pub(super) type Refused = (&'static str, String);

/// Levels of a log, the quietest first.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// The least memory in KiB for a number of passes, one as good as the other (OWASP's parameters
/// for Argon2id with one lane).
const ARGON2: [(u32, u32); 5] = [(1, 47_104), (2, 19_456), (3, 12_288), (4, 9_216), (5, 7_168)];

/// Most memory for one hash, in KiB, and most passes: more is a slip, and nobody could sign in.
const ARGON2_MOST: (u32, u32) = (1_048_576, 100);

/// Longest wait for a provider, in seconds: token, keys and user information must come within one
/// request of ours.
const MAX_TIMEOUT: u64 = 15;

/// Fewer connections serve nobody well, and more than there are ports are a slip.
const CONNECTIONS: RangeInclusive<usize> = 10..=60_000;

/// Longest wait for the head of a request, in seconds: whoever dawdles holds a place.
const MAX_HEADER: u64 = 60;

/// Refuses what cannot work, and says what can.
pub(super) fn check(config: &Config) -> Result<(), Refused> {
    server(config)?;
    passwords(&config.passwords)?;
    throttles(config)?;
    if !(1..=MAX_TIMEOUT).contains(&config.outbound.timeout_seconds) {
        return refuse("outbound.timeout_seconds", format!("must be between 1 and {MAX_TIMEOUT}"));
    }
    let most = identity::federation::id_token::LEEWAY.as_secs();
    if config.outbound.leeway_seconds > most {
        return refuse("outbound.leeway_seconds", format!("must be between 0 and {most}"));
    }
    if !config.log.level.split(',').all(is_directive) {
        let text = "must be error, warn, info, debug or trace; for one module write it like \
                    info,store=debug";
        return refuse("log.level", text);
    }
    let database = config.database.url.expose();
    if !["sqlite:", "postgres:", "postgresql:"].iter().any(|scheme| database.starts_with(scheme)) {
        return refuse("database.url", "must begin with sqlite: or postgres:");
    }
    traces(&config.traces)
}

fn refuse(key: &'static str, why: impl Into<String>) -> Result<(), Refused> {
    Err((key, why.into()))
}

fn server(config: &Config) -> Result<(), Refused> {
    let url = &config.server.public_url;
    if !(url.scheme() == "https" || (url.scheme() == "http" && is_loopback(config))) {
        return refuse(
            "server.public_url",
            "must be an https address; plain http is only for 127.0.0.1 and localhost",
        );
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return refuse("server.public_url", "must be an origin without a path, query or fragment");
    }
    if !CONNECTIONS.contains(&config.server.max_connections) {
        let text = format!("must be between {} and {}", CONNECTIONS.start(), CONNECTIONS.end());
        return refuse("server.max_connections", text);
    }
    if !(1..=MAX_HEADER).contains(&config.server.header_seconds) {
        return refuse("server.header_seconds", format!("must be between 1 and {MAX_HEADER}"));
    }
    let bad = |proxy: &&String| crate::network::Network::parse(proxy).is_none();
    match config.server.trusted_proxies.iter().find(bad) {
        None => Ok(()),
        Some(proxy) => refuse(
            "server.trusted_proxies",
            format!("\"{proxy}\" is no address and no network such as 10.0.0.0/8"),
        ),
    }
}

fn traces(traces: &TracesConfig) -> Result<(), Refused> {
    let good = |url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    };
    if !traces.url.as_ref().is_none_or(good) {
        let text = "must be an http or https address without user, password, query and fragment; \
                    what the collector wants to see of you belongs in traces.headers_file";
        return refuse("traces.url", text);
    }
    if traces.service_name.trim().is_empty() {
        return refuse("traces.service_name", "must not be empty");
    }
    if !(0.0..=1.0).contains(&traces.ratio) {
        return refuse("traces.ratio", "must be between 0 and 1");
    }
    Ok(())
}

fn is_loopback(config: &Config) -> bool {
    let host = config.server.public_url.host_str();
    matches!(host, Some("localhost" | "127.0.0.1" | "[::1]"))
}

fn passwords(config: &PasswordsConfig) -> Result<(), Refused> {
    let &PasswordsConfig { min_length, argon2_memory_kib, argon2_passes, .. } = config;
    if !(12..=64).contains(&min_length) {
        return refuse("passwords.min_length", "must be between 12 and 64");
    }
    if argon2_passes == 0 || argon2_passes > ARGON2_MOST.1 {
        let text = format!("must be between 1 and {}", ARGON2_MOST.1);
        return refuse("passwords.argon2_passes", text);
    }
    let least = ARGON2.iter().rev().find(|(passes, _)| *passes <= argon2_passes);
    let least = least.map_or(ARGON2_MOST.0, |(_, memory)| *memory);
    if !(least..=ARGON2_MOST.0).contains(&argon2_memory_kib) {
        let text = format!(
            "must be between {least} and {} KiB with {argon2_passes} passes \
             (passwords.argon2_passes)",
            ARGON2_MOST.0
        );
        return refuse("passwords.argon2_memory_kib", text);
    }
    Ok(())
}

/// A limit of nothing keeps everybody out; a time of nothing keeps nobody out.
fn throttles(config: &Config) -> Result<(), Refused> {
    let throttle = &config.throttle;
    let zero = [
        ("throttle.account_network_failures", throttle.account_network_failures == 0),
        ("throttle.account_network_window_minutes", throttle.account_network_window_minutes == 0),
        ("throttle.account_network_wait_minutes", throttle.account_network_wait_minutes == 0),
        ("throttle.account_failures", throttle.account_failures == 0),
        ("throttle.network_failures", throttle.network_failures == 0),
        ("throttle.network_window_minutes", throttle.network_window_minutes == 0),
        ("throttle.network_wait_minutes", throttle.network_wait_minutes == 0),
        ("throttle.reset_address_per_hour", throttle.reset_address_per_hour == 0),
        ("throttle.reset_network_per_hour", throttle.reset_network_per_hour == 0),
        ("throttle.code_subject_per_hour", throttle.code_subject_per_hour == 0),
        ("throttle.code_address_per_hour", throttle.code_address_per_hour == 0),
        ("throttle.code_network_per_hour", throttle.code_network_per_hour == 0),
        ("throttle.trip_network_per_minute", throttle.trip_network_per_minute == 0),
        ("throttle.request_network_per_minute", throttle.request_network_per_minute == 0),
        ("throttle.refusal_network_per_hour", throttle.refusal_network_per_hour == 0),
    ];
    match zero.into_iter().find(|(_, zero)| *zero) {
        None => Ok(()),
        Some((key, _)) => refuse(key, "must be at least 1"),
    }
}

/// `info`, or `module=info`. The log itself would take any other word for the name of a module.
fn is_directive(text: &str) -> bool {
    match text.split_once('=') {
        None => LEVELS.contains(&text),
        Some((module, level)) => {
            let named = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b':');
            !module.is_empty() && module.bytes().all(named) && LEVELS.contains(&level)
        }
    }
}

/// What works and is most likely not what was meant, in sentences.
pub(super) fn remarks(config: &Config) -> Vec<String> {
    let mut remarks = Vec::new();
    let (listen, url) = (config.server.listen, &config.server.public_url);
    let port = url.port_or_known_default();
    if is_loopback(config) && port != Some(listen.port()) {
        remarks.push(format!(
            "browsers are sent to {url} (server.public_url), but the house listens on {listen} \
             (server.listen); unless something in front of it passes them on, give both the same \
             port"
        ));
    }
    if !config.mail.goes_out() {
        remarks.push(
            "mail.smtp_url is not set: mail, such as the links of \"Forgot your password?\" and the \
             codes of `link: prove_mailbox`, waits in the queue and reaches nobody"
                .to_owned(),
        );
    }
    let in_clear = |url: &Url| {
        let here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        url.scheme() == "http" && !here
    };
    if config.traces.headers_file.is_some() && config.traces.url.as_ref().is_some_and(in_clear) {
        remarks.push(
            "traces.url is plain http: whoever is on the way to the collector reads the headers of \
             traces.headers_file"
                .to_owned(),
        );
    }
    remarks
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key that is refused after this change to the defaults.
    fn refused(change: impl FnOnce(&mut Config)) -> Option<&'static str> {
        let mut config = Config::default();
        change(&mut config);
        check(&config).err().map(|(key, _)| key)
    }

    #[test]
    fn the_defaults_can_work() {
        assert_eq!(refused(|_| {}), None);
        assert_eq!(remarks(&Config::default()).len(), 1, "mail alone");
    }

    #[test]
    fn argon2_is_never_weaker_than_its_equals() {
        let with = |memory, passes| {
            refused(|config| {
                config.passwords.argon2_memory_kib = memory;
                config.passwords.argon2_passes = passes;
            })
        };
        for (passes, memory) in ARGON2 {
            assert_eq!(with(memory, passes), None, "{passes}");
            assert_eq!(with(memory - 1, passes), Some("passwords.argon2_memory_kib"), "{passes}");
        }
        assert_eq!(with(8, 3), Some("passwords.argon2_memory_kib"));
        assert_eq!(with(7_167, 100), Some("passwords.argon2_memory_kib"));
        assert_eq!(with(1_048_577, 2), Some("passwords.argon2_memory_kib"));
        assert_eq!(with(19_456, 0), Some("passwords.argon2_passes"));
        assert_eq!(with(19_456, 101), Some("passwords.argon2_passes"));
    }

    #[test]
    fn limits_and_times_of_nothing_are_refused() {
        let zero = |change: fn(&mut super::super::ThrottleConfig)| {
            refused(|config| change(&mut config.throttle))
        };
        for key in [
            zero(|t| t.account_network_failures = 0),
            zero(|t| t.account_network_window_minutes = 0),
            zero(|t| t.account_network_wait_minutes = 0),
            zero(|t| t.account_failures = 0),
            zero(|t| t.network_failures = 0),
            zero(|t| t.network_window_minutes = 0),
            zero(|t| t.network_wait_minutes = 0),
            zero(|t| t.reset_address_per_hour = 0),
            zero(|t| t.reset_network_per_hour = 0),
            zero(|t| t.code_subject_per_hour = 0),
            zero(|t| t.code_address_per_hour = 0),
            zero(|t| t.code_network_per_hour = 0),
            zero(|t| t.trip_network_per_minute = 0),
            zero(|t| t.request_network_per_minute = 0),
            zero(|t| t.refusal_network_per_hour = 0),
        ] {
            assert!(key.is_some_and(|key| key.starts_with("throttle.")), "{key:?}");
        }
        for seconds in [0, MAX_TIMEOUT + 1] {
            let key = refused(|config| config.outbound.timeout_seconds = seconds);
            assert_eq!(key, Some("outbound.timeout_seconds"));
        }
        for seconds in [0, 61] {
            let key = refused(|config| config.server.header_seconds = seconds);
            assert_eq!(key, Some("server.header_seconds"));
        }
        for number in [9, 60_001] {
            let key = refused(|config| config.server.max_connections = number);
            assert_eq!(key, Some("server.max_connections"));
        }
        let leeway = |seconds| refused(|config| config.outbound.leeway_seconds = seconds);
        assert_eq!((leeway(0), leeway(60)), (None, None));
        assert_eq!(leeway(61), Some("outbound.leeway_seconds"));
    }

    #[test]
    fn a_level_that_the_log_would_take_for_a_module_is_refused() {
        let with = |level: &str| refused(|config| config.log.level = level.to_owned());
        for good in ["error", "warn", "info", "debug", "trace", "info,store=debug,server::mail=off"]
        {
            assert_eq!(with(good), None, "{good}");
        }
        for bad in ["", "verbose", "info,", "store=loud", "=info", "info, store=debug"] {
            assert_eq!(with(bad), Some("log.level"), "{bad}");
        }
    }

    #[test]
    fn traces_go_to_a_bare_address_and_their_share_is_a_share() {
        let to = |url: &str| {
            refused(|config| config.traces.url = Some(Url::parse(url).expect("an address")))
        };
        for good in ["http://collector:4318", "https://traces.example/otlp/v1/traces"] {
            assert_eq!(to(good), None, "{good}");
        }
        for bad in [
            "ftp://collector",
            "http://user@collector",
            "http://:password@collector",
            "http://collector/?key=1",
            "http://collector/#1",
        ] {
            assert_eq!(to(bad), Some("traces.url"), "{bad}");
        }
        let ratio = |ratio| refused(|config| config.traces.ratio = ratio);
        assert_eq!((ratio(0.0), ratio(1.0)), (None, None));
        for bad in [-0.1, 1.1, f64::NAN] {
            assert_eq!(ratio(bad), Some("traces.ratio"), "{bad}");
        }
        let named = refused(|config| config.traces.service_name = " ".to_owned());
        assert_eq!(named, Some("traces.service_name"));
    }

    #[test]
    fn headers_for_a_collector_that_travel_in_clear_are_remarked_on() {
        let remarked = |url: &str| {
            let mut config = Config::default();
            config.traces.url = Some(Url::parse(url).expect("an address"));
            config.traces.headers_file = Some("headers".into());
            remarks(&config).iter().any(|remark| remark.contains("traces.url"))
        };
        assert!(remarked("http://collector:4318"));
        assert!(!remarked("https://collector:4318") && !remarked("http://127.0.0.1:4318"));
    }

    #[test]
    fn another_port_on_loopback_is_remarked_on() {
        let mut config = Config::default();
        config.server.listen.set_port(9090);
        assert!(remarks(&config)[0].contains("9090"), "{:?}", remarks(&config));
    }
}
