//! Resources: what they return, and the interface that a component exports.

use std::borrow::Cow;
use std::fmt::Display;

use serde::Serialize;

use crate::bindings::imports::spin_mcp::server::resource_types::{
    ReadOutcome, ReadResult, ResourceList, ResourceTemplate, ResourceTemplateList,
};
use crate::bindings::imports::spin_mcp::server::types::{
    self, ResourceBody, ResourceContents, ResourceInfo,
};
use crate::content::Json;
use crate::context::Context;
use crate::error::Error;
use crate::export::{Server, first_page};
use crate::text::{Completing, Given, Waits};
use crate::tools::{Answer, Later, When, seen};
use crate::uri::Template;

/// Lists entries for a request.
pub type Listing = for<'a> fn(&'a Context) -> Later<'a, Vec<ResourceInfo>>;

/// A function as a resource or a template; `#[resource]` writes it.
pub struct ResourceEntry {
    /// The URI, with variables in a template.
    pub uri: &'static str,
    /// The type of all its contents.
    pub mime_type: Option<&'static str>,
    /// Whether it is an `async fn`.
    pub is_async: bool,
    /// Who sees it.
    pub when: When,
    /// The entry of the list.
    pub describe: fn() -> Described,
    /// Further entries of the list, such as what a template has.
    pub list: Option<Listing>,
    /// The context that it takes.
    pub context: fn(u64) -> Context,
    /// Calls it with the variables; none if there is no such resource.
    pub read: for<'a> fn(&'a mut Context, &'a Given) -> Answer<'a, Option<ReadOutcome>>,
    /// Suggests values for one variable.
    pub complete: for<'a> fn(&'a str, &'a Completing) -> Later<'a, Vec<String>>,
}

/// What can list resources: `fn() -> Vec<ResourceInfo>` or `fn(&Context) -> Vec<ResourceInfo>`, also as
/// `async fn`.
#[diagnostic::on_unimplemented(
    message = "this function cannot list resources",
    note = "`fn() -> Vec<ResourceInfo>`, `fn(&Context) -> Vec<ResourceInfo>` or an `async fn` of them can"
)]
pub trait Lister<Takes> {
    /// Whether it is an `async fn`.
    const WAITS: bool = false;
    /// The entries for this request.
    fn list(self, context: &Context) -> impl Future<Output = Vec<ResourceInfo>>;
}

impl<F: Fn() -> Vec<ResourceInfo>> Lister<()> for F {
    async fn list(self, _: &Context) -> Vec<ResourceInfo> {
        self()
    }
}

impl<F: Fn(&Context) -> Vec<ResourceInfo>> Lister<(Context,)> for F {
    async fn list(self, context: &Context) -> Vec<ResourceInfo> {
        self(context)
    }
}

impl<F: AsyncFn() -> Vec<ResourceInfo>> Lister<Waits<()>> for F {
    const WAITS: bool = true;
    async fn list(self, _: &Context) -> Vec<ResourceInfo> {
        self().await
    }
}

impl<F: AsyncFn(&Context) -> Vec<ResourceInfo>> Lister<Waits<(Context,)>> for F {
    const WAITS: bool = true;
    async fn list(self, context: &Context) -> Vec<ResourceInfo> {
        self(context).await
    }
}

/// Whether a function that lists is an `async fn`.
pub const fn waits<Takes, F: Lister<Takes>>(_: &F) -> bool {
    F::WAITS
}

/// An entry of a list.
pub enum Described {
    /// One resource.
    Resource(ResourceInfo),
    /// A set of resources.
    Template(ResourceTemplate),
}

/// What `export!` lists under `resources`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a resource",
    note = "a function becomes a resource by `#[resource(\"notes://all\")]`"
)]
pub trait ResourceFunction {
    /// The resource.
    const ENTRY: ResourceEntry;
}

/// What a resource can return. Contents without a URI or a type get those of the resource.
#[diagnostic::on_unimplemented(
    message = "a resource cannot return `{Self}`",
    note = "return text, bytes, `Json(value)`, `ResourceContents`, `Vec<ResourceContents>`, an `Option` \
            of them if the resource may not exist, or a `Result`"
)]
pub trait ResourceOutput: Sized {
    /// What was read, or why it was not; none if there is no such resource.
    fn read(self) -> Result<Option<ReadResult>, Error>;
}

impl ResourceOutput for ReadResult {
    fn read(self) -> Result<Option<ReadResult>, Error> {
        Ok(Some(self))
    }
}

impl ResourceOutput for Vec<ResourceContents> {
    fn read(self) -> Result<Option<ReadResult>, Error> {
        Ok(Some(ReadResult {
            contents: self,
            cache: None,
            meta: None,
        }))
    }
}

impl ResourceOutput for ResourceContents {
    fn read(self) -> Result<Option<ReadResult>, Error> {
        vec![self].read()
    }
}

impl ResourceOutput for ResourceBody {
    fn read(self) -> Result<Option<ReadResult>, Error> {
        ResourceContents::of("", self).read()
    }
}

macro_rules! bodies {
    ($kind:ident: $($of:ty)*) => {
        $(impl ResourceOutput for $of {
            fn read(self) -> Result<Option<ReadResult>, Error> {
                ResourceBody::$kind(self.into()).read()
            }
        })*
    };
}
bodies!(Text: &str String Cow<'_, str>);
bodies!(Blob: &[u8] Vec<u8>);

impl<const N: usize> ResourceOutput for &[u8; N] {
    fn read(self) -> Result<Option<ReadResult>, Error> {
        self.as_slice().read()
    }
}

impl<T: Serialize> ResourceOutput for Json<T> {
    fn read(self) -> Result<Option<ReadResult>, Error> {
        let text = serde_json::to_string(&self.0)
            .map_err(|why| Error::internal(format!("the contents are not JSON: {why}")))?;
        ResourceContents::text("", text)
            .mime_type("application/json")
            .read()
    }
}

impl<T: ResourceOutput> ResourceOutput for Option<T> {
    fn read(self) -> Result<Option<ReadResult>, Error> {
        self.map_or(Ok(None), T::read)
    }
}

impl<T: ResourceOutput, E: Display + 'static> ResourceOutput for Result<T, E> {
    fn read(self) -> Result<Option<ReadResult>, Error> {
        self.map_err(Error::of)?.read()
    }
}

/// The outcome of a call.
pub fn finished(
    found: Result<Option<ReadResult>, Error>,
) -> Result<Option<ReadOutcome>, types::Error> {
    let found = found.map_err(|why| why.refusal(-32603))?;
    Ok(found.map(ReadOutcome::Complete))
}

/// The outcome of a call that can ask.
pub fn finished_asking(
    context: &mut Context,
    name: &str,
    found: Result<Option<ReadResult>, Error>,
) -> Result<Option<ReadOutcome>, types::Error> {
    match context.required(name) {
        None => finished(found),
        Some(Ok(required)) => Ok(Some(ReadOutcome::InputRequired(required))),
        Some(Err(why)) => Err(Error::internal(why).refusal(-32603)),
    }
}

/// What this request sees.
fn entries<S: Server>(request: u64) -> impl Iterator<Item = &'static ResourceEntry> {
    let entries = S::RESOURCES.iter();
    entries.filter(move |entry| seen(entry.when, request))
}

async fn list<S: Server>(
    request: u64,
    cursor: Option<String>,
) -> Result<ResourceList, types::Error> {
    first_page(cursor)?;
    let mut resources = vec![];
    for entry in entries::<S>(request) {
        if let Described::Resource(resource) = (entry.describe)() {
            resources.push(resource);
        }
        if let Some(list) = entry.list {
            resources.extend(list(&Context::new(request)).await);
        }
    }
    Ok(ResourceList {
        resources,
        next_cursor: None,
        cache: None,
    })
}

fn list_templates<S: Server>(
    request: u64,
    cursor: Option<String>,
) -> Result<ResourceTemplateList, types::Error> {
    first_page(cursor)?;
    let listed = entries::<S>(request).filter_map(|entry| match (entry.describe)() {
        Described::Resource(_) => None,
        Described::Template(template) => Some(template),
    });
    Ok(ResourceTemplateList {
        resource_templates: listed.collect(),
        next_cursor: None,
        cache: None,
    })
}

async fn read<S: Server>(request: u64, uri: String) -> Result<Option<ReadOutcome>, types::Error> {
    let fitting = entries::<S>(request).filter_map(|entry| {
        let given = Template::new(entry.uri).fits(&uri)?;
        Some((given, entry))
    });
    let mut fitting: Vec<_> = fitting.collect();
    // A resource of its own comes before the template that it fits.
    fitting.sort_by_key(|(given, _)| given.len());
    for (given, entry) in fitting {
        let mut context = (entry.context)(request);
        match (entry.read)(&mut context, &given).await? {
            None => {}
            Some(ReadOutcome::Complete(mut result)) => {
                for contents in &mut result.contents {
                    if contents.uri.is_empty() {
                        contents.uri.clone_from(&uri);
                    }
                    if contents.mime_type.is_none() {
                        contents.mime_type = entry.mime_type.map(str::to_owned);
                    }
                }
                return Ok(Some(ReadOutcome::Complete(result)));
            }
            asked => return Ok(asked),
        }
    }
    Ok(None)
}

mod exported {
    use super::*;
    use crate::bindings::resources::exports::spin_mcp::server::resources::Guest;
    use crate::export::at_once;

    impl<S: Server> Guest for S {
        fn list_resources(
            request: u64,
            cursor: Option<String>,
        ) -> Result<ResourceList, types::Error> {
            at_once(list::<S>(request, cursor))
        }

        fn list_resource_templates(
            request: u64,
            cursor: Option<String>,
        ) -> Result<ResourceTemplateList, types::Error> {
            list_templates::<S>(request, cursor)
        }

        fn read_resource(request: u64, uri: String) -> Result<Option<ReadOutcome>, types::Error> {
            at_once(read::<S>(request, uri))
        }
    }
}

#[cfg(feature = "async")]
mod exported_async {
    use super::*;
    use crate::bindings::resources_async::exports::spin_mcp::server::resources_async::Guest;

    impl<S: Server> Guest for S {
        async fn list_resources(
            request: u64,
            cursor: Option<String>,
        ) -> Result<ResourceList, types::Error> {
            list::<S>(request, cursor).await
        }

        async fn list_resource_templates(
            request: u64,
            cursor: Option<String>,
        ) -> Result<ResourceTemplateList, types::Error> {
            list_templates::<S>(request, cursor)
        }

        async fn read_resource(
            request: u64,
            uri: String,
        ) -> Result<Option<ReadOutcome>, types::Error> {
            read::<S>(request, uri).await
        }
    }
}
