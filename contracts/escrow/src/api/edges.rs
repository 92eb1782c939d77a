//! Answers in time: edges, and requests that were not answered.

use charter_common::{Answer, Core, methods, sha256};
use charter_types::asset::Asset;
use charter_types::escrow::args::{Deliver, EdgeRef, Escalate, OpenEdge, RequestRef};
use charter_types::escrow::{EdgeId, EdgeSeed, EdgeState, EscrowError, Exchange, Fact, Signer, response_text};
use charter_types::ethereum::personal_message;
use charter_types::{AccountId, AnySignature, EthAddress, Hash32, Signature65, U128};
use near_sdk::{env, near};

use crate::model::Edge;
use crate::storage::RequestKey;
use crate::{Escrow, EscrowExt};

#[methods(escrow)]
#[near]
impl Escrow {
    pub fn open_edge(&mut self, terms: OpenEdge) -> Answer<EdgeId> {
        self.check_running("open")?;
        let (asker, now_ms) = (env::predecessor_account_id(), env::block_timestamp_ms());
        let mut edge = Edge::open(terms, asker.clone(), now_ms)?;
        let (asset, collateral) = (edge.terms.asset.clone(), edge.terms.collateral.0);
        let domain = self.voucher_domain();
        let seed = EdgeSeed { domain, asker: &asker, terms: &edge.terms, open_counter: self.open_counter };
        let id = seed.id(sha256);
        self.open_counter += 1;
        let payment = if asset == Asset::Near {
            let rest = env::attached_deposit().as_yoctonear().checked_sub(collateral).filter(|rest| *rest > 0);
            let needed = collateral.saturating_add(1);
            let rest = rest.ok_or(EscrowError::NotAttached { needed })?;
            edge.fill(&asker, collateral, now_ms)?;
            self.book_in(&asset, collateral)?;
            self.core.begin_payment_of(&asker, rest)
        } else {
            self.core.begin_payment(&asker)?
        };
        self.use_asset(&asset, &asker)?;
        edge.check_invariant()?;
        self.edges.insert(&id, &asker, &edge, &mut self.core.storage)?;
        self.emit("edge_changed", Fact::Edge(Box::new(edge.view(id))));
        self.core.finish_payment(payment)?;
        Ok(id)
    }

    pub fn join_edge(&mut self, EdgeRef { edge: id }: EdgeRef) -> Answer {
        self.check_running("open")?;
        let (acker, now_ms) = (env::predecessor_account_id(), env::block_timestamp_ms());
        let mut edge = self.load_edge(&id)?;
        edge.join(&acker, now_ms)?;
        if edge.terms.asset == Asset::Near {
            let needed = edge.terms.collateral.0;
            if env::attached_deposit().as_yoctonear() != needed {
                return Err(EscrowError::NotAttached { needed }.into());
            }
            edge.fill(&acker, needed, now_ms)?;
            self.book_in(&Asset::Near, needed)?;
        } else {
            Core::check_one_yocto()?;
        }
        self.save_edge(id, &edge)
    }

    pub fn end_edge(&mut self, EdgeRef { edge: id }: EdgeRef) -> Answer {
        let mut edge = self.load_edge(&id)?;
        edge.end(&env::predecessor_account_id(), env::block_timestamp_ms())?;
        self.pay_edge(id, edge)
    }

    pub fn cut_edge(&mut self, EdgeRef { edge: id }: EdgeRef) -> Answer {
        let mut edge = self.load_edge(&id)?;
        edge.cut(&env::predecessor_account_id(), env::block_timestamp_ms())?;
        self.pay_edge(id, edge)
    }

    pub fn escalate(&mut self, args: Escalate) -> Answer {
        let Escalate { edge: id, counter, asked, deadline_ms, signature } = args;
        let asker = env::predecessor_account_id();
        let payment = self.core.begin_payment(&asker)?;
        let mut edge = self.load_edge(&id)?;
        let request = edge.escalate(&asker, (asked, deadline_ms), env::block_timestamp_ms())?;
        let key = RequestKey { edge: id, counter };
        if self.requests.contains(&key) {
            return Err(EscrowError::Escalated {}.into());
        }
        let ack = self.exchange(&key, asked).ack(deadline_ms, sha256);
        if !env::ed25519_verify(&signature.0, ack.to_bytes(), &edge.terms.acker_key.0) {
            return Err(EscrowError::AckSignature {}.into());
        }
        self.requests.insert(&key, &asker, &request, &mut self.core.storage)?;
        self.emit("request_changed", Fact::Request(request.view(id, counter)));
        self.save_edge(id, &edge)?;
        self.core.finish_payment(payment)
    }

    pub fn deliver(&mut self, args: Deliver) -> Answer {
        let Deliver { edge: id, counter, response_hash, signature } = args;
        let key = RequestKey { edge: id, counter };
        let (mut edge, mut request) = (self.load_edge(&id)?, self.load_request(&key)?);
        let exchange = self.exchange(&key, request.asked);
        let signer = edge.terms.signer.clone();
        let is_signed = || signs(&signer, &exchange, response_hash, &signature);
        edge.deliver(&mut request, response_hash, env::block_timestamp_ms(), is_signed)?;
        self.save_request(&key, &request)?;
        self.save_edge(id, &edge)
    }

    pub fn claim_late(&mut self, RequestRef { edge: id, counter }: RequestRef) -> Answer<U128> {
        let key = RequestKey { edge: id, counter };
        let (mut edge, mut request) = (self.load_edge(&id)?, self.load_request(&key)?);
        let before = request.clone();
        edge.take_late(&mut request, env::block_timestamp_ms())?;
        let due = edge.asker_due;
        // One for which there is no collateral left is settled, so that the edge can end.
        if due == 0 && request == before {
            return Err(EscrowError::NothingDue {}.into());
        }
        if request != before {
            self.save_request(&key, &request)?;
        }
        self.pay_edge(id, edge)?;
        Ok(U128(due))
    }

    pub fn forget_request(&mut self, RequestRef { edge: id, counter }: RequestRef) -> Answer {
        let key = RequestKey { edge: id, counter };
        let request = self.load_request(&key)?;
        let window_ms = self.edges.get(&id).filter(|edge| edge.state != EdgeState::Ended);
        request.check_over(window_ms.map(|edge| edge.terms.window_ms), env::block_timestamp_ms())?;
        self.requests.remove(&key, &mut self.core.storage);
        self.emit("request_forgotten", Fact::RequestForgotten { edge: id, counter });
        Ok(())
    }
}

impl Escrow {
    /// Tokens have come, whose contract says from whom.
    pub(crate) fn fill_edge(&mut self, id: EdgeId, token: &AccountId, sender: &AccountId, amount: u128) -> Answer {
        let mut edge = self.load_edge(&id)?;
        let asset = Asset::Nep141(token.clone());
        if edge.terms.asset != asset {
            return Err(EscrowError::WrongAsset {}.into());
        }
        edge.fill(sender, amount, env::block_timestamp_ms())?;
        self.book_in(&asset, amount)?;
        self.save_edge(id, &edge)
    }

    fn exchange(&self, key: &RequestKey, asked: Hash32) -> Exchange {
        Exchange { domain: self.voucher_domain(), edge: key.edge, counter: key.counter, asked }
    }
}

/// Whether the signer of an edge has signed a response.
fn signs(signer: &Signer, exchange: &Exchange, response_hash: Hash32, signature: &AnySignature) -> bool {
    match (signer, signature) {
        (Signer::Ed25519(key), AnySignature::Ed25519(signature)) => {
            env::ed25519_verify(&signature.0, exchange.response(response_hash, sha256).to_bytes(), &key.0)
        }
        (Signer::Eip191 { address, model }, AnySignature::Secp256k1(signature)) => {
            recovered(&response_text(model, exchange.asked, response_hash), signature) == Some(*address)
        }
        _ => false,
    }
}

/// Who signed a text as an Ethereum account does. A text has one signature of one key: of the two that the curve has, the one
/// with the high s is refused, and the recovery byte is 0 or 1.
fn recovered(text: &str, signature: &Signature65) -> Option<EthAddress> {
    let [signature @ .., v] = signature.0;
    if v > 1 {
        return None;
    }
    let digest = keccak256(&personal_message(text));
    let key = env::ecrecover(&digest, &signature, v, true)?;
    Some(EthAddress::of_key(&key, keccak256))
}

fn keccak256(bytes: &[u8]) -> [u8; 32] {
    env::keccak256_array(bytes)
}

#[cfg(test)]
mod tests {
    use charter_types::escrow::{Exchange, Signer, response_text};
    use charter_types::ethereum::personal_message;
    use charter_types::{AnySignature, EthAddress, Hash32, Signature64, Signature65};

    use super::{keccak256, recovered, sha256, signs};

    /// Made with eth-account 0.14.0 (PyPI): `Account.sign_message(encode_defunct(text=text), b"\x2a" * 32)`, whose `v` of 28
    /// is 1 here. Hashes are sha256 of `what is asked` and `what is answered`.
    const TEXT: &str = "deepseek-v3.1:00b4a830a5222030a83680180f38cc458316db747596927fdde0ccc0af76f636:\
                        f76869d0a0122f616e354067babc0def55457ec086edb5a27464c4caad4e2c83";
    const DIGEST: &str = "662519a822045c4d24c18a609fa324cca79a13e7617c4e077b34b8af20c6487c";
    const ADDRESS: &str = "0xb0e5863d0ddf7e105e409fee0ecc0123a362e14b";
    const R: &str = "a296106b2f996cd7f61466957ada74a5e8d3eb3a1e570b32c2fdf81517e573d3";
    const S: &str = "4fd28fa6e797ad285132c20ea7db71de4ec1b27c8094775da880d21e38d9e22e";
    /// The curve's order less `S`.
    const HIGH_S: &str = "b02d7059186852d7aecd3df158248e206bed2a6a2eb428de17518c6e975c5f13";

    fn signature(s: &str, v: u8) -> Signature65 {
        let [r, s] = [R, s].map(|text| text.parse::<Hash32>().unwrap().0);
        Signature65([r.as_slice(), &s, &[v]].concat().try_into().unwrap())
    }

    #[test]
    fn an_ethereum_signature_is_what_ethereum_makes_of_the_text() {
        let (asked, answered) = (Hash32(sha256(b"what is asked")), Hash32(sha256(b"what is answered")));
        assert_eq!(response_text("deepseek-v3.1", asked, answered), TEXT);
        assert_eq!(Hash32(keccak256(&personal_message(TEXT))).to_string(), DIGEST);
        let address: EthAddress = ADDRESS.parse().unwrap();
        assert_eq!(recovered(TEXT, &signature(S, 1)), Some(address));
        let exchange = Exchange { domain: Hash32([1; 32]), edge: Hash32([2; 32]), counter: 3, asked };
        let signer = Signer::Eip191 { address, model: "deepseek-v3.1".to_owned() };
        let good = AnySignature::Secp256k1(signature(S, 1));
        assert!(signs(&signer, &exchange, answered, &good));
        assert!(!signs(&signer, &exchange, asked, &good));
        let other_model = Signer::Eip191 { address, model: "deepseek-v3".to_owned() };
        assert!(!signs(&other_model, &exchange, answered, &good));
        assert!(!signs(&signer, &exchange, answered, &AnySignature::Ed25519(Signature64([0; 64]))));
    }

    #[test]
    fn a_text_has_one_signature_of_one_key() {
        let address: Option<EthAddress> = ADDRESS.parse().ok();
        assert_eq!(recovered(TEXT, &signature(HIGH_S, 0)), None);
        for v in [0, 2, 3, 4, 27, 28, 255] {
            assert_ne!(recovered(TEXT, &signature(S, v)), address, "{v}");
        }
        assert_eq!(recovered(TEXT, &Signature65([0; 65])), None);
        assert_eq!(recovered(TEXT, &Signature65([255; 65])), None);
    }
}
