//! URIs of resources and of templates.

use spin_mcp_middleware_sdk::{
    Error, INVALID_PARAMS, Pattern, Settings, any, error, excerpt, json, uri::normal,
};

/// The code of revisions before 2026-07-28. The transport replaces it in later ones.
const RESOURCE_NOT_FOUND: i32 = -32002;

#[derive(Default)]
pub struct Uris {
    /// None: all. Patterns for URIs in their normal form, and for such URIs without escapes.
    allow: Option<[Vec<Pattern>; 2]>,
    /// In lower case, as they are written and in both of these forms.
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
            allow: allow.map(|uris| {
                [0, 1].map(|form| {
                    uris.iter()
                        .map(|uri| Pattern::new(&*forms(uri)[form]))
                        .collect()
                })
            }),
            deny: deny
                .iter()
                .flat_map(|uri| forms(uri).into_iter().chain([uri.to_string()]))
                .map(|uri| Pattern::new(uri.to_ascii_lowercase()))
                .collect(),
        })
    }

    /// Whether clients may see it, in whatever form: no escape, no capital letter and no dots in
    /// the path get around the lists.
    pub fn permit(&self, uri: &str) -> bool {
        let [normal, decoded] = forms(uri);
        let allowed =
            |[normals, others]: &[Vec<Pattern>; 2]| any(normals, &normal) && any(others, &decoded);
        let denied = |uri: &str| any(&self.deny, &uri.to_ascii_lowercase());
        self.allow.as_ref().is_none_or(allowed)
            && ![uri, &decode(uri), &normal, &decoded]
                .into_iter()
                .any(denied)
    }

    /// The URI template itself if clients may see it.
    pub fn pass_template(&self, uri: &str) -> Result<String, Error> {
        match self.permit(uri) {
            true => Ok(uri.to_owned()),
            false => Err(error(
                INVALID_PARAMS,
                format!("unknown resource template `{}`", excerpt(uri)),
            )),
        }
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

/// The form that all equal URIs share, and the same without escapes.
fn forms(uri: &str) -> [String; 2] {
    let normal = normal(uri);
    let decoded = decode(&normal);
    [normal, decoded]
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
