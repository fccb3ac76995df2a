//! What clients see through the middleware of a server: its lists, read at compose time.
//!
//! There is no feature: the router answers from the catalog, and a call of a feature is an error.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use serde_json::Value;
use wasmtime::{
    Store,
    component::{Component, Instance, InstancePre},
};

use super::{
    Kind, Lister, TIME_LIMIT,
    bindings::{
        exports::spin_mcp::server::{handler, handler_async},
        spin_mcp::server::types::Error,
    },
    misfit, runtime, trap_unknown,
};
use spin_mcp_contract::record::{Offers, PromptRecord};
use spin_mcp_runner::guest::{self, Guest};

/// The code of internal errors.
const INTERNAL_ERROR: i32 = -32603;
/// The code for a list that a server does not have.
const METHOD_NOT_FOUND: i32 = -32601;
/// The most bytes of a list with all its pages.
const MAX_BYTES: usize = 64 << 20;

/// A list, as clients ask for it.
#[derive(Clone, Copy)]
struct List {
    method: &'static str,
    /// The member that holds the entries.
    entries: &'static str,
    /// The member that names an entry.
    name: &'static str,
    noun: &'static str,
}

const LISTS: [List; 4] = [
    List {
        method: "tools/list",
        entries: "tools",
        name: "name",
        noun: "tool",
    },
    List {
        method: "resources/list",
        entries: "resources",
        name: "uri",
        noun: "resource",
    },
    List {
        method: "resources/templates/list",
        entries: "resourceTemplates",
        name: "uriTemplate",
        noun: "resource template",
    },
    List {
        method: "prompts/list",
        entries: "prompts",
        name: "name",
        noun: "prompt",
    },
];

/// Asks middleware for all lists. `component` exports the `handler` interface of the first one.
/// None if a middleware does not answer clients that it does not know.
pub fn offers(component: &[u8], kind: Kind) -> Result<Option<Offers>> {
    let lister = Lister::new()?;
    let component = Component::new(&lister.engine, component)
        .map_err(|error| anyhow!("cannot compile it: {error:#}"))?;
    runtime()?.block_on(async {
        let mut offers = Offers::default();
        for list in LISTS {
            let method = list.method;
            let entries = tokio::time::timeout(TIME_LIMIT, lister.entries(&component, kind, list))
                .await
                .map_err(|_| anyhow!("no answer within {} s", TIME_LIMIT.as_secs()))
                .and_then(|entries| entries)
                .with_context(|| format!("`{method}` failed"))?;
            let Some(entries) = entries else {
                return Ok(None);
            };
            add(&mut offers, list, entries)
                .with_context(|| format!("its answer to `{method}` is not a valid list"))?;
        }
        Ok(Some(offers))
    })
}

impl Lister {
    /// All entries of a list; none if that is refused.
    async fn entries(
        &self,
        component: &Component,
        kind: Kind,
        list: List,
    ) -> Result<Option<Vec<Value>>> {
        let mut linker = guest::linker(&self.engine)?;
        trap_unknown(&mut linker, component)?;
        let mut store = guest::sealed_store(&self.engine, "middleware");
        store.epoch_deadline_async_yield_and_update(1);
        let component = linker.instantiate_pre(component)?;
        let instance = component.instantiate_async(&mut store).await?;
        let mut running = Running {
            kind,
            component,
            store,
            instance,
        };
        let (mut entries, mut names, mut bytes) = (Vec::new(), BTreeSet::new(), 0);
        let mut params = "{}".to_owned();
        loop {
            let answer = match running.handle(list.method, params).await? {
                Ok(answer) => answer,
                Err(error) if error.code == METHOD_NOT_FOUND => return Ok(Some(entries)),
                Err(error) if error.code == INTERNAL_ERROR => {
                    return Err(anyhow!("{}", error.message));
                }
                Err(_) => return Ok(None),
            };
            bytes += answer.len();
            ensure!(
                bytes <= MAX_BYTES,
                "it has more than {} MB",
                MAX_BYTES >> 20
            );
            let mut page: Value =
                serde_json::from_str(&answer).context("its answer is not JSON")?;
            let more = page.get_mut(list.entries).and_then(Value::as_array_mut);
            let more = more.with_context(|| format!("it has no array `{}`", list.entries))?;
            for entry in more.iter() {
                let name = entry.get(list.name).and_then(Value::as_str);
                let name = name.with_context(|| format!("an entry has no `{}`", list.name))?;
                ensure!(
                    names.insert(name.to_owned()),
                    "there are two {}s `{}`",
                    list.noun,
                    name.escape_debug()
                );
            }
            let more_is_empty = more.is_empty();
            entries.append(more);
            match page.get("nextCursor") {
                None | Some(Value::Null) => return Ok(Some(entries)),
                Some(_) if more_is_empty => {
                    bail!("it gave an empty page with a cursor, so it might never end")
                }
                Some(cursor) => params = serde_json::json!({"cursor": cursor}).to_string(),
            }
        }
    }
}

/// Middleware that runs.
struct Running {
    kind: Kind,
    component: InstancePre<Guest>,
    store: Store<Guest>,
    instance: Instance,
}

impl Running {
    /// Handles a request without a client.
    async fn handle(&mut self, method: &str, params: String) -> Result<Result<String, Error>> {
        let (store, instance) = (&mut self.store, &self.instance);
        Ok(match self.kind {
            Kind::Sync => {
                let indices = handler::GuestIndices::new(&self.component).map_err(misfit)?;
                let guest = indices.load(&mut *store, instance).map_err(misfit)?;
                guest.call_handle(store, 0, method, &params).await?
            }
            Kind::Async => {
                let indices = handler_async::GuestIndices::new(&self.component).map_err(misfit)?;
                let guest = indices.load(&mut *store, instance).map_err(misfit)?;
                let method = method.to_owned();
                store
                    .run_concurrent(async |store| guest.call_handle(store, 0, method, params).await)
                    .await??
            }
        })
    }
}

fn add(offers: &mut Offers, list: List, entries: Vec<Value>) -> serde_json::Result<()> {
    let entries = entries.into_iter();
    match list.entries {
        "tools" => {
            offers.tools = entries
                .map(serde_json::from_value)
                .collect::<Result<_, _>>()?
        }
        "resources" => {
            offers.resources = entries
                .map(serde_json::from_value)
                .collect::<Result<_, _>>()?
        }
        "resourceTemplates" => {
            offers.resource_templates = entries
                .map(serde_json::from_value)
                .collect::<Result<_, _>>()?;
        }
        _ => offers.prompts = entries.map(prompt).collect::<Result<_, _>>()?,
    }
    Ok(())
}

/// A prompt. Its arguments are objects in the protocol, and names in the record.
fn prompt(mut entry: Value) -> serde_json::Result<PromptRecord> {
    if let Some(arguments) = entry.get_mut("arguments").and_then(Value::as_array_mut) {
        arguments
            .iter_mut()
            .for_each(|argument| *argument = argument["name"].take());
    }
    serde_json::from_value(entry)
}
