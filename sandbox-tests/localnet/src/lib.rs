#![doc = include_str!("../README.md")]

mod admission;
pub mod chain;
mod cheats;
pub mod cli;
mod clock;
mod code;
mod defect;
mod delegates;
mod dump;
mod faults;
mod fees;
mod genesis;
mod home;
mod localnet;
mod readers;
pub mod replay;
mod rpc;
mod runtime;
mod state;
mod store;
mod trie;
mod trie_key;
mod validators;

pub use cheats::Cheats;
pub use faults::Faults;
pub use genesis::{Genesis, GenesisFile, PROTOCOL_VERSION};
pub use localnet::{Config, Error, Localnet, Producer};
pub use rpc::RpcServer;
