//! A signed voucher as one hands it to its payee: a line of hex, or JSON.

use anyhow::{Context, ensure};
use borsh::BorshDeserialize;
use charter_client::pay::Payment;
use charter_types::escrow::{ChannelId, ClaimRow};
use charter_types::hash::borsh_bytes;
use charter_types::{Hash32, Signature64, U128};
use serde::{Deserialize, Serialize};

/// A row of `claim_batch`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    pub channel: ChannelId,
    pub cumulative: U128,
    pub expires_at_ms: u64,
    pub counter: u64,
    pub context_root: Hash32,
    pub signature: Signature64,
}

impl Row {
    pub fn new(Payment { voucher, signature }: &Payment) -> Self {
        Self {
            channel: voucher.channel,
            cumulative: U128(voucher.cumulative),
            expires_at_ms: voucher.expires_at_ms,
            counter: voucher.counter,
            context_root: voucher.context_root,
            signature: *signature,
        }
    }

    fn claim_row(&self) -> ClaimRow {
        ClaimRow {
            channel: self.channel.0,
            cumulative: self.cumulative.0,
            expires_at_ms: self.expires_at_ms,
            counter: self.counter,
            context_root: self.context_root.0,
            signature: self.signature.0,
        }
    }

    /// The row in borsh.
    pub fn hex(&self) -> String {
        hex::encode(borsh_bytes(&self.claim_row()))
    }
}

/// Rows: hex or JSON, or @FILE with one of them in each line.
pub fn read(text: &str) -> anyhow::Result<Vec<ClaimRow>> {
    let Some(path) = text.strip_prefix('@') else { return Ok(vec![read_one(text)?]) };
    let text = std::fs::read_to_string(path).with_context(|| format!("{path} can't be read"))?;
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    ensure!(!lines.is_empty(), "{path} is empty");
    lines.into_iter().map(read_one).collect()
}

fn read_one(text: &str) -> anyhow::Result<ClaimRow> {
    let row = if text.starts_with('{') {
        serde_json::from_str::<Row>(text).ok().map(|row| row.claim_row())
    } else {
        hex::decode(text).ok().and_then(|bytes| ClaimRow::try_from_slice(&bytes).ok())
    };
    row.context("expected a voucher as `charter pay voucher` prints it, in hex or JSON, or @FILE with some")
}

#[cfg(test)]
mod tests {
    use charter_types::{Hash32, Signature64, U128};

    use super::{Row, read};

    #[test]
    fn a_row_is_read_as_it_is_printed() {
        let row = Row {
            channel: Hash32([1; 32]),
            cumulative: U128(u128::MAX),
            expires_at_ms: 2,
            counter: 3,
            context_root: Hash32([4; 32]),
            signature: Signature64([5; 64]),
        };
        let json = serde_json::to_string(&row).unwrap();
        for text in [row.hex(), json.clone()] {
            assert_eq!(read(&text).unwrap(), [row.claim_row()], "{text}");
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows");
        std::fs::write(&path, format!("{}\n\n{json}\n", row.hex())).unwrap();
        assert_eq!(read(&format!("@{}", path.display())).unwrap().len(), 2);
        for wrong in ["", "00", "{}", "@none", "voucher"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
