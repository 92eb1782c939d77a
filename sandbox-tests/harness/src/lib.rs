//! Typed handles and builders for tests, over near-workspaces
