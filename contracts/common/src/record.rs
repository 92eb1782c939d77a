//! Stored records and their versions.

/// What the rows of a table hold: one record, in its newest layout or an earlier one.
pub trait Stored {
    /// What contracts work with.
    type Record;

    /// Whether rows of earlier versions may still be there.
    const HAS_EARLIER: bool;

    /// Whether a row was written before its table's records had a version byte.
    fn is_bare(_value: &[u8]) -> bool {
        false
    }

    fn is_newest(value: &[u8]) -> bool;

    /// The record, whatever version it was written in.
    fn read(value: &[u8]) -> Option<Self::Record>;

    /// The record's newest layout with its version byte.
    fn write(record: &Self::Record) -> Vec<u8>;
}

/// A row that begins with its version. With room for most: a vector that grows costs more than one that is larger.
pub fn row_of(version: u8) -> Vec<u8> {
    let mut row = Vec::with_capacity(512);
    row.push(version);
    row
}

/// Says in which layouts a table's records stand in storage: `StoredThing: 1 = ThingV2, before 0 = ThingV1`. The number
/// is the row's first byte, below 0x80. Versions are only ever added, and rows move to the newest when they are next
/// written. An earlier layout reads into a struct of its own, from which the record is made (`From`).
///
/// Rows of some tables have had no version byte so far: `StoredThing: bare ThingV1`, and once they change
/// `StoredThing: 2 = ThingV2, before bare ThingV1`. A row that is exactly a `ThingV1` is read as one, so the number is
/// chosen such that no row of `ThingV2` is.
#[macro_export]
macro_rules! stored {
    ($name:ident: bare $layout:ty) => {
        pub enum $name {}

        impl $crate::Stored for $name {
            type Record = <$layout as $crate::Layout>::Value;

            const HAS_EARLIER: bool = false;

            fn is_newest(_value: &[u8]) -> bool {
                true
            }

            fn read(value: &[u8]) -> Option<Self::Record> {
                $crate::read_whole::<$layout>(value)
            }

            fn write(record: &Self::Record) -> Vec<u8> {
                let mut value = Vec::new();
                <$layout as $crate::Layout>::write(record, &mut value);
                value
            }
        }
    };
    ($name:ident: $number:literal = $layout:ty $(, before $earlier:literal = $old:ty)* $(, before bare $bare:ty)?) => {
        pub enum $name {}

        impl $crate::Stored for $name {
            type Record = <$layout as $crate::Layout>::Value;

            const HAS_EARLIER: bool = {
                assert!($number < 0x80 $(&& $earlier < $number)*, "versions only grow, and are below 0x80");
                false $(|| $earlier < $number)* $(|| !stringify!($bare).is_empty())?
            };

            $(fn is_bare(value: &[u8]) -> bool {
                $crate::read_whole::<$bare>(value).is_some()
            })?

            fn is_newest(value: &[u8]) -> bool {
                !Self::is_bare(value) && value.first() == Some(&$number)
            }

            fn read(value: &[u8]) -> Option<Self::Record> {
                $(if let Some(old) = $crate::read_whole::<$bare>(value) {
                    return Some(old.into());
                })?
                let (version, value) = value.split_first()?;
                match *version {
                    $number => $crate::read_whole::<$layout>(value),
                    $($earlier => $crate::read_whole::<$old>(value).map(Into::into),)*
                    _ => None,
                }
            }

            fn write(record: &Self::Record) -> Vec<u8> {
                let mut value = $crate::row_of($number);
                <$layout as $crate::Layout>::write(record, &mut value);
                value
            }
        }
    };
}

/// A plain number of 8 bytes, as indexes hold them: no version, it never changes.
impl Stored for u64 {
    type Record = Self;

    const HAS_EARLIER: bool = false;

    fn is_newest(_value: &[u8]) -> bool {
        true
    }

    fn read(value: &[u8]) -> Option<Self> {
        crate::read_whole::<Self>(value)
    }

    fn write(record: &Self) -> Vec<u8> {
        record.to_le_bytes().to_vec()
    }
}
