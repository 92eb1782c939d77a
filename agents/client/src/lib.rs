//! Charter from Rust: typed calls and views, signing, vouchers, and permission checks at one block.

mod account;
pub mod card;
mod contracts;
mod error;
mod permission;
mod rpc;
mod signable;
mod voucher;

pub use account::{Account, Call, Outcome, deploy_action, transfer_action};
pub use contracts::{Contracts, Done, Handle};
pub use error::ClientError;
pub use permission::PermissionView;
pub use rpc::{At, Question, Rpc};
pub use signable::{Unsignable, check_signable, is_numeric};
pub use voucher::{Payee, Payer};

/// SHA-256 off chain.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).into()
}
