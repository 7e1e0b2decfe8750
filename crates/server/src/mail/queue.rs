//! The queue's worker: takes what is due, sends it, and tries again later when it cannot.

use std::time::Duration;

use identity::entropy::{Entropy, draw};
use identity::ids::MailId;
use store::{By, Happened, LeasedMail};

use super::compose::{PATIENCE, Task, compose};
use super::smtp::{SEND_LIMIT, Smtp};
use super::{Letter, place};
use crate::app::App;

/// Between two looks into an empty queue.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Mails taken at once.
const BATCH: u32 = 8;

/// For how long mails are taken: longer than a batch can last, so that no two workers send one.
const LEASE: Duration = Duration::from_secs(SEND_LIMIT.as_secs() * BATCH as u64 + 60);

/// Wait after the first failure; it doubles from try to try.
const FIRST_WAIT: Duration = Duration::from_secs(15);

/// Longest wait between two tries.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// Most of a mail server's answer that is kept.
const ERROR_LIMIT: usize = 300;

/// Works for ever. What is under way when the house closes is sent again after its lease: a mail
/// twice is better than none.
pub async fn work(app: App) {
    let smtp = match Smtp::new(&app.config.mail) {
        Ok(Some(smtp)) => smtp,
        // Said when the house was opened; see `Config::remarks`.
        Ok(None) => return,
        Err(error) => {
            tracing::error!(%error, "mail cannot be sent and waits in the queue");
            return;
        }
    };
    loop {
        match round(&app, &smtp).await {
            Ok(0) => tokio::time::sleep(LOOK_EVERY).await,
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot read the mail queue");
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
    }
}

/// Takes what is due and says how much it was.
async fn round(app: &App, smtp: &Smtp) -> Result<usize, store::Error> {
    let mails = app.store.lease_mails(app.now(), BATCH, LEASE).await?;
    for mail in &mails {
        match deliver(app, smtp, mail).await {
            Ok(true) => app.store.mail_sent(&mail.id, app.now()).await?,
            Ok(false) => give_up(app, mail, "the mail server was away for too long").await?,
            Err(error) => put_off(app, mail, &error).await?,
        }
    }
    Ok(mails.len())
}

/// Does what a letter asks for; false when it is too late for that.
async fn deliver(app: &App, smtp: &Smtp, mail: &LeasedMail) -> Result<bool, String> {
    let letter = open(app, &mail.id, &mail.sealed)?;
    match compose(app, letter, mail.created_at, app.now())
        .await
        .map_err(|error| error.code().to_owned())?
    {
        Task::Nothing => Ok(true),
        Task::GiveUp => Ok(false),
        Task::Send(outgoing) => {
            let sent = smtp.send(&mail.id, &outgoing, app.now()).await;
            sent.map(|()| true).map_err(|error| error.to_string())
        }
    }
}

fn open(app: &App, id: &MailId, sealed: &str) -> Result<Letter, String> {
    let plain = app.keyring.open(sealed, &place(id)).map_err(|error| error.to_string())?;
    // The error would quote the letter.
    serde_json::from_str(plain.expose()).map_err(|_| "this version cannot read the letter".into())
}

async fn put_off(app: &App, mail: &LeasedMail, error: &str) -> Result<(), store::Error> {
    let now = app.now();
    let error: String = error.chars().take(ERROR_LIMIT).collect();
    let next = now.plus(wait_after(mail.tries, app.entropy.as_ref()));
    if next.since(mail.created_at) < PATIENCE {
        tracing::warn!(mail = %mail.id, tries = mail.tries, %error, "a mail has to wait");
        return app.store.mail_failed(&mail.id, &error, Some(next), now).await;
    }
    give_up(app, mail, &error).await
}

async fn give_up(app: &App, mail: &LeasedMail, error: &str) -> Result<(), store::Error> {
    let now = app.now();
    tracing::error!(mail = %mail.id, tries = mail.tries, error, "a mail is given up");
    app.store.mail_failed(&mail.id, error, None, now).await?;
    let given_up = Happened::refused("mail.send", "given_up")
        .with("mail", mail.id.as_str())
        .with("tries", mail.tries)
        .with("error", error);
    app.store.add_refusal(&given_up, &By::system(), now).await
}

/// Twice as long from try to try, and a quarter more or less, so that mails that failed together
/// do not all come back together.
fn wait_after(tries: u32, entropy: &dyn Entropy) -> Duration {
    let doubled = FIRST_WAIT.saturating_mul(1 << tries.saturating_sub(1).min(16));
    let [random] = draw::<1>(entropy);
    let share = 192 + u32::from(random) / 2;
    doubled.min(LONGEST_WAIT) * share / 256
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(u8);
    impl Entropy for Fixed {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(self.0);
        }
    }

    #[test]
    fn waits_grow_to_an_hour_and_differ() {
        assert_eq!(wait_after(1, &Fixed(128)), FIRST_WAIT);
        assert_eq!(wait_after(2, &Fixed(128)), FIRST_WAIT * 2);
        assert_eq!(wait_after(40, &Fixed(128)), LONGEST_WAIT);
        assert!(wait_after(3, &Fixed(0)) < wait_after(3, &Fixed(255)));
        assert!(wait_after(2, &Fixed(0)) > wait_after(1, &Fixed(255)));
    }
}
