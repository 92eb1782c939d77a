//! The lines, and what stands there instead.

/// One line, and who should notice.
pub struct Mutation {
    /// The invariant that rests on it.
    pub breaks: &'static str,
    /// Whose wasm it changes, or `client`, and the tests that should notice.
    pub contract: &'static str,
    pub tests: &'static str,
    pub file: &'static str,
    pub line: &'static str,
    pub instead: &'static str,
}

const fn keys(breaks: &'static str, file: &'static str, line: &'static str, instead: &'static str) -> Mutation {
    Mutation { breaks, contract: "keys", tests: "keys_invariants::", file, line, instead }
}

const fn registry(breaks: &'static str, file: &'static str, line: &'static str, instead: &'static str) -> Mutation {
    Mutation { breaks, contract: "registry", tests: "registry_invariants::", file, line, instead }
}

const fn governance(breaks: &'static str, file: &'static str, line: &'static str, instead: &'static str) -> Mutation {
    Mutation { breaks, contract: "governance", tests: "governance_invariants::", file, line, instead }
}

const fn rollouts(breaks: &'static str, file: &'static str, line: &'static str, instead: &'static str) -> Mutation {
    Mutation { breaks, contract: "governance", tests: "rollout_invariants::", file, line, instead }
}

pub const MUTATIONS: &[Mutation] = &[
    keys(
        "INV-KEY-1",
        "contracts/keys/src/model/grant.rs",
        "if !policy::within(&terms.policy, above) {",
        "if !policy::within(&terms.policy, above) && terms.expires_ms == 0 {",
    ),
    keys(
        "INV-KEY-2",
        "contracts/keys/src/acts/grants.rs",
        "grant.expires_ms = args.expires_ms;\n        grant.generation += 1;",
        "grant.expires_ms = args.expires_ms;",
    ),
    keys(
        "INV-KEY-2",
        "contracts/rules/src/decision.rs",
        "if moved || secret.epochs != epochs {",
        "if moved && secret.epochs != epochs && now_ms == 0 {",
    ),
    keys(
        "INV-KEY-3",
        "contracts/keys/src/api/leases.rs",
        "for grant in &lineage {\n            self.with_budget",
        "for grant in lineage.iter().take(1) {\n            self.with_budget",
    ),
    keys(
        "INV-KEY-3",
        "contracts/keys/src/api/leases.rs",
        "budget::settle(budget, lease.amount.0, used, now_ms);",
        "budget::settle(budget, lease.amount.0, used.min(1), now_ms);",
    ),
    keys(
        "INV-KEY-4",
        "contracts/keys/src/api/leases.rs",
        "if Self::now_ms() < lease.expires_ms {",
        "if Self::now_ms() < lease.expires_ms && lease.expires_ms == 0 {",
    ),
    keys(
        "INV-KEY-4",
        "contracts/keys/src/api/leases.rs",
        "if used > lease.amount {",
        "if used > lease.amount && lease.id == 0 {",
    ),
    keys(
        "INV-KEY-5",
        "contracts/keys/src/acts.rs",
        "_ => check_owner(caller, authority, pending.agent)?,",
        "_ => check_revoker(caller, authority)?,",
    ),
    keys(
        "INV-KEY-6",
        "contracts/common/src/method.rs",
        "Deposit::OneYocto | Deposit::Prepaid => Core::check_one_yocto(),",
        "Deposit::OneYocto | Deposit::Prepaid => Ok(()),",
    ),
    keys(
        "INV-KEY-6",
        "contracts/common/src/method.rs",
        "Deposit::Nothing => Core::check_no_deposit(),",
        "Deposit::Nothing => Ok(()),",
    ),
    keys(
        "INV-KEY-7",
        "contracts/keys/src/api/hosts.rs",
        "if !is_signed(HOST_PROOF_PURPOSE, &proof, &args.proof, &args.sign_key) {",
        "if !is_signed(HOST_PROOF_PURPOSE, &proof, &args.proof, &args.sign_key) && args.max_staleness_ms == 0 {",
    ),
    keys(
        "INV-KEY-8",
        "contracts/keys/src/acts/grants.rs",
        "        check_live(&lineage, &secret, authority.epochs, when).map_err(|_| KeysError::Dead { id: parent.id })?;\n",
        "",
    ),
    keys(
        "INV-KEY-9",
        "contracts/keys/src/api/callbacks.rs",
        "self.core.storage.end_reservation(&pending.caller, pending.reserved)",
        "self.core.storage.end_reservation(&pending.caller, charter_common::Reservation { bytes: 0, ..pending.reserved })",
    ),
    registry(
        "INV-REG-1",
        "contracts/registry/src/lib.rs",
        "self.last_epoch += 1;",
        "self.last_epoch = self.last_epoch.max(1);",
    ),
    registry(
        "INV-REG-2",
        "contracts/registry/src/model/agent.rs",
        "agent.operators.clear();",
        "agent.operators.truncate(9);",
    ),
    registry(
        "INV-REG-3",
        "contracts/registry/src/model/agent.rs",
        "if owner || until_ms > self.paused_until_ms {",
        "if owner || until_ms > 0 {",
    ),
    registry(
        "INV-REG-3",
        "contracts/registry/src/model/agent.rs",
        "(owner || length <= GUARDIAN_PAUSE_MS_MAX)",
        "(owner || length <= 9 * GUARDIAN_PAUSE_MS_MAX)",
    ),
    registry(
        "INV-REG-4",
        "contracts/registry/src/api/agents.rs",
        "owner.agents -= 1;",
        "owner.agents = owner.agents.max(1);",
    ),
    registry(
        "INV-REG-5",
        "contracts/common/src/rows.rs",
        ".saturating_sub(env::storage_usage()).saturating_sub(row.share.bytes()));",
        ".saturating_sub(env::storage_usage()).saturating_sub(row.share.bytes() + 1));",
    ),
    registry(
        "INV-REG-6",
        "contracts/registry/src/model/agent.rs",
        "if self.payout_offered_to.as_ref() != Some(caller) {",
        "if self.payout_offered_to.is_none() || caller.as_str().is_empty() {",
    ),
    registry(
        "INV-REG-7",
        "contracts/registry/src/model/recovery.rs",
        "if is_recoverer && proposal.round == recovery.round {",
        "if is_recoverer && proposal.round <= recovery.round {",
    ),
    registry(
        "INV-REG-7",
        "contracts/registry/src/model/recovery.rs",
        "if is_recoverer && proposal.round == recovery.round {",
        "if (is_recoverer || proposal.ready_ms > 0) && proposal.round == recovery.round {",
    ),
    registry(
        "INV-REG-8",
        "contracts/registry/src/model/attestation.rs",
        "self.challenge.submitted = true;",
        "self.challenge.submitted = self.challenge.until_ms == 0;",
    ),
    registry(
        "INV-REG-7",
        "contracts/registry/src/api/recovery.rs",
        "        self.remove_proposals(recovery.agent, &recovery.recoverers);\n    }\n\n    /// An agent's recovery",
        "        if recovery.round == 0 {\n            self.remove_proposals(recovery.agent, &recovery.recoverers);\n        }\n    }\n\n    /// An agent's recovery",
    ),
    registry(
        "INV-REG-7",
        "contracts/registry/src/api/recovery.rs",
        "(recovery.next, recovery.next_from_ms) = (None, 0);",
        "recovery.next_from_ms = recovery.next_from_ms.max(1);",
    ),
    registry(
        "INV-REG-9",
        "contracts/registry/src/model/reputation.rs",
        "        if self.account != account {",
        "        if self.account != account && payments == 0 {",
    ),
    registry(
        "INV-REG-9",
        "contracts/registry/src/model/reputation.rs",
        "(self.account, self.earned, self.payments) = (account, U128(earned), payments);",
        "(self.account, self.payments) = (account, payments);",
    ),
    registry(
        "INV-REG-9",
        "contracts/registry/src/model/reputation.rs",
        "self.earned.0 = self.earned.0.max(earned);",
        "self.earned.0 = earned;",
    ),
    registry(
        "INV-REG-9",
        "contracts/registry/src/api/reputation.rs",
        "if account.as_ref().is_some_and(|account| account != agent.payout()) {",
        "if account.as_ref().is_some_and(|account| account != agent.payout() && account != &agent.owner) {",
    ),
    governance(
        "INV-GOV-1",
        "contracts/governance/src/model/vote.rs",
        "        *tally = tally.saturating_sub(before.weight);\n",
        "        *tally = tally.saturating_sub(0);\n",
    ),
    governance(
        "INV-GOV-1",
        "contracts/governance/src/model/vote.rs",
        "reaches(quorum, all, proposal.quorum_bps())",
        "reaches(votes, all, proposal.quorum_bps())",
    ),
    governance(
        "INV-GOV-1",
        "contracts/types/src/governance.rs",
        "self.params.quorum_bps.max(MAJORITY_BPS)",
        "self.params.quorum_bps",
    ),
    governance(
        "INV-GOV-2",
        "contracts/governance/src/api/voting.rs",
        "self.ballots.put(&key, voter, &ballot, &mut self.core.storage)?;",
        "if before.is_none() { self.ballots.put(&key, voter, &ballot, &mut self.core.storage)?; }",
    ),
    governance(
        "INV-GOV-2",
        "contracts/governance/src/model/vote.rs",
        "if proposal.state != ProposalState::Voting || now_ms >= proposal.end_ms {",
        "if proposal.state != ProposalState::Voting || now_ms >= proposal.end_ms.saturating_mul(2) {",
    ),
    governance(
        "INV-GOV-4",
        "contracts/governance/src/model/vote.rs",
        "if now_ms < eta_ms {",
        "if now_ms < eta_ms && eta_ms == 0 {",
    ),
    governance(
        "INV-GOV-4",
        "contracts/governance/src/model/vote.rs",
        "if now_ms > until_ms {",
        "if now_ms > until_ms && until_ms == 0 {",
    ),
    governance(
        "INV-GOV-4",
        "contracts/governance/src/model/vote.rs",
        "if now_ms <= until_ms { Err(GovernanceError::Open",
        "if now_ms <= proposal.end_ms { Err(GovernanceError::Open",
    ),
    governance(
        "INV-GOV-4",
        "contracts/governance/src/model/vote.rs",
        "if proposal.state != ProposalState::Queued || !is_approved(proposal) {",
        "if proposal.state == ProposalState::Voting || !is_approved(proposal) {",
    ),
    governance(
        "INV-GOV-4",
        "contracts/governance/src/api/execute.rs",
        "if found != code_hash {",
        "if found != code_hash && id == 0 {",
    ),
    Mutation {
        breaks: "INV-GOV-4",
        contract: "registry",
        tests: "governance::an_upgrade_replaces_the_deployment_it_was_voted_on",
        file: "contracts/common/src/shared.rs",
        line: "        check_replaced(running, replaces)?;\n",
        instead: "        let _ = replaces;\n",
    },
    governance(
        "INV-GOV-MODEL",
        "contracts/governance/src/model/vote.rs",
        "let open = proposal.state == ProposalState::Voting && now_ms < proposal.end_ms && proposal.round == 0;",
        "let open = proposal.state == ProposalState::Voting && proposal.round == 0;",
    ),
    governance(
        "INV-GOV-MODEL",
        "contracts/governance/src/model/line.rs",
        "if seen == now { Ok(()) }",
        "if seen == now || now < 1 << 60 { Ok(()) }",
    ),
    governance(
        "INV-GOV-5",
        "contracts/governance/src/model/line.rs",
        "if proposal.base != Some(line.version) {",
        "if proposal.base.is_none() {",
    ),
    governance(
        "INV-GOV-MODEL",
        "contracts/governance/src/model/line.rs",
        "    line.version = line.version.saturating_add(1);\n    line.guardian = None;",
        "    line.guardian = None;",
    ),
    Mutation {
        breaks: "INV-GOV-5",
        contract: "governance",
        tests: "lines::",
        file: "contracts/governance/src/model/line.rs",
        line: "if proposal.base != Some(line.seq) || release.parent != line.head {",
        instead: "if proposal.base.is_none() {",
    },
    governance(
        "INV-GOV-10",
        "contracts/governance/src/api/callbacks.rs",
        "if upgraded { ProposalState::Executed } else { ProposalState::Queued }",
        "if upgraded { ProposalState::Executed } else { ProposalState::Cancelled }",
    ),
    governance(
        "INV-GOV-9",
        "contracts/governance/src/storage.rs",
        "self.core.storage.give_back(&proposal.proposer, std::mem::take(&mut proposal.bond).0);",
        "let _ = std::mem::take(&mut proposal.bond);",
    ),
    governance(
        "INV-GOV-9",
        "contracts/governance/src/api/voting.rs",
        "        storage.give_back(&proposal.proposer, proposal.bond.0);\n",
        "",
    ),
    governance(
        "INV-GOV-9",
        "contracts/governance/src/api/fleet.rs",
        "        self.core.storage.give_back(&owner, bond.0);\n",
        "",
    ),
    governance(
        "INV-GOV-11",
        "contracts/governance/src/storage.rs",
        "        self.emit(\"tally_changed\", voter, Fact::Tally(Tally::from(proposal)));\n",
        "        let _ = (voter, Tally::from(proposal));\n",
    ),
    governance(
        "INV-GOV-3",
        "contracts/governance/src/model/vote.rs",
        "proposal.end_ms.max(latest.min(now_ms.saturating_add(extension_ms)))",
        "proposal.end_ms.max(now_ms.saturating_add(extension_ms))",
    ),
    governance(
        "INV-GOV-1",
        "contracts/governance/src/model/vote.rs",
        "before.filter(|before| before.round == proposal.round)",
        "before",
    ),
    governance(
        "INV-GOV-MODEL",
        "contracts/governance/src/model/vote.rs",
        "        vote_again(proposal, now_ms);\n",
        "",
    ),
    governance(
        "INV-GOV-MODEL",
        "contracts/governance/src/model/vote.rs",
        "ProposalState::Voting | ProposalState::Queued) && now_ms < proposal.eta_ms;",
        "ProposalState::Voting | ProposalState::Queued);",
    ),
    governance(
        "INV-GOV-MODEL",
        "contracts/governance/src/api/fleet.rs",
        "if self.objections.contains(&key) {",
        "if self.objections.contains(&key) && id == 0 {",
    ),
    governance(
        "INV-GOV-MODEL",
        "contracts/governance/src/api/fleet.rs",
        "enrolment.since.is_some_and(|since| since <= proposal.id)",
        "enrolment.since.is_some()",
    ),
    governance(
        "INV-GOV-MODEL",
        "contracts/governance/src/model/vote.rs",
        "now_ms < proposal.end_ms && proposal.round == 0;",
        "now_ms < proposal.end_ms;",
    ),
    governance(
        "INV-GOV-MODEL",
        "contracts/governance/src/api/execute.rs",
        "        check_moving(&line, Self::now_ms())?;\n        let mut rollout",
        "        let mut rollout",
    ),
    governance(
        "INV-GOV-MODEL",
        "contracts/governance/src/api/execute.rs",
        "        check_moving(&line, Self::now_ms())?;\n        change_constitution",
        "        change_constitution",
    ),
    governance(
        "INV-GOV-MODEL",
        "contracts/governance/src/api/execute.rs",
        "        check_moving(&self.line_row(proposal.line)?, Self::now_ms())?;\n",
        "",
    ),
    rollouts(
        "INV-GOV-6",
        "contracts/governance/src/model/adoption.rs",
        "if let Some(pinned) = enrolment.pin {",
        "if let Some(pinned) = enrolment.pin.filter(|pin| *pin == 0) {",
    ),
    rollouts(
        "INV-GOV-6",
        "contracts/governance/src/model/adoption.rs",
        "enrolment.accepted != Some(next.permissions)",
        "enrolment.accepted.is_none()",
    ),
    rollouts(
        "INV-GOV-6",
        "contracts/governance/src/model/adoption.rs",
        "now_ms < published_ms.saturating_add(soak_ms)",
        "now_ms < published_ms.saturating_add(soak_ms.min(1))",
    ),
    rollouts(
        "INV-GOV-6",
        "contracts/governance/src/model/adoption.rs",
        "let back = taken_back && enrolment.running == rollout.release",
        "let back = taken_back && enrolment.running == 0",
    ),
    rollouts(
        "INV-GOV-6",
        "contracts/types/src/governance/rollout.rs",
        "bps == 10_000 || self.counts(since) && ",
        "bps == 10_000 || (self.counts(since) || agent > 0) && ",
    ),
    rollouts(
        "INV-GOV-7",
        "contracts/governance/src/model/rollout.rs",
        "seed: if runs_on { rollout.seed } else { Hash32::default() },",
        "seed: Hash32::default(),",
    ),
    rollouts(
        "INV-GOV-11",
        "contracts/governance/src/api/fleet.rs",
        "        self.emit(\"health_reported\", caller, Fact::Report(report));\n",
        "        let _ = report;\n",
    ),
    rollouts(
        "INV-GOV-8",
        "contracts/governance/src/model/rollout.rs",
        "if rollout.fresh < min {",
        "if rollout.fresh < 1 {",
    ),
    rollouts(
        "INV-GOV-8",
        "contracts/governance/src/model/rollout.rs",
        "let all_run = begun && rollout.stage >= last_stage() && !fails(rollout);",
        "let all_run = begun && rollout.stage > last_stage();",
    ),
    rollouts(
        "INV-GOV-8",
        "contracts/governance/src/model/rollout.rs",
        "Some(failed) if !failed.ok =>",
        "Some(failed) if !failed.ok && failed.agent == 0 =>",
    ),
];
