//! What stands between the parentheses of an attribute.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream};
use syn::{Error, Expr, Ident, LitBool, LitStr, Path, Result, Token, parenthesized};

/// All keys of all attributes.
#[derive(Default)]
pub struct Options {
    /// The text at the beginning.
    pub uri: Option<LitStr>,
    pub name: Option<LitStr>,
    pub title: Option<LitStr>,
    pub description: Option<LitStr>,
    pub mime_type: Option<LitStr>,
    pub annotations: Vec<(Ident, Annotation)>,
    pub icons: Option<Expr>,
    pub meta: Option<Expr>,
    /// The page of a tool, and who may call the tool.
    pub ui: Option<Expr>,
    pub visibility: Vec<Ident>,
    pub list: Option<Path>,
    pub when: Option<Path>,
    /// The keys that are given, for those that an attribute does not have.
    given: Vec<Ident>,
}

pub enum Annotation {
    Flag(bool),
    Value(Box<Expr>),
    Names(Vec<Ident>),
}

impl Parse for Options {
    fn parse(input: ParseStream) -> Result<Self> {
        let mut options = Self::default();
        if input.peek(LitStr) {
            options.uri = Some(input.parse()?);
            separate(input)?;
        }
        while !input.is_empty() {
            let key: Ident = input.parse()?;
            if options.given.contains(&key) {
                return Err(Error::new(key.span(), format!("`{key}` occurs twice")));
            }
            match key.to_string().as_str() {
                "name" => options.name = Some(value(input)?),
                "title" => options.title = Some(value(input)?),
                "description" => options.description = Some(value(input)?),
                "mime_type" => options.mime_type = Some(value(input)?),
                "icons" => options.icons = Some(value(input)?),
                "meta" => options.meta = Some(value(input)?),
                "ui" => options.ui = Some(value(input)?),
                "visibility" => options.visibility = names(input)?,
                "list" => options.list = Some(value(input)?),
                "when" => options.when = Some(value(input)?),
                "annotations" => options.annotations = annotations(input)?,
                _ => {}
            }
            options.given.push(key);
            if !input.is_empty() && !input.peek(Token![,]) {
                // The value of a key that nobody knows.
                input.step(|cursor| {
                    let mut rest = *cursor;
                    while let Some((token, next)) = rest.token_tree() {
                        match token {
                            proc_macro2::TokenTree::Punct(punct) if punct.as_char() == ',' => break,
                            _ => rest = next,
                        }
                    }
                    Ok(((), rest))
                })?;
            }
            separate(input)?;
        }
        Ok(options)
    }
}

fn separate(input: ParseStream) -> Result<()> {
    if !input.is_empty() {
        input.parse::<Token![,]>()?;
    }
    Ok(())
}

fn value<T: Parse>(input: ParseStream) -> Result<T> {
    input.parse::<Token![=]>()?;
    input.parse()
}

/// Names in parentheses.
fn names(input: ParseStream) -> Result<Vec<Ident>> {
    let content;
    parenthesized!(content in input);
    let names = content.parse_terminated(Ident::parse, Token![,])?;
    Ok(names.into_iter().collect())
}

fn annotations(input: ParseStream) -> Result<Vec<(Ident, Annotation)>> {
    let content;
    parenthesized!(content in input);
    let mut found = vec![];
    while !content.is_empty() {
        let key: Ident = content.parse()?;
        let annotation = if content.peek(Token![=]) {
            content.parse::<Token![=]>()?;
            if content.peek(LitBool) {
                Annotation::Flag(content.parse::<LitBool>()?.value)
            } else {
                Annotation::Value(Box::new(content.parse()?))
            }
        } else if content.peek(syn::token::Paren) {
            Annotation::Names(names(&content)?)
        } else {
            Annotation::Flag(true)
        };
        found.push((key, annotation));
        separate(&content)?;
    }
    Ok(found)
}

impl Options {
    /// Fails if a text stands where only a resource has its URI.
    pub fn no_uri(&self) -> Result<()> {
        let Some(text) = &self.uri else {
            return Ok(());
        };
        let why = "a description is `description = \"…\"`, or the doc comment";
        Err(Error::new(text.span(), why))
    }

    /// Refuses keys that an attribute does not have.
    pub fn only(&self, attribute: &str, known: &[&str]) -> Result<()> {
        match self
            .given
            .iter()
            .find(|key| !known.iter().any(|known| key == known))
        {
            Some(key) => Err(Error::new(
                key.span(),
                format!(
                    "`{attribute}` has no `{key}`; it has `{}`",
                    known.join("`, `")
                ),
            )),
            None => Ok(()),
        }
    }

    /// Who sees it.
    pub fn when(&self) -> TokenStream {
        match &self.when {
            Some(when) => quote!(::core::option::Option::Some(#when)),
            None => quote!(::core::option::Option::None),
        }
    }

    pub fn icons(&self) -> TokenStream {
        match &self.icons {
            Some(icons) => quote!(::std::vec::Vec::from(#icons)),
            None => quote!(::std::vec![]),
        }
    }

    pub fn meta(&self) -> Result<TokenStream> {
        let none = quote!(::core::option::Option::None);
        let meta = match &self.meta {
            Some(meta) => quote!(::spin_mcp_sdk::__private::text::meta(#meta)),
            None => none.clone(),
        };
        let unknown = |name: &&Ident| *name != "model" && *name != "app";
        if let Some(name) = self.visibility.iter().find(unknown) {
            let why = "a tool has the visibility `model`, `app` or both";
            return Err(Error::new(name.span(), why));
        }
        if self.ui.is_none() && self.visibility.is_empty() {
            return Ok(meta);
        }
        let visibility = self.visibility.iter().map(Ident::to_string);
        let page = match &self.ui {
            Some(page) => quote!(::core::option::Option::Some(#page)),
            None => none,
        };
        Ok(quote! {
            ::spin_mcp_sdk::__private::text::app(#meta, #page, &[#(#visibility),*])
        })
    }

    /// `annotations` of a tool.
    pub fn hints(&self) -> Result<TokenStream> {
        if self.annotations.is_empty() {
            return Ok(quote!(::core::option::Option::None));
        }
        let mut fields = [
            "title",
            "read_only",
            "destructive",
            "idempotent",
            "open_world",
        ]
        .map(|name| (name, quote!(::core::option::Option::None)));
        for (key, annotation) in &self.annotations {
            let name = key.to_string();
            let name = name.strip_suffix("_hint").unwrap_or(&name);
            let field = fields.iter_mut().find(|(known, _)| *known == name);
            let value = match (field, annotation) {
                (Some(("title", field)), Annotation::Value(title)) => {
                    *field = quote!(::core::option::Option::Some((#title).into()));
                    continue;
                }
                (Some((of, field)), Annotation::Flag(flag)) if *of != "title" => {
                    *field = quote!(::core::option::Option::Some(#flag));
                    continue;
                }
                (Some(("title", _)), _) => "`title` is a text: `title = \"…\"`",
                (Some(_), _) => "a hint is `true` or `false`",
                (None, _) => {
                    "a tool has the annotations `title`, `read_only`, `destructive`, `idempotent` and \
                     `open_world`"
                }
            };
            return Err(Error::new(key.span(), value));
        }
        let names = fields
            .iter()
            .map(|(name, _)| Ident::new(name, Span::call_site()));
        let values = fields.iter().map(|(_, value)| value);
        Ok(quote! {
            ::core::option::Option::Some(::spin_mcp_sdk::__private::ToolAnnotations {
                #(#names: #values,)*
            })
        })
    }

    /// `annotations` of a resource.
    pub fn annotations(&self) -> Result<TokenStream> {
        if self.annotations.is_empty() {
            return Ok(quote!(::core::option::Option::None));
        }
        let (mut audience, mut priority, mut last_modified) = (
            quote!(),
            quote!(::core::option::Option::None),
            quote!(::core::option::Option::None),
        );
        for (key, annotation) in &self.annotations {
            match (key.to_string().as_str(), annotation) {
                ("audience", Annotation::Names(names)) => {
                    for name in names {
                        let role = match name.to_string().as_str() {
                            "user" => quote!(User),
                            "assistant" => quote!(Assistant),
                            _ => {
                                return Err(Error::new(
                                    name.span(),
                                    "an audience is `user` or `assistant`",
                                ));
                            }
                        };
                        audience.extend(quote!(::spin_mcp_sdk::Role::#role,));
                    }
                }
                ("priority", Annotation::Value(value)) => {
                    priority = quote!(::core::option::Option::Some(#value));
                }
                ("last_modified", Annotation::Value(value)) => {
                    last_modified = quote!(::core::option::Option::Some((#value).into()));
                }
                _ => {
                    return Err(Error::new(
                        key.span(),
                        "a resource has the annotations `audience(user, assistant)`, `priority = 0.5` \
                         and `last_modified = \"…\"`",
                    ));
                }
            }
        }
        Ok(quote! {
            ::core::option::Option::Some(::spin_mcp_sdk::Annotations {
                audience: ::std::vec![#audience],
                priority: #priority,
                last_modified: #last_modified,
            })
        })
    }
}

/// An optional text, as an expression for `Option<String>`.
pub fn text(text: Option<impl ToTokens>) -> TokenStream {
    match text {
        Some(text) => quote!(::core::option::Option::Some(::std::string::String::from(#text))),
        None => quote!(::core::option::Option::None),
    }
}
