//! Charter from Rust: typed calls and views, signing, both ends of payment channels, offers, acks, and permission checks at
//! one block.

mod account;
pub mod ack;
pub mod card;
mod contracts;
pub mod ed25519;
mod error;
pub mod nep413;
pub mod offer;
pub mod pay;
mod permission;
pub mod proof;
mod rpc;
mod signable;
pub mod voucher;
pub mod wallet;

pub use account::{Account, Call, Failure, Outcome, STORAGE_DEPOSIT, deploy_action, transfer_action};
pub use contracts::{Contracts, Done, Handle};
pub use error::ClientError;
/// Types of JSON-RPC methods, their answers and refusals, for [`Rpc::send`] and [`ClientError::refusal`].
pub use near_jsonrpc_client::methods;
pub use pay::{Payee, Payer};
pub use permission::PermissionView;
pub use rpc::{At, Limits, NodeHealth, Question, Rate, Rpc};
pub use signable::{Unsignable, check_signable, is_numeric};
pub use voucher::VoucherSigner;

/// SHA-256 off chain.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).into()
}
