//! Reads the result of a chain, in one pass.

use std::collections::BTreeSet;

use crate::{
    answer::response::{self, broken},
    call::Call,
    wire::{
        MAX_RESULT,
        failure::Failure,
        json::{self, Fault, Object, Reader, Value},
        message::SERVER_INFO,
    },
};

/// A result. No member of it or of its metadata occurs twice.
pub struct HandledResult<'t> {
    pub value: Value<'t>,
    pub kind: ResultKind,
    meta: Option<Value<'t>>,
    /// The name of the server in the metadata.
    server_info: Option<Value<'t>>,
    has_type: bool,
    is_spaced: bool,
}

/// The kind of a result, from its `resultType`.
#[derive(Clone, Copy)]
pub enum ResultKind {
    Complete,
    InputRequired,
    Extension,
}

impl<'t> HandledResult<'t> {
    pub fn read(call: &Call<'_>, text: &'t str) -> Result<HandledResult<'t>, Failure> {
        if text.len() > MAX_RESULT {
            return Err(response::too_large(call));
        }
        match read(text) {
            Ok(Ok(answered)) => Ok(answered),
            Ok(Err(what)) => Err(broken(call, what)),
            Err(Fault::Depth) => Err(broken(
                call,
                "a result that nests too deep; let it return a flatter one",
            )),
            Err(Fault::Syntax(_)) => Err(broken(call, "something that is not a JSON object")),
        }
    }

    /// Writes the result as a complete one. `resultType` and the name of this server are added
    /// where the client expects them: middleware may leave them out, and a saved sequence has
    /// its own name.
    pub fn write(&self, out: &mut Vec<u8>, call: &Call<'_>) {
        let modern = call.client.version.is_modern();
        let server_info = call.catalog.server_info();
        let named = !modern
            || self
                .server_info
                .is_some_and(|named| named.text.as_bytes() == server_info);
        // Writing cannot fail: the result was read before.
        if modern == self.has_type && named {
            match self.is_spaced {
                true => drop(json::compact(out, self.value.text)),
                false => out.extend_from_slice(self.value.text.as_bytes()),
            }
            return;
        }
        let mut object = Object::begin(out);
        if modern {
            object.string("resultType", "complete");
        }
        for (key, value) in self.value.members() {
            if !key.is_str("resultType") && (named || !key.is_str("_meta")) {
                let _ = json::compact(object.raw_key(key), value.text);
            }
        }
        if !named {
            response::write_named(object.key("_meta"), &call.catalog, self.meta);
        }
        object.end();
    }
}

/// A result, or why it is not one.
fn read(text: &str) -> Result<Result<HandledResult<'_>, &'static str>, Fault> {
    let mut reader = Reader::new(text);
    if reader.peek()? != json::Kind::Object {
        return Err(Fault::Syntax(0));
    }
    let (mut kind, mut meta, mut server_info) = (None, None, None);
    let mut meta_names_once = true;
    let start = reader.position();
    let names_once = members(&mut reader, |reader, key| {
        if !key.is_str("_meta") {
            let value = reader.value()?;
            if key.is_str("resultType") {
                kind = Some(value);
            }
            return Ok(());
        }
        let (kind, start) = (reader.peek()?, reader.position());
        if kind == json::Kind::Object {
            meta_names_once = members(reader, |reader, key| {
                let value = reader.value()?;
                if key.is_str(SERVER_INFO) {
                    server_info = Some(value);
                }
                Ok(())
            })?;
        } else {
            reader.value()?;
        }
        let text = reader.since(start);
        meta = Some(Value { kind, text });
        Ok(())
    })?;
    let value = Value {
        kind: json::Kind::Object,
        text: reader.since(start),
    };
    reader.end()?;
    if !names_once {
        return Ok(Err("a result that names a member twice"));
    }
    if meta.is_some_and(|meta| !meta.is_object()) {
        return Ok(Err("metadata that is not a JSON object"));
    }
    if !meta_names_once {
        return Ok(Err("metadata that names a member twice"));
    }
    Ok(Ok(HandledResult {
        value,
        kind: match kind {
            None => ResultKind::Complete,
            Some(kind) if kind.is_str("complete") => ResultKind::Complete,
            Some(kind) if kind.is_str("input_required") => ResultKind::InputRequired,
            Some(_) => ResultKind::Extension,
        },
        meta,
        server_info,
        has_type: kind.is_some(),
        is_spaced: reader.is_spaced(),
    }))
}

/// Reads an object; `value` reads the value of each member. False if two members have one name:
/// readers disagree on which one counts.
fn members<'t>(
    reader: &mut Reader<'t>,
    mut value: impl FnMut(&mut Reader<'t>, Value<'t>) -> Result<(), Fault>,
) -> Result<bool, Fault> {
    let mut names = BTreeSet::new();
    let (mut first, mut once) = (true, true);
    reader.enter()?;
    while let Some(key) = reader.next_key(first)? {
        first = false;
        once &= key.as_str().is_some_and(|name| names.insert(name));
        value(reader, key)?;
    }
    Ok(once)
}
