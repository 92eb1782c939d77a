//! A database for one test.

use std::mem::ManuallyDrop;

use charter_indexer::Database;

pub struct TestDatabase {
    /// Left open by a test that fails: waiting for it to close would never end, and nobody would read why it failed.
    pub database: ManuallyDrop<Database>,
    _folder: Option<tempfile::TempDir>,
}

/// Embedded, or a database of its own on the server.
pub async fn open() -> TestDatabase {
    if let Some(url) = on_server().await {
        return TestDatabase::of(Database::connect(&url).await.unwrap());
    }
    let folder = tempfile::tempdir().unwrap();
    let database = Database::embedded(folder.path()).await.unwrap();
    TestDatabase { database: ManuallyDrop::new(database), _folder: Some(folder) }
}

impl TestDatabase {
    /// One of the server's.
    pub fn of(database: Database) -> Self {
        Self { database: ManuallyDrop::new(database), _folder: None }
    }

    pub async fn close(self) {
        ManuallyDrop::into_inner(self.database).close().await;
    }
}

/// A database of its own on the server, by its URL, if there is a server.
pub async fn on_server() -> Option<String> {
    let host = std::env::var("PGHOST").ok()?;
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let base = format!("postgres://{}:{}@{host}:{}", variable("PGUSER"), variable("PGPASSWORD"), variable("PGPORT"));
    let name = format!("test_{}", std::process::id()) + &format!("_{}", next());
    let admin = sqlx::PgPool::connect(&format!("{base}/{}", variable("PGDATABASE"))).await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(format!("create database {name}"))).execute(&admin).await.unwrap();
    Some(format!("{base}/{name}"))
}

fn next() -> u32 {
    static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}
