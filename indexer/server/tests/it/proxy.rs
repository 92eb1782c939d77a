//! A stand-in for the network between an indexer and its PostgreSQL server: it loses what it is told to lose.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};

/// What befalls a COMMIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The connection is cut, and the server never sees it.
    CutBefore,
    /// The server carries it out, and the connection is cut before the answer arrives.
    CutAfter,
    /// The connection is cut for the client; the server sees the COMMIT once it is released, and no end before.
    Late,
    /// It stays on the way until it is released.
    Held,
}

/// As sqlx sends it, by itself: a simple query.
const COMMIT: &[u8] = b"COMMIT\0";

#[derive(Default)]
struct Line {
    /// Of the next COMMIT.
    trouble: Mutex<Option<Trouble>>,
    hangs_up: AtomicBool,
    met: Notify,
    released: Notify,
}

pub struct Proxy {
    addr: SocketAddr,
    target: (String, u16),
    line: Arc<Line>,
    /// With all connections, which end when it does.
    listening: Option<JoinHandle<()>>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(listening) = &self.listening {
            listening.abort();
        }
    }
}

impl Proxy {
    /// In front of a server.
    pub async fn start(target: (String, u16)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (addr, line) = (listener.local_addr().unwrap(), Arc::<Line>::default());
        let listening = Some(tokio::spawn(listen(listener, target.clone(), Arc::clone(&line))));
        Self { addr, target, line, listening }
    }

    pub fn port(&self) -> u16 {
        self.addr.port()
    }

    /// Has something befall the next COMMIT.
    pub fn at_commit(&self, trouble: Trouble) {
        *self.line.trouble.lock().unwrap() = Some(trouble);
    }

    /// Resolves once it has, or once somebody was hung up on.
    pub async fn met(&self) {
        self.line.met.notified().await;
    }

    /// Lets a COMMIT go on.
    pub fn release(&self) {
        self.line.released.notify_one();
    }

    /// Takes connections and ends them at once, or no longer does.
    pub fn hang_up(&self, hangs_up: bool) {
        self.line.hangs_up.store(hangs_up, Ordering::Relaxed);
    }

    /// Cuts all connections and takes no others.
    pub async fn refuse(&mut self) {
        let listening = self.listening.take().unwrap();
        listening.abort();
        // Only then is its port free.
        assert!(listening.await.unwrap_err().is_cancelled());
    }

    /// Takes connections again.
    pub async fn accept(&mut self) {
        let listener = TcpListener::bind(self.addr).await.unwrap();
        self.listening = Some(tokio::spawn(listen(listener, self.target.clone(), Arc::clone(&self.line))));
    }
}

async fn listen(listener: TcpListener, target: (String, u16), line: Arc<Line>) {
    let mut connections = JoinSet::new();
    loop {
        let (client, _) = listener.accept().await.unwrap();
        if line.hangs_up.load(Ordering::Relaxed) {
            line.met.notify_one();
            continue;
        }
        let server = TcpStream::connect((target.0.as_str(), target.1)).await.unwrap();
        connections.spawn(carry(client, server, Arc::clone(&line)));
    }
}

/// Carries messages both ways until either side ends.
async fn carry(client: TcpStream, server: TcpStream, line: Arc<Line>) {
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let (mut question, mut answer) = (vec![0; 65_536], vec![0; 65_536]);
    loop {
        let (bytes, to) = tokio::select! {
            read = from_client.read(&mut question) => match read {
                Ok(length @ 1..) => (&question[..length], &mut to_server),
                _ => return,
            },
            read = from_server.read(&mut answer) => match read {
                Ok(length @ 1..) => (&answer[..length], &mut to_client),
                _ => return,
            },
        };
        let is_commit = bytes.starts_with(b"Q") && bytes.ends_with(COMMIT);
        let trouble = if is_commit { line.trouble.lock().unwrap().take() } else { None };
        match trouble {
            None => {}
            Some(Trouble::Held) => {
                line.met.notify_one();
                line.released.notified().await;
            }
            Some(trouble) => {
                let commit = bytes.to_vec();
                return lose(trouble, &commit, (from_client, to_client), (from_server, to_server), &line).await;
            }
        }
        if to.write_all(bytes).await.is_err() {
            return;
        }
    }
}

type Halves = (OwnedReadHalf, OwnedWriteHalf);

/// Has a COMMIT carried out or not, of which the client hears nothing more.
async fn lose(trouble: Trouble, commit: &[u8], client: Halves, server: Halves, line: &Line) {
    let (mut from_server, mut to_server) = server;
    // Unless it waits for an answer, its end comes now.
    let client = (trouble == Trouble::CutAfter).then_some(client);
    if trouble == Trouble::Late {
        line.met.notify_one();
        line.released.notified().await;
    }
    if trouble != Trouble::CutBefore {
        to_server.write_all(commit).await.unwrap();
        // It answers once it has.
        assert!(from_server.read(&mut [0; 256]).await.unwrap() > 0);
    }
    if trouble != Trouble::Late {
        line.met.notify_one();
    }
    drop(client);
}
