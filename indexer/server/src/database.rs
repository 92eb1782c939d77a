//! A PostgreSQL server, or the embedded one.

use std::path::Path;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use sqlx::{ConnectOptions, Connection, Executor, PgPool};

use crate::IndexerError;
use crate::wait::Wait;

/// An open database with its schema up to date.
pub struct Database {
    pool: PgPool,
    #[cfg(feature = "embedded")]
    embedded: Option<pglite_oxide::PgliteServer>,
}

/// Connections to a server; the embedded database serves exactly one.
const SERVER_CONNECTIONS: u32 = 8;
/// How long a server may take to accept a connection.
const CONNECT_TIME: Duration = Duration::from_secs(10);
/// What a server is told of each connection. A statement may take a minute, and wait for a lock no longer than a step
/// may hang. A connection whose end died without a word must not keep its locks: whoever comes next would wait for
/// them. What compares or remakes whole tables says otherwise.
const SESSION: &str = "set statement_timeout = '60s'; set lock_timeout = '10s';
    set idle_in_transaction_session_timeout = '60s';
    set tcp_keepalives_idle = 10; set tcp_keepalives_interval = 5; set tcp_keepalives_count = 3";
/// How long closing waits for statements that are still at work.
const CLOSE_TIME: Duration = Duration::from_secs(10);

/// What is done about a schema that is another version's.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Schema {
    /// It is brought up to date.
    Renewed,
    /// It is left as it is, for whoever only looks: another program may be at work with it.
    Left,
}

impl Database {
    /// A server, by `postgres://` URL. One that is not there, or takes no connections or no writes, is waited for, and
    /// whoever calls says how long.
    pub async fn connect(url: &str) -> Result<Self, IndexerError> {
        let options = options(url)?;
        let mut wait = Wait::default();
        loop {
            match Self::of_server(&options, Schema::Renewed).await {
                Err(error) if error.is_transient() => tokio::time::sleep(wait.after(&error)).await,
                opened => {
                    wait.over();
                    return opened.map_err(not_opened);
                }
            }
        }
    }

    /// The same, but waits for nobody.
    pub async fn try_connect(url: &str) -> Result<Self, IndexerError> {
        Self::of_server(&options(url)?, Schema::Renewed).await.map_err(not_opened)
    }

    /// The same, and leaves the schema as it is.
    pub async fn look(url: &str) -> Result<Self, IndexerError> {
        Self::of_server(&options(url)?, Schema::Left).await.map_err(not_opened)
    }

    async fn of_server(options: &PgConnectOptions, schema: Schema) -> Result<Self, IndexerError> {
        // A pool tries for a while and then says only that it timed out; one connection says what is wrong.
        let late = |_| std::io::Error::new(std::io::ErrorKind::TimedOut, format!("no answer within {CONNECT_TIME:?}"));
        let first = tokio::time::timeout(CONNECT_TIME, options.connect()).await;
        let mut first = first.map_err(late).map_err(sqlx::Error::from)??;
        // A replica has the schema of the server that it follows, and takes none from anybody else.
        let is_replica: bool = sqlx::query_scalar("select pg_is_in_recovery()").fetch_one(&mut first).await?;
        if schema == Schema::Renewed && !is_replica {
            // A migration takes as long as it takes.
            sqlx::migrate!().run(&mut first).await?;
        }
        first.close().await?;
        let pool = PgPoolOptions::new()
            .max_connections(SERVER_CONNECTIONS)
            .acquire_timeout(CONNECT_TIME)
            .after_connect(|connection, _| Box::pin(async move { connection.execute(SESSION).await.map(|_| ()) }))
            .connect_with(options.clone())
            .await?;
        Ok(Self {
            pool,
            #[cfg(feature = "embedded")]
            embedded: None,
        })
    }

    /// The embedded database in a folder, which is created if need be.
    pub async fn embedded(folder: &Path) -> Result<Self, IndexerError> {
        Self::of_folder(folder, Schema::Renewed).await
    }

    /// The same, and leaves the schema as it is.
    pub async fn look_embedded(folder: &Path) -> Result<Self, IndexerError> {
        Self::of_folder(folder, Schema::Left).await
    }

    #[cfg(feature = "embedded")]
    async fn of_folder(folder: &Path, schema: Schema) -> Result<Self, IndexerError> {
        let failed = |error: &dyn std::fmt::Display| IndexerError::Open(error.to_string());
        std::fs::create_dir_all(folder).map_err(|error| failed(&error))?;
        let folder = folder.canonicalize().map_err(|error| failed(&error))?;
        let root = folder.join("postgres");
        create(&root).map_err(|error| failed(&error))?;
        // Its TCP side stalls 44 ms a statement; the unix socket does not.
        let socket = folder.join(".s.PGSQL.5432");
        // It runs without fsync (with it, recovery can't sync directories and refuses to start): what was committed
        // outlives the process, however it ends, but not a power cut. A server is for that.
        let started =
            tokio::task::spawn_blocking(move || pglite_oxide::PgliteServer::builder().path(root).unix(socket).start());
        let embedded = started.await.map_err(|error| failed(&error))?.map_err(|error| failed(&format!("{error:#}")))?;
        // All of it is said, since what is not comes from `PGPORT` and its like, which mean a server.
        let options = PgConnectOptions::new_without_pgpass()
            .socket(&folder)
            .port(5432)
            .username("postgres")
            .database("template1")
            .ssl_mode(PgSslMode::Disable);
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options)
            .await
            .map_err(|error| failed(&error))?;
        if schema == Schema::Renewed {
            sqlx::migrate!().set_locking(false).run(&pool).await?;
        }
        Ok(Self { pool, embedded: Some(embedded) })
    }

    /// Without the feature there is nothing to embed.
    #[cfg(not(feature = "embedded"))]
    async fn of_folder(_folder: &Path, _schema: Schema) -> Result<Self, IndexerError> {
        Err(IndexerError::Open("built without the feature `embedded`: pass --database-url".to_owned()))
    }

    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Closes connections, then stops an embedded server. A server that does not answer any more keeps nobody.
    pub async fn close(self) {
        if tokio::time::timeout(CLOSE_TIME, self.pool.close()).await.is_err() {
            tracing::warn!("the database does not answer; its connections are dropped");
        }
        #[cfg(feature = "embedded")]
        if let Some(embedded) = self.embedded {
            let _ = tokio::task::spawn_blocking(move || embedded.shutdown()).await;
        }
    }
}

/// Whether it is a server's, which other processes may be connected to as well.
pub fn is_server(pool: &PgPool) -> bool {
    pool.options().get_max_connections() > 1
}

fn options(url: &str) -> Result<PgConnectOptions, IndexerError> {
    url.parse::<PgConnectOptions>().map_err(|error| IndexerError::Open(format!("it is no database URL: {error}")))
}

/// What went wrong, in the words of who opens a database.
fn not_opened(error: IndexerError) -> IndexerError {
    match error {
        IndexerError::Database(error) => IndexerError::Open(error.to_string()),
        other => other,
    }
}

/// Makes the folder of an embedded database, if there is none, with all of its files or not at all.
///
/// Left to itself the database takes each file over from a cache in the user's home when it is first written to; killed in
/// between it leaves an empty file behind, which no start reads any more. A folder that is whole needs no cache.
#[cfg(feature = "embedded")]
fn create(root: &Path) -> Result<(), String> {
    if root.exists() {
        return Ok(());
    }
    let fresh = root.with_extension("new");
    unpack(&fresh).map_err(|error| format!("{} can't be created: {error}", root.display()))?;
    std::fs::rename(&fresh, root).map_err(|error| format!("{} can't be renamed: {error}", fresh.display()))
}

#[cfg(feature = "embedded")]
fn unpack(fresh: &Path) -> std::io::Result<()> {
    if fresh.exists() {
        std::fs::remove_dir_all(fresh)?;
    }
    let template = pglite_oxide::build_pgdata_template(fresh).map_err(std::io::Error::other)?;
    let archive = zstd::Decoder::new(std::fs::File::open(&template.archive_path)?)?;
    tar::Archive::new(archive).unpack(pglite_oxide::PglitePaths::with_root(fresh).pgdata)?;
    for unpacked in [template.archive_path, template.manifest_path] {
        std::fs::remove_file(unpacked)?;
    }
    Ok(())
}

#[cfg(all(test, feature = "embedded"))]
mod tests {
    /// Leave `create` out and the folder has what was written to alone; leave the second name out and one that was killed
    /// half-way is taken for whole.
    #[test]
    fn a_database_has_all_its_files_from_the_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let (root, half) = (folder.path().join("postgres"), folder.path().join("postgres.new/tmp/pglite/base"));
        std::fs::create_dir_all(&half).unwrap();
        std::fs::write(half.join("PG_VERSION"), "").unwrap();
        super::create(&root).unwrap();
        let data = root.join("tmp/pglite/base");
        assert_eq!(std::fs::read_to_string(data.join("PG_VERSION")).unwrap(), "17\n");
        for file in ["global/pg_control", "global/1213", "base/1/1259"] {
            assert_eq!(std::fs::metadata(data.join(file)).unwrap().len() % 8_192, 0, "{file}");
        }
        assert!(!half.exists());
    }
}
