//! The entry points, one file per feature.

mod agents;
mod keys;
mod nft;
mod roles;
mod stop;
mod transfer;
mod views;
