//! Votes by stake in plain words.

use charter_types::U128;
use charter_types::asset::Asset;
use charter_types::governance::{
    Choice, Delegate, MAJORITY_BPS, Overridden, PERIODS, Params, Pool, Proposal, Stake, StakeBallot, StakeRules,
    StakeVote,
};
use serde::Serialize;

use super::count::{percent, share};
use super::words::Lines;
use crate::units::{length, money, time};

/// So much of what is locked.
pub fn amount(asset: Option<&Asset>, amount: u128) -> String {
    asset.map_or_else(|| amount.to_string(), |asset| money(asset, amount))
}

/// What was cast so far.
pub fn cast(vote: &StakeVote, asset: Option<&Asset>) -> String {
    let of = |part: U128| amount(asset, part.0);
    let people = format!("{} yes, {} no", of(vote.yes), of(vote.no));
    if vote.agents_yes.0 == 0 && vote.agents_no.0 == 0 {
        return people;
    }
    format!("{people}, agents {} yes, {} no", of(vote.agents_yes), of(vote.agents_no))
}

/// Yes that it takes.
pub fn needed(proposal: &Proposal, vote: &StakeVote, asset: Option<&Asset>) -> String {
    amount(asset, share(vote.all.0, proposal.quorum_bps()).max(vote.floor.0))
}

/// Whose votes count.
pub fn decides(vote: &StakeVote, asset: Option<&Asset>) -> String {
    let [all, floor] = [vote.all, vote.floor].map(|part| amount(asset, part.0));
    format!("what was locked at {}: {all} in all; it takes {floor} yes at least", time(vote.snapshot_ms))
}

/// What agents' votes come to.
pub fn agents(vote: &StakeVote, asset: Option<&Asset>) -> Option<String> {
    let cast = vote.agents_yes.0.saturating_add(vote.agents_no.0);
    let most = vote.yes.0.saturating_add(vote.no.0) / 2;
    let helps = vote.quorum_yes().saturating_sub(vote.yes.0);
    let [cast_of, most_of, helps_of] = [cast, most, helps].map(|part| amount(asset, part));
    let counts = if cast == 0 {
        return None;
    } else if cast > most {
        format!("cast {cast_of}, which counts for {most_of}: a third of all votes, yes and no scaled down alike")
    } else {
        format!("cast {cast_of}, all of which counts: they may have a third of all votes, {most_of} now")
    };
    Some(format!("{counts}; {helps_of} of their yes helps to reach what is needed"))
}

/// A constitution's rules of stake, a line for each part of them.
pub fn rules(rules: &StakeRules, params: &Params) -> Lines {
    let StakeRules { asset, unlock_ms, floor } = rules;
    let (floor, quorum) = (money(asset, floor.0), params.quorum_bps);
    let what = match asset {
        Asset::Near => "NEAR".to_owned(),
        Asset::Nep141(token) => format!("the token {token}"),
    };
    let changes = if quorum < MAJORITY_BPS {
        format!(" ({} for who decides, and how)", percent(MAJORITY_BPS))
    } else {
        String::new()
    };
    let (quorum, threshold) = (percent(quorum), percent(params.threshold_bps));
    vec![
        ("stake", format!("who locks {what} decides; the council does while {quorum} of that is less than {floor}")),
        (
            "by stake",
            format!(
                "passes with {quorum}{changes} of what is locked, at least {floor}, and {threshold} of the votes cast"
            ),
        ),
        ("agents", "vote for their owners, with a third of all votes at most".to_owned()),
        (
            "unlocking",
            format!("takes {}; a change counts from the next {} on", length(*unlock_ms), {
                length(unlock_ms / PERIODS)
            }),
        ),
    ]
}

/// What another constitution does to the rules of stake that there are.
pub fn change(now: Option<&StakeRules>, next: Option<&StakeRules>) -> Option<String> {
    match (now, next) {
        (Some(_), None) => Some("decides, and would no more: the council does, whatever is locked".to_owned()),
        (None, Some(_)) => Some("decides nothing: the council does".to_owned()),
        (Some(now), Some(next)) if now.floor != next.floor => {
            Some(format!("takes {} yes at least", money(&now.asset, now.floor.0)))
        }
        _ => None,
    }
}

/// What is locked in all, and who therefore decides.
pub fn locked(pool: &Pool, rules: Option<&StakeRules>, quorum_bps: u16, now_ms: u64) -> String {
    let counted = pool.locked_at(pool.period_begin_ms(now_ms));
    let who = match rules {
        None => "the council decides, whatever is locked",
        Some(rules) if counted < rules.decides_from(quorum_bps) => "too little: the council decides",
        Some(_) => "it decides",
    };
    format!("{} in all, {who}", money(&pool.asset, counted))
}

/// What somebody's vote weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Weight {
    /// Locked by the voter, what it has delegated included.
    pub own: U128,
    /// Delegated to it, and not taken back by who votes itself.
    pub received: U128,
    /// Of its own, what is taken from its delegates.
    pub taken: U128,
    /// What it said before.
    pub before: Option<Choice>,
}

impl Weight {
    /// As a ballot of this round has it.
    pub fn cast(ballot: &StakeBallot) -> Self {
        Self { own: ballot.own, received: ballot.received, taken: U128(0), before: Some(ballot.choice) }
    }

    /// Of somebody who has not voted yet.
    pub fn at(
        snapshot_ms: u64,
        round: u8,
        stake: Option<&Stake>,
        delegate: Option<(&Delegate, Option<&Overridden>)>,
    ) -> Self {
        let parts = stake.map_or(&[][..], |stake| stake.parts_at(snapshot_ms)).iter();
        let received = delegate.map_or(0, |(delegate, overridden)| {
            let counts = |row: &&Overridden| row.round == round && row.number == delegate.number;
            let taken = overridden.filter(counts).map_or(0, |row| row.amount.0);
            delegate.received_at(snapshot_ms).saturating_sub(taken)
        });
        Self {
            own: U128(stake.map_or(0, |stake| stake.locked_at(snapshot_ms))),
            received: U128(received),
            taken: U128(parts.fold(0_u128, |sum, part| sum.saturating_add(part.amount.0))),
            before: None,
        }
    }

    pub fn all(&self) -> u128 {
        self.own.0.saturating_add(self.received.0)
    }

    /// `12 NEAR: 10 NEAR of its own, 2 NEAR delegated to it`.
    pub fn words(&self, asset: Option<&Asset>) -> String {
        let of = |part: U128| amount(asset, part.0);
        let mut parts = Vec::new();
        if self.own.0 > 0 {
            parts.push(format!("{} of its own", of(self.own)));
        }
        if self.taken.0 > 0 {
            parts.push(format!("of which {} is taken from its delegates", of(self.taken)));
        }
        if self.received.0 > 0 {
            parts.push(format!("{} delegated to it", of(self.received)));
        }
        let instead = match self.before {
            None => "",
            Some(Choice::Yes) => "; it said yes before",
            Some(Choice::No) => "; it said no before",
        };
        format!("{}: {}{instead}", amount(asset, self.all()), parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use charter_types::asset::{Asset, Books};
    use charter_types::governance::{
        Choice, Delegate, Delegated, Overridden, Params, Part, Pool, Since, Stake, StakeBallot, StakeRules, StakeVote,
    };
    use charter_types::{AccountId, U128};

    use super::{Weight, agents, cast, change, decides, locked, rules};
    use crate::key::words::sheet;

    fn account(name: &str) -> AccountId {
        name.parse().unwrap()
    }

    fn token() -> Asset {
        Asset::Nep141(account("usdc.near"))
    }

    fn vote(agents_yes: u128) -> StakeVote {
        let [yes, no, none] = [60, 20, 0].map(U128);
        let (floor, all, agents_yes) = (U128(50), U128(200), U128(agents_yes));
        StakeVote { snapshot_ms: 0, floor, all, yes, no, agents_yes, agents_no: none }
    }

    #[test]
    fn a_vote_by_stake_says_who_decides_and_what_agents_come_to() {
        let token = token();
        let said = decides(&vote(0), Some(&token));
        assert_eq!(
            said,
            "what was locked at 1970-01-01T00:00:00Z: 200 usdc.near in all; it takes 50 usdc.near yes at least"
        );
        assert_eq!(cast(&vote(0), None), "60 yes, 20 no");
        assert_eq!(cast(&vote(9), None), "60 yes, 20 no, agents 9 yes, 0 no");
        assert_eq!(agents(&vote(0), None), None);
        assert!(agents(&vote(40), None).unwrap().starts_with("cast 40, all of which counts"));
        assert!(agents(&vote(40), None).unwrap().ends_with("; 30 of their yes helps to reach what is needed"));
        assert!(agents(&vote(41), None).unwrap().starts_with("cast 41, which counts for 40: a third of all votes"));
    }

    fn stake_rules(floor: u128) -> StakeRules {
        StakeRules { asset: token(), unlock_ms: 8 * 3_600_000, floor: U128(floor) }
    }

    #[test]
    fn rules_of_stake_are_said_and_what_changes_of_them() {
        let params = Params { quorum_bps: 2_000, ..Params::default() };
        let said = sheet(&rules(&stake_rules(50), &params));
        for shown in [
            "stake       who locks the token usdc.near decides; the council does while 20 % of that is less than 50 usdc",
            "by stake    passes with 20 % (50.01 % for who decides, and how) of what is locked, at least 50 usdc",
            "unlocking   takes 8h; a change counts from the next 1h on",
        ] {
            assert!(said.contains(shown), "{shown}: {said}");
        }
        let (now, same, more) = (stake_rules(50), stake_rules(50), stake_rules(60));
        assert_eq!(change(Some(&now), Some(&same)), None);
        assert_eq!(change(None, None), None);
        assert_eq!(change(Some(&now), Some(&more)).as_deref(), Some("takes 50 usdc.near yes at least"));
        assert!(change(Some(&now), None).unwrap().contains("would no more"));
        assert!(change(None, Some(&now)).unwrap().contains("the council does"));
    }

    #[test]
    fn what_counts_in_this_period_says_who_decides() {
        let entry = |from_ms, amount| Since { from_ms, amount: U128(amount) };
        let pool = Pool {
            line: 2,
            asset: token(),
            unlock_ms: 800,
            books: Books::default(),
            delegates: 0,
            locked: vec![entry(0, 40), entry(100, 70)],
        };
        let rules = stake_rules(50);
        assert_eq!(locked(&pool, Some(&rules), 10_000, 99), "40 usdc.near in all, too little: the council decides");
        assert_eq!(locked(&pool, Some(&rules), 10_000, 100), "70 usdc.near in all, it decides");
        assert_eq!(locked(&pool, None, 10_000, 100), "70 usdc.near in all, the council decides, whatever is locked");
    }

    /// Take what is locked now, or what others took from a delegate of before, and the weight is another.
    #[test]
    fn a_vote_weighs_what_counted_at_the_snapshot() {
        let part = Part { delegate: account("d.near"), number: 1, amount: U128(30) };
        let since = |from_ms, amount| Since { from_ms, amount: U128(amount) };
        let none = U128(0);
        let stake = Stake {
            line: 2,
            holder: account("a.near"),
            unlocking: none,
            ready_ms: 0,
            free: none,
            in_flight: none,
            locked: vec![since(100, 50), since(200, 90)],
            delegated: vec![
                Delegated { from_ms: 100, parts: vec![part] },
                Delegated { from_ms: 200, parts: Vec::new() },
            ],
        };
        let received = vec![Since { from_ms: 100, amount: U128(40) }];
        let delegate = Delegate { line: 2, account: account("a.near"), number: 3, agent: None, received };
        let overridden =
            |number, round| Overridden { proposal: 1, delegate: account("a.near"), number, round, amount: U128(15) };
        let taken = overridden(3, 0);
        let weight = Weight::at(150, 0, Some(&stake), Some((&delegate, Some(&taken))));
        assert_eq!((weight.own, weight.received, weight.taken, weight.before), (U128(50), U128(25), U128(30), None));
        assert_eq!(
            weight.words(None),
            "75: 50 of its own, of which 30 is taken from its delegates, 25 delegated to it"
        );
        for other in [overridden(2, 0), overridden(3, 1)] {
            let weight = Weight::at(150, 0, None, Some((&delegate, Some(&other))));
            assert_eq!(
                (weight.all(), weight.words(Some(&token())).as_str()),
                (40, "40 usdc.near: 40 usdc.near delegated to it")
            );
        }
        assert_eq!(Weight::at(99, 0, Some(&stake), Some((&delegate, None))).all(), 0);
        let ballot = StakeBallot {
            proposal: 1,
            voter: account("a.near"),
            choice: Choice::No,
            own: U128(50),
            received: none,
            number: 3,
            agent: false,
            round: 0,
        };
        assert_eq!(Weight::cast(&ballot).words(None), "50: 50 of its own; it said no before");
    }
}
