//! What is locked on lines: in, out, and which electorate it makes.

use charter_common::{Answer, methods, pay};
use charter_types::asset::{Asset, Books, FtOnTransfer};
use charter_types::error::CommonError;
use charter_types::governance::args::{LineRef, LockStake};
use charter_types::governance::methods::on_withdrawn;
use charter_types::governance::{
    BPS, Fact, GovernanceError, Line, LineId, PROPOSE_BPS, Part, Pool, Proposal, Stake, StakeVote,
};
use charter_types::{AccountId, U128, json};
use near_sdk::{PromiseOrValue, env, near};

use crate::gas::ON_WITHDRAWN;
use crate::model::{self, is_empty, landed, new_stake, weight_of, withdraw};
use crate::{Governance, GovernanceExt};

/// What is on its way to whom.
pub(super) type Withdrawal = (LineId, AccountId, u128);

#[methods(governance)]
#[near]
impl Governance {
    pub fn lock(&mut self, LockStake { line, amount: U128(amount) }: LockStake) -> Answer {
        let holder = env::predecessor_account_id();
        let mut pool = self.pool_row(line)?;
        if pool.asset == Asset::Near {
            check_amount(amount)?;
        } else if amount > 0 {
            return Err(GovernanceError::WrongAsset {}.into());
        }
        let attached = env::attached_deposit().as_yoctonear();
        if attached == 0 {
            return Err(CommonError::OneYocto {}.into());
        }
        let rest = attached.checked_sub(amount).filter(|rest| *rest > 0);
        let rest = rest.ok_or(GovernanceError::NotAttached { needed: amount.saturating_add(1) })?;
        let payment = self.core.begin_payment_of(&holder, rest);
        let mut stake = self.stakes.get(&(line, holder.clone())).unwrap_or_else(|| new_stake(&pool, &holder));
        if amount > 0 {
            model::lock(&mut pool, &mut stake, amount, Self::now_ms())?;
            self.staked = self.staked.saturating_add(amount);
        }
        self.save_stake("locked", &holder, pool, stake)?;
        self.core.finish_payment(payment)
    }

    /// Only the line's own token is believed, and only about who made a row here: another one could name anybody.
    pub fn ft_on_transfer(&mut self, FtOnTransfer { sender_id, amount, msg }: FtOnTransfer) -> Answer<U128> {
        let LineRef { line } = json::read(msg.as_bytes()).map_err(|_| GovernanceError::BadMessage {})?;
        let mut pool = self.pool_row(line)?;
        if pool.asset != Asset::Nep141(env::predecessor_account_id()) {
            return Err(GovernanceError::WrongAsset {}.into());
        }
        let mut stake = self.stake_row(line, &sender_id)?;
        check_amount(amount.0)?;
        model::lock(&mut pool, &mut stake, amount.0, Self::now_ms())?;
        self.save_stake("locked", &sender_id, pool, stake)?;
        Ok(U128(0))
    }

    pub fn unlock(&mut self, LockStake { line, amount: U128(amount) }: LockStake) -> Answer<u64> {
        let holder = env::predecessor_account_id();
        let (mut pool, mut stake) = (self.pool_row(line)?, self.stake_row(line, &holder)?);
        check_amount(amount)?;
        let ready_ms = model::unlock(&mut pool, &mut stake, amount, |part| self.stands(line, part), Self::now_ms())?;
        self.save_stake("unlocked", &holder, pool, stake)?;
        Ok(ready_ms)
    }

    pub fn withdraw_stake(&mut self, LineRef { line }: LineRef) -> Answer<PromiseOrValue<U128>> {
        let holder = env::predecessor_account_id();
        let (mut pool, mut stake) = (self.pool_row(line)?, self.stake_row(line, &holder)?);
        let amount = withdraw(&mut pool, &mut stake, Self::now_ms())?;
        if amount == 0 {
            self.end_stake(&holder, line);
            return Ok(PromiseOrValue::Value(U128(0)));
        }
        let asset = pool.asset.clone();
        if asset == Asset::Near {
            self.staked = self.staked.saturating_sub(amount);
        }
        self.save_stake("stake_withdrawn", &holder, pool, stake)?;
        let pending: Withdrawal = (line, holder.clone(), amount);
        Ok(pay(&asset, (&holder, amount), (on_withdrawn, ON_WITHDRAWN), &pending).into())
    }
}

pub(super) fn check_amount(amount: u128) -> Result<(), GovernanceError> {
    if amount > 0 { Ok(()) } else { Err(GovernanceError::Amount {}) }
}

impl Governance {
    pub(super) fn stake_row(&self, line: LineId, holder: &AccountId) -> Answer<Stake> {
        let nobody = || GovernanceError::NotHolder { caller: holder.clone() };
        Ok(self.stakes.get(&(line, holder.clone())).ok_or_else(nobody)?)
    }

    /// Whether a part's delegate is one still, under that number.
    pub(super) fn stands(&self, line: LineId, part: &Part) -> bool {
        let delegate = self.delegates.get(&(line, part.delegate.clone()));
        delegate.is_some_and(|delegate| delegate.number == part.number)
    }

    fn save_stake(&mut self, event: &str, holder: &AccountId, pool: Pool, stake: Stake) -> Answer {
        self.stakes.put(&(pool.line, holder.clone()), holder, &stake, &mut self.core.storage)?;
        self.emit(event, holder, Fact::Stake(stake));
        self.save_pool(holder, pool)
    }

    /// The row keeps its size: whoever paid for it is not asked when others lock.
    pub(super) fn save_pool(&mut self, by: &AccountId, pool: Pool) -> Answer {
        self.pools.update(&pool.line, &pool, &mut self.core.storage)?;
        self.emit("pool_changed", by, Fact::Pool(pool));
        Ok(())
    }

    fn end_stake(&mut self, holder: &AccountId, line: LineId) {
        self.stakes.remove(&(line, holder.clone()), &mut self.core.storage);
        self.emit("stake_ended", holder, Fact::StakeEnded { line, holder: holder.clone() });
    }

    pub(super) fn settle_withdrawal(
        &mut self,
        line: LineId,
        holder: &AccountId,
        amount: u128,
        arrived: bool,
    ) -> Answer {
        let (mut pool, mut stake) = (self.pool_row(line)?, self.stake_row(line, holder)?);
        if landed(&mut pool, &mut stake, amount, arrived).is_none() {
            return Ok(());
        }
        if pool.asset == Asset::Near && !arrived {
            self.staked = self.staked.saturating_add(amount);
        }
        if is_empty(&stake) {
            self.end_stake(holder, line);
            return self.save_pool(holder, pool);
        }
        self.save_stake("withdrawal_settled", holder, pool, stake)
    }

    /// The row that a line's stake is counted in, once a constitution has any.
    pub(super) fn open_pool(&mut self, line: &Line, payer: &AccountId) -> Answer {
        let Some(rules) = line.stake.as_ref().filter(|_| !self.pools.contains(&line.id)) else { return Ok(()) };
        let pool = Pool {
            line: line.id,
            asset: rules.asset.clone(),
            unlock_ms: rules.unlock_ms,
            books: Books::default(),
            delegates: 0,
            locked: Vec::new(),
        };
        self.pools.insert(&line.id, payer, &pool, &mut self.core.storage)?;
        self.emit("pool_opened", payer, Fact::Pool(pool));
        Ok(())
    }

    /// What decides about a proposal made now, if it is stake.
    pub(super) fn stake_vote_of(&self, line: &Line) -> Option<StakeVote> {
        let rules = line.stake.as_ref()?;
        let vote = self.counted_from(line.id, rules.floor)?;
        (vote.all.0 >= rules.decides_from(line.params.quorum_bps)).then_some(vote)
    }

    /// A second vote is one on what is locked by then.
    pub(super) fn count_anew(&self, proposal: &mut Proposal) {
        if let Some(before) = proposal.stake {
            proposal.stake = self.counted_from(proposal.line, before.floor);
        }
    }

    fn counted_from(&self, line: LineId, floor: U128) -> Option<StakeVote> {
        let pool = self.pools.get(&line)?;
        let snapshot_ms = pool.period_begin_ms(Self::now_ms());
        let (all, none) = (U128(pool.locked_at(snapshot_ms)), U128(0));
        Some(StakeVote { snapshot_ms, floor, all, yes: none, no: none, agents_yes: none, agents_no: none })
    }

    /// The council, and who has a hundredth of what is locked to vote with, and of the floor.
    pub(super) fn check_proposer(&self, line: &Line, account: &AccountId) -> Answer {
        let Err(stranger) = weight_of(&line.council, account) else { return Ok(()) };
        let vote = line.stake.as_ref().and_then(|rules| self.counted_from(line.id, rules.floor));
        let Some(vote) = vote else { return Err(stranger.into()) };
        let key = (line.id, account.clone());
        let own = self.stakes.get(&key).map_or(0, |stake| stake.locked_at(vote.snapshot_ms));
        let received = self.delegates.get(&key).map_or(0, |delegate| delegate.received_at(vote.snapshot_ms));
        let power = own.saturating_add(received);
        let enough =
            power > 0 && power.saturating_mul(BPS) >= vote.all.max(vote.floor).0.saturating_mul(PROPOSE_BPS.into());
        if enough { Ok(()) } else { Err(stranger.into()) }
    }
}
