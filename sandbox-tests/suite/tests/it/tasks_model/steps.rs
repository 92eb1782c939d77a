//! What a transaction is made of.

use super::{Asset, Judged, Model, NEAR, NewSet, Person, SLOT, Sent, Shown, TOKEN, TaskKey, Verdict, refuse_if};
use crate::tasks_bytes::{Hash, answer_hash, verdict_hash};

/// A step, and what is attached to it.
#[derive(Clone, Debug)]
pub struct Act {
    pub step: Step,
    pub attached: u128,
    /// What storage leaves of it, where the rest is credited.
    pub rest: u128,
}

#[derive(Clone, Debug)]
pub enum Step {
    Post(NewSet),
    Close(usize),
    Take(usize),
    CommitWork {
        key: TaskKey,
        hash: Hash,
    },
    RevealWork {
        key: TaskKey,
        answer: Vec<u8>,
        salt: Hash,
    },
    Draw(TaskKey),
    CommitVerdict {
        key: TaskKey,
        hash: Hash,
    },
    RevealVerdict {
        key: TaskKey,
        verdict: Verdict,
        salt: Hash,
    },
    Appeal(TaskKey),
    Show {
        key: TaskKey,
        shown: Shown,
    },
    ForgetMarks {
        of: Vec<Person>,
    },
    Settle(TaskKey),
    Bond(usize),
    Unbond(usize),
    WithdrawBond,
    OpenBalance(Asset),
    Deposit,
    EndBalance(Asset),
    Withdraw {
        asset: Asset,
        amount: Option<u128>,
    },
    /// Tokens, by `ft_transfer_call`.
    Send {
        amount: u128,
        known: bool,
    },
}

impl Act {
    /// What is wrong with what is attached, where that does not depend on what it is about.
    pub(super) fn deposit_fault(&self) -> Option<&'static str> {
        match (&self.step, self.attached) {
            (Step::Take(_) | Step::Bond(_), _) => None,
            (Step::Post(_) | Step::Deposit, attached) => (attached == 0).then_some(ONE_YOCTO),
            (step, attached) if step.wants_storage() => (attached == 0).then_some(ONE_YOCTO),
            (Step::Send { .. }, attached) => (attached != 1).then_some("TOKEN"),
            (step, attached) if step.wants_yocto() => (attached != 1).then_some(ONE_YOCTO),
            (_, attached) => (attached != 0).then_some("CHARTER_NO_DEPOSIT"),
        }
    }
}

const ONE_YOCTO: &str = "CHARTER_ONE_YOCTO";
/// Less than the row of a balance costs, whoever's.
const ROW: u128 = SLOT / 1_000;

impl Step {
    /// One that shows that a full-access key has signed, and stays with the contract.
    pub fn wants_yocto(&self) -> bool {
        matches!(
            self,
            Self::Close(_) | Self::ForgetMarks { .. } | Self::Unbond(_) | Self::EndBalance(_) | Self::Withdraw { .. }
        )
    }

    /// One whose deposit pays for what it stores; the rest of it comes back.
    pub fn wants_storage(&self) -> bool {
        matches!(self, Self::Appeal(_) | Self::Show { .. } | Self::WithdrawBond | Self::OpenBalance(_))
    }
}

impl Model {
    pub(super) fn step(&mut self, act: &Act, by: Person, now_ms: u64) -> Judged<Option<Sent>> {
        let Act { step, attached, rest } = act;
        match step {
            Step::Post(new) => self.post(by, new, *rest)?,
            Step::Close(set) => self.close(by, *set)?,
            Step::Take(set) => self.take(by, *set, *attached, now_ms)?,
            Step::CommitWork { key, hash } => self.commit_work(by, *key, *hash, now_ms)?,
            Step::RevealWork { key, answer, salt } => {
                self.reveal_work(by, *key, (answer_hash(answer), *salt), now_ms)?
            }
            Step::Draw(key) => self.draw(*key)?,
            Step::CommitVerdict { key, hash } => self.round_of(*key)?.commit(by, *hash, now_ms)?,
            Step::RevealVerdict { key, verdict, salt } => self.reveal_verdict(by, *key, (*verdict, *salt), now_ms)?,
            Step::Appeal(key) => self.appeal(by, *key, now_ms)?,
            Step::Show { key, shown } => self.show(by, *key, shown, now_ms)?,
            Step::ForgetMarks { of } => self.forget_marks(by, of)?,
            Step::Settle(key) => {
                self.settle(*key, now_ms)?;
            }
            Step::Bond(slots) => self.bond(by, *slots, *attached, now_ms)?,
            Step::Unbond(slots) => self.unbond(by, *slots, now_ms)?,
            Step::WithdrawBond => self.withdraw_bond(by, now_ms)?,
            _ => return self.step_of_money(act, by),
        }
        Ok(None)
    }

    fn forget_marks(&mut self, by: Person, of: &[Person]) -> Judged {
        refuse_if(&[(of.is_empty(), "TASKS_BAD_NAMED_SIZE")])?;
        self.marks.retain(|(requester, about), _| *requester != by || !of.contains(about));
        Ok(())
    }

    fn step_of_money(&mut self, Act { step, attached, rest }: &Act, by: Person) -> Judged<Option<Sent>> {
        match step {
            Step::OpenBalance(asset) => {
                let is_own = self.balances.contains_key(&(by, *asset)) && !self.guests.contains_key(&(by, *asset));
                refuse_if(&[(is_own, "TASKS_BALANCE_OPEN")])?;
                self.guests.remove(&(by, *asset));
                self.balances.entry((by, *asset)).or_default();
            }
            Step::Deposit => {
                // The row that is made first takes all of it.
                let is_taken = !self.balances.contains_key(&(by, NEAR)) && *attached < ROW;
                refuse_if(&[(is_taken, "TASKS_NOTHING_DUE")])?;
                self.receive(NEAR, *rest);
                self.credit(by, NEAR, *rest, by);
            }
            Step::EndBalance(asset) => {
                let row = self.balances.get(&(by, *asset));
                refuse_if(&[
                    (row.is_none(), "TASKS_NO_BALANCE"),
                    (row.is_some_and(|amount| *amount > 0), "TASKS_BALANCE_IN_USE"),
                    (self.on_the_way.contains(&(by, *asset)), "TASKS_BALANCE_IN_USE"),
                ])?;
                self.forget_balance((by, *asset));
            }
            Step::Withdraw { asset, amount } => {
                let has = self.balances.get(&(by, *asset)).copied();
                let wanted = amount.or(has).unwrap_or_default();
                refuse_if(&[
                    (has.is_none(), "TASKS_NO_BALANCE"),
                    (wanted == 0, "TASKS_NOTHING_DUE"),
                    (has.is_some_and(|has| wanted > has), "TASKS_NOT_COVERED"),
                ])?;
                self.balances.insert((by, *asset), has.unwrap_or_default() - wanted);
                self.on_the_way.insert((by, *asset));
                return Ok(Some(Sent { to: by, asset: *asset, amount: wanted }));
            }
            Step::Send { amount, known } => self.send(by, *amount, *known)?,
            _ => unreachable!("{step:?} moves no money"),
        }
        Ok(None)
    }

    /// Tokens that somebody sends here. Of transfers that the token itself refuses it tells nobody.
    fn send(&mut self, by: Person, amount: u128, known: bool) -> Judged {
        refuse_if(&[(self.fails || amount == 0 || self.tokens[by] < amount, "TOKEN")])?;
        let has_row = self.balances.contains_key(&(by, TOKEN));
        refuse_if(&[(!known, "TASKS_BAD_MESSAGE"), (!has_row, "TASKS_NO_BALANCE")])?;
        self.receive(TOKEN, amount);
        self.credit(by, TOKEN, amount, by);
        self.tokens[by] -= amount;
        Ok(())
    }

    fn reveal_verdict(&mut self, by: Person, key: TaskKey, said: (Verdict, Hash), now_ms: u64) -> Judged {
        let (attempt, rounds) = self.tasks.get(&key).map_or((0, 0), |task| (task.attempt, task.rounds.len()));
        let about = (self.about(key, attempt), u8::try_from(rounds).unwrap());
        let hash = verdict_hash(&self.chain, about, &self.names[by], said);
        self.round_of(key)?.reveal(by, (said.0, hash), now_ms)
    }
}
