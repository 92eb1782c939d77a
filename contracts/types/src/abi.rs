//! What the contracts' methods take and answer, as NEAR ABIs (github.com/near/abi, schema 0.4), from their declarations.
//!
//! `cargo xtask abi` writes `contracts/*/abi.json`, which the build embeds as `__contract_abi`.

use std::collections::BTreeMap;

use borsh::BorshSchema;
use borsh::schema::{BorshSchemaContainer, Declaration, Definition, Fields};
use near_abi::{
    AbiBody, AbiBorshParameter, AbiFunction, AbiFunctionKind, AbiFunctionModifier, AbiJsonParameter, AbiMetadata,
    AbiParameters, AbiRoot, AbiType, SCHEMA_VERSION,
};
use schemars::JsonSchema;
use schemars::r#gen::{SchemaGenerator, SchemaSettings};
use schemars::schema::{Schema as JsonShape, SchemaObject};
use schemars::visit::{Visitor, visit_schema_object};

use crate::method::{Deposit, Kind, Row};

/// The ABI of a contract, from its name and its methods as [`contract::all`](crate::contract::all) has them.
pub fn of(contract: &str, rows: Vec<Row>) -> AbiRoot {
    let mut generator = SchemaSettings::draft07().with_visitor(Bare).into_generator();
    let functions = rows.into_iter().map(|row| function(row, &mut generator)).collect();
    let metadata = AbiMetadata {
        name: Some(format!("charter-{contract}")),
        version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        ..AbiMetadata::default()
    };
    let body = AbiBody { functions, root_schema: generator.into_root_schema_for::<String>() };
    AbiRoot { schema_version: SCHEMA_VERSION.to_owned(), metadata, body }
}

fn function(row: Row, generator: &mut SchemaGenerator) -> AbiFunction {
    let mut modifiers = Vec::new();
    match row.kind {
        Kind::Init => modifiers.push(AbiFunctionModifier::Init),
        Kind::Callback => modifiers.push(AbiFunctionModifier::Private),
        Kind::Call if row.rule.deposit != Deposit::Nothing => modifiers.push(AbiFunctionModifier::Payable),
        Kind::Call | Kind::View => {}
    }
    AbiFunction {
        name: row.name.to_owned(),
        doc: None,
        kind: if row.kind == Kind::View { AbiFunctionKind::View } else { AbiFunctionKind::Call },
        modifiers,
        params: (row.schema.args)(generator),
        callbacks: Vec::new(),
        callbacks_vec: None,
        result: (row.schema.answer)(generator),
    }
}

/// How to describe the types of a method.
#[derive(Clone, Copy)]
pub(crate) struct Schema {
    pub args: fn(&mut SchemaGenerator) -> AbiParameters,
    pub answer: fn(&mut SchemaGenerator) -> Option<AbiType>,
}

impl Schema {
    pub const NONE: Self = Self { args: |_| AbiParameters::default(), answer: |_| None };
}

/// The fields of an object of arguments, those that have to be there first.
pub(crate) fn json_args<A: JsonSchema>(generator: &mut SchemaGenerator) -> AbiParameters {
    let mut schema = A::json_schema(generator).into_object();
    Bare.visit_schema_object(&mut schema);
    let object = schema.object.unwrap_or_default();
    let (required, optional): (Vec<_>, Vec<_>) =
        object.properties.into_iter().partition(|(name, _)| object.required.contains(name));
    let given = required.into_iter().map(|(name, type_schema)| AbiJsonParameter { name, type_schema });
    let may_lack = |(name, schema)| AbiJsonParameter { name, type_schema: nullable(schema) };
    AbiParameters::Json { args: given.chain(optional.into_iter().map(may_lack)).collect() }
}

/// Nothing comes back as no bytes at all, not as `null`.
pub(crate) fn json_answer<R: JsonSchema>(generator: &mut SchemaGenerator) -> Option<AbiType> {
    if R::schema_name() == <()>::schema_name() {
        return None;
    }
    let mut type_schema = generator.subschema_for::<R>();
    Bare.visit_schema(&mut type_schema);
    Some(AbiType::Json { type_schema })
}

/// The fields of a struct of arguments, each with the types it mentions.
pub(crate) fn borsh_args<A: BorshSchema>(_: &mut SchemaGenerator) -> AbiParameters {
    let whole = BorshSchemaContainer::for_type::<A>();
    let fields = match whole.get_definition(whole.declaration()) {
        Some(Definition::Struct { fields: Fields::NamedFields(fields) }) => fields.clone(),
        other => unreachable!("arguments in borsh are structs with named fields, not {other:?}"),
    };
    let parameter = |(name, declaration): (String, Declaration)| {
        let mut definitions = BTreeMap::new();
        mentioned(&whole, &declaration, &mut definitions);
        AbiBorshParameter { name, type_schema: BorshSchemaContainer::new(declaration, definitions) }
    };
    AbiParameters::Borsh { args: fields.into_iter().map(parameter).collect() }
}

/// The definitions that a declaration needs, of those the whole has.
fn mentioned(whole: &BorshSchemaContainer, declaration: &Declaration, found: &mut BTreeMap<Declaration, Definition>) {
    let Some(definition) = whole.get_definition(declaration) else { return };
    if found.insert(declaration.clone(), definition.clone()).is_some() {
        return;
    }
    let inner: Vec<&Declaration> = match definition {
        Definition::Sequence { elements, .. } => vec![elements],
        Definition::Tuple { elements } => elements.iter().collect(),
        Definition::Enum { variants, .. } => variants.iter().map(|(_, _, declaration)| declaration).collect(),
        Definition::Struct { fields: Fields::NamedFields(fields) } => fields.iter().map(|(_, inner)| inner).collect(),
        Definition::Struct { fields: Fields::UnnamedFields(fields) } => fields.iter().collect(),
        Definition::Struct { fields: Fields::Empty } | Definition::Primitive(_) => Vec::new(),
    };
    for declaration in inner {
        mentioned(whole, declaration, found);
    }
}

#[expect(clippy::unnecessary_wraps, reason = "as json_answer: a method may answer nothing")]
pub(crate) fn borsh_answer<R: BorshSchema>(_: &mut SchemaGenerator) -> Option<AbiType> {
    Some(AbiType::Borsh { type_schema: BorshSchemaContainer::for_type::<R>() })
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
        if let Some(JsonShape::Object(only)) = only.and_then(|mut all| all.pop()) {
            *schema = only;
        }
        visit_schema_object(self, schema);
    }
}

/// What may be left out may be `null`: readers of ABIs know no other way to say so.
fn nullable(schema: JsonShape) -> JsonShape {
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
            let mut any = any.unwrap_or_else(|| vec![JsonShape::Object(object)]);
            let known = |schema: &JsonShape| *schema == JsonShape::Object(null());
            if !any.iter().any(known) {
                any.push(null().into());
            }
            let subschemas = SubschemaValidation { any_of: Some(any), ..SubschemaValidation::default() };
            object = SchemaObject { subschemas: Some(Box::new(subschemas)), ..SchemaObject::default() };
        }
    }
    object.into()
}
