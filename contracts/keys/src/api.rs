//! The entry points, one file per feature.

mod ask;
mod callbacks;
mod credentials;
mod grants;
mod hosts;
mod revoke;
mod views;
