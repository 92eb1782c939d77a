//! The entry points, one file per feature.

mod appeal;
mod balances;
mod callbacks;
mod draw;
mod honeypots;
mod reputation;
mod reviewers;
mod sets;
mod settle;
mod verdicts;
mod views;
mod work;
