//! Layouts of stored values: descriptors, apart from the types that contracts work with and that the wire shows.
//!
//! A layout says which bytes a value has in storage, for good. Its bytes are borsh's, and what is described with
//! [`layout!`](crate::layout) fails to compile when the value gains or loses a field. Then the old layout gets a struct
//! of its own to read into, and the record a version ([`stored!`](crate::stored)).

use charter_types::registry::Epochs;
use charter_types::{AccountId, Base64Bytes, Ed25519Key, EthAddress, Hash32, U128, X25519Key};

use crate::corrupt;
use crate::encode::append;

/// How a value stands in storage.
pub trait Layout {
    type Value;

    fn write(value: &Self::Value, row: &mut Vec<u8>);

    /// Takes a value off the front of `row`.
    fn read(row: &mut &[u8]) -> Option<Self::Value>;
}

/// The value that takes up the whole of `row`.
pub fn read_whole<L: Layout>(mut row: &[u8]) -> Option<L::Value> {
    let value = L::read(&mut row)?;
    // Not `then_some`, which copies the value once more.
    if row.is_empty() { Some(value) } else { None }
}

/// Takes `N` bytes off the front.
fn take<const N: usize>(row: &mut &[u8]) -> Option<[u8; N]> {
    let (bytes, rest) = row.split_first_chunk()?;
    *row = rest;
    Some(*bytes)
}

/// Takes bytes off the front that stand behind their number.
fn take_counted<'a>(row: &mut &'a [u8]) -> Option<&'a [u8]> {
    let count = usize::try_from(u32::read(row)?).ok()?;
    let (bytes, rest) = row.split_at_checked(count)?;
    *row = rest;
    Some(bytes)
}

macro_rules! numbers {
    ($($number:ty),*) => {
        $(impl Layout for $number {
            type Value = Self;

            fn write(value: &Self, row: &mut Vec<u8>) {
                row.extend_from_slice(&value.to_le_bytes());
            }

            fn read(row: &mut &[u8]) -> Option<Self> {
                take(row).map(Self::from_le_bytes)
            }
        })*
    };
}
numbers!(u8, u16, u32, u64, u128);

macro_rules! wrapped {
    ($($wrapper:ident($inner:ty)),*) => {
        $(impl Layout for $wrapper {
            type Value = Self;

            fn write(value: &Self, row: &mut Vec<u8>) {
                <$inner>::write(&value.0, row);
            }

            fn read(row: &mut &[u8]) -> Option<Self> {
                <$inner>::read(row).map(Self)
            }
        })*
    };
}
wrapped!(U128(u128), Hash32([u8; 32]), Ed25519Key([u8; 32]), X25519Key([u8; 32]), EthAddress([u8; 20]));

impl<const N: usize> Layout for [u8; N] {
    type Value = Self;

    fn write(value: &Self, row: &mut Vec<u8>) {
        row.extend_from_slice(value);
    }

    fn read(row: &mut &[u8]) -> Option<Self> {
        take(row)
    }
}

impl Layout for bool {
    type Value = Self;

    fn write(value: &Self, row: &mut Vec<u8>) {
        row.push(u8::from(*value));
    }

    fn read(row: &mut &[u8]) -> Option<Self> {
        match u8::read(row)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

macro_rules! texts {
    ($($text:ty),*) => {
        $(impl Layout for $text {
            type Value = Self;

            fn write(value: &Self, row: &mut Vec<u8>) {
                append(value, row);
            }

            fn read(row: &mut &[u8]) -> Option<Self> {
                std::str::from_utf8(take_counted(row)?).ok()?.parse().ok()
            }
        })*
    };
}
texts!(AccountId, String);

impl Layout for Base64Bytes {
    type Value = Self;

    fn write(value: &Self, row: &mut Vec<u8>) {
        append(value, row);
    }

    fn read(row: &mut &[u8]) -> Option<Self> {
        Some(Self(take_counted(row)?.to_vec()))
    }
}

impl<L: Layout> Layout for Option<L> {
    type Value = Option<L::Value>;

    fn write(value: &Self::Value, row: &mut Vec<u8>) {
        row.push(u8::from(value.is_some()));
        if let Some(value) = value {
            L::write(value, row);
        }
    }

    fn read(row: &mut &[u8]) -> Option<Self::Value> {
        if bool::read(row)? { L::read(row).map(Some) } else { Some(None) }
    }
}

impl<L: Layout> Layout for Vec<L> {
    type Value = Vec<L::Value>;

    fn write(value: &Self::Value, row: &mut Vec<u8>) {
        let count = u32::try_from(value.len()).unwrap_or_else(|_| corrupt());
        u32::write(&count, row);
        for item in value {
            L::write(item, row);
        }
    }

    fn read(row: &mut &[u8]) -> Option<Self::Value> {
        let count = u32::read(row)?;
        (0..count).map(|_| L::read(row)).collect()
    }
}

/// Describes the layout of a struct, field by field in their order, or of an enum, variant by variant with its tag.
///
/// ```ignore
/// layout! { struct OfferV1 for Offer { to: AccountId, from_ms: u64 } }
/// // Later an offer has an end: rows of before have none, and those of now have it behind what they had.
/// layout! { struct OfferV1 for Offer { to: AccountId, from_ms: u64 } lacks { until_ms: u64::MAX } }
/// layout! { struct OfferV2 for Offer = OfferV1, then { until_ms: u64 } }
/// layout! { enum GranteeV1 for Grantee { 0 = Account(account: AccountId), 1 = Host(host: u64), 2 = Nobody } }
/// ```
#[macro_export]
macro_rules! layout {
    (
        struct $layout:ident for $value:ident { $($field:ident: $kind:ty),* $(,)? }
        $(lacks { $($lacks:ident: $default:expr),* $(,)? })?
    ) => {
        pub enum $layout {}

        impl $crate::Layout for $layout {
            type Value = $value;

            fn write(value: &$value, row: &mut Vec<u8>) {
                $(<$kind as $crate::Layout>::write(&value.$field, row);)*
            }

            fn read(row: &mut &[u8]) -> Option<$value> {
                Some($value { $($field: <$kind as $crate::Layout>::read(row)?,)* $($($lacks: $default),*)? })
            }
        }
    };
    (struct $layout:ident for $value:ident = $earlier:ident, then { $($field:ident: $kind:ty),* $(,)? }) => {
        pub enum $layout {}

        impl $crate::Layout for $layout {
            type Value = $value;

            fn write(value: &$value, row: &mut Vec<u8>) {
                <$earlier as $crate::Layout>::write(value, row);
                $(<$kind as $crate::Layout>::write(&value.$field, row);)*
            }

            fn read(row: &mut &[u8]) -> Option<$value> {
                let mut value = <$earlier as $crate::Layout>::read(row)?;
                $(value.$field = <$kind as $crate::Layout>::read(row)?;)*
                Some(value)
            }
        }
    };
    (enum $layout:ident for $value:ident {
        $($tag:literal = $variant:ident $(($inner:ident: $wrapped:ty))? $({ $($field:ident: $kind:ty),* })?),* $(,)?
    }) => {
        pub enum $layout {}

        impl $crate::Layout for $layout {
            type Value = $value;

            fn write(value: &$value, row: &mut Vec<u8>) {
                match value {
                    $($value::$variant $(($inner))? $({ $($field),* })? => {
                        row.push($tag);
                        $(<$wrapped as $crate::Layout>::write($inner, row);)?
                        $($(<$kind as $crate::Layout>::write($field, row);)*)?
                    })*
                }
            }

            fn read(row: &mut &[u8]) -> Option<$value> {
                match <u8 as $crate::Layout>::read(row)? {
                    $($tag => Some($value::$variant
                        $((<$wrapped as $crate::Layout>::read(row)?))?
                        $({ $($field: <$kind as $crate::Layout>::read(row)?),* })?
                    ),)*
                    _ => None,
                }
            }
        }
    };
}

layout! { struct EpochsV1 for Epochs { agent: u64, owner: u64 } }
