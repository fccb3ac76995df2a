//! `#[tool]`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Error, ItemFn, Result};

use crate::function::Function;
use crate::options::{Options, text};

const KEYS: [&str; 9] = [
    "name",
    "title",
    "description",
    "annotations",
    "icons",
    "meta",
    "ui",
    "visibility",
    "when",
];

pub fn expand(options: Options, item: ItemFn) -> Result<TokenStream> {
    options.only("tool", &KEYS)?;
    options.no_uri()?;
    let function = Function::new(item, "a tool")?;
    let (arguments, parsed) = arguments(&function)?;
    let ident = &function.item.sig.ident;
    let name = function.name(&options);
    let title = text(options.title.as_ref());
    let description = match function.description(&options) {
        Some(description) => quote!(::core::option::Option::Some(#description)),
        None => quote!(::core::option::Option::None),
    };
    let (annotations, icons, meta) = (options.hints()?, options.icons(), options.meta()?);
    let (context, output, call) = (function.context(), function.output(), function.call());
    let (is_async, when) = (function.is_async(), options.when());
    let outcome = quote! {
        match ::spin_mcp_sdk::__private::tools::parsed::<Arguments>(arguments) {
            ::core::result::Result::Ok(arguments) => {
                #parsed
                ::spin_mcp_sdk::ToolOutput::outcome(#call)
            }
            ::core::result::Result::Err(why) => ::core::result::Result::Err(why),
        }
    };
    let finish = function.finish("tools", &name, &outcome);
    Ok(function.with(&quote! {
        #arguments

        impl ::spin_mcp_sdk::__private::ToolFunction for #ident {
            const ENTRY: ::spin_mcp_sdk::__private::ToolEntry = ::spin_mcp_sdk::__private::ToolEntry {
                name: #name,
                is_async: #is_async,
                when: #when,
                describe: || {
                    let (input_schema, description) =
                        ::spin_mcp_sdk::__private::tools::input::<Arguments>(#description);
                    ::spin_mcp_sdk::__private::Tool {
                        name: ::std::string::String::from(#name),
                        title: #title,
                        description,
                        input_schema,
                        output_schema: <#output as ::spin_mcp_sdk::ToolOutput>::schema(),
                        annotations: #annotations,
                        icons: #icons,
                        meta: #meta,
                    }
                },
                context: #context,
                call: |context, arguments| ::std::boxed::Box::pin(async move { #finish }),
            };
        }
    }))
}

/// The type `Arguments`, and the variables for the call out of a value of it.
fn arguments(function: &Function) -> Result<(TokenStream, TokenStream)> {
    if let Some(all) = function.arguments.iter().find(|argument| argument.is_all) {
        if function.arguments.len() > 1 {
            let why = "`Parameters` holds all arguments, so it is the only one";
            return Err(Error::new_spanned(&all.of, why));
        }
        let (of, variable) = (&all.of, all.variable());
        let inner = quote!(<#of as ::spin_mcp_sdk::__private::All>::Of);
        return Ok((
            quote!(type Arguments = #inner;),
            quote!(let #variable = ::spin_mcp_sdk::Parameters(arguments);),
        ));
    }
    let (mut fields, mut defaults, mut names) = (quote!(), quote!(), vec![]);
    for argument in &function.arguments {
        if let Some(complete) = &argument.complete {
            return Err(Error::new_spanned(
                complete,
                "arguments of tools have no completions",
            ));
        }
        let (name, of, attributes) = (&argument.name, &argument.of, &argument.attributes);
        let description = argument
            .description
            .as_ref()
            .map(|text| quote!(#[doc = #text]));
        let default = argument.default.as_ref().map(|default| {
            let make = format_ident!("default_{}", argument.key());
            defaults.extend(quote!(fn #make() -> #of { #default }));
            let make = make.to_string();
            quote!(#[serde(default = #make)])
        });
        fields.extend(quote!(#description #default #(#attributes)* #name: #of,));
        names.push(name);
    }
    let variables = function
        .arguments
        .iter()
        .map(|argument| argument.variable());
    Ok((
        quote! {
            #defaults

            #[derive(::spin_mcp_sdk::serde::Deserialize, ::spin_mcp_sdk::schemars::JsonSchema)]
            #[serde(crate = "::spin_mcp_sdk::serde", deny_unknown_fields)]
            #[schemars(crate = "::spin_mcp_sdk::schemars")]
            struct Arguments { #fields }
        },
        quote!(let Arguments { #(#names: #variables),* } = arguments;),
    ))
}
