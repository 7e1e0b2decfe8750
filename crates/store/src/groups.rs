//! Groups and who is in them; the administrators' group never runs empty.

use identity::applications::ApplicationKey;
use identity::federation::policy::Connection;
use identity::groups::{ADMINISTRATORS, Group, GroupName};
use identity::ids::{GroupId, ProviderId, UserId};
use identity::time::Moment;
use identity::users::{StatusRefusal, User, UserType};

use crate::Store;
use crate::audit::Happened;
use crate::by::By;
use crate::changes::ChangeKind;
use crate::db::{Mode, Tx, transact};
use crate::error::{Conflict, Error, Fault, Meaning, Result};
use crate::page::{Page, Paging};
use crate::row::word;
use crate::users::{UserRow, user_columns};
use crate::value::args;

/// Whose word put somebody into a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Grant {
    /// An operator's or an administrator's.
    Manual,
    /// A connection's: what its policy says. Named by its application and provider, so that it
    /// goes on with what it gave when it is connected again.
    Connection(ApplicationKey, ProviderId),
}

impl Grant {
    pub(crate) fn of(connection: &Connection) -> Self {
        Self::Connection(connection.application.clone(), connection.provider.clone())
    }

    pub(crate) fn text(&self) -> String {
        match self {
            Self::Manual => "manual".to_owned(),
            Self::Connection(application, provider) => {
                format!("connection:{application}:{provider}")
            }
        }
    }
}

/// What became of taking somebody out of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberOutcome {
    /// They are out, or were not in it.
    Removed,
    /// They may not go; nothing was written.
    Refused(StatusRefusal),
}

/// Columns of a group, for `FROM groups g`.
macro_rules! group_columns {
    () => {
        "g.id, g.user_type, g.name, g.built_in, g.created_at"
    };
}
pub(crate) use group_columns;

#[derive(sqlx::FromRow)]
pub(crate) struct GroupRow {
    id: String,
    user_type: String,
    name: String,
    built_in: bool,
    created_at: i64,
}

impl GroupRow {
    pub(crate) fn read(self) -> std::result::Result<Group, Fault> {
        Ok(Group {
            id: GroupId::from_stored(self.id),
            user_type: word(&self.user_type)?,
            name: self.name,
            built_in: self.built_in,
            created_at: Moment::from_micros(self.created_at),
        })
    }
}

const BY_ID: &str = concat!("SELECT ", group_columns!(), " FROM groups g WHERE g.id = $1");

/// An active member of the administrators' group with a working way in: a password, or an
/// identity of a provider that is switched on and connected to a door.
const COUNT_OTHER_ADMINISTRATORS: &str = "SELECT count(DISTINCT u.id) FROM groups g \
     JOIN user_groups m ON m.group_id = g.id JOIN users u ON u.id = m.user_id \
     WHERE g.built_in AND u.status = 'active' AND u.id <> $1 \
     AND (EXISTS (SELECT 1 FROM passwords w WHERE w.user_id = u.id) \
     OR EXISTS (SELECT 1 FROM identities i JOIN providers p ON p.id = i.provider_id \
     JOIN connections c ON c.provider_id = p.id \
     WHERE i.user_id = u.id AND p.state = 'enabled'))";

impl Store {
    /// Adds a group. `Conflict(NameTaken)` when the user type has one of that name in any case.
    pub async fn add_group(
        &self,
        user_type: UserType,
        name: &GroupName,
        by: &By,
        now: Moment,
    ) -> Result<Group> {
        transact!(self.db, Mode::Plain, |tx| {
            let group = Group {
                id: GroupId::new(now, &self.entropy),
                user_type,
                name: name.shown().to_owned(),
                built_in: false,
                created_at: now,
            };
            let added = tx.insert_group(&group, name.key()).await.on_unique(Conflict::NameTaken)?;
            if !added {
                return Err(Error::Conflict(Conflict::NameTaken).into());
            }
            let happened = Happened::done("group.add").with("group", group.id.as_str());
            self.note(tx, &happened, by, now).await?;
            Ok(group)
        })
    }

    /// The group with this id.
    pub async fn find_group(&self, id: &GroupId) -> Result<Option<Group>> {
        let row: Option<GroupRow> = self.db.opt(BY_ID, args![id]).await?;
        Ok(row.map(GroupRow::read).transpose()?)
    }

    /// The group of this name, in whatever case.
    pub async fn find_group_by_name(
        &self,
        user_type: UserType,
        name: &GroupName,
    ) -> Result<Option<Group>> {
        const SQL: &str = concat!(
            "SELECT ",
            group_columns!(),
            " FROM groups g WHERE g.user_type = $1 AND g.name_key = $2"
        );
        let row: Option<GroupRow> = self.db.opt(SQL, args![user_type, name.key()]).await?;
        Ok(row.map(GroupRow::read).transpose()?)
    }

    /// Groups in the order in which they were made.
    pub async fn list_groups(&self, paging: &Paging) -> Result<Page<Group>> {
        const SQL: &str = concat!(
            "SELECT ",
            group_columns!(),
            " FROM groups g WHERE g.id > $1 ORDER BY g.id LIMIT $2"
        );
        let after = paging.after.as_deref().unwrap_or("");
        let rows: Vec<GroupRow> = self.db.all(SQL, args![after, paging.fetch()]).await?;
        let groups: std::result::Result<Vec<_>, Fault> =
            rows.into_iter().map(GroupRow::read).collect();
        Ok(Page::of(groups?, paging, |group| group.id.as_str().to_owned()))
    }

    /// The groups that a user is in.
    pub async fn list_groups_of(&self, user: &UserId) -> Result<Vec<Group>> {
        const SQL: &str = concat!(
            "SELECT DISTINCT ",
            group_columns!(),
            " FROM user_groups m JOIN groups g ON g.id = m.group_id \
             WHERE m.user_id = $1 ORDER BY g.id"
        );
        let rows: Vec<GroupRow> = self.db.all(SQL, args![user]).await?;
        Ok(rows.into_iter().map(GroupRow::read).collect::<std::result::Result<_, _>>()?)
    }

    /// Who is in a group, deleted users left out, in the order in which they were made.
    pub async fn list_group_members(&self, group: &GroupId, paging: &Paging) -> Result<Page<User>> {
        // One page of the index, however many grants a member has; the deleted are in no group.
        const SQL: &str = concat!(
            "SELECT ",
            user_columns!(),
            " FROM (SELECT DISTINCT m.user_id FROM user_groups m WHERE m.group_id = $1 \
             AND m.user_id > $2 ORDER BY m.user_id LIMIT $3) n \
             JOIN users u ON u.id = n.user_id ORDER BY u.id"
        );
        let after = paging.after.as_deref().unwrap_or("");
        let rows: Vec<UserRow> = self.db.all(SQL, args![group, after, paging.fetch()]).await?;
        let users: std::result::Result<Vec<_>, Fault> =
            rows.into_iter().map(UserRow::read).collect();
        Ok(Page::of(users?, paging, |user| user.id.as_str().to_owned()))
    }

    /// Removes a group and every membership of it. `Conflict(BuiltIn)` for one of ours.
    pub async fn remove_group(&self, id: &GroupId, by: &By, now: Moment) -> Result<()> {
        transact!(self.db, Mode::Plain, |tx| {
            let group = tx.one::<GroupRow>(BY_ID, args![id]).await?.read()?;
            if group.built_in {
                return Err(Error::Conflict(Conflict::BuiltIn).into());
            }
            tx.run("DELETE FROM user_groups WHERE group_id = $1", args![id]).await?;
            tx.run("DELETE FROM groups WHERE id = $1", args![id]).await?;
            let happened = Happened::done("group.remove").with("group", group.name);
            self.note(tx, &happened, by, now).await?;
            tx.changed(&[(ChangeKind::Group, id.as_str())], now).await
        })
    }

    /// Puts a user into a group, by hand. Once more changes nothing. `Conflict(WrongUserType)`
    /// when the group is for others, `NotFound` when either does not exist.
    pub async fn add_group_member(
        &self,
        group: &GroupId,
        user: &UserId,
        by: &By,
        now: Moment,
    ) -> Result<()> {
        transact!(self.db, Mode::Plain, |tx| {
            let member = tx.user(user).await?;
            tx.grant(group, &member, &Grant::Manual, now).await?;
            let happened =
                Happened::done("group.add_member").about(user).with("group", group.as_str());
            self.note(tx, &happened, by, now).await?;
            tx.changed(&[(ChangeKind::User, user.as_str())], now).await
        })
    }

    /// Takes a user out of a group, whoever put them in. The last active administrator stays;
    /// `Conflict(LockOut)` where no other is known to get in at some door, unless it is forced.
    pub async fn remove_group_member(
        &self,
        group: &GroupId,
        user: &UserId,
        by: &By,
        now: Moment,
    ) -> Result<MemberOutcome> {
        transact!(self.db, Mode::Plain, |tx| {
            tx.lock_administrators().await?;
            let ways = tx.ways_in(by, now).await?;
            let group = tx.one::<GroupRow>(BY_ID, args![group]).await?.read()?;
            let is_last = group.is_administrators()
                && tx.is_administrator(user).await?
                && tx.count_other_administrators(user).await? == 0;
            if is_last {
                return Ok(MemberOutcome::Refused(StatusRefusal::LastAdministrator));
            }
            const SQL: &str = "DELETE FROM user_groups WHERE group_id = $1 AND user_id = $2";
            if tx.run(SQL, args![&group.id, user]).await? > 0 {
                tx.keep_ways_in(ways, now).await?;
                let happened = Happened::done("group.remove_member")
                    .about(user)
                    .with("group", group.id.as_str());
                self.note(tx, &happened, by, now).await?;
                tx.changed(&[(ChangeKind::User, user.as_str())], now).await?;
            }
            Ok(MemberOutcome::Removed)
        })
    }

    /// How many active administrators with a working way in there are.
    pub async fn count_administrators(&self) -> Result<u64> {
        let (count,): (i64,) = self.db.one(COUNT_OTHER_ADMINISTRATORS, args![""]).await?;
        Ok(u64::try_from(count).unwrap_or(0))
    }
}

impl Tx {
    /// Adds the administrators' group, unless it is there.
    pub(crate) async fn add_administrators(
        &mut self,
        id: GroupId,
        now: Moment,
    ) -> std::result::Result<(), Fault> {
        let group = Group {
            id,
            user_type: UserType::Staff,
            name: ADMINISTRATORS.to_owned(),
            built_in: true,
            created_at: now,
        };
        self.insert_group(&group, ADMINISTRATORS).await.map(|_| ())
    }

    async fn insert_group(&mut self, group: &Group, key: &str) -> std::result::Result<bool, Fault> {
        let rows = self
            .run(
                "INSERT INTO groups (id, user_type, name, name_key, built_in, created_at) \
                 VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (user_type, name_key) DO NOTHING",
                args![
                    &group.id,
                    group.user_type,
                    &group.name,
                    key,
                    group.built_in,
                    group.created_at
                ],
            )
            .await?;
        Ok(rows > 0)
    }

    /// Puts a user into a group of their type.
    pub(crate) async fn grant(
        &mut self,
        group: &GroupId,
        user: &User,
        grant: &Grant,
        now: Moment,
    ) -> std::result::Result<(), Fault> {
        let group = self.one::<GroupRow>(BY_ID, args![group]).await?.read()?;
        if group.user_type != user.user_type {
            return Err(Error::Conflict(Conflict::WrongUserType).into());
        }
        // No policy ever puts a newcomer among the administrators, whatever it was saved as.
        if group.built_in && *grant != Grant::Manual {
            return Err(Error::Conflict(Conflict::BuiltIn).into());
        }
        if group.built_in {
            self.lock_administrators().await?;
        }
        self.run(
            "INSERT INTO user_groups (user_id, group_id, granted_by, granted_at) \
             VALUES ($1, $2, $3, $4) ON CONFLICT (user_id, group_id, granted_by) DO NOTHING",
            args![&user.id, &group.id, grant.text(), now],
        )
        .await?;
        if group.built_in {
            self.void_setup_links().await?;
        }
        Ok(())
    }

    /// The same for a group that may have been removed since somebody named it: it grants
    /// nothing then, and that is no reason to turn anybody away.
    pub(crate) async fn grant_if_there(
        &mut self,
        group: &GroupId,
        user: &User,
        grant: &Grant,
        now: Moment,
    ) -> std::result::Result<(), Fault> {
        match self.grant(group, user, grant, now).await {
            Ok(()) | Err(Fault::Final(Error::NotFound)) => Ok(()),
            Err(fault) => Err(fault),
        }
    }

    /// Everybody who might take the last administrator away, or make one, stands in line here.
    pub(crate) async fn lock_administrators(&mut self) -> std::result::Result<(), Fault> {
        self.run("UPDATE groups SET built_in = built_in WHERE built_in", args![]).await.map(|_| ())
    }

    pub(crate) async fn is_administrator(
        &mut self,
        user: &UserId,
    ) -> std::result::Result<bool, Fault> {
        let (count,): (i64,) = self
            .one(
                "SELECT count(*) FROM user_groups m JOIN groups g ON g.id = m.group_id \
                 WHERE m.user_id = $1 AND g.built_in",
                args![user],
            )
            .await?;
        Ok(count > 0)
    }

    /// Active administrators with a working way in, besides `user`.
    pub(crate) async fn count_other_administrators(
        &mut self,
        user: &UserId,
    ) -> std::result::Result<u64, Fault> {
        let (count,): (i64,) = self.one(COUNT_OTHER_ADMINISTRATORS, args![user]).await?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Active administrators with a working way in.
    pub(crate) async fn count_administrators(&mut self) -> std::result::Result<u64, Fault> {
        let (count,): (i64,) = self.one(COUNT_OTHER_ADMINISTRATORS, args![""]).await?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Id of the administrators' group.
    pub(crate) async fn administrators(&mut self) -> std::result::Result<GroupId, Fault> {
        let (id,): (String,) =
            self.one("SELECT id FROM groups WHERE built_in ORDER BY id", args![]).await?;
        Ok(GroupId::from_stored(id))
    }
}
