//! Replays a history recorded from nearcore on this chain and compares every outcome.
//!
//! `cargo run --release --example replay -- FILE`: a line per transaction, equal or the difference;
//! exits with 1 on any difference. The format is described beside the recordings.

use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(path) = std::env::args().nth(1) else {
        eprintln!("usage: replay FILE (a recorded history as JSON)");
        return ExitCode::from(2);
    };
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("{path}: {error}");
            return ExitCode::from(2);
        }
    };
    match charter_localnet::replay::replay(&text) {
        Err(error) => {
            eprintln!("{path} is not a recorded history: {error}");
            ExitCode::from(2)
        }
        Ok(replayed) => {
            let lines = replayed.lines;
            for line in &lines {
                println!("{line}");
            }
            let bad = lines.iter().filter(|line| !line.differences.is_empty()).count();
            println!("{} passed, {bad} failed", lines.len() - bad);
            ExitCode::from(u8::from(bad > 0))
        }
    }
}
