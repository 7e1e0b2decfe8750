//! Whom the house needs: names, the mail server, identity providers, and the proxies of protected
//! hosts.

use std::collections::BTreeSet;

use identity::federation::provider::{Provider, ProviderState};
use identity::forward_auth::ProtectedHost;
use url::Url;

use super::clocks::Clocks;
use super::own::{Opened, lost};
use super::{Bag, Finding};
use crate::federation::save::to_confirm;
use crate::mail::smtp::Smtp;

/// Whether the names that people and mail need lead anywhere.
pub(super) async fn names(bag: Bag<'_>, hosts: &[ProtectedHost], findings: &mut Vec<Finding>) {
    const CHECK: &str = "names";
    let config = bag.config;
    let urls = std::iter::once(&config.server.public_url).chain(&config.mail.smtp_url);
    let mut wanted: BTreeSet<String> = urls.filter_map(host).collect();
    let origins = hosts.iter().filter_map(|host| Url::parse(host.origin.as_str()).ok());
    wanted.extend(origins.filter_map(|url| host(&url)));
    let mut missing = Vec::new();
    for name in &wanted {
        if let Err(error) = tokio::net::lookup_host((name.as_str(), 0)).await {
            missing.push(format!("{name} ({error})"));
        }
    }
    findings.push(if missing.is_empty() {
        let names: Vec<&str> = wanted.iter().map(String::as_str).collect();
        Finding::good(CHECK, format!("All lead to an address: {}.", names.join(", ")))
    } else {
        let said = format!("No address for: {}.", missing.join(", "));
        Finding::wrong(CHECK, said, "Add them to DNS, or correct the names here.")
    });
}

fn host(url: &Url) -> Option<String> {
    url.host_str().map(|host| host.trim_matches(['[', ']']).to_owned())
}

/// Whether the mail server takes us: the connection, its encryption, and our password.
pub(super) async fn mail(bag: Bag<'_>, findings: &mut Vec<Finding>) {
    const CHECK: &str = "mail";
    let Ok(Some(smtp)) = Smtp::new(&bag.config.mail) else {
        // That there is none has been remarked on already.
        findings.push(Finding::left_out(CHECK, "There is no mail server to look at."));
        return;
    };
    findings.push(match smtp.try_connection().await {
        Ok(()) => Finding::good(CHECK, "The mail server takes us."),
        Err(error) => {
            let advice = "Look at mail.smtp_url, mail.username and mail.password_file.";
            Finding::wrong(CHECK, format!("No mail goes out: {error}."), advice)
        }
    });
}

/// Whether every provider that people sign in with is there, and is who it was when it was saved.
pub(super) async fn providers(
    bag: Bag<'_>,
    house: &Opened,
    findings: &mut Vec<Finding>,
    clocks: &mut Clocks,
) {
    const CHECK: &str = "provider";
    let all = match house.store.list_providers().await {
        Ok(all) => all,
        Err(error) => {
            findings.push(lost(&error));
            return;
        }
    };
    for provider in all.iter().filter(|one| one.state == ProviderState::Enabled) {
        let key = &provider.key;
        findings.push(
            match bag.upstream.discover(&provider.issuer, &provider.allow_private).await {
                Err(error) => {
                    let advice = "Nobody signs in with it until it answers; ask whoever runs it.";
                    Finding::wrong(CHECK, format!("{key}: {error}."), advice)
                }
                Ok(read) => {
                    clock_of(bag, provider, clocks).await;
                    let changed = to_confirm(provider, &read);
                    if changed.is_empty() {
                        Finding::good(CHECK, format!("{key} answers, and is where it was."))
                    } else {
                        let said = format!("{key}: {}.", changed.join("; "));
                        let advice = format!(
                            "Ask whoever runs it whether that is meant; then: vestibule providers \
                         refresh {key} --confirm"
                        );
                        Finding::remark(CHECK, said, advice)
                    }
                }
            },
        );
    }
}

async fn clock_of(bag: Bag<'_>, provider: &Provider, clocks: &mut Clocks) {
    let keys = &provider.endpoints.jwks;
    if let Ok(reply) = bag.upstream.look(keys, &provider.allow_private, &[]).await
        && let Some(theirs) = reply.date()
    {
        clocks.add(format!("provider {}", provider.key), theirs, bag.clock.now());
    }
}

/// Whether the proxy of a protected host passes our paths on.
pub(super) async fn protected(bag: Bag<'_>, host: &ProtectedHost) -> Finding {
    const CHECK: &str = "protected_host";
    let origin = &host.origin;
    // The operator protects it, so it may be at a private address.
    let own = [host.authority().to_owned()];
    let start = format!("{origin}/.vestibule/start");
    let advice = "Let its proxy pass /.vestibule/* to us, as in docs/reverse-proxy.md, and list \
                  the proxy in server.trusted_proxies.";
    let house = bag.config.server.public_url.as_str();
    match bag.upstream.look(&start, &own, &[]).await {
        Ok(reply) if reply.location().is_some_and(|to| to.starts_with(house)) => {
            Finding::good(CHECK, format!("{origin} leads to the login of {}.", host.application))
        }
        Ok(reply) => {
            let said = format!("{start} answers with HTTP status {} of its own.", reply.status());
            Finding::wrong(CHECK, said, advice)
        }
        Err(fault) => Finding::wrong(CHECK, format!("{start}: {fault}."), advice),
    }
}
