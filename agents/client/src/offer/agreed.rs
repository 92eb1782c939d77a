use charter_types::Hash32;
use charter_types::escrow::{Channel, Split, terms_hash};

use super::{Offer, OfferError};
use crate::sha256;

/// An offer that a channel was opened for, or one that both sides took in its place. There is no other way to make one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreed {
    offer: Offer,
    hash: Hash32,
}

impl Agreed {
    /// The offer that a channel names, with the splits that it was opened with: the chain has the hash of both. Whether the
    /// payee signed it, [`super::SignedOffer::check`] says; that the payer meant this one, the channel does.
    pub fn new(offer: Offer, domain: Hash32, channel: &Channel, splits: &[Split]) -> Result<Self, OfferError> {
        offer.check()?;
        let hash = offer.hash(domain);
        let same = offer.payee == channel.payee && offer.asset == channel.asset;
        if same && channel.terms_hash == terms_hash(splits, Some(hash), sha256) {
            return Ok(Self { offer, hash });
        }
        Err(OfferError::NotAgreed { hash })
    }

    /// The offer that follows this one, for who takes it: nobody has to.
    pub fn followed_by(&self, next: Offer, domain: Hash32) -> Result<Self, OfferError> {
        next.check()?;
        let Offer { payee, service, asset, .. } = &self.offer;
        let same = next.payee == *payee && next.service == *service && next.asset == *asset;
        if !same || next.parent != Some(self.hash) {
            return Err(OfferError::NotNext { parent: self.hash });
        }
        let hash = next.hash(domain);
        Ok(Self { offer: next, hash })
    }

    pub fn offer(&self) -> &Offer {
        &self.offer
    }

    pub fn hash(&self) -> Hash32 {
        self.hash
    }
}
