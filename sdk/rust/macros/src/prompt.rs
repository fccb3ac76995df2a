//! `#[prompt]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{ItemFn, Result};

use crate::function::{Function, completions, without_schema};
use crate::options::{Options, text};

const KEYS: [&str; 6] = ["name", "title", "description", "icons", "meta", "when"];

pub fn expand(options: Options, item: ItemFn) -> Result<TokenStream> {
    options.only("prompt", &KEYS)?;
    options.no_uri()?;
    let function = Function::new(item, "a prompt")?;
    without_schema(&function, "a prompt")?;
    let ident = &function.item.sig.ident;
    let name = function.name(&options);
    let title = text(options.title.as_ref());
    let description = text(function.description(&options));
    let (icons, meta) = (options.icons(), options.meta()?);
    let listed = function.arguments.iter().map(|argument| {
        let (key, description) = (argument.key(), text(argument.description.as_ref()));
        let required = argument.default.is_none() && argument.optional().is_none();
        quote! {
            ::spin_mcp_sdk::__private::PromptArgument {
                name: ::std::string::String::from(#key),
                title: ::core::option::Option::None,
                description: #description,
                required: #required,
            }
        }
    });
    let keys = function.arguments.iter().map(|argument| argument.key());
    let variables = function
        .arguments
        .iter()
        .map(|argument| argument.variable());
    let reads = function
        .arguments
        .iter()
        .map(|argument| argument.read_text());
    let (context, call) = (function.context(), function.call());
    let (is_async, when) = (function.is_async(), options.when());
    let result = quote! {
        async {
            ::spin_mcp_sdk::__private::text::known(given, &[#(#keys),*])?;
            #(let #variables = #reads;)*
            ::spin_mcp_sdk::PromptOutput::prompt(#call)
        }
        .await
    };
    let finish = function.finish("prompts", &name, &result);
    let complete = completions(&function.arguments);
    Ok(function.with(&quote! {
        impl ::spin_mcp_sdk::__private::PromptFunction for #ident {
            const ENTRY: ::spin_mcp_sdk::__private::PromptEntry = ::spin_mcp_sdk::__private::PromptEntry {
                name: #name,
                is_async: #is_async,
                when: #when,
                describe: || ::spin_mcp_sdk::__private::Prompt {
                    name: ::std::string::String::from(#name),
                    title: #title,
                    description: #description,
                    arguments: ::std::vec![#(#listed),*],
                    icons: #icons,
                    meta: #meta,
                },
                context: #context,
                get: |context, given| ::std::boxed::Box::pin(async move { #finish }),
                complete: #complete,
            };
        }
    }))
}
