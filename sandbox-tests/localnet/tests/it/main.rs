//! The chain from outside: through its handle, its RPC, and other people's clients.
#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop")]

mod clients;
mod replay;
mod store;
