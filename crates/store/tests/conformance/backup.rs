//! What was backed up comes back whole, on either engine, or not at all.

use std::io::Cursor;
use std::path::PathBuf;

use identity::federation::policy::UnknownUser;
use store::{By, RestoreError, Store};

use crate::engines::{both, wanted};
use crate::house::{House, at, folder, new_staff, open};
use crate::postgres::Database;

/// A house with something of many kinds in it, odd characters included.
async fn furnish(house: &House) {
    house.administrator("ada@corp.test").await;
    let mut odd = new_staff("zoe@corp.test");
    odd.name.family = "O'Hara \"\\ ☃, [null]".to_owned();
    house.store.add_user(&odd, &[], &By::operator(), at(0)).await.expect("a user");
    house.provider("corp", UnknownUser::Create, &[]).await;
}

async fn backed_up(store: &Store) -> String {
    let mut file = Vec::new();
    let done = store.backup(&mut file, at(60)).await.expect("a backup");
    let text = String::from_utf8(file).expect("text");
    let rows = text.lines().filter(|line| line.starts_with('[')).count();
    assert_eq!(u64::try_from(rows).expect("a count"), done.rows);
    text
}

/// A backup without order: engines give rows in their own.
fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

/// A new database, which nobody has opened; gone with this value.
struct Empty {
    url: String,
    folder: Option<PathBuf>,
    _database: Option<Database>,
}

impl Empty {
    fn of(engine: &str) -> Self {
        if engine == "sqlite" {
            let folder = folder();
            let url = format!("sqlite:{}", folder.join("restored.db").display());
            return Self { url, folder: Some(folder), _database: None };
        }
        let database = Database::create().unwrap_or_else(|said| panic!("{said}"));
        Self { url: database.url().to_owned(), folder: None, _database: Some(database) }
    }
}

impl Drop for Empty {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

both! {
    async fn a_backup_comes_back_the_same_on_both_engines(house) {
        furnish(house).await;
        let text = backed_up(&house.store).await;
        for engine in ["sqlite", "postgres"].into_iter().filter(|engine| wanted(engine)) {
            let database = Empty::of(engine);
            let url = &database.url;
            let read = Store::restore(url, &mut Cursor::new(text.as_bytes())).await;
            let read = read.expect("restored");
            let restored = open(url).await.expect("it opens as any other");
            assert_eq!(restored.engine(), engine);
            let again = backed_up(&restored).await;
            assert_eq!(sorted(&again), sorted(&text), "{engine}");
            assert!(read.rows > 10, "{read:?}");
            assert_eq!(restored.count_administrators().await.expect("a count"), 1);
            restored.close().await;
        }
    }

    async fn a_backup_sees_one_moment_and_keeps_nobody_from_writing(house) {
        furnish(house).await;
        let before = backed_up(&house.store).await;
        let mut slow = Slow { store: &house.store, text: Vec::new(), written: false };
        house.store.backup(&mut slow, at(60)).await.expect("a backup");
        assert!(slow.written, "somebody was added while it was made");
        let during = String::from_utf8(slow.text).expect("text");
        assert_eq!(sorted(&during), sorted(&before));
        assert_ne!(sorted(&backed_up(&house.store).await), sorted(&before));
    }

    async fn a_database_that_is_in_use_is_never_overwritten(house) {
        furnish(house).await;
        let text = backed_up(&house.store).await;
        let refused = Store::restore(&house.url, &mut Cursor::new(text.as_bytes())).await;
        assert!(matches!(refused, Err(RestoreError::NotEmpty(_))), "{refused:?}");
        assert_eq!(sorted(&backed_up(&house.store).await), sorted(&text));
    }

    async fn a_file_that_is_cut_off_or_something_else_restores_nothing(house) {
        furnish(house).await;
        let text = backed_up(&house.store).await;
        let half: String = text.lines().take(20).map(|line| format!("{line}\n")).collect();
        let last = &text[..text.len() - 1];
        let other = text.replacen("\"schema\":", "\"schema\":9", 1);
        let odd = text.replacen("\"table\":\"users\"", "\"table\":\"losers\"", 1);
        let engine = house.store.engine();
        let database = Empty::of(engine);
        let url = &database.url;
        for (file, code) in
            [(&*half, "cut"), (last, "cut"), (&*other, "schema"), (&*odd, "odd"), ("", "odd")]
        {
            let refused = Store::restore(url, &mut Cursor::new(file.as_bytes())).await;
            let told = match refused.expect_err("refused") {
                RestoreError::CutOff => "cut",
                RestoreError::OtherSchema { .. } => "schema",
                RestoreError::NotABackup(_) => "odd",
                other => panic!("{other}"),
            };
            assert_eq!(told, code);
        }
        Store::restore(url, &mut Cursor::new(text.as_bytes())).await.expect("still empty");
    }
}

/// A file during whose writing somebody is added.
struct Slow<'a> {
    store: &'a Store,
    text: Vec<u8>,
    written: bool,
}

impl std::io::Write for Slow<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.text.extend_from_slice(bytes);
        // After the first rows: from here on the backup's moment is settled.
        if !self.written && self.text.len() > 2000 {
            self.written = true;
            let new = new_staff("late@corp.test");
            let by = By::operator();
            let add = self.store.add_user(&new, &[], &by, at(1));
            tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(add))
                .expect("nobody has to wait");
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
