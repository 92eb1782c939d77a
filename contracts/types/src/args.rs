//! Declaring arguments.

/// Declares argument structs and makes them readable on chain; `field: Type = default` has a default.
macro_rules! arguments {
    ($($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $field:ident: $type:ty $(= $default:expr)?),* $(,)? })*) => {
        $(
            $(#[$meta])*
            #[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
            #[cfg_attr(not(near), derive(schemars::JsonSchema))]
            #[serde(deny_unknown_fields)]
            pub struct $name { $($(#[$doc])* pub $field: $type),* }
            $crate::from_json!($name { $($field $(= $default)?),* });
        )*
    };
}
pub(crate) use arguments;
