//! Vouchers that a wallet signs: it shows a text to a person, where a voucher is bytes for programs.
//!
//! The contract takes vouchers signed as bytes only, so a payee can't claim one of these: it shows what a person agreed to.

use charter_types::AccountId;
use charter_types::escrow::Voucher;

use crate::{nep413, sha256};

/// What a wallet is asked to sign for a voucher: a text that says what it promises and ends in its 134 bytes, the escrow as
/// the recipient, and as the nonce sha256 of the bytes. The bytes hold the domain, so that chain and contract are signed along.
pub fn payload(voucher: &Voucher, escrow: &AccountId) -> nep413::Payload {
    let bytes = voucher.to_bytes();
    let Voucher { channel, cumulative, expires_at_ms, .. } = voucher;
    let expires = match expires_at_ms {
        0 => "never".to_owned(),
        expires_at_ms => format!("{expires_at_ms} ms after 1970-01-01 UTC"),
    };
    let message = format!(
        "Charter payment voucher\n\
         I promise {cumulative} in all, in the smallest unit of the channel's asset.\n\
         Channel: {channel}\n\
         Escrow: {escrow}\n\
         Expires: {expires}\n\
         Voucher: {}",
        hex::encode(bytes)
    );
    nep413::Payload { message, nonce: sha256(&bytes), recipient: escrow.to_string(), callback_url: None }
}
