//! An agent and what may become of it.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_types::registry::args::{AddKey, RegisterAgent};
use charter_types::registry::{
    self, AgentId, AgentKey, CARD_URI_BYTES_MAX, Card, Epochs, GUARDIAN_PAUSE_MS_MAX, GUARDIANS_MAX, KEYS_MAX,
    OPERATORS_MAX, Operator, Permission, RegistryError, Roles, Status,
};
use charter_types::{AccountId, Ed25519Key};

#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Agent {
    pub owner: AccountId,
    /// 0: active; `u64::MAX`: paused until the owner ends it. Of fixed size, so that a guardian's pause never needs
    /// storage that the owner has not prepaid.
    pub paused_until_ms: u64,
    pub card: Card,
    pub card_revision: u64,
    pub agent_account: Option<AccountId>,
    pub payout: AccountId,
    pub operators: Vec<Operator>,
    pub guardians: Vec<AccountId>,
    pub keys: Vec<AgentKey>,
    pub epoch: u64,
    pub owner_epoch: u64,
    pub offered_to: Option<AccountId>,
    pub created_ms: u64,
    /// Where the agent stands among its owner's.
    pub position: u64,
}

type Outcome<T = ()> = Result<T, RegistryError>;

fn check_card(card: &Card) -> Outcome {
    let bytes = card.uri.len();
    if (1..=CARD_URI_BYTES_MAX).contains(&bytes) { Ok(()) } else { Err(RegistryError::CardUri { bytes }) }
}

fn check_expiry(expires_ms: u64, now_ms: u64) -> Outcome {
    if expires_ms > now_ms { Ok(()) } else { Err(RegistryError::Expired { expires_ms, now_ms }) }
}

impl Agent {
    pub fn register(
        args: RegisterAgent,
        owner: AccountId,
        epochs: Epochs,
        position: u64,
        now_ms: u64,
    ) -> Outcome<Self> {
        check_card(&args.card)?;
        let mut agent = Self {
            payout: owner.clone(),
            owner,
            paused_until_ms: 0,
            card: args.card,
            card_revision: 1,
            agent_account: args.agent_account,
            operators: Vec::new(),
            guardians: Vec::new(),
            keys: Vec::new(),
            epoch: epochs.agent,
            owner_epoch: epochs.owner,
            offered_to: None,
            created_ms: now_ms,
            position,
        };
        args.operators.into_iter().try_for_each(|operator| agent.set_operator(operator, now_ms))?;
        args.guardians.into_iter().try_for_each(|guardian| agent.set_guardian(guardian))?;
        Ok(agent)
    }

    pub fn view(&self, id: AgentId) -> registry::Agent {
        registry::Agent {
            id,
            owner: self.owner.clone(),
            status: self.status(),
            card: self.card.clone(),
            card_revision: self.card_revision,
            agent_account: self.agent_account.clone(),
            payout: self.payout.clone(),
            operators: self.operators.clone(),
            guardians: self.guardians.clone(),
            keys: self.keys.clone(),
            epoch: self.epoch,
            owner_epoch: self.owner_epoch,
            offered_to: self.offered_to.clone(),
            created_ms: self.created_ms,
        }
    }

    pub fn status(&self) -> Status {
        match self.paused_until_ms {
            0 => Status::Active,
            u64::MAX => Status::Paused { until_ms: None },
            until_ms => Status::Paused { until_ms: Some(until_ms) },
        }
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
        }
    }

    pub fn check_owner(&self, caller: &AccountId) -> Outcome {
        if self.owner == *caller { Ok(()) } else { Err(RegistryError::NotOwner { caller: caller.clone() }) }
    }

    /// The owner, or an operator with `permission`.
    pub fn check_permitted(&self, roles: &Roles, permission: Permission, caller: &AccountId) -> Outcome {
        if roles.owner || roles.operator.contains(&permission) {
            return Ok(());
        }
        Err(RegistryError::NotPermitted { caller: caller.clone() })
    }

    pub fn set_card(&mut self, card: Card, expected: u64) -> Outcome {
        check_card(&card)?;
        if self.card_revision != expected {
            return Err(RegistryError::CardRevision { expected, found: self.card_revision });
        }
        self.card = card;
        self.card_revision = self.card_revision.saturating_add(1);
        Ok(())
    }

    pub fn set_operator(&mut self, mut operator: Operator, now_ms: u64) -> Outcome {
        check_expiry(operator.expires_ms, now_ms)?;
        operator.permissions.sort();
        operator.permissions.dedup();
        self.operators.retain(|known| known.account != operator.account);
        if self.operators.len() >= OPERATORS_MAX {
            return Err(RegistryError::TooManyOperators {});
        }
        self.operators.push(operator);
        Ok(())
    }

    pub fn remove_operator(&mut self, account: &AccountId) -> Outcome {
        let before = self.operators.len();
        self.operators.retain(|known| known.account != *account);
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
        self.guardians.push(account);
        Ok(())
    }

    pub fn remove_guardian(&mut self, account: &AccountId) -> Outcome {
        let before = self.guardians.len();
        self.guardians.retain(|known| known != account);
        if self.guardians.len() < before {
            return Ok(());
        }
        Err(RegistryError::UnknownGuardian { account: account.clone() })
    }

    /// Adds a key whose proof of possession the caller has verified.
    pub fn add_key(&mut self, args: &AddKey, now_ms: u64) -> Outcome {
        check_expiry(args.expires_ms, now_ms)?;
        if args.key.is_small_order() {
            return Err(RegistryError::WeakKey {});
        }
        if self.keys.iter().any(|known| known.key == args.key) {
            return Err(RegistryError::KeyExists {});
        }
        if self.keys.len() >= KEYS_MAX {
            return Err(RegistryError::TooManyKeys {});
        }
        self.keys.push(AgentKey { key: args.key, purpose: args.purpose, expires_ms: args.expires_ms });
        Ok(())
    }

    pub fn remove_key(&mut self, key: &Ed25519Key) -> Outcome {
        let before = self.keys.len();
        self.keys.retain(|known| known.key != *key);
        if self.keys.len() < before { Ok(()) } else { Err(RegistryError::UnknownKey {}) }
    }

    /// A guardian pauses for a while; the owner may pause without an end.
    pub fn pause(&mut self, by: &AccountId, for_ms: Option<u64>, now_ms: u64) -> Outcome {
        let owner = self.owner == *by;
        let fine = match for_ms {
            None => owner,
            Some(length) => length > 0 && (owner || length <= GUARDIAN_PAUSE_MS_MAX),
        };
        if !fine {
            return Err(RegistryError::PauseLength { max_ms: GUARDIAN_PAUSE_MS_MAX });
        }
        // A guardian never shortens what the owner ordered.
        let until_ms = for_ms.map_or(u64::MAX, |length| now_ms.saturating_add(length));
        if owner || until_ms > self.paused_until_ms {
            self.paused_until_ms = until_ms;
        }
        Ok(())
    }

    pub fn unpause(&mut self, id: AgentId) -> Outcome {
        if self.paused_until_ms == 0 {
            return Err(RegistryError::NotPaused { id });
        }
        self.paused_until_ms = 0;
        Ok(())
    }

    /// Moves the epoch: everything that was stored under the old one is dead by comparison. Guardians stay, they can
    /// only take away.
    pub fn revoke_all(&mut self, epoch: u64) {
        self.epoch = epoch;
        self.operators.clear();
        self.keys.clear();
        self.agent_account = None;
        self.offered_to = None;
    }

    pub fn rearm(&mut self, epochs: Epochs) {
        self.revoke_all(epochs.agent);
        self.owner_epoch = epochs.owner;
    }

    pub fn offer(&mut self, to: AccountId) -> Outcome {
        if to == self.owner {
            return Err(RegistryError::SameOwner {});
        }
        self.offered_to = Some(to);
        Ok(())
    }

    /// The agent under its new owner: nothing that anybody could do with it before is left.
    pub fn hand_over(mut self, to: &AccountId, epochs: Epochs, position: u64) -> Outcome<Self> {
        if self.offered_to.as_ref() != Some(to) {
            return Err(RegistryError::NotOffered { caller: to.clone() });
        }
        self.rearm(epochs);
        self.guardians.clear();
        self.owner = to.clone();
        self.payout = to.clone();
        self.paused_until_ms = 0;
        self.position = position;
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use charter_types::registry::args::{AddKey, RegisterAgent};
    use charter_types::registry::{
        Card, Epochs, GUARDIAN_PAUSE_MS_MAX, Operator, Permission, Purpose, RegistryError, Status,
    };
    use charter_types::{AccountId, Ed25519Key, Hash32, Signature64};

    use super::Agent;

    fn account(name: &str) -> AccountId {
        name.parse().unwrap()
    }

    fn agent() -> Agent {
        let card = Card { uri: "https://a/card.json".to_owned(), sha256: Hash32([1; 32]) };
        let args =
            RegisterAgent { card, agent_account: None, operators: vec![], guardians: vec![account("guard.near")] };
        Agent::register(args, account("alice.near"), Epochs { agent: 5, owner: 4 }, 0, 1_000).unwrap()
    }

    fn key(byte: u8) -> AddKey {
        let key = Ed25519Key([byte; 32]);
        AddKey { agent: 1, key, purpose: Purpose::Sign, expires_ms: 2_000, proof: Signature64([0; 64]) }
    }

    #[test]
    fn a_card_has_1_to_128_bytes_and_replaces_the_revision_it_names() {
        let mut agent = agent();
        let card = |length| Card { uri: "u".repeat(length), sha256: Hash32([2; 32]) };
        assert_eq!(agent.set_card(card(0), 1), Err(RegistryError::CardUri { bytes: 0 }));
        assert_eq!(agent.set_card(card(129), 1), Err(RegistryError::CardUri { bytes: 129 }));
        assert_eq!(agent.set_card(card(128), 2), Err(RegistryError::CardRevision { expected: 2, found: 1 }));
        assert_eq!(agent.set_card(card(128), 1), Ok(()));
        assert_eq!(agent.card_revision, 2);
    }

    #[test]
    fn a_guardian_pauses_up_to_its_limit_and_never_shortens_the_owners_pause() {
        let mut agent = agent();
        let guardian = account("guard.near");
        let too_long = Err(RegistryError::PauseLength { max_ms: GUARDIAN_PAUSE_MS_MAX });
        assert_eq!(agent.pause(&guardian, None, 0), too_long);
        assert_eq!(agent.pause(&guardian, Some(GUARDIAN_PAUSE_MS_MAX + 1), 0), too_long);
        assert_eq!(agent.pause(&guardian, Some(GUARDIAN_PAUSE_MS_MAX), 0), Ok(()));
        assert_eq!(agent.pause(&account("alice.near"), None, 0), Ok(()));
        assert_eq!(agent.pause(&guardian, Some(1), 0), Ok(()));
        assert_eq!(agent.status(), Status::Paused { until_ms: None });
    }

    #[test]
    fn keys_expire_later_are_unique_and_not_weak() {
        let mut agent = agent();
        assert_eq!(agent.add_key(&key(7), 2_000), Err(RegistryError::Expired { expires_ms: 2_000, now_ms: 2_000 }));
        assert_eq!(agent.add_key(&key(0), 1_999), Err(RegistryError::WeakKey {}));
        assert_eq!(agent.add_key(&key(7), 1_999), Ok(()));
        assert_eq!(agent.add_key(&key(7), 1_999), Err(RegistryError::KeyExists {}));
        for byte in 8..23 {
            assert_eq!(agent.add_key(&key(byte), 0), Ok(()));
        }
        assert_eq!(agent.add_key(&key(23), 0), Err(RegistryError::TooManyKeys {}));
    }

    #[test]
    fn nothing_of_the_old_owner_survives_a_hand_over() {
        let mut agent = agent();
        let permissions = vec![Permission::Keys, Permission::Card, Permission::Card];
        agent.set_operator(Operator { account: account("op.near"), permissions, expires_ms: 9_000 }, 0).unwrap();
        assert_eq!(agent.operators[0].permissions, [Permission::Card, Permission::Keys]);
        agent.add_key(&key(7), 0).unwrap();
        agent.agent_account = Some(account("bot.near"));
        agent.offer(account("bob.near")).unwrap();
        let epochs = Epochs { agent: 9, owner: 8 };
        let stolen = agent.clone().hand_over(&account("eve.near"), epochs, 0);
        assert_eq!(stolen, Err(RegistryError::NotOffered { caller: account("eve.near") }));
        let sold = agent.hand_over(&account("bob.near"), epochs, 3).unwrap();
        assert_eq!((sold.epoch, sold.owner_epoch, sold.position), (9, 8, 3));
        assert!(sold.operators.is_empty() && sold.guardians.is_empty() && sold.keys.is_empty());
        assert_eq!((sold.agent_account, sold.offered_to, sold.payout), (None, None, account("bob.near")));
    }
}
