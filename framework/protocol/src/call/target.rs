//! The target of a request: which feature must answer what.

use std::{borrow::Cow, collections::BTreeSet};

use crate::{
    call::listing::{self, Listing},
    catalog::{Catalog, Flags, ListKind, ToolEntry},
    wire::{
        failure::{Failure, INVALID_PARAMS, RESOURCE_NOT_FOUND, excerpt},
        json::{Kind, Object, Value},
        message::{Params, Request},
        types::completion_types::{CompletionArgument, CompletionReference},
        uri,
        version::Version,
    },
};

/// The most arguments of a prompt, and the most settled arguments of a completion.
const MAX_ARGUMENTS: usize = 256;

/// The target of a call, in the names that clients know.
#[derive(Clone, Debug)]
pub enum Target<'a> {
    Tool {
        /// None: the catalog does not have the tool. A dynamic feature may.
        tool: Option<ToolEntry<'a>>,
        name: Cow<'a, str>,
        /// A JSON object.
        arguments: Cow<'a, str>,
    },
    Prompt {
        name: Cow<'a, str>,
        arguments: Vec<(String, String)>,
        /// The arguments as the client wrote them.
        text: &'a str,
    },
    Resource {
        uri: Cow<'a, str>,
    },
    Completion {
        reference: CompletionReference,
        argument: CompletionArgument,
        context: Vec<(String, String)>,
    },
    List(Listing),
    /// A method that only the next middleware or the router knows.
    Method(Cow<'a, str>),
}

/// The features to ask in turn, until one knows the name.
#[derive(Clone, Debug)]
pub enum Slots {
    One(usize),
    Many(Vec<usize>),
}

impl<'a> Target<'a> {
    /// The target of `tools/call`.
    pub fn tool(catalog: &Catalog<'a>, params: &Params<'a>) -> Result<(Self, Slots), Failure> {
        let name = text("name", params.name)?;
        let arguments = object("arguments", params.arguments)?;
        Self::named_tool(catalog, name, Cow::Borrowed(arguments))
    }

    /// The target that calls this tool. `arguments` is a JSON object.
    pub fn named_tool(
        catalog: &Catalog<'a>,
        name: Cow<'a, str>,
        arguments: Cow<'a, str>,
    ) -> Result<(Self, Slots), Failure> {
        let tool = catalog.tool(&name);
        let slots = match &tool {
            Some(tool) => Slots::One(tool.slot()),
            None => dynamic(catalog, Flags::TOOLS).ok_or_else(|| unknown_tool(&name))?,
        };
        let target = Target::Tool {
            tool,
            name,
            arguments,
        };
        Ok((target, slots))
    }

    /// The target of `tools/call` in a chain, which may know tools that the catalog does not
    /// have.
    pub fn passed_tool(catalog: &Catalog<'a>, params: &Params<'a>) -> Result<Self, Failure> {
        let name = text("name", params.name)?;
        Ok(Target::Tool {
            tool: catalog.tool(&name),
            name,
            arguments: Cow::Borrowed(object("arguments", params.arguments)?),
        })
    }

    /// The target of `prompts/get` in a chain.
    pub fn passed_prompt(params: &Params<'a>) -> Result<Self, Failure> {
        Ok(Target::Prompt {
            name: text("name", params.name)?,
            arguments: Vec::new(),
            text: object("arguments", params.arguments)?,
        })
    }

    /// The target of `resources/read` in a chain.
    pub fn passed_resource(params: &Params<'a>) -> Result<Self, Failure> {
        Ok(Target::Resource {
            uri: text("uri", params.uri)?,
        })
    }

    /// The target of `prompts/get`.
    pub fn prompt(catalog: &Catalog<'a>, params: &Params<'a>) -> Result<(Self, Slots), Failure> {
        let name = text("name", params.name)?;
        let text = object("arguments", params.arguments)?;
        let arguments = strings("arguments", text)?;
        let slots = match catalog.prompt(&name) {
            Some(prompt) => {
                let missing = prompt.arguments().find(|(argument, required)| {
                    *required && !arguments.iter().any(|(given, _)| given == argument)
                });
                if let Some((argument, _)) = missing {
                    return Err(Failure::invalid_params(format!(
                        "prompt `{name}` needs the argument `{argument}`"
                    )));
                }
                Slots::One(prompt.slot())
            }
            None => dynamic(catalog, Flags::PROMPTS).ok_or_else(|| unknown_prompt(&name))?,
        };
        let target = Target::Prompt {
            name,
            arguments,
            text,
        };
        Ok((target, slots))
    }

    /// The target of `resources/read`. The feature that lists the resource answers. If none
    /// lists it, those with a matching template are asked first, then all others: features need
    /// not list every resource.
    pub fn resource(
        catalog: &Catalog<'a>,
        params: &Params<'a>,
        modern: bool,
    ) -> Result<(Self, Slots), Failure> {
        let uri = text("uri", params.uri)?;
        let (uri, slots) = match catalog.resource(&uri) {
            Some(slot) => (uri, Slots::One(slot)),
            None => match catalog.equal_resource(&uri) {
                // The feature knows the spelling in its list.
                Some((listed, slot)) => (Cow::Borrowed(listed), Slots::One(slot)),
                None => {
                    let uri = spelled(catalog, uri);
                    let templates = catalog.templates();
                    let fitting = templates
                        .filter(|template| template.matches(&uri))
                        .map(|template| template.slot());
                    let slots = many(fitting.chain(catalog.slots_with(Flags::RESOURCES)))
                        .ok_or_else(|| unknown_resource(&uri, modern))?;
                    (uri, slots)
                }
            },
        };
        Ok((Target::Resource { uri }, slots))
    }

    /// The target of `completion/complete`. Without slots: the feature of the reference has no
    /// completions.
    pub fn completion(
        catalog: &Catalog<'a>,
        params: &Params<'a>,
    ) -> Result<(Self, Option<Slots>), Failure> {
        let Completion {
            is_prompt,
            name,
            argument,
            context,
        } = completion(params)?;
        let (reference, slots) = if is_prompt {
            match catalog.prompt(&name) {
                Some(prompt) => (
                    CompletionReference::Prompt(prompt.feature_name().to_owned()),
                    Slots::One(prompt.slot()),
                ),
                None => (
                    CompletionReference::Prompt(name.to_string()),
                    dynamic(catalog, Flags::PROMPTS).ok_or_else(|| unknown_prompt(&name))?,
                ),
            }
        } else {
            let known = || catalog.equal_template(&name);
            let (uri, slots) = match known().or_else(|| catalog.equal_resource(&name)) {
                Some((listed, slot)) => (listed.to_owned(), Slots::One(slot)),
                None => {
                    let slots = dynamic(catalog, Flags::RESOURCES);
                    let slots = slots.ok_or_else(|| unknown_template(&name))?;
                    (name.into_owned(), slots)
                }
            };
            (CompletionReference::ResourceTemplate(uri), slots)
        };
        let completes = |slot: &usize| catalog.slot_flags(*slot).contains(Flags::COMPLETIONS);
        let target = Target::Completion {
            reference,
            argument,
            context,
        };
        Ok((target, many(slots.all().iter().copied().filter(completes))))
    }

    /// The list of this kind from `cursor` on, if dynamic features contribute to it.
    pub fn list(
        catalog: &Catalog<'a>,
        kind: ListKind,
        cursor: Option<&str>,
        modern: bool,
    ) -> Result<Option<(Self, Slots)>, Failure> {
        let features: Vec<_> = catalog
            .slots_with(kind.flag().with(Flags::DYNAMIC))
            .collect();
        if features.is_empty() {
            return Ok(None);
        }
        let mut list = Listing {
            kind,
            cursor: None,
            entries: Vec::new(),
            names: BTreeSet::new(),
            calls: 0,
            hint: catalog.list_cache(kind),
        };
        let invalid = || Failure::invalid_params("invalid cursor");
        let slots = match cursor.and_then(|cursor| cursor.strip_prefix(listing::MARK)) {
            Some(position) => {
                let (slot, cursor) = listing::read_cursor(position).ok_or_else(invalid)?;
                let at = features.iter().position(|feature| *feature == slot);
                list.cursor = cursor;
                features[at.ok_or_else(invalid)?..].to_vec()
            }
            None => {
                let page = catalog.page(kind, cursor).ok_or_else(invalid)?;
                if page.next.is_some() {
                    return Ok(None);
                }
                let array = if modern { page.modern } else { page.legacy };
                let inner = array.get(1..array.len().saturating_sub(1));
                list.entries.extend_from_slice(inner.unwrap_or_default());
                features
            }
        };
        Ok(Some((Target::List(list), Slots::Many(slots))))
    }

    /// The failure if no feature knows the target.
    pub fn unknown(&self, modern: bool) -> Failure {
        match self {
            Target::Tool { name, .. } => unknown_tool(name),
            Target::Prompt { name, .. } => unknown_prompt(name),
            Target::Resource { uri } => unknown_resource(uri, modern),
            Target::Completion { .. } | Target::List(_) | Target::Method(_) => {
                Failure::invalid_params("unknown reference").unknown()
            }
        }
    }

    /// The target in messages, such as "tool `add`".
    pub fn describe(&self) -> String {
        match self {
            Target::Tool { name, .. } => format!("tool `{}`", excerpt(name)),
            Target::Prompt { name, .. } => format!("prompt `{}`", excerpt(name)),
            Target::Resource { uri } => format!("resource `{}`", excerpt(uri)),
            Target::Completion { argument, .. } => {
                format!("the completion of `{}`", excerpt(&argument.name))
            }
            Target::List(listing) => format!("the list of {}", listing.kind.member()),
            Target::Method(method) => format!("method `{}`", excerpt(method)),
        }
    }

    pub fn method(&self) -> &str {
        match self {
            Target::Tool { .. } => "tools/call",
            Target::Prompt { .. } => "prompts/get",
            Target::Resource { .. } => "resources/read",
            Target::Completion { .. } => "completion/complete",
            Target::List(listing) => listing.kind.method(),
            Target::Method(method) => method,
        }
    }

    /// The name or URI that clients know.
    pub fn name(&self) -> &str {
        match self {
            Target::Tool { name, .. } | Target::Prompt { name, .. } => name,
            Target::Resource { uri } => uri,
            Target::Completion { argument, .. } => &argument.name,
            Target::List(listing) => listing.kind.member(),
            Target::Method(_) => "",
        }
    }

    /// A JSON object.
    pub fn arguments(&self) -> &str {
        match self {
            Target::Tool { arguments, .. } => arguments,
            Target::Prompt { text, .. } => text,
            Target::Resource { .. }
            | Target::Completion { .. }
            | Target::List(_)
            | Target::Method(_) => "{}",
        }
    }
}

impl Slots {
    /// The feature to ask now.
    pub fn current(&self) -> usize {
        match self {
            Slots::One(slot) => *slot,
            Slots::Many(slots) => slots.first().copied().unwrap_or_default(),
        }
    }

    /// Moves on to the next feature; false if there is none.
    pub fn advance(&mut self) -> bool {
        match self {
            Slots::One(_) => false,
            Slots::Many(slots) => {
                slots.remove(0);
                !slots.is_empty()
            }
        }
    }

    /// The features that are left to ask.
    pub fn all(&self) -> &[usize] {
        match self {
            Slots::One(slot) => std::slice::from_ref(slot),
            Slots::Many(slots) => slots,
        }
    }
}

/// Slots without repetitions; none if there are none.
fn many(slots: impl Iterator<Item = usize>) -> Option<Slots> {
    let mut all = Vec::new();
    for slot in slots {
        if !all.contains(&slot) {
            all.push(slot);
        }
    }
    match all[..] {
        [] => None,
        [slot] => Some(Slots::One(slot)),
        _ => Some(Slots::Many(all)),
    }
}

/// A URI as a feature with a matching template gets it.
pub fn spelled<'u>(catalog: &Catalog<'_>, uri: Cow<'u, str>) -> Cow<'u, str> {
    let matches = |uri: &str| catalog.templates().any(|template| template.matches(uri));
    if matches(&uri) {
        return uri;
    }
    let normal = Some(uri::normal(&uri)).filter(|normal| matches(normal));
    normal.map_or(uri, Cow::Owned)
}

/// The parameters of `completion/complete`.
struct Completion<'a> {
    is_prompt: bool,
    /// The name of a prompt, or the URI of a resource or a template.
    name: Cow<'a, str>,
    argument: CompletionArgument,
    context: Vec<(String, String)>,
}

fn completion<'a>(params: &Params<'a>) -> Result<Completion<'a>, Failure> {
    let missing = |what| Failure::malformed_params(format!("`{what}` is not an object"));
    let reference = params.reference.filter(Value::is_object);
    let reference = reference.ok_or_else(|| missing("ref"))?;
    let argument = params.argument.filter(Value::is_object);
    let argument = argument.ok_or_else(|| missing("argument"))?;
    let is_prompt = match &*text("ref.type", reference.member("type"))? {
        "ref/prompt" => true,
        "ref/resource" => false,
        kind => {
            return Err(Failure::malformed_params(format!(
                "unknown kind of reference `{}`",
                excerpt(kind)
            )));
        }
    };
    let name = match is_prompt {
        true => text("ref.name", reference.member("name"))?,
        false => text("ref.uri", reference.member("uri"))?,
    };
    let argument = CompletionArgument {
        name: text("argument.name", argument.member("name"))?.into_owned(),
        value: text("argument.value", argument.member("value"))?.into_owned(),
    };
    let context = match params.context {
        None => Vec::new(),
        Some(context) if context.is_object() => strings(
            "context.arguments",
            object("context.arguments", context.member("arguments"))?,
        )?,
        Some(_) => return Err(missing("context")),
    };
    Ok(Completion {
        is_prompt,
        name,
        argument,
        context,
    })
}

/// Fails as a request does whose parameters are malformed, whatever item they name.
pub fn check(
    catalog: &Catalog<'_>,
    request: &Request<'_>,
    version: Version,
) -> Result<(), Failure> {
    let params = &request.params;
    match &*request.method {
        "tools/call" => object("arguments", params.arguments).map(drop),
        "prompts/get" => strings("arguments", object("arguments", params.arguments)?).map(drop),
        "completion/complete" if !catalog.flags().contains(Flags::COMPLETIONS) => {
            Err(Failure::method_not_found(&request.method, version))
        }
        "completion/complete" => completion(params).map(drop),
        _ => Ok(()),
    }
}

/// The features whose lists are not in the catalog.
fn dynamic(catalog: &Catalog<'_>, exports: Flags) -> Option<Slots> {
    many(catalog.slots_with(exports.with(Flags::DYNAMIC)))
}

fn text<'a>(name: &str, value: Option<Value<'a>>) -> Result<Cow<'a, str>, Failure> {
    let value = value.ok_or_else(|| Failure::malformed_params(format!("`{name}` is missing")))?;
    value
        .as_str()
        .ok_or_else(|| Failure::malformed_params(format!("`{name}` is not a string")))
}

/// The text of an optional object.
fn object<'a>(name: &str, value: Option<Value<'a>>) -> Result<&'a str, Failure> {
    match value.filter(|value| value.kind != Kind::Null) {
        None => Ok("{}"),
        Some(value) if value.is_object() => Ok(value.text),
        Some(_) => Err(Failure::malformed_params(format!(
            "`{name}` is not an object"
        ))),
    }
}

/// The members of an object of strings. No name may occur twice.
fn strings(name: &str, text: &str) -> Result<Vec<(String, String)>, Failure> {
    let malformed = |problem: &str| Err(Failure::malformed_params(format!("`{name}` {problem}")));
    let object = Value {
        kind: Kind::Object,
        text,
    };
    let mut all: Vec<(String, String)> = Vec::new();
    for (key, value) in object.members() {
        if value.kind == Kind::Null {
            continue;
        }
        let (Some(key), Some(value)) = (key.as_str(), value.as_str()) else {
            return malformed("has a member that is not a string");
        };
        if all.len() == MAX_ARGUMENTS {
            return malformed("has too many members");
        }
        if all.iter().any(|(other, _)| *other == *key) {
            return malformed("names a member twice");
        }
        all.push((key.into_owned(), value.into_owned()));
    }
    Ok(all)
}

pub fn unknown_tool(name: &str) -> Failure {
    Failure::invalid_params(format!("unknown tool `{}`", excerpt(name))).unknown()
}

pub fn unknown_prompt(name: &str) -> Failure {
    Failure::invalid_params(format!("unknown prompt `{}`", excerpt(name))).unknown()
}

pub fn unknown_template(uri: &str) -> Failure {
    let message = format!("unknown resource template `{}`", excerpt(uri));
    Failure::invalid_params(message).unknown()
}

pub fn unknown_resource(uri: &str, modern: bool) -> Failure {
    let mut data = Vec::new();
    let mut object = Object::begin(&mut data);
    object.string("uri", uri);
    object.end();
    let code = if modern {
        INVALID_PARAMS
    } else {
        RESOURCE_NOT_FOUND
    };
    Failure {
        data: Some(data),
        ..Failure::new(200, code, format!("unknown resource `{}`", excerpt(uri))).unknown()
    }
}

/// The list that a method returns.
pub fn list_kind(method: &str) -> Option<ListKind> {
    let mut kinds = ListKind::ALL.into_iter();
    kinds.find(|kind| kind.method() == method)
}
