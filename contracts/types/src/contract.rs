//! The contracts, as types: which methods a call may name follows from them.

use crate::method::{Contract, Stateful};
#[cfg(not(near))]
use crate::{method::Row, origin, shared};

macro_rules! contracts {
    ($($(#[doc = $doc:literal])* $name:ident = $folder:ident $(: $stateful:ident)?;)*) => {
        $(
            $(#[doc = $doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            pub struct $name;

            impl Contract for $name {
                const NAME: &'static str = stringify!($folder);

                #[cfg(not(near))]
                fn rows() -> Vec<Row> {
                    let mut rows = crate::$folder::methods::rows();
                    rows.extend(origin::methods::rows());
                    $(rows.extend(shared::$stateful::rows());)?
                    rows.sort_by_key(|row| row.name);
                    rows
                }
            }

            $(contracts!(@$stateful $name);)?
        )*

        /// Every contract's name and methods.
        #[cfg(not(near))]
        pub fn all() -> Vec<(&'static str, Vec<Row>)> {
            vec![$(($name::NAME, $name::rows())),*]
        }
    };
    (@methods $name:ident) => {
        impl Stateful for $name {}
    };
}

contracts! {
    /// Who the agents are and who speaks for them.
    Registry = registry: methods;
    /// Which credentials they may use.
    Keys = keys: methods;
    /// Which releases they may run.
    Governance = governance: methods;
    /// How they pay and are paid.
    Escrow = escrow: methods;
    /// How a crowd is paid for work that it judges itself.
    Tasks = tasks: methods;
    /// Whether a TEE's quote is genuine. It keeps nothing.
    Verifier = verifier;
}
