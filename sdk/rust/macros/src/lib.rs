//! The attributes of [`spin-mcp-sdk`](https://docs.rs/spin-mcp-sdk), which documents them.

mod function;
mod options;
mod prompt;
mod resource;
mod tool;

use proc_macro::TokenStream;
use syn::{ItemFn, parse_macro_input};

use options::Options;

/// Makes a function a tool. Its name is the tool's name, its parameters are the arguments, and doc
/// comments are descriptions, also those of parameters.
///
/// ```ignore
/// /// Tells how long a trip takes.
/// #[tool(title = "Trip", annotations(read_only = true, open_world = false))]
/// fn trip(
///     /// In kilometres.
///     #[schemars(range(min = 0))]
///     distance: f64,
///     #[default("bicycle".into())]
///     by: String,
///     ctx: &Context,
/// ) -> Result<String, String> { … }
/// ```
///
/// - `name`, `title`, `description`: texts.
/// - `annotations(read_only, destructive, idempotent, open_world = false)`: hints for clients.
/// - `icons = [Icon::new("https://…")]`, `meta = json!({…})`: expressions.
///
/// A parameter of the type `&Context` or `&mut Context` is no argument. An `Option` can be absent, and
/// so can what has `#[default(…)]`. Attributes of serde and schemars work on parameters. A function can
/// take all arguments as one struct: `Parameters(trip): Parameters<Trip>`.
#[proc_macro_attribute]
pub fn tool(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let options = parse_macro_input!(attribute as Options);
    let function = parse_macro_input!(item as ItemFn);
    finish(tool::expand(options, function))
}

/// Makes a function a resource, or a template of resources if its URI has variables, which are the
/// function's parameters: `{name}` is one segment, `{path*}` any number, `{?a,b}` a query.
///
/// ```ignore
/// /// One note.
/// #[resource("notes://{name}", mime_type = "text/plain")]
/// fn note(#[complete(names)] name: String) -> Option<String> { … }
/// ```
///
/// - `name`, `title`, `description`, `mime_type`: texts.
/// - `list = function`: a `fn() -> Vec<ResourceInfo>` whose entries are listed as well.
/// - `annotations(audience(user), priority = 0.5, last_modified = "…")`.
/// - `icons = […]`, `meta = json!({…})`: expressions.
#[proc_macro_attribute]
pub fn resource(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let options = parse_macro_input!(attribute as Options);
    let function = parse_macro_input!(item as ItemFn);
    finish(resource::expand(options, function))
}

/// Makes a function a prompt. Its name is the prompt's name, its parameters are the arguments, and doc
/// comments are descriptions, also those of parameters.
///
/// ```ignore
/// /// Asks for a summary of a text.
/// #[prompt(title = "Summarize")]
/// fn summarize(text: String, length: Option<Length>) -> String { … }
/// ```
///
/// - `name`, `title`, `description`: texts.
/// - `icons = […]`, `meta = json!({…})`: expressions.
///
/// Clients send texts; a parameter of another type is read from the text. The variants of an enum are
/// its completions; `#[complete(function)]` suggests others.
#[proc_macro_attribute]
pub fn prompt(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let options = parse_macro_input!(attribute as Options);
    let function = parse_macro_input!(item as ItemFn);
    finish(prompt::expand(options, function))
}

fn finish(expanded: syn::Result<proc_macro2::TokenStream>) -> TokenStream {
    expanded
        .unwrap_or_else(|why| why.into_compile_error())
        .into()
}
