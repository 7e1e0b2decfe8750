//! What a house has on its own machine: key file, database, and what is in it.

use identity::forward_auth::ProtectedHost;
use identity::oauth::clients::SigningAlgorithm;
use store::{Examined, Schema, Store};

use super::clocks::Clocks;
use super::{Bag, Finding, Standing};
use super::{glass, mailbox};
use crate::app::{OpenError, open_store};
use crate::keys::Keyring;
use crate::oauth::signing::{Signer, Tools};

/// A house that could be opened.
pub(super) struct Opened {
    pub(super) store: Store,
    pub(super) keyring: Keyring,
    signing: Result<Option<SigningAlgorithm>, String>,
}

/// What the configuration itself gives rise to.
pub(super) fn remarked(said: &str) -> Finding {
    let (check, standing, advice) = ("configuration", Standing::Remark, None);
    Finding { check, standing, said: said.to_owned(), advice }
}

/// Looks at database and key file, and opens them only when that makes and changes nothing.
pub(super) async fn open(
    bag: Bag<'_>,
    findings: &mut Vec<Finding>,
    clocks: &mut Clocks,
) -> Option<Opened> {
    let examined = Store::examine(bag.config.database.url.expose()).await;
    if let Ok(Some(Examined { now: Some(theirs), .. })) = &examined {
        clocks.add("the database", *theirs, bag.clock.now());
    }
    let lived_in = matches!(&examined, Ok(Some(one)) if one.schema != Schema::Missing);
    let ready = matches!(&examined, Ok(Some(one)) if one.schema == Schema::UpToDate);
    findings.extend(database(&examined));
    let file = bag.config.keys.file.display();
    if !bag.config.keys.file.exists() {
        findings.push(if lived_in {
            let said = format!("{file} is not there, and the database was made with one.");
            let advice = "Put the copy of the key file back: without it nothing encrypted opens.";
            Finding::wrong("key_file", said, advice)
        } else {
            Finding::left_out("key_file", format!("{file} is made by the first start."))
        });
        return None;
    }
    if !ready {
        let said = format!("{file} is there; only the database can tell whether it is the one.");
        findings.push(Finding::left_out("key_file", said));
        return None;
    }
    match opened(bag).await {
        Ok(house) => {
            let said = format!("{file} opens what is encrypted; others cannot read it.");
            findings.push(Finding::good("key_file", said));
            Some(house)
        }
        Err(error) => {
            let advice = "Restore the key file that this database was made with.";
            findings.push(Finding::wrong("key_file", format!("{error}."), advice));
            None
        }
    }
}

async fn opened(bag: Bag<'_>) -> Result<Opened, OpenError> {
    let (store, keyring) = open_store(bag.config, bag.clock, bag.entropy).await?;
    let tools = Tools { store: &store, keyring: &keyring, entropy: bag.entropy.as_ref() };
    let signing = Signer::read(tools)
        .await
        .map(|signer| signer.not_ready(bag.clock.now()))
        .map_err(|error| error.to_string());
    Ok(Opened { store, keyring, signing })
}

fn database(examined: &Result<Option<Examined>, store::Error>) -> Vec<Finding> {
    const CHECK: &str = "database";
    let found = match examined {
        Ok(Some(found)) => found,
        Ok(None) => {
            let said = "There is no database yet; the first start makes it.";
            return vec![Finding::left_out(CHECK, said)];
        }
        Err(error) => {
            let advice = "Look at database.url, and whether the server runs and lets us in.";
            return vec![Finding::wrong(CHECK, format!("{error}."), advice)];
        }
    };
    let engine = &found.engine;
    let schema = match found.schema {
        Schema::UpToDate => Finding::good(CHECK, format!("{engine} answers, and is up to date.")),
        Schema::Missing => {
            let said = format!("{engine} answers and is empty; the first start makes the tables.");
            Finding::left_out(CHECK, said)
        }
        Schema::Older => {
            let said = format!("{engine} answers; an older Vestibule has written it last.");
            let advice = "Back it up, then start this one: it brings the database up to date.";
            Finding::remark(CHECK, said, advice)
        }
        Schema::Newer => {
            let said = format!("{engine} answers; a newer Vestibule has written it already.");
            Finding::wrong(CHECK, said, "Start that newer version: this one must not write there.")
        }
    };
    let careless = (!found.durable).then(|| {
        let said = format!("{engine} forgets what it has acknowledged when its machine fails.");
        let advice = "Set fsync = on and synchronous_commit = on for this database.";
        Finding::remark(CHECK, said, advice)
    });
    std::iter::once(schema).chain(careless).collect()
}

/// Who can administer it, what signs, and whether time went on since the last entry.
pub(super) async fn people_and_keys(
    house: &Opened,
    mail_goes_out: bool,
    findings: &mut Vec<Finding>,
) {
    findings.push(administrators(&house.store).await.unwrap_or_else(|error| lost(&error)));
    findings.extend(glass::look(&house.store).await.unwrap_or_else(|error| vec![lost(&error)]));
    let codes = mailbox::look(&house.store, mail_goes_out).await;
    findings.extend(codes.unwrap_or_else(|error| vec![lost(&error)]));
    findings.push(match &house.signing {
        Ok(None) => Finding::good("signing_keys", "Every algorithm has a key that signs."),
        Ok(Some(algorithm)) => {
            let said = format!("No {algorithm} key can sign.");
            let advice = format!("Run: vestibule keys rotate --now --algorithm {algorithm}");
            Finding::wrong("signing_keys", said, advice)
        }
        Err(said) => Finding::wrong("signing_keys", format!("{said}."), "Run: vestibule keys list"),
    });
    findings.push(queues(&house.store).await.unwrap_or_else(|error| lost(&error)));
}

/// Hosts in front of which a proxy asks us.
pub(super) async fn protected_hosts(
    store: &Store,
    findings: &mut Vec<Finding>,
) -> Vec<ProtectedHost> {
    store.list_protected_hosts().await.unwrap_or_else(|error| {
        findings.push(lost(&error));
        Vec::new()
    })
}

/// The database answered a moment ago.
pub(super) fn lost(error: &store::Error) -> Finding {
    Finding::wrong("database", format!("{error}."), "Run the doctor again once it answers.")
}

async fn administrators(store: &Store) -> Result<Finding, store::Error> {
    const CHECK: &str = "administrators";
    Ok(match store.count_administrators().await? {
        0 => {
            let advice = "Run: vestibule setup-link";
            Finding::wrong(CHECK, "Nobody can administer this house.", advice)
        }
        1 => {
            let said = "One person alone can administer this house.";
            Finding::remark(CHECK, said, "Add a second one, so that a lost password is no end.")
        }
        many => Finding::good(CHECK, format!("{many} people can administer this house.")),
    })
}

async fn queues(store: &Store) -> Result<Finding, store::Error> {
    const CHECK: &str = "queues";
    let mails = store.count_mails().await?;
    let logouts = store.count_back_channel_logouts().await?;
    let said = format!(
        "{} mails and {logouts} logout messages wait; {} mails were given up.",
        mails.waiting, mails.failed
    );
    Ok(if mails.failed > 0 {
        let advice = "The log says why, at \"mail\"; look at the mail server.";
        Finding::remark(CHECK, said, advice)
    } else {
        Finding::good(CHECK, said)
    })
}
