//! Stand-in for `near-jsonrpc-client`, for near-workspaces alone.
//!
//! near-workspaces turns on the default features of `near-jsonrpc-client`, and one of them is `native-tls`. Cargo unifies
//! features over the whole graph, so every program of this workspace would need OpenSSL's headers to build. The `[patch]`
//! in the workspace's `Cargo.toml` puts this crate in the place of the one that near-workspaces asks for: the same items,
//! from the same release, with rustls.
//!
//! It can go when near-workspaces asks for `near-jsonrpc-client` without default features.

pub use upstream::*;
