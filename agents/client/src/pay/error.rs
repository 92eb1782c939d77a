use charter_types::escrow::ChannelId;

use super::Refusal;

/// Why one end of a channel can't go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PayError {
    /// A payer signs nothing that its payee would refuse.
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("channel {channel} has not been looked at on chain since the start")]
    Unseen { channel: ChannelId },
    #[error("the voucher key of channel {channel} is another one, or no curve point")]
    Key { channel: ChannelId },
    /// The payee's word alone moves nothing.
    #[error("nothing proves where the payee says that channel {channel} stands: no voucher of this key, no claim seen")]
    Unproven { channel: ChannelId },
    /// What was asked last may be on disk or not, and nothing more is written: only a start anew reads what is there.
    #[error("the log can't be written or read: {reason}")]
    Storage { reason: String },
    #[error("frame {frame} of the log is damaged though it was on disk: vouchers may be missing")]
    Damaged { frame: usize },
    #[error("the log is another one's: of a payer or a payee, a contract or a voucher key that this is not")]
    OtherLog,
    #[error("another process has the log open")]
    InUse,
}

impl PayError {
    /// The code, which never changes.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::Unseen { .. } => "PAY_UNSEEN",
            Self::Key { .. } => "PAY_WRONG_KEY",
            Self::Unproven { .. } => "PAY_UNPROVEN",
            Self::Storage { .. } => "PAY_STORAGE",
            Self::Damaged { .. } => "PAY_LOG_DAMAGED",
            Self::OtherLog => "PAY_LOG_OTHER",
            Self::InUse => "PAY_LOG_IN_USE",
        }
    }
}

impl From<std::io::Error> for PayError {
    fn from(error: std::io::Error) -> Self {
        Self::Storage { reason: error.to_string() }
    }
}
