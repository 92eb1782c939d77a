//! Storage in the mock VM.
#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop")]

mod conservation;
mod migration;
mod reservation;
mod state;
#[expect(dead_code, reason = "logs are what contracts' tests look at")]
#[path = "../../testing/mock_vm.rs"]
mod vm;
