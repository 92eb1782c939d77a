//! Registering, describing and retiring agents.

use charter_common::{Answer, methods};
use charter_types::AccountId;
use charter_types::registry::args::{
    AgentRef, Handle, PlainAgent, RegisterAgent, RegisterAgents, SetAgentAccount, SetCard, SetHandle,
};
use charter_types::registry::{
    AgentId, BATCH_MAX, Epochs, Fact, HANDLE_REST_MS, Permission, Registered, RegisteredRow, RegistryError,
    RestingHandle, Retirement,
};
use near_sdk::{env, near};

use super::keys::add_first_keys;
use crate::model::{Agent, HandleState, Owner, check_handle};
use crate::storage::mark_retired;
use crate::{Registry, RegistryExt};

#[methods(registry)]
#[near]
impl Registry {
    pub fn register_agent(&mut self, args: RegisterAgent) -> Answer<AgentId> {
        self.check_running("register")?;
        let caller = env::predecessor_account_id();
        let payment = self.core.begin_payment(&caller)?;
        let mut owner = self.owner_or_new(&caller);
        let (id, agent) = self.add_agent(&caller, &mut owner, args)?;
        self.emit("agent_registered", Fact::Agent(Box::new(agent.view(id))));
        self.save_owner("owner_changed", &caller, owner)?;
        Self::log_mint(&caller, &[id]);
        self.core.finish_payment(payment)?;
        Ok(id)
    }

    pub fn register_agents(&mut self, RegisterAgents { agents }: RegisterAgents) -> Answer<Vec<AgentId>> {
        self.check_running("register")?;
        if agents.is_empty() || agents.len() > BATCH_MAX {
            return Err(RegistryError::TooManyAgents { most: BATCH_MAX }.into());
        }
        let caller = env::predecessor_account_id();
        let payment = self.core.begin_payment(&caller)?;
        let mut owner = self.owner_or_new(&caller);
        let mut rows = Vec::new();
        for PlainAgent { card, agent_account } in agents {
            let args = RegisterAgent { agent_account, ..RegisterAgent::new(card) };
            let (id, agent) = self.add_agent(&caller, &mut owner, args)?;
            rows.push(RegisteredRow(id, agent.epoch, agent.card, agent.agent_account));
        }
        let ids: Vec<AgentId> = rows.iter().map(|row| row.0).collect();
        let registered = Registered {
            owner: caller.clone(),
            owner_epoch: owner.epoch,
            created_ms: env::block_timestamp_ms(),
            agents: rows,
        };
        self.emit("agents_registered", Fact::Agents(registered));
        self.save_owner("owner_changed", &caller, owner)?;
        Self::log_mint(&caller, &ids);
        self.core.finish_payment(payment)?;
        Ok(ids)
    }

    pub fn set_handle(&mut self, SetHandle { agent: id, handle }: SetHandle) -> Answer {
        let mut agent = self.own_agent(id)?;
        let caller = agent.owner.clone();
        let payment = self.core.begin_payment(&caller)?;
        if let Some(old) = agent.handle.take() {
            self.give_back(&old)?;
        }
        if let Some(handle) = handle {
            check_handle(&handle)?;
            self.take_handle(&handle, &caller, id)?;
            agent.handle = Some(handle);
        }
        self.save_agent("handle_set", id, agent)?;
        self.core.finish_payment(payment)
    }

    pub fn release_handle(&mut self, Handle { handle }: Handle) -> Answer {
        check_handle(&handle)?;
        let state = self.handles.get(&handle).ok_or(RegistryError::UnknownHandle {})?;
        state.check_free(false, env::block_timestamp_ms())?;
        self.handles.remove(&handle, &mut self.core.storage);
        self.emit("handle_released", Fact::HandleFree(handle));
        Ok(())
    }

    pub fn set_card(&mut self, args: SetCard) -> Answer {
        self.change(args.agent, "card_set", Some(Permission::Card), |agent, _| {
            agent.set_card(args.card, args.expected_revision)
        })
    }

    pub fn set_agent_account(&mut self, args: SetAgentAccount) -> Answer {
        self.change(args.agent, "agent_account_set", Some(Permission::AgentAccount), |agent, _| {
            agent.set_agent_account(args.agent_account);
            Ok(())
        })
    }

    pub fn retire(&mut self, AgentRef { agent: id }: AgentRef) -> Answer {
        let agent = self.own_agent(id)?;
        self.check_unguarded(id)?;
        self.remove_belongings(id, false);
        if let Some(handle) = &agent.handle {
            self.give_back(handle)?;
        }
        self.agents.remove(&id, &mut self.core.storage);
        self.agent_count -= 1;
        mark_retired(id);
        let retirement = Retirement { agent: id, owner: agent.owner.clone(), at_ms: env::block_timestamp_ms() };
        self.emit("agent_retired", Fact::AgentRetired(retirement));
        self.remove_owned(&agent.owner, agent.position)?;
        Self::log_burn(&agent.owner, id);
        Ok(())
    }
}

impl Registry {
    /// A handle that is no agent's any more rests. Who had it pays for that.
    fn give_back(&mut self, handle: &str) -> Answer {
        let handle = handle.to_owned();
        let until_ms = env::block_timestamp_ms().saturating_add(HANDLE_REST_MS);
        self.handles.update(&handle, &HandleState::Rests { until_ms }, &mut self.core.storage)?;
        self.emit("handle_given_back", Fact::HandleRests(RestingHandle { handle, until_ms }));
        Ok(())
    }

    fn take_handle(&mut self, handle: &String, caller: &AccountId, id: AgentId) -> Answer {
        if let Some(state) = self.handles.get(handle) {
            let is_last_holder = self.handles.payer(handle) == Some(caller.into());
            state.check_free(is_last_holder, env::block_timestamp_ms())?;
            self.handles.remove(handle, &mut self.core.storage);
            self.emit("handle_released", Fact::HandleFree(handle.clone()));
        }
        self.handles.insert(handle, caller, &HandleState::Held(id), &mut self.core.storage)
    }

    /// The shape of most calls: load, check who calls, change, save. An owner attaches at least 1 yocto, which also
    /// prepays what the change stores; operators attach nothing or more.
    pub(crate) fn change(
        &mut self,
        id: AgentId,
        event: &str,
        permission: Option<Permission>,
        change: impl FnOnce(&mut Agent, u64) -> Result<(), RegistryError>,
    ) -> Answer {
        // One copy of this body in wasm instead of one for every closure.
        let mut change = Some(change);
        let mut once = |agent: &mut Agent, now_ms| change.take().map_or(Ok(()), |change| change(agent, now_ms));
        self.change_by(id, event, permission, &mut once)
    }

    fn change_by(
        &mut self,
        id: AgentId,
        event: &str,
        permission: Option<Permission>,
        change: &mut dyn FnMut(&mut Agent, u64) -> Result<(), RegistryError>,
    ) -> Answer {
        let mut agent = self.load_agent(id)?;
        let caller = env::predecessor_account_id();
        let now_ms = env::block_timestamp_ms();
        match permission {
            None => agent.check_owner(&caller)?,
            Some(permission) => {
                let roles = agent.roles(&caller, self.is_armed(&agent), now_ms);
                agent.check_permitted(&roles, permission, &caller)?;
            }
        }
        let attached = env::attached_deposit().as_yoctonear();
        let payment = if agent.owner == caller {
            Some(self.core.begin_payment(&caller)?)
        } else {
            agent.confirm(&caller);
            // The owner is charged for the agent's rows: an operator's deposit has to arrive there.
            (attached > 0).then(|| self.core.begin_payment_for(&agent.owner, &caller, attached))
        };
        change(&mut agent, now_ms)?;
        self.save_agent(event, id, agent)?;
        payment.map_or(Ok(()), |payment| self.core.finish_payment(payment))
    }

    /// Whether the owner has not pressed the panic button since the agent was last armed.
    pub(crate) fn is_armed(&self, agent: &Agent) -> bool {
        self.load_owner(&agent.owner).is_some_and(|owner| owner.epoch == agent.owner_epoch)
    }

    /// Stores a new agent and appends it to its owner's list; the caller saves the owner and tells the world.
    fn add_agent(
        &mut self,
        account: &AccountId,
        owner: &mut Owner,
        mut args: RegisterAgent,
    ) -> Answer<(AgentId, Agent)> {
        let id = self.next_agent;
        let now_ms = env::block_timestamp_ms();
        let epochs = Epochs { agent: self.next_epoch(), owner: owner.epoch };
        let keys = args.keys.take();
        let mut agent = Agent::register(args, account.clone(), epochs, owner.agents, now_ms)?;
        if let Some(keys) = keys {
            add_first_keys(&mut agent, owner, keys, now_ms)?;
        }
        self.next_agent += 1;
        self.agent_count += 1;
        self.agents.insert(&id, account, &agent, &mut self.core.storage)?;
        self.add_owned(account, owner, id)?;
        Ok((id, agent))
    }

    /// The owner's record, for which it pays itself; a new one starts with an epoch of its own.
    pub(crate) fn owner_or_new(&mut self, account: &AccountId) -> Owner {
        if let Some(owner) = self.load_owner(account) {
            return owner;
        }
        Owner { epoch: self.next_epoch(), agents: 0, key_nonce: 0 }
    }

    /// Appends an agent to its owner's list.
    pub(crate) fn add_owned(&mut self, account: &AccountId, owner: &mut Owner, id: AgentId) -> Answer {
        self.owned.insert(&(account.into(), owner.agents), account, &id, &mut self.core.storage)?;
        owner.agents += 1;
        Ok(())
    }

    /// Takes the agent at `position` off its owner's list; the last one moves into its place.
    pub(crate) fn remove_owned(&mut self, account: &AccountId, position: u64) -> Answer {
        let Some(mut owner) = self.load_owner(account) else { return Ok(()) };
        owner.agents -= 1;
        let last = (account.into(), owner.agents);
        let moved = self.owned.get(&last);
        self.owned.remove(&last, &mut self.core.storage);
        if let Some(moved) = moved.filter(|_| last.1 != position) {
            self.owned.update(&(account.into(), position), &moved, &mut self.core.storage)?;
            let mut agent = self.load_agent(moved)?;
            agent.position = position;
            self.agents.update(&moved, &agent, &mut self.core.storage)?;
        }
        if owner.agents > 0 {
            return self.save_owner("owner_changed", account, owner);
        }
        // Epochs come from one counter, so a row made anew later can't bring an old epoch back.
        self.owners.remove(&account.into(), &mut self.core.storage);
        self.emit("owner_changed", Fact::Owner(owner.view(account)));
        Ok(())
    }
}
