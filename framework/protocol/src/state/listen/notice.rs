//! The messages on a stream of notifications, each on one line.

use super::change::Change;
use crate::wire::{
    json::{self, Object},
    message::SERVER_INFO,
};

const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";

/// The acknowledgment of a subscription
/// (https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/subscriptions#acknowledgment).
pub fn acknowledgement<'a>(
    id: &str,
    changes: impl Iterator<Item = &'a Change>,
    tasks: &[String],
) -> Vec<u8> {
    message("notifications/subscriptions/acknowledged", |message| {
        let mut params = Object::begin(message.key("params"));
        write_meta(&mut params, Some(id), None);
        let mut agreed = Object::begin(params.key("notifications"));
        let mut uris = Vec::new();
        for change in changes {
            match change {
                Change::Tools => agreed.bool("toolsListChanged", true),
                Change::Prompts => agreed.bool("promptsListChanged", true),
                Change::Resources => agreed.bool("resourcesListChanged", true),
                Change::Resource(uri) => uris.push(uri),
            }
        }
        write_strings(&mut agreed, "resourceSubscriptions", &uris);
        write_strings(&mut agreed, "taskIds", tasks);
        agreed.end();
        params.end();
    })
}

/// The response that ends a subscription
/// (https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/subscriptions#graceful-closure).
pub fn end(id: &str, server_info: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(192 + server_info.len());
    let mut response = Object::begin(&mut out);
    response.string("jsonrpc", "2.0");
    response.json("id", id.as_bytes());
    let mut result = Object::begin(response.key("result"));
    result.string("resultType", "complete");
    write_meta(&mut result, Some(id), Some(server_info));
    result.end();
    response.end();
    out
}

/// The notification of a change. Notifications for legacy clients have no `id`.
pub fn change(id: Option<&str>, change: &Change) -> Vec<u8> {
    let (method, uri) = match change {
        Change::Tools => ("notifications/tools/list_changed", None),
        Change::Prompts => ("notifications/prompts/list_changed", None),
        Change::Resources => ("notifications/resources/list_changed", None),
        Change::Resource(uri) => ("notifications/resources/updated", Some(uri)),
    };
    message(method, |message| {
        if id.is_none() && uri.is_none() {
            return;
        }
        let mut params = Object::begin(message.key("params"));
        write_meta(&mut params, id, None);
        params.optional("uri", uri.map(String::as_str));
        params.end();
    })
}

fn message(method: &str, write_params: impl FnOnce(&mut Object<'_>)) -> Vec<u8> {
    let mut out = Vec::with_capacity(192);
    let mut message = Object::begin(&mut out);
    message.string("jsonrpc", "2.0");
    message.string("method", method);
    write_params(&mut message);
    message.end();
    out
}

fn write_meta(object: &mut Object<'_>, id: Option<&str>, server_info: Option<&[u8]>) {
    let Some(id) = id else {
        return;
    };
    let mut meta = Object::begin(object.key("_meta"));
    if let Some(server_info) = server_info {
        meta.json(SERVER_INFO, server_info);
    }
    meta.json(SUBSCRIPTION_ID, id.as_bytes());
    meta.end();
}

/// Writes a member, unless there are no strings.
fn write_strings(object: &mut Object<'_>, key: &str, strings: &[impl AsRef<str>]) {
    if strings.is_empty() {
        return;
    }
    let out = object.key(key);
    for (index, string) in strings.iter().enumerate() {
        out.push(if index == 0 { b'[' } else { b',' });
        json::string(out, string.as_ref());
    }
    out.push(b']');
}
