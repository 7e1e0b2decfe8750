//! Whether somebody gets in where passwords are off and the providers fail: what is sealed.

use identity::applications::Application;
use identity::break_glass::Standing;
use identity::users::UserType;
use store::{Seal, Store};

use super::Finding;

const CHECK: &str = "break_glass";

/// At every door of administrators that takes no passwords; the others need no glass to break.
pub(super) async fn look(store: &Store) -> Result<Vec<Finding>, store::Error> {
    let doors = store.list_applications().await?;
    let seals = store.list_break_glass_seals().await?;
    let closed = doors.iter().filter(|door| {
        // Administrators are staff.
        door.user_type == UserType::Staff && !door.local_login
    });
    Ok(closed.flat_map(|door| at(door, &seals)).collect())
}

fn at(door: &Application, seals: &[Seal]) -> Vec<Finding> {
    let key = &door.key;
    let own: Vec<&Seal> = seals.iter().filter(|seal| seal.application == *key).collect();
    if own.is_empty() {
        let said = format!("{key} takes no passwords, and no code is sealed for a bad day.");
        let advice = format!("Run: vestibule break-glass seal --application {key} --user ADDRESS");
        return vec![Finding::remark(CHECK, said, advice)];
    }
    let finding = |seal: &&Seal| match seal.standing {
        Standing::Usable => {
            Finding::good(CHECK, format!("A code is sealed for {} at {key}.", seal.user.email))
        }
        standing => {
            let email = &seal.user.email;
            let said = format!("What is sealed for {email} at {key} is {standing}.");
            let arguments = format!("--application {key} --user {email}");
            let advice = match standing {
                Standing::Opened => {
                    format!("Seal a new code: vestibule break-glass seal {arguments}")
                }
                _ => format!(
                    "Mend that (vestibule users activate, groups add-member administrators, users \
                     set-password), or take it away: vestibule break-glass unseal {arguments}"
                ),
            };
            Finding::remark(CHECK, said, advice)
        }
    };
    own.iter().map(finding).collect()
}
