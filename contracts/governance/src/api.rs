//! The entry points, one file per feature.

mod callbacks;
mod enrol;
mod execute;
mod fleet;
mod lines;
mod propose;
mod rollouts;
mod statements;
mod views;
mod voting;
