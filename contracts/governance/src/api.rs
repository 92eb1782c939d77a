//! The entry points, one file per feature.

mod ballots;
mod callbacks;
mod delegates;
mod enrol;
mod execute;
mod fleet;
mod lines;
mod propose;
mod rollouts;
mod stake;
mod statements;
mod views;
mod voting;
