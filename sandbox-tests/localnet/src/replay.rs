//! Replay of histories recorded from nearcore: the proof that this chain is NEAR.

use std::collections::HashMap;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use near_crypto::{InMemorySigner, SecretKey, Signer};
use near_primitives::action::Action;
use near_primitives::action::delegate::SignedDelegateAction;
use near_primitives::hash::CryptoHash;
use near_primitives::transaction::{SignedTransaction, Transaction, TransactionV0};
use near_primitives::types::{AccountId, Balance};
use near_primitives::views::FinalExecutionOutcomeView;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::chain::{Block, Chain, ChainOptions, SubmitError, TxStatus};
use crate::genesis::Genesis;

#[derive(Deserialize)]
struct History {
    chain_id: String,
    protocol_version: u32,
    gas_price: Balance,
    genesis: RecordedGenesis,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct RecordedGenesis {
    root: AccountId,
    root_secret_key: SecretKey,
}

#[derive(Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
enum Step {
    Transaction(Recorded),
    PendingTransaction(Recorded),
    FastForward { blocks: u64 },
    Settled { index: usize },
}

#[derive(Deserialize)]
struct Recorded {
    name: String,
    signer: AccountId,
    signer_secret_key: SecretKey,
    receiver: AccountId,
    actions_borsh_base64: String,
    nonce_above_access_key: u64,
    outcome: Option<Value>,
    rejected: Option<String>,
    accounts_after: Option<HashMap<AccountId, Option<Value>>>,
}

/// One recorded transaction and how ours differs from it.
pub struct Line {
    pub name: String,
    pub differences: Vec<String>,
}

impl fmt::Display for Line {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.differences.is_empty() {
            return write!(out, "equal      {}", self.name);
        }
        write!(out, "DIFFERENT  {}", self.name)?;
        self.differences.iter().try_for_each(|difference| write!(out, "\n           {difference}"))
    }
}

/// What a replay leaves.
pub struct Replayed {
    pub lines: Vec<Line>,
    /// The chain at the history's end.
    pub chain: Chain,
    /// Recorded ids of transactions, receipts and blocks, with what they are called here.
    pub ids: HashMap<String, String>,
}

/// Replays a history given as JSON. An `Err` means that the text is no history.
pub fn replay(text: &str) -> anyhow::Result<Replayed> {
    let history: History = serde_json::from_str(text)?;
    let recorded = &history.genesis;
    let mut genesis = Genesis::of_root(&history.chain_id, recorded.root.clone(), recorded.root_secret_key.clone());
    genesis.config.protocol_version = history.protocol_version;
    genesis.config.min_gas_price = history.gas_price;
    let mut replay = Replay {
        chain: Chain::new(genesis, ChainOptions::default())?,
        keys: HashMap::new(),
        resigned: HashMap::new(),
        sent: HashMap::new(),
        ids: HashMap::new(),
    };
    for step in &history.steps {
        if let Step::Transaction(recorded) | Step::PendingTransaction(recorded) = step {
            let key = recorded.signer_secret_key.clone();
            replay.keys.insert(key.public_key().to_string(), key);
        }
    }
    let mut lines = Vec::new();
    for (index, step) in history.steps.iter().enumerate() {
        match step {
            Step::FastForward { blocks } => {
                replay.chain.fast_forward(*blocks)?;
                replay.settle()?;
            }
            Step::Transaction(recorded) => lines.push(replay.transaction(index, recorded)?),
            Step::PendingTransaction(recorded) => {
                if let Err(error) = replay.send(index, recorded)? {
                    let differences = vec![format!("refused: {error}")];
                    lines.push(Line { name: recorded.name.clone(), differences });
                }
            }
            Step::Settled { index } => {
                let (Step::Transaction(recorded) | Step::PendingTransaction(recorded)) = &history.steps[*index] else {
                    anyhow::bail!("step {index} is settled but is no transaction");
                };
                let differences = replay.compare(*index, recorded);
                lines.push(Line { name: recorded.name.clone(), differences });
            }
        }
    }
    Ok(Replayed { lines, chain: replay.chain, ids: replay.ids })
}

struct Replay {
    chain: Chain,
    keys: HashMap<String, SecretKey>,
    /// Delegate actions signed again, by the borsh of the recorded ones.
    resigned: HashMap<Vec<u8>, SignedDelegateAction>,
    sent: HashMap<usize, CryptoHash>,
    ids: HashMap<String, String>,
}

impl Replay {
    fn settle(&mut self) -> anyhow::Result<()> {
        while self.chain.has_work() {
            self.chain.produce()?;
        }
        Ok(())
    }

    fn nonce(&self, account_id: &AccountId, key: &SecretKey) -> u64 {
        let state = crate::state::StateUpdate::new(self.chain.head().state.clone());
        state.access_key(account_id, &key.public_key()).map_or(0, |key| key.nonce)
    }

    /// A delegate action names nonces and heights of its own chain: its sender signs it again for ours.
    fn resign(&mut self, recorded: &SignedDelegateAction) -> anyhow::Result<SignedDelegateAction> {
        let bytes = borsh::to_vec(recorded)?;
        if let Some(done) = self.resigned.get(&bytes) {
            return Ok(done.clone());
        }
        let mut delegate = recorded.delegate_action.clone();
        let key = self.keys.get(&delegate.public_key.to_string());
        let key = key.ok_or_else(|| anyhow::anyhow!("no secret key for {}", delegate.public_key))?.clone();
        delegate.nonce = self.nonce(&delegate.sender_id, &key) + 1;
        delegate.max_block_height = self.chain.head().header.height() + 1_000;
        let signer: Signer = InMemorySigner::from_secret_key(delegate.sender_id.clone(), key);
        let signed = SignedDelegateAction::sign(&signer, delegate);
        self.resigned.insert(bytes, signed.clone());
        Ok(signed)
    }

    fn send(&mut self, index: usize, recorded: &Recorded) -> anyhow::Result<Result<(), SubmitError>> {
        let actions: Vec<Action> = borsh::from_slice(&STANDARD.decode(&recorded.actions_borsh_base64)?)?;
        let actions = actions.into_iter().map(|action| match action {
            Action::Delegate(signed) => Ok(Action::Delegate(Box::new(self.resign(&signed)?))),
            Action::DelegateV2(_) => Err(anyhow::anyhow!("meta transactions of version 2 can't be signed again here")),
            other => Ok(other),
        });
        let actions = actions.collect::<anyhow::Result<Vec<_>>>()?;
        let key = recorded.signer_secret_key.clone();
        let signer: Signer = InMemorySigner::from_secret_key(recorded.signer.clone(), key.clone());
        let transaction = Transaction::V0(TransactionV0 {
            signer_id: recorded.signer.clone(),
            public_key: key.public_key(),
            nonce: self.nonce(&recorded.signer, &key) + recorded.nonce_above_access_key,
            receiver_id: recorded.receiver.clone(),
            block_hash: *self.chain.head().header.hash(),
            actions,
        });
        let signature = signer.sign(transaction.get_hash_and_size().0.as_ref());
        let signed = SignedTransaction::new(signature, transaction);
        self.sent.insert(index, signed.get_hash());
        let submitted = self.chain.submit(signed);
        self.settle()?;
        Ok(submitted)
    }

    fn transaction(&mut self, index: usize, recorded: &Recorded) -> anyhow::Result<Line> {
        let submitted = self.send(index, recorded)?;
        let mut differences = match (&recorded.rejected, submitted) {
            (None, Ok(())) => self.compare(index, recorded),
            (Some(wanted), Err(SubmitError::Invalid(error))) => {
                let ours = serde_json::to_value(&error)?;
                let json = wanted.split_once(": ").map_or(wanted.as_str(), |(_, json)| json);
                let wanted: Value = serde_json::from_str(json)?;
                let wanted = &wanted["data"]["TxExecutionError"]["InvalidTxError"];
                if *wanted == ours { Vec::new() } else { vec![format!("refused with {ours}, not {wanted}")] }
            }
            (None, Err(error)) => vec![format!("refused: {error}")],
            (Some(wanted), Ok(())) => vec![format!("admitted, but nearcore says {wanted}")],
        };
        differences.extend(self.compare_accounts(index, recorded));
        Ok(Line { name: recorded.name.clone(), differences })
    }

    fn compare(&mut self, index: usize, recorded: &Recorded) -> Vec<String> {
        let Some(wanted) = &recorded.outcome else { return vec!["no recorded outcome".to_owned()] };
        let Some(hash) = self.sent.get(&index) else { return vec!["not sent".to_owned()] };
        let TxStatus::Executed { outcome, .. } = self.chain.tx_status(hash) else {
            return vec!["not executed".to_owned()];
        };
        compare_trees(wanted, &outcome, &mut self.ids)
    }

    /// The accounts were read once the transaction was final: at the block of its last receipt, or a little later.
    /// Only what other transactions still have in flight then can differ between these blocks.
    fn compare_accounts(&self, index: usize, recorded: &Recorded) -> Vec<String> {
        let blocks = self.sent.get(&index).map_or(&[][..], |hash| self.chain.blocks_since(hash));
        let mut differences = compare_accounts_at(self.chain.head(), recorded);
        for block in blocks {
            if differences.is_empty() {
                break;
            }
            let here = compare_accounts_at(block, recorded);
            if here.is_empty() {
                differences = here;
            }
        }
        differences
    }
}

fn compare_accounts_at(block: &Block, recorded: &Recorded) -> Vec<String> {
    let state = crate::state::StateUpdate::new(block.state.clone());
    let mut differences = Vec::new();
    for (account_id, wanted) in recorded.accounts_after.iter().flatten() {
        let ours = state.account(account_id).map(|account| {
            json!({
                "amount": account.amount(),
                "storage_usage": account.storage_usage(),
                "code_hash": account.local_contract_hash().unwrap_or_default(),
                "global_contract_hash": account.global_contract_hash(),
            })
        });
        // `locked` drifts with epoch rewards, which this chain does not have.
        let wanted = wanted.as_ref().map(|wanted| {
            let mut wanted = wanted.clone();
            if let Some(fields) = wanted.as_object_mut() {
                fields.remove("locked");
            }
            wanted
        });
        if ours != wanted {
            let (ours, wanted) = (json!(ours), json!(wanted));
            differences.push(format!("{account_id}: ours {ours}, nearcore {wanted}"));
        }
    }
    differences.sort();
    differences
}

/// Compares two receipt trees from the transaction down; ids differ by nature and are noted.
fn compare_trees(wanted: &Value, ours: &FinalExecutionOutcomeView, ids: &mut HashMap<String, String>) -> Vec<String> {
    let ours = &serde_json::to_value(ours).expect("views are JSON");
    let mut comparison = Comparison { wanted, ours, differences: Vec::new(), ids };
    comparison.walk(&wanted["transaction_outcome"], &ours["transaction_outcome"], "tx");
    let mut differences = comparison.differences;
    if let (Some(wanted), Some(ours)) = (wanted["receipts_outcome"].as_array(), ours["receipts_outcome"].as_array())
        && wanted.len() != ours.len()
    {
        differences.push(format!("{} receipts, not {}", ours.len(), wanted.len()));
    }
    if differences.is_empty() {
        differences.extend(compare_order(wanted, ours, ids));
    }
    differences
}

/// Equal trees are listed in the same order. `ids` knows what a recorded receipt is called here.
fn compare_order(wanted: &Value, ours: &Value, ids: &HashMap<String, String>) -> Option<String> {
    let listed = |outcomes: &Value| -> Vec<String> {
        let outcomes = outcomes["receipts_outcome"].as_array().into_iter().flatten();
        outcomes.filter_map(|outcome| Some(outcome["id"].as_str()?.to_owned())).collect()
    };
    let (wanted, ours) = (listed(wanted), listed(ours));
    let places = wanted.iter().map(|id| ours.iter().position(|our_id| ids.get(id) == Some(our_id)));
    let places: Vec<_> = places.collect();
    let expected: Vec<_> = (0..wanted.len()).map(Some).collect();
    (places != expected).then(|| format!("receipts in another order: nearcore's are ours at {places:?}"))
}

struct Comparison<'a> {
    wanted: &'a Value,
    ours: &'a Value,
    differences: Vec<String>,
    ids: &'a mut HashMap<String, String>,
}

impl Comparison<'_> {
    fn note(&mut self, wanted: &Value, ours: &Value) {
        for field in ["id", "block_hash"] {
            if let (Some(wanted), Some(ours)) = (wanted[field].as_str(), ours[field].as_str()) {
                self.ids.insert(wanted.to_owned(), ours.to_owned());
            }
        }
    }

    fn walk(&mut self, wanted: &Value, ours: &Value, path: &str) {
        self.note(wanted, ours);
        let (wanted_outcome, our_outcome) = (&wanted["outcome"], &ours["outcome"]);
        for field in ["executor_id", "gas_burnt", "tokens_burnt", "logs"] {
            let (wanted, ours) = (&wanted_outcome[field], &our_outcome[field]);
            if wanted != ours {
                self.differences.push(format!("{path}.{field}: ours {ours}, nearcore {wanted}"));
            }
        }
        let (wanted_ids, our_ids) = (ids(wanted_outcome), ids(our_outcome));
        if wanted_ids.len() != our_ids.len() {
            let (wanted, ours) = (wanted_ids.len(), our_ids.len());
            self.differences.push(format!("{path}: ours made {ours} receipts, nearcore {wanted}"));
        }
        let wanted_status = plain_status(&wanted_outcome["status"], &wanted_ids);
        let our_status = plain_status(&our_outcome["status"], &our_ids);
        if wanted_status != our_status {
            self.differences.push(format!("{path}.status: ours {our_status}, nearcore {wanted_status}"));
        }
        if std::env::var_os("REPLAY_PROFILES").is_some() {
            compare_profiles(&wanted_outcome["metadata"], &our_outcome["metadata"], path, &mut self.differences);
        }
        for (index, (wanted_id, our_id)) in wanted_ids.iter().zip(&our_ids).enumerate() {
            let path = format!("{path}/{index}");
            match (find(self.wanted, wanted_id), find(self.ours, our_id)) {
                (Some(wanted), Some(ours)) => self.walk(wanted, ours, &path),
                (None, None) => {}
                (Some(_), None) => self.differences.push(format!("{path}: not executed here")),
                (None, Some(_)) => self.differences.push(format!("{path}: executed only here")),
            }
        }
    }
}

fn compare_profiles(wanted: &Value, ours: &Value, path: &str, out: &mut Vec<String>) {
    let (Some(wanted), Some(ours)) = (wanted["gas_profile"].as_array(), ours["gas_profile"].as_array()) else {
        return;
    };
    for entry in ours.iter().filter(|entry| !wanted.contains(entry)) {
        out.push(format!("{path}: only ours {entry}"));
    }
    for entry in wanted.iter().filter(|entry| !ours.contains(entry)) {
        out.push(format!("{path}: only nearcore {entry}"));
    }
}

fn ids(outcome: &Value) -> Vec<String> {
    let ids = outcome["receipt_ids"].as_array().into_iter().flatten();
    ids.filter_map(|id| Some(id.as_str()?.to_owned())).collect()
}

fn find<'a>(all: &'a Value, id: &str) -> Option<&'a Value> {
    all["receipts_outcome"].as_array()?.iter().find(|outcome| outcome["id"] == id)
}

/// A status with receipt ids and nonces, which differ by nature, replaced.
fn plain_status(status: &Value, ids: &[String]) -> Value {
    if let Some(id) = status["SuccessReceiptId"].as_str() {
        return json!({ "SuccessReceiptId": ids.iter().position(|known| known == id) });
    }
    let mut status = status.clone();
    let nonces = status.pointer_mut("/Failure/ActionError/kind/DelegateActionInvalidNonce");
    if let Some(nonces) = nonces {
        *nonces = Value::Null;
    }
    status
}
