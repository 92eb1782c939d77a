//! `payments/`: what an account remembers of its channels and edges at one escrow, the key that signs its vouchers, and
//! what it has promised. There is no list of them on chain.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use charter_client::offer::Offer;
use charter_client::{Payer, sha256};
use charter_types::escrow::{ChannelId, EdgeId, Split, Voucher};
use charter_types::{Ed25519Key, Hash32};
use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{read_json, write_json};
use crate::pay::coded;
use crate::session::Session;

/// Fewest digits that name one of several.
const DIGITS_MIN: usize = 6;
/// Digits of an id.
const DIGITS: usize = 64;

/// A channel or an edge as people name it: by its id, or by the first digits of one that the folder knows.
#[derive(Clone, Debug)]
pub struct Id(String);

pub fn id(text: &str) -> Result<Id, String> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    if plain && (DIGITS_MIN..=DIGITS).contains(&text.len()) {
        return Ok(Id(text.to_owned()));
    }
    Err(format!(
        "expected an id of {DIGITS} lower-case hex digits, or its first {DIGITS_MIN} or more, found \"{text}\""
    ))
}

impl Id {
    fn of(&self, known: impl Iterator<Item = Hash32>, what: &str) -> anyhow::Result<Hash32> {
        let Self(text) = self;
        if let Ok(id) = text.parse() {
            return Ok(id);
        }
        let mut found = known.filter(|id| id.to_string().starts_with(text.as_str()));
        let first = found.next();
        let first =
            first.with_context(|| format!("this folder knows no {what} {text}…: name all {DIGITS} digits of it"))?;
        ensure!(found.next().is_none(), "more than one {what} begins with {text}: name more digits of it");
        Ok(first)
    }
}

/// A channel, with what the chain has only the hash of.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Known {
    pub id: ChannelId,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub splits: Vec<Split>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<Offer>,
}

impl Known {
    pub fn new(id: ChannelId) -> Self {
        Self { id, splits: Vec::new(), offer: None }
    }
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Stored {
    /// In the order in which they were seen.
    channels: Vec<Known>,
    edges: Vec<EdgeId>,
}

pub struct Payments {
    folder: PathBuf,
    /// What vouchers are signed under.
    pub domain: Hash32,
    /// The same of offers.
    pub offers: Hash32,
    stored: Stored,
}

impl Payments {
    pub fn open(session: &Session) -> anyhow::Result<Self> {
        let escrow = &session.contracts.escrow;
        let domain = Voucher::domain(&session.chain_id, escrow, sha256);
        let offers = Offer::domain(&session.chain_id, escrow);
        let folder = session.folder.payments(&session.me.id, domain)?;
        Ok(Self { stored: read_json(&folder.join("known.json"))?.unwrap_or_default(), folder, domain, offers })
    }

    pub fn channels(&self) -> &[Known] {
        &self.stored.channels
    }

    pub fn channel(&self, named: &Id) -> anyhow::Result<ChannelId> {
        named.of(self.stored.channels.iter().map(|known| known.id), "channel")
    }

    pub fn edge(&self, named: &Id) -> anyhow::Result<EdgeId> {
        named.of(self.stored.edges.iter().copied(), "edge")
    }

    /// What the folder knows of a channel; of one that it has not seen, nothing.
    pub fn known(&self, channel: ChannelId) -> Known {
        let known = self.stored.channels.iter().find(|known| known.id == channel);
        known.cloned().unwrap_or_else(|| Known::new(channel))
    }

    /// Remembers a channel. Of one that is known already, what is known stays.
    pub fn remember(&mut self, channel: Known) -> anyhow::Result<()> {
        self.remember_all([channel])
    }

    /// The same for many: the file is written once.
    pub fn remember_all(&mut self, channels: impl IntoIterator<Item = Known>) -> anyhow::Result<()> {
        let before = self.stored.channels.len();
        for channel in channels {
            if !self.stored.channels.iter().any(|known| known.id == channel.id) {
                self.stored.channels.push(channel);
            }
        }
        if self.stored.channels.len() == before { Ok(()) } else { self.save() }
    }

    pub fn remember_edge(&mut self, edge: EdgeId) -> anyhow::Result<()> {
        if self.stored.edges.contains(&edge) {
            return Ok(());
        }
        self.stored.edges.push(edge);
        self.save()
    }

    fn save(&self) -> anyhow::Result<()> {
        write_json(&self.folder.join("known.json"), &self.stored)
    }

    /// The key that signs this folder's vouchers. It is no access key. A new one is written down before anybody uses it.
    pub fn key(&self) -> anyhow::Result<SigningKey> {
        let path = self.folder.join("key.json");
        let known: Option<Zeroizing<String>> = read_json(&path)?;
        let mut seed = Zeroizing::new([0_u8; 32]);
        if let Some(known) = known {
            let read = hex::decode_to_slice(known.as_bytes(), seed.as_mut_slice());
            read.ok().with_context(|| format!("{} is not the seed of a key", path.display()))?;
        } else {
            rand::RngCore::fill_bytes(&mut rand::rngs::OsRng, seed.as_mut_slice());
            write_json(&path, &Zeroizing::new(hex::encode(seed.as_slice())))?;
        }
        Ok(SigningKey::from_bytes(&seed))
    }

    pub fn public_key(&self) -> anyhow::Result<Ed25519Key> {
        Ok(Ed25519Key(self.key()?.verifying_key().to_bytes()))
    }

    /// What signs vouchers with it, and remembers each before it does.
    pub fn payer(&self) -> anyhow::Result<Payer> {
        Payer::open(&self.folder.join("promised"), self.key()?, self.domain).map_err(coded)
    }
}

#[cfg(test)]
mod tests {
    use charter_types::Hash32;

    use super::id;

    #[test]
    fn the_first_digits_name_one_that_is_known() {
        let known = [Hash32([0xab; 32]), Hash32([0xac; 32])];
        let found = |text: &str| id(text).unwrap().of(known.into_iter(), "channel").map_err(|error| error.to_string());
        assert_eq!(found("ababab"), Ok(known[0]));
        assert_eq!(found(&"07".repeat(32)), Ok(Hash32([7; 32])), "all digits need not be known");
        assert!(found("abacab").unwrap_err().contains("knows no channel abacab"));
        let twice = [Hash32([1; 32]), Hash32([1; 32])].into_iter();
        assert!(id("010101").unwrap().of(twice, "edge").unwrap_err().to_string().contains("more than one edge"));
        for wrong in ["", "ab", "ababag", "ABABAB", &"0".repeat(65)] {
            assert!(id(wrong).is_err(), "{wrong}");
        }
    }
}
