//! Middleware: decides which tools, prompts and resources clients see, and under which names.
//!
//! A hidden entry appears in no list and cannot be called, read or completed. Names change on the
//! way in and on the way out: the next component does not know about it.

mod names;
mod uris;

use spin_mcp_middleware_sdk::{
    Error, INVALID_PARAMS, Middleware, Next, Settings, Value, broken, error, excerpt, json, object,
    replace,
};

use names::Names;
use uris::Uris;

#[cfg(target_family = "wasm")]
spin_mcp_middleware_sdk::export!(Filter);

pub struct Filter {
    tools: Names,
    prompts: Names,
    resources: Uris,
}

impl Middleware for Filter {
    const NAME: &str = "filter";

    fn new(settings: Settings<'_>) -> Result<Filter, String> {
        let filter = Filter {
            tools: Names::read("tool", settings.section("tools")?)?,
            prompts: Names::read("prompt", settings.section("prompts")?)?,
            resources: Uris::read(settings.section("resources")?)?,
        };
        settings.end()?;
        Ok(filter)
    }

    async fn handle(
        &self,
        next: &impl Next,
        method: &str,
        params: String,
    ) -> Result<String, Error> {
        let uri = |uri: &str| Ok(self.resources.permit(uri).then(|| uri.to_owned()));
        match method {
            "tools/list" => {
                let listed = next.handle(method, params).await?;
                list(method, &listed, "tools", "name", |name| {
                    self.tools.outward(name)
                })
            }
            "prompts/list" => {
                let listed = next.handle(method, params).await?;
                list(method, &listed, "prompts", "name", |name| {
                    self.prompts.outward(name)
                })
            }
            "resources/list" => {
                let listed = next.handle(method, params).await?;
                list(method, &listed, "resources", "uri", uri)
            }
            "resources/templates/list" => {
                let listed = next.handle(method, params).await?;
                list(method, &listed, "resourceTemplates", "uriTemplate", uri)
            }
            "tools/call" => next.handle(method, named(&params, &self.tools)?).await,
            "prompts/get" => next.handle(method, named(&params, &self.prompts)?).await,
            "resources/read" | "resources/subscribe" | "resources/unsubscribe" => {
                let params = with(&params, "uri", |uri| self.resources.pass(uri))?;
                next.handle(method, params).await
            }
            "completion/complete" => {
                let params = self.reference(&params)?;
                next.handle(method, params).await
            }
            "subscriptions/listen" => {
                self.listens(&params)?;
                next.handle(method, params).await
            }
            _ => next.handle(method, params).await,
        }
    }
}

impl Filter {
    /// The parameters of a completion, with the original name.
    fn reference(&self, params: &str) -> Result<String, Error> {
        let params = object(params, "`params`")?;
        let reference = params.member("ref").filter(Value::is_object);
        let reference = reference.ok_or_else(|| malformed("ref", "an object"))?;
        let kind = reference.member("type").and_then(|kind| kind.as_str());
        let reference = match kind.as_deref() {
            Some("ref/prompt") => named(reference.text, &self.prompts)?,
            Some("ref/resource") => with(reference.text, "uri", |uri| {
                self.resources.pass_template(uri)
            })?,
            _ => return Err(malformed("ref.type", "`ref/prompt` or `ref/resource`")),
        };
        Ok(replaced(params, "ref", reference.as_bytes()))
    }

    /// Fails if a client wants to listen for changes of a resource that it cannot see.
    fn listens(&self, params: &str) -> Result<(), Error> {
        let params = object(params, "`params`")?;
        for notifications in all_members(params, "notifications") {
            for uris in all_members(notifications, "resourceSubscriptions") {
                for uri in uris.elements().filter_map(|uri| uri.as_str()) {
                    self.resources.pass(&uri)?;
                }
            }
        }
        Ok(())
    }
}

/// Every member of that name, since the next reader may take any of them.
fn all_members<'a>(object: Value<'a>, name: &str) -> impl Iterator<Item = Value<'a>> {
    let members = object.members().filter(move |(key, _)| key.is_str(name));
    members.map(|(_, value)| value)
}

/// The parameters with the original name.
fn named(params: &str, names: &Names) -> Result<String, Error> {
    with(params, "name", |name| {
        let unknown = || format!("unknown {} `{}`", names.kind(), excerpt(name));
        names
            .inward(name)
            .ok_or_else(|| error(INVALID_PARAMS, unknown()))
    })
}

/// The parameters with a changed value of the string `member`.
fn with(
    params: &str,
    member: &str,
    change: impl FnOnce(&str) -> Result<String, Error>,
) -> Result<String, Error> {
    let params = object(params, "`params`")?;
    let old = params.member(member).and_then(|value| value.as_str());
    let new = change(&old.ok_or_else(|| malformed(member, "a string"))?)?;
    let mut text = Vec::new();
    json::string(&mut text, &new);
    Ok(replaced(params, member, &text))
}

fn replaced(object: Value<'_>, member: &str, value: &[u8]) -> String {
    let mut out = Vec::with_capacity(object.text.len() + value.len());
    replace(&mut out, object, member, |out| out.extend_from_slice(value));
    written(out)
}

fn written(json: Vec<u8>) -> String {
    String::from_utf8(json).expect("JSON is made of texts")
}

/// A list as clients see it. `outward` returns the name or URI that clients know for the member `key`
/// of an entry, or none if the entry is hidden.
fn list(
    method: &str,
    listed: &str,
    member: &str,
    key: &str,
    outward: impl Fn(&str) -> Result<Option<String>, Error>,
) -> Result<String, Error> {
    let what = format!("the answer to `{method}`");
    let listed = object(listed, &what)?;
    let mut entries = vec![b'['];
    for entry in listed.member(member).iter().flat_map(Value::elements) {
        let name = entry.member(key).and_then(|name| name.as_str());
        let name = name.ok_or_else(|| broken(&what, &format!("has an entry without a `{key}`")))?;
        let Some(known) = outward(&name)? else {
            continue;
        };
        if entries.len() > 1 {
            entries.push(b',');
        }
        replace(&mut entries, entry, key, |out| json::string(out, &known));
    }
    entries.push(b']');
    Ok(replaced(listed, member, &entries))
}

fn malformed(member: &str, expected: &str) -> Error {
    error(INVALID_PARAMS, format!("`{member}` is not {expected}"))
}

#[cfg(test)]
mod tests;
