//! The public URL, as a visitor comes to it: who answers, by which certificate, and what proxies in
//! front of us say and let through.

use identity::time::Moment;
use serde::Deserialize;
use url::{Position, Url};

use super::certificate::{AHEAD, holds_at};
use super::clocks::Clocks;
use super::own::Opened;
use super::probe::{HEADER, Seen, question};
use super::{Bag, Finding};
use crate::federation::upstream::WireFault;

const URL_CHECK: &str = "public_url";
const PROXY_CHECK: &str = "proxy_headers";

/// An address that nobody has (RFC 5737): who is seen there was believed a forged header.
const FORGED: &str = "192.0.2.1";

/// What `/healthz` answers, as far as we read it.
#[derive(Deserialize)]
struct Health {
    status: String,
    seen: Option<Seen>,
}

/// Goes to the public URL and looks at what comes back.
pub(super) async fn look(
    bag: Bag<'_>,
    house: Option<&Opened>,
    findings: &mut Vec<Finding>,
    clocks: &mut Clocks,
) {
    let url = &bag.config.server.public_url;
    let health = match ask(bag, house).await {
        Ok(health) => health,
        Err(fault) => {
            findings.push(unreachable(url, &fault));
            let said = "Nobody has answered at the public URL.";
            findings.push(Finding::left_out(PROXY_CHECK, said));
            return;
        }
    };
    findings.push(match (&health.seen, house) {
        (Some(seen), _) => ours(url, seen),
        (None, None) => {
            let said = format!("Somebody answers at {url}; who, only an open house can tell.");
            Finding::left_out(URL_CHECK, said)
        }
        (None, Some(_)) => Finding::wrong(
            URL_CHECK,
            format!("What answers at {url} is another house than this one."),
            "Start this one there, or run the doctor with the configuration of the other: they \
             have different keys.",
        ),
    });
    findings.extend(certificate(bag, url).await);
    match &health.seen {
        None => findings.push(Finding::left_out(PROXY_CHECK, "Only our own house can tell.")),
        Some(seen) => {
            clocks.add("the house that serves", Moment::from_micros(seen.now), bag.clock.now());
            findings.push(proxies(url, seen));
        }
    }
}

async fn ask(bag: Bag<'_>, house: Option<&Opened>) -> Result<Health, WireFault> {
    let url = &bag.config.server.public_url;
    // Our own address may well be a private one.
    let own = [url[Position::BeforeHost..Position::AfterPort].to_owned()];
    let asked = house.map(|house| question(&house.keyring, bag.entropy.as_ref(), bag.clock.now()));
    let mut headers = vec![("x-forwarded-for", FORGED)];
    let asked = asked.and_then(Result::ok);
    headers.extend(asked.as_ref().map(|asked| (HEADER, asked.as_str())));
    let address = format!("{}healthz", url.as_str());
    let reply = bag.upstream.look(&address, &own, &headers).await?;
    let body = reply.good_json()?;
    let health: Option<Health> = serde_json::from_slice(body).ok();
    health
        .filter(|health| health.status == "ok")
        .ok_or_else(|| WireFault::NotJson("something else than a house's health".to_owned()))
}

fn unreachable(url: &Url, fault: &WireFault) -> Finding {
    let advice = match fault {
        WireFault::Unreachable(_) | WireFault::TimedOut => {
            "Start the house, and look at what stands in front of it: DNS, firewall, proxy, \
             certificate."
        }
        WireFault::Status(_) | WireFault::NotJson(_) => {
            "Let the proxy in front pass every path on to the house."
        }
        _ => "Correct server.public_url.",
    };
    Finding::wrong(URL_CHECK, format!("{url}: {fault}."), advice)
}

fn ours(url: &Url, seen: &Seen) -> Finding {
    let own = env!("CARGO_PKG_VERSION");
    if seen.version == own {
        return Finding::good(URL_CHECK, format!("This house answers at {url}."));
    }
    let said = format!("This house answers at {url}, but it is version {}.", seen.version);
    Finding::remark(URL_CHECK, said, format!("This program is {own}; start it there too."))
}

async fn certificate(bag: Bag<'_>, url: &Url) -> Option<Finding> {
    const CHECK: &str = "certificate";
    if url.scheme() != "https" {
        return None;
    }
    let days = AHEAD.as_secs() / (24 * 3600);
    let then = bag.clock.now().plus(AHEAD);
    Some(match holds_at(url, then, &bag.config.outbound).await {
        Ok(true) => Finding::good(CHECK, format!("It holds, and still will in {days} days.")),
        Ok(false) => {
            let said = format!("It holds, but in {days} days it will not.");
            Finding::remark(CHECK, said, "Renew it, and look why that did not happen by itself.")
        }
        Err(error) => {
            let said = format!("It holds; how long could not be found out: {error}.");
            Finding::left_out(CHECK, said)
        }
    })
}

/// Whether visitors are told apart by what they cannot make up.
fn proxies(url: &Url, seen: &Seen) -> Finding {
    let Seen { peer, address, forwarded_for, .. } = seen;
    let passed_on = forwarded_for == FORGED;
    match (seen.peer_is_trusted, address.to_string() == FORGED) {
        (true, true) if passed_on && is_this_machine(url) => Finding::left_out(
            PROXY_CHECK,
            format!("{url} is on this machine, whose word is believed; nothing was in between."),
        ),
        (true, true) if passed_on => Finding::wrong(
            PROXY_CHECK,
            format!("The proxy at {peer} passes X-Forwarded-For on as visitors write it."),
            "Let it write the visitor's address itself, as in docs/reverse-proxy.md: as it is, \
             anybody can pass for anybody, and no throttle holds.",
        ),
        (true, true) => Finding::left_out(
            PROXY_CHECK,
            format!(
                "The proxy at {peer} adds to X-Forwarded-For, and this machine counts as a proxy \
                 itself; run the doctor on another machine to see how visitors are seen."
            ),
        ),
        (true, false)
            if seen.address_is_trusted && *address == *peer && forwarded_for.is_empty() =>
        {
            Finding::wrong(
                PROXY_CHECK,
                format!("The proxy at {peer} does not say who the visitor is."),
                "Let it set X-Forwarded-For, as in docs/reverse-proxy.md: as it is, all visitors \
                 share one address and one throttle.",
            )
        }
        (true, false) => Finding::good(
            PROXY_CHECK,
            format!(
                "The proxy at {peer} is believed, and a forged header is not: we are {address}."
            ),
        ),
        (false, _) if passed_on => Finding::good(
            PROXY_CHECK,
            format!("A forged header is not believed: we are {address}, who connected."),
        ),
        (false, _) => Finding::wrong(
            PROXY_CHECK,
            format!("A proxy at {peer} stands in front and is not believed."),
            format!(
                "Add {peer} to server.trusted_proxies: as it is, all visitors share its address \
                 and its throttle."
            ),
        ),
    }
}

fn is_this_machine(url: &Url) -> bool {
    matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
}

#[cfg(test)]
mod tests {
    use super::super::Standing;
    use super::*;

    /// What is found when the house sees this.
    fn found(trusted: &[&str], peer: &str, forwarded_for: &str) -> Standing {
        let trusted: Vec<_> =
            trusted.iter().filter_map(|text| crate::network::Network::parse(text)).collect();
        let peer = peer.parse().expect("an address");
        let lines = if forwarded_for.is_empty() { vec![] } else { vec![forwarded_for] };
        let address = crate::network::client_address(peer, &lines, &trusted);
        let believes = |address| trusted.iter().any(|network| network.contains(address));
        let seen = Seen {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            now: 0,
            peer,
            peer_is_trusted: believes(peer),
            forwarded_for: forwarded_for.to_owned(),
            address,
            address_is_trusted: believes(address),
        };
        let url = Url::parse("https://login.example/").expect("an address");
        proxies(&url, &seen).standing
    }

    #[test]
    fn whoever_can_be_made_up_and_whoever_is_not_told_apart_is_wrong() {
        let proxy = ["10.0.0.1"];
        for (trusted, peer, forwarded_for, standing) in [
            // No proxy.
            (&[][..], "203.0.113.7", FORGED, Standing::Good),
            // One that adds, or overwrites.
            (&proxy, "10.0.0.1", "192.0.2.1, 203.0.113.7", Standing::Good),
            (&proxy, "10.0.0.1", "203.0.113.7", Standing::Good),
            // One that lets forged headers through.
            (&proxy, "10.0.0.1", FORGED, Standing::Wrong),
            // One that says nothing.
            (&proxy, "10.0.0.1", "", Standing::Wrong),
            // One that nobody has told us of.
            (&[], "10.0.0.1", "192.0.2.1, 203.0.113.7", Standing::Wrong),
            (&[], "10.0.0.1", "", Standing::Wrong),
            // The doctor's own machine counts as a proxy.
            (&["10.0.0.0/8"], "10.0.0.1", "192.0.2.1, 10.0.0.2", Standing::LeftOut),
        ] {
            let got = found(trusted, peer, forwarded_for);
            assert_eq!(got, standing, "{trusted:?} {peer} {forwarded_for}");
        }
    }
}
