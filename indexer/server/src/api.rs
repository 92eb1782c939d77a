//! REST and GraphQL over the tables. Keyset paging only; every answer names the block it stands for.

mod belief;
mod browse;
mod chain;
mod describe;
mod feed;
mod graphql;
mod listener;
mod metrics;
mod parameters;
mod permissions;
mod problem;
mod ranking;
mod records;
mod snapshot;
mod standing;
mod stream;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{Method, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use charter_client::Rpc;
use sqlx::PgPool;
use tower_http::cors::{Any, CorsLayer};

use crate::IndexerError;
use crate::blame::judged;
use crate::light::{Light, Trust};
use crate::lookout::Lookout;
use crate::pulse::Pulse;
use crate::tables;
use crate::watch::Watch;
use feed::Feed;
use listener::Impatient;
use metrics::Requests;
use problem::Problem;
use ranking::Rankings;
use snapshot::{INDEXED_HASH, INDEXED_HEIGHT};
use standing::Standing;

pub(crate) use chain::{LAG_BLOCKS_MAX, age_ms};
pub use graphql::sdl;

type Reply = Result<Response, Problem>;

/// How often a node is asked how far it is, where no indexer does it.
const LOOK: Duration = Duration::from_secs(1);
/// How often nodes are compared, if there are several.
const LOOK_AROUND: Duration = Duration::from_secs(10);

/// What to know of an API that others than this machine reach.
pub const BEYOND_LOOPBACK: &str = "the API listens beyond loopback: whoever reaches it may ask it, as often as they \
                                   like and in plain text. Put a proxy before it that limits rates and speaks TLS";

/// What answers are made of.
#[derive(Clone)]
struct Api {
    pool: PgPool,
    watch: Watch,
    rankings: Arc<Rankings>,
    standing: Arc<Standing>,
    requests: Arc<Requests>,
    feed: Arc<Feed>,
}

/// A running API. It stops when dropped.
pub struct Server {
    pub addr: SocketAddr,
    task: tokio::task::JoinHandle<()>,
    telling: tokio::task::JoinHandle<()>,
    looking: Option<tokio::task::JoinHandle<()>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
        // Who listens is let go.
        self.telling.abort();
        if let Some(looking) = &self.looking {
            looking.abort();
        }
    }
}

impl Server {
    /// Serves the tables of `pool`; port 0 takes a free one. What is known of the node comes from who notes it in `watch`.
    pub async fn start(pool: PgPool, addr: &str, watch: Watch) -> Result<Self, IndexerError> {
        let busy = |error: std::io::Error| IndexerError::Listen { addr: addr.to_owned(), error };
        let listener = tokio::net::TcpListener::bind(addr).await.map_err(busy)?;
        let local = listener.local_addr().map_err(busy)?;
        if !local.ip().is_loopback() {
            tracing::warn!(%local, "{BEYOND_LOOPBACK}");
        }
        let (standing, requests) = (Arc::default(), Arc::default());
        let (feed, telling) = Feed::start(pool.clone(), watch.clone());
        let router = router(Api { pool, watch, rankings: Arc::default(), standing, requests, feed });
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(Impatient(listener), router).await {
                tracing::error!(%error, "the API stopped");
            }
        });
        Ok(Self { addr: local, task, telling, looking: None })
    }

    /// Serves the tables as they are, and asks a node how far its chain is. Fails if that is another chain; a node that
    /// does not answer may come back.
    pub async fn start_beside(pool: PgPool, addr: &str, rpc: Rpc) -> Result<Self, IndexerError> {
        Self::start_beside_as(pool, addr, rpc, Trust::Node).await
    }

    /// The same, where it may take more than a node's word how far its chain is.
    pub async fn start_beside_as(pool: PgPool, addr: &str, rpc: Rpc, trust: Trust) -> Result<Self, IndexerError> {
        let watch = Watch::default();
        // What a node calls its chain decides only where it is believed, and where no other one may deny it.
        if trust == Trust::Node
            && let Err(error @ IndexerError::OtherChain { .. }) = watch.look(&rpc, &pool, None).await
            && rpc.health().len() < 2
        {
            return Err(error);
        }
        let light = match judged(&rpc, Light::open(&rpc, &pool, trust, Pulse::default())).await {
            Err(error) if error.is_transient() => None,
            opened => opened?,
        };
        let mut server = Self::start(pool.clone(), addr, watch.clone()).await?;
        let lookout = Lookout::new(&rpc, pool.clone(), trust != Trust::Node);
        server.looking = Some(tokio::spawn(async move {
            tokio::select! {
                () = lookout.look_around(LOOK_AROUND, watch.clone()) => {}
                () = keep_looking(&watch, &rpc, &pool, trust, light) => {}
            }
        }));
        Ok(server)
    }

    /// Serves until the process ends.
    pub async fn wait(mut self) {
        let _ = (&mut self.task).await;
    }
}

/// Asks again and again how far the chain is. A light client that could not begin tries again.
async fn keep_looking(watch: &Watch, rpc: &Rpc, pool: &PgPool, trust: Trust, mut light: Option<Light>) {
    loop {
        tokio::time::sleep(LOOK).await;
        let opened = match light {
            Some(known) => Ok(Some(known)),
            None => judged(rpc, Light::open(rpc, pool, trust, Pulse::default())).await,
        };
        let looked = match opened {
            Ok(opened) => {
                light = opened;
                watch.look(rpc, pool, light.as_mut()).await
            }
            Err(error) => {
                light = None;
                watch.note_error(&error);
                Err(error)
            }
        };
        if let Err(error) = looked {
            tracing::warn!(%error, "the node can't be asked how far it is");
        }
    }
}

fn router(api: Api) -> Router {
    let mut of_chain = Router::new()
        .route("/v1/status", get(chain::status))
        .route("/v1/events", get(chain::events))
        .route("/v1/stream", get(stream::stream))
        .route(graphql::PATH, post(graphql::graphql).layer(DefaultBodyLimit::max(graphql::BODY_MAX)))
        .route("/v1/permissions", get(permissions::permissions))
        .route("/v1/ranking", get(ranking::ranking))
        .route("/v1/verify", get(chain::verification));
    for table in tables::all() {
        of_chain = of_chain.merge(records::routes(table));
    }
    // A page may ask from anywhere, as it may ask a node: everything here is public, and nothing can be changed.
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::HEAD, Method::POST])
        .allow_headers(Any)
        .expose_headers([INDEXED_HEIGHT, INDEXED_HASH, header::RETRY_AFTER]);
    of_chain
        .route_layer(middleware::from_fn_with_state(api.clone(), only_of_this_chain))
        .route("/healthz", get(async || "ok"))
        .route("/readyz", get(chain::ready))
        .route("/metrics", get(metrics::metrics))
        .route("/openapi.json", get(async || Json(describe::document())))
        .merge(browse::routes())
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .layer(middleware::from_fn_with_state(api.clone(), metrics::count))
        .layer(cors)
        .with_state(api)
}

/// Rows of another chain are not served as if they were of this one.
async fn only_of_this_chain(State(api): State<Api>, request: Request, next: Next) -> Response {
    match api.watch.seen().other_chain {
        Some(why) => Problem::other_chain(why).into_response(),
        None => next.run(request).await,
    }
}

async fn no_such_path(uri: Uri) -> Problem {
    Problem::not_found(format!("there is nothing at {}; /openapi.json says what there is", uri.path()))
}

async fn no_such_method(method: Method, uri: Uri) -> Problem {
    let taken = if uri.path() == graphql::PATH { "POST" } else { "GET" };
    Problem::no_such_method(format!("{} takes {taken}, not {method}", uri.path()))
}
