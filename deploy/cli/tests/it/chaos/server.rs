//! A PostgreSQL server that dies with everything it is at, and is started again as it was.

use std::fs::OpenOptions;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};
use tempfile::TempDir;

/// Where Debian's packages put servers.
const INSTALLED: &str = "/usr/lib/postgresql";
/// Who runs a server that root starts: it refuses to be root's.
const SERVANTS: [&str; 2] = ["postgres", "nobody"];
/// How long a server may take to be gone, or to be ready.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long each commit takes before it is on disk, microseconds: long enough to die in it.
const COMMIT_DELAY: u32 = 20_000;

/// User and group.
#[derive(Clone, Copy)]
struct Owner {
    user: u32,
    group: u32,
}

pub struct Server {
    /// A database of this run's own.
    pub url: String,
    data: PathBuf,
    /// What its postmaster is started with.
    command: Vec<String>,
    /// Whom it belongs to, if that is somebody else.
    owner: Option<Owner>,
    port: u16,
    postmaster: Option<Child>,
    /// What it says.
    log: PathBuf,
    /// Its folder, if it is made for this run.
    folder: Option<TempDir>,
}

impl Drop for Server {
    /// One that was made for this run ends with it. Another is whoever's started it.
    fn drop(&mut self) {
        if self.folder.is_some() && self.postmaster.is_some() {
            self.kill();
        }
    }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

/// The newest folder with a server's programs.
fn programs() -> PathBuf {
    let installed = std::fs::read_dir(INSTALLED).expect("a PostgreSQL server is installed, or PGHOST names one");
    let version = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let folders = installed.map(|entry| entry.unwrap().path()).filter(|path| path.join("bin/postgres").exists());
    let newest = folders.max_by_key(|path| version(path));
    newest.expect("a PostgreSQL server is installed").join("bin")
}

/// Of `/etc/passwd`.
fn servant() -> Owner {
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    let named = |name: &&str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(*name))?;
        let mut fields = line.split(':').skip(2).map(|field| field.parse().unwrap());
        Some(Owner { user: fields.next()?, group: fields.next()? })
    };
    SERVANTS.iter().find_map(named).expect("somebody whom a server can belong to")
}

/// A program that runs as somebody, with all of their groups.
fn program(words: &[String], owner: Option<Owner>) -> Command {
    let mut command = if let Some(Owner { user, group }) = owner {
        let mut command = Command::new("setpriv");
        command.args([format!("--reuid={user}"), format!("--regid={group}"), "--init-groups".to_owned()]);
        command.args(words);
        command
    } else {
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        command
    };
    // The tests' own folder may be closed to them.
    command.current_dir("/").stdin(Stdio::null());
    command
}

fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|word| (*word).to_owned()).collect()
}

impl Server {
    /// The server that the variables of `pg_virtualenv` name, if they do; one of this run's own, if it is wanted.
    pub async fn find(own: bool, folder: &Path) -> Option<Self> {
        let log = folder.join("postgres.log");
        match std::env::var("PGHOST") {
            Ok(host) => Some(Self::named(&host, log).await),
            Err(_) if own => Some(Self::own(log).await),
            Err(_) => None,
        }
    }

    async fn named(host: &str, log: PathBuf) -> Self {
        let variable = |name: &str| std::env::var(name).unwrap_or_default();
        let (user, password, port) = (variable("PGUSER"), variable("PGPASSWORD"), variable("PGPORT"));
        let base = format!("postgres://{user}:{password}@{host}:{port}");
        let mut admin = connect(&format!("{base}/{}", variable("PGDATABASE"))).await;
        let data: String = sqlx::query_scalar("show data_directory").fetch_one(&mut admin).await.unwrap();
        admin.close().await.unwrap();
        let data = Path::new(&data).canonicalize().expect("the server is on this machine, or it can't be killed");
        let line = std::fs::read_to_string(format!("/proc/{}/cmdline", postmaster(&data))).unwrap();
        let command = line.split('\0').filter(|word| !word.is_empty()).map(str::to_owned).collect();
        let owner = std::fs::metadata(&data).unwrap();
        let owner = is_root().then(|| Owner { user: owner.uid(), group: owner.gid() });
        let port = port.parse().expect("PGPORT");
        let mut server = Self { url: base, data, command, owner, port, postmaster: None, log, folder: None };
        server.make_database(&variable("PGDATABASE")).await;
        server
    }

    async fn own(log: PathBuf) -> Self {
        let (programs, folder) = (programs(), tempfile::tempdir().unwrap());
        let owner = is_root().then(servant);
        if let Some(Owner { user, group }) = owner {
            chown(folder.path(), Some(user), Some(group)).unwrap();
        }
        let data = folder.path().canonicalize().unwrap().join("data");
        let path = |name: &str| programs.join(name).to_str().unwrap().to_owned();
        let (place, initdb, postgres) = (data.to_str().unwrap(), path("initdb"), path("postgres"));
        let init = words(&[&initdb, "-D", place, "-U", "postgres", "-A", "trust", "-E", "UTF8", "-N"]);
        let made = program(&init, owner).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let port = free_port();
        let number = port.to_string();
        let (only_here, no_socket) = ("listen_addresses=127.0.0.1", "unix_socket_directories=");
        let command = words(&[&postgres, "-D", place, "-p", &number, "-c", only_here, "-c", no_socket]);
        let url = format!("postgres://postgres@127.0.0.1:{port}");
        let folder = Some(folder);
        let mut server = Self { url, data, command, owner, port, postmaster: None, log, folder };
        server.start();
        server.make_database("postgres").await;
        server
    }

    async fn make_database(&mut self, beside: &str) {
        let name = format!("chaos_{}", std::process::id());
        let mut admin = connect(&format!("{}/{beside}", self.url)).await;
        for text in [
            format!("create database {name}"),
            format!("alter database {name} set commit_delay = {COMMIT_DELAY}"),
            // However few there are to wait for.
            format!("alter database {name} set commit_siblings = 0"),
        ] {
            sqlx::query(AssertSqlSafe(text)).execute(&mut admin).await.unwrap();
        }
        admin.close().await.unwrap();
        self.url = format!("{}/{name}", self.url);
    }

    /// Kills the postmaster and all that it began, in the middle of whatever they are at.
    pub fn kill(&mut self) {
        let first = self.postmaster.as_ref().map_or_else(|| postmaster(&self.data), Child::id);
        // A postmaster that stands still begins nothing new.
        signal("-STOP", &[first]);
        let all: Vec<u32> = std::iter::once(first).chain(children(first)).collect();
        signal("-9", &all);
        let started = Instant::now();
        while !all.iter().all(|process| is_over(*process)) {
            assert!(started.elapsed() < PATIENCE, "processes {all:?} do not end");
            std::thread::sleep(Duration::from_millis(1));
        }
        if let Some(mut child) = self.postmaster.take() {
            child.wait().unwrap();
        }
        // Where nobody takes leave of the dead they keep their number, and its heir would not start beside it. The fifth line
        // is the socket's folder.
        let pid = self.data.join("postmaster.pid");
        let text = std::fs::read_to_string(&pid).unwrap_or_default();
        if let Some(sockets) = text.lines().nth(4).filter(|folder| !folder.is_empty()) {
            let _ = std::fs::remove_file(Path::new(sockets).join(format!(".s.PGSQL.{}.lock", self.port)));
        }
        let _ = std::fs::remove_file(pid);
    }

    /// Starts it, and waits until it can be asked.
    pub fn start(&mut self) {
        let log = OpenOptions::new().create(true).append(true).open(&self.log).unwrap();
        let mut command = program(&self.command, self.owner);
        command.stdout(log.try_clone().unwrap()).stderr(log);
        self.postmaster = Some(command.spawn().unwrap());
        let (asks, started) = (Path::new(&self.command[0]).with_file_name("pg_isready"), Instant::now());
        let ready = || {
            let mut ask = Command::new(&asks);
            ask.args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()]);
            ask.status().unwrap().success()
        };
        while !ready() {
            let said = || std::fs::read_to_string(&self.log).unwrap();
            assert!(started.elapsed() < PATIENCE, "the server does not start: {}", said());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// The number of the process that all others of a server come from.
fn postmaster(data: &Path) -> u32 {
    let file = std::fs::read_to_string(data.join("postmaster.pid")).expect("a server is running");
    file.lines().next().unwrap().parse().unwrap()
}

/// One that ended by itself meanwhile is no failure.
fn signal(which: &str, processes: &[u32]) {
    let processes = processes.iter().map(u32::to_string);
    let _ = Command::new("kill").arg(which).args(processes).stderr(Stdio::null()).status();
}

/// State and parent of a process, as long as there is anything of it.
fn look(process: u32) -> Option<(String, u32)> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // Its name may have anything in it.
    let (_, rest) = text.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    Some((fields.next()?.to_owned(), fields.next()?.parse().ok()?))
}

fn is_over(process: u32) -> bool {
    look(process).is_none_or(|(state, _)| state == "Z" || state == "X")
}

fn children(parent: u32) -> Vec<u32> {
    // At once, since a commit does not wait; not every kernel keeps the list.
    if let Ok(list) = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")) {
        return list.split_whitespace().map(|process| process.parse().unwrap()).collect();
    }
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    numbers.filter(|process| look(*process).is_some_and(|(_, of)| of == parent)).collect()
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

async fn connect(url: &str) -> PgConnection {
    url.parse::<PgConnectOptions>().unwrap().connect().await.unwrap()
}
