//! Running `charter`.

use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub fn charter() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_charter"));
    command.env("NO_COLOR", "1");
    command
}

pub fn run(arguments: &[&str]) -> Output {
    charter().args(arguments).output().unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The demo's service has one address, so demos run one at a time.
pub fn one_demo_at_a_time() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}
