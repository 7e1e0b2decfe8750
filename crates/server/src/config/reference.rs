//! Every key, its default and what it is for: the source of `docs/configuration.md`.

use std::fmt::Write;

/// One key: name, kind, default as TOML, meaning.
struct Key(&'static str, Kind, &'static str, &'static str);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Switch,
    List,
}

const KEYS: &[Key] = &[
    Key("server.listen", Kind::Text, "\"127.0.0.1:8080\"", "Address and port of the listener."),
    Key(
        "server.public_url",
        Kind::Text,
        "\"http://127.0.0.1:8080\"",
        "What browsers call it. Links, redirect URIs and cookies follow from this, never from the \
         Host header. https, except on loopback.",
    ),
    Key(
        "server.trusted_proxies",
        Kind::List,
        "[]",
        "Addresses or networks of proxies whose X-Forwarded-* and X-Original-* headers are \
         believed. Whoever else sends them is ignored, counted, and named in the log.",
    ),
    Key(
        "server.max_connections",
        Kind::Number,
        "800",
        "Most connections at once; whoever comes then waits for a place. Each needs an open file \
         (`ulimit -n`), and a sign-in at a provider one more: 10–60000.",
    ),
    Key(
        "server.header_seconds",
        Kind::Number,
        "10",
        "How long the head of a request may take, and how long a connection may be idle: 1–60. \
         Trusted proxies have 75 seconds.",
    ),
    Key(
        "database.url",
        Kind::Text,
        "\"sqlite:vestibule-data/vestibule.db\"",
        "`sqlite:PATH` for one process and its command line, `postgres://USER@HOST/NAME` for many.",
    ),
    Key("database.url_file", Kind::Text, "", "A file that holds the URL instead."),
    Key("database.max_connections", Kind::Number, "10", "Most connections at once."),
    Key(
        "keys.file",
        Kind::Text,
        "\"vestibule-data/vestibule.key\"",
        "The key file; made on first start, readable by its owner only. Keep a copy of it apart \
         from the database: without it nothing encrypted can be opened.",
    ),
    Key("mail.from", Kind::Text, "\"Vestibule <vestibule@localhost>\"", "Sender of every mail."),
    Key(
        "mail.smtp_url",
        Kind::Text,
        "",
        "`smtps://HOST:465`, `smtp://HOST:587?tls=required` (STARTTLS) or `smtp://127.0.0.1:PORT` \
         (plain, on this machine alone). Without it, mail waits in the queue, and nobody can \
         be sent a code (`prove_mailbox`).",
    ),
    Key("mail.username", Kind::Text, "", "User name at the SMTP server."),
    Key("mail.password_file", Kind::Text, "", "A file that holds the password there."),
    Key("passwords.min_length", Kind::Number, "15", "Fewest characters of a new password: 12–64."),
    Key(
        "passwords.argon2_memory_kib",
        Kind::Number,
        "19456",
        "Argon2id memory, in KiB: at least 47104 with 1 pass, 19456 with 2, 12288 with 3, 9216 \
         with 4, 7168 with 5 or more.",
    ),
    Key("passwords.argon2_passes", Kind::Number, "2", "Argon2id passes."),
    Key(
        "passwords.workers",
        Kind::Number,
        "0",
        "Threads that hash; 0 chooses one less than there are cores, at least one.",
    ),
    Key(
        "passwords.queue",
        Kind::Number,
        "64",
        "Most sign-ins that wait for a thread; past it the answer is 503 with Retry-After.",
    ),
    Key(
        "throttle.account_network_failures",
        Kind::Number,
        "9",
        "Failures for one account from one network before it must wait.",
    ),
    Key(
        "throttle.account_network_window_minutes",
        Kind::Number,
        "15",
        "Minutes in which those failures count.",
    ),
    Key("throttle.account_network_wait_minutes", Kind::Number, "6", "Minutes to wait then."),
    Key(
        "throttle.account_failures",
        Kind::Number,
        "100",
        "Failures in a row for one account, over all networks, before only a password reset helps \
         on devices that never signed in to it. Known devices count for themselves.",
    ),
    Key(
        "throttle.network_failures",
        Kind::Number,
        "100",
        "Failures from one network (IPv6: /64) over all accounts before it must wait.",
    ),
    Key("throttle.network_window_minutes", Kind::Number, "15", "Minutes in which those count."),
    Key("throttle.network_wait_minutes", Kind::Number, "15", "Minutes to wait then."),
    Key("throttle.reset_address_per_hour", Kind::Number, "3", "Reset mails for one address."),
    Key("throttle.reset_network_per_hour", Kind::Number, "20", "Reset mails for one network."),
    Key(
        "throttle.code_subject_per_hour",
        Kind::Number,
        "3",
        "Codes for a mailbox (`prove_mailbox`) for one person at a provider.",
    ),
    Key("throttle.code_address_per_hour", Kind::Number, "10", "The same for one address."),
    Key("throttle.code_network_per_hour", Kind::Number, "60", "The same for one network."),
    Key(
        "throttle.trip_network_per_minute",
        Kind::Number,
        "120",
        "Trips to a provider that one network may begin at once, and again in each minute.",
    ),
    Key(
        "throttle.request_network_per_minute",
        Kind::Number,
        "120",
        "Requests of applications that one network may leave here at once, and again in each \
         minute: those that wait for a sign-in, and those that public clients push.",
    ),
    Key(
        "throttle.refusal_network_per_hour",
        Kind::Number,
        "100",
        "Answers that belong to no trip, of one network, that are taken down in the audit at once \
         and again in each hour; the next is told to wait. Ten times as many are taken down from \
         all networks together; past that they are answered without a support code.",
    ),
    Key(
        "sessions.customers_without_database_seconds",
        Kind::Number,
        "60",
        "How long customers stay signed in while the database is away. Everybody else is refused \
         at once.",
    ),
    Key(
        "outbound.extra_ca_files",
        Kind::List,
        "[]",
        "PEM files of further certificate authorities that providers may be signed by.",
    ),
    Key(
        "outbound.timeout_seconds",
        Kind::Number,
        "10",
        "For one answer of a provider, in all: 1–15.",
    ),
    Key(
        "outbound.leeway_seconds",
        Kind::Number,
        "60",
        "How far the clock of a provider may be from ours when its tokens are weighed: 0–60.",
    ),
    Key(
        "forward_auth.token",
        Kind::Switch,
        "true",
        "Whether a reverse proxy is given `X-Vestibule-Token` besides the other headers.",
    ),
    Key("log.format", Kind::Text, "\"text\"", "`text` or `json`."),
    Key(
        "log.level",
        Kind::Text,
        "\"info\"",
        "`error`, `warn`, `info`, `debug` or `trace`; also per module: `info,store=debug`.",
    ),
    Key(
        "audit.visitor_refusals_days",
        Kind::Number,
        "90",
        "Days that the audit keeps refusals of people who were not signed in.",
    ),
    Key(
        "audit.keep_days",
        Kind::Number,
        "0",
        "Days that the audit keeps everything else; 0 keeps it for ever.",
    ),
    Key(
        "operations.listen",
        Kind::Text,
        "",
        "Address and port of a listener of its own for /metrics (Prometheus), /readyz and \
         /healthz. Without it there are no metrics. Keep it away from the public: a private \
         address, or loopback.",
    ),
    Key(
        "traces.url",
        Kind::Text,
        "",
        "Where an OpenTelemetry collector takes OTLP over HTTP: `http://collector:4318`, to which \
         `/v1/traces` is added, or the whole address. Without it nothing is traced. What a trace \
         says is in [traces](traces.md).",
    ),
    Key(
        "traces.headers_file",
        Kind::Text,
        "",
        "A file of headers for the collector, one `Name: value` a line.",
    ),
    Key(
        "traces.service_name",
        Kind::Text,
        "\"vestibule\"",
        "What the collector calls this service.",
    ),
    Key(
        "traces.ratio",
        Kind::Number,
        "1.0",
        "Share of the requests that are traced, of those that come without a `traceparent`: 0–1. \
         The others are traced if whoever asks traces them.",
    ),
];

/// `section.key` of everything that can be set.
pub(super) fn known_keys() -> Vec<&'static str> {
    KEYS.iter().map(|key| key.0).collect()
}

/// Whether the key holds a text, so that `8` in the environment stays `"8"`.
pub(super) fn holds_text(key: &str) -> bool {
    KEYS.iter().any(|known| known.0 == key && known.1 == Kind::Text)
}

/// `docs/configuration.md`, written by `make gen`.
pub fn reference() -> String {
    let mut page = String::from(
        "# Configuration\n\n\
         Written by `make gen`; change `crates/server/src/config/reference.rs` instead.\n\n\
         `vestibule.toml` in the working directory, or the file named by `--config`. Every key may \
         be left out. An environment variable `VESTIBULE__SECTION__KEY` overrides its key. Unknown \
         keys are refused. `vestibule config check` reads it all and says what is wrong.\n\n\
         Everything about people, applications, providers and policies is data, not \
         configuration: see `vestibule help`.\n",
    );
    let mut section = "";
    for Key(name, _, default, meaning) in KEYS {
        let (own, key) = name.split_once('.').unwrap_or((name, ""));
        if own != section {
            section = own;
            // Writing to a String cannot fail.
            let _ = write!(page, "\n## [{own}]\n| key | default | meaning |\n|---|---|---|\n");
        }
        let default =
            if default.is_empty() { "not set".to_owned() } else { format!("`{default}`") };
        let _ = writeln!(page, "| `{key}` | {default} | {meaning} |");
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use serde::Deserialize;

    #[test]
    fn the_reference_names_every_key_and_its_true_default() {
        let mut file = toml::Table::new();
        for Key(name, _, default, _) in KEYS.iter().filter(|key| !key.2.is_empty()) {
            let (section, key) = name.split_once('.').expect("section.key");
            let value: toml::Table = format!("v = {default}").parse().expect("TOML");
            let entry = file.entry(section).or_insert(toml::Value::Table(toml::Table::new()));
            entry.as_table_mut().expect("table").insert(key.to_owned(), value["v"].clone());
        }
        let written = Config::deserialize(toml::Value::Table(file)).expect("known keys");
        assert_eq!(format!("{written:?}"), format!("{:?}", Config::default()));
    }
}
