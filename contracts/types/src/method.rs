//! Methods: what each is called, takes, answers and asks of its caller, in one place.
//!
//! Every contract declares its methods once, with `methods!`, in its `methods` module: a unit type for each, named like the
//! method, that implements [`Method`]. The contract's implementation is tied to the declaration by
//! `#[charter_common::methods]`, so a method that is missing or has other types does not compile; clients, promises and tests
//! make calls from the same types; ABI, reference pages, and the tests of refusals and gas walk the [`Row`]s.

/// A method of a contract, as a type.
pub trait Method: Copy {
    const NAME: &'static str;
    const KIND: Kind;
    const RULE: Rule;
    type Args;
    type Answer;

    /// Arguments as the method takes them.
    fn write(args: &Self::Args) -> Vec<u8>;

    /// Arguments from a call's input. No input counts as an empty object where JSON is expected.
    fn read(input: &[u8]) -> Result<Self::Args, String>;

    /// The answer, from the bytes a call or a view returned.
    #[cfg(not(near))]
    fn answer(bytes: &[u8]) -> Result<Self::Answer, String>;
}

/// A method that contract `C` has.
pub trait Of<C>: Method {}

/// That a contract's code has a method, with the declared types.
pub trait Implements<M> {}

/// A contract, as a type.
pub trait Contract: Copy {
    /// The name of its folder and, below a deployment's root, of its account.
    const NAME: &'static str;

    /// Its methods, sorted by name.
    #[cfg(not(near))]
    fn rows() -> Vec<Row>;
}

/// A contract that keeps state, and so has storage accounts, a chain of events, pauses and upgrades.
pub trait Stateful: Contract {}

/// How a method is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    View,
    Call,
    /// Once, right after the code was deployed.
    Init,
    /// By the contract itself.
    Callback,
}

/// What a method asks of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    pub deposit: Deposit,
    pub caller: Caller,
    pub gas: Gas,
}

/// What has to be attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deposit {
    /// Nothing: a function-call key may sign.
    Nothing,
    /// Exactly 1 yoctoNEAR: a full-access key signed.
    OneYocto,
    /// The same, and the caller has prepaid what the call stores (`storage_deposit`).
    Prepaid,
    /// At least 1 yoctoNEAR; it pays for what the call stores, and the rest comes back.
    Storage,
    /// What the call is about.
    Amount,
    /// An owner attaches as for [`Deposit::Storage`], an operator nothing or more.
    StorageByOwner,
    /// An owner attaches 1 yoctoNEAR, a guardian nothing.
    OneYoctoByOwner,
}

impl Deposit {
    /// For people.
    #[cfg(not(near))]
    pub fn words(self) -> &'static str {
        match self {
            Self::Nothing => "none",
            Self::OneYocto => "1 yocto",
            Self::Prepaid => "1 yocto, prepaid storage",
            Self::Storage => "pays storage",
            Self::Amount => "the amount",
            Self::StorageByOwner => "owner: pays storage; operator: none needed",
            Self::OneYoctoByOwner => "owner: 1 yocto; others: none",
        }
    }
}

/// Who may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    Anyone,
    /// The contract itself.
    Contract,
    /// The governance account or, before it is set, the admin.
    Admin,
    /// The pauser, or the admin.
    Pauser,
    /// The agent's owner.
    Owner,
    /// The agent's owner, or an operator with the permission.
    OwnerOrOperator,
    /// The agent's owner, or one of its guardians.
    OwnerOrGuardian,
    /// Whoever has a role for the agent, for itself.
    RoleHolder,
    /// The agent's own account.
    Agent,
    /// Whom the agent, or its payout, is offered to.
    Offered,
    /// One of the agent's recoverers.
    Recoverer,
    /// A contract that reports reputation.
    Reporter,
    /// Who operates the host.
    HostOperator,
    /// Whoever holds the grant.
    Grantee,
    /// Whoever holds the grant, or the host's operator.
    GranteeOrHost,
    /// Who made the grant.
    Grantor,
    /// Who pays for the row, or the agent's owner.
    PayerOrOwner,
    /// Who made the grant, or the agent's owner.
    GrantorOrOwner,
    /// Who made the grant, the agent's owner, or one of its guardians.
    GrantorOrRevoker,
    /// A member of the line's council, or who has a say by stake.
    Council,
    /// Who made the proposal.
    Proposer,
    /// The line's guardian.
    LineGuardian,
    /// Who has locked something on the line.
    Holder,
    /// A delegate of the line.
    Delegate,
    /// The contract of a token that is kept here for others.
    Token,
    /// Who pays into the channel.
    Payer,
    /// Who is paid from the channel.
    Payee,
    /// Who asks on the edge.
    Asker,
    /// Who answers on the edge.
    Acker,
    /// Who posted the set of tasks.
    Requester,
    /// Who took the task.
    Worker,
    /// One of the two.
    WorkerOrRequester,
    /// Who has a seat on the task's panel.
    Seat,
    /// Who has bonded a slot.
    Reviewer,
    /// Who pays for the row.
    RowPayer,
}

impl Caller {
    /// For people.
    #[cfg(not(near))]
    pub fn words(self) -> &'static str {
        match self {
            Self::Anyone => "anyone",
            Self::Contract => "the contract",
            Self::Admin => "governance, before it the admin",
            Self::Pauser => "pauser, admin",
            Self::Owner => "owner",
            Self::OwnerOrOperator => "owner, operator",
            Self::OwnerOrGuardian => "owner, guardian",
            Self::RoleHolder => "who has a role",
            Self::Agent => "the agent's account",
            Self::Offered => "whom it is offered to",
            Self::Recoverer => "recoverer",
            Self::Reporter => "listed reporter",
            Self::HostOperator => "the host's operator",
            Self::Grantee => "who holds the grant",
            Self::GranteeOrHost => "who holds the grant, the host's operator",
            Self::Grantor => "who granted it",
            Self::PayerOrOwner => "who pays for it, owner",
            Self::GrantorOrOwner => "who granted it, owner",
            Self::GrantorOrRevoker => "who granted it, owner, guardian",
            Self::Council => "council member, or who has a say by stake",
            Self::Proposer => "proposer",
            Self::LineGuardian => "the line's guardian",
            Self::Holder => "who locked it",
            Self::Delegate => "delegate",
            Self::Token => "the token",
            Self::Payer => "payer",
            Self::Payee => "payee",
            Self::Asker => "asker",
            Self::Acker => "acker",
            Self::Requester => "requester",
            Self::Worker => "worker",
            Self::WorkerOrRequester => "worker, requester",
            Self::Seat => "who has a seat on the panel",
            Self::Reviewer => "reviewer",
            Self::RowPayer => "who pays for the row",
        }
    }
}

/// How much gas a call should attach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gas {
    /// For a call that is done in its first receipt.
    Flat,
    /// For a call that asks another contract first.
    Asks,
    /// For a call whose work grows with its arguments.
    Batch,
    /// For a call that carries code to deploy.
    Code,
}

impl Gas {
    pub fn tgas(self) -> u64 {
        match self {
            Self::Flat => 50,
            Self::Asks => 100,
            Self::Batch => 300,
            Self::Code => 900,
        }
    }
}

/// How arguments and answers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    Json,
    /// Arguments in borsh, the answer in JSON.
    BorshArgs,
    Borsh,
    /// Arguments are the input as it is.
    Raw,
}

/// A method as data.
#[cfg(not(near))]
#[derive(Clone, Copy)]
pub struct Row {
    pub name: &'static str,
    pub docs: &'static [&'static str],
    pub kind: Kind,
    pub rule: Rule,
    pub codec: Codec,
    /// Names of the types, as the declaration has them.
    pub args: &'static str,
    pub answer: &'static str,
    pub(crate) schema: crate::abi::Schema,
}

/// Declares a contract's methods.
///
/// ```text
/// methods! { of Keys;
///     /// What it does, for the reference page.
///     call grant(GrantSecret) -> Added [Prepaid, Owner, Asks];
///     call claim_batch borsh(ClaimBatch) -> Vec<ClaimResult> [Nothing, Anyone, Batch];
///     view grants(Page) -> Vec<Grant>;
///     init new(Setup);
///     callback on_authority -> Added;
/// }
/// ```
#[cfg_attr(near, expect(unused_macro_rules, reason = "declarations as data are for programs"))]
macro_rules! methods {
    (of $contract:ident; $($rows:tt)*) => {
        $crate::method::methods!(@each [impl $crate::method::Of<$crate::contract::$contract> for] [] $($rows)*);
    };
    (of any $trait:ident; $($rows:tt)*) => {
        $crate::method::methods!(@each [impl<C: $crate::method::$trait> $crate::method::Of<C> for] [] $($rows)*);
    };
    // A row at a time is brought into one form: name, kind, codec, types, rule.
    (@each $of:tt [$($done:tt)*] $(#[doc = $doc:literal])* call $name:ident $($codec:ident)? ($args:ty) $(-> $answer:ty)? [$deposit:ident, $caller:ident, $gas:ident]; $($rest:tt)*) => {
        $crate::method::methods!(@each $of [$($done)* { [$($doc)*] $name Call [$($codec)?] [$args] [$($answer)?] [$deposit, $caller, $gas] }] $($rest)*);
    };
    (@each $of:tt [$($done:tt)*] $(#[doc = $doc:literal])* view $name:ident $($codec:ident)? ($args:ty) -> $answer:ty; $($rest:tt)*) => {
        $crate::method::methods!(@each $of [$($done)* { [$($doc)*] $name View [$($codec)?] [$args] [$answer] [Nothing, Anyone, Flat] }] $($rest)*);
    };
    (@each $of:tt [$($done:tt)*] $(#[doc = $doc:literal])* init $name:ident ($args:ty); $($rest:tt)*) => {
        $crate::method::methods!(@each $of [$($done)* { [$($doc)*] $name Init [] [$args] [] [Nothing, Anyone, Flat] }] $($rest)*);
    };
    (@each $of:tt [$($done:tt)*] $(#[doc = $doc:literal])* callback $name:ident $(-> $answer:ty)?; $($rest:tt)*) => {
        $crate::method::methods!(@each $of [$($done)* { [$($doc)*] $name Callback [raw] [Vec<u8>] [$($answer)?] [Nothing, Contract, Flat] }] $($rest)*);
    };
    (@each $of:tt [$({ $docs:tt $name:ident $kind:ident $codec:tt $args:tt $answer:tt $rule:tt })*]) => {
        $($crate::method::methods!(@method $of $docs $name $kind $codec $args $answer $rule);)*

        /// Compiles for code that has all of these methods.
        pub const fn complete<C: $($crate::method::Implements<$name> +)*>() {}

        /// The declarations as data.
        #[cfg(not(near))]
        pub fn rows() -> Vec<$crate::method::Row> {
            vec![$($crate::method::methods!(@row $docs $name $codec $args $answer)),*]
        }
    };
    (@method [$($of:tt)*] [$($doc:literal)*] $name:ident $kind:ident $codec:tt [$args:ty] [$($answer:ty)?] [$deposit:ident, $caller:ident, $gas:ident]) => {
        $(#[doc = $doc])*
        #[expect(non_camel_case_types, reason = "it stands for a method, whose name it has")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name;

        impl $crate::method::Method for $name {
            const NAME: &'static str = stringify!($name);
            const KIND: $crate::method::Kind = $crate::method::Kind::$kind;
            const RULE: $crate::method::Rule = $crate::method::Rule {
                deposit: $crate::method::Deposit::$deposit,
                caller: $crate::method::Caller::$caller,
                gas: $crate::method::Gas::$gas,
            };
            type Args = $args;
            type Answer = $crate::method::methods!(@answer $($answer)?);
            $crate::method::methods!(@codec $codec);
        }

        $($of)* $name {}
    };
    (@answer) => { () };
    (@answer $answer:ty) => { $answer };
    (@codec []) => {
        fn write(args: &Self::Args) -> Vec<u8> { $crate::method::write_json(args) }
        fn read(input: &[u8]) -> Result<Self::Args, String> { $crate::method::read_json(input) }
        #[cfg(not(near))]
        fn answer(bytes: &[u8]) -> Result<Self::Answer, String> { $crate::method::answer_json(bytes) }
    };
    (@codec [borsh]) => {
        fn write(args: &Self::Args) -> Vec<u8> { $crate::hash::borsh_bytes(args) }
        fn read(input: &[u8]) -> Result<Self::Args, String> { $crate::method::read_borsh(input) }
        #[cfg(not(near))]
        fn answer(bytes: &[u8]) -> Result<Self::Answer, String> { $crate::method::answer_json(bytes) }
    };
    (@codec [all_borsh]) => {
        fn write(args: &Self::Args) -> Vec<u8> { $crate::hash::borsh_bytes(args) }
        fn read(input: &[u8]) -> Result<Self::Args, String> { $crate::method::read_borsh(input) }
        #[cfg(not(near))]
        fn answer(bytes: &[u8]) -> Result<Self::Answer, String> { $crate::method::read_borsh(bytes) }
    };
    (@codec [raw]) => {
        fn write(args: &Self::Args) -> Vec<u8> { args.clone() }
        fn read(input: &[u8]) -> Result<Self::Args, String> { Ok(input.to_vec()) }
        #[cfg(not(near))]
        fn answer(bytes: &[u8]) -> Result<Self::Answer, String> { $crate::method::answer_json(bytes) }
    };
    (@row [$($doc:literal)*] $name:ident $codec:tt [$args:ty] [$($answer:ty)?]) => {
        $crate::method::Row {
            name: stringify!($name),
            docs: &[$($doc),*],
            kind: <$name as $crate::method::Method>::KIND,
            rule: <$name as $crate::method::Method>::RULE,
            codec: $crate::method::methods!(@codec_of $codec),
            args: stringify!($args),
            answer: stringify!($($answer)?),
            schema: $crate::method::methods!(@schema $codec [$args] [$($answer)?]),
        }
    };
    (@codec_of []) => { $crate::method::Codec::Json };
    (@codec_of [borsh]) => { $crate::method::Codec::BorshArgs };
    (@codec_of [all_borsh]) => { $crate::method::Codec::Borsh };
    (@codec_of [raw]) => { $crate::method::Codec::Raw };
    (@schema [] [$args:ty] [$($answer:ty)?]) => {
        $crate::abi::Schema {
            args: $crate::abi::json_args::<$args>,
            answer: $crate::abi::json_answer::<$crate::method::methods!(@answer $($answer)?)>,
        }
    };
    (@schema [borsh] [$args:ty] [$($answer:ty)?]) => {
        $crate::abi::Schema {
            args: $crate::abi::borsh_args::<$args>,
            answer: $crate::abi::json_answer::<$crate::method::methods!(@answer $($answer)?)>,
        }
    };
    (@schema [all_borsh] [$args:ty] [$answer:ty]) => {
        $crate::abi::Schema { args: $crate::abi::borsh_args::<$args>, answer: $crate::abi::borsh_answer::<$answer> }
    };
    // What raw input means no ABI can say, and what callbacks answer is nobody else's business.
    (@schema [raw] $args:tt $answer:tt) => { $crate::abi::Schema::NONE };
}
pub(crate) use methods;

/// Arguments in JSON.
pub fn write_json<T: serde::Serialize>(args: &T) -> Vec<u8> {
    serde_json::to_vec(args).unwrap_or_else(|_| panic!("arguments have no JSON encoding"))
}

pub fn read_json<T: crate::json::FromJson>(input: &[u8]) -> Result<T, String> {
    crate::json::read(if input.is_empty() { b"{}" } else { input })
}

/// An answer in JSON. A method that answers nothing returns no bytes.
#[cfg(not(near))]
pub fn answer_json<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    serde_json::from_slice(if bytes.is_empty() { b"null" } else { bytes }).map_err(|error| error.to_string())
}

pub fn read_borsh<T: borsh::BorshDeserialize>(bytes: &[u8]) -> Result<T, String> {
    T::try_from_slice(bytes).map_err(|error| error.to_string())
}
