//! A database for one test.

use charter_indexer::Database;

pub struct TestDatabase {
    pub database: Database,
    _folder: tempfile::TempDir,
}

/// Embedded, or a database of its own on the server.
pub async fn open() -> TestDatabase {
    let folder = tempfile::tempdir().unwrap();
    let database = match std::env::var("PGHOST") {
        Err(_) => Database::embedded(folder.path()).await.unwrap(),
        Ok(host) => Database::connect(&fresh_on_server(&host).await).await.unwrap(),
    };
    TestDatabase { database, _folder: folder }
}

async fn fresh_on_server(host: &str) -> String {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let base = format!("postgres://{}:{}@{host}:{}", variable("PGUSER"), variable("PGPASSWORD"), variable("PGPORT"));
    let name = format!("test_{}", std::process::id()) + &format!("_{}", next());
    let admin = sqlx::PgPool::connect(&format!("{base}/{}", variable("PGDATABASE"))).await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(format!("create database {name}"))).execute(&admin).await.unwrap();
    format!("{base}/{name}")
}

fn next() -> u32 {
    static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}
