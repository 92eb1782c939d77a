//! Charter's attribute macros, one module each. They write what no reader has to check: declarations and bodies stay
//! ordinary Rust.

mod methods;
mod wire;

use proc_macro::TokenStream;

/// Ties the methods of an impl block to their declarations: `#[methods(keys)]` above `#[near]`.
///
/// Of each public method it
/// * moves the parameter, whose place is the signature, into the first line, where the arguments are read with a code for
///   what is wrong and the declared deposit is checked (near-sdk would ignore unknown fields and panic without a code);
/// * says `#[payable]` and `#[handle_result(aliased)]` where near-sdk needs to hear it;
/// * checks against the declaration in `charter_types::keys::methods`: a method that is not declared there, or that takes
///   or answers another type, does not compile.
#[proc_macro_attribute]
pub fn methods(module: TokenStream, block: TokenStream) -> TokenStream {
    methods::expand(module.into(), block.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Makes a struct or an enum of `charter-types` a wire type: something that stands in JSON as an argument, an answer or a
/// part of one.
///
/// It gives `Clone`, `Debug` and equality; serde's traits, for programs; `FromJson`, for contracts; a schema, for ABIs; and
/// a test that both readers agree. Missing options are `None`.
///
/// | on the type | |
/// |---|---|
/// | `strict` | unknown fields are refused: what contracts are given |
/// | `text` | a string in JSON, by `Display` and `FromStr`; nothing but the JSON is derived |
/// | `upper` | variants are `UPPER_CASE`, not `snake_case` |
/// | `tag = "name"` | the variant's name is the field `name` beside its own fields |
///
/// | on a field | |
/// |---|---|
/// | `default` | missing and `null` mean the type's default |
#[proc_macro_attribute]
pub fn wire(options: TokenStream, item: TokenStream) -> TokenStream {
    wire::expand(options.into(), item.into()).unwrap_or_else(|error| error.to_compile_error()).into()
}
