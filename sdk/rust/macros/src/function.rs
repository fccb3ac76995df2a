//! A function with its parameters.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{
    Attribute, Error, Expr, ExprLit, FnArg, GenericArgument, Ident, ItemFn, Lit, Meta, Pat, Path,
    PathArguments, Result, ReturnType, Type, TypePath,
};

use crate::options::Options;

pub struct Function {
    /// As the author wrote it, but for the attributes of parameters.
    pub item: ItemFn,
    pub description: Option<String>,
    pub arguments: Vec<Argument>,
    /// What to pass, in order.
    passed: Vec<Passed>,
    /// It takes `&mut Context`.
    pub asks: bool,
}

enum Passed {
    Context,
    /// The argument of this index.
    Argument(usize),
}

pub struct Argument {
    pub name: Ident,
    /// What is read, which owns its data.
    pub of: Type,
    pub description: Option<String>,
    /// `#[default(…)]`.
    pub default: Option<Expr>,
    /// `#[complete(…)]`.
    pub complete: Option<Path>,
    /// Attributes of serde and schemars.
    pub attributes: Vec<Attribute>,
    /// The function takes a reference.
    pub is_borrowed: bool,
    /// It is `Parameters<T>`.
    pub is_all: bool,
}

impl Function {
    /// What clients call it.
    pub fn name(&self, options: &Options) -> String {
        match &options.name {
            Some(name) => name.value(),
            None => {
                let ident = self.item.sig.ident.to_string();
                ident.trim_start_matches("r#").to_owned()
            }
        }
    }

    /// The description in the attribute, or else the doc comment.
    pub fn description(&self, options: &Options) -> Option<String> {
        let written = options.description.as_ref().map(syn::LitStr::value);
        written.or_else(|| self.description.clone())
    }

    /// `what` is `a tool` or the like.
    pub fn new(mut item: ItemFn, what: &str) -> Result<Self> {
        if !item.sig.generics.params.is_empty() {
            let why = format!("{what} cannot be generic: clients call it by its name");
            return Err(Error::new_spanned(&item.sig.generics, why));
        }
        let description = docs(&item.attrs);
        let (mut arguments, mut passed, mut asks) = (vec![], vec![], false);
        for input in &mut item.sig.inputs {
            let FnArg::Typed(parameter) = input else {
                let why = format!("{what} is a function without `self`");
                return Err(Error::new_spanned(input, why));
            };
            let attributes = std::mem::take(&mut parameter.attrs);
            let (of, is_borrowed) = match &*parameter.ty {
                Type::Reference(reference) => {
                    if is(&reference.elem, "Context") {
                        asks |= reference.mutability.is_some();
                        passed.push(Passed::Context);
                        continue;
                    }
                    if !is(&reference.elem, "str") || reference.mutability.is_some() {
                        let why =
                            "an argument owns its data: take it without `&`, or take a `&str`";
                        return Err(Error::new_spanned(&parameter.ty, why));
                    }
                    (syn::parse_quote!(::std::string::String), true)
                }
                of if is(of, "Context") => {
                    let why = "take `&Context`, or `&mut Context` to ask the client";
                    return Err(Error::new_spanned(of, why));
                }
                Type::ImplTrait(of) => {
                    let why = "an argument has a type of its own: it is read from JSON";
                    return Err(Error::new_spanned(of, why));
                }
                of => (of.clone(), false),
            };
            let is_all = is(&of, "Parameters");
            let name = match &*parameter.pat {
                Pat::Ident(name) if name.subpat.is_none() => name.ident.clone(),
                _ if is_all => format_ident!("arguments"),
                pattern => {
                    let why = "an argument needs a name; a pattern works in `Parameters(…)` only";
                    return Err(Error::new_spanned(pattern, why));
                }
            };
            passed.push(Passed::Argument(arguments.len()));
            let mut argument = Argument {
                description: docs(&attributes),
                name,
                of,
                default: None,
                complete: None,
                attributes: vec![],
                is_borrowed,
                is_all,
            };
            for attribute in attributes {
                let path = attribute.path();
                if path.is_ident("default") {
                    argument.default = Some(attribute.parse_args()?);
                } else if path.is_ident("complete") {
                    argument.complete = Some(attribute.parse_args()?);
                } else if path.is_ident("serde") || path.is_ident("schemars") {
                    argument.attributes.push(attribute);
                } else if !path.is_ident("doc") {
                    let why = "an argument takes `default`, `complete`, `serde`, `schemars` and doc comments";
                    return Err(Error::new_spanned(attribute, why));
                }
            }
            arguments.push(argument);
        }
        Ok(Self {
            item,
            description,
            arguments,
            passed,
            asks,
        })
    }

    /// The call. Each argument is a variable of its name, with `__` before it.
    pub fn call(&self) -> TokenStream {
        let name = &self.item.sig.ident;
        let passed = self.passed.iter().map(|passed| match passed {
            Passed::Context => quote!(context),
            Passed::Argument(index) => {
                let argument = &self.arguments[*index];
                let variable = argument.variable();
                match argument.is_borrowed {
                    true => quote!(&#variable),
                    false => quote!(#variable),
                }
            }
        });
        let wait = self.item.sig.asyncness.is_some().then(|| quote!(.await));
        quote!(#name(#(#passed),*) #wait)
    }

    /// Whether something waits: the function, or one that completes.
    pub fn is_async(&self) -> TokenStream {
        let waits = self.item.sig.asyncness.is_some();
        let completers = self
            .arguments
            .iter()
            .filter_map(|argument| argument.complete.as_ref());
        quote!(#waits #(|| ::spin_mcp_sdk::__private::text::waits(&#completers))*)
    }

    /// `asking` or `context`.
    pub fn context(&self) -> TokenStream {
        match self.asks {
            true => quote!(::spin_mcp_sdk::__private::asking),
            false => quote!(::spin_mcp_sdk::__private::context),
        }
    }

    /// What ends the call, of this module and with this name for messages.
    pub fn finish(&self, module: &str, name: &str, found: &TokenStream) -> TokenStream {
        let module = format_ident!("{module}");
        let module = quote!(::spin_mcp_sdk::__private::#module);
        match self.asks {
            true => quote!(let found = #found; #module::finished_asking(context, #name, found)),
            false => quote!(#module::finished(#found)),
        }
    }

    /// The type of the result.
    pub fn output(&self) -> TokenStream {
        match &self.item.sig.output {
            ReturnType::Default => quote!(()),
            ReturnType::Type(_, of) => quote!(#of),
        }
    }

    /// The function, and a type of its name that is this.
    pub fn with(&self, implementation: &TokenStream) -> TokenStream {
        let (item, name, vis) = (&self.item, &self.item.sig.ident, &self.item.vis);
        let cfg = item
            .attrs
            .iter()
            .filter(|attribute| attribute.path().is_ident("cfg"));
        let cfg: Vec<_> = cfg.collect();
        quote! {
            #item

            #[doc(hidden)]
            #[allow(non_camel_case_types)]
            #(#cfg)*
            #vis enum #name {}

            #(#cfg)*
            const _: () = {
                #implementation
            };
        }
    }
}

impl Argument {
    pub fn variable(&self) -> Ident {
        format_ident!("__{}", self.name.to_string().trim_start_matches("r#"))
    }

    /// The name that clients send.
    pub fn key(&self) -> String {
        self.name.to_string().trim_start_matches("r#").to_owned()
    }

    /// `T` of `Option<T>`.
    pub fn optional(&self) -> Option<&Type> {
        let Type::Path(TypePath { path, .. }) = &self.of else {
            return None;
        };
        let last = path.segments.last()?;
        match &last.arguments {
            PathArguments::AngleBracketed(of) if last.ident == "Option" => match of.args.first()? {
                GenericArgument::Type(of) => Some(of),
                _ => None,
            },
            _ => None,
        }
    }

    /// How to read it from the texts in `given`, as an expression that can fail with `?`.
    pub fn read_text(&self) -> TokenStream {
        let key = self.key();
        let text = quote!(::spin_mcp_sdk::__private::text);
        let read = |of: &Type, found: TokenStream| match is(of, "String") {
            true => quote!(::std::string::String::from(#found)),
            false => quote!(#text::read::<#of>(#key, #found)?),
        };
        let maybe = |of: &Type| {
            let read = read(of, quote!(text));
            quote! {
                match #text::find(given, #key) {
                    ::core::option::Option::Some(text) => ::core::option::Option::Some(#read),
                    ::core::option::Option::None => ::core::option::Option::None,
                }
            }
        };
        match (self.optional(), &self.default) {
            (Some(of), None) => maybe(of),
            (_, Some(default)) => {
                let found = maybe(&self.of);
                quote!((#found).unwrap_or_else(|| #default))
            }
            (None, None) => read(&self.of, quote!(#text::text(given, #key)?)),
        }
    }

    /// How to suggest values for what is `typed`; none if nothing is known.
    pub fn completion(&self) -> Option<TokenStream> {
        if let Some(complete) = &self.complete {
            return Some(quote!(::spin_mcp_sdk::Completer::complete(#complete, typed).await));
        }
        let of = self.optional().unwrap_or(&self.of);
        let plain = [
            "String", "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize",
            "u8", "u16", "u32", "u64", "u128", "usize",
        ];
        (!plain.iter().any(|plain| is(of, plain)))
            .then(|| quote!(::spin_mcp_sdk::__private::text::choices::<#of>(typed)))
    }
}

/// The suggestions for all arguments, as a closure.
pub fn completions(arguments: &[Argument]) -> TokenStream {
    let known: Vec<_> = arguments
        .iter()
        .filter_map(|argument| Some((argument.key(), argument.completion()?)))
        .collect();
    let (names, completions): (Vec<_>, Vec<_>) = known.into_iter().unzip();
    match names.is_empty() {
        true => quote!(|_, _| ::std::boxed::Box::pin(async { ::std::vec![] })),
        false => quote! {
            |name, typed| ::std::boxed::Box::pin(async move {
                match name {
                    #(#names => #completions,)*
                    _ => ::std::vec![],
                }
            })
        },
    }
}

/// Whether a type has this name, in whatever module.
pub fn is(of: &Type, name: &str) -> bool {
    matches!(of, Type::Path(of) if of.path.segments.last().is_some_and(|last| last.ident == name))
}

/// The doc comment.
fn docs(attributes: &[Attribute]) -> Option<String> {
    let lines: Vec<_> = attributes
        .iter()
        .filter_map(|attribute| match &attribute.meta {
            Meta::NameValue(meta) if meta.path.is_ident("doc") => match &meta.value {
                Expr::Lit(ExprLit {
                    lit: Lit::Str(text),
                    ..
                }) => Some(text.value()),
                _ => None,
            },
            _ => None,
        })
        .collect();
    let lines: Vec<_> = lines
        .iter()
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect();
    let text = lines.join("\n").trim().to_owned();
    (!text.is_empty()).then_some(text)
}

/// Refuses attributes that mean nothing here.
pub fn without_schema(function: &Function, what: &str) -> Result<()> {
    for argument in &function.arguments {
        if argument.is_all {
            let why = format!("{what} takes its arguments one by one: they are texts");
            return Err(Error::new_spanned(&argument.of, why));
        }
        if let Some(attribute) = argument.attributes.first() {
            let why = format!("{what} takes texts, which have no schema");
            return Err(Error::new_spanned(attribute, why));
        }
    }
    Ok(())
}
