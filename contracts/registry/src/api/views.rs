//! Views.

use charter_common::{Answer, is_signed, methods};
use charter_types::registry::args::{AgentAccount, AgentRef, Handle, ReputationRef, VerifyProof};
use charter_types::registry::{
    Agent, AgentId, AgentKey, AttestationAnswer, AttestationRecord, Authority, Epochs, Heartbeat, Owner, Proof,
    Recovery, RecoveryProposal, Reputation, STATEMENT_PURPOSE, Standing, Statement, Status, attestation_state,
};
use charter_types::{AccountId, AnyKey, Named, Page, PageOf, page_size};
use near_sdk::{env, near};

use crate::model::{Agent as Stored, HandleState};
use crate::storage::ReputationKey;
use crate::{Registry, RegistryExt};

#[methods(registry)]
#[near]
impl Registry {
    pub fn agent(&self, AgentRef { agent: id }: AgentRef) -> Answer<Option<Agent>> {
        Ok(self.agents.get(&id).map(|agent| agent.view(id)))
    }

    pub fn status(&self, AgentRef { agent: id }: AgentRef) -> Answer<Option<Status>> {
        let given = (1..self.next_agent).contains(&id);
        Ok(given.then(|| self.agents.get(&id).map_or(Status::Retired, |agent| agent.status())))
    }

    pub fn agents(&self, page: Page) -> Answer<Vec<Agent>> {
        Ok(self.ids(page).filter_map(|id| Some(self.agents.get(&id)?.view(id))).collect())
    }

    pub fn by_handle(&self, Handle { handle }: Handle) -> Answer<Option<Agent>> {
        let Some(id) = self.handles.get(&handle).and_then(HandleState::agent) else { return Ok(None) };
        Ok(Some(self.load_agent(id)?.view(id)))
    }

    pub fn heartbeats(&self, page: Page) -> Answer<Vec<Heartbeat>> {
        let seen = |id| Some(Heartbeat { agent: id, last_seen_ms: self.heartbeats.get(&id)? });
        Ok(self.ids(page).filter_map(seen).collect())
    }

    pub fn recoveries(&self, page: Page) -> Answer<Vec<Recovery>> {
        let found = self.ids(page).filter_map(|id| self.recoveries.get(&id));
        Ok(found.collect())
    }

    pub fn recovery_proposals(&self, AgentRef { agent: id }: AgentRef) -> Answer<Vec<RecoveryProposal>> {
        let Some(recovery) = self.load_recovery(id) else { return Ok(Vec::new()) };
        let mut proposers = recovery.recoverers.accounts;
        let next = recovery.next.map(|next| next.accounts).unwrap_or_default();
        proposers.extend(next.into_iter().filter(|next| !proposers.contains(next)).collect::<Vec<_>>());
        Ok(proposers.into_iter().filter_map(|proposer| self.proposals.get(&(id, proposer))).collect())
    }

    pub fn attestations(&self, page: Page) -> Answer<Vec<AttestationRecord>> {
        let found = |id| Some(self.attestations.get(&id)?.view(id));
        Ok(self.ids(page).filter_map(found).collect())
    }

    pub fn attestation(&self, AgentRef { agent: id }: AgentRef) -> Answer<AttestationAnswer> {
        let attested = self.attestations.get(&id);
        let agent = self.agents.get(&id);
        let (Some(attested), Some(agent)) = (attested, agent) else {
            return Ok(AttestationAnswer { attestation: None, invalid: None });
        };
        let attestation = attested.attestation().cloned();
        let epochs = Epochs { agent: agent.epoch, owner: self.owner_epoch(&agent) };
        let state = |good| attestation_state(good, &attested.policy, epochs, env::block_timestamp_ms());
        let invalid = attestation.as_ref().and_then(|good| state(good).err());
        Ok(AttestationAnswer { attestation, invalid })
    }

    pub fn reputation(
        &self,
        ReputationRef { agent, epoch, reporter, asset }: ReputationRef,
    ) -> Answer<Option<Reputation>> {
        let key = ReputationKey(agent, epoch, reporter, asset);
        Ok(self.reputations.get(&key).map(|counted| counted.shown))
    }

    pub fn verify_proof(
        &self,
        VerifyProof { agent: id, message, public_key, signature }: VerifyProof,
    ) -> Answer<Proof> {
        let Some(agent) = self.agents.get(&id) else { return Ok(Proof::UnknownAgent) };
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

    pub fn reporters(&self) -> Vec<AccountId> {
        self.reporters.clone()
    }

    pub fn verifier(&self) -> AccountId {
        self.verifier.clone()
    }

    pub fn agent_count(&self) -> (u64, u64) {
        (self.next_agent - 1, self.agent_count)
    }

    pub fn agents_of(&self, PageOf { account, from, limit }: PageOf) -> Answer<Vec<Agent>> {
        Ok(self.owned_agents(&account, from, limit).into_iter().map(|(id, agent)| agent.view(id)).collect())
    }

    pub fn owner(&self, Named { account }: Named) -> Answer<Option<Owner>> {
        Ok(self.load_owner(&account).map(|owner| owner.view(&account)))
    }

    pub fn authority(&self, args: AgentAccount) -> Answer<Option<Authority>> {
        let Some(agent) = self.agents.get(&args.agent) else { return Ok(None) };
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

    pub fn standing(&self, AgentRef { agent: id }: AgentRef) -> Answer<Option<Standing>> {
        let Some(agent) = self.agents.get(&id) else { return Ok(None) };
        let owner = self.owner_epoch(&agent);
        let (armed, epochs) = (agent.owner_epoch == owner, Epochs { agent: agent.epoch, owner });
        Ok(Some(Standing { status: agent.status(), owner: agent.owner, armed, epochs, keys: agent.keys }))
    }

    pub fn keys(&self, AgentRef { agent }: AgentRef) -> Answer<Vec<AgentKey>> {
        Ok(self.agents.get(&agent).map_or_else(Vec::new, |agent| agent.keys))
    }

    pub fn epochs(&self, AgentRef { agent: id }: AgentRef) -> Answer<Option<Epochs>> {
        let Some(agent) = self.agents.get(&id) else { return Ok(None) };
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
        ids.filter_map(|id| Some((id, self.agents.get(&id)?))).collect()
    }
}
