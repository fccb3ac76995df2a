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
/// - `ui = "ui://…"`: the resource whose page shows the results, an MCP App. `visibility(app)`: only such a
///   page calls the tool; `visibility(model)`: no page does.
///
/// - `when = function`: a `fn(&Context) -> bool` that says whether a request sees it. A feature whose
///   functions look at the caller must be `dynamic` in `spin.toml`.
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
/// - `name`, `title`, `description`, `mime_type`: texts. The page of an MCP App, at `ui://…`, has its MIME type
///   without `mime_type`.
/// - `list = function`: a `fn() -> Vec<ResourceInfo>`, or a `fn(&Context) -> Vec<ResourceInfo>`, whose
///   entries are listed as well. It can be an `async fn`.
/// - `when = function`: as in [`macro@tool`].
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
/// - `when = function`: as in [`macro@tool`].
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

#[cfg(test)]
mod tests {
    use super::*;

    type Expand = fn(Options, ItemFn) -> syn::Result<proc_macro2::TokenStream>;

    /// What the compiler says about an attribute on a function.
    fn refused(expand: Expand, attribute: &str, function: &str) -> String {
        let options = syn::parse_str(attribute);
        let function = syn::parse_str(function).unwrap();
        let expanded = options.and_then(|options| expand(options, function));
        expanded.unwrap_err().to_string()
    }

    #[test]
    fn usual_mistakes_are_named() {
        for (expand, attribute, function, why) in [
            (
                tool::expand as Expand,
                "tite = \"A\"",
                "fn f() {}",
                "`tool` has no `tite`; it has `name`, `title`, `description`, `annotations`, `icons`, `meta`, `ui`, `visibility`, `when`",
            ),
            (
                tool::expand,
                "visibility(user)",
                "fn f() {}",
                "a tool has the visibility `model`, `app` or both",
            ),
            (
                tool::expand,
                "annotations(readonly)",
                "fn f() {}",
                "a tool has the annotations `title`, `read_only`, `destructive`, `idempotent` and `open_world`",
            ),
            (
                tool::expand,
                "",
                "fn f(&self) {}",
                "a tool is a function without `self`",
            ),
            (
                tool::expand,
                "",
                "fn f<T>(t: T) {}",
                "a tool cannot be generic: clients call it by its name",
            ),
            (
                tool::expand,
                "",
                "fn f(ctx: Context) {}",
                "take `&Context`, or `&mut Context` to ask the client",
            ),
            (
                tool::expand,
                "",
                "fn f(a: &[u8]) {}",
                "an argument owns its data: take it without `&`, or take a `&str`",
            ),
            (
                tool::expand,
                "",
                "fn f(Trip { a }: Trip) {}",
                "an argument needs a name; a pattern works in `Parameters(…)` only",
            ),
            (
                resource::expand,
                "",
                "fn f() {}",
                "a resource needs its URI: `#[resource(\"notes://…\")]`",
            ),
            (
                resource::expand,
                "\"a:/{b}\"",
                "fn f() {}",
                "`f` has no parameter `b`",
            ),
            (
                resource::expand,
                "\"a:/b\"",
                "fn f(b: &str) {}",
                "the URI has no variable `b`",
            ),
            (
                resource::expand,
                "\"a:/b{?c}\"",
                "fn f(c: u8) {}",
                "a query can be without `c`: make it an `Option`, or give it a `#[default(…)]`",
            ),
            (
                prompt::expand,
                "",
                "fn f(a: Parameters<A>) {}",
                "a prompt takes its arguments one by one: they are texts",
            ),
        ] {
            assert_eq!(refused(expand, attribute, function), why, "{function}");
        }
    }
}
