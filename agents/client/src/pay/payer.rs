//! The end that pays.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use charter_types::escrow::{ChannelId, Voucher};
use charter_types::{Ed25519Key, Hash32, Signature64};
use ed25519_dalek::SigningKey;

use super::lock;
use super::log::{Log, Written};
use super::promises::Promises;
use super::record::{Head, Promise, Record, Resumed};
use super::{Conditions, Disk, Files, PayError, Seen, Standing};
use crate::offer::Agreed;
use crate::voucher;

/// A voucher to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    pub voucher: Voucher,
    pub signature: Signature64,
}

type Channels = Mutex<BTreeMap<ChannelId, Promises>>;

/// Signs vouchers of any number of channels with one voucher key. The key is no access key: all it can spend is what was
/// deposited. What is to be signed is on disk before, so that no counter is used twice and no promise forgotten.
pub struct Payer {
    key: Arc<SigningKey>,
    domain: Hash32,
    channels: Arc<Channels>,
    log: Log,
}

fn with<T>(channels: &Channels, channel: ChannelId, change: impl FnOnce(&mut Promises) -> T) -> T {
    change(lock(channels).entry(channel).or_insert_with(|| Promises::new(channel)))
}

impl Payer {
    /// Reads what was promised before, or starts a log in a folder. `domain` is [`Voucher::domain`] of the escrow.
    pub fn open(folder: &Path, key: SigningKey, domain: Hash32) -> Result<Self, PayError> {
        Self::with_files(Disk::open(folder)?, key, domain)
    }

    pub fn with_files(files: impl Files, key: SigningKey, domain: Hash32) -> Result<Self, PayError> {
        let head = Head { is_payer: true, domain: domain.0, key: key.verifying_key().to_bytes() };
        let (log, records) = Log::open(files, head)?;
        let channels = Arc::new(Channels::default());
        for record in records {
            match record {
                Record::Promised(promise) => {
                    with(&channels, Hash32(promise.channel), |promises| promises.note(promise));
                }
                Record::Resumed(resumed) => {
                    with(&channels, Hash32(resumed.channel), |promises| promises.resume(resumed));
                }
                Record::Head(_) | Record::Accepted(_) => return Err(PayError::OtherLog),
            }
        }
        Ok(Self { key: Arc::new(key), domain, channels, log })
    }

    pub fn voucher_key(&self) -> Ed25519Key {
        Ed25519Key(self.key.verifying_key().to_bytes())
    }

    /// Takes note of a channel as the chain showed it.
    pub fn see(&self, seen: Seen) -> Result<(), PayError> {
        if seen.voucher_key != self.voucher_key() {
            return Err(PayError::Key { channel: seen.id });
        }
        with(&self.channels, seen.id, |promises| match &mut promises.seen {
            Some(before) => before.look_again(seen),
            none => *none = Some(seen),
        });
        Ok(())
    }

    /// From now on the channel pays this offer's prices and no others.
    pub fn agree(&self, channel: ChannelId, agreed: Agreed) {
        with(&self.channels, channel, |promises| promises.agreed = Some(agreed));
    }

    /// Takes note of a channel that the chain does not show any more. Its id never comes back.
    pub fn forget(&self, channel: ChannelId) {
        lock(&self.channels).remove(&channel);
    }

    /// Promises `price` more than before. It counts from the call on, and is signed when it is on disk.
    pub fn pay(
        &self,
        channel: ChannelId,
        price: u128,
        conditions: Conditions,
        now_ms: u64,
    ) -> impl Future<Output = Result<Payment, PayError>> + Send + use<> {
        let promised: Result<_, PayError> = with(&self.channels, channel, |promises| {
            let promise = promises.next(self.domain, price, conditions, now_ms)?;
            promises.note(promise);
            // While the channel is held: promises stand in the log in their order.
            Ok((promise, self.log.append(Record::Promised(promise))))
        });
        self.sign(promised)
    }

    /// The last promise once more, the same bytes: for an answer that was lost. The payee takes it once.
    pub async fn again(&self, channel: ChannelId) -> Result<Option<Payment>, PayError> {
        let last = with(&self.channels, channel, |promises| promises.last.map(|last| (last, self.log.wait())));
        match last {
            Some(last) => self.sign(Ok(last)).await.map(Some),
            None => Ok(None),
        }
    }

    fn sign(
        &self,
        promised: Result<(Promise, Written), PayError>,
    ) -> impl Future<Output = Result<Payment, PayError>> + Send + use<> {
        let (key, domain) = (Arc::clone(&self.key), self.domain);
        async move {
            let (promise, written) = promised?;
            written.done().await?;
            let voucher = promise.voucher(domain);
            let signature = voucher::sign(&key, &voucher);
            Ok(Payment { voucher, signature })
        }
    }

    /// Goes on from where the payee says that the channel stands, if that is proven: by a voucher of this key, or by a claim
    /// that this side has seen, too. For a payee that has not got the last vouchers, and for a payer that lost its folder.
    pub async fn correct(&self, standing: &Standing) -> Result<(), PayError> {
        let channel = standing.channel;
        let unproven = PayError::Unproven { channel };
        let key = self.key.verifying_key();
        if let Some(row) = &standing.last {
            let own = row.voucher(self.domain);
            if own.channel != channel || !voucher::is_signed(&key, &own, &Signature64(row.signature)) {
                return Err(unproven);
            }
        }
        let written = with(&self.channels, channel, |promises| {
            let seen = promises.seen.as_ref().ok_or(PayError::Unseen { channel })?;
            if standing.claimed > seen.claimed {
                return Err(unproven);
            }
            let cumulative = standing.cumulative();
            let counter = standing.last.as_ref().map_or(0, |row| row.counter);
            let resumed = Resumed { channel: channel.0, cumulative, counter, promised: cumulative };
            promises.resume(resumed);
            Ok(self.log.append(Record::Resumed(promises.resumed())))
        })?;
        written.done().await
    }

    /// The highest amount ever promised on a channel: what its payee could claim at most.
    pub fn promised(&self, channel: ChannelId) -> u128 {
        lock(&self.channels).get(&channel).map_or(0, |promises| promises.resumed().promised)
    }

    /// Writes the log anew: of each channel the last promise, and where it goes on.
    pub async fn compact(&self) -> Result<(), PayError> {
        let channels = Arc::clone(&self.channels);
        let live = move || lock(&channels).values().flat_map(Promises::live).collect::<Vec<_>>();
        self.log.compact(live).done().await
    }
}
