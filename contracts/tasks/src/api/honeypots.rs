//! Tasks whose answer the requester knew before. What they say counts in its own sets alone, and moves no money.

use charter_common::{Answer, methods, sha256};
use charter_rules::honeypot::Shown;
use charter_types::AccountId;
use charter_types::tasks::args::{ForgetMarks, ShowHoneypot, TaskRef};
use charter_types::tasks::{FORGOTTEN_MAX, Fact, PROOF_MAX, TasksError, Verdict};
use near_sdk::{env, near};

use crate::model::Mark;
use crate::storage::{AccountKey, MarkKey};
use crate::{Tasks, TasksExt};

#[methods(tasks)]
#[near]
impl Tasks {
    pub fn show_honeypot(&mut self, args: ShowHoneypot) -> Answer {
        let ShowHoneypot { set: id, index, answer_hash: answer, salt, proof } = args;
        let (requester, at) = (env::predecessor_account_id(), TaskRef { set: id, index });
        let payment = self.core.begin_payment(&requester)?;
        let (set, mut task) = self.load_task(at)?;
        set.check_requester(&requester)?;
        let root = set.honeypots.ok_or(TasksError::NoHoneypots {})?;
        task.check_show(&set, env::block_timestamp_ms())?;
        let shown = Shown { index, answer, salt, proof: &proof };
        if proof.len() > PROOF_MAX || !shown.is_under(root, sha256) {
            return Err(TasksError::BadProof {}.into());
        }
        let good = task.answer_hash == answer;
        let right = if good { Verdict::Good } else { Verdict::Bad };
        let mut marks = vec![self.mark(&requester, &task.worker, |mark| mark.worked(good))?];
        let second = task.appeal.as_ref().and_then(|appeal| appeal.panel.as_ref());
        for seat in task.panel.iter().chain(second).flat_map(|panel| &panel.seats) {
            // Who kept silent has paid for that.
            if let Some(verdict) = seat.verdict {
                marks.push(self.mark(&requester, &seat.reviewer, |mark| mark.reviewed(verdict == right))?);
            }
        }
        task.shown = true;
        self.core.finish_payment(payment)?;
        self.save_task(at, &set, &task)?;
        self.emit("marks_changed", Fact::Marks(marks));
        Ok(())
    }

    pub fn forget_marks(&mut self, ForgetMarks { accounts }: ForgetMarks) -> Answer {
        if accounts.is_empty() || accounts.len() > FORGOTTEN_MAX {
            return Err(TasksError::BadNamedSize { named: accounts.len() }.into());
        }
        let requester = env::predecessor_account_id();
        let mut forgotten = Vec::new();
        for account in accounts {
            let key = MarkKey { requester: requester.clone(), account };
            let Some(mark) = self.marks.get(&key) else { continue };
            self.marks.remove(&key, &mut self.core.storage);
            self.count_excluded(&requester, mark.excludes_reviewer(), false)?;
            forgotten.push(key.account);
        }
        if !forgotten.is_empty() {
            self.emit("marks_forgotten", Fact::MarksForgotten { requester, accounts: forgotten });
        }
        Ok(())
    }
}

impl Tasks {
    /// Changes what honeypots say of an account. The requester pays for the row.
    fn mark(
        &mut self,
        requester: &AccountId,
        account: &AccountId,
        change: impl FnOnce(&mut Mark),
    ) -> Answer<charter_types::tasks::Mark> {
        let key = MarkKey { requester: requester.clone(), account: account.clone() };
        let mut mark = self.marks.get(&key).unwrap_or_default();
        let was = mark.excludes_reviewer();
        change(&mut mark);
        self.marks.put(&key, requester, &mark, &mut self.core.storage)?;
        self.count_excluded(requester, was, mark.excludes_reviewer())?;
        Ok(mark.view(key.requester, key.account))
    }

    /// How many reviewers a requester's honeypots exclude: none is a row less.
    fn count_excluded(&mut self, requester: &AccountId, was: bool, is: bool) -> Answer {
        if was == is {
            return Ok(());
        }
        let key = AccountKey(requester.clone());
        let mut exclusions = self.exclusions.get(&key).unwrap_or_default();
        exclusions.change(was, is);
        if exclusions.reviewers == 0 {
            self.exclusions.remove(&key, &mut self.core.storage);
            return Ok(());
        }
        self.exclusions.put(&key, requester, &exclusions, &mut self.core.storage)
    }
}
