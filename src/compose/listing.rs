//! Reads the lists of a feature at compose time, in the embedded Wasmtime.
//!
//! The feature is hostile until checked: it gets no network, no files and no environment,
//! ten seconds, and bounded memory.

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use indicatif::{ProgressBar, ProgressStyle};
use spin_mcp_protocol::types::{tool_types as protocol_tools, types as protocol};
use wasmtime::{
    Config, Engine, OptLevel, RegallocAlgorithm, Store,
    component::{Component, HasSelf, Instance, Linker, ResourceType, Val, types::ComponentItem},
};

use super::feature::{Kind, Loaded, PROMPTS, RESOURCES};
use crate::host::guest::{self, Guest};

const TIME_LIMIT: Duration = Duration::from_secs(10);
/// Tools that one feature may have.
const MAX_TOOLS: usize = 1_000;

mod sync {
    wasmtime::component::bindgen!({
        path: "framework/wit",
        inline: "
            package spin-mcp:listing;
            world sync {
                import spin-mcp:server/request@0.1.0;
                export spin-mcp:server/tools@0.1.0;
            }",
        world: "spin-mcp:listing/sync",
        exports: { default: async },
    });
}

mod asynchronous {
    wasmtime::component::bindgen!({
        path: "framework/wit",
        inline: "
            package spin-mcp:listing;
            world asynchronous {
                export spin-mcp:server/tools-async@0.1.0;
            }",
        world: "spin-mcp:listing/asynchronous",
        with: {
            "spin-mcp:server/types": super::sync::spin_mcp::server::types,
            "spin-mcp:server/tool-types": super::sync::spin_mcp::server::tool_types,
        },
    });
}

use sync::spin_mcp::server::{request, tool_types, types};

/// Answers as for any id that names no request: there is none at compose time.
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
    fn session_id(&mut self, _: u64) -> Option<String> {
        None
    }
    fn meta(&mut self, _: u64) -> Option<String> {
        None
    }
    fn input_responses(&mut self, _: u64) -> Vec<(String, String)> {
        Vec::new()
    }
    fn request_state(&mut self, _: u64) -> Option<String> {
        None
    }
    fn is_cancelled(&mut self, _: u64) -> bool {
        false
    }
    fn progress(&mut self, _: u64, _: f64, _: Option<f64>, _: Option<String>) {}
    fn log(&mut self, _: u64, _: request::LogLevel, _: Option<String>, _: String) {}
    fn resource_updated(&mut self, _: u64, _: String) {}
    fn list_changed(&mut self, _: u64, _: request::ListKind) {}
}

impl types::Host for Guest {}
impl tool_types::Host for Guest {}

/// The tools of each feature, in its order. On a terminal, it shows where it is.
pub fn list(features: &[Loaded]) -> Result<Vec<Vec<protocol_tools::Tool>>> {
    let lister = Lister::new()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let progress = ProgressBar::new(features.len() as u64);
    progress.set_style(ProgressStyle::with_template(
        "reading `{msg}` ({pos}/{len})",
    )?);
    let mut lists = Vec::new();
    for feature in features {
        progress.set_message(feature.name.clone());
        lists.push(runtime.block_on(lister.tools(feature))?);
        progress.inc(1);
    }
    progress.finish_and_clear();
    Ok(lists)
}

struct Lister {
    engine: Engine,
}

impl Lister {
    fn new() -> Result<Lister> {
        let mut config = Config::new();
        // Each component runs once, for a moment.
        config.cranelift_opt_level(OptLevel::None);
        config.cranelift_regalloc_algorithm(RegallocAlgorithm::SinglePass);
        config.epoch_interruption(true);
        // What the feature prints says more to its author than addresses.
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

    /// All tools of a feature, in its order.
    async fn tools(&self, feature: &Loaded) -> Result<Vec<protocol_tools::Tool>> {
        let name = &feature.name;
        let component = Component::new(&self.engine, &feature.component)
            .map_err(|error| anyhow!("cannot compile feature `{name}`: {error:#}"))?;
        tokio::time::timeout(TIME_LIMIT, self.lists(feature, &component))
            .await
            .map_err(|_| {
                anyhow!(
                    "feature `{name}` did not list its tools within {} s",
                    TIME_LIMIT.as_secs()
                )
            })?
            .with_context(|| format!("cannot read the tools of feature `{name}`"))
    }

    async fn lists(
        &self,
        feature: &Loaded,
        component: &Component,
    ) -> Result<Vec<protocol_tools::Tool>> {
        let mut linker = guest::linker(&self.engine)?;
        request::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
        trap_unknown(&mut linker, component)?;
        let mut store = guest::sealed_store(&self.engine, &feature.name);
        store.epoch_deadline_async_yield_and_update(1);
        let instance = linker.instantiate_async(&mut store, component).await?;
        for (exported, interface, lists) in [
            (feature.prompts, PROMPTS, &["list-prompts"][..]),
            (
                feature.resources,
                RESOURCES,
                &["list-resources", "list-resource-templates"],
            ),
        ] {
            for list in lists.iter().filter(|_| exported) {
                refuse_entries(&mut store, &instance, interface, list).await?;
            }
        }
        match feature.kind {
            Kind::Sync => {
                let feature = sync::Sync::new(&mut store, &instance).map_err(misfit)?;
                let tools = feature.spin_mcp_server_tools();
                all_pages(async |cursor| Ok(tools.call_list_tools(&mut store, 0, cursor).await?))
                    .await
            }
            Kind::Async => {
                let feature =
                    asynchronous::Asynchronous::new(&mut store, &instance).map_err(misfit)?;
                let tools = feature.spin_mcp_server_tools_async();
                all_pages(async |cursor| {
                    let cursor = cursor.map(str::to_owned);
                    Ok(store
                        .run_concurrent(async |store| tools.call_list_tools(store, 0, cursor).await)
                        .await??)
                })
                .await
            }
        }
    }
}

/// Lets a component import what only its host will have, such as Spin's stores. To call it
/// while being listed is an error.
fn trap_unknown(linker: &mut Linker<Guest>, component: &Component) -> Result<()> {
    let engine = component.engine().clone();
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
        if name.starts_with("spin-mcp:") || served.iter().any(|served| name.starts_with(served)) {
            continue;
        }
        let mut traps = linker.instance(name)?;
        for (item, export) in instance.exports(&engine) {
            let called =
                format!("`{item}` of `{name}` is not there at compose time: list tools without it");
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
    anyhow!(
        "it does not export what the contract says ({error:#}); build it against this version of the WIT"
    )
}

/// Calls a list function whose entries cannot be served yet, and refuses what it lists.
async fn refuse_entries(
    store: &mut Store<Guest>,
    instance: &Instance,
    interface: &str,
    list: &str,
) -> Result<()> {
    let function = instance
        .get_export_index(&mut *store, None, interface)
        .and_then(|interface| instance.get_export_index(&mut *store, Some(&interface), list))
        .and_then(|function| instance.get_func(&mut *store, function))
        .with_context(|| format!("`{interface}` has no function `{list}`"))?;
    let mut results = [Val::Bool(false)];
    let first_page = [Val::U64(0), Val::Option(None)];
    function
        .call_async(&mut *store, &first_page, &mut results)
        .await?;
    let [Val::Result(Ok(Some(page)))] = &results else {
        bail!("`{list}` answered with an error");
    };
    match page.as_ref() {
        Val::Record(fields) if matches!(fields.first(), Some((_, Val::List(entries))) if entries.is_empty()) => {
            Ok(())
        }
        _ => bail!(
            "`{list}` is not empty, and this version of `mcp` serves tools only; remove the entries"
        ),
    }
}

/// Follows the cursors of a feature to their end.
async fn all_pages(
    mut page: impl AsyncFnMut(Option<&str>) -> Result<Result<tool_types::ToolList, types::Error>>,
) -> Result<Vec<protocol_tools::Tool>> {
    let mut tools: Vec<protocol_tools::Tool> = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let list = page(cursor.as_deref()).await?.map_err(|error| {
            anyhow!(
                "`list-tools` answered with error {}: {}",
                error.code,
                error.message
            )
        })?;
        if tools.len() + list.tools.len() > MAX_TOOLS {
            bail!("it lists more than {MAX_TOOLS} tools");
        }
        if list.next_cursor.is_some() && list.tools.is_empty() {
            bail!("`list-tools` gave an empty page with a cursor, so its list might never end");
        }
        tools.extend(list.tools.into_iter().map(tool));
        match list.next_cursor {
            None => return Ok(tools),
            next => cursor = next,
        }
    }
}

fn tool(tool: tool_types::Tool) -> protocol_tools::Tool {
    protocol_tools::Tool {
        name: tool.name,
        title: tool.title,
        description: tool.description,
        input_schema: tool.input_schema,
        output_schema: tool.output_schema,
        annotations: tool
            .annotations
            .map(|annotations| protocol_tools::ToolAnnotations {
                title: annotations.title,
                read_only: annotations.read_only,
                destructive: annotations.destructive,
                idempotent: annotations.idempotent,
                open_world: annotations.open_world,
            }),
        icons: tool.icons.into_iter().map(icon).collect(),
        meta: tool.meta,
    }
}

fn icon(icon: types::Icon) -> protocol::Icon {
    protocol::Icon {
        src: icon.src,
        mime_type: icon.mime_type,
        sizes: icon.sizes,
        theme: icon.theme.map(|theme| match theme {
            types::IconTheme::Light => protocol::IconTheme::Light,
            types::IconTheme::Dark => protocol::IconTheme::Dark,
        }),
    }
}
