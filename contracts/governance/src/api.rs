//! The entry points, one file per feature.

mod callbacks;
mod enrol;
mod execute;
mod lines;
mod propose;
mod views;
mod voting;
