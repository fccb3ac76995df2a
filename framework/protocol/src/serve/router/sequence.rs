//! A saved sequence: a router that asks the next component about everything that it does not
//! have itself.
//!
//! Its own entries hide entries of the same name in the next component: it is asked first, and
//! lists omit what it hides. For features with dynamic lists, only the current page is known, so
//! an entry on another page may appear twice. Compose sees hidden entries too, and refuses
//! duplicate names.

mod page;
mod result;

use std::{borrow::Cow, collections::BTreeSet};

use super::own::{Own, error};
use crate::{
    call::target,
    catalog::{Catalog, ListKind},
    wire::{
        failure::{Failure, INVALID_PARAMS, METHOD_NOT_FOUND},
        json::{Object, Value},
        message::Params,
        types::types::Error,
    },
};
use result::{broken, copy, read, whole};

/// The completion of a reference without completions.
const NO_COMPLETION: &str = r#"{"completion":{"values":[],"hasMore":false}}"#;

/// The next step of a request.
#[derive(Debug)]
pub enum SequenceStep<'a> {
    /// Let this sequence's own router answer.
    Own,
    /// Pass the request to the next component, with these parameters.
    Next(Cow<'a, str>),
    Done(Result<String, Error>),
}

/// A request on its way through a sequence.
pub struct Sequence<'a> {
    /// Compose asks, not a client.
    composing: bool,
    catalog: Catalog<'a>,
    method: &'a str,
    params: &'a str,
    then: Then,
}

/// How the answer of the next component is used.
enum Then {
    /// It is the answer.
    Pass,
    /// It is the answer, unless the next component does not know the name either.
    Or(Result<String, Error>),
    /// Its list follows the last page of this sequence, if there is one.
    List(ListKind, Option<String>),
    /// The capabilities of this sequence are added to it.
    Capabilities,
}

impl<'a> Sequence<'a> {
    /// `id` is the id of the request; compose uses 0.
    pub fn begin(
        id: u64,
        catalog: Catalog<'a>,
        method: &'a str,
        params: &'a str,
    ) -> (Self, SequenceStep<'a>) {
        let list = target::list_kind(method);
        let (then, step) = match (method, list) {
            (_, Some(kind)) => {
                let step = match page::behind(params) {
                    Some(params) => SequenceStep::Next(Cow::Owned(params)),
                    None => SequenceStep::Own,
                };
                (Then::List(kind, None), step)
            }
            ("tools/call" | "prompts/get" | "resources/read" | "completion/complete", _) => {
                (Then::Pass, SequenceStep::Own)
            }
            ("initialize" | "server/discover", _) => (
                Then::Capabilities,
                SequenceStep::Next(Cow::Borrowed(params)),
            ),
            _ => (Then::Pass, SequenceStep::Next(Cow::Borrowed(params))),
        };
        let sequence = Sequence {
            composing: id == 0,
            catalog,
            method,
            params,
            then,
        };
        (sequence, step)
    }

    /// Continues with the answer of this sequence's own router.
    pub fn own(&mut self, own: Own) -> SequenceStep<'a> {
        match (&mut self.then, own) {
            // Nothing of this sequence is in such a list, so it has no say in how long it holds.
            (Then::List(kind, _), Own::Done(Ok(_)))
                if !self.catalog.flags().contains(kind.flag()) =>
            {
                SequenceStep::Next(Cow::Borrowed(self.params))
            }
            (Then::List(_, last), Own::Done(Ok(page))) if page::is_last(&page) => {
                *last = Some(page);
                SequenceStep::Next(Cow::Owned(page::first(self.params)))
            }
            (_, own) if self.method == "completion/complete" => self.completed(own),
            (_, Own::Done(answer)) => SequenceStep::Done(answer),
            (then, Own::Unknown(error)) => {
                *then = Then::Or(Err(error));
                SequenceStep::Next(Cow::Borrowed(self.params))
            }
        }
    }

    /// Dynamic features return an empty completion for names that they do not know.
    fn completed(&mut self, own: Own) -> SequenceStep<'a> {
        let here = is_here(&self.catalog, self.params);
        let otherwise = match own {
            Own::Done(answer) if here => return SequenceStep::Done(answer),
            Own::Unknown(_) if here => return SequenceStep::Done(Ok(NO_COMPLETION.to_owned())),
            Own::Done(Ok(answer)) if completes_nothing(&answer) => Ok(answer),
            Own::Done(answer) => return SequenceStep::Done(answer),
            Own::Unknown(error) => Err(error),
        };
        self.then = Then::Or(otherwise);
        SequenceStep::Next(Cow::Borrowed(self.params))
    }

    /// Continues with the answer of the next component.
    pub fn next(self, answer: Result<String, Error>) -> Result<String, Error> {
        let code = answer.as_ref().err().map(|error| error.code);
        match (&self.then, answer) {
            (Then::Pass, answer) => answer,
            // The next component does not have this method.
            (Then::Or(otherwise), _) if code == Some(METHOD_NOT_FOUND) => otherwise.clone(),
            // The next component does not know this name.
            (Then::Or(Ok(empty)), _) if code == Some(INVALID_PARAMS) => Ok(empty.clone()),
            (Then::Or(_), answer) => answer,
            (Then::List(_, Some(own)), _) if code == Some(METHOD_NOT_FOUND) => Ok(own.clone()),
            (_, Err(error)) => Err(error),
            (Then::List(kind, own), Ok(next)) => {
                let hides = !self.composing;
                let listed = page::listed(&self.catalog, *kind, own.as_deref(), &next, hides);
                listed.map_err(|failure| error(&failure))
            }
            (Then::Capabilities, Ok(described)) => {
                self.capable(&described).map_err(|failure| error(&failure))
            }
        }
    }

    /// Adds the capabilities of this sequence.
    fn capable(&self, described: &str) -> Result<String, Failure> {
        let described = read(self.method, described)?;
        let theirs = described.member("capabilities");
        if theirs.is_some_and(|theirs| !theirs.is_object() || !theirs.names_once()) {
            return Err(broken(self.method, "malformed capabilities"));
        }
        // Capabilities that need shared state are for the transport to declare.
        let mine = str::from_utf8(self.catalog.discover(false)).unwrap_or_default();
        let mine = Value::parse(mine).ok();
        let mine = mine.and_then(|mine| mine.member("capabilities"));
        let mut out = Vec::with_capacity(described.text.len() + 128);
        let mut object = Object::begin(&mut out);
        copy(&mut object, &described, &["capabilities"]);
        let mut all = Object::begin(object.key("capabilities"));
        let theirs: Vec<_> = theirs.iter().flat_map(Value::members).collect();
        let names: BTreeSet<_> = theirs.iter().filter_map(|(key, _)| key.as_str()).collect();
        let mine = mine.iter().flat_map(Value::members);
        let more = mine.filter(|(key, _)| key.as_str().is_some_and(|key| !names.contains(&key)));
        for (key, capability) in theirs.iter().copied().chain(more) {
            all.raw_key(key)
                .extend_from_slice(capability.text.as_bytes());
        }
        all.end();
        object.end();
        whole(self.method, out)
    }
}

/// Whether the catalog has the reference of a completion.
fn is_here(catalog: &Catalog<'_>, params: &str) -> bool {
    let reference = Params::parse(params)
        .ok()
        .and_then(|params| params.reference);
    let text = |key| reference?.member(key)?.as_str();
    match text("type").as_deref() {
        Some("ref/prompt") => {
            text("name").is_some_and(|name| catalog.has(ListKind::Prompts, &name))
        }
        Some("ref/resource") => text("uri").is_some_and(|uri| {
            catalog.has(ListKind::ResourceTemplates, &uri) || catalog.has(ListKind::Resources, &uri)
        }),
        _ => false,
    }
}

fn completes_nothing(answer: &str) -> bool {
    let answer = Value::parse(answer).ok();
    let completion = answer.and_then(|answer| answer.member("completion"));
    let values = completion.and_then(|completion| completion.member("values"));
    values.is_some_and(|values| values.elements().next().is_none())
}

#[cfg(test)]
mod tests;
