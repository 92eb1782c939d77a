//! What a payee sells, signed before anybody opens a channel for it.

mod list;

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use charter_client::offer::{By, Evidence, Offer, OfferError, SignedOffer};
use charter_types::asset::Asset;
use charter_types::registry::AgentId;
use charter_types::{Ed25519Key, Hash32, Signature64};
use ed25519_dalek::Signer;
use near_crypto::{PublicKey, SecretKey, Signature};
use serde_json::json;

use crate::files::keystore::KeyStore;
use crate::files::payments::Payments;
use crate::files::read_json;
use crate::key::input::Consent;
use crate::key::words;
use crate::session::Session;
use crate::units::{length, money, time};

#[derive(clap::Subcommand)]
pub enum Command {
    /// Signs an offer of yours, and prints it to be handed out. The escrow's README says what is in the file.
    Sign {
        /// The offer in JSON.
        file: PathBuf,
        /// With this folder's key (`charter pay key`), which the registry has as a Pay key of the offer's agent, instead
        /// of the account's.
        #[arg(long)]
        pay_key: bool,
        #[command(flatten)]
        consent: Consent,
    },
    /// Checks a signed offer: its form, its time, the signature, and on chain whose key that is.
    Check { file: PathBuf },
    /// Shows an offer, signed or not, and its hash, and asks nobody.
    Show { file: PathBuf },
    /// Lists what an agent's card offers, each offer checked as `check` does. Of a bad one it says what is wrong with it.
    List {
        /// The agent's id [default: the profile's].
        #[arg(long)]
        agent: Option<AgentId>,
        /// The card, if its address does not hold it and it was not registered from this folder.
        #[arg(long)]
        card: Option<PathBuf>,
    },
}

/// What is wrong with an offer, with its code in front.
pub fn coded(error: OfferError) -> anyhow::Error {
    anyhow!("{}: {error}", error.code())
}

pub async fn run(session: &Session, command: Command) -> anyhow::Result<()> {
    let payments = Payments::open(session)?;
    match command {
        Command::Sign { file, pay_key, consent } => sign(session, &payments, &file, pay_key, &consent),
        Command::Check { file } => {
            let (signed, hash) = checked(session, &payments, &file).await?;
            tell(session, &signed.offer, hash, ("checked", "it is the payee's word"))
        }
        Command::Show { file } => {
            let offer = read_either(&file)?;
            offer.check().map_err(coded)?;
            let hash = offer.hash(payments.offers);
            tell(session, &offer, hash, ("checked", "its form alone: `charter pay offer check` asks the chain"))
        }
        Command::List { agent, card } => list::run(session, session.agent(agent)?, card.as_deref()).await,
    }
}

fn read_file<T: serde::de::DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
    let read: Option<T> = read_json(path)?;
    read.with_context(|| format!("{} does not exist", path.display()))
}

/// The offer in a file, with a signature or without.
fn read_either(path: &Path) -> anyhow::Result<Offer> {
    let value: serde_json::Value = read_file(path)?;
    if value.get("signature").is_none() {
        return read_file(path);
    }
    let signed: SignedOffer = read_file(path)?;
    Ok(signed.offer)
}

/// A signed offer that is its payee's word now, as the chain shows it, and its hash.
pub async fn checked(session: &Session, payments: &Payments, path: &Path) -> anyhow::Result<(SignedOffer, Hash32)> {
    let signed: SignedOffer = read_file(path)?;
    let evidence = Evidence::read(session.rpc(), &session.contracts, &signed).await;
    // A key that the account does not have is an error of the node's.
    let evidence = evidence.with_context(|| format!("whose key {} is can't be looked up", signed.key))?;
    let now_ms = session.now_ms().await?;
    let hash = signed.check(payments.offers, &session.contracts.escrow, &evidence, now_ms).map_err(coded)?;
    Ok((signed, hash))
}

/// What amounts are of, where there is none yet.
pub fn currency(asset: &Asset) -> String {
    match asset {
        Asset::Near => "NEAR".to_owned(),
        Asset::Nep141(token) => token.to_string(),
    }
}

/// What is offered, a line each.
pub fn prices(offer: &Offer) -> Vec<(&'static str, String)> {
    let mut lines = vec![("offer", format!("{} by {}", offer.service, offer.payee))];
    for price in &offer.prices {
        let units = if price.units_max == 1 { String::new() } else { format!(", up to {} at once", price.units_max) };
        lines.push(("price", format!("{}: {}{units}", price.item, money(&offer.asset, price.amount.0))));
    }
    let level = offer.level;
    if level.answer_within_ms > 0 {
        lines.push(("answers", format!("within {}, it says; an edge would bind it", length(level.answer_within_ms))));
    }
    lines.push(("prices hold", format!("until {}", time(offer.expires_at_ms))));
    lines
}

fn tell(session: &Session, offer: &Offer, hash: Hash32, (name, said): (&str, &str)) -> anyhow::Result<()> {
    let mut sheet = prices(offer);
    sheet.push(("hash", hash.to_string()));
    let text = format!("{}{name:<11} {said}", words::sheet(&sheet));
    session.tell(&json!({ "hash": hash, "offer": offer }), &text)
}

fn sign(session: &Session, payments: &Payments, path: &Path, pay_key: bool, consent: &Consent) -> anyhow::Result<()> {
    let offer: Offer = read_file(path)?;
    offer.check().map_err(coded)?;
    let mut sheet = vec![("this", "signs an offer: whoever opens a channel for it pays no other prices".to_owned())];
    sheet.extend(prices(&offer));
    let signed = if pay_key {
        let key = payments.key()?;
        sheet.push(("key", format!("{}, of this folder", payments.public_key()?)));
        consent.ask(&words::sheet(&sheet))?;
        let signature = Signature64(key.sign(&offer.message(payments.offers)).to_bytes());
        SignedOffer { offer, by: By::PayKey, key: payments.public_key()?, signature }
    } else {
        let me = &session.me.id;
        if offer.payee != *me {
            bail!("OFFER_NOT_PAYEE: {} offers it, and {me} can't sign for it", offer.payee);
        }
        consent.ask(&words::sheet(&sheet))?;
        let secret = KeyStore::open(&session.folder)?.known(me);
        let secret = secret.with_context(|| format!("this folder has no key of {me}"))?;
        let payload = offer.payload(payments.offers, &session.contracts.escrow);
        let (key, signature) = sign_as_account(&secret, &payload.hash())?;
        SignedOffer { offer, by: By::Account { callback_url: None }, key, signature }
    };
    session.tell(&signed, &serde_json::to_string_pretty(&signed)?)
}

/// Signs as wallets do (NEP-413), with a key of the account's own.
pub fn sign_as_account(secret: &SecretKey, hash: &[u8]) -> anyhow::Result<(Ed25519Key, Signature64)> {
    match (secret.public_key(), secret.sign(hash)) {
        (PublicKey::ED25519(key), Signature::ED25519(signature)) => {
            Ok((Ed25519Key(key.0), Signature64(signature.to_bytes())))
        }
        _ => bail!("offers are signed with ed25519, and the account's key here is another kind"),
    }
}
