//! What the registry's answer lets an agent's people do on its line: bring it there, hold it, report on it.

use charter_common::{Answer, Failure, succeeded};
use charter_types::governance::args::{Enroll, Object, ReportHealth};
use charter_types::governance::{
    AUDITORS_MAX, Enrolment, Fact, GovernanceError, Holding, Line, LineId, Objection, Policy, Proposal, Reason,
    ReleaseId, Rollout, RolloutState, Wanted,
};
use charter_types::registry::{AgentId, Authority};
use charter_types::{AccountId, all_different};

use super::enrol::{ENROLMENT_BYTES, Wish};
use crate::Governance;
use crate::model::{self, check_digest, count, moved_to, object};

impl Governance {
    /// What was asked for, now that the registry has said who the caller is to the agent. If it said that there is no such
    /// agent, who pays for its row may still take it away.
    pub(super) fn act(&mut self, caller: &AccountId, wish: &Wish, authority: Option<&Authority>) -> Answer {
        if let (Wish::Leave(agent), true) = (wish, authority.is_some() || succeeded(0)) {
            return self.remove(caller, *agent, authority);
        }
        let authority = authority.ok_or(GovernanceError::NoAuthority { agent: wish.agent() })?;
        match wish {
            Wish::Enroll(args) => self.bring(caller, *args, authority),
            Wish::Choose(args) => self.choose_for(caller, args.agent, &args.wanted, authority),
            Wish::Freeze(agent) => self.hold(caller, *agent, authority),
            Wish::Report(args) => self.hear(caller, *args, authority),
            Wish::Object(args) => self.object_to(caller, *args, authority),
            Wish::Stand(args) => self.stand_for_owner(caller, *args, authority),
            Wish::Vote(args) => self.vote_of_agent(caller, *args, authority),
            Wish::Leave(_) => Ok(()),
        }
    }

    fn bring(&mut self, caller: &AccountId, args: Enroll, authority: &Authority) -> Answer {
        check_owner(caller, authority)?;
        let line = self.line_row(args.line)?;
        // First of all, and beside what the rows cost: nothing may fail behind it.
        let bond = line.params.enrolment_bond;
        self.core.storage.hold(caller, bond.0, ENROLMENT_BYTES)?;
        // Who enrolls it once more, after a panic say, goes on waiting for the same people, and from where it is: what it runs
        // needs nobody's word.
        let again = |row: &Enrolment| row.owner.as_ref() == Some(caller) && row.line == line.id;
        let known = self.enrolments.get(&args.agent).filter(again);
        let (auditors, running, before) = match known.filter(|row| !row.auditors.is_empty()) {
            None => (Vec::new(), 0, 0),
            Some(mut row) => {
                let told = self.told_now(&row)?;
                if told != 0 {
                    moved_to(&mut row, told);
                }
                (row.auditors, row.running, row.before)
            }
        };
        // A row left by an earlier owner goes, and its storage back to who paid.
        self.take_off(caller, args.agent)?;
        let mut enrolment = Enrolment {
            agent: args.agent,
            line: line.id,
            epochs: authority.epochs,
            owner: Some(caller.clone()),
            since: Some(self.next_proposal),
            policy: args.policy,
            pin: None,
            accepted: args.accepted,
            running,
            before,
            bond,
            own_pin: false,
            auditors,
        };
        let mut rollout = self.rollout_of(&line);
        let told = self.told(&enrolment, &line, &rollout).0;
        if told != 0 {
            moved_to(&mut enrolment, told);
        }
        self.enrolments.insert(&args.agent, caller, &enrolment, &mut self.core.storage)?;
        self.emit("enrolled", caller, Fact::Enrolment(enrolment));
        let key = (line.id, caller.clone());
        let known = self.holdings.get(&key);
        let agents = known.as_ref().map_or(0, |holding| holding.agents).saturating_add(1);
        let holding = Holding { line: line.id, owner: caller.clone(), agents };
        self.holdings.put(&key, caller, &holding, &mut self.core.storage)?;
        self.emit("holding_changed", caller, Fact::Holding(holding));
        if known.is_none() {
            rollout.owners = rollout.owners.saturating_add(1);
            self.save_rollout("owner_joined", caller, rollout)?;
        }
        Ok(())
    }

    fn remove(&mut self, caller: &AccountId, agent: AgentId, authority: Option<&Authority>) -> Answer {
        let mut enrolment = self.enrolment_row(agent)?;
        let owns = |authority: &Authority| authority.roles.owner && authority.armed;
        // Whoever put it there and owns it no longer has its storage and its bond back; as the owner it answers for what it
        // does. What was pinned under a later owner stays where it is, and gives back no more than the bond.
        let pinned = enrolment.pin.is_some() && !enrolment.own_pin;
        let former = |known: &Authority| !known.roles.owner;
        if pinned && enrolment.bond.0 > 0 && enrolment.owner.as_ref() == Some(caller) && authority.is_some_and(former) {
            // With the bond goes the place among the owners, or selling to oneself would make owners that left nothing.
            self.core.storage.give_back(caller, std::mem::take(&mut enrolment.bond).0);
            (enrolment.owner, enrolment.since) = (None, None);
            let line = enrolment.line;
            self.save_enrolment("bond_returned", caller, enrolment)?;
            return self.uncount(caller, line, caller.clone());
        }
        let stranger = |known: &Authority| former(known) && !pinned;
        let paid = self.enrolments.payer(&agent) == Some(caller.into()) && authority.is_none_or(stranger);
        if !paid && !authority.is_some_and(owns) {
            return Err(GovernanceError::NotOwner { caller: caller.clone() }.into());
        }
        self.take_off(caller, agent)?;
        self.emit("left", caller, Fact::EnrolmentEnded(agent));
        Ok(())
    }

    /// Ends an enrolment, if there is one, in the counts of its line as well. Who made it has its bond back.
    fn take_off(&mut self, by: &AccountId, agent: AgentId) -> Answer {
        let Some(Enrolment { line, owner, bond, .. }) = self.enrolments.get(&agent) else { return Ok(()) };
        self.enrolments.remove(&agent, &mut self.core.storage);
        let Some(owner) = owner else { return Ok(()) };
        self.core.storage.give_back(&owner, bond.0);
        self.uncount(by, line, owner)
    }

    /// One agent less of an owner on a line; with the last one the owner is none of its any more.
    fn uncount(&mut self, by: &AccountId, line: LineId, owner: AccountId) -> Answer {
        let key = (line, owner.clone());
        let Some(mut holding) = self.holdings.get(&key) else { return Ok(()) };
        holding.agents = holding.agents.saturating_sub(1);
        if holding.agents > 0 {
            self.holdings.update(&key, &holding, &mut self.core.storage)?;
            self.emit("holding_changed", by, Fact::Holding(holding));
            return Ok(());
        }
        self.holdings.remove(&key, &mut self.core.storage);
        self.emit("holding_ended", by, Fact::HoldingEnded { line, owner });
        let mut rollout = self.rollout_of(&self.line_row(line)?);
        rollout.owners = rollout.owners.saturating_sub(1);
        self.save_rollout("owner_left", by, rollout)
    }

    fn choose_for(&mut self, caller: &AccountId, agent: AgentId, wanted: &Wanted, authority: &Authority) -> Answer {
        check_owner(caller, authority)?;
        let mut enrolment = self.own_enrolment(caller, agent)?;
        enrolment.epochs = authority.epochs;
        // Whatever it was told so far it may have moved to.
        let told = self.told_now(&enrolment)?;
        if told != 0 {
            moved_to(&mut enrolment, told);
        }
        match *wanted {
            Wanted::Policy(policy) => enrolment.policy = policy,
            Wanted::Auditors(ref auditors) => {
                if auditors.len() > AUDITORS_MAX || !all_different(auditors) {
                    return Err(GovernanceError::Auditors {}.into());
                }
                enrolment.auditors.clone_from(auditors);
            }
            Wanted::Pin(release) => {
                if release != 0 {
                    self.published(enrolment.line, release)?;
                }
                (enrolment.pin, enrolment.own_pin) = (Some(release), true);
            }
            Wanted::Unpin => enrolment.pin = None,
            Wanted::Accept { release, permissions } => {
                let expected = self.published(enrolment.line, release)?.content.permissions;
                if permissions != expected {
                    return Err(GovernanceError::OtherPermissions { expected }.into());
                }
                enrolment.accepted = Some(permissions);
                if enrolment.policy == Policy::Manual {
                    moved_to(&mut enrolment, release);
                }
            }
        }
        self.save_enrolment("chosen", caller, enrolment)
    }

    /// Guardians may, so it works when the owner can't: it takes no storage, and leaves epochs as they are.
    fn hold(&mut self, caller: &AccountId, agent: AgentId, authority: &Authority) -> Answer {
        if !authority.roles.owner && !authority.roles.guardian {
            return Err(GovernanceError::NotOwner { caller: caller.clone() }.into());
        }
        let mut enrolment = self.enrolment_row(agent)?;
        enrolment.own_pin = enrolment.owner.as_ref() == Some(&authority.owner);
        enrolment.pin = Some(self.told_now(&enrolment)?);
        self.save_enrolment("frozen", caller, enrolment)
    }

    /// One voice an owner here as well, and only of those that were there before.
    fn object_to(&mut self, caller: &AccountId, Object { proposal: id, agent }: Object, known: &Authority) -> Answer {
        check_owner(caller, known)?;
        let (mut proposal, enrolment) = (self.proposal_row(id)?, self.own_enrolment(caller, agent)?);
        check_counted(&proposal, &enrolment)?;
        let key = (id, caller.clone());
        if self.objections.contains(&key) {
            return Err(GovernanceError::Objected {}.into());
        }
        let round = proposal.round;
        object(&mut proposal, Self::now_ms())?;
        if proposal.round != round {
            self.count_anew(&mut proposal);
        }
        let objection = Objection { proposal: id, owner: caller.clone(), agent };
        self.objections.insert(&key, caller, &objection, &mut self.core.storage)?;
        self.emit("objected", caller, Fact::Objection(objection));
        self.save_proposal("objection_counted", caller, proposal)
    }

    fn hear(&mut self, caller: &AccountId, args: ReportHealth, authority: &Authority) -> Answer {
        let ReportHealth { agent, release: id, digest, .. } = args;
        if !authority.roles.agent {
            return Err(GovernanceError::NotAgent { caller: caller.clone() }.into());
        }
        let mut enrolment = self.enrolment_row(agent)?;
        if enrolment.epochs != authority.epochs {
            return Err(GovernanceError::StaleEnrolment { agent }.into());
        }
        let line = self.line_row(enrolment.line)?;
        let rollout = self.rollout_of(&line);
        let (release, _) = self.told(&enrolment, &line, &rollout);
        if release != id || id == 0 {
            return Err(GovernanceError::NotTold { release }.into());
        }
        let content = self.release_row(id).content;
        check_digest(&content, digest)?;
        if let Some(owner) = self.voice(&enrolment, id, &rollout) {
            self.count_report(caller, &owner, args, rollout)?;
        }
        if enrolment.running != id {
            moved_to(&mut enrolment, id);
            self.save_enrolment("running", caller, enrolment)?;
        }
        Ok(())
    }

    fn count_report(
        &mut self,
        caller: &AccountId,
        owner: &AccountId,
        args: ReportHealth,
        mut rollout: Rollout,
    ) -> Answer {
        let key = (args.release, owner.clone());
        let before = self.reports.get(&key);
        let Some(report) = count(&mut rollout, before.as_ref(), owner, args.agent, args.ok) else { return Ok(()) };
        self.reports.put(&key, caller, &report, &mut self.core.storage)?;
        self.emit("health_reported", caller, Fact::Report(report));
        self.save_rollout("reports_counted", caller, rollout)
    }

    /// Whose voice an agent's report is, if it counts: of what is being rolled out, and reached this agent in its turn.
    pub(super) fn voice(&self, enrolment: &Enrolment, release: u64, rollout: &Rollout) -> Option<AccountId> {
        let asked = rollout.release == release && rollout.state == RolloutState::Running;
        let reached = || rollout.reaches(enrolment.agent, enrolment.since, charter_common::sha256);
        let counts = asked && rollout.counts(enrolment.since) && reached();
        counts.then(|| enrolment.owner.clone()).flatten()
    }

    /// What an agent may run now, and why.
    pub(super) fn told(&self, enrolment: &Enrolment, line: &Line, rollout: &Rollout) -> (ReleaseId, Reason) {
        let content = |id| self.releases.get(&id).map(|release| release.content);
        let good = |release, by: &AccountId| self.statements.get(&(release, by.clone())).is_some_and(|said| said.ok);
        let audited = |release| enrolment.auditors.iter().all(|by| good(release, by));
        model::told(enrolment, line, rollout, content, audited, Self::now_ms())
    }

    fn told_now(&self, enrolment: &Enrolment) -> Answer<ReleaseId> {
        let line = self.line_row(enrolment.line)?;
        Ok(self.told(enrolment, &line, &self.rollout_of(&line)).0)
    }

    fn own_enrolment(&self, caller: &AccountId, agent: AgentId) -> Answer<Enrolment> {
        let enrolment = self.enrolment_row(agent)?;
        if enrolment.owner.as_ref() != Some(caller) {
            return Err(GovernanceError::StaleEnrolment { agent }.into());
        }
        Ok(enrolment)
    }

    fn save_enrolment(&mut self, event: &str, by: &AccountId, enrolment: Enrolment) -> Answer {
        self.enrolments.update(&enrolment.agent, &enrolment, &mut self.core.storage)?;
        self.emit(event, by, Fact::Enrolment(enrolment));
        Ok(())
    }
}

/// Whether an agent was on the proposal's line before it.
pub(super) fn check_counted(proposal: &Proposal, enrolment: &Enrolment) -> Result<(), Failure> {
    let before = enrolment.since.is_some_and(|since| since <= proposal.id);
    if enrolment.line == proposal.line && before {
        return Ok(());
    }
    Err(GovernanceError::NotCounted { agent: enrolment.agent }.into())
}

fn check_owner(caller: &AccountId, authority: &Authority) -> Result<(), Failure> {
    if authority.roles.owner && authority.armed {
        return Ok(());
    }
    Err(GovernanceError::NotOwner { caller: caller.clone() }.into())
}
