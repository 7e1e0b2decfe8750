//! Whether the codes that people are asked for can reach them.

use identity::federation::policy::Policy;
use store::Store;

use super::Finding;

const CHECK: &str = "mailbox_codes";

/// At every connection that asks newcomers for a code, where no mail goes out.
pub(super) async fn look(store: &Store, mail_goes_out: bool) -> Result<Vec<Finding>, store::Error> {
    if mail_goes_out {
        return Ok(Vec::new());
    }
    let (doors, providers) = (store.list_applications().await?, store.list_providers().await?);
    let mut findings = Vec::new();
    for connection in store.list_connections(None).await? {
        let door = doors.iter().find(|door| door.key == connection.application);
        let provider = providers.iter().find(|one| one.id == connection.provider);
        let (Some(door), Some(provider)) = (door, provider) else { continue };
        let policy = Policy::of(&connection.policy, &door.defaults, door.user_type);
        let link = policy.link.value.held_to(door.user_type, provider.authority);
        if link.asks(door.user_type).is_some_and(|asked| asked.mailbox()) {
            let said = format!(
                "{} has codes sent to people who are new at {}, and no mail goes out.",
                provider.key, door.key
            );
            let advice = format!(
                "Set mail.smtp_url, or run: vestibule providers change-connection {} \
                 --application {} --link ask_proof",
                provider.key, door.key
            );
            findings.push(Finding::wrong(CHECK, said, advice));
        }
    }
    Ok(findings)
}
