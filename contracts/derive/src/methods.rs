//! `#[methods]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, FnArg, ImplItem, ImplItemFn, ItemImpl, PatType, ReturnType, Type, parse_quote};

pub fn expand(module: TokenStream, block: TokenStream) -> syn::Result<TokenStream> {
    let module: syn::Path = syn::parse2(module)?;
    let mut block: ItemImpl = syn::parse2(block)?;
    let contract = block.self_ty.clone();
    let mut ties = Vec::new();
    for item in &mut block.items {
        if let ImplItem::Fn(method) = item {
            ties.push(tie(&module, &contract, method)?);
        }
    }
    Ok(quote! { #block #(#ties)* })
}

fn has(method: &ImplItemFn, name: &str) -> bool {
    method.attrs.iter().any(|attribute: &Attribute| attribute.path().is_ident(name))
}

/// Rewrites one method, and returns the checks of its types.
fn tie(module: &syn::Path, contract: &Type, method: &mut ImplItemFn) -> syn::Result<TokenStream> {
    let name = &method.sig.ident;
    let declared = quote! { ::charter_types::#module::methods::#name };
    let output = match &method.sig.output {
        ReturnType::Default => quote! { () },
        ReturnType::Type(_, output) => quote! { #output },
    };
    let (callback, init) = (has(method, "private"), has(method, "init"));
    let receiver = method.sig.receiver().is_some();
    let taken = parameter(method)?;
    let args = taken.as_ref().map_or_else(
        || quote! { <#declared as ::charter_types::method::Method>::Args },
        |taken| {
            let args = &taken.ty;
            quote! { #args }
        },
    );
    let kind = match (callback, init, mutable(method)) {
        (true, ..) => quote! { Callback },
        (_, true, _) => quote! { Init },
        (.., true) => quote! { Call },
        _ => quote! { View },
    };
    let fallible = is_answer(&method.sig.output);
    if fallible {
        method.attrs.push(parse_quote! { #[handle_result(aliased)] });
    }
    if !callback && (init || mutable(method)) {
        method.attrs.push(parse_quote! { #[payable] });
    }
    let enters = taken.is_some() || (!callback && mutable(method));
    if enters && !fallible {
        let why = "a call, and a view with arguments, answers `Answer`: arguments and deposit may be wrong";
        return Err(syn::Error::new_spanned(&method.sig, why));
    }
    if let Some(taken) = taken {
        let (pattern, args) = (&taken.pat, &taken.ty);
        let read: syn::Stmt = parse_quote! { let #pattern: #args = ::charter_common::enter::<#declared>()?; };
        method.block.stmts.insert(0, read);
    } else if enters {
        method.block.stmts.insert(0, parse_quote! { ::charter_common::enter::<#declared>()?; });
    }
    // `new` answers the state itself, callbacks whatever resolves the promise.
    let answers = if receiver {
        quote! { ::charter_common::check_answer::<#declared, #output>(); }
    } else {
        quote! {}
    };
    Ok(quote! {
        impl ::charter_types::method::Implements<#declared> for #contract {}
        const _: () = {
            ::charter_common::check_kind::<#declared>(::charter_types::method::Kind::#kind);
            ::charter_common::check_args::<#declared, #args>();
            #answers
        };
    })
}

fn mutable(method: &ImplItemFn) -> bool {
    method.sig.receiver().is_some_and(|receiver| receiver.mutability.is_some())
}

/// Takes the one parameter out of the signature.
fn parameter(method: &mut ImplItemFn) -> syn::Result<Option<PatType>> {
    let inputs = std::mem::take(&mut method.sig.inputs);
    let mut taken = None;
    for input in inputs {
        match input {
            FnArg::Receiver(_) => method.sig.inputs.push(input),
            FnArg::Typed(typed) if taken.is_none() => taken = Some(typed),
            FnArg::Typed(more) => {
                return Err(syn::Error::new_spanned(more, "a method takes one parameter: the type of its arguments"));
            }
        }
    }
    Ok(taken)
}

/// Whether the method returns an `Answer`, by its name: that is how near-sdk has to be told.
fn is_answer(output: &ReturnType) -> bool {
    let ReturnType::Type(_, output) = output else { return false };
    let Type::Path(path) = &**output else { return false };
    path.path.segments.last().is_some_and(|segment| segment.ident == "Answer")
}
