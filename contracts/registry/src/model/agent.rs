//! An agent and what may become of it.

use charter_types::registry::args::RegisterAgent;
use charter_types::registry::{
    self, AgentId, AgentKey, CARD_URI_BYTES_MAX, Card, Epochs, GUARDIAN_PAUSE_MS_MAX, GUARDIANS_MAX, KEYS_MAX,
    OFFER_MS, OPERATORS_MAX, Offer, Operator, PausedBy, Permission, Purpose, RegistryError, Roles, Status,
};
use charter_types::text::is_uri;
use charter_types::{AccountId, AnyKey};

use super::Outcome;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    pub owner: AccountId,
    /// 0: active; `u64::MAX`: paused until the owner ends it. Of fixed size, so that a guardian's pause never needs
    /// storage that the owner has not prepaid.
    pub paused_until_ms: u64,
    pub paused_by: PausedBy,
    pub handle: Option<String>,
    pub card: Card,
    pub card_revision: u64,
    pub agent_account: Option<AccountId>,
    /// None: the owner.
    pub payout: Option<AccountId>,
    pub payout_offered_to: Option<AccountId>,
    pub operators: Vec<Operator>,
    pub guardians: Vec<AccountId>,
    pub keys: Vec<AgentKey>,
    pub epoch: u64,
    pub owner_epoch: u64,
    pub offer: Option<Offer>,
    pub transferable: bool,
    pub created_ms: u64,
    /// Where the agent stands among its owner's.
    pub position: u64,
    /// Which of [`Agent::named`] have shown that they know of it, one bit each in that order. Of fixed size, so that showing
    /// it needs no storage.
    pub confirmed: u32,
}

fn check_card(card: &Card) -> Outcome {
    let bytes = card.uri.len();
    let fine = (1..=CARD_URI_BYTES_MAX).contains(&bytes) && is_uri(&card.uri);
    if fine { Ok(()) } else { Err(RegistryError::CardUri { bytes }) }
}

pub(super) fn check_expiry(expires_ms: u64, now_ms: u64) -> Outcome {
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
            owner,
            paused_until_ms: 0,
            paused_by: PausedBy::Owner,
            handle: None,
            card: args.card,
            card_revision: 1,
            agent_account: args.agent_account,
            payout: None,
            payout_offered_to: None,
            operators: Vec::new(),
            guardians: Vec::new(),
            keys: Vec::new(),
            epoch: epochs.agent,
            owner_epoch: epochs.owner,
            offer: None,
            transferable: false,
            created_ms: now_ms,
            position,
            confirmed: 0,
        };
        // Naming somebody twice is harmless, naming anybody ten thousand times is not.
        if args.operators.len() > OPERATORS_MAX {
            return Err(RegistryError::TooManyOperators {});
        }
        if args.guardians.len() > GUARDIANS_MAX {
            return Err(RegistryError::TooManyGuardians {});
        }
        args.operators.into_iter().try_for_each(|operator| agent.set_operator(operator, now_ms))?;
        args.guardians.into_iter().try_for_each(|guardian| agent.set_guardian(guardian))?;
        Ok(agent)
    }

    pub fn view(&self, id: AgentId) -> registry::Agent {
        registry::Agent {
            id,
            owner: self.owner.clone(),
            status: self.status(),
            handle: self.handle.clone(),
            card: self.card.clone(),
            card_revision: self.card_revision,
            agent_account: self.agent_account.clone(),
            payout: self.payout().clone(),
            payout_offered_to: self.payout_offered_to.clone(),
            operators: self.operators.clone(),
            guardians: self.guardians.clone(),
            keys: self.keys.clone(),
            epoch: self.epoch,
            owner_epoch: self.owner_epoch,
            offer: self.offer.clone(),
            transferable: self.transferable,
            created_ms: self.created_ms,
            unconfirmed: self.unconfirmed(),
        }
    }

    pub fn status(&self) -> Status {
        match self.paused_until_ms {
            0 => Status::Active,
            u64::MAX => Status::Paused { until_ms: None, by: self.paused_by },
            until_ms => Status::Paused { until_ms: Some(until_ms), by: self.paused_by },
        }
    }

    /// Who is paid for the agent's work.
    pub fn payout(&self) -> &AccountId {
        self.payout.as_ref().unwrap_or(&self.owner)
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

    /// Adds a key whose proof of possession the caller has verified.
    pub fn add_key(&mut self, key: AgentKey, now_ms: u64) -> Outcome {
        check_expiry(key.expires_ms, now_ms)?;
        if matches!(key.key, AnyKey::X25519(_)) != (key.purpose == Purpose::Encrypt) {
            return Err(RegistryError::KeyKind {});
        }
        if key.key.is_small_order() {
            return Err(RegistryError::WeakKey {});
        }
        if self.keys.iter().any(|known| known.key == key.key) {
            return Err(RegistryError::KeyExists {});
        }
        if self.keys.len() >= KEYS_MAX {
            return Err(RegistryError::TooManyKeys {});
        }
        self.keys.push(key);
        Ok(())
    }

    /// Takes a key away and says what it was for.
    pub fn remove_key(&mut self, key: &AnyKey) -> Outcome<AgentKey> {
        let position = self.keys.iter().position(|known| known.key == *key).ok_or(RegistryError::UnknownKey {})?;
        Ok(self.keys.remove(position))
    }

    /// Whether the agent signs with `key` now.
    pub fn signs_with(&self, key: AnyKey, now_ms: u64) -> bool {
        self.keys.iter().any(|known| known.key == key && known.purpose == Purpose::Sign && known.expires_ms > now_ms)
    }

    /// The owner names who is to be paid; itself at once, another account once that has accepted.
    pub fn set_payout(&mut self, account: AccountId) {
        if account == self.owner {
            self.payout = None;
            self.payout_offered_to = None;
        } else {
            self.payout_offered_to = Some(account);
        }
    }

    /// INV-REG-6: without this line of the other side's consent nobody is paid for an agent.
    pub fn accept_payout(&mut self, caller: &AccountId, owner: &AccountId) -> Outcome {
        if self.payout_offered_to.as_ref() != Some(caller) {
            return Err(RegistryError::NotOffered { caller: caller.clone() });
        }
        if self.owner != *owner {
            return Err(RegistryError::Changed {});
        }
        self.payout = self.payout_offered_to.take();
        Ok(())
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
            self.paused_by = if owner { PausedBy::Owner } else { PausedBy::Guardian };
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
        self.change_roles(|agent| {
            agent.operators.clear();
            agent.agent_account = None;
        });
        self.keys.clear();
        self.offer = None;
        self.payout_offered_to = None;
    }

    pub fn rearm(&mut self, epochs: Epochs) {
        self.revoke_all(epochs.agent);
        self.owner_epoch = epochs.owner;
    }

    pub fn offer(&mut self, to: AccountId, from_ms: u64) -> Outcome {
        self.check_other(&to)?;
        self.offer = Some(Offer { to, from_ms });
        Ok(())
    }

    pub fn check_other(&self, account: &AccountId) -> Outcome {
        if self.owner == *account { Err(RegistryError::SameOwner {}) } else { Ok(()) }
    }

    pub fn check_offered(&self, to: &AccountId, now_ms: u64) -> Outcome {
        match &self.offer {
            Some(offer) if offer.to == *to => {
                let until_ms = offer.from_ms.saturating_add(OFFER_MS);
                if now_ms < offer.from_ms {
                    return Err(RegistryError::NotYet { from_ms: offer.from_ms });
                }
                if now_ms < until_ms { Ok(()) } else { Err(RegistryError::OfferOver { until_ms }) }
            }
            _ => Err(RegistryError::NotOffered { caller: to.clone() }),
        }
    }

    /// INV-REG-2: the agent under its new owner. Nothing that anybody could do with it before is left.
    #[must_use]
    pub fn hand_over(mut self, to: &AccountId, epochs: Epochs, position: u64) -> Self {
        self.rearm(epochs);
        self.guardians.clear();
        self.confirmed = 0;
        self.owner = to.clone();
        self.payout = None;
        self.transferable = false;
        self.paused_until_ms = 0;
        self.position = position;
        self
    }
}

#[cfg(test)]
mod tests {
    use charter_types::registry::args::RegisterAgent;
    use charter_types::registry::{
        AgentKey, Card, Epochs, GUARDIAN_PAUSE_MS_MAX, OFFER_MS, Operator, PausedBy, Permission, Purpose,
        RegistryError, Status,
    };
    use charter_types::{AccountId, AnyKey, Ed25519Key, Hash32, X25519Key};

    use super::Agent;

    fn account(name: &str) -> AccountId {
        name.parse().unwrap()
    }

    fn agent() -> Agent {
        let card = Card { uri: "https://a/card.json".to_owned(), sha256: Hash32([1; 32]) };
        let args = RegisterAgent { guardians: vec![account("guard.near")], ..RegisterAgent::new(card) };
        Agent::register(args, account("alice.near"), Epochs { agent: 5, owner: 4 }, 0, 1_000).unwrap()
    }

    fn key(byte: u8) -> AgentKey {
        AgentKey { key: AnyKey::Ed25519(Ed25519Key([byte; 32])), purpose: Purpose::Sign, expires_ms: 2_000 }
    }

    #[test]
    fn a_card_has_1_to_128_bytes_and_replaces_the_revision_it_names() {
        let mut agent = agent();
        let card = |length: usize| Card { uri: format!("ar://{}", "u".repeat(length - 5)), sha256: Hash32([2; 32]) };
        assert_eq!(agent.set_card(Card { uri: String::new(), ..card(6) }, 1), Err(RegistryError::CardUri { bytes: 0 }));
        assert_eq!(
            agent.set_card(Card { uri: "uuu".to_owned(), ..card(6) }, 1),
            Err(RegistryError::CardUri { bytes: 3 })
        );
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
        assert_eq!(agent.status(), Status::Paused { until_ms: None, by: PausedBy::Owner });
    }

    #[test]
    fn keys_expire_later_are_unique_and_not_weak() {
        let mut agent = agent();
        assert_eq!(agent.add_key(key(7), 2_000), Err(RegistryError::Expired { expires_ms: 2_000, now_ms: 2_000 }));
        assert_eq!(agent.add_key(key(0), 1_999), Err(RegistryError::WeakKey {}));
        let weak = AnyKey::X25519(X25519Key([0; 32]));
        assert_eq!(agent.add_key(AgentKey { key: weak, ..key(7) }, 0), Err(RegistryError::KeyKind {}));
        assert_eq!(
            agent.add_key(AgentKey { key: weak, purpose: Purpose::Encrypt, expires_ms: 1 }, 0),
            Err(RegistryError::WeakKey {})
        );
        assert_eq!(agent.add_key(key(7), 1_999), Ok(()));
        assert_eq!(agent.add_key(key(7), 1_999), Err(RegistryError::KeyExists {}));
        assert!(agent.signs_with(key(7).key, 1_999) && !agent.signs_with(key(7).key, 2_000));
        for byte in 8..23 {
            assert_eq!(agent.add_key(key(byte), 0), Ok(()));
        }
        assert_eq!(agent.add_key(key(23), 0), Err(RegistryError::TooManyKeys {}));
        assert_eq!(agent.remove_key(&key(7).key), Ok(key(7)));
        assert_eq!(agent.remove_key(&key(7).key), Err(RegistryError::UnknownKey {}));
    }

    #[test]
    fn payout_takes_both_sides() {
        let mut agent = agent();
        let (bank, eve) = (account("bank.near"), account("eve.near"));
        agent.set_payout(bank.clone());
        assert_eq!(agent.view(1).payout, account("alice.near"));
        assert_eq!(agent.accept_payout(&eve, &account("alice.near")), Err(RegistryError::NotOffered { caller: eve }));
        assert_eq!(agent.accept_payout(&bank, &account("alice.near")), Ok(()));
        assert_eq!((agent.view(1).payout, agent.payout_offered_to.clone()), (bank, None));
        agent.set_payout(account("alice.near"));
        assert_eq!(agent.view(1).payout, account("alice.near"));
    }

    #[test]
    fn nothing_of_the_old_owner_survives_a_hand_over() {
        let mut agent = agent();
        let permissions = vec![Permission::Keys, Permission::Card, Permission::Card];
        agent.set_operator(Operator { account: account("op.near"), permissions, expires_ms: 9_000 }, 0).unwrap();
        assert_eq!(agent.operators[0].permissions, [Permission::Card, Permission::Keys]);
        agent.add_key(key(7), 0).unwrap();
        agent.agent_account = Some(account("bot.near"));
        agent.payout = Some(account("bank.near"));
        agent.transferable = true;
        agent.offer(account("bob.near"), 5).unwrap();
        let eve = account("eve.near");
        assert_eq!(agent.check_offered(&eve, 5), Err(RegistryError::NotOffered { caller: eve }));
        assert_eq!(agent.check_offered(&account("bob.near"), 4), Err(RegistryError::NotYet { from_ms: 5 }));
        assert_eq!(agent.check_offered(&account("bob.near"), 5), Ok(()));
        assert_eq!(agent.check_offered(&account("bob.near"), 4 + OFFER_MS), Ok(()));
        let over = Err(RegistryError::OfferOver { until_ms: 5 + OFFER_MS });
        assert_eq!(agent.check_offered(&account("bob.near"), 5 + OFFER_MS), over);
        let epochs = Epochs { agent: 9, owner: 8 };
        let sold = agent.hand_over(&account("bob.near"), epochs, 3);
        assert_eq!((sold.epoch, sold.owner_epoch, sold.position), (9, 8, 3));
        assert!(sold.operators.is_empty() && sold.guardians.is_empty() && sold.keys.is_empty());
        assert_eq!((&sold.agent_account, &sold.offer, sold.transferable), (&None, &None, false));
        assert_eq!(sold.view(1).payout, account("bob.near"));
    }
}
