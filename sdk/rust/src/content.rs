//! What functions return: content blocks, messages, contents of resources.

use crate::bindings::imports::spin_mcp::server::prompt_types::PromptMessage;
use crate::bindings::imports::spin_mcp::server::types::{
    ContentBlock, EmbeddedResource, Icon, MediaContent, ResourceBody, ResourceContents,
    ResourceInfo, Role, TextContent,
};

/// A result as JSON: structured content of a tool, with the output schema of `T`, or the contents of a
/// resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Json<T>(pub T);

/// A result as text: anything that is `Display`.
#[derive(Clone, Debug, PartialEq)]
pub struct Text<T>(pub T);

/// All arguments of a tool as one struct: `Parameters(Trip { distance }): Parameters<Trip>`.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters<T>(pub T);

impl ContentBlock {
    /// Text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(TextContent {
            text: text.into(),
            annotations: None,
            meta: None,
        })
    }

    /// An image of this type, such as `image/png`, from its bytes.
    pub fn image(data: impl Into<Vec<u8>>, mime_type: &str) -> Self {
        Self::Image(media(data.into(), mime_type))
    }

    /// A sound of this type, such as `audio/wav`, from its bytes.
    pub fn audio(data: impl Into<Vec<u8>>, mime_type: &str) -> Self {
        Self::Audio(media(data.into(), mime_type))
    }

    /// A link to a resource: `Content::link(ResourceInfo::new("notes://a", "a"))`.
    pub fn link(resource: ResourceInfo) -> Self {
        Self::ResourceLink(resource)
    }

    /// A resource with its contents: `Content::resource(ResourceContents::text("notes://a", "…"))`.
    pub fn resource(contents: ResourceContents) -> Self {
        Self::EmbeddedResource(EmbeddedResource {
            contents,
            annotations: None,
            meta: None,
        })
    }
}

fn media(data: Vec<u8>, mime_type: &str) -> MediaContent {
    MediaContent {
        data,
        mime_type: mime_type.to_owned(),
        annotations: None,
        meta: None,
    }
}

impl From<&str> for ContentBlock {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for ContentBlock {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl PromptMessage {
    /// What the user says.
    pub fn user(content: impl Into<ContentBlock>) -> Self {
        let (role, content) = (Role::User, content.into());
        Self { role, content }
    }

    /// What the model says.
    pub fn assistant(content: impl Into<ContentBlock>) -> Self {
        let (role, content) = (Role::Assistant, content.into());
        Self { role, content }
    }
}

impl ResourceContents {
    /// Contents that are text.
    pub fn text(uri: impl Into<String>, text: impl Into<String>) -> Self {
        Self::of(uri, ResourceBody::Text(text.into()))
    }

    /// Contents that are bytes.
    pub fn blob(uri: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self::of(uri, ResourceBody::Blob(bytes.into()))
    }

    /// Contents of either kind.
    pub(crate) fn of(uri: impl Into<String>, body: ResourceBody) -> Self {
        Self {
            uri: uri.into(),
            mime_type: None,
            body,
            meta: None,
        }
    }

    /// The type of the contents, such as `text/markdown`.
    #[must_use]
    pub fn mime_type(mut self, mime_type: &str) -> Self {
        self.mime_type = Some(mime_type.to_owned());
        self
    }
}

impl ResourceInfo {
    /// A resource for a list or a link.
    pub fn new(uri: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            uri: uri.into(),
            name: name.into(),
            title: None,
            description: None,
            mime_type: None,
            size: None,
            annotations: None,
            icons: vec![],
            meta: None,
        }
    }

    /// The name for people.
    #[must_use]
    pub fn title(mut self, title: &str) -> Self {
        self.title = Some(title.to_owned());
        self
    }

    /// What it holds.
    #[must_use]
    pub fn description(mut self, description: &str) -> Self {
        self.description = Some(description.to_owned());
        self
    }

    /// The type of the contents.
    #[must_use]
    pub fn mime_type(mut self, mime_type: &str) -> Self {
        self.mime_type = Some(mime_type.to_owned());
        self
    }
}

impl Icon {
    /// An icon at an `https:` or `data:` URI.
    pub fn new(src: impl Into<String>) -> Self {
        Self {
            src: src.into(),
            mime_type: None,
            sizes: vec![],
            theme: None,
        }
    }

    /// The type of the image.
    #[must_use]
    pub fn mime_type(mut self, mime_type: &str) -> Self {
        self.mime_type = Some(mime_type.to_owned());
        self
    }

    /// A size, such as `48x48`, or `any`.
    #[must_use]
    pub fn size(mut self, size: &str) -> Self {
        self.sizes.push(size.to_owned());
        self
    }
}
