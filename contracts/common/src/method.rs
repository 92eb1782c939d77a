//! The contract's side of a declared method: reading its arguments, checking its deposit, and the types it may answer with.

use std::marker::PhantomData;

use borsh::{BorshDeserialize, BorshSerialize};
use charter_types::error::CommonError;
use charter_types::json::FromJson;
use charter_types::method::{Deposit, Kind, Method, read_borsh, read_json};
use near_sdk::{Promise, PromiseOrValue, env};
use serde::{Serialize, Serializer};

use crate::{Answer, Core, Failure};

/// Reads a call's arguments and checks the deposit, as the method is declared.
pub fn enter<M: Method>() -> Answer<M::Args> {
    entered(M::read, M::KIND, M::RULE.deposit)
}

/// The same once for all methods with the same arguments: a contract has dozens, and pays for code by the byte.
#[inline(never)]
fn entered<T>(read: fn(&[u8]) -> Result<T, String>, kind: Kind, deposit: Deposit) -> Answer<T> {
    let args = match read(&input()) {
        Ok(args) => args,
        Err(reason) => return Err(bad_arguments(reason)),
    };
    if !matches!(kind, Kind::View) {
        check_deposit(deposit)?;
    }
    Ok(args)
}

#[inline(never)]
fn input() -> Vec<u8> {
    env::input().unwrap_or_default()
}

#[inline(never)]
fn check_deposit(deposit: Deposit) -> Answer {
    match deposit {
        Deposit::Nothing => Core::check_no_deposit(),
        Deposit::OneYocto | Deposit::Prepaid => Core::check_one_yocto(),
        // Depends on the caller or on the amount: the method's own business.
        Deposit::Storage | Deposit::Amount | Deposit::StorageByOwner | Deposit::OneYoctoByOwner => Ok(()),
    }
}

/// The JSON arguments of a call that was made before, from the bytes it came with.
pub fn arguments_in<T: FromJson>(input: &[u8]) -> Answer<T> {
    read_json(input).map_err(bad_arguments)
}

/// What our own call passed to its callback.
pub fn passed_on<T: BorshDeserialize>() -> Answer<T> {
    read_borsh(&env::input().unwrap_or_default()).map_err(bad_arguments)
}

#[inline(never)]
fn bad_arguments(reason: String) -> Failure {
    CommonError::BadArguments { reason }.into()
}

/// A promise that resolves to a `T`, which a callback of ours answers.
#[must_use = "return it, or the call answers before it is done"]
pub struct Later<T> {
    promise: Promise,
    resolves_to: PhantomData<T>,
}

impl<T> Later<T> {
    /// A promise whose last call is `M`.
    pub fn to<M: Method<Answer = T>>(_: M, promise: Promise) -> Self {
        Self { promise, resolves_to: PhantomData }
    }

    /// A promise of a contract that is not ours, which resolves to what its documentation says.
    pub fn foreign(promise: Promise) -> Self {
        Self { promise, resolves_to: PhantomData }
    }

    /// It goes on by itself, and the call answers before it is done.
    pub fn detach(self) {
        self.promise.detach();
    }
}

impl<T> Serialize for Later<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Serialize::serialize(&self.promise, serializer)
    }
}

impl<T> BorshSerialize for Later<T> {
    fn serialize<W: std::io::Write>(&self, out: &mut W) -> std::io::Result<()> {
        BorshSerialize::serialize(&self.promise, out)
    }
}

impl<T> From<Later<T>> for PromiseOrValue<T> {
    fn from(later: Later<T>) -> Self {
        Self::Promise(later.promise)
    }
}

/// A promise's answer of type `T`, handed on byte for byte.
pub struct HandedOn<T> {
    bytes: Vec<u8>,
    of: PhantomData<T>,
}

impl<T> HandedOn<T> {
    pub fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, of: PhantomData }
    }
}

/// So that `#[result_serializer(borsh)]` returns the bytes alone.
impl<T> BorshSerialize for HandedOn<T> {
    fn serialize<W: std::io::Write>(&self, out: &mut W) -> std::io::Result<()> {
        out.write_all(&self.bytes)
    }
}

/// What a method may return if it is declared to answer `T`.
pub trait Answers<T> {}

impl<T> Answers<T> for T {}
impl<T> Answers<T> for Later<T> {}
impl<T> Answers<T> for PromiseOrValue<T> {}
impl<T> Answers<T> for Answer<T> {}
impl<T> Answers<T> for Answer<Later<T>> {}
impl<T> Answers<T> for Answer<PromiseOrValue<T>> {}
impl<T> Answers<T> for Answer<HandedOn<T>> {}

/// Compiles if the method is declared with these arguments. Used by `#[methods]`, as the next two are.
///
/// ```
/// # use charter_common::{Answer, methods};
/// # use charter_types::Named;
/// # #[near_sdk::near(contract_state)]
/// # #[derive(Default)]
/// # pub struct Contract {}
/// #[methods(shared)]
/// #[near_sdk::near]
/// impl Contract {
///     pub fn set_governance(&mut self, args: Named) -> Answer {
///         let Named { account: _ } = args;
///         Ok(())
///     }
/// }
/// ```
///
/// With other arguments than declared:
///
/// ```compile_fail
/// # use charter_common::{Answer, methods};
/// # use charter_types::admin::Feature;
/// # #[near_sdk::near(contract_state)]
/// # #[derive(Default)]
/// # pub struct Contract {}
/// #[methods(shared)]
/// #[near_sdk::near]
/// impl Contract {
///     pub fn set_governance(&mut self, args: Feature) -> Answer {
///         let Feature { feature: _ } = args;
///         Ok(())
///     }
/// }
/// ```
///
/// With another answer:
///
/// ```compile_fail
/// # use charter_common::{Answer, methods};
/// # use charter_types::Named;
/// # #[near_sdk::near(contract_state)]
/// # #[derive(Default)]
/// # pub struct Contract {}
/// #[methods(shared)]
/// #[near_sdk::near]
/// impl Contract {
///     pub fn set_governance(&mut self, args: Named) -> Answer<bool> {
///         let Named { account: _ } = args;
///         Ok(true)
///     }
/// }
/// ```
///
/// Without a declaration:
///
/// ```compile_fail
/// # use charter_common::{Answer, methods};
/// # use charter_types::Named;
/// # #[near_sdk::near(contract_state)]
/// # #[derive(Default)]
/// # pub struct Contract {}
/// #[methods(shared)]
/// #[near_sdk::near]
/// impl Contract {
///     pub fn set_governance_at_will(&mut self, args: Named) -> Answer {
///         let Named { account: _ } = args;
///         Ok(())
///     }
/// }
/// ```
pub const fn check_args<M: Method<Args = A>, A>() {}

/// Compiles if the method is declared with this answer.
pub const fn check_answer<M: Method, R: Answers<M::Answer>>() {}

/// Compiles if the method is declared to be called like this.
pub const fn check_kind<M: Method>(kind: Kind) {
    let same = matches!(
        (M::KIND, kind),
        (Kind::View, Kind::View)
            | (Kind::Call, Kind::Call)
            | (Kind::Init, Kind::Init)
            | (Kind::Callback, Kind::Callback)
    );
    assert!(same, "declared `view`: takes &self; `call`: &mut self; `init`: #[init]; `callback`: #[private]");
}
