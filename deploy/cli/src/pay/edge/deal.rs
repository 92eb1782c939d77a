//! What an edge is opened with.

use std::path::PathBuf;

use charter_types::asset::Asset;
use charter_types::escrow::args::OpenEdge;
use charter_types::escrow::{MODEL_BYTES_MAX, Signer};
use charter_types::{AccountId, Ed25519Key, U128};

use crate::files::payments::Payments;
use crate::pay::offer;
use crate::session::Session;
use crate::units::{Amount, amount, duration_ms, some_amount};

#[derive(clap::Args)]
pub struct Deal {
    /// What lateness costs for each second from a minute after the escalation on. In NEAR; of a token, in its smallest unit.
    #[arg(long, value_name = "AMOUNT", value_parser = some_amount)]
    rate: Amount,
    /// Most that one request can cost [default: the collateral].
    #[arg(long, value_name = "AMOUNT", value_parser = some_amount)]
    cap: Option<Amount>,
    /// What each of you pays if the edge is cut; 0: nothing.
    #[arg(long, value_name = "AMOUNT", value_parser = amount)]
    cut: Amount,
    /// Who gets it: neither of you.
    #[arg(long, value_name = "ACCOUNT")]
    cut_to: AccountId,
    /// How long after its deadline a request can be escalated: 1m to 30d.
    #[arg(long, value_name = "TIME", value_parser = duration_ms, default_value = "1d")]
    window: u64,
    /// How long the edge lasts, as 30d; 366d at most.
    #[arg(long = "for", value_name = "TIME", value_parser = duration_ms)]
    for_ms: u64,
    /// What the acker signs acks with: it says `charter pay key`.
    #[arg(long, value_name = "KEY")]
    acker_key: Ed25519Key,
    /// What you sign requests with [default: this folder's key].
    #[arg(long, value_name = "KEY")]
    asker_key: Option<Ed25519Key>,
    /// Who signs answers: a key, or eip191:ADDRESS:MODEL [default: the acker's key].
    #[arg(long, value_name = "SIGNER", value_parser = signer)]
    signer: Option<Signer>,
    /// What the acker offers, signed: the edge names its hash.
    #[arg(long, value_name = "FILE")]
    offer: Option<PathBuf>,
}

fn signer(text: &str) -> Result<Signer, String> {
    let Some(rest) = text.strip_prefix("eip191:") else { return text.parse().map(Signer::Ed25519) };
    let (address, model) = rest.split_once(':').ok_or("expected eip191:ADDRESS:MODEL")?;
    // As the contract has it: with a colon one text could be read in two ways.
    let fits = (1..=MODEL_BYTES_MAX).contains(&model.len())
        && model.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b':');
    if !fits {
        return Err(format!(
            "ESCROW_BAD_EDGE: a model is 1 to {MODEL_BYTES_MAX} printable ASCII characters without a colon"
        ));
    }
    Ok(Signer::Eip191 { address: address.parse()?, model: model.to_owned() })
}

impl Deal {
    pub async fn terms(
        self,
        session: &Session,
        acker: AccountId,
        collateral: &Amount,
        asset: Asset,
    ) -> anyhow::Result<OpenEdge> {
        session.check_account(&acker).await?;
        session.check_account(&self.cut_to).await?;
        let payments = Payments::open(session)?;
        let collateral = collateral.of(&asset)?;
        let cap = self.cap.map_or(Ok(collateral), |cap| cap.of(&asset))?;
        let mut offer = None;
        if let Some(path) = &self.offer {
            let (_, hash) = offer::checked(session, &payments, path).await?;
            offer = Some(hash);
        }
        Ok(OpenEdge {
            acker,
            collateral: U128(collateral),
            cut: U128(self.cut.of(&asset)?),
            cut_to: self.cut_to,
            rate_per_s: U128(self.rate.of(&asset)?),
            cap: U128(cap),
            window_ms: self.window,
            ends_ms: session.now_ms().await?.saturating_add(self.for_ms),
            asker_key: self.asker_key.map_or_else(|| payments.public_key(), Ok)?,
            acker_key: self.acker_key,
            signer: self.signer.unwrap_or(Signer::Ed25519(self.acker_key)),
            asset,
            offer,
        })
    }
}

#[cfg(test)]
mod tests {
    use charter_types::escrow::Signer;
    use charter_types::{Ed25519Key, EthAddress};

    use super::signer;

    #[test]
    fn a_signer_is_a_key_or_an_address_with_a_model() {
        let key = Ed25519Key([7; 32]);
        assert_eq!(signer(&key.to_string()), Ok(Signer::Ed25519(key)));
        let address = EthAddress([0xab; 20]);
        for model in ["q", "openai/gpt oss-120b~", "m".repeat(64).as_str()] {
            let expected = Signer::Eip191 { address, model: model.to_owned() };
            assert_eq!(signer(&format!("eip191:{address}:{model}")), Ok(expected));
        }
        for wrong in ["", "eip191:", "eip191:0xab:m", "x25519:abc"] {
            assert!(signer(wrong).is_err(), "{wrong}");
        }
        // The contract's words, before anything is signed.
        let refusal = "ESCROW_BAD_EDGE: a model is 1 to 64 printable ASCII characters without a colon";
        for model in ["", "qwen:3", "qwen\n3", "qwén", "m".repeat(65).as_str()] {
            assert_eq!(signer(&format!("eip191:{address}:{model}")), Err(refusal.to_owned()), "{model}");
        }
    }
}
