//! Failures with codes that never change.

/// An error whose code is part of the public interface: never renamed, reused or given another meaning.
pub trait ErrorCode: std::fmt::Display {
    fn code(&self) -> &'static str;

    /// The exact text a failed call carries on chain: the code, then a sentence for people.
    fn panic_text(&self) -> String {
        format!("{}: {self}", self.code())
    }
}

/// One enum of failures, with code, sentence and the list of codes from one table.
macro_rules! failures {
    ($(#[$meta:meta])* $name:ident { $($variant:ident { $($field:ident: $type:ty),* } = $code:literal, $text:literal;)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
        pub enum $name {
            $(#[error($text)] $variant { $($field: $type),* },)*
        }

        impl $crate::ErrorCode for $name {
            fn code(&self) -> &'static str {
                match self { $(Self::$variant { .. } => $code,)* }
            }
        }

        impl $name {
            /// Every code, in the order of declaration.
            pub const CODES: &'static [&'static str] = &[$($code),*];
        }
    };
}
pub(crate) use failures;

failures! {
    /// What any Charter contract may refuse before it looks at its own rules.
    CommonError {
        OneYocto {} = "CHARTER_ONE_YOCTO", "attach exactly 1 yoctoNEAR, so that a full-access key signs";
        NoDeposit {} = "CHARTER_NO_DEPOSIT", "attach nothing to this call";
        NotAdmin { caller: crate::AccountId } = "CHARTER_NOT_ADMIN", "caller {caller} is neither the governance account nor, before it is set, the admin";
        Paused { feature: String, until_ms: u64 } = "CHARTER_PAUSED", "{feature} is paused until {until_ms} ms";
        NotPauser { caller: crate::AccountId } = "CHARTER_NOT_PAUSER", "caller {caller} may not pause";
        PauseTooLong { max_ms: u64 } = "CHARTER_PAUSE_TOO_LONG", "a pause lasts 1 to {max_ms} ms, and before the pauser's next one the feature runs as long as it was paused";
        UnknownFeature { feature: String } = "CHARTER_UNKNOWN_FEATURE", "there is no pausable feature {feature}";
        StorageShort { needed: u128, available: u128 } = "CHARTER_STORAGE_SHORT", "storage needs {needed} yoctoNEAR more than is prepaid; {available} is free: attach it or call storage_deposit";
        StorageMinimum { minimum: u128 } = "CHARTER_STORAGE_MINIMUM", "a storage account starts with at least {minimum} yoctoNEAR";
        StorageUnknown { account: crate::AccountId } = "CHARTER_STORAGE_UNKNOWN", "{account} has no storage account";
        StorageInUse { account: crate::AccountId } = "CHARTER_STORAGE_IN_USE", "{account} still pays for rows here";
        StorageTooMuch { available: u128 } = "CHARTER_STORAGE_TOO_MUCH", "only {available} yoctoNEAR can be withdrawn";
        WrongHash { expected: crate::Hash32, found: crate::Hash32 } = "CHARTER_WRONG_HASH", "the code hashes to {found}, approved is {expected}";
        CodeReplaced { number: u64, code: crate::Hash32 } = "CHARTER_CODE_REPLACED", "the contract runs deployment {number} with code {code}, which is not what was to be replaced";
        FundsShort { needed: u128 } = "CHARTER_FUNDS_SHORT", "the contract has {needed} yoctoNEAR too little of its own for code and state: what it keeps for others does not count, so send it that much";
        ReservationFreed {} = "CHARTER_RESERVATION_FREED", "the storage reserved for this call was freed before the answer came";
        BadArguments { reason: String } = "CHARTER_BAD_ARGUMENTS", "arguments can't be read: {reason}";
    }
}
