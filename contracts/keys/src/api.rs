//! The entry points, one file per feature.

mod approvals;
pub(crate) mod ask;
mod callbacks;
mod credentials;
mod grants;
mod hosts;
mod leases;
mod live;
mod release;
mod revoke;
mod views;
