//! Stored records and their versions.

/// Makes `$name` the enum under which `$record` is stored. Variants are only ever added: a changed layout is a `V2` with a
/// type of its own, and `into_newest` brings the older ones up to it.
#[macro_export]
macro_rules! stored {
    ($name:ident, $record:ty) => {
        #[derive(borsh::BorshSerialize, borsh::BorshDeserialize)]
        pub enum $name {
            V1($record),
        }

        impl $name {
            pub fn into_newest(self) -> $record {
                let Self::V1(record) = self;
                record
            }
        }
    };
}
