//! `#[resource]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, ItemFn, LitStr, Result};

use crate::function::{Function, completions, without_schema};
use crate::options::{Options, text};

const KEYS: [&str; 9] = [
    "name",
    "title",
    "description",
    "mime_type",
    "list",
    "annotations",
    "icons",
    "meta",
    "when",
];

pub fn expand(options: Options, item: ItemFn) -> Result<TokenStream> {
    options.only("resource", &KEYS)?;
    let Some(uri) = &options.uri else {
        let why = "a resource needs its URI: `#[resource(\"notes://…\")]`";
        return Err(Error::new(proc_macro2::Span::call_site(), why));
    };
    let function = Function::new(item, "a resource")?;
    without_schema(&function, "a resource")?;
    let is_template = has_arguments(uri, &function)?;
    let ident = &function.item.sig.ident;
    let name = function.name(&options);
    let description = text(function.description(&options));
    // Of a page that shows results, hosts know only this type.
    let page = LitStr::new("text/html;profile=mcp-app", uri.span());
    let page = uri.value().starts_with("ui://").then_some(page);
    let given = options.mime_type.clone().or(page);
    let (title, mime) = (text(options.title.as_ref()), text(given.as_ref()));
    let mime_type = match &given {
        Some(mime_type) => quote!(::core::option::Option::Some(#mime_type)),
        None => quote!(::core::option::Option::None),
    };
    let (list, list_waits) = match &options.list {
        Some(list) => (
            quote! {
                ::core::option::Option::Some(|context| {
                    ::std::boxed::Box::pin(::spin_mcp_sdk::__private::Lister::list(#list, context))
                })
            },
            quote!(::spin_mcp_sdk::__private::resources::waits(&#list)),
        ),
        None => (quote!(::core::option::Option::None), quote!(false)),
    };
    let (annotations, icons, meta) = (options.annotations()?, options.icons(), options.meta()?);
    let shared = quote! {
        name: ::std::string::String::from(#name),
        title: #title,
        description: #description,
        mime_type: #mime,
        annotations: #annotations,
        icons: #icons,
        meta: #meta,
    };
    let described = match is_template {
        true => quote! {
            Template(::spin_mcp_sdk::__private::ResourceTemplate {
                uri_template: ::std::string::String::from(#uri),
                #shared
            })
        },
        false => quote! {
            Resource(::spin_mcp_sdk::ResourceInfo {
                uri: ::std::string::String::from(#uri),
                size: ::core::option::Option::None,
                #shared
            })
        },
    };
    let variables = function
        .arguments
        .iter()
        .map(|argument| argument.variable());
    // A URI whose variables cannot be read is not of this template.
    let reads = function
        .arguments
        .iter()
        .map(|argument| argument.read_text());
    let (context, call) = (function.context(), function.call());
    let (is_async, when) = (function.is_async(), options.when());
    let read = match is_template {
        true => quote! {
            let read = || ::core::result::Result::<_, ::spin_mcp_sdk::Error>::Ok((#(#reads,)*));
            let ::core::result::Result::Ok((#(#variables,)*)) = read() else {
                return ::core::result::Result::Ok(::core::option::Option::None);
            };
        },
        false => quote!(let _ = given;),
    };
    let finish = function.finish(
        "resources",
        uri.value().as_str(),
        &quote! {
            ::spin_mcp_sdk::ResourceOutput::read(#call)
        },
    );
    let complete = completions(&function.arguments);
    Ok(function.with(&quote! {
        impl ::spin_mcp_sdk::__private::ResourceFunction for #ident {
            const ENTRY: ::spin_mcp_sdk::__private::ResourceEntry = ::spin_mcp_sdk::__private::ResourceEntry {
                uri: #uri,
                mime_type: #mime_type,
                is_async: #is_async || #list_waits,
                when: #when,
                describe: || ::spin_mcp_sdk::__private::Described::#described,
                list: #list,
                context: #context,
                read: |context, given| ::std::boxed::Box::pin(async move { #read #finish }),
                complete: #complete,
            };
        }
    }))
}

/// Whether the URI is a template. The variables must be the parameters.
fn has_arguments(uri: &LitStr, function: &Function) -> Result<bool> {
    let text = uri.value();
    let (mut path, mut query) = (vec![], vec![]);
    for piece in text.split('{').skip(1) {
        let Some((expression, _)) = piece.split_once('}') else {
            return Err(Error::new(uri.span(), "a `{` without `}`"));
        };
        match expression.strip_prefix('?') {
            Some(names) => query.extend(names.split(',').map(str::to_owned)),
            None => path.push(
                expression
                    .trim_start_matches('+')
                    .trim_end_matches('*')
                    .to_owned(),
            ),
        }
    }
    for name in path.iter().chain(&query) {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(is_name) {
            let why = format!(
                "`{name}` is not supported; use `{}name{}`, `{}name*{}` or `{}?a,b{}`",
                '{', '}', '{', '}', '{', '}'
            );
            return Err(Error::new(uri.span(), why));
        }
        if !function
            .arguments
            .iter()
            .any(|argument| argument.key() == *name)
        {
            let why = format!("`{}` has no parameter `{name}`", function.item.sig.ident);
            return Err(Error::new(uri.span(), why));
        }
    }
    for argument in &function.arguments {
        let name = argument.key();
        if !path.contains(&name) && !query.contains(&name) {
            let why = format!("the URI has no variable `{name}`");
            return Err(Error::new(argument.name.span(), why));
        }
        if query.contains(&name) && argument.optional().is_none() && argument.default.is_none() {
            let why = format!(
                "a query can be without `{name}`: make it an `Option`, or give it a `#[default(…)]`"
            );
            return Err(Error::new(argument.name.span(), why));
        }
    }
    Ok(!path.is_empty() || !query.is_empty())
}
