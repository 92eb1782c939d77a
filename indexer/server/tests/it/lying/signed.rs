//! Lies that producers sign: their keys come of the chain's root, so a test has them all.

use near_crypto::{KeyType, SecretKey};
use near_primitives::block_header::{Approval, ApprovalInner};
use near_primitives::hash::CryptoHash;
use near_primitives::merkle::combine_hash;
use near_primitives::types::validator_stake::ValidatorStake;
use near_primitives::views::validator_stake_view::ValidatorStakeView;
use near_primitives::views::{LightClientBlockLiteView, LightClientBlockView};
use serde_json::{Value, json};

use crate::epochs::Scene;

/// Who signs for a head, and what the node would say of it.
pub struct Producers {
    head: LightClientBlockView,
    stakes: Vec<ValidatorStake>,
    next: Vec<ValidatorStake>,
    root_key: SecretKey,
}

fn hash_of(head: &LightClientBlockView) -> CryptoHash {
    let LightClientBlockView { prev_block_hash, inner_rest_hash, inner_lite, .. } = head.clone();
    LightClientBlockLiteView { prev_block_hash, inner_rest_hash, inner_lite }.hash()
}

fn stakes(views: Vec<ValidatorStakeView>) -> Vec<ValidatorStake> {
    views.into_iter().map(ValidatorStakeView::into_validator_stake).collect()
}

impl Producers {
    /// Those of the head after a block.
    pub async fn after(scene: &Scene, block: CryptoHash) -> Self {
        let rpc = scene.rpc();
        let params = json!({ "last_block_hash": block });
        let head: LightClientBlockView = rpc.call("next_light_client_block", params).await.unwrap();
        let own: Vec<ValidatorStakeView> =
            rpc.call("EXPERIMENTAL_validators_ordered", json!([hash_of(&head)])).await.unwrap();
        let next = stakes(head.next_bps.clone().unwrap());
        let root_key = scene.harness.localnet().unwrap().root_key().clone();
        Self { head, stakes: stakes(own), next, root_key }
    }

    pub fn all(&self) -> Vec<usize> {
        (0..self.stakes.len()).collect()
    }

    /// As many as have two thirds of the stake at the most.
    pub fn too_few(&self) -> Vec<usize> {
        let stake = |place: usize| self.stakes[place].stake().as_yoctonear();
        let total: u128 = self.all().into_iter().map(stake).sum();
        let mut held = 0;
        let mut few = self.all();
        few.retain(|place| {
            let fits = (held + stake(*place)) * 3 <= total * 2;
            if fits {
                held += stake(*place);
            }
            fits
        });
        assert!(!few.is_empty());
        few
    }

    /// As localnet makes keys.
    fn key(&self, producer: &ValidatorStake) -> SecretKey {
        let Some(place) = producer.account_id().as_str().strip_prefix("node") else { return self.root_key.clone() };
        let seed = CryptoHash::hash_bytes(format!("{}/{place}", self.root_key).as_bytes());
        SecretKey::from_seed(KeyType::ED25519, &seed.to_string())
    }

    fn sign(&self, mut head: LightClientBlockView, signers: &[ValidatorStake], who: &[usize]) -> Value {
        let endorsed = combine_hash(&head.next_block_inner_hash, &hash_of(&head));
        let message = Approval::get_data_for_sig(&ApprovalInner::Endorsement(endorsed), head.inner_lite.height + 2);
        let places = signers.iter().enumerate();
        let signed =
            places.map(|(place, signer)| who.contains(&place).then(|| Box::new(self.key(signer).sign(&message))));
        head.approvals_after_next = signed.collect();
        json!(head)
    }

    /// The head with something else in it, signed by some of those who may.
    pub fn lie(&self, lie: impl Fn(&mut LightClientBlockView), who: &[usize]) -> Value {
        let mut head = self.head.clone();
        lie(&mut head);
        self.sign(head, &self.stakes, who)
    }

    /// The head itself, signed by those who follow, in their order.
    pub fn of_another_epoch(&self) -> Value {
        let who: Vec<usize> = (0..self.next.len()).collect();
        // Where both epochs have the same producer in one place, that one's signature is good: in as few as can be.
        let good = |others: &[ValidatorStake]| {
            let both = others.iter().zip(&self.stakes);
            both.filter(|(other, own)| other.account_id() == own.account_id()).count()
        };
        let turned = who.iter().map(|by| {
            let mut others = self.next.clone();
            others.rotate_left(*by);
            others
        });
        let others = turned.min_by_key(|others| good(others)).unwrap();
        assert!(good(&others) < self.stakes.len());
        self.sign(self.head.clone(), &others, &who)
    }
}
