//! The entry points, one file per feature.

mod callbacks;
mod claim;
mod close;
mod open;
mod payout;
mod views;
