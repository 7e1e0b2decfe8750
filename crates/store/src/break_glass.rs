//! Seals of break-glass administrators: made, listed, taken away, and opened once.

mod open;

use identity::applications::{Application, ApplicationKey};
use identity::break_glass::{Owner, SealRefusal, Standing, may_seal};
use identity::ids::UserId;
use identity::secret::Digest;
use identity::time::Moment;
use identity::users::User;

use crate::Store;
use crate::audit::Happened;
use crate::by::By;
use crate::db::{Mode, Tx, transact};
use crate::error::{Fault, Result};
use crate::users::{UserRow, user_columns};
use crate::value::args;

pub use open::{GlassOutcome, Opening};

/// A seal, and what it is worth now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// The door that it opens.
    pub application: ApplicationKey,
    /// Whom it is for, as they are now.
    pub user: User,
    /// When it was sealed.
    pub sealed_at: Moment,
    /// When its code was used.
    pub opened_at: Option<Moment>,
    /// What it is worth.
    pub standing: Standing,
}

/// What came of sealing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealOutcome {
    /// The code is sealed; one before it is forgotten.
    Sealed,
    /// It may not be; nothing was written.
    Refused(SealRefusal),
}

#[derive(sqlx::FromRow)]
struct SealRow {
    b_application: String,
    b_sealed_at: i64,
    b_opened_at: Option<i64>,
    b_is_administrator: bool,
    b_has_password: bool,
    #[sqlx(flatten)]
    user: UserRow,
}

impl Store {
    /// Seals a code for somebody at a door, in the place of any before.
    pub async fn add_break_glass_seal(
        &self,
        door: &Application,
        user: &UserId,
        code: &Digest,
        by: &By,
        now: Moment,
    ) -> Result<SealOutcome> {
        const SEAL: &str = "INSERT INTO break_glass_seals (application, user_id, code_digest, \
             sealed_at, opened_at) VALUES ($1, $2, $3, $4, NULL) \
             ON CONFLICT (application, user_id) DO UPDATE SET \
             code_digest = excluded.code_digest, sealed_at = excluded.sealed_at, opened_at = NULL";
        transact!(self.db, Mode::Plain, |tx| {
            let user = tx.hold(user).await?;
            let owner = tx.seal_owner(&user).await?;
            if let Err(refusal) = may_seal(door, &user, owner) {
                return Ok(SealOutcome::Refused(refusal));
            }
            tx.run(SEAL, args![&door.key, &user.id, code, now]).await?;
            let happened = Happened::done("break_glass.seal").about(&user.id).at(&door.key);
            self.note(tx, &happened, by, now).await?;
            Ok(SealOutcome::Sealed)
        })
    }

    /// Every seal with what it is worth now, by application, the oldest first.
    pub async fn list_break_glass_seals(&self) -> Result<Vec<Seal>> {
        const SQL: &str = concat!(
            "SELECT ",
            user_columns!(),
            ", s.application AS b_application, s.sealed_at AS b_sealed_at, \
             s.opened_at AS b_opened_at, EXISTS (SELECT 1 FROM user_groups m \
             JOIN groups g ON g.id = m.group_id WHERE m.user_id = u.id AND g.built_in) \
             AS b_is_administrator, EXISTS (SELECT 1 FROM passwords w WHERE w.user_id = u.id) \
             AS b_has_password FROM break_glass_seals s JOIN users u ON u.id = s.user_id \
             ORDER BY s.application, s.sealed_at, s.user_id"
        );
        let rows: Vec<SealRow> = self.db.all(SQL, args![]).await?;
        let mut seals = Vec::with_capacity(rows.len());
        for row in rows {
            let user = row.user.read()?;
            let owner = Owner {
                status: user.status,
                is_administrator: row.b_is_administrator,
                has_password: row.b_has_password && self.find_password_allowed(&user).await?,
            };
            seals.push(Seal {
                application: ApplicationKey::from_stored(row.b_application),
                sealed_at: Moment::from_micros(row.b_sealed_at),
                opened_at: row.b_opened_at.map(Moment::from_micros),
                standing: Standing::of(row.b_opened_at.is_some(), owner),
                user,
            });
        }
        Ok(seals)
    }

    /// Whether a code opens this door now for somebody, should it take no passwords.
    pub async fn has_usable_seal(&self, door: &ApplicationKey) -> Result<bool> {
        let seals = self.list_break_glass_seals().await?;
        let usable = |seal: &Seal| seal.application == *door && seal.standing == Standing::Usable;
        Ok(seals.iter().any(usable))
    }

    /// Takes a seal away, used or not; false where there is none. `Conflict(LockOut)` where no
    /// administrator would be known to get in any more, unless it is forced.
    pub async fn remove_break_glass_seal(
        &self,
        door: &ApplicationKey,
        user: &UserId,
        by: &By,
        now: Moment,
    ) -> Result<bool> {
        const SQL: &str = "DELETE FROM break_glass_seals WHERE application = $1 AND user_id = $2";
        transact!(self.db, Mode::Plain, |tx| {
            let ways = tx.ways_in(by, now).await?;
            let removed = tx.run(SQL, args![door, user]).await? > 0;
            if removed {
                tx.keep_ways_in(ways, now).await?;
                let happened = Happened::done("break_glass.unseal").about(user).at(door);
                self.note(tx, &happened, by, now).await?;
            }
            Ok(removed)
        })
    }
}

impl Tx {
    /// What a seal of this user's depends on, as it is now.
    pub(crate) async fn seal_owner(&mut self, user: &User) -> std::result::Result<Owner, Fault> {
        const PASSWORD: &str = "SELECT count(*) FROM passwords WHERE user_id = $1";
        let (passwords,): (i64,) = self.one(PASSWORD, args![&user.id]).await?;
        Ok(Owner {
            status: user.status,
            is_administrator: self.is_administrator(&user.id).await?,
            has_password: passwords > 0 && self.may_have_password(user).await?,
        })
    }
}
