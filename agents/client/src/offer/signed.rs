use charter_types::registry::Purpose;
use charter_types::{AccountId, AnyKey, Ed25519Key, Hash32, Signature64};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Evidence, Offer, OfferError};
use crate::{ed25519, nep413};

/// How an offer is signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum By {
    /// By a full-access key of the payee, through a wallet (NEP-413).
    Account {
        /// What a wallet in a web page signed along.
        callback_url: Option<String>,
    },
    /// By a `Pay` key that the registry has for the offer's agent.
    PayKey,
}

/// An offer as a payee hands it out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedOffer {
    pub offer: Offer,
    pub by: By,
    pub key: Ed25519Key,
    pub signature: Signature64,
}

impl Offer {
    /// What a wallet is asked to sign for [`By::Account`]: a text that says what is offered and ends in the offer's hash, which is
    /// the nonce, too.
    pub fn payload(&self, domain: Hash32, escrow: &AccountId) -> nep413::Payload {
        let hash = self.hash(domain);
        let Self { payee, service, prices, expires_at_ms, .. } = self;
        let message = format!(
            "Charter offer\n\
             {payee} offers {service} at {} prices, through channels of {escrow}.\n\
             Expires: {expires_at_ms} ms after 1970-01-01 UTC\n\
             Offer: {hash}",
            prices.len()
        );
        nep413::Payload { message, nonce: hash.0, recipient: escrow.to_string(), callback_url: None }
    }
}

impl SignedOffer {
    /// What somebody hands out. What is none, because an account is no account or a field is unknown, has a bad form.
    pub fn read(handed_out: Value) -> Result<Self, OfferError> {
        serde_json::from_value(handed_out).map_err(|_| OfferError::Form {
            reason: "it is no signed offer: fields are missing, unknown or of another kind",
        })
    }

    /// The offer's hash if it is the payee's word at `now_ms`. The first of these refuses it: its form, its end, the signature,
    /// whose key that is.
    pub fn check(
        &self,
        domain: Hash32,
        escrow: &AccountId,
        evidence: &Evidence,
        now_ms: u64,
    ) -> Result<Hash32, OfferError> {
        let hash = self.check_signature(domain, escrow, now_ms)?;
        self.check_key(evidence, now_ms)?;
        Ok(hash)
    }

    /// The same, without asking whose key it is.
    pub fn check_signature(&self, domain: Hash32, escrow: &AccountId, now_ms: u64) -> Result<Hash32, OfferError> {
        self.offer.check()?;
        if !self.offer.holds(now_ms) {
            return Err(OfferError::Ended { expires_at_ms: self.offer.expires_at_ms });
        }
        if !self.is_signed(domain, escrow) {
            return Err(OfferError::Signature);
        }
        Ok(self.offer.hash(domain))
    }

    fn is_signed(&self, domain: Hash32, escrow: &AccountId) -> bool {
        match &self.by {
            By::Account { callback_url } => {
                let shown = self.offer.payload(domain, escrow);
                let signed = nep413::Payload { callback_url: callback_url.clone(), ..shown };
                signed.is_signed(&self.key, &self.signature)
            }
            // The registry has no keys of small order.
            By::PayKey => ed25519::unpack(&self.key)
                .is_some_and(|key| ed25519::verifies(&key, &self.offer.message(domain), &self.signature)),
        }
    }

    /// Whether the key is one that speaks for the payee.
    pub(crate) fn check_key(&self, evidence: &Evidence, now_ms: u64) -> Result<(), OfferError> {
        let no = |reason| Err(OfferError::NotPayee { reason });
        match (&self.by, evidence) {
            (By::Account { .. }, Evidence::Account { full_access }) if full_access.contains(&self.key) => Ok(()),
            (By::Account { .. }, _) => no("the key is no full-access key of the payee"),
            (By::PayKey, Evidence::Agent { id, standing, payout }) => {
                if self.offer.agent != Some(*id) || *payout != self.offer.payee {
                    return no("the payee is not who is paid for the agent's work");
                }
                if !standing.armed || !standing.status.is_active(now_ms) {
                    return no("the agent is paused, retired or disarmed");
                }
                let key = AnyKey::Ed25519(self.key);
                let known = standing.keys.iter().find(|known| known.key == key && known.purpose == Purpose::Pay);
                if known.is_some_and(|known| known.expires_ms > now_ms) {
                    return Ok(());
                }
                no("the key is no `Pay` key of the agent, or its time is over")
            }
            (By::PayKey, Evidence::Account { .. }) => no("nothing is known of the agent"),
        }
    }
}
