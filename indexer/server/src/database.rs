//! A PostgreSQL server, or the embedded one.

use std::path::Path;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgPool};

use crate::IndexerError;

/// An open database with its schema up to date.
pub struct Database {
    pool: PgPool,
    #[cfg(feature = "embedded")]
    embedded: Option<pglite_oxide::PgliteServer>,
}

/// Connections to a server; the embedded database serves exactly one.
const SERVER_CONNECTIONS: u32 = 8;

impl Database {
    /// A server, by `postgres://` URL.
    pub async fn connect(url: &str) -> Result<Self, IndexerError> {
        let options: PgConnectOptions =
            url.parse().map_err(|error| IndexerError::Open(format!("it is no database URL: {error}")))?;
        // A pool tries for a while and then says only that it timed out; one connection says what is wrong.
        options.connect().await.map_err(|error| IndexerError::Open(error.to_string()))?.close().await?;
        let pool = PgPoolOptions::new()
            .max_connections(SERVER_CONNECTIONS)
            .acquire_timeout(std::time::Duration::from_secs(10))
            .connect_with(options)
            .await
            .map_err(|error| IndexerError::Open(error.to_string()))?;
        sqlx::migrate!().run(&pool).await?;
        Ok(Self {
            pool,
            #[cfg(feature = "embedded")]
            embedded: None,
        })
    }

    /// The embedded database in a folder, which is created if need be.
    #[cfg(feature = "embedded")]
    pub async fn embedded(folder: &Path) -> Result<Self, IndexerError> {
        let failed = |error: &dyn std::fmt::Display| IndexerError::Open(error.to_string());
        std::fs::create_dir_all(folder).map_err(|error| failed(&error))?;
        let folder = folder.canonicalize().map_err(|error| failed(&error))?;
        let root = folder.join("postgres");
        // Its TCP side stalls 44 ms a statement; the unix socket does not.
        let socket = folder.join(".s.PGSQL.5432");
        // It runs without fsync (with it, recovery can't sync directories and refuses to start): what was committed
        // outlives the process, however it ends, but not a power cut. A server is for that.
        let started =
            tokio::task::spawn_blocking(move || pglite_oxide::PgliteServer::builder().path(root).unix(socket).start());
        let embedded = started.await.map_err(|error| failed(&error))?.map_err(|error| failed(&format!("{error:#}")))?;
        let options = PgConnectOptions::new_without_pgpass().socket(&folder).username("postgres").database("template1");
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options)
            .await
            .map_err(|error| failed(&error))?;
        sqlx::migrate!().set_locking(false).run(&pool).await?;
        Ok(Self { pool, embedded: Some(embedded) })
    }

    /// Without the feature there is nothing to embed.
    #[cfg(not(feature = "embedded"))]
    pub async fn embedded(_folder: &Path) -> Result<Self, IndexerError> {
        Err(IndexerError::Open("built without the feature `embedded`: pass --database-url".to_owned()))
    }

    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Closes connections, then stops an embedded server.
    pub async fn close(self) {
        self.pool.close().await;
        #[cfg(feature = "embedded")]
        if let Some(embedded) = self.embedded {
            let _ = tokio::task::spawn_blocking(move || embedded.shutdown()).await;
        }
    }
}
