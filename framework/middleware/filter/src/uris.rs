//! URIs of resources and of templates.

use spin_mcp_middleware_sdk::{Error, Pattern, Settings, any, error, excerpt, json};

/// The code of revisions before 2026-07-28. The transport replaces it in later ones.
const RESOURCE_NOT_FOUND: i32 = -32002;

#[derive(Default)]
pub struct Uris {
    /// None: all.
    allow: Option<Vec<Pattern>>,
    /// In lower case.
    deny: Vec<Pattern>,
}

impl Uris {
    pub fn read(settings: Option<Settings<'_>>) -> Result<Uris, String> {
        let Some(settings) = settings else {
            return Ok(Uris::default());
        };
        let allow = settings.strings("allow")?;
        let deny = settings.strings("deny")?.unwrap_or_default();
        settings.end()?;
        Ok(Uris {
            allow: allow.map(|uris| uris.into_iter().map(Pattern::new).collect()),
            deny: deny
                .iter()
                .map(|uri| Pattern::new(uri.to_ascii_lowercase()))
                .collect(),
        })
    }

    /// Whether clients may see it, in whatever form: neither an escape nor a capital letter gets
    /// around the lists.
    pub fn permit(&self, uri: &str) -> bool {
        let decoded = decode(uri);
        let forms = [uri, &decoded];
        let allowed = |allow: &Vec<Pattern>| forms.iter().all(|uri| any(allow, uri));
        let denied = |uri: &&str| any(&self.deny, &uri.to_ascii_lowercase());
        self.allow.as_ref().is_none_or(allowed) && !forms.iter().any(denied)
    }

    /// The URI itself if clients may see it.
    pub fn pass(&self, uri: &str) -> Result<String, Error> {
        if self.permit(uri) {
            return Ok(uri.to_owned());
        }
        let mut data = Vec::new();
        let mut object = json::Object::begin(&mut data);
        object.string("uri", uri);
        object.end();
        Err(Error {
            data: String::from_utf8(data).ok(),
            ..error(
                RESOURCE_NOT_FOUND,
                format!("unknown resource `{}`", excerpt(uri)),
            )
        })
    }
}

/// Replaces `%` and two hexadecimal digits by the byte that they stand for.
fn decode(uri: &str) -> String {
    let mut bytes = Vec::with_capacity(uri.len());
    let mut rest = uri.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escaped = (first == b'%').then(|| after.split_at_checked(2)).flatten();
        let byte = escaped.and_then(|(digits, after)| {
            let digits = str::from_utf8(digits)
                .ok()
                .filter(|digits| !digits.starts_with('+'))?;
            Some((u8::from_str_radix(digits, 16).ok()?, after))
        });
        let (byte, after) = byte.unwrap_or((first, after));
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
