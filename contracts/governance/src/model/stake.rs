//! What is locked, and who votes with it. Whatever changes counts from the next period on, for holder, delegate and pool
//! alike: so at any period's begin what delegates have received is, to the yocto, what holders have given.

use charter_types::governance::{
    Constitution, Delegate, Delegated, GovernanceError, HISTORY_MAX, PARTS_MAX, PERIODS, Part, Pool, STAKE_MAX, Since,
    Stake, StakeRules, UNLOCK_MS_MAX,
};
use charter_types::{AccountId, U128};

type Outcome<T = ()> = Result<T, GovernanceError>;

/// Who votes with stake lives with what it decided: what has voted stays longer than the vote, its extension and its
/// timelock, objections included.
pub fn check_stake(constitution: &Constitution) -> Outcome {
    let Some(rules @ StakeRules { unlock_ms, floor, .. }) = &constitution.stake else { return Ok(()) };
    let params = &constitution.params;
    let twice = params.timelock_ms.saturating_mul(2);
    let least = params.vote_ms.saturating_add(params.extension_ms).saturating_add(twice);
    let reached = rules.decides_from(params.quorum_bps) <= STAKE_MAX;
    let fine = (least..=UNLOCK_MS_MAX).contains(unlock_ms) && floor.0 > 0 && reached;
    if fine { Ok(()) } else { Err(GovernanceError::Stake {}) }
}

/// Rows say amounts of the one asset, and were counted in the periods of before.
pub fn check_pool(pool: &Pool, rules: &StakeRules) -> Outcome {
    let same = pool.asset == rules.asset && pool.unlock_ms == rules.unlock_ms;
    if same { Ok(()) } else { Err(GovernanceError::StakeFixed {}) }
}

/// A moment in a line's time.
#[derive(Clone, Copy)]
struct Moment {
    /// From when on what changes now counts.
    counts_ms: u64,
    /// No vote that runs counts what counted before.
    kept_ms: u64,
}

impl Moment {
    /// A vote that runs was opened two timelocks less than `unlock_ms` ago, in a period that began one period before at most.
    fn of(pool: &Pool, now_ms: u64) -> Self {
        let kept_ms = now_ms.saturating_sub(pool.period_ms().saturating_mul(PERIODS + 1));
        Self { counts_ms: pool.next_period_ms(now_ms), kept_ms }
    }

    /// Drops what no vote counts any more, of entries in the order of time.
    fn prune<T>(self, history: &mut Vec<T>, from_ms: impl Fn(&T) -> u64) {
        if let Some(base) = history.iter().rposition(|entry| from_ms(entry) <= self.kept_ms) {
            history.drain(..base);
        }
    }

    fn change(self, history: &mut Vec<Since>, amount: impl FnOnce(u128) -> Option<u128>) -> Option<()> {
        let changed = U128(amount(history.last().map_or(0, |last| last.amount.0))?);
        match history.last_mut() {
            Some(last) if last.from_ms == self.counts_ms => last.amount = changed,
            _ => history.push(Since { from_ms: self.counts_ms, amount: changed }),
        }
        self.prune(history, |since| since.from_ms);
        // A row has room for so many.
        (history.len() <= HISTORY_MAX).then_some(())
    }

    fn forget_parts(self, stake: &mut Stake) {
        self.prune(&mut stake.delegated, |delegated| delegated.from_ms);
    }

    /// What is delegated from the next period on.
    fn parts(self, stake: &mut Stake) -> Option<&mut Vec<Part>> {
        if stake.delegated.last().is_none_or(|last| last.from_ms != self.counts_ms) {
            let parts = stake.parts_at(u64::MAX).to_vec();
            stake.delegated.push(Delegated { from_ms: self.counts_ms, parts });
            self.forget_parts(stake);
        }
        stake.delegated.last_mut().map(|last| &mut last.parts)
    }
}

pub fn new_stake(pool: &Pool, holder: &AccountId) -> Stake {
    let none = U128(0);
    Stake {
        line: pool.line,
        holder: holder.clone(),
        unlocking: none,
        ready_ms: 0,
        free: none,
        in_flight: none,
        locked: Vec::new(),
        delegated: Vec::new(),
    }
}

pub fn lock(pool: &mut Pool, stake: &mut Stake, amount: u128, now_ms: u64) -> Outcome {
    let moment = Moment::of(pool, now_ms);
    let too_much = || GovernanceError::TooMuchStake {};
    pool.books.receive(amount).filter(|()| pool.books.held.0 <= STAKE_MAX).ok_or_else(too_much)?;
    moment.change(&mut pool.locked, |all| all.checked_add(amount)).ok_or_else(too_much)?;
    moment.change(&mut stake.locked, |own| own.checked_add(amount)).ok_or_else(too_much)?;
    moment.forget_parts(stake);
    Ok(())
}

/// Returns when it is ready. `stands` says of a part whether its delegate is one still.
pub fn unlock(
    pool: &mut Pool,
    stake: &mut Stake,
    amount: u128,
    stands: impl Fn(&Part) -> bool,
    now_ms: u64,
) -> Outcome<u64> {
    let moment = Moment::of(pool, now_ms);
    let available = stake.available(stands);
    if amount > available {
        return Err(GovernanceError::StakeShort { available });
    }
    let short = || GovernanceError::StakeShort { available };
    moment.change(&mut pool.locked, |all| all.checked_sub(amount)).ok_or_else(short)?;
    moment.change(&mut stake.locked, |own| own.checked_sub(amount)).ok_or_else(short)?;
    moment.forget_parts(stake);
    free(stake, now_ms);
    stake.unlocking = U128(stake.unlocking.0.saturating_add(amount));
    // It counts until then.
    stake.ready_ms = moment.counts_ms.saturating_add(pool.unlock_ms);
    Ok(stake.ready_ms)
}

/// What has waited long enough.
fn free(stake: &mut Stake, now_ms: u64) {
    if now_ms >= stake.ready_ms {
        stake.free = U128(stake.free.0.saturating_add(stake.unlocking.0));
        stake.unlocking = U128(0);
    }
}

/// Takes out what is ready, for a transfer.
pub fn withdraw(pool: &mut Pool, stake: &mut Stake, now_ms: u64) -> Outcome<u128> {
    free(stake, now_ms);
    Moment::of(pool, now_ms).forget_parts(stake);
    let amount = stake.free.0;
    if amount == 0 && !is_empty(stake) {
        return Err(GovernanceError::NothingReady { ready_ms: stake.ready_ms });
    }
    let too_much = || GovernanceError::TooMuchStake {};
    pool.books.send(amount).ok_or_else(too_much)?;
    stake.free = U128(0);
    stake.in_flight = U128(stake.in_flight.0.checked_add(amount).ok_or_else(too_much)?);
    Ok(amount)
}

/// The transfer is over; what did not arrive can be withdrawn again at once.
pub fn landed(pool: &mut Pool, stake: &mut Stake, amount: u128, arrived: bool) -> Option<()> {
    let in_flight = stake.in_flight.0.checked_sub(amount)?;
    pool.books.land(amount, arrived)?;
    stake.in_flight = U128(in_flight);
    if !arrived {
        stake.free = U128(stake.free.0.checked_add(amount)?);
    }
    Some(())
}

/// Whether nothing is in a row, and no vote can count it any more: what was unlocked has waited longer.
pub fn is_empty(stake: &Stake) -> bool {
    let Stake { unlocking, free, in_flight, locked, .. } = stake;
    let nothing = [unlocking, free, in_flight].iter().all(|amount| amount.0 == 0);
    nothing && locked.last().is_none_or(|last| last.amount.0 == 0)
}

/// Sets what a delegate, if it is one now, votes with for a holder. Parts of those who are none any more go.
pub fn delegate(
    pool: &Pool,
    stake: &mut Stake,
    (to, delegate): (&AccountId, Option<&mut Delegate>),
    amount: u128,
    stands: impl Fn(&Part) -> bool,
    now_ms: u64,
) -> Outcome {
    let moment = Moment::of(pool, now_ms);
    let no_delegate = || GovernanceError::NotDelegate { account: to.clone() };
    let parts = moment.parts(stake).ok_or_else(no_delegate)?;
    let before = parts.iter().position(|part| part.delegate == *to).map(|place| parts.remove(place));
    parts.retain(|part| stands(part));
    let count = parts.len();
    let available = stake.available(|_| true);
    if amount > available {
        return Err(GovernanceError::StakeShort { available });
    }
    let Some(delegate) = delegate else {
        // A part that is dead can be taken back, and no other set.
        return if amount == 0 && before.is_some() { Ok(()) } else { Err(no_delegate()) };
    };
    // Of a delegate with another number nothing is left to take back.
    let given = before.filter(|part| part.number == delegate.number).map_or(0, |part| part.amount.0);
    let receive = |all: u128| all.checked_sub(given)?.checked_add(amount);
    moment.change(&mut delegate.received, receive).ok_or_else(no_delegate)?;
    if amount > 0 {
        if count >= PARTS_MAX {
            return Err(GovernanceError::TooManyDelegates {});
        }
        let parts = moment.parts(stake).ok_or_else(no_delegate)?;
        parts.push(Part { delegate: to.clone(), number: delegate.number, amount: U128(amount) });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use charter_types::asset::{Asset, Books};
    use charter_types::governance::{
        Constitution, Delegate, GovernanceError, HISTORY_MAX, Member, PARTS_MAX, Params, Part, Pool, STAKE_MAX, Stake,
        StakeRules, UNLOCK_MS_MAX,
    };
    use charter_types::{AccountId, U128};

    use super::{check_stake, delegate, is_empty, landed, lock, new_stake, unlock, withdraw};

    /// Eight periods of 100 ms, and a bit.
    const UNLOCK_MS: u64 = 803;

    fn account(name: &str) -> AccountId {
        name.parse().unwrap()
    }

    fn pool() -> Pool {
        let books = Books::default();
        Pool { line: 2, asset: Asset::Near, unlock_ms: UNLOCK_MS, books, delegates: 0, locked: Vec::new() }
    }

    fn stake(pool: &Pool) -> Stake {
        new_stake(pool, &account("h.near"))
    }

    fn candidate(name: &str, number: u64) -> Delegate {
        Delegate { line: 2, account: account(name), number, agent: None, received: Vec::new() }
    }

    fn give(
        pool: &Pool,
        stake: &mut Stake,
        to: &mut Delegate,
        amount: u128,
        now_ms: u64,
    ) -> Result<(), GovernanceError> {
        delegate(pool, stake, (&to.account.clone(), Some(to)), amount, |_| true, now_ms)
    }

    #[test]
    fn unlocking_takes_as_long_as_what_was_voted_on() {
        let params = Params { vote_ms: 100_000, extension_ms: 10_000, timelock_ms: 60_000, ..Params::default() };
        let council = vec![Member { account: account("a.near"), weight: 1 }];
        for (unlock_ms, floor, fine) in [
            (230_000, 1, true),
            (229_999, 1, false),
            (UNLOCK_MS_MAX, STAKE_MAX / 10_000 * 5_001, true),
            (UNLOCK_MS_MAX + 1, 1, false),
            (230_000, 0, false),
            // More would have to be locked than can be.
            (230_000, STAKE_MAX / 10_000 * 5_002, false),
            (230_000, u128::MAX, false),
        ] {
            let rules = StakeRules { asset: Asset::Near, unlock_ms, floor: U128(floor) };
            let constitution = Constitution { council: council.clone(), params, guardian: None, stake: Some(rules) };
            assert_eq!(check_stake(&constitution).is_ok(), fine, "{unlock_ms} {floor}");
        }
    }

    /// Let a change count from now on, and what is borrowed for a block votes.
    #[test]
    fn what_changes_counts_from_the_next_period_on() {
        let mut pool = pool();
        let mut stake = stake(&pool);
        lock(&mut pool, &mut stake, 5, 150).unwrap();
        lock(&mut pool, &mut stake, 2, 199).unwrap();
        let held = |pool: &Pool, stake: &Stake, ms| (pool.locked_at(ms), stake.locked_at(ms));
        assert_eq!((held(&pool, &stake, 199), held(&pool, &stake, 200)), ((0, 0), (7, 7)));
        assert_eq!(pool.period_begin_ms(250), 200);
        let ready_ms = unlock(&mut pool, &mut stake, 7, |_| true, 250).unwrap();
        assert_eq!((held(&pool, &stake, 200), held(&pool, &stake, 300)), ((7, 7), (0, 0)));
        assert_eq!(ready_ms, 300 + UNLOCK_MS, "it counts until the period ends");
    }

    /// Twelve entries would be more than a row has room for.
    #[test]
    fn a_history_has_room_for_a_change_in_each_period_and_keeps_what_a_vote_may_count() {
        let mut pool = pool();
        let mut stake = stake(&pool);
        for now_ms in (0..100_000).step_by(33) {
            lock(&mut pool, &mut stake, 1, now_ms).unwrap();
            assert!(pool.locked.len() <= HISTORY_MAX && stake.locked.len() <= HISTORY_MAX, "{now_ms}");
            if now_ms > 2_000 {
                // A vote that began as long ago as one may, in a period that began before.
                let counted = pool.locked_at(pool.period_begin_ms(now_ms - UNLOCK_MS));
                let begin = pool.period_begin_ms(now_ms - UNLOCK_MS);
                assert_eq!(counted, u128::from(begin.div_ceil(33)), "{now_ms}");
                assert_eq!(stake.locked_at(begin), counted);
            }
        }
    }

    #[test]
    fn unlocking_again_waits_again_but_for_what_is_ready() {
        let mut pool = pool();
        let mut stake = stake(&pool);
        lock(&mut pool, &mut stake, 10, 0).unwrap();
        let first = unlock(&mut pool, &mut stake, 4, |_| true, 50).unwrap();
        assert_eq!(withdraw(&mut pool, &mut stake, first - 1), Err(GovernanceError::NothingReady { ready_ms: first }));
        let second = unlock(&mut pool, &mut stake, 1, |_| true, first - 1).unwrap();
        assert_eq!((stake.unlocking.0, stake.free.0), (5, 0));
        unlock(&mut pool, &mut stake, 2, |_| true, second).unwrap();
        assert_eq!((stake.unlocking.0, stake.free.0), (2, 5));
        assert_eq!(
            unlock(&mut pool, &mut stake, 4, |_| true, second),
            Err(GovernanceError::StakeShort { available: 3 })
        );
        assert_eq!(withdraw(&mut pool, &mut stake, second), Ok(5));
        assert_eq!((pool.books.held.0, pool.books.in_flight.0, stake.in_flight.0), (5, 5, 5));
    }

    #[test]
    fn what_does_not_arrive_is_ready_again_and_an_empty_row_is_told() {
        let mut pool = pool();
        let mut stake = stake(&pool);
        assert!(is_empty(&stake));
        assert_eq!(withdraw(&mut pool, &mut stake, 0), Ok(0), "a row in which nothing ever was goes, too");
        lock(&mut pool, &mut stake, 10, 0).unwrap();
        assert_eq!(withdraw(&mut pool, &mut stake, 0), Err(GovernanceError::NothingReady { ready_ms: 0 }));
        let ready_ms = unlock(&mut pool, &mut stake, 10, |_| true, 0).unwrap();
        assert_eq!(withdraw(&mut pool, &mut stake, ready_ms), Ok(10));
        assert!(!is_empty(&stake));
        landed(&mut pool, &mut stake, 10, false).unwrap();
        assert_eq!((pool.books.held.0, stake.free.0, stake.in_flight.0), (10, 10, 0));
        assert_eq!(withdraw(&mut pool, &mut stake, ready_ms), Ok(10));
        landed(&mut pool, &mut stake, 10, true).unwrap();
        assert!(is_empty(&stake));
        assert_eq!(pool.books, Books::default());
        assert_eq!(landed(&mut pool, &mut stake, 1, false), None, "nothing is on its way");
    }

    #[test]
    fn nothing_is_delegated_twice_and_nothing_delegated_is_unlocked() {
        let mut pool = pool();
        let (mut stake, mut to) = (stake(&pool), candidate("d.near", 1));
        lock(&mut pool, &mut stake, 10, 0).unwrap();
        assert_eq!(give(&pool, &mut stake, &mut to, 11, 0), Err(GovernanceError::StakeShort { available: 10 }));
        give(&pool, &mut stake, &mut to, 6, 0).unwrap();
        give(&pool, &mut stake, &mut to, 7, 0).unwrap();
        assert_eq!((to.received_at(99), to.received_at(100)), (0, 7));
        assert_eq!(unlock(&mut pool, &mut stake, 4, |_| true, 0), Err(GovernanceError::StakeShort { available: 3 }));
        let mut other = candidate("e.near", 2);
        assert_eq!(give(&pool, &mut stake, &mut other, 4, 0), Err(GovernanceError::StakeShort { available: 3 }));
        give(&pool, &mut stake, &mut to, 0, 100).unwrap();
        assert_eq!((to.received_at(100), to.received_at(200)), (7, 0));
        assert_eq!(stake.parts_at(200), []);
    }

    /// Let `given` look at the name alone, and who stood down and stands again loses what it never had.
    #[test]
    fn what_was_given_to_an_earlier_delegate_of_that_name_is_dead() {
        let mut pool = pool();
        let (mut stake, mut first) = (stake(&pool), candidate("d.near", 1));
        lock(&mut pool, &mut stake, 10, 0).unwrap();
        give(&pool, &mut stake, &mut first, 7, 0).unwrap();
        let name = account("d.near");
        let none = GovernanceError::NotDelegate { account: name.clone() };
        assert_eq!(delegate(&pool, &mut stake.clone(), (&name, None), 3, |_| true, 0), Err(none.clone()));
        delegate(&pool, &mut stake.clone(), (&name, None), 0, |_| true, 0).unwrap();
        let mut second = candidate("d.near", 2);
        give(&pool, &mut stake, &mut second, 4, 0).unwrap();
        assert_eq!(second.received_at(100), 4);
        delegate(&pool, &mut stake, (&name, None), 0, |_| true, 0).unwrap();
        assert_eq!(
            delegate(&pool, &mut stake, (&name, None), 0, |_| true, 0),
            Err(none),
            "there is nothing to take back"
        );
    }

    /// Who stands down holds nobody's stake and nobody's place.
    #[test]
    fn what_is_dead_is_not_delegated() {
        let mut pool = pool();
        let (mut stake, mut gone, mut here) = (stake(&pool), candidate("d.near", 1), candidate("e.near", 2));
        lock(&mut pool, &mut stake, 10, 0).unwrap();
        give(&pool, &mut stake, &mut gone, 7, 0).unwrap();
        let stands = |part: &Part| part.number != 1;
        let mut unlocked = stake.clone();
        assert!(unlock(&mut pool.clone(), &mut unlocked, 10, stands, 0).is_ok());
        assert_eq!(unlocked.parts_at(100).len(), 1, "what counted in votes of before is known still");
        delegate(&pool, &mut stake, (&account("e.near"), Some(&mut here)), 10, stands, 0).unwrap();
        assert_eq!((stake.parts_at(100).len(), here.received_at(100)), (1, 10));
    }

    #[test]
    fn a_holder_has_eight_delegates_at_once() {
        let mut pool = pool();
        let mut stake = stake(&pool);
        lock(&mut pool, &mut stake, 100, 0).unwrap();
        for number in 0..PARTS_MAX {
            let mut to = candidate(&format!("d{number}.near"), u64::try_from(number).unwrap());
            give(&pool, &mut stake, &mut to, 1, 0).unwrap();
        }
        let mut ninth = candidate("d8.near", 8);
        assert_eq!(give(&pool, &mut stake.clone(), &mut ninth, 1, 0), Err(GovernanceError::TooManyDelegates {}));
        give(&pool, &mut stake, &mut candidate("d0.near", 0), 0, 0).unwrap_err();
    }

    #[test]
    fn a_line_has_room_for_no_more_than_tallies_can_be_multiplied_with() {
        let mut pool = pool();
        let mut stake = stake(&pool);
        lock(&mut pool, &mut stake, STAKE_MAX, 0).unwrap();
        assert_eq!(lock(&mut pool, &mut stake, 1, 0), Err(GovernanceError::TooMuchStake {}));
        let mut pool = self::pool();
        assert_eq!(lock(&mut pool, &mut stake, u128::MAX, 0), Err(GovernanceError::TooMuchStake {}));
    }
}
