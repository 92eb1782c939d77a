//! The entry points, one file per feature.

mod agents;
mod attestation;
mod callbacks;
mod heartbeat;
mod keys;
mod nft;
mod payout;
mod recovery;
mod reputation;
mod roles;
mod stop;
mod transfer;
mod views;
