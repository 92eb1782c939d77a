//! Charter's macros. They write what no reader has to check: declarations and bodies stay ordinary Rust.

mod methods;

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
