//! Users: added, found, listed, changed.

mod status;

use identity::email::Email;
use identity::ids::{GroupId, PublicId, UserId, hex};
use identity::time::Moment;
use identity::users::{Birth, EmailStanding, Name, Population, Status, User, UserType};

use crate::Store;
use crate::audit::Happened;
use crate::by::By;
use crate::changes::ChangeKind;
use crate::db::{Mode, Tx, transact};
use crate::error::{Conflict, Fault, Meaning, Result};
use crate::groups::Grant;
use crate::page::{Page, Paging};
use crate::row::{Keyed, word};
use crate::value::args;

pub use status::{StatusOutcome, StatusWish};

/// A user to be added by an operator or an administrator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewUser {
    /// Which doors.
    pub user_type: UserType,
    /// Which set of users.
    pub population: Population,
    /// Their address.
    pub email: Email,
    /// What stands behind it.
    pub email_standing: EmailStanding,
    /// What they are called.
    pub name: Name,
    /// BCP 47 tag, when known.
    pub locale: Option<String>,
    /// Whether they may come in.
    pub status: Status,
    /// How they come to be.
    pub birth: Birth,
}

/// Which users to list. What is none does not narrow the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserFilter {
    /// Of this type.
    pub user_type: Option<UserType>,
    /// With this status.
    pub status: Option<Status>,
    /// Whose e-mail key begins so; give it folded (`identity::text::fold`).
    pub search: Option<String>,
}

/// What to change; what is none stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProfileChange {
    /// The names.
    pub name: Option<Name>,
    /// The language; `Some(None)` forgets it.
    pub locale: Option<Option<String>>,
    /// The address and what stands behind it.
    pub email: Option<(Email, EmailStanding)>,
}

/// Columns of a user, for `FROM users u`.
macro_rules! user_columns {
    () => {
        "u.id AS u_id, u.public_id AS u_public_id, u.user_type AS u_user_type, \
         u.population AS u_population, u.email AS u_email, u.email_key AS u_email_key, \
         u.email_standing AS u_email_standing, u.given_name AS u_given_name, \
         u.family_name AS u_family_name, u.locale AS u_locale, u.status AS u_status, \
         u.birth AS u_birth, u.created_at AS u_created_at"
    };
}
pub(crate) use user_columns;

#[derive(sqlx::FromRow)]
pub(crate) struct UserRow {
    u_id: String,
    u_public_id: String,
    u_user_type: String,
    u_population: String,
    u_email: String,
    u_email_key: String,
    u_email_standing: String,
    u_given_name: String,
    u_family_name: String,
    u_locale: Option<String>,
    u_status: String,
    u_birth: String,
    u_created_at: i64,
}

impl Keyed for UserRow {
    const KEY: &'static str = "u_id";
}

impl UserRow {
    pub(crate) fn read(self) -> std::result::Result<User, Fault> {
        Ok(User {
            id: UserId::from_stored(self.u_id),
            public_id: PublicId::from_stored(self.u_public_id),
            user_type: word(&self.u_user_type)?,
            population: Population::from_stored(self.u_population),
            email: Email::from_stored(self.u_email, self.u_email_key),
            email_standing: word(&self.u_email_standing)?,
            name: Name { given: self.u_given_name, family: self.u_family_name },
            locale: self.u_locale,
            status: word(&self.u_status)?,
            birth: word(&self.u_birth)?,
            created_at: Moment::from_micros(self.u_created_at),
        })
    }
}

const BY_ID: &str = concat!("SELECT ", user_columns!(), " FROM users u WHERE u.id = $1");
const BY_EMAIL: &str = concat!(
    "SELECT ",
    user_columns!(),
    " FROM users u WHERE u.user_type = $1 AND u.population = $2 AND u.email_key = $3"
);

/// One text per combination, so that each has its index and none depends on the planner seeing
/// through `$1 IS NULL OR …`.
macro_rules! listing {
    ($narrow:literal) => {
        concat!(
            "SELECT ",
            user_columns!(),
            " FROM users u WHERE u.email_order >= $1 AND u.email_order < $2 \
             AND (u.email_order > $3 OR (u.email_order = $3 AND u.id > $4))",
            $narrow,
            " ORDER BY u.email_order, u.id LIMIT $5"
        )
    };
}

impl Store {
    /// Adds a user and puts them into groups. `Conflict(EmailTaken)` also when a deleted user
    /// has the address; `NotFound` when a group is unknown; `Conflict(WrongUserType)` when a group
    /// is for others.
    pub async fn add_user(
        &self,
        new: &NewUser,
        groups: &[GroupId],
        by: &By,
        now: Moment,
    ) -> Result<User> {
        transact!(self.db, Mode::Plain, |tx| {
            let user = self.insert_user(tx, new, now).await.on_unique(Conflict::EmailTaken)?;
            for group in groups {
                tx.grant(group, &user, &Grant::Manual, now).await?;
            }
            let happened = Happened::done("user.add").about(&user.id);
            self.note(tx, &happened, by, now).await?;
            Ok(user)
        })
    }

    /// The user with this id, whatever their status.
    pub async fn find_user(&self, id: &UserId) -> Result<Option<User>> {
        let row: Option<UserRow> = self.db.opt(BY_ID, args![id]).await?;
        Ok(row.map(UserRow::read).transpose()?)
    }

    /// The user with this e-mail key, whatever their status.
    pub async fn find_user_by_email(
        &self,
        user_type: UserType,
        population: &Population,
        email_key: &str,
    ) -> Result<Option<User>> {
        let row: Option<UserRow> =
            self.db.opt(BY_EMAIL, args![user_type, population, email_key]).await?;
        Ok(row.map(UserRow::read).transpose()?)
    }

    /// Users in the order of their addresses.
    pub async fn list_users(&self, filter: &UserFilter, paging: &Paging) -> Result<Page<User>> {
        let prefix = hex(filter.search.as_deref().unwrap_or("").as_bytes());
        // 'g' sorts behind every hexadecimal digit.
        let end = format!("{prefix}g");
        let after = paging.after.as_deref().unwrap_or("");
        let (after_order, after_id) = after.split_once('.').unwrap_or(("", ""));
        let mut values = args![prefix, end, after_order, after_id, paging.fetch()];
        let sql = match (filter.user_type, filter.status) {
            (None, None) => listing!(""),
            (Some(user_type), None) => {
                values.push(user_type.into());
                listing!(" AND u.user_type = $6")
            }
            (None, Some(status)) => {
                values.push(status.into());
                listing!(" AND u.status = $6")
            }
            (Some(user_type), Some(status)) => {
                values.extend(args![user_type, status]);
                listing!(" AND u.user_type = $6 AND u.status = $7")
            }
        };
        let rows: Vec<UserRow> = self.db.all(sql, values).await?;
        let users: std::result::Result<Vec<_>, Fault> =
            rows.into_iter().map(UserRow::read).collect();
        Ok(Page::of(users?, paging, |user| {
            format!("{}.{}", hex(user.email.key().as_bytes()), user.id)
        }))
    }

    /// Changes names, language or address. `Conflict(EmailTaken)` when somebody has the address.
    pub async fn change_user_profile(
        &self,
        id: &UserId,
        change: &ProfileChange,
        by: &By,
        now: Moment,
    ) -> Result<User> {
        transact!(self.db, Mode::Plain, |tx| {
            // Every column is written below: two changes at once must not undo each other.
            tx.lock_user(id).await?;
            let mut user = tx.user(id).await?;
            if let Some(name) = &change.name {
                user.name = name.clone();
            }
            if let Some(locale) = &change.locale {
                user.locale.clone_from(locale);
            }
            if let Some((email, standing)) = &change.email {
                user.email = email.clone();
                user.email_standing = *standing;
                // A link that was mailed to the old address must not open the account.
                tx.void_resets(id, now).await?;
            }
            tx.update_profile(&user).await.on_unique(Conflict::EmailTaken)?;
            self.note(tx, &Happened::done("user.change").about(id), by, now).await?;
            tx.changed(&[(ChangeKind::User, id.as_str())], now).await?;
            Ok(user)
        })
    }

    /// Inserts a user; the caller says what a violated unique key means.
    pub(crate) async fn insert_user(
        &self,
        tx: &mut Tx,
        new: &NewUser,
        now: Moment,
    ) -> std::result::Result<User, Fault> {
        let user = User {
            id: UserId::new(now, &self.entropy),
            public_id: PublicId::new(&self.entropy),
            user_type: new.user_type,
            population: new.population.clone(),
            email: new.email.clone(),
            email_standing: new.email_standing,
            name: new.name.clone(),
            locale: new.locale.clone(),
            status: new.status,
            birth: new.birth,
            created_at: now,
        };
        tx.run(
            "INSERT INTO users (id, public_id, user_type, population, email, email_key, \
             email_order, email_standing, given_name, family_name, locale, status, birth, \
             created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
            args![
                &user.id,
                &user.public_id,
                user.user_type,
                &user.population,
                user.email.as_typed(),
                user.email.key(),
                hex(user.email.key().as_bytes()),
                user.email_standing,
                &user.name.given,
                &user.name.family,
                &user.locale,
                user.status,
                user.birth,
                now,
            ],
        )
        .await?;
        Ok(user)
    }
}

impl Tx {
    pub(crate) async fn user(&mut self, id: &UserId) -> std::result::Result<User, Fault> {
        self.one::<UserRow>(BY_ID, args![id]).await?.read()
    }

    /// The user, unchanged by anybody else until the end of the transaction: whoever begins a
    /// session holds them, so that it cannot begin behind the back of who ends them all.
    pub(crate) async fn hold(&mut self, id: &UserId) -> std::result::Result<User, Fault> {
        self.hold_user::<UserRow>(BY_ID, args![id]).await?.read()
    }

    /// Keeps everybody else from changing the user, or beginning a session for them, until the end
    /// of the transaction. What is read afterwards is what whoever came before has left.
    pub(crate) async fn lock_user(&mut self, id: &UserId) -> std::result::Result<(), Fault> {
        self.run("UPDATE users SET status = status WHERE id = $1", args![id]).await.map(|_| ())
    }

    pub(crate) async fn update_profile(&mut self, user: &User) -> std::result::Result<(), Fault> {
        self.run(
            "UPDATE users SET email = $2, email_key = $3, email_order = $4, email_standing = $5, \
             given_name = $6, family_name = $7, locale = $8 WHERE id = $1",
            args![
                &user.id,
                user.email.as_typed(),
                user.email.key(),
                hex(user.email.key().as_bytes()),
                user.email_standing,
                &user.name.given,
                &user.name.family,
                &user.locale,
            ],
        )
        .await?;
        Ok(())
    }
}
