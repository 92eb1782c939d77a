//! The command from outside: as a process, with its exit codes and its output.
#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop")]

mod agent_verbs;
mod attested;
mod bad_input;
mod chaos;
mod dao;
mod demo;
mod dstack;
mod hand_over;
mod host_keys;
mod index_files;
mod index_settings;
mod index_trust;
mod index_verbs;
mod key_verbs;
mod newcomer;
mod operator;
mod payments;
mod permissions;
mod process;
mod profile_place;
mod sputnik;
mod statements;
mod watch;
