//! Several validators: their keys come of the root's, and from the third epoch on each epoch has other producers.

use near_crypto::{KeyType, SecretKey};
use near_primitives::account::{AccessKey, Account, AccountContract};
use near_primitives::hash::hash;
use near_primitives::state_record::StateRecord;
use near_primitives::types::validator_stake::ValidatorStake;
use near_primitives::types::{AccountId, AccountInfo, Balance, BlockHeight, EpochHeight};

use crate::genesis::{Genesis, VALIDATOR_STAKE};

/// As many as have a seat for blocks on NEAR's mainnet.
pub const VALIDATORS_MAX: usize = 100;
/// In shorter epochs nearcore's rule leaves light clients no block with two others of its epoch upon it.
pub const EPOCH_LENGTH_MIN: BlockHeight = 4;
/// What the validators beside the root have that is not staked.
const VALIDATOR_BALANCE: Balance = Balance::from_near(1_000);
/// Of so many one rests in each epoch: the others still make blocks by more than two thirds.
const VALIDATORS_TO_REST_MIN: usize = 4;

/// The secret key of the validator at this place. The first is the root.
pub(crate) fn validator_key(root_key: &SecretKey, place: u16) -> SecretKey {
    if place == 0 {
        return root_key.clone();
    }
    // near-crypto takes no more than 32 bytes of a seed, which do not even hold the root's key.
    let seed = hash(format!("{root_key}/{place}").as_bytes());
    SecretKey::from_seed(KeyType::ED25519, &seed.to_string())
}

impl Genesis {
    /// The same chain with `count` validators, whose keys come of the root's. With more than one, epochs have ids and
    /// producers as nearcore's have.
    pub fn with_validators(mut self, count: u16) -> Self {
        let root_id = self.root_id().clone();
        let names = (1_u16..).filter_map(|number| format!("node{number}").parse::<AccountId>().ok());
        let names = names.filter(|name| *name != root_id);
        // All stakes differ, and nobody's is more than twice another's.
        let step = VALIDATOR_STAKE.saturating_div(2 * u128::from(count.max(1)));
        for (place, account_id) in (1..count).zip(names) {
            let public_key = validator_key(&self.root_key, place).public_key();
            let amount = VALIDATOR_STAKE.saturating_sub(step.saturating_mul(u128::from(place)));
            let account = Account::new(VALIDATOR_BALANCE, amount, AccountContract::None, 0);
            self.records.push(StateRecord::Account { account_id: account_id.clone(), account });
            self.records.push(StateRecord::access_key(account_id.clone(), &public_key, AccessKey::full_access()));
            let supply = self.config.total_supply.saturating_add(VALIDATOR_BALANCE);
            self.config.total_supply = supply.saturating_add(amount);
            self.config.validators.push(AccountInfo { account_id, public_key, amount });
        }
        self.config.num_block_producer_seats = u64::from(count.max(1));
        self
    }

    /// Whether producers change. A chain of one validator has no epoch ids, and its headers are as they always were here.
    pub fn has_several_validators(&self) -> bool {
        self.config.validators.len() > 1
    }

    /// Why this chain can't have these validators, if it can't.
    pub(crate) fn check_validators(&self) -> Result<(), String> {
        if !self.has_several_validators() {
            return Ok(());
        }
        let (count, length) = (self.config.validators.len(), self.config.epoch_length);
        if count > VALIDATORS_MAX {
            return Err(format!("expected at most {VALIDATORS_MAX} validators, found {count}"));
        }
        if length < EPOCH_LENGTH_MIN {
            return Err(format!(
                "expected epochs of at least {EPOCH_LENGTH_MIN} heights for several validators, found {length}"
            ));
        }
        for (place, validator) in (0_u16..).zip(&self.config.validators) {
            if validator.public_key != validator_key(&self.root_key, place).public_key() {
                return Err(format!(
                    "expected a key of {} that comes of the root's, as --validators makes it: this chain signs for all",
                    validator.account_id
                ));
            }
        }
        Ok(())
    }

    /// Who makes the blocks of an epoch, counted from 1, in nearcore's order: the most stake first. The first two epochs have
    /// the genesis' validators, as on nearcore, where nobody else can have a seat so early. Afterwards stakes go round, and of
    /// four or more one rests.
    pub fn producers(&self, epoch: EpochHeight) -> Vec<ValidatorStake> {
        if !self.has_several_validators() {
            return vec![self.validator()];
        }
        let validators = &self.config.validators;
        let (count, round) = (validators.len(), epoch.saturating_sub(2));
        // Between one and all but one: each round gives everybody another's stake.
        let step = 1 + self.lot("step", 0, count - 1);
        let shift = usize::try_from(round).unwrap_or(usize::MAX) % count * step % count;
        let resting = (round > 0 && count >= VALIDATORS_TO_REST_MIN).then(|| self.lot("rest", round, count));
        let awake = (0..count).filter(|place| Some(*place) != resting);
        let mut producers: Vec<_> = awake
            .map(|place| {
                let AccountInfo { account_id, public_key, .. } = &validators[place];
                let stake = validators[(place + shift) % count].amount;
                ValidatorStake::new(account_id.clone(), public_key.clone(), stake)
            })
            .collect();
        producers.sort_by(|one, other| {
            other.stake().cmp(&one.stake()).then_with(|| one.account_id().cmp(other.account_id()))
        });
        producers
    }

    /// A number below `count` that depends on nothing but the root's key, `what` and `number`.
    fn lot(&self, what: &str, number: u64, count: usize) -> usize {
        let root = &self.config.validators[0].public_key;
        let [a, b, c, d, ..] = hash(format!("{root} {what} {number}").as_bytes()).0;
        usize::try_from(u32::from_le_bytes([a, b, c, d])).unwrap_or_default() % count.max(1)
    }
}

#[cfg(test)]
mod tests {
    use near_crypto::{KeyType, SecretKey};

    use crate::genesis::{Genesis, default_root_id};

    fn genesis(seed: &str, count: u16) -> Genesis {
        let key = SecretKey::from_seed(KeyType::ED25519, seed);
        Genesis::of_root("validators", default_root_id(), key).with_validators(count)
    }

    #[test]
    fn producers_come_of_the_seed_and_no_two_epochs_from_the_third_on_have_the_same() {
        for count in [2, 3, 4, 7, 100] {
            let (one, again, other) = (genesis("one", count), genesis("one", count), genesis("other", count));
            assert_eq!(one.producers(1), one.producers(2));
            for epoch in 2..40 {
                assert_ne!(one.producers(epoch), one.producers(epoch + 1), "{count} validators, epoch {epoch}");
                assert_eq!(one.producers(epoch), again.producers(epoch));
                assert_ne!(one.producers(epoch), other.producers(epoch), "other keys");
            }
            let stakes = one.producers(5);
            let resting = usize::from(count > 3);
            assert_eq!(stakes.len(), usize::from(count) - resting);
            assert!(stakes.is_sorted_by_key(|validator| std::cmp::Reverse(validator.stake())));
        }
    }

    #[test]
    fn one_validator_makes_every_epoch_and_the_genesis_is_not_changed() {
        let without = Genesis::default();
        let one = without.clone().with_validators(1);
        assert_eq!(one.producers(9), [one.validator()]);
        assert_eq!(serde_json::to_value(one.to_file()).unwrap(), serde_json::to_value(without.to_file()).unwrap());
    }

    #[test]
    fn validators_whose_keys_it_does_not_have_too_many_and_short_epochs_are_refused() {
        let mut foreign = genesis("one", 3);
        foreign.config.validators[2].public_key = SecretKey::from_seed(KeyType::ED25519, "x").public_key();
        let mut short = genesis("one", 3);
        short.config.epoch_length = 3;
        for (refused, because) in [(foreign, "node2"), (genesis("one", 101), "100"), (short, "epochs of at least 4")] {
            let text = refused.check_validators().unwrap_err();
            assert!(text.contains(because), "{text}");
        }
        let producers = genesis("one", 3).producers(1);
        let names: Vec<_> = producers.iter().map(|producer| producer.account_id().to_string()).collect();
        assert_eq!(names, ["test.near", "node1", "node2"]);
    }
}
