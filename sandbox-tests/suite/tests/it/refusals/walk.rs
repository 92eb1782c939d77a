//! Calls that are refused: each with its code, and with the state as it was.

use std::collections::BTreeMap;

use charter_harness::{Call, Caller, failed_with, initial_call, raw};
use charter_types::abi;
use charter_types::method::{self, Codec, Deposit, Kind, Row};
use charter_types::verifier::{Verdict, rejection};
use charter_wasm::Contract;
use near_workspaces::{Account, AccountId};
use serde_json::{Value, json};

use super::case::{Case, Who, with};
use super::scene::Scene;

pub const BAD_ARGUMENTS: &str = "CHARTER_BAD_ARGUMENTS";
const ONE_YOCTO: &str = "CHARTER_ONE_YOCTO";
const NO_DEPOSIT: &str = "CHARTER_NO_DEPOSIT";

type State = BTreeMap<Vec<u8>, Vec<u8>>;

/// Under which a contract keeps its own record.
const OWN_RECORD: &[u8] = b"STATE";
/// The number of the last event and the hash over all of them.
const EVENT_HEAD_BYTES: usize = 8 + 32;

/// One contract, called with what is wrong.
pub struct Walk<'a> {
    scene: &'a Scene,
    contract: &'a AccountId,
    state: State,
}

impl<'a> Walk<'a> {
    pub async fn new(scene: &'a Scene, contract: &'a AccountId) -> Self {
        let mut walk = Self { scene, contract, state: State::new() };
        walk.look().await;
        walk
    }

    /// Takes the state as it is now for the one that must not change.
    pub async fn look(&mut self) {
        self.state = self.now().await;
    }

    async fn now(&self) -> State {
        self.scene.harness.rows(self.contract).await.unwrap()
    }

    /// Sends what has to fail, and returns its code and what it burnt. In the first receipt nothing at all moves, and the
    /// deposit comes back; in a callback the denial is told, and moves the chain of events and nothing else.
    pub async fn code(&mut self, by: &Account, call: &Call, deposit: u128) -> (String, u64) {
        let what = format!("{call} by {} with {deposit}", by.id());
        let balance = by.view_account().await.unwrap().balance.as_yoctonear();
        let outcome = by.send(self.contract, call.clone(), deposit).await.unwrap();
        let code = failed_with(&outcome).unwrap_or_else(|| panic!("{what} went through"));
        let now = self.now().await;
        if outcome.logs().iter().any(|log| log.contains("\"denied\"")) {
            assert!(moved_only_event_head(&self.state, &now), "{what} left a trace");
            self.state = now;
        } else {
            assert!(self.state == now, "{what} left a trace");
            let spent = balance - by.view_account().await.unwrap().balance.as_yoctonear();
            let burnt: u128 = outcome.outcomes().iter().map(|each| each.tokens_burnt.as_yoctonear()).sum();
            assert_eq!(spent, burnt, "{what}: the deposit did not come back");
        }
        (code, outcome.total_gas_burnt.as_tgas())
    }

    pub async fn refused(&mut self, by: Who, call: &Call, deposit: u128, code: &str) {
        let (found, _) = self.code(self.scene.person(by), call, deposit).await;
        assert_eq!(found, code, "{call} by {by:?} with {deposit}");
    }

    /// Everything that is wrong with a call of any method of a contract.
    pub async fn all<C: method::Contract>(&mut self, cases: &[Case]) {
        let abi = serde_json::to_value(abi::of(C::NAME, C::rows())).unwrap();
        let rows = C::rows();
        for case in cases {
            assert!(rows.iter().any(|row| row.name == case.name()), "{} has no {}", C::NAME, case.name());
        }
        for row in rows {
            let nothing = raw(&format!("{}_", row.name), json!({}));
            let (code, _) = self.code(self.scene.person(Who::Owner), &nothing, 0).await;
            assert!(code.contains("MethodNotFound"), "{}_: {code}", row.name);
            let asked = json!({});
            match row.kind {
                Kind::Callback => {
                    for who in [Who::Owner, Who::Stranger] {
                        let code = format!("Method {} is private", row.name);
                        self.refused(who, &raw(row.name, &asked), 0, &code).await;
                    }
                }
                Kind::Init => {
                    let code = "The contract has already been initialized";
                    self.refused(Who::Stranger, &raw(row.name, &asked), 0, code).await;
                    self.init(&row, C::NAME, &fields(&abi, row.name)).await;
                }
                // near-sdk does not even look at what a view without arguments is given.
                Kind::View if row.args == "Nothing" => {
                    self.scene.harness.raw_view(self.contract, raw(row.name, &asked)).await.unwrap();
                }
                Kind::View | Kind::Call => {
                    let case = cases.iter().find(|case| case.name() == row.name);
                    let case = case.unwrap_or_else(|| panic!("no case for {} of {}", row.name, C::NAME));
                    let wrong = wrong_arguments(&row, &case.call, &fields(&abi, row.name));
                    if row.kind == Kind::View {
                        self.view(&row, case, &wrong).await;
                    } else {
                        self.call(&row, case, &wrong).await;
                    }
                }
            }
        }
    }

    /// The same code where it was never set up.
    async fn init(&self, row: &Row, contract: &str, fields: &[(String, Value)]) {
        let harness = &self.scene.harness;
        let code = Contract::ALL.into_iter().find(|code| code.name() == contract).unwrap();
        let mut new = initial_call(code, harness.root().id(), &harness.contracts).unwrap();
        let mut args: Value = serde_json::from_slice(&new.args).unwrap();
        // What releases of before do not know may be left out.
        if args.get("registry").is_none() && fields.iter().any(|(name, _)| name == "registry") {
            args["registry"] = json!(harness.contracts.registry);
        }
        new.args = serde_json::to_vec(&args).unwrap();
        let account = harness.account(&format!("{contract}-new")).await.unwrap();
        account.deploy(code.code()).await.unwrap().into_result().unwrap();
        let mut walk = Walk::new(self.scene, account.id()).await;
        for wrong in wrong_arguments(row, &new, fields) {
            walk.refused(Who::Stranger, &wrong, 0, BAD_ARGUMENTS).await;
        }
        walk.refused(Who::Stranger, &new, 1, NO_DEPOSIT).await;
    }

    async fn view(&self, row: &Row, case: &Case, wrong: &[Call]) {
        let harness = &self.scene.harness;
        harness.raw_view(self.contract, case.call.clone()).await.unwrap();
        for call in wrong {
            let answer = harness.raw_view(self.contract, call.clone()).await;
            // The verifier's rejections are answers.
            if row.codec == Codec::Borsh {
                let verdict: Verdict = borsh::from_slice(&answer.unwrap()).unwrap();
                assert!(matches!(&verdict, Verdict::Rejected { code, .. } if code == rejection::FORMAT), "{verdict:?}");
            } else {
                assert_eq!(answer.unwrap_err(), BAD_ARGUMENTS, "{call}");
            }
        }
    }

    async fn call(&mut self, row: &Row, case: &Case, wrong: &[Call]) {
        let right = case.deposit();
        assert!(
            row.rule.caller == method::Caller::Anyone || case.told(Who::Stranger).is_some(),
            "{} names no code",
            row.name
        );
        for who in [Who::Stranger, Who::Guardian, Who::Operator, Who::Agent, Who::ExOwner] {
            if let Some(code) = case.told(who) {
                self.refused(who, &case.call, right, code).await;
            }
        }
        if let Some((field, value, code)) = &case.unknown {
            let mut args = case.args().unwrap();
            args[*field] = value.clone();
            self.refused(Who::Stranger, &case.with(&args), right, code).await;
        }
        for call in wrong {
            self.refused(case.by, call, right, BAD_ARGUMENTS).await;
        }
        self.deposits(row, case).await;
    }

    /// A deposit that is not as the method's rule says.
    async fn deposits(&mut self, row: &Row, case: &Case) {
        let (by, call) = (case.by, &case.call);
        match row.rule.deposit {
            Deposit::Nothing => self.refused(by, call, 1, NO_DEPOSIT).await,
            Deposit::OneYocto | Deposit::Prepaid => {
                self.refused(by, call, 0, ONE_YOCTO).await;
                self.refused(by, call, 2, ONE_YOCTO).await;
            }
            Deposit::Storage | Deposit::StorageByOwner => self.refused(by, call, 0, ONE_YOCTO).await,
            Deposit::OneYoctoByOwner => {
                self.refused(by, call, 0, ONE_YOCTO).await;
                self.refused(by, call, 2, ONE_YOCTO).await;
                assert!(!case.may.is_empty(), "nobody else may call {}", row.name);
                for who in &case.may {
                    self.refused(*who, call, 1, NO_DEPOSIT).await;
                }
            }
            Deposit::Amount => {
                assert!(!case.too_little.is_empty(), "how little is too little for {}?", row.name);
                for (yocto, code) in &case.too_little {
                    self.refused(by, call, *yocto, code).await;
                }
            }
        }
    }
}

/// Whether the contract's own record changed where it says how many events there were, and nothing else did.
fn moved_only_event_head(before: &State, after: &State) -> bool {
    let rest = |state: &State| {
        let mut rest = state.clone();
        rest.remove(OWN_RECORD);
        rest
    };
    let (old, new) = (&before[OWN_RECORD], &after[OWN_RECORD]);
    let changed: Vec<usize> = (0..old.len().max(new.len())).filter(|at| old.get(*at) != new.get(*at)).collect();
    let close = |(first, last): (&usize, &usize)| last - first < EVENT_HEAD_BYTES;
    rest(before) == rest(after) && old.len() == new.len() && changed.first().zip(changed.last()).is_some_and(close)
}

/// Name and schema of a method's arguments in its contract's ABI.
fn fields(abi: &Value, method: &str) -> Vec<(String, Value)> {
    let functions = abi["body"]["functions"].as_array().unwrap();
    let function = functions.iter().find(|function| function["name"] == method).unwrap();
    let args = function["params"]["args"].as_array().cloned().unwrap_or_default();
    let field = |arg: Value| (arg["name"].as_str().unwrap().to_owned(), arg["type_schema"].clone());
    args.into_iter().map(field).collect()
}

/// NEPs say that unknown fields are ignored.
fn is_lenient(method: &str) -> bool {
    ["nft_", "ft_", "storage_"].iter().any(|standard| method.starts_with(standard))
}

/// The call with everything that can't be read as its arguments.
fn wrong_arguments(row: &Row, call: &Call, fields: &[(String, Value)]) -> Vec<Call> {
    match row.codec {
        Codec::Raw => Vec::new(),
        Codec::BorshArgs | Codec::Borsh => {
            let args = &call.args;
            let wrong = [args[..args.len() - 1].to_vec(), [args, [0].as_slice()].concat(), Vec::new()];
            wrong.into_iter().map(|args| Call { args, ..call.clone() }).collect()
        }
        Codec::Json => {
            let args: Value = serde_json::from_slice(&call.args).unwrap();
            let mut wrong = vec![json!([]), json!("text"), Value::Null];
            wrong.extend(of_other_types(&args));
            let mut more = args.clone();
            more["surprise"] = json!(1);
            wrong.extend((!is_lenient(row.name)).then_some(more));
            for (name, schema) in fields {
                let mut other = args.clone();
                assert!(other.get(name).is_some(), "the case for {} leaves {name} out", row.name);
                other[name] = json!({ "no": "such", "thing": 1 });
                wrong.push(other);
                if !may_be_null(schema) {
                    let mut less = args.clone();
                    less.as_object_mut().unwrap().remove(name);
                    wrong.push(less);
                }
            }
            assert_eq!(args.as_object().unwrap().len(), fields.len(), "{}: {args}", row.name);
            wrong.iter().map(|args| with(call, args)).collect()
        }
    }
}

/// What may be left out may be null, and says so.
fn may_be_null(schema: &Value) -> bool {
    let kinds = schema["type"].as_array().is_some_and(|kinds| kinds.contains(&json!("null")));
    let any = schema["anyOf"].as_array().is_some_and(|any| any.iter().any(|one| one["type"] == "null"));
    kinds || any
}

/// The value with each of its parts replaced by one of another type: a number where a string belongs, and so on.
fn of_other_types(value: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    match value {
        Value::Null => all.push(json!({ "no": "such" })),
        Value::Bool(flag) => all.push(json!(flag.to_string())),
        Value::Number(number) => all.extend([json!(number.to_string()), json!(1.5), json!(-1)]),
        Value::String(_) => all.extend([json!(7), json!(["text"])]),
        Value::Array(items) => {
            all.push(json!({}));
            for (index, item) in items.iter().enumerate() {
                for other in of_other_types(item) {
                    let mut items = items.clone();
                    items[index] = other;
                    all.push(Value::Array(items));
                }
            }
        }
        Value::Object(fields) => {
            all.push(json!([]));
            for (name, field) in fields {
                for other in of_other_types(field) {
                    let mut fields = fields.clone();
                    fields.insert(name.clone(), other);
                    all.push(Value::Object(fields));
                }
            }
        }
    }
    all
}
