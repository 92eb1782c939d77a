//! `#[wire]`.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::ext::IdentExt;
use syn::parse::Parser;
use syn::spanned::Spanned;
use syn::{Attribute, Data, DataEnum, DeriveInput, Error, Fields, FieldsNamed, LitStr, Result, Variant};

#[derive(Default)]
struct Options {
    strict: bool,
    text: bool,
    upper: bool,
    tag: Option<LitStr>,
}

pub fn expand(options: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let options = Options::read(options)?;
    let mut item: DeriveInput = syn::parse2(item)?;
    if !item.generics.params.is_empty() {
        return Err(Error::new(
            item.generics.span(),
            "a wire type is one type: generics can't be tested for agreement",
        ));
    }
    let name = item.ident.clone();
    let test = agreement(&name);
    if options.text {
        let text = text(&name);
        return Ok(quote! { #item #text #test });
    }
    let read = match &mut item.data {
        Data::Struct(data) => {
            let reader = Reader { json: &quote!(json), tag: None, strict: options.strict };
            reader.make(&quote!(Self), &mut data.fields)?
        }
        Data::Enum(data) => enumeration(data, &options)?,
        Data::Union(_) => return Err(Error::new(name.span(), "unions have no JSON")),
    };
    let deny = options.strict.then(|| quote!(#[serde(deny_unknown_fields)]));
    let tag = options.tag.iter().map(|tag| quote!(#[serde(tag = #tag)]));
    Ok(quote! {
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(not(near), derive(schemars::JsonSchema))]
        #deny
        #(#tag)*
        #item

        impl crate::json::FromJson for #name {
            fn from_json(json: &mut crate::json::Json) -> Result<Self, crate::json::Wrong> {
                #read
            }
        }

        #test
    })
}

impl Options {
    fn read(tokens: TokenStream) -> Result<Self> {
        let mut options = Self::default();
        let parser = syn::meta::parser(|meta| {
            let flag = match meta.path.get_ident().map(Ident::to_string).as_deref() {
                Some("strict") => &mut options.strict,
                Some("text") => &mut options.text,
                Some("upper") => &mut options.upper,
                Some("tag") => {
                    options.tag = Some(meta.value()?.parse()?);
                    return Ok(());
                }
                _ => return Err(meta.error("strict, text, upper, tag = \"…\"")),
            };
            *flag = true;
            Ok(())
        });
        parser.parse2(tokens)?;
        Ok(options)
    }
}

/// Whether a field has `#[wire(default)]`, which becomes what serde knows.
fn take_default(attributes: &mut [Attribute]) -> Result<bool> {
    let Some(attribute) = attributes.iter_mut().find(|attribute| attribute.path().is_ident("wire")) else {
        return Ok(false);
    };
    let option: Ident = attribute.parse_args()?;
    if option != "default" {
        return Err(Error::new(option.span(), "default"));
    }
    *attribute = syn::parse_quote!(#[serde(default, deserialize_with = "crate::json::null_is_default")]);
    Ok(true)
}

/// Writes the code that takes fields out of `json`, where `tag` stands among them if there is one.
struct Reader<'a> {
    json: &'a TokenStream,
    tag: Option<&'a LitStr>,
    strict: bool,
}

impl Reader<'_> {
    fn make(&self, made: &TokenStream, fields: &mut Fields) -> Result<TokenStream> {
        let json = self.json;
        match fields {
            Fields::Named(fields) => self.named(made, fields),
            Fields::Unit if self.tag.is_some() => Ok(quote!(Ok(#made))),
            Fields::Unit => Ok(quote!(#json.nothing().map(|()| #made))),
            Fields::Unnamed(fields) if self.tag.is_some() => {
                Err(Error::new(fields.span(), "beside a tag there are named fields or none"))
            }
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
                Ok(quote!(crate::json::FromJson::from_json(#json).map(#made)))
            }
            Fields::Unnamed(fields) => {
                let names: Vec<Ident> = (0..fields.unnamed.len()).map(|index| format_ident!("item_{index}")).collect();
                Ok(quote! {
                    let [#(#names),*] = #json.items()?;
                    Ok(#made(#(crate::json::FromJson::from_json(#names)?),*))
                })
            }
        }
    }

    fn named(&self, made: &TokenStream, fields: &mut FieldsNamed) -> Result<TokenStream> {
        let Self { json, strict, tag } = self;
        let mut texts: Vec<String> = tag.iter().map(|tag| tag.value()).collect();
        let mut found: Vec<TokenStream> = tag.iter().map(|_| quote!(_)).collect();
        let mut values = Vec::new();
        for field in &mut fields.named {
            let default = take_default(&mut field.attrs)?;
            let Some(name) = &field.ident else { continue };
            texts.push(name.unraw().to_string());
            found.push(quote!(#name));
            values.push(if default {
                quote!(#name: #name.json.or_default()?)
            } else {
                quote!(#name: crate::json::FromJson::from_json(&mut #name.json)?)
            });
        }
        Ok(quote! {
            let [#(#found),*] = #json.fields(&[#(#texts),*], #strict)?;
            Ok(#made { #(#values),* })
        })
    }
}

fn enumeration(data: &mut DataEnum, options: &Options) -> Result<TokenStream> {
    let Options { strict, tag, upper, .. } = options;
    if *strict && tag.is_some() {
        return Err(Error::new(tag.span(), "serde is not strict about a tagged variant without fields"));
    }
    let plain = data.variants.iter().all(|variant| matches!(variant.fields, Fields::Unit));
    let (mut names, mut arms) = (Vec::new(), Vec::new());
    let reader =
        Reader { json: &if tag.is_some() { quote!(json) } else { quote!(data) }, tag: tag.as_ref(), strict: *strict };
    for Variant { attrs, ident, fields, .. } in &mut data.variants {
        let name = spelled(ident, *upper);
        attrs.push(syn::parse_quote!(#[serde(rename = #name)]));
        names.push(name);
        let made = quote!(Self::#ident);
        arms.push(if plain { quote!(Ok(#made)) } else { reader.make(&made, fields)? });
    }
    let last = arms.pop();
    let index = 0..arms.len();
    let found = match tag {
        Some(tag) => quote!(let index = json.fields(&[#tag], false)?[0].json.name(&[#(#names),*])?;),
        None if plain => quote!(let index = json.name(&[#(#names),*])?;),
        None => quote!(let (index, data) = json.variant(&[#(#names),*])?;),
    };
    Ok(quote! {
        #found
        match index {
            #(#index => { #arms })*
            _ => { #last }
        }
    })
}

/// The name in JSON.
fn spelled(name: &Ident, upper: bool) -> String {
    let mut text = String::new();
    for letter in name.to_string().chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    if upper { text.to_ascii_uppercase() } else { text }
}

fn text(name: &Ident) -> TokenStream {
    let schema = name.to_string();
    quote! {
        impl serde::Serialize for #name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.to_string())
            }
        }

        impl<'de> serde::Deserialize<'de> for #name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <String as serde::Deserialize>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }

        impl crate::json::FromJson for #name {
            fn from_json(json: &mut crate::json::Json) -> Result<Self, crate::json::Wrong> {
                json.parse()
            }
        }

        #[cfg(not(near))]
        impl schemars::JsonSchema for #name {
            fn schema_name() -> String {
                #schema.to_owned()
            }

            fn json_schema(generator: &mut schemars::r#gen::SchemaGenerator) -> schemars::schema::Schema {
                String::json_schema(generator)
            }
        }
    }
}

/// A test per type: none can be forgotten.
fn agreement(name: &Ident) -> TokenStream {
    let test = format_ident!("{}_is_read_alike_on_and_off_chain", spelled(name, false));
    quote! {
        #[cfg(test)]
        #[test]
        fn #test() {
            crate::json::agreement::check::<#name>();
        }
    }
}
