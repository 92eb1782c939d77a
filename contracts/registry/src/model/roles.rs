//! Who may do what with an agent, and who of them has shown that it knows.

use charter_types::AccountId;
use charter_types::registry::{GUARDIANS_MAX, OPERATORS_MAX, Operator, Permission, RegistryError, Roles};

use super::Agent;
use super::Outcome;
use super::agent::check_expiry;

impl Agent {
    /// Who the owner says has a role: anybody can be named, so that alone says nothing of them.
    pub(super) fn named(&self) -> impl Iterator<Item = &AccountId> {
        let operators = self.operators.iter().map(|operator| &operator.account);
        self.agent_account.iter().chain(operators).chain(&self.guardians)
    }

    pub(super) fn is_confirmed(&self, position: usize) -> bool {
        self.confirmed >> position & 1 == 1
    }

    pub(super) fn unconfirmed(&self) -> Vec<AccountId> {
        let mut accounts: Vec<AccountId> = Vec::new();
        for (position, account) in self.named().enumerate() {
            if !self.is_confirmed(position) && !accounts.contains(account) {
                accounts.push(account.clone());
            }
        }
        accounts
    }

    pub fn check_named(&self, caller: &AccountId) -> Outcome {
        let has_role = self.named().any(|named| named == caller);
        if has_role { Ok(()) } else { Err(RegistryError::NoRole { caller: caller.clone() }) }
    }

    /// An account with a role did something with it.
    pub fn confirm(&mut self, account: &AccountId) {
        let positions = self.named().enumerate().filter(|(_, named)| *named == account);
        self.confirmed |= positions.fold(0, |bits, (position, _)| bits | 1 << position);
    }

    /// Changes who has roles. Whoever had confirmed one and keeps one stays confirmed.
    pub(super) fn change_roles<T>(&mut self, change: impl FnOnce(&mut Self) -> T) -> T {
        let before: Vec<AccountId> = self
            .named()
            .enumerate()
            .filter(|(position, _)| self.is_confirmed(*position))
            .map(|(_, named)| named.clone())
            .collect();
        let changed = change(self);
        self.confirmed = 0;
        for account in &before {
            self.confirm(account);
        }
        changed
    }

    /// What `account` is to this agent. After the owner's panic nobody but the owner and guardians is anything.
    pub fn roles(&self, account: &AccountId, armed: bool, now_ms: u64) -> Roles {
        let operator = self
            .operators
            .iter()
            .find(|operator| armed && operator.account == *account && operator.expires_ms > now_ms);
        Roles {
            owner: self.owner == *account,
            agent: armed && self.agent_account.as_ref() == Some(account),
            guardian: self.guardians.contains(account),
            operator: operator.map(|operator| operator.permissions.clone()).unwrap_or_default(),
            confirmed: self.named().enumerate().any(|(place, named)| named == account && self.is_confirmed(place)),
        }
    }

    /// The agent's account as it shall be, or none.
    pub fn set_agent_account(&mut self, account: Option<AccountId>) {
        self.change_roles(|agent| agent.agent_account = account);
    }

    pub fn set_operator(&mut self, mut operator: Operator, now_ms: u64) -> Outcome {
        check_expiry(operator.expires_ms, now_ms)?;
        if operator.permissions.len() > Permission::ALL.len() {
            return Err(RegistryError::TooManyPermissions {});
        }
        let wanted = |permission: &Permission| operator.permissions.contains(permission);
        operator.permissions = Permission::ALL.into_iter().filter(wanted).collect();
        self.change_roles(|agent| {
            agent.operators.retain(|known| known.account != operator.account);
            if agent.operators.len() >= OPERATORS_MAX {
                return Err(RegistryError::TooManyOperators {});
            }
            agent.operators.push(operator);
            Ok(())
        })
    }

    pub fn remove_operator(&mut self, account: &AccountId) -> Outcome {
        let before = self.operators.len();
        self.change_roles(|agent| agent.operators.retain(|known| known.account != *account));
        if self.operators.len() < before {
            return Ok(());
        }
        Err(RegistryError::UnknownOperator { account: account.clone() })
    }

    pub fn set_guardian(&mut self, account: AccountId) -> Outcome {
        if self.guardians.contains(&account) {
            return Ok(());
        }
        if self.guardians.len() >= GUARDIANS_MAX {
            return Err(RegistryError::TooManyGuardians {});
        }
        self.change_roles(|agent| agent.guardians.push(account));
        Ok(())
    }

    pub fn remove_guardian(&mut self, account: &AccountId) -> Outcome {
        let before = self.guardians.len();
        self.change_roles(|agent| agent.guardians.retain(|known| known != account));
        if self.guardians.len() < before {
            return Ok(());
        }
        Err(RegistryError::UnknownGuardian { account: account.clone() })
    }

    /// Gives back every role an account has.
    pub fn renounce(&mut self, caller: &AccountId) -> Outcome {
        let before = (self.operators.len(), self.guardians.len(), self.agent_account.is_some());
        self.change_roles(|agent| {
            agent.operators.retain(|known| known.account != *caller);
            agent.guardians.retain(|known| known != caller);
            agent.agent_account.take_if(|account| account == caller);
        });
        if before == (self.operators.len(), self.guardians.len(), self.agent_account.is_some()) {
            return Err(RegistryError::NoRole { caller: caller.clone() });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use charter_types::registry::args::RegisterAgent;
    use charter_types::registry::{Card, Epochs, Operator};
    use charter_types::{AccountId, Hash32};

    use crate::model::Agent;

    fn account(name: &str) -> AccountId {
        name.parse().unwrap()
    }

    fn agent() -> Agent {
        let card = Card { uri: "https://a/card.json".to_owned(), sha256: Hash32([1; 32]) };
        let args = RegisterAgent { guardians: vec![account("guard.near")], ..RegisterAgent::new(card) };
        Agent::register(args, account("alice.near"), Epochs { agent: 5, owner: 4 }, 0, 1_000).unwrap()
    }

    #[test]
    fn whoever_has_a_role_is_unconfirmed_until_it_acts_and_stays_confirmed_while_it_has_one() {
        let mut agent = agent();
        let (bot, op, guard) = (account("bot.near"), account("op.near"), account("guard.near"));
        agent.set_agent_account(Some(bot.clone()));
        let operator = Operator { account: op.clone(), permissions: vec![], expires_ms: 9_000 };
        agent.set_operator(operator.clone(), 0).unwrap();
        assert_eq!(agent.view(1).unconfirmed, [bot.clone(), op.clone(), guard.clone()]);
        agent.confirm(&guard);
        agent.confirm(&account("eve.near"));
        agent.confirm(&bot);
        assert_eq!(agent.view(1).unconfirmed, std::slice::from_ref(&op));
        agent.set_agent_account(Some(account("other.near")));
        agent.set_operator(Operator { account: account("more.near"), ..operator }, 0).unwrap();
        assert_eq!(agent.view(1).unconfirmed, [account("other.near"), op.clone(), account("more.near")]);
        agent.remove_operator(&op).unwrap();
        agent.remove_guardian(&guard).unwrap();
        agent.set_guardian(guard.clone()).unwrap();
        assert_eq!(agent.view(1).unconfirmed, [account("other.near"), account("more.near"), guard.clone()]);
        agent.confirm(&guard);
        agent.revoke_all(7);
        assert!(agent.view(1).unconfirmed.is_empty(), "the guardian is left, and had acted");
    }
}
