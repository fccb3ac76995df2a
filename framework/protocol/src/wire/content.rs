//! Content of features, as JSON.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::wire::{
    json::{self, Object},
    time::is_iso8601,
    types::{
        prompt_types::PromptMessage,
        types::{
            Annotations, ContentBlock, EmbeddedResource, Icon, IconTheme, MediaContent,
            ResourceBody, ResourceContents, ResourceInfo, Role,
        },
    },
    uri::is_uri,
    version::Version,
};

/// Writes `_meta`, if it is a JSON object.
pub fn meta(object: &mut Object<'_>, meta: Option<&str>) {
    let mut value = Vec::new();
    if meta
        .and_then(|text| json::compact(&mut value, text).ok())
        .is_some_and(|value| value.is_object())
    {
        object.json("_meta", &value);
    }
}

/// Writes `annotations`, if there are any. A priority out of range is omitted, and so is a time
/// that clients cannot read: some throw away the whole list.
pub fn annotations(object: &mut Object<'_>, annotations: Option<&Annotations>) {
    let Some(annotations) = annotations else {
        return;
    };
    let mut written = Object::begin(object.key("annotations"));
    if !annotations.audience.is_empty() {
        let audience = written.key("audience");
        for (index, role) in annotations.audience.iter().enumerate() {
            audience.push(if index == 0 { b'[' } else { b',' });
            json::string(audience, role_name(*role));
        }
        audience.push(b']');
    }
    if let Some(priority) = annotations
        .priority
        .filter(|priority| (0.0..=1.0).contains(priority))
    {
        json::float(written.key("priority"), priority);
    }
    let modified = annotations.last_modified.as_deref();
    written.optional("lastModified", modified.filter(|time| is_iso8601(time)));
    written.end();
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::User => "user",
        Role::Assistant => "assistant",
    }
}

/// Whether clients may load an icon from there.
pub fn is_icon(src: &str) -> bool {
    let scheme = src.split_once(':').map_or("", |(scheme, _)| scheme);
    let is = |known: &&str| scheme.eq_ignore_ascii_case(known);
    ["https", "http", "data"].iter().any(is) && is_uri(src)
}

/// Writes `mimeType`, if there is one.
fn mime_type(object: &mut Object<'_>, mime_type: Option<&str>) {
    object.optional("mimeType", mime_type.filter(|text| !text.is_empty()));
}

/// Writes `icons`, if there are any that clients may load.
pub fn icons(object: &mut Object<'_>, icons: &[Icon]) {
    let mut icons = icons.iter().filter(|icon| is_icon(&icon.src)).peekable();
    if icons.peek().is_none() {
        return;
    }
    let out = object.key("icons");
    for (index, icon) in icons.enumerate() {
        out.push(if index == 0 { b'[' } else { b',' });
        let mut written = Object::begin(out);
        written.string("src", &icon.src);
        mime_type(&mut written, icon.mime_type.as_deref());
        if !icon.sizes.is_empty() {
            let sizes = written.key("sizes");
            for (index, size) in icon.sizes.iter().enumerate() {
                sizes.push(if index == 0 { b'[' } else { b',' });
                json::string(sizes, size);
            }
            sizes.push(b']');
        }
        let theme = icon.theme.map(|theme| match theme {
            IconTheme::Light => "light",
            IconTheme::Dark => "dark",
        });
        written.optional("theme", theme);
        written.end();
    }
    out.push(b']');
}

/// Writes a content block for a client of this revision.
pub fn block(out: &mut Vec<u8>, block: &ContentBlock, version: Version) {
    let mut object = Object::begin(out);
    match block {
        ContentBlock::Text(text) => {
            object.string("type", "text");
            object.string("text", &text.text);
            annotations(&mut object, text.annotations.as_ref());
            meta(&mut object, text.meta.as_deref());
        }
        ContentBlock::Image(content) => media(&mut object, "image", content),
        ContentBlock::Audio(content) if version.has_audio() => {
            media(&mut object, "audio", content);
        }
        ContentBlock::Audio(content) => {
            object.string("type", "text");
            let kind = &content.mime_type;
            object.string(
                "text",
                &format!(
                    "(audio of type {kind} was left out: revision {} has none)",
                    version.as_str()
                ),
            );
        }
        ContentBlock::ResourceLink(link) if !version.has_resource_links() || !is_uri(&link.uri) => {
            object.string("type", "text");
            object.string("text", &link.uri);
            annotations(&mut object, link.annotations.as_ref());
        }
        ContentBlock::ResourceLink(link) => {
            object.string("type", "resource_link");
            resource_info(&mut object, link);
        }
        ContentBlock::EmbeddedResource(embedded) => embedded_resource(&mut object, embedded),
    }
    object.end();
}

fn media(object: &mut Object<'_>, kind: &str, content: &MediaContent) {
    object.string("type", kind);
    base64(object, "data", &content.data);
    let kind = match content.mime_type.as_str() {
        "" => "application/octet-stream",
        kind => kind,
    };
    object.string("mimeType", kind);
    annotations(object, content.annotations.as_ref());
    meta(object, content.meta.as_deref());
}

/// Writes the members of a resource, as lists have them.
pub fn resource_info(object: &mut Object<'_>, resource: &ResourceInfo) {
    object.string("uri", &resource.uri);
    object.string("name", &resource.name);
    object.optional("title", resource.title.as_deref());
    object.optional("description", resource.description.as_deref());
    mime_type(object, resource.mime_type.as_deref());
    if let Some(size) = resource.size {
        object.json("size", size.to_string().as_bytes());
    }
    annotations(object, resource.annotations.as_ref());
    icons(object, &resource.icons);
    meta(object, resource.meta.as_deref());
}

fn embedded_resource(object: &mut Object<'_>, embedded: &EmbeddedResource) {
    object.string("type", "resource");
    resource_contents(object.key("resource"), &embedded.contents);
    annotations(object, embedded.annotations.as_ref());
    meta(object, embedded.meta.as_deref());
}

/// Writes the contents of a resource.
pub fn resource_contents(out: &mut Vec<u8>, contents: &ResourceContents) {
    let mut object = Object::begin(out);
    object.string("uri", &contents.uri);
    mime_type(&mut object, contents.mime_type.as_deref());
    match &contents.body {
        ResourceBody::Text(text) => object.string("text", text),
        ResourceBody::Blob(blob) => base64(&mut object, "blob", blob),
    }
    meta(&mut object, contents.meta.as_deref());
    object.end();
}

/// Writes a message of a prompt for a client of this revision.
pub fn prompt_message(out: &mut Vec<u8>, message: &PromptMessage, version: Version) {
    let mut object = Object::begin(out);
    object.string("role", role_name(message.role));
    block(object.key("content"), &message.content, version);
    object.end();
}

fn base64(object: &mut Object<'_>, key: &str, data: &[u8]) {
    let out = object.key(key);
    out.push(b'"');
    let start = out.len();
    out.resize(start + data.len().div_ceil(3) * 4, 0);
    // With padding, the encoded form has exactly this length.
    let written = STANDARD
        .encode_slice(data, &mut out[start..])
        .unwrap_or_default();
    out.truncate(start + written);
    out.push(b'"');
}

/// A lower bound for the size of a block as JSON, in bytes.
pub fn size(block: &ContentBlock) -> usize {
    match block {
        ContentBlock::Text(text) => text.text.len(),
        ContentBlock::Image(media) => media.data.len().div_ceil(3) * 4,
        // Some clients get text instead.
        ContentBlock::Audio(_) => 0,
        ContentBlock::ResourceLink(link) => link.uri.len() + link.name.len(),
        ContentBlock::EmbeddedResource(embedded) => resource_size(&embedded.contents),
    }
}

/// A lower bound for the size of a resource's contents as JSON, in bytes.
pub fn resource_size(contents: &ResourceContents) -> usize {
    match &contents.body {
        ResourceBody::Text(text) => text.len(),
        ResourceBody::Blob(blob) => blob.len().div_ceil(3) * 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::types::types::TextContent;

    fn written(content: ContentBlock, version: Version) -> String {
        let mut out = Vec::new();
        block(&mut out, &content, version);
        assert!(json::Value::parse(str::from_utf8(&out).unwrap()).is_ok());
        assert!(size(&content) <= out.len());
        String::from_utf8(out).unwrap()
    }

    fn text(annotations: Option<Annotations>, meta: Option<&str>) -> ContentBlock {
        ContentBlock::Text(TextContent {
            text: "t".to_owned(),
            annotations,
            meta: meta.map(str::to_owned),
        })
    }

    fn link() -> ContentBlock {
        ContentBlock::ResourceLink(ResourceInfo {
            uri: "file:///a".to_owned(),
            name: "a".to_owned(),
            title: Some("A".to_owned()),
            description: None,
            mime_type: Some("text/plain".to_owned()),
            size: Some(u64::MAX),
            annotations: None,
            icons: vec![Icon {
                src: "https://example.com/i.png".to_owned(),
                mime_type: None,
                sizes: vec!["48x48".to_owned(), "any".to_owned()],
                theme: Some(IconTheme::Dark),
            }],
            meta: None,
        })
    }

    const MODERN: Version = Version::V2026_07_28;

    #[test]
    fn text_carries_annotations_and_meta() {
        let annotations = Annotations {
            audience: vec![Role::User, Role::Assistant],
            priority: Some(0.5),
            last_modified: Some("2026-01-12T15:00:58Z".to_owned()),
        };
        assert_eq!(
            written(text(Some(annotations), Some("{ \"a\":\n1 }")), MODERN),
            r#"{"type":"text","text":"t","annotations":{"audience":["user","assistant"],"priority":0.5,"lastModified":"2026-01-12T15:00:58Z"},"_meta":{"a":1}}"#
        );
    }

    #[test]
    fn what_is_out_of_range_is_left_out() {
        for priority in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            let annotations = Annotations {
                audience: Vec::new(),
                priority: Some(priority),
                last_modified: None,
            };
            assert_eq!(
                written(text(Some(annotations), None), MODERN),
                r#"{"type":"text","text":"t","annotations":{}}"#
            );
        }
        for meta in ["", "[]", "{", "{} {}"] {
            assert_eq!(
                written(text(None, Some(meta)), MODERN),
                r#"{"type":"text","text":"t"}"#
            );
        }
    }

    #[test]
    fn what_clients_refuse_is_left_out() {
        let resource = |change: fn(&mut ResourceInfo)| {
            let ContentBlock::ResourceLink(mut resource) = link() else {
                panic!("it is a link");
            };
            change(&mut resource);
            written(ContentBlock::ResourceLink(resource), MODERN)
        };
        for src in [
            "javascript:alert(1)",
            "file:///i.png",
            "i.png",
            "https://a/{i}",
            "",
        ] {
            assert!(!is_icon(src), "{src}");
        }
        for src in ["https://a/i", "HTTP://a/i", "data:image/png;base64,YQ=="] {
            assert!(is_icon(src), "{src}");
        }
        let hostile = resource(|r| r.icons[0].src = "javascript:alert(1)".to_owned());
        assert!(!hostile.contains("icons"), "{hostile}");
        let untyped = resource(|r| r.mime_type = Some(String::new()));
        assert!(!untyped.contains("mimeType"), "{untyped}");
        for time in ["2026-01-12", "2026-01-12T15:00:58", "yesterday"] {
            let annotations = Annotations {
                audience: Vec::new(),
                priority: None,
                last_modified: Some(time.to_owned()),
            };
            assert_eq!(
                written(text(Some(annotations), None), MODERN),
                r#"{"type":"text","text":"t","annotations":{}}"#
            );
        }
        // What links to nothing is text.
        assert_eq!(
            resource(|r| r.uri = "not a uri".to_owned()),
            r#"{"type":"text","text":"not a uri"}"#
        );
    }

    #[test]
    fn bytes_are_base64() {
        for (data, encoded) in [
            (&b""[..], ""),
            (b"a", "YQ=="),
            (b"ab", "YWI="),
            (b"abc", "YWJj"),
            (b"\xff\xfe\xfd", "//79"),
        ] {
            let media = MediaContent {
                data: data.to_vec(),
                mime_type: "image/png".to_owned(),
                annotations: None,
                meta: None,
            };
            assert_eq!(
                written(ContentBlock::Image(media), MODERN),
                format!(r#"{{"type":"image","data":"{encoded}","mimeType":"image/png"}}"#)
            );
        }
    }

    #[test]
    fn links_become_text_where_they_are_unknown() {
        assert_eq!(
            written(link(), Version::V2025_06_18),
            r#"{"type":"resource_link","uri":"file:///a","name":"a","title":"A","mimeType":"text/plain","size":18446744073709551615,"icons":[{"src":"https://example.com/i.png","sizes":["48x48","any"],"theme":"dark"}]}"#
        );
        assert_eq!(
            written(link(), Version::V2025_03_26),
            r#"{"type":"text","text":"file:///a"}"#
        );
    }

    #[test]
    fn embedded_resources_hold_text_or_bytes() {
        let embedded = |body| {
            ContentBlock::EmbeddedResource(EmbeddedResource {
                contents: ResourceContents {
                    uri: "a:b".to_owned(),
                    mime_type: None,
                    body,
                    meta: Some("{}".to_owned()),
                },
                annotations: None,
                meta: None,
            })
        };
        assert_eq!(
            written(embedded(ResourceBody::Text("x".to_owned())), MODERN),
            r#"{"type":"resource","resource":{"uri":"a:b","text":"x","_meta":{}}}"#
        );
        assert_eq!(
            written(embedded(ResourceBody::Blob(b"x".to_vec())), MODERN),
            r#"{"type":"resource","resource":{"uri":"a:b","blob":"eA==","_meta":{}}}"#
        );
    }

    #[test]
    fn what_was_read_is_text_or_bytes() {
        let contents = |mime_type: Option<&str>, body, meta: Option<&str>| {
            let mut out = Vec::new();
            let contents = ResourceContents {
                uri: "a:\"b\"".to_owned(),
                mime_type: mime_type.map(str::to_owned),
                body,
                meta: meta.map(str::to_owned),
            };
            resource_contents(&mut out, &contents);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(
            contents(
                Some("text/plain"),
                ResourceBody::Text("x\n".to_owned()),
                Some("{ \"k\": 1 }")
            ),
            r#"{"uri":"a:\"b\"","mimeType":"text/plain","text":"x\n","_meta":{"k":1}}"#
        );
        assert_eq!(
            contents(None, ResourceBody::Blob(vec![0, 255]), Some("7")),
            r#"{"uri":"a:\"b\"","blob":"AP8="}"#
        );
    }

    #[test]
    fn messages_have_a_role_and_content() {
        let message = |role, content, version| {
            let mut out = Vec::new();
            prompt_message(&mut out, &PromptMessage { role, content }, version);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(
            message(Role::User, text(None, None), MODERN),
            r#"{"role":"user","content":{"type":"text","text":"t"}}"#
        );
        assert_eq!(
            message(Role::Assistant, link(), Version::V2025_03_26),
            r#"{"role":"assistant","content":{"type":"text","text":"file:///a"}}"#
        );
    }
}
