//! Reads the lists of a feature at compose time, in the embedded Wasmtime.
//!
//! A feature is not trusted: it gets no network, no files and no environment, ten seconds, and a
//! limited memory.

use std::{
    collections::BTreeMap,
    fmt::{self, Debug, Write as _},
    time::Duration,
};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use spin_mcp_protocol::types::{
    prompt_types::Prompt,
    resource_types::ResourceTemplate,
    tool_types::Tool,
    types::{CacheHint, ResourceInfo},
};
use tokio::runtime::Runtime;
use wasmtime::{
    Config, Engine, Store,
    component::{
        Component, HasSelf, Instance, InstancePre, Linker, ResourceType, types::ComponentItem,
    },
};

use spin_mcp_contract::{Interface, Kind, interface::SETTINGS};

use crate::part::Loaded;
use page::{Page, stricter};
use spin_mcp_runner::{
    engine,
    guest::{self, Guest},
};

pub mod middleware;
mod page;

const TIME_LIMIT: Duration = Duration::from_secs(10);
/// Entries that one list of a feature may have.
const MAX_ENTRIES: usize = 1_000;
/// Bytes that all lists of a feature may have together.
pub const MAX_BYTES: usize = 8_000_000;

mod bindings {
    wasmtime::component::bindgen!({
        path: "wit",
        inline: "
            package spin-mcp:listing;
            world features {
                import spin-mcp:server/request@0.1.0;
                import spin-mcp:server/input@0.1.0;
                import spin-mcp:server/changes@0.1.0;
                export spin-mcp:server/tools@0.1.0;
                export spin-mcp:server/tools-async@0.1.0;
                export spin-mcp:server/resources@0.1.0;
                export spin-mcp:server/resources-async@0.1.0;
                export spin-mcp:server/prompts@0.1.0;
                export spin-mcp:server/prompts-async@0.1.0;
                export spin-mcp:server/handler@0.1.0;
                export spin-mcp:server/handler-async@0.1.0;
            }",
        world: "spin-mcp:listing/features",
        exports: { default: async },
    });
}

use bindings::{
    exports::spin_mcp::server::{
        prompts, prompts_async, resources, resources_async, tools, tools_async,
    },
    spin_mcp::server::{changes, input, request, types},
};

/// What one feature offers, in the order of the feature.
#[derive(Clone, Debug, Default)]
pub struct Lists {
    pub tools: Vec<Tool>,
    pub resources: Vec<ResourceInfo>,
    pub resource_templates: Vec<ResourceTemplate>,
    pub prompts: Vec<Prompt>,
    /// The strictest hint of all pages.
    pub cache: Option<CacheHint>,
}

/// Answers as for an unknown request, because there is no request at compose time.
impl request::Host for Guest {
    fn protocol_version(&mut self, _: u64) -> String {
        String::new()
    }
    fn client_info(&mut self, _: u64) -> Option<String> {
        None
    }
    fn client_capabilities(&mut self, _: u64) -> String {
        "{}".to_owned()
    }
    fn identity(&mut self, _: u64) -> Option<request::Caller> {
        None
    }
    fn headers(&mut self, _: u64) -> Vec<(String, String)> {
        Vec::new()
    }
    fn session_id(&mut self, _: u64) -> Option<String> {
        None
    }
    fn meta(&mut self, _: u64) -> Option<String> {
        None
    }
    fn is_cancelled(&mut self, _: u64) -> bool {
        false
    }
    fn progress(&mut self, _: u64, _: f64, _: Option<f64>, _: Option<String>) {}
    fn log(&mut self, _: u64, _: request::LogLevel, _: Option<String>, _: String) {}
}

impl input::Host for Guest {
    fn responses(&mut self, _: u64) -> Vec<(String, String)> {
        Vec::new()
    }
    fn state(&mut self, _: u64) -> Option<String> {
        None
    }
}

impl changes::Host for Guest {
    fn resource_updated(&mut self, _: u64, _: String) {}
    fn list_changed(&mut self, _: u64, _: changes::ListKind) {}
}

impl types::Host for Guest {}

/// The lists of features that were read before.
#[derive(Default)]
pub struct Listed(BTreeMap<(String, Option<String>), Lists>);

/// The lists of each feature; empty for a feature whose lists depend on the request. Shows its
/// progress on a terminal.
pub fn list(features: &[Loaded], listed: &mut Listed) -> Result<Vec<Lists>> {
    let before = std::mem::take(&mut listed.0);
    let lister = Lister::new()?;
    let runtime = runtime()?;
    let progress = ProgressBar::new(features.len() as u64);
    progress.set_style(ProgressStyle::with_template(
        "reading `{msg}` ({pos}/{len})",
    )?);
    let mut all = Vec::new();
    for feature in features {
        progress.set_message(feature.name.clone());
        let key = (feature.digest.clone(), feature.settings.clone());
        let api = feature.api.as_ref().map(|(lists, _)| lists);
        let known = api.or_else(|| before.get(&key));
        let lists = match (feature.dynamic, known) {
            (true, _) => Lists::default(),
            (false, Some(lists)) => lists.clone(),
            (false, None) => runtime.block_on(lister.lists(feature))?,
        };
        all.push(lists.clone());
        if !feature.dynamic {
            listed.0.insert(key, lists);
        }
        progress.inc(1);
    }
    progress.finish_and_clear();
    Ok(all)
}

fn runtime() -> Result<Runtime> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    Ok(runtime.enable_all().build()?)
}

struct Lister {
    engine: Engine,
}

impl Lister {
    fn new() -> Result<Lister> {
        let mut config = Config::new();
        config.cache(engine::cache());
        // Each component runs once, for a moment.
        engine::quickly(&mut config);
        config.epoch_interruption(true);
        // The output of the feature helps its author more than addresses do.
        config.wasm_backtrace_max_frames(None);
        config.wasm_component_model_async(true);
        let engine = Engine::new(&config)?;
        let ticker = engine.weak();
        std::thread::spawn(move || {
            while let Some(engine) = ticker.upgrade() {
                engine.increment_epoch();
                drop(engine);
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        Ok(Lister { engine })
    }

    async fn lists(&self, feature: &Loaded) -> Result<Lists> {
        let name = &feature.name;
        let component = Component::new(&self.engine, &feature.component)
            .map_err(|error| anyhow!("cannot compile feature `{name}`: {error:#}"))?;
        tokio::time::timeout(TIME_LIMIT, self.read(feature, &component))
            .await
            .map_err(|_| {
                anyhow!(
                    "feature `{name}` did not list what it offers within {} s",
                    TIME_LIMIT.as_secs()
                )
            })?
            .with_context(|| format!("cannot read the lists of feature `{name}`"))
    }

    async fn read(&self, feature: &Loaded, component: &Component) -> Result<Lists> {
        let mut linker = guest::linker(&self.engine)?;
        request::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
        input::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
        changes::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
        if let Some(settings) = feature.settings.clone() {
            linker
                .instance(SETTINGS)?
                .func_wrap("get", move |_, ()| Ok((settings.clone(),)))?;
        }
        trap_unknown(&mut linker, component)?;
        let mut store = guest::sealed_store(&self.engine, &feature.name);
        store.epoch_deadline_async_yield_and_update(1);
        let component = linker.instantiate_pre(component).map_err(|error| {
            anyhow!("it does not fit the contract and what hosts have ({error:#}); build it against this version of the WIT")
        })?;
        let instance = component.instantiate_async(&mut store).await;
        let instance = instance.map_err(|error| anyhow!("it cannot start: {error:#}"))?;
        let mut reader = Reader {
            feature,
            component,
            store,
            instance,
            lists: Lists::default(),
            left: MAX_BYTES,
        };
        match feature.kind {
            Kind::Sync => reader.read_sync().await?,
            Kind::Async => reader.read_async().await?,
        }
        Ok(reader.lists)
    }
}

/// A running feature, and what it has listed so far.
struct Reader<'a> {
    feature: &'a Loaded,
    component: InstancePre<Guest>,
    store: Store<Guest>,
    instance: Instance,
    lists: Lists,
    /// How many bytes its lists may still have.
    left: usize,
}

/// The functions of an interface that the feature exports.
macro_rules! guest {
    ($reader:ident, $interface:ident) => {
        $interface::GuestIndices::new(&$reader.component)
            .and_then(|indices| indices.load(&mut $reader.store, &$reader.instance))
            .map_err(misfit)?
    };
}

/// All pages of a list of a synchronous interface.
macro_rules! pages {
    ($reader:ident, $guest:ident.$list:ident) => {
        all_pages(
            &mut $reader.lists.cache,
            &mut $reader.left,
            async |cursor, left| {
                let store = &mut $reader.store;
                store.set_hostcall_fuel(left);
                Ok($guest.$list(store, 0, cursor.as_deref()).await?)
            },
        )
        .await?
    };
}

/// All pages of a list of an asynchronous interface.
macro_rules! pages_async {
    ($reader:ident, $guest:ident.$list:ident) => {
        all_pages(
            &mut $reader.lists.cache,
            &mut $reader.left,
            async |cursor, left| {
                let store = &mut $reader.store;
                store.set_hostcall_fuel(left);
                Ok(store
                    .run_concurrent(async |store| $guest.$list(store, 0, cursor).await)
                    .await??)
            },
        )
        .await?
    };
}

impl Reader<'_> {
    async fn read_sync(&mut self) -> Result<()> {
        if self.feature.exports(Interface::Tools) {
            let guest = guest!(self, tools);
            self.lists.tools = pages!(self, guest.call_list_tools);
        }
        if self.feature.exports(Interface::Resources) {
            let guest = guest!(self, resources);
            self.lists.resources = pages!(self, guest.call_list_resources);
            self.lists.resource_templates = pages!(self, guest.call_list_resource_templates);
        }
        if self.feature.exports(Interface::Prompts) {
            let guest = guest!(self, prompts);
            self.lists.prompts = pages!(self, guest.call_list_prompts);
        }
        Ok(())
    }

    async fn read_async(&mut self) -> Result<()> {
        if self.feature.exports(Interface::Tools) {
            let guest = guest!(self, tools_async);
            self.lists.tools = pages_async!(self, guest.call_list_tools);
        }
        if self.feature.exports(Interface::Resources) {
            let guest = guest!(self, resources_async);
            self.lists.resources = pages_async!(self, guest.call_list_resources);
            self.lists.resource_templates = pages_async!(self, guest.call_list_resource_templates);
        }
        if self.feature.exports(Interface::Prompts) {
            let guest = guest!(self, prompts_async);
            self.lists.prompts = pages_async!(self, guest.call_list_prompts);
        }
        Ok(())
    }
}

/// Lets a component import what only its host will have, such as Spin's stores. A call of these
/// imports while lists are read is an error.
fn trap_unknown(linker: &mut Linker<Guest>, component: &Component) -> Result<()> {
    let engine = component.engine().clone();
    // The linker has the stores of `mcp serve`.
    linker.allow_shadowing(true);
    for (name, import) in component.component_type().imports(&engine) {
        let ComponentItem::ComponentInstance(instance) = import.ty else {
            continue;
        };
        let served = [
            "wasi:cli/",
            "wasi:clocks/",
            "wasi:filesystem/",
            "wasi:http/",
            "wasi:io/",
            "wasi:random/",
            "wasi:sockets/",
        ];
        if name.starts_with("spin-mcp:server/")
            || served.iter().any(|served| name.starts_with(served))
        {
            continue;
        }
        let mut traps = linker.instance(name)?;
        for (item, export) in instance.exports(&engine) {
            let called = format!(
                "`{item}` of `{name}` is not available at compose time; return the lists without it"
            );
            match export.ty {
                ComponentItem::ComponentFunc(function) if function.async_() => {
                    traps.func_new_concurrent(item, move |_, _, _, _| {
                        let called = called.clone();
                        Box::pin(async move { Err(wasmtime::format_err!("{called}")) })
                    })?;
                }
                ComponentItem::ComponentFunc(_) => {
                    traps.func_new(item, move |_, _, _, _| {
                        Err(wasmtime::format_err!("{called}"))
                    })?;
                }
                ComponentItem::Resource(_) => {
                    traps.resource(item, ResourceType::host::<()>(), |_, _| Ok(()))?;
                }
                _ => {}
            }
        }
    }
    Ok(())
}

fn misfit(error: wasmtime::Error) -> anyhow::Error {
    anyhow!("it does not fit the contract ({error:#}); build it against this version of the WIT")
}

/// Follows the cursors of a feature to their end.
async fn all_pages<P: Page>(
    cache: &mut Option<CacheHint>,
    left: &mut usize,
    mut page: impl AsyncFnMut(Option<String>, usize) -> Result<Result<P, types::Error>>,
) -> Result<Vec<P::Entry>> {
    let list = P::LIST;
    let mut entries = Vec::new();
    let mut cursor = None;
    loop {
        let page = page(cursor, *left).await;
        let page = page.map_err(|error| match is_too_large(&error) {
            true => anyhow!("`{list}` returned more than {} MB", MAX_BYTES / 1_000_000),
            false => error,
        });
        let page = page?.map_err(|error| {
            anyhow!(
                "`{list}` answered with error {}: {}",
                error.code,
                error.message.escape_debug()
            )
        })?;
        let (more, next, hint) = page.into_parts();
        *left = left.saturating_sub(length(&more));
        ensure!(
            entries.len() + more.len() <= MAX_ENTRIES,
            "`{list}` lists more than {MAX_ENTRIES} entries"
        );
        if next.is_some() && more.is_empty() {
            bail!("`{list}` gave an empty page with a cursor, so its list might never end");
        }
        entries.extend(more);
        *cache = match (cache.take(), hint) {
            (Some(one), Some(other)) => Some(stricter(one, other)),
            (one, other) => one.or(other),
        };
        match next {
            None => return Ok(entries),
            next => cursor = next,
        }
    }
}

/// Whether an answer exceeds the limit that the store has.
fn is_too_large(error: &anyhow::Error) -> bool {
    let mut causes = error.chain();
    causes.any(|cause| cause.to_string().contains("too much data is being copied"))
}

/// About as many bytes as there are in entries.
fn length(entries: &impl Debug) -> usize {
    struct Count(usize);
    impl fmt::Write for Count {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0 += text.len();
            Ok(())
        }
    }
    let mut count = Count(0);
    let _ = write!(count, "{entries:?}");
    count.0
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    /// A component with many functions, which return what follows `first`.
    fn component(first: u32) -> Vec<u8> {
        let rest = 1..FUNCTIONS as u32;
        let functions = [first].into_iter().chain(rest);
        let functions = functions.map(|at| format!("(func (result i32) (i32.const {at}))"));
        let functions: String = functions.collect();
        wat::parse_str(format!("(component (core module {functions}))")).unwrap()
    }

    /// More than other tests of this process share by chance.
    const FUNCTIONS: usize = 500;

    #[test]
    fn functions_of_features_are_not_compiled_again_in_their_server() {
        let (lister, server) = (Lister::new().unwrap(), engine::engine(true).unwrap());
        // Wasmtime's cache has what it compiled at another time, and then no function of it is compiled.
        let now = UNIX_EPOCH.elapsed().unwrap().as_nanos() as u32 | 1 << 20;
        Component::new(&lister.engine, component(now)).unwrap();
        // What Cranelift 0.135 hashes of a function depends on what the same thread compiled before: one
        // thread finds all functions the first time, and several find more each time.
        let before = engine::found();
        let found = (1..=20).any(|more| {
            Component::new(&server, component(now + more)).unwrap();
            engine::found() - before >= FUNCTIONS
        });
        assert!(found, "{}", engine::found() - before);
    }
}
