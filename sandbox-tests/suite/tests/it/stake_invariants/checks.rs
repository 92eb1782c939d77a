//! Whether the contract shows what the model says.

use std::collections::BTreeMap;

use charter_harness::arguments::charged_bytes;
use charter_harness::raw;
use charter_types::U128;
use charter_types::governance::args::{StakeRef, VoterRef};
use charter_types::governance::methods as governance;
use charter_types::governance::{Choice, Part, Pool, Proposal, ProposalKind, StakeBallot, StakeVote};
use serde_json::json;

use super::calls::{choice, state};
use super::model::{
    Act, COUNCIL, EVERYBODY, LATEST, LINES, Money, NEAR, PEOPLE, PERIOD_MS, Person, Proposal as Mine, TOKEN, UNLOCK_MS,
    floor, period_begin_ms,
};
use super::{Seen, World, asset};

impl World {
    /// Everything about these lines, all proposals, and the votes on some of them.
    pub(super) async fn check(&self, lines: &[u64], ids: &[u64], seen: &Seen, what: &str) {
        let now_ms = self.harness.now_ms().await.unwrap();
        for line in LINES {
            self.check_pool(line, now_ms, what).await;
        }
        for line in lines.iter().filter(|line| LINES.contains(line)) {
            let times = self.times(*line, now_ms);
            for person in 0..PEOPLE {
                self.check_stake(*line, person, &times, now_ms, what).await;
            }
            for person in 0..EVERYBODY {
                self.check_delegate(*line, person, &times, what).await;
            }
        }
        // Before the tallies: whoever has a wrong ballot makes a wrong tally, and not the other way round.
        for id in ids.iter().filter(|id| self.model.proposals.contains_key(*id)) {
            self.check_ballots(*id, seen, what).await;
            self.check_overridden(*id, what).await;
        }
        self.check_proposals(seen, what);
        let charged = charged_bytes(&self.harness, self.contract(), &self.people).await;
        let usage = self.harness.worker.view_account(self.contract()).await.unwrap().storage_usage;
        assert_eq!(charged, usage - self.empty_bytes, "INV-GOV-MODEL: bytes charged and bytes held: {what}");
    }

    /// What counts now, what counts next, and what counts in votes that run.
    fn times(&self, line: u64, now_ms: u64) -> Vec<u64> {
        let running = self.model.proposals.values().filter(|known| known.line == line && known.is_open(now_ms));
        let begin_ms = period_begin_ms(now_ms);
        running.filter_map(|known| known.snapshot_ms).chain([begin_ms, begin_ms + PERIOD_MS]).collect()
    }

    /// Nothing is lost and nothing is made: what holders have is what the contract has, of every asset.
    async fn check_pool(&self, line: u64, now_ms: u64, what: &str) {
        let pool = self.pool(line).await;
        assert_eq!((pool.asset.clone(), pool.unlock_ms), (asset(line, &self.tokens[0]), UNLOCK_MS), "{what}");
        assert_eq!(pool.delegates, self.model.stood(line), "INV-GOV-MODEL: delegates of line {line}: {what}");
        assert_eq!(pool.period_ms(), PERIOD_MS, "INV-GOV-MODEL: {what}");
        let books = (pool.books.held.0, pool.books.in_flight.0);
        assert_eq!(books, (self.model.held(line, now_ms), 0), "INV-GOV-12: what line {line} holds: {what}");
        for ms in self.times(line, now_ms) {
            let all = self.model.all_locked(line, ms);
            assert_eq!(pool.locked_at(ms), all, "INV-GOV-3: all that counts on line {line} at {ms}: {what}");
        }
        if line == TOKEN {
            self.check_vault(&pool, what).await;
        }
    }

    async fn check_vault(&self, pool: &Pool, what: &str) {
        let question = raw("ft_balance_of", json!({ "account_id": self.contract() }));
        let answered = self.harness.raw_view(&self.tokens[0], question).await.unwrap();
        let vault: U128 = serde_json::from_slice(&answered).unwrap();
        assert_eq!(vault.0, self.model.vault, "INV-GOV-12: tokens that the contract has: {what}");
        let told = vault.0 + self.model.lied;
        assert_eq!(told, pool.books.held.0, "INV-GOV-12: tokens it has, or was told of, and its books: {what}");
    }

    async fn check_stake(&self, line: u64, person: Person, times: &[u64], now_ms: u64, what: &str) {
        let question = StakeRef { line, account: self.id(person) };
        let stake = self.view(governance::stake, &question).await;
        let has_row = self.model.rows.contains(&(line, person));
        assert_eq!(stake.is_some(), has_row, "INV-GOV-MODEL: whether {person} has a row on {line}: {what}");
        let Some(stake) = stake else { return };
        let mut shown = Money { unlocking: stake.unlocking.0, ready_ms: stake.ready_ms, free: stake.free.0 };
        shown.settle(now_ms);
        let mine = self.model.money(line, person, now_ms);
        assert_eq!(shown, mine, "INV-GOV-12: what {person} unlocked on line {line}: {what}");
        assert_eq!(stake.in_flight, U128(0), "INV-GOV-12: on its way to {person} for good: {what}");
        for ms in times.iter().copied().chain([LATEST]) {
            let amount = stake.locked_at(ms);
            let mut parts: BTreeMap<_, _> = stake.parts_at(ms).iter().map(|part| self.read(part)).collect();
            // Dead ones are nobody's business.
            let live = |(to, number): &(Person, u64)| {
                self.model.standing(line, *to).is_some_and(|standing| standing.number == *number)
            };
            parts.retain(|to, amount| *amount > 0 && live(to));
            let mine = (self.model.locked(line, person, ms), self.model.live_parts(line, person, ms));
            assert_eq!((amount, parts), mine, "INV-GOV-3: what of {person} counts on line {line} at {ms}: {what}");
        }
    }

    fn read(&self, part: &Part) -> ((Person, u64), u128) {
        ((self.number(&part.delegate), part.number), part.amount.0)
    }

    async fn check_delegate(&self, line: u64, person: Person, times: &[u64], what: &str) {
        let standing = self.model.standing(line, person);
        let bystander = person >= PEOPLE;
        if bystander && standing.is_none_or(|known| self.model.received(line, person, known.number, LATEST) == 0) {
            return;
        }
        let question = StakeRef { line, account: self.id(person) };
        let delegate = self.view(governance::delegate_of, &question).await;
        let shown = delegate.as_ref().map(|delegate| {
            let agent = delegate.agent.as_ref().map(|known| (known.agent, self.number(&known.owner)));
            (delegate.number, agent)
        });
        let mine = standing.map(|standing| (standing.number, standing.owner.map(|owner| (self.agent, owner))));
        assert_eq!(shown, mine, "INV-GOV-MODEL: {person} as a delegate on line {line}: {what}");
        let (Some(delegate), Some(standing)) = (delegate, standing) else { return };
        for ms in times.iter().copied().chain([LATEST]) {
            let received = self.model.received(line, person, standing.number, ms);
            let shown = delegate.received_at(ms);
            assert_eq!(shown, received, "INV-GOV-3: what counts of {person}'s on line {line} at {ms}: {what}");
        }
    }

    fn check_proposals(&self, seen: &Seen, what: &str) {
        let there = self.model.proposals.iter().filter(|(_, known)| !known.gone);
        assert!(there.clone().map(|(id, _)| id).eq(seen.proposals.keys()), "INV-GOV-MODEL: {what}");
        for (id, mine) in there {
            let proposal = &seen.proposals[id];
            let is_amendment = matches!(proposal.kind, ProposalKind::Amendment(_));
            assert_eq!((proposal.line, is_amendment), (mine.line, mine.amendment), "INV-GOV-MODEL: {id}: {what}");
            self.check_tally(*id, mine, proposal, what);
            let times = (mine.start_ms, mine.end_ms, mine.eta_ms());
            let shown = (proposal.start_ms, proposal.end_ms, proposal.eta_ms);
            assert_eq!(shown, times, "INV-GOV-MODEL: begin, end and timelock of {id}: {what}");
            assert_eq!(proposal.state, state(mine.state), "INV-GOV-MODEL: what became of {id}: {what}");
            assert_eq!(proposal.bond.0, mine.bond(), "INV-GOV-9: of {id}: {what}");
            assert_eq!(proposal.proposer, self.id(mine.proposer), "INV-GOV-MODEL: of {id}: {what}");
        }
    }

    fn check_tally(&self, id: u64, mine: &Mine, proposal: &Proposal, what: &str) {
        let tally = self.model.tally(mine);
        let Some(snapshot_ms) = mine.snapshot_ms else {
            assert_eq!(proposal.stake, None, "INV-GOV-1: the council decides about {id}: {what}");
            let council =
                proposal.council.iter().map(|member| (self.number(&member.account), u128::from(member.weight)));
            assert!(council.eq(COUNCIL), "INV-GOV-3: council of {id}: {what}");
            let shown = (u128::from(proposal.yes), u128::from(proposal.no));
            assert_eq!(shown, (tally.yes, tally.no), "INV-GOV-1: proposal {id}: {what}");
            return;
        };
        assert_eq!((proposal.council.len(), proposal.yes, proposal.no), (0, 0, 0), "INV-GOV-1: {id}: {what}");
        let all = self.model.all_locked(mine.line, snapshot_ms);
        let expected = StakeVote {
            snapshot_ms,
            floor: U128(floor(mine.line)),
            all: U128(all),
            yes: U128(tally.yes),
            no: U128(tally.no),
            agents_yes: U128(tally.agents_yes),
            agents_no: U128(tally.agents_no),
        };
        assert_eq!(proposal.stake, Some(expected), "INV-GOV-1: proposal {id}: {what}");
        let cast = tally.yes + tally.no + tally.agents_yes + tally.agents_no;
        assert!(cast <= all, "INV-GOV-1: more votes on {id} than there are: {what}");
    }

    async fn check_ballots(&self, id: u64, seen: &Seen, what: &str) {
        let mine = &self.model.proposals[&id];
        let mut sums: BTreeMap<(bool, bool), u128> = BTreeMap::new();
        for person in 0..PEOPLE {
            let question = VoterRef { proposal: id, account: self.id(person) };
            let ballot = self.view(governance::stake_ballot, &question).await;
            if let Some(known) = &ballot {
                *sums.entry((known.agent, known.choice == Choice::Yes)).or_default() += known.own.0 + known.received.0;
            }
            let cast = mine.cast.iter().find(|cast| cast.voter == person);
            let cast = cast.filter(|_| mine.snapshot_ms.is_some() && !mine.forgotten);
            let expected = cast.map(|cast| {
                let (own, received) = self.model.weight(mine, cast);
                StakeBallot {
                    proposal: id,
                    voter: self.id(person),
                    choice: choice(cast.yes),
                    own: U128(own),
                    received: U128(received),
                    number: cast.number,
                    agent: cast.agent,
                    round: 0,
                }
            });
            assert_eq!(ballot, expected, "INV-GOV-2: {person}'s vote on {id}: {what}");
        }
        // Of what is seen alone.
        let Some(stake) = seen.proposals.get(&id).and_then(|proposal| proposal.stake) else { return };
        if !mine.forgotten {
            let sum = |agent, yes| sums.get(&(agent, yes)).copied().unwrap_or_default();
            let shown = (stake.yes.0, stake.no.0, stake.agents_yes.0, stake.agents_no.0);
            let expected = (sum(false, true), sum(false, false), sum(true, true), sum(true, false));
            assert_eq!(shown, expected, "INV-GOV-1: ballots of {id} and its tally: {what}");
        }
    }

    /// What holders who vote themselves take from delegates, of those lives of theirs that vote or may vote.
    async fn check_overridden(&self, id: u64, what: &str) {
        let mine = &self.model.proposals[&id];
        for person in 0..EVERYBODY {
            let question = VoterRef { proposal: id, account: self.id(person) };
            let row = self.view(governance::overridden, &question).await;
            if mine.forgotten || mine.snapshot_ms.is_none() {
                assert_eq!(row, None, "INV-GOV-2: taken from {person} in {id}: {what}");
                continue;
            }
            let voted = mine.cast.iter().find(|cast| cast.voter == person).map(|cast| cast.number);
            let number = voted.or_else(|| Some(self.model.standing(mine.line, person)?.number));
            let Some(number) = number.filter(|number| *number > 0) else { continue };
            let shown = row.filter(|row| row.number == number && row.round == 0).map_or(0, |row| row.amount.0);
            let taken = self.model.taken(mine, person, number);
            assert_eq!(shown, taken, "INV-GOV-2: taken from {person} in {id}: {what}");
        }
    }
}

/// INV-GOV-3, of what was seen and is: only votes move a tally, and only the vote's own; nothing moves what counts in
/// it.
pub(super) fn check_change(before: &Seen, after: &Seen, act: &Act, what: &str) {
    let voted = match act {
        Act::Vote { id, .. } | Act::VoteAsAgent { id, .. } => Some(*id),
        _ => None,
    };
    for (id, old) in &before.proposals {
        // The model says when one may be forgotten.
        let Some(new) = after.proposals.get(id) else { continue };
        let fixed = |proposal: &Proposal| {
            let counts = proposal.stake.map(|stake| (stake.snapshot_ms, stake.floor, stake.all));
            (proposal.content_hash, proposal.council.clone(), proposal.params, counts)
        };
        assert!(fixed(old) == fixed(new), "INV-GOV-3: proposal {id} is another one: {what}");
        if voted != Some(*id) {
            let moves = |proposal: &Proposal| (proposal.stake, proposal.yes, proposal.no, proposal.end_ms);
            assert_eq!(moves(old), moves(new), "INV-GOV-3: proposal {id} was moved by no vote on it: {what}");
        }
    }
}

/// What is nobody's grows by yoctos that showed who signed, and by nothing else; in NEAR that holders have.
pub(super) fn check_money(before: &Seen, after: &Seen, deposit: u128, what: &str) {
    let most = i128::from(deposit == 1);
    let more = after.spare - before.spare;
    assert!((0..=most).contains(&more), "INV-GOV-12: {more} yocto of line {NEAR} too many or too few: {what}");
}
