//! The entry points, one file per feature.

mod attribution;
mod callbacks;
mod claim;
mod close;
mod distribute;
mod draw;
mod edge_payouts;
mod edges;
mod open;
mod payout;
mod purse;
mod reputation;
mod tokens;
mod views;
