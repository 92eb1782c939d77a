//! Views.

use charter_common::{Answer, arguments, is_signed};
use charter_types::registry::args::{AgentAccount, AgentRef, Handle, ReputationRef, VerifyProof};
use charter_types::registry::{
    Agent, AgentId, AttestationAnswer, AttestationRecord, Authority, Epochs, Heartbeat, Owner, Proof, Recovery,
    RecoveryProposal, Reputation, STATEMENT_PURPOSE, Standing, Statement, attestation_state,
};
use charter_types::{AccountId, AnyKey, Named, Page, PageOf, page_size};
use near_sdk::{env, near};

use crate::model::Agent as Stored;
use crate::storage::{ReputationKey, StoredAgent, StoredAttested, StoredProposal, StoredRecovery, StoredReputation};
use crate::{Registry, RegistryExt};

#[near]
impl Registry {
    /// Takes `AgentRef`.
    #[handle_result(aliased)]
    pub fn agent(&self) -> Answer<Option<Agent>> {
        let AgentRef { agent: id } = arguments()?;
        Ok(self.agents.get(&id).map(|agent| agent.into_newest().view(id)))
    }

    /// Agents by id, from `from` on. Takes `Page`; at most 100 ids are looked at, retired ones are missing.
    #[handle_result(aliased)]
    pub fn agents(&self) -> Answer<Vec<Agent>> {
        let page: Page = arguments()?;
        Ok(self.ids(page).filter_map(|id| Some(self.agents.get(&id)?.into_newest().view(id))).collect())
    }

    /// The agent with a handle. Takes `Handle`.
    #[handle_result(aliased)]
    pub fn by_handle(&self) -> Answer<Option<Agent>> {
        let Handle { handle } = arguments()?;
        let Some(id) = self.handles.get(&handle) else { return Ok(None) };
        Ok(Some(self.load_agent(id)?.view(id)))
    }

    /// When agents were heard of last, by agent. Takes `Page`.
    #[handle_result(aliased)]
    pub fn heartbeats(&self) -> Answer<Vec<Heartbeat>> {
        let seen = |id| Some(Heartbeat { agent: id, last_seen_ms: self.heartbeats.get(&id)? });
        Ok(self.ids(arguments()?).filter_map(seen).collect())
    }

    /// Recoverers, by agent. Takes `Page`.
    #[handle_result(aliased)]
    pub fn recoveries(&self) -> Answer<Vec<Recovery>> {
        let found = self.ids(arguments()?).filter_map(|id| self.recoveries.get(&id));
        Ok(found.map(StoredRecovery::into_newest).collect())
    }

    /// Proposals to recover an agent, those that are void too. Takes `AgentRef`.
    #[handle_result(aliased)]
    pub fn recovery_proposals(&self) -> Answer<Vec<RecoveryProposal>> {
        let AgentRef { agent: id } = arguments()?;
        let Some(recovery) = self.load_recovery(id) else { return Ok(Vec::new()) };
        let mut proposers = recovery.recoverers.accounts;
        let next = recovery.next.map(|next| next.accounts).unwrap_or_default();
        proposers.extend(next.into_iter().filter(|next| !proposers.contains(next)).collect::<Vec<_>>());
        let found = proposers.into_iter().filter_map(|proposer| self.proposals.get(&(id, proposer)));
        Ok(found.map(StoredProposal::into_newest).collect())
    }

    /// Policies, nonces and attestations, by agent. Takes `Page`.
    #[handle_result(aliased)]
    pub fn attestations(&self) -> Answer<Vec<AttestationRecord>> {
        let found = |id| Some(self.attestations.get(&id)?.into_newest().view(id));
        Ok(self.ids(arguments()?).filter_map(found).collect())
    }

    /// An agent's attestation and whether it is good now. Other contracts act on this answer. Takes `AgentRef`.
    #[handle_result(aliased)]
    pub fn attestation(&self) -> Answer<AttestationAnswer> {
        let AgentRef { agent: id } = arguments()?;
        let attested = self.attestations.get(&id).map(StoredAttested::into_newest);
        let agent = self.agents.get(&id).map(StoredAgent::into_newest);
        let (Some(attested), Some(agent)) = (attested, agent) else {
            return Ok(AttestationAnswer { attestation: None, invalid: None });
        };
        let attestation = attested.attestation().cloned();
        let epochs = Epochs { agent: agent.epoch, owner: self.owner_epoch(&agent) };
        let state = |good| attestation_state(good, &attested.policy, epochs, env::block_timestamp_ms());
        let invalid = attestation.as_ref().and_then(|good| state(good).err());
        Ok(AttestationAnswer { attestation, invalid })
    }

    /// Takes `ReputationRef`.
    #[handle_result(aliased)]
    pub fn reputation(&self) -> Answer<Option<Reputation>> {
        let ReputationRef { agent, epoch, reporter, asset } = arguments()?;
        let key = ReputationKey(agent, epoch, reporter, asset);
        Ok(self.reputations.get(&key).map(StoredReputation::into_newest))
    }

    /// Did the agent say this? NEP-413 proofs refuse function-call keys; an agent signs with a key registered here. Takes
    /// `VerifyProof`.
    #[handle_result(aliased)]
    pub fn verify_proof(&self) -> Answer<Proof> {
        let VerifyProof { agent: id, message, public_key, signature } = arguments()?;
        let Some(agent) = self.agents.get(&id).map(StoredAgent::into_newest) else { return Ok(Proof::UnknownAgent) };
        if !self.is_armed(&agent) {
            return Ok(Proof::Disarmed);
        }
        if !agent.signs_with(AnyKey::Ed25519(public_key), env::block_timestamp_ms()) {
            return Ok(Proof::UnknownKey);
        }
        let statement = Statement { agent: id, epoch: agent.epoch, message: &message.0 };
        let signed = is_signed(STATEMENT_PURPOSE, &statement, &signature, &public_key);
        Ok(if signed { Proof::Valid } else { Proof::BadSignature })
    }

    /// Whose reports of reputation count.
    pub fn reporters(&self) -> Vec<AccountId> {
        self.reporters.clone()
    }

    /// The contract that is asked about quotes.
    pub fn verifier(&self) -> AccountId {
        self.verifier.clone()
    }

    /// Highest id ever given, and how many agents exist.
    pub fn agent_count(&self) -> (u64, u64) {
        (self.next_agent - 1, self.agent_count)
    }

    /// Agents of an owner, by position; the order changes when one leaves. Takes `PageOf`.
    #[handle_result(aliased)]
    pub fn agents_of(&self) -> Answer<Vec<Agent>> {
        let PageOf { account, from, limit } = arguments()?;
        Ok(self.owned_agents(&account, from, limit).into_iter().map(|(id, agent)| agent.view(id)).collect())
    }

    /// Takes `Named`.
    #[handle_result(aliased)]
    pub fn owner(&self) -> Answer<Option<Owner>> {
        let Named { account } = arguments()?;
        Ok(self.load_owner(&account).map(|owner| owner.view(&account)))
    }

    /// What an account is to an agent, now. Other contracts act on this answer. Takes `AgentAccount`.
    #[handle_result(aliased)]
    pub fn authority(&self) -> Answer<Option<Authority>> {
        let args: AgentAccount = arguments()?;
        let Some(agent) = self.agents.get(&args.agent).map(StoredAgent::into_newest) else { return Ok(None) };
        let owner_epoch = self.owner_epoch(&agent);
        let armed = agent.owner_epoch == owner_epoch;
        let now_ms = env::block_timestamp_ms();
        Ok(Some(Authority {
            roles: agent.roles(&args.account, armed, now_ms),
            epochs: Epochs { agent: agent.epoch, owner: owner_epoch },
            status: agent.status(),
            owner: agent.owner,
            armed,
        }))
    }

    /// What a decision about an agent's credentials needs to know of it. Other contracts act on this answer. Takes
    /// `AgentRef`.
    #[handle_result(aliased)]
    pub fn standing(&self) -> Answer<Option<Standing>> {
        let AgentRef { agent: id } = arguments()?;
        let Some(agent) = self.agents.get(&id).map(StoredAgent::into_newest) else { return Ok(None) };
        let owner = self.owner_epoch(&agent);
        let (armed, epochs) = (agent.owner_epoch == owner, Epochs { agent: agent.epoch, owner });
        Ok(Some(Standing { status: agent.status(), owner: agent.owner, armed, epochs, keys: agent.keys }))
    }

    /// Takes `AgentRef`.
    #[handle_result(aliased)]
    pub fn epochs(&self) -> Answer<Option<Epochs>> {
        let AgentRef { agent: id } = arguments()?;
        let Some(agent) = self.agents.get(&id).map(StoredAgent::into_newest) else { return Ok(None) };
        Ok(Some(Epochs { agent: agent.epoch, owner: self.owner_epoch(&agent) }))
    }
}

impl Registry {
    fn ids(&self, page: Page) -> impl Iterator<Item = AgentId> + use<> {
        (page.from.max(1)..self.next_agent).take(page_size(page.limit))
    }

    fn owner_epoch(&self, agent: &Stored) -> u64 {
        self.load_owner(&agent.owner).map_or(0, |owner| owner.epoch)
    }

    /// A page of an owner's agents, by position.
    pub(crate) fn owned_agents(&self, owner: &AccountId, from: u64, limit: Option<u64>) -> Vec<(AgentId, Stored)> {
        let count = self.load_owner(owner).map_or(0, |owner| owner.agents);
        let positions = (from..count).take(page_size(limit));
        let ids = positions.filter_map(|position| self.owned.get(&(owner.into(), position)));
        ids.filter_map(|id| Some((id, self.agents.get(&id)?.into_newest()))).collect()
    }
}
