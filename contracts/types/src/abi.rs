//! What the contracts' methods take and answer, as NEAR ABIs (github.com/near/abi, schema 0.4).
//!
//! Methods read their arguments by themselves (ADR 1), so near-sdk can't know their types: these tables say them. Tests
//! hold them against the exports of the real wasm; `cargo xtask abi` writes `contracts/*/abi.json`, which the build
//! embeds as `__contract_abi`.

mod escrow;
mod governance;
mod keys;
mod registry;
mod verifier;

use near_abi::{
    AbiBody, AbiBorshParameter, AbiFunction, AbiFunctionKind, AbiFunctionModifier, AbiJsonParameter, AbiMetadata,
    AbiParameters, AbiRoot, AbiType, SCHEMA_VERSION,
};
use schemars::JsonSchema;
use schemars::r#gen::{SchemaGenerator, SchemaSettings};
use schemars::schema::{Schema, SchemaObject};
use schemars::visit::{Visitor, visit_schema_object};

use crate::admin::{Feature, PauseFeature};
use crate::event::EventHead;
use crate::storage::{StorageBalance, StorageBalanceBounds, StorageDeposit, StorageOf, StorageWithdraw};
use crate::{AccountId, Named, Nothing};

/// The ABI of a contract, by the name of its folder.
pub fn of(contract: &str) -> Option<AbiRoot> {
    let table = match contract {
        "registry" => registry::table(),
        "keys" => keys::table(),
        "governance" => governance::table(),
        "escrow" => escrow::table(),
        "verifier" => verifier::table(),
        _ => return None,
    };
    Some(table.finish(contract))
}

/// Methods, and the types they mention.
struct Table {
    generator: SchemaGenerator,
    functions: Vec<AbiFunction>,
}

/// Descriptions would be most of the bytes that the contract carries, and readers of ABIs take `allOf` with one entry, in
/// which schemars wraps what has a description or a default, for something they do not know.
#[derive(Clone, Debug)]
struct Bare;

impl Visitor for Bare {
    fn visit_schema_object(&mut self, schema: &mut SchemaObject) {
        schema.metadata = None;
        // `uint64` and the like: not in the standard, and readers warn about it.
        schema.format = None;
        let only = schema.subschemas.as_mut().and_then(|sub| sub.all_of.take_if(|all| all.len() == 1));
        if let Some(Schema::Object(only)) = only.and_then(|mut all| all.pop()) {
            *schema = only;
        }
        visit_schema_object(self, schema);
    }
}

impl Table {
    fn new() -> Self {
        let settings = SchemaSettings::draft07().with_visitor(Bare);
        Self { generator: settings.into_generator(), functions: Vec::new() }
    }

    /// What all contracts with state have.
    fn shared() -> Self {
        let mut table = Self::new();
        table.pay::<StorageDeposit, StorageBalance>("storage_deposit");
        table.pay::<StorageWithdraw, StorageBalance>("storage_withdraw");
        table.pay::<Nothing, bool>("storage_unregister");
        table.view::<StorageOf, Option<StorageBalance>>("storage_balance_of");
        table.view::<Nothing, StorageBalanceBounds>("storage_balance_bounds");
        table.view::<Nothing, EventHead>("event_head");
        table.view::<Nothing, Option<AccountId>>("governance");
        table.call::<Named, ()>("set_governance");
        table.call::<Named, ()>("set_pauser");
        table.call::<PauseFeature, ()>("pause_feature");
        table.call::<Feature, ()>("unpause_feature");
        // The code is the raw input, which no ABI can say.
        table.call::<Nothing, ()>("upgrade");
        table.init::<Nothing>("migrate").modifiers.push(AbiFunctionModifier::Private);
        table.callbacks(&["fail"]);
        table
    }

    fn add(&mut self, name: &str, kind: AbiFunctionKind) -> &mut AbiFunction {
        self.functions.push(AbiFunction {
            name: name.to_owned(),
            doc: None,
            kind,
            modifiers: Vec::new(),
            params: AbiParameters::default(),
            callbacks: Vec::new(),
            callbacks_vec: None,
            result: None,
        });
        let last = self.functions.len().saturating_sub(1);
        &mut self.functions[last]
    }

    /// The fields of an object of arguments, those that have to be there first.
    fn parameters<A: JsonSchema>(&mut self) -> AbiParameters {
        let mut schema = A::json_schema(&mut self.generator).into_object();
        Bare.visit_schema_object(&mut schema);
        let object = schema.object.unwrap_or_default();
        let (required, optional): (Vec<_>, Vec<_>) =
            object.properties.into_iter().partition(|(name, _)| object.required.contains(name));
        let given = required.into_iter().map(|(name, type_schema)| AbiJsonParameter { name, type_schema });
        let may_lack = |(name, schema)| AbiJsonParameter { name, type_schema: nullable(schema) };
        AbiParameters::Json { args: given.chain(optional.into_iter().map(may_lack)).collect() }
    }

    fn json<A: JsonSchema, R: JsonSchema>(&mut self, name: &str, kind: AbiFunctionKind) -> &mut AbiFunction {
        let params = self.parameters::<A>();
        // Nothing comes back as no bytes at all, not as `null`.
        let result = (R::schema_name() != <()>::schema_name()).then(|| self.answer::<R>());
        let function = self.add(name, kind);
        (function.params, function.result) = (params, result);
        function
    }

    fn answer<R: JsonSchema>(&mut self) -> AbiType {
        let mut type_schema = self.generator.subschema_for::<R>();
        Bare.visit_schema(&mut type_schema);
        AbiType::Json { type_schema }
    }

    fn view<A: JsonSchema, R: JsonSchema>(&mut self, name: &str) {
        self.json::<A, R>(name, AbiFunctionKind::View);
    }

    fn call<A: JsonSchema, R: JsonSchema>(&mut self, name: &str) {
        self.json::<A, R>(name, AbiFunctionKind::Call);
    }

    /// A call that takes a deposit, be it of 1 yoctoNEAR, or says how much it expects.
    fn pay<A: JsonSchema, R: JsonSchema>(&mut self, name: &str) {
        self.json::<A, R>(name, AbiFunctionKind::Call).modifiers.push(AbiFunctionModifier::Payable);
    }

    fn init<A: JsonSchema>(&mut self, name: &str) -> &mut AbiFunction {
        let function = self.json::<A, ()>(name, AbiFunctionKind::Call);
        function.modifiers.push(AbiFunctionModifier::Init);
        function
    }

    /// Callbacks are the contract's own business: what they take is nobody else's.
    fn callbacks(&mut self, names: &[&str]) {
        for name in names {
            self.add(name, AbiFunctionKind::Call).modifiers.push(AbiFunctionModifier::Private);
        }
    }

    fn borsh(&mut self, name: &str, kind: AbiFunctionKind, args: Vec<AbiBorshParameter>) -> &mut AbiFunction {
        let function = self.add(name, kind);
        function.params = AbiParameters::Borsh { args };
        function
    }

    /// Every contract says its version and where it comes from (NEP-330).
    fn finish(mut self, contract: &str) -> AbiRoot {
        self.view::<Nothing, String>("version");
        self.view::<Nothing, ContractSourceMetadata>("contract_source_metadata");
        self.functions.sort_by(|one, other| one.name.cmp(&other.name));
        let metadata = AbiMetadata {
            name: Some(format!("charter-{contract}")),
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            ..AbiMetadata::default()
        };
        let root_schema = self.generator.into_root_schema_for::<String>();
        let body = AbiBody { functions: self.functions, root_schema };
        AbiRoot { schema_version: SCHEMA_VERSION.to_owned(), metadata, body }
    }
}

fn parameter<T: borsh::BorshSchema>(name: &str) -> AbiBorshParameter {
    AbiBorshParameter { name: name.to_owned(), type_schema: borsh::schema::BorshSchemaContainer::for_type::<T>() }
}

/// What may be left out may be `null`: readers of ABIs know no other way to say so.
fn nullable(schema: Schema) -> Schema {
    use schemars::schema::{InstanceType, SingleOrVec, SubschemaValidation};
    let null = || SchemaObject { instance_type: Some(InstanceType::Null.into()), ..SchemaObject::default() };
    let mut object = schema.into_object();
    match &mut object.instance_type {
        Some(SingleOrVec::Single(kind)) if **kind != InstanceType::Null && object.enum_values.is_none() => {
            object.instance_type = Some(SingleOrVec::Vec(vec![**kind, InstanceType::Null]));
        }
        Some(SingleOrVec::Vec(kinds)) if kinds.contains(&InstanceType::Null) => {}
        _ => {
            let any = object.subschemas.as_ref().and_then(|sub| sub.any_of.clone());
            let mut any = any.unwrap_or_else(|| vec![Schema::Object(object)]);
            let known = |schema: &Schema| *schema == Schema::Object(null());
            if !any.iter().any(known) {
                any.push(null().into());
            }
            let subschemas = SubschemaValidation { any_of: Some(any), ..SubschemaValidation::default() };
            object = SchemaObject { subschemas: Some(Box::new(subschemas)), ..SchemaObject::default() };
        }
    }
    object.into()
}

/// NEP-330, as near-sdk answers it.
#[expect(dead_code, reason = "its shape is all that is wanted of it")]
#[derive(JsonSchema)]
struct ContractSourceMetadata {
    version: Option<String>,
    link: Option<String>,
    standards: Vec<Standard>,
    build_info: Option<BuildInfo>,
}

#[expect(dead_code, reason = "its shape is all that is wanted of it")]
#[derive(JsonSchema)]
struct Standard {
    standard: String,
    version: String,
}

#[expect(dead_code, reason = "its shape is all that is wanted of it")]
#[derive(JsonSchema)]
struct BuildInfo {
    build_environment: String,
    build_command: Vec<String>,
    contract_path: String,
    source_code_snapshot: String,
    output_wasm_path: Option<String>,
}
