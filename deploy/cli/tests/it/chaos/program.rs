//! The indexer as a process, and what it is at: it says before and after it writes, and before and after it commits.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Instant;

use crate::process::charter;

/// Lines of its that are shown if it ends by itself.
const LAST_WORDS: usize = 5;

/// What it was at when it died, as far as its own word goes: a line is written before what it tells of begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Reading the chain, or starting.
    Outside,
    /// Between the beginning of a transaction and its commit.
    Writing,
    /// It asked for the commit, and had no answer.
    Committing,
}

impl Phase {
    pub fn name(self) -> &'static str {
        match self {
            Self::Outside => "outside",
            Self::Writing => "insert",
            Self::Committing => "commit",
        }
    }
}

/// Something that happened to it.
pub enum Seen {
    /// It is at something else from now on.
    Turned(Phase),
    /// A step is in the database.
    Kept(Instant),
    /// Another line.
    Said,
    Ended,
    /// Nothing, for as long as somebody was ready to wait.
    Late,
}

pub struct Program {
    child: Child,
    lines: Receiver<(Instant, String)>,
    phase: Phase,
    last_words: VecDeque<String>,
    pub started: Instant,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Program {
    pub fn start(arguments: &[String]) -> Self {
        let started = Instant::now();
        let mut command = charter();
        command.env("CHARTER_LOG", "error,charter_indexer=debug").args(["index", "run"]).args(arguments);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(child.stderr.take().unwrap());
        let (heard, lines) = channel();
        // Read as it comes: a full pipe would stop it, and a line that is read late is about the past.
        std::thread::spawn(move || {
            for line in said.split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).into_owned();
                if heard.send((Instant::now(), line)).is_err() {
                    return;
                }
            }
        });
        Self { child, lines, phase: Phase::Outside, last_words: VecDeque::new(), started }
    }

    /// What happens next.
    pub fn next(&mut self, until: Instant) -> Seen {
        match self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok((at, line)) => self.take(at, line),
            Err(RecvTimeoutError::Timeout) => Seen::Late,
            Err(RecvTimeoutError::Disconnected) => Seen::Ended,
        }
    }

    fn take(&mut self, at: Instant, line: String) -> Seen {
        let turns = [("a step is written", Phase::Writing), ("a step is committed", Phase::Committing)];
        if let Some((_, phase)) = turns.into_iter().find(|(text, _)| line.contains(text)) {
            self.phase = phase;
            return Seen::Turned(phase);
        }
        if line.contains("a step is kept") {
            self.phase = Phase::Outside;
            return Seen::Kept(at);
        }
        // What failed is begun again from the chain.
        if line.contains("trying again") {
            self.phase = Phase::Outside;
        }
        if self.last_words.len() == LAST_WORDS {
            self.last_words.pop_front();
        }
        self.last_words.push_back(line);
        Seen::Said
    }

    /// What it is at, by all that it has said so far.
    pub fn phase(&mut self) -> Phase {
        while let Ok((at, line)) = self.lines.try_recv() {
            self.take(at, line);
        }
        self.phase
    }

    /// Kills it. Answers what it was at: what it said before is read to the end. `None`: it had ended by itself.
    pub fn kill(&mut self) -> Option<Phase> {
        let ended = self.child.try_wait().unwrap().is_some();
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        while let Ok((at, line)) = self.lines.recv() {
            self.take(at, line);
        }
        (!ended).then_some(self.phase)
    }

    /// What it said last, besides its steps.
    pub fn last_words(&self) -> String {
        self.last_words.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}
