//! What the indexer takes for one node. Behind its address are two that disagree: one that fails now and then, and one
//! that stands still. Which of them answers changes with every connection, and connections do not last.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use charter_localnet::{Faults, Localnet, Producer, RpcServer};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// How often a connection leads to the node that stands still.
const STILL: f64 = 0.25;
/// How long connections last, milliseconds. One to a node that stands still tells nothing new in that time.
const STILL_MS: std::ops::Range<u64> = 20..300;
const LIVE_MS: std::ops::Range<u64> = 300..3_000;
/// How far behind the head a node begins to stand still: no head that may lose is among its blocks.
const BEHIND: usize = 2;

/// What goes wrong with blocks.
pub fn of_blocks(seed: u64) -> Faults {
    Faults {
        seed,
        skipped_height: 0.05,
        missing_chunk: 0.05,
        delayed_receipts: 0.05,
        lost_head: 0.05,
        ..Faults::default()
    }
}

/// What goes wrong with requests. A step of the indexer asks hundreds of times, and one answer that is lost ends it.
fn of_requests(seed: u64) -> Faults {
    Faults { seed, rpc_error: 0.002, slow_answer: 0.01, slow_ms: 30, cut_answer: 0.001, ..Faults::default() }
}

/// The node that stands still.
type Still = Arc<Mutex<Option<RpcServer>>>;

pub struct Nodes {
    pub url: String,
    localnet: Localnet,
    _live: RpcServer,
    still: Still,
    task: JoinHandle<()>,
}

impl Drop for Nodes {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Nodes {
    pub async fn start(localnet: &Localnet, seed: u64) -> Self {
        let live = localnet.clone().with_rpc_faults(of_requests(seed)).serve("127.0.0.1:0").await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let still = Still::default();
        let dice = StdRng::seed_from_u64(seed);
        let task = tokio::spawn(route(listener, live.addr(), Arc::clone(&still), dice));
        Self { url, localnet: localnet.clone(), _live: live, still, task }
    }

    /// From now on a node that knows the chain as it was a moment ago, and no more, is one of them.
    pub async fn stand_still(&mut self) {
        let behind = self.localnet.replica(BEHIND).await.unwrap();
        // A replica follows; a copy of it that nobody tells anything does not.
        let copy = behind.with(|chain| chain.fork()).await.unwrap();
        let still = Localnet::of_chain(copy, Producer::Follow).unwrap();
        let server = still.serve("127.0.0.1:0").await.unwrap();
        *self.still.lock().unwrap() = Some(server);
    }
}

async fn route(listener: TcpListener, live: SocketAddr, still: Still, mut dice: StdRng) {
    while let Ok((mut asking, _)) = listener.accept().await {
        let standing = still.lock().unwrap().as_ref().map(RpcServer::addr);
        let (to, life_ms) = match standing.filter(|_| dice.gen_bool(STILL)) {
            Some(still) => (still, dice.gen_range(STILL_MS)),
            None => (live, dice.gen_range(LIVE_MS)),
        };
        tokio::spawn(async move {
            let Ok(mut node) = TcpStream::connect(to).await else { return };
            if asking.set_nodelay(true).and(node.set_nodelay(true)).is_err() {
                return;
            }
            // Whatever is on its way then is cut.
            let life = Duration::from_millis(life_ms);
            let _ = tokio::time::timeout(life, copy_bidirectional(&mut asking, &mut node)).await;
        });
    }
}
