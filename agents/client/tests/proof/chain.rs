//! A chain with epochs, changing producers and signatures, made apart from what is tested: near-primitives makes
//! headers, and whatever is signed or hashed beside them is put together by hand from the protocol's specification.

use charter_client::proof::{BlockProof, Checkpoint, Head, OutcomeProof, lite};
use near_crypto::{KeyType, SecretKey, Signature};
use near_primitives::block_header::BlockHeader;
use near_primitives::hash::CryptoHash;
use near_primitives::merkle::{Direction, MerklePath, MerklePathItem};
use near_primitives::stateless_validation::chunk_endorsements_bitmap::ChunkEndorsementsBitmap;
use near_primitives::types::validator_stake::ValidatorStake;
use near_primitives::types::{AccountId, Balance, EpochId};
use near_primitives::validator_signer::EmptyValidatorSigner;
use near_primitives::version::PROTOCOL_VERSION;
use near_primitives::views::validator_stake_view::ValidatorStakeView;
use near_primitives::views::{
    BlockHeaderInnerLiteView, BlockHeaderView, ExecutionOutcomeWithIdView, ExecutionStatusView,
    LightClientBlockLiteView, LightClientBlockView,
};

/// Blocks in an epoch.
pub const EPOCH: usize = 6;
/// Of the four producers, in an order that changes. More than two thirds are three of them, but not without both big
/// ones: these have two thirds, and so have the others with one of them.
pub const STAKES: [u128; 4] = [30, 30, 20, 10];
/// Who produces in turn.
const VALIDATORS: usize = 7;

pub fn sha(bytes: &[u8]) -> CryptoHash {
    CryptoHash::hash_bytes(bytes)
}

fn pair(left: CryptoHash, right: CryptoHash) -> CryptoHash {
    sha(&[left.0, right.0].concat())
}

pub struct Validator {
    pub account: AccountId,
    pub secret: SecretKey,
    pub stake: u128,
}

impl Validator {
    pub fn new(name: &str, stake: u128) -> Self {
        let secret = SecretKey::from_seed(KeyType::ED25519, name);
        Self { account: format!("{name}.near").parse().unwrap(), secret, stake }
    }

    pub fn view(&self) -> ValidatorStakeView {
        let stake = Balance::from_yoctonear(self.stake);
        ValidatorStake::new(self.account.clone(), self.secret.public_key(), stake).into()
    }
}

pub fn views(validators: &[Validator]) -> Vec<ValidatorStakeView> {
    validators.iter().map(Validator::view).collect()
}

/// What a header calls an epoch's producers.
pub fn producers_hash(producers: &[ValidatorStakeView]) -> CryptoHash {
    sha(&borsh::to_vec(producers).unwrap())
}

/// The root of a tree: the biggest full half to the left, what is left over to the right.
pub fn root(leaves: &[CryptoHash]) -> CryptoHash {
    match leaves {
        [] => CryptoHash::default(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            pair(root(left), root(right))
        }
    }
}

pub fn path(leaves: &[CryptoHash], index: usize) -> MerklePath {
    if leaves.len() < 2 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    if index < left.len() {
        let last = MerklePathItem { hash: root(right), direction: Direction::Right };
        [path(left, index), vec![last]].concat()
    } else {
        let last = MerklePathItem { hash: root(left), direction: Direction::Left };
        [path(right, index - left.len()), vec![last]].concat()
    }
}

/// What an outcome is in its chunk's tree.
fn leaf(outcome: &ExecutionOutcomeWithIdView) -> CryptoHash {
    let told = &outcome.outcome;
    let status = match &told.status {
        ExecutionStatusView::Unknown => vec![0],
        ExecutionStatusView::Failure(_) => vec![1],
        ExecutionStatusView::SuccessValue(value) => borsh::to_vec(&(2_u8, value)).unwrap(),
        ExecutionStatusView::SuccessReceiptId(id) => borsh::to_vec(&(3_u8, id)).unwrap(),
    };
    let (gas, tokens) = (told.gas_burnt.as_gas(), told.tokens_burnt.as_yoctonear());
    let before = borsh::to_vec(&(&told.receipt_ids, gas, tokens, told.executor_id.as_str())).unwrap();
    let mut hashes = vec![outcome.id, sha(&[before, status].concat())];
    hashes.extend(told.logs.iter().map(|log| sha(log.as_bytes())));
    sha(&borsh::to_vec(&hashes).unwrap())
}

/// What happened before a block, as its header tells it.
#[derive(Clone, Default)]
pub struct Content {
    /// By chunk.
    pub outcomes: Vec<Vec<ExecutionOutcomeWithIdView>>,
    /// By chunk.
    pub states: Vec<CryptoHash>,
}

impl Content {
    fn chunk_leaves(&self) -> Vec<CryptoHash> {
        let chunk_root = |outcomes: &Vec<_>| root(&outcomes.iter().map(leaf).collect::<Vec<_>>());
        self.outcomes.iter().map(|outcomes| sha(&chunk_root(outcomes).0)).collect()
    }

    fn state_root(&self) -> CryptoHash {
        root(&self.states.iter().map(|state| sha(&state.0)).collect::<Vec<_>>())
    }
}

pub struct Chain {
    name: &'static str,
    pub headers: Vec<BlockHeader>,
    contents: Vec<Content>,
}

impl Chain {
    /// Begins at height 100.
    pub fn new(name: &'static str) -> Self {
        let mut chain = Self { name, headers: Vec::new(), contents: Vec::new() };
        chain.push(100, Content::default());
        chain
    }

    /// So many blocks more, none of which tells anything.
    pub fn grow(&mut self, blocks: usize) {
        for _ in 0..blocks {
            self.next(Content::default());
        }
    }

    pub fn next(&mut self, content: Content) {
        let height = self.headers[self.headers.len() - 1].height() + 1;
        self.push(height, content);
    }

    /// Leaves a height out.
    pub fn skip(&mut self) {
        let height = self.headers[self.headers.len() - 1].height() + 2;
        self.push(height, Content::default());
    }

    /// Four of seven, from another one on and with other stakes in every epoch.
    pub fn producers(&self, epoch: usize) -> Vec<Validator> {
        let names = (0..STAKES.len()).map(|place| format!("{}-{}", self.name, (epoch + place) % VALIDATORS));
        names.enumerate().map(|(place, name)| Validator::new(&name, STAKES[(place + epoch) % STAKES.len()])).collect()
    }

    /// The last block's hash of the epoch before the last.
    fn epoch_id(&self, epoch: usize) -> CryptoHash {
        match epoch {
            0 | 1 => CryptoHash::default(),
            _ => *self.headers[(epoch - 1) * EPOCH - 1].hash(),
        }
    }

    /// Of who produces the block with this index, and at an epoch's end of those who will; of the smallest only now and
    /// then.
    fn approvals(&self, index: usize, height: u64) -> Vec<Option<Box<Signature>>> {
        let Some(parent) = self.headers.last() else { return Vec::new() };
        let message = if parent.height() + 1 == height {
            [[0_u8].as_slice(), &parent.hash().0, &height.to_le_bytes()].concat()
        } else {
            [[1_u8].as_slice(), &parent.height().to_le_bytes(), &height.to_le_bytes()].concat()
        };
        let mut signers = self.producers(index / EPOCH);
        if index % EPOCH >= EPOCH - 3 {
            let next = self.producers(index / EPOCH + 1).into_iter();
            let others = next.filter(|one| signers.iter().all(|signer| signer.account != one.account));
            let others: Vec<_> = others.collect();
            signers.extend(others);
        }
        let is_there = |signer: &Validator| signer.stake > 10 || index.is_multiple_of(2);
        signers.iter().map(|signer| is_there(signer).then(|| Box::new(signer.secret.sign(&message)))).collect()
    }

    fn push(&mut self, height: u64, content: Content) {
        let index = self.headers.len();
        let epoch = index / EPOCH;
        let zero = CryptoHash::default();
        let hashes = self.hashes();
        let header = BlockHeader::new(
            PROTOCOL_VERSION,
            // Some producers know the next protocol already.
            PROTOCOL_VERSION + u32::from(index.is_multiple_of(5)),
            height,
            hashes.last().copied().unwrap_or_default(),
            sha(b"body"),
            content.state_root(),
            sha(b"receipts"),
            sha(b"chunks"),
            sha(b"transactions"),
            root(&content.chunk_leaves()),
            1_700_000_000_000_000_000 + height * 1_000_000_000,
            sha(&height.to_le_bytes()),
            vec![self.producers(0)[0].view().into_validator_stake()],
            vec![true, false],
            u64::try_from(index).unwrap() + 1,
            EpochId(self.epoch_id(epoch)),
            EpochId(self.epoch_id(epoch + 1)),
            Balance::from_yoctonear(100_000_000),
            Balance::from_yoctonear(1_000_000_000),
            &EmptyValidatorSigner::new("test".parse().unwrap()),
            zero,
            zero,
            None,
            self.approvals(index, height),
            producers_hash(&views(&self.producers(epoch + 1))),
            root(&hashes),
            self.headers.last().map_or(0, BlockHeader::height),
            Some(ChunkEndorsementsBitmap::from_endorsements(vec![vec![true, false], vec![true]])),
            None,
            None,
            None,
            None,
        );
        self.headers.push(header);
        self.contents.push(content);
    }

    pub fn hashes(&self) -> Vec<CryptoHash> {
        self.headers.iter().map(|header| *header.hash()).collect()
    }

    pub fn header(&self, index: usize) -> BlockHeaderView {
        BlockHeaderView::from(&self.headers[index])
    }

    /// What a node answers to `next_light_client_block` if this is the one: none of an epoch's last two blocks, after
    /// which others sign.
    pub fn light(&self, index: usize) -> LightClientBlockView {
        let [header, next, after] = &self.headers[index..index + 3] else { unreachable!("three blocks are three") };
        LightClientBlockView {
            prev_block_hash: *header.prev_hash(),
            next_block_inner_hash: pair(sha(&next.inner_lite_bytes()), sha(&next.inner_rest_bytes())),
            inner_lite: BlockHeaderInnerLiteView::from(header.clone()),
            inner_rest_hash: sha(&header.inner_rest_bytes()),
            next_bps: Some(views(&self.producers(index / EPOCH + 1))),
            approvals_after_next: after.approvals().to_vec(),
        }
    }

    /// A head at a block that is vouched for.
    pub fn trusted(&self, index: usize) -> Head {
        let header = lite(&self.header(index)).unwrap();
        let producers = views(&self.producers(index / EPOCH + 1));
        Checkpoint::new(*self.headers[index].hash(), &header, &producers).unwrap().into_head()
    }

    /// That of a block under the head with the index `head`.
    pub fn block_proof(&self, index: usize, head: usize) -> BlockProof {
        BlockProof {
            block_header_lite: LightClientBlockLiteView::from(self.headers[index].clone()),
            block_proof: path(&self.hashes()[..head], index),
        }
    }

    /// That of an outcome in a chunk that a block's header tells of.
    pub fn outcome_proof(&self, (index, chunk, place): (usize, usize, usize), head: usize) -> OutcomeProof {
        let content = &self.contents[index];
        let leaves: Vec<_> = content.outcomes[chunk].iter().map(leaf).collect();
        let outcome = content.outcomes[chunk][place].clone();
        let BlockProof { block_header_lite, block_proof } = self.block_proof(index, head);
        OutcomeProof {
            outcome_proof: ExecutionOutcomeWithIdView { proof: path(&leaves, place), ..outcome },
            outcome_root_proof: path(&content.chunk_leaves(), chunk),
            block_header_lite,
            block_proof,
        }
    }
}

/// The hash of the block that a light client is sent.
pub fn hash_of(view: &LightClientBlockView) -> CryptoHash {
    let inner = &view.inner_lite;
    let (before, after) = (
        (inner.height, inner.epoch_id, inner.next_epoch_id, inner.prev_state_root, inner.outcome_root),
        (inner.timestamp_nanosec, inner.next_bp_hash, inner.block_merkle_root),
    );
    let bytes = borsh::to_vec(&(before, after)).unwrap();
    pair(pair(sha(&bytes), view.inner_rest_hash), view.prev_block_hash)
}

/// What producers sign to endorse the block after the one in `view`, `above` heights above it.
pub fn endorsement(view: &LightClientBlockView, above: u64) -> Vec<u8> {
    let next = pair(view.next_block_inner_hash, hash_of(view));
    [[0_u8].as_slice(), &next.0, &(view.inner_lite.height + above).to_le_bytes()].concat()
}

/// Gives `view` the signatures over `message` of those whose place is in `who`.
pub fn sign(view: &mut LightClientBlockView, signers: &[Validator], who: &[usize], message: &[u8]) {
    let places = signers.iter().enumerate();
    let signed = places.map(|(place, one)| who.contains(&place).then(|| Box::new(one.secret.sign(message))));
    view.approvals_after_next = signed.collect();
}

/// Signed anew by all, for what is in it now: a lie of `signers`, not of the node alone.
pub fn sign_all(view: &mut LightClientBlockView, signers: &[Validator]) {
    let message = endorsement(view, 2);
    sign(view, signers, &[0, 1, 2, 3], &message);
}
