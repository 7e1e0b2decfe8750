//! The three addresses of a demo, taken before anything else happens.

use std::fs;
use std::path::Path;

use tokio::net::TcpListener;

use super::Outcome;

/// Where Vestibule is unless somebody says otherwise.
const USUAL_PORT: u16 = 8480;

/// In the folder of a demo that is kept: its ports, in the order of [`Places`].
const FILE: &str = "ports";

/// Where one part is.
pub(super) struct Place {
    pub(super) listener: TcpListener,
    pub(super) port: u16,
    /// `http://127.0.0.1:{port}`
    pub(super) url: String,
}

/// Where every part is.
pub(super) struct Places {
    pub(super) vestibule: Place,
    pub(super) acme: Place,
    pub(super) shop: Place,
}

impl Places {
    /// Takes the port and the two after it. A demo that is kept in a folder stays at its own: its
    /// addresses are in its data, as they are in every OpenID client's.
    pub(super) async fn take(port: Option<u16>, folder: Option<&Path>) -> Outcome<Self> {
        let kept = folder.map(kept).transpose()?.flatten();
        let [vestibule, acme, shop] = match (kept, port) {
            (Some(kept), None | Some(0)) => kept,
            (Some(kept), Some(port)) if port == kept[0] => kept,
            (Some([first, ..]), Some(_)) => {
                let text = format!(
                    "the demo in that folder was made for port {first}; start it without --port, \
                     or choose another folder"
                );
                return Err(text.into());
            }
            (None, Some(0)) => [0; 3],
            (None, port) => following(port.unwrap_or(USUAL_PORT))?,
        };
        Ok(Self {
            vestibule: Place::take("Vestibule", vestibule).await?,
            acme: Place::take("Acme", acme).await?,
            shop: Place::take("the shop", shop).await?,
        })
    }

    /// Keeps the ports in the folder, for the next start there.
    pub(super) fn remember(&self, folder: &Path) -> Outcome<()> {
        let ports = [&self.vestibule, &self.acme, &self.shop].map(|place| place.port.to_string());
        Ok(fs::write(folder.join(FILE), ports.join(" "))?)
    }
}

impl Place {
    async fn take(who: &str, port: u16) -> Outcome<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(|error| {
            format!(
                "cannot listen on 127.0.0.1:{port} for {who} ({error}); stop what has that port, \
                 or choose three others: --port 9480 takes 9480, 9481 and 9482"
            )
        })?;
        let port = listener.local_addr()?.port();
        Ok(Self { listener, port, url: format!("http://127.0.0.1:{port}") })
    }
}

fn following(port: u16) -> Outcome<[u16; 3]> {
    match (port.checked_add(1), port.checked_add(2)) {
        (Some(second), Some(third)) => Ok([port, second, third]),
        _ => Err(format!(
            "a demo takes three ports, and none is after 65535: --port {port} is too high"
        )
        .into()),
    }
}

fn kept(folder: &Path) -> Outcome<Option<[u16; 3]>> {
    let file = folder.join(FILE);
    if !file.exists() {
        return Ok(None);
    }
    let text = fs::read_to_string(&file)?;
    let ports: Vec<u16> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let ports = <[u16; 3]>::try_from(ports).map_err(|_| {
        format!("{} does not hold three ports; choose an empty folder", file.display())
    })?;
    Ok(Some(ports))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_ports_follow_each_other_or_it_says_why_not() {
        assert_eq!(following(9000).expect("three"), [9000, 9001, 9002]);
        assert!(following(65_534).expect_err("no room").to_string().contains("65534"));
    }
}
