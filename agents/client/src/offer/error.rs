use charter_types::Hash32;

/// Why an offer is not one to go by.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OfferError {
    #[error("{reason}")]
    Form { reason: &'static str },
    #[error("the offer ended at {expires_at_ms} ms")]
    Ended { expires_at_ms: u64 },
    #[error("the offer is not signed by the key that it names")]
    Signature,
    #[error("{reason}")]
    NotPayee { reason: &'static str },
    #[error("the channel was not opened for offer {hash}")]
    NotAgreed { hash: Hash32 },
    #[error("the offer does not follow {parent}: it names another, or another payee, service or asset")]
    NotNext { parent: Hash32 },
}

impl OfferError {
    /// The code, which never changes.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Form { .. } => "OFFER_BAD_FORM",
            Self::Ended { .. } => "OFFER_ENDED",
            Self::Signature => "OFFER_BAD_SIGNATURE",
            Self::NotPayee { .. } => "OFFER_NOT_PAYEE",
            Self::NotAgreed { .. } => "OFFER_NOT_AGREED",
            Self::NotNext { .. } => "OFFER_NOT_NEXT",
        }
    }
}
