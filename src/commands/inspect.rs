//! `mcp inspect`.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;

use anyhow::{Context, Result, bail};
use serde::Serialize;
use serde_json::Value;

use spin_mcp_component::{Import, Size, World};
use spin_mcp_contract::record::{
    Offers, PromptRecord, Record, ResourceRecord, ResourceTemplateRecord,
};
use spin_mcp_contract::{Grants, Keys, Role, server, shipped};
use spin_mcp_protocol::catalog::{NeedKind, embedded};
use spin_mcp_registry::{Catalog, Image, Labels, Reference, Resolver, Source};
use spin_mcp_runner::plain;

use super::AppArgs;

/// Show what a server, or a component that is not composed yet, offers, contains and needs.
///
/// No code of the component runs. What a component in a registry offers comes from its manifest;
/// what it exports and needs is read from the component itself. So are the tools that compose would
/// make of a component without MCP.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  # Show the server of the app in the current folder
  spin mcp inspect

  # List the names of the tools of a server in a file
  spin mcp inspect mcp.wasm --json | jq -r '.features[].tools[].name'

  # Show a component in a registry
  spin mcp inspect ghcr.io/org/weather:1.2.0")]
pub struct InspectCommand {
    /// The file of a server or of a component without MCP, or a reference to a registry [default: the server of the app]
    #[arg(value_name = "SERVER", value_parser = super::source())]
    #[arg(conflicts_with_all = ["from", "component_id"])]
    server: Option<Source>,

    /// Print JSON, including the schemas of tools
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    app: AppArgs,
}

/// The output of `--json` for a composed server.
#[derive(Serialize)]
struct Inspection {
    #[serde(flatten)]
    record: Record,
    /// Who may call it, if not everybody.
    #[serde(skip_serializing_if = "Option::is_none")]
    access: Option<Access>,
    size: Size,
}

/// Who may call a server.
#[derive(Serialize)]
struct Access {
    /// None: a variable says it.
    resource: Option<String>,
    /// What every request needs.
    scopes: Vec<String>,
    anonymous: bool,
    /// All scopes that a call of each tool needs.
    tools: BTreeMap<String, Vec<String>>,
}

impl Access {
    fn of(component: &[u8], record: &Record) -> Option<Access> {
        let access = embedded(component).find_map(|catalog| catalog.access())?;
        let scopes: Vec<_> = access.scopes().map(str::to_owned).collect();
        let of = |name: &str| {
            let mut all = scopes.clone();
            let needs = access
                .needs(NeedKind::Tool, name)
                .into_iter()
                .map(str::to_owned);
            all.extend(needs.filter(|need| !scopes.contains(need)));
            all
        };
        Some(Access {
            resource: access.resource().map(str::to_owned),
            anonymous: access.anonymous(),
            tools: record
                .tools()
                .map(|tool| (tool.name.clone(), of(&tool.name)))
                .collect(),
            scopes,
        })
    }

    fn print(&self, record: &Record, stdout: &mut impl Write) -> std::io::Result<()> {
        let resource = self
            .resource
            .as_deref()
            .unwrap_or("the variable `mcp_auth_resource`");
        writeln!(stdout, "\nauthorization for {}", plain::line(resource))?;
        if self.anonymous {
            writeln!(stdout, "  callers without credentials are served")?;
        }
        for issuer in &record.issuers {
            let keys = match &issuer.keys {
                Keys::Fetched => "keys fetched".to_owned(),
                Keys::Pinned => "keys pinned".to_owned(),
                Keys::Variable(name) => format!("keys in variable {name}"),
            };
            let detail = format!("{keys}, {}", issuer.algorithms.join(" "));
            entry(stdout, "issuer", &issuer.issuer, &Some(detail))?;
        }
        for (tool, scopes) in self.tools.iter().filter(|(_, scopes)| !scopes.is_empty()) {
            entry(stdout, "scopes", tool, &Some(scopes.join(" ")))?;
        }
        Ok(())
    }
}

impl InspectCommand {
    pub fn run(self) -> Result<()> {
        let server = match self.server {
            Some(server) => server,
            None => Source::File(self.app.find_built()?.output),
        };
        let shown = &server;
        let mut resolver = Resolver::new()?;
        let (bytes, image) = match &server {
            Source::Image(reference) => {
                let image = resolver.image(reference)?;
                let bytes = resolver.component(reference, &image)?;
                (bytes, Some((reference, image)))
            }
            Source::File(path) => {
                let bytes = fs::read(path);
                (
                    bytes.with_context(|| format!("cannot read `{shown}`"))?,
                    None,
                )
            }
            source => (resolver.resolve(source)?.read()?.into_owned(), None),
        };
        let record = Record::read(&bytes)
            .with_context(|| format!("`{shown}` is not a WebAssembly component"))?;
        let Some(record) = record else {
            if let Some((reference, image)) = image {
                return Published::new(reference, &image, &bytes)?.print(self.json);
            }
            if let Some(tools) = spin_mcp_compose::tools(&bytes)
                .with_context(|| format!("`{shown}` cannot be a feature"))?
            {
                return print_tools(&tools, &bytes, self.json);
            }
            bail!(
                "`{shown}` was not composed by `spin mcp compose`, so it does not list what it offers"
            );
        };
        let size = Size::of(&bytes)?;
        let mut stdout = std::io::stdout().lock();
        if self.json {
            let access = Access::of(&bytes, &record);
            let inspection = serde_json::to_string_pretty(&Inspection {
                record,
                access,
                size,
            })?;
            writeln!(stdout, "{inspection}")?;
            return Ok(());
        }
        let version = record.version.as_deref().unwrap_or("without a version");
        writeln!(
            stdout,
            "{} {}, for WASI {}, composed by mcp {}",
            plain::line(&record.name),
            plain::line(version),
            plain::line(&record.wasi),
            plain::line(&record.mcp)
        )?;
        writeln!(stdout, "{}", numbers(&size))?;
        let need = record.store_need();
        let need = need.as_deref().unwrap_or("needs no shared store");
        writeln!(stdout, "{}", plain::line(need))?;
        if let Some(access) = Access::of(&bytes, &record) {
            access.print(&record, &mut stdout)?;
        }
        if !record.middleware.is_empty() {
            writeln!(stdout, "\n{}", what_clients_see(&record))?;
            if let Some(seen) = &record.offers
                && !offers_all(&record)
            {
                offers(&mut stdout, seen)?;
            }
        }
        let middleware = record.middleware.iter();
        let asked = [Role::Authenticator, Role::Policy]
            .into_iter()
            .zip(&record.auth);
        for (role, part) in asked.chain(middleware.map(|part| (Role::Middleware, part))) {
            let source = part.source.as_deref();
            heading(
                &mut stdout,
                &role.to_string(),
                &part.name,
                source,
                &part.sha256,
            )?;
            memory(&mut stdout, part.initial_memory)?;
            grants(&mut stdout, &part.grants)?;
        }
        for feature in &record.features {
            let source = feature.source.as_deref();
            heading(
                &mut stdout,
                "feature",
                &feature.name,
                source,
                &feature.sha256,
            )?;
            memory(&mut stdout, feature.initial_memory)?;
            if let Some(api) = &feature.api {
                entry(&mut stdout, "calls", api, &None)?;
            }
            if feature.dynamic {
                writeln!(stdout, "  lists that depend on the request")?;
            }
            offers(&mut stdout, &feature.offers)?;
            left_out(&mut stdout, feature.left_out.iter().map(String::as_str))?;
            grants(&mut stdout, &feature.grants)?;
        }
        Ok(())
    }
}

/// The size of a component in one line.
fn numbers(size: &Size) -> String {
    let modules = match size.core_modules {
        1 => "1 core module".to_owned(),
        number => format!("{number} core modules"),
    };
    let memories = match size.memories {
        1 => "1 linear memory".to_owned(),
        number => format!("{number} linear memories"),
    };
    let (bytes, start) = (size.bytes.div_ceil(1000), size.initial_memory >> 10);
    format!("{bytes} KB, {modules}, {memories}, at first {start} KiB")
}

/// The heading of the list that clients see behind the middleware.
fn what_clients_see(record: &Record) -> &'static str {
    match record.offers {
        None => "clients see what the middleware shows them, which depends on the client",
        Some(_) if offers_all(record) => "clients see all that the features offer",
        Some(_) => "clients see",
    }
}

/// Whether the middleware shows the lists of the features unchanged.
fn offers_all(record: &Record) -> bool {
    let all = |seen: &Offers| {
        let features = || record.features.iter().map(|feature| &feature.offers);
        features().flat_map(|of| &of.tools).eq(&seen.tools)
            && features().flat_map(|of| &of.resources).eq(&seen.resources)
            && features()
                .flat_map(|of| &of.resource_templates)
                .eq(&seen.resource_templates)
            && features().flat_map(|of| &of.prompts).eq(&seen.prompts)
    };
    record.offers.as_ref().is_some_and(all)
}

fn heading(
    stdout: &mut impl Write,
    role: &str,
    name: &str,
    source: Option<&str>,
    sha256: &str,
) -> std::io::Result<()> {
    let digest: String = sha256.chars().take(12).collect();
    let from = match source {
        Some(shipped::AUTHENTICATOR) => " of the framework".to_owned(),
        Some(source) => format!(" from {}", plain::line(source)),
        None => String::new(),
    };
    let (name, digest) = (plain::line(name), plain::line(&digest));
    writeln!(stdout, "\n{role} {name}{from} (sha256 {digest})")
}

fn memory(stdout: &mut impl Write, initial: Option<u64>) -> std::io::Result<()> {
    match initial {
        Some(bytes) => entry(stdout, "memory", &format!("{} KiB", bytes >> 10), &None),
        None => Ok(()),
    }
}

fn grants(stdout: &mut impl Write, grants: &Grants) -> std::io::Result<()> {
    let allowed = grants.allowed.iter().map(|grant| ("allowed", grant));
    let refused = grants.notable_refusals();
    for (kind, grant) in allowed.chain(refused.map(|grant| ("refused", grant))) {
        entry(stdout, kind, &grant.grant, &Some(grant.packages()))?;
    }
    Ok(())
}

fn offers(stdout: &mut impl Write, offers: &Offers) -> std::io::Result<()> {
    for tool in &offers.tools {
        entry(stdout, "tool", &tool.name, &tool.description)?;
    }
    beside_tools(
        stdout,
        &offers.resources,
        &offers.resource_templates,
        &offers.prompts,
    )
}

fn beside_tools(
    stdout: &mut impl Write,
    resources: &[ResourceRecord],
    templates: &[ResourceTemplateRecord],
    prompts: &[PromptRecord],
) -> std::io::Result<()> {
    for resource in resources {
        entry(stdout, "resource", &resource.uri, &resource.description)?;
    }
    for template in templates {
        let uri = &template.uri_template;
        entry(stdout, "template", uri, &template.description)?;
    }
    for prompt in prompts {
        entry(stdout, "prompt", &prompt.name, &prompt.description)?;
    }
    Ok(())
}

/// Prints the tools that a component without MCP has when it is composed.
fn print_tools(tools: &Value, component: &[u8], json: bool) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    if json {
        writeln!(stdout, "{}", serde_json::to_string_pretty(tools)?)?;
        return Ok(());
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |key: &str| tools[key].as_array().cloned().unwrap_or_default();
    writeln!(
        stdout,
        "a component without MCP; `spin mcp compose` makes tools of its functions"
    )?;
    writeln!(stdout, "{}\n", numbers(&Size::of(component)?))?;
    for tool in list("tools") {
        entry(
            &mut stdout,
            "tool",
            &text(&tool["name"]),
            &Some(text(&tool["description"])),
        )?;
    }
    let reasons: Vec<_> = list("leftOut").iter().map(text).collect();
    left_out(&mut stdout, reasons.iter().map(String::as_str))?;
    needs(&mut stdout, &World::read(component)?.imports)?;
    Ok(())
}

/// Prints the imports with functions that ordinary components do not have.
fn needs(stdout: &mut impl Write, imports: &[Import]) -> std::io::Result<()> {
    let basic = [
        "spin-mcp:",
        "wasi:io/",
        "wasi:cli/",
        "wasi:clocks/",
        "wasi:random/",
    ];
    let mut needed = imports.iter().filter(|import| {
        let is_basic = |basic: &&str| import.name.starts_with(basic);
        !import.functions.is_empty() && !basic.iter().any(is_basic)
    });
    needed.try_for_each(|import| writeln!(stdout, "  needs {}", plain::line(&import.name)))
}

fn left_out<'a>(
    stdout: &mut impl Write,
    reasons: impl Iterator<Item = &'a str>,
) -> std::io::Result<()> {
    let mut reasons = reasons;
    reasons.try_for_each(|reason| writeln!(stdout, "  {}", plain::line(reason)))
}

/// A component in a registry, which is also the output of `--json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Published {
    reference: String,
    /// The digest of its manifest.
    digest: String,
    #[serde(flatten)]
    labels: Labels,
    size: Size,
    #[serde(skip)]
    role: Role,
    exports: Vec<String>,
    imports: Vec<String>,
    #[serde(skip)]
    needs: Vec<Import>,
    /// The lists that were published with it, or the tools of a component without MCP.
    catalog: Option<Catalog>,
}

impl Published {
    fn new(reference: &Reference, image: &Image, component: &[u8]) -> Result<Published> {
        let damaged = || format!("`{reference}` is not a WebAssembly component");
        let world = World::read(component).with_context(damaged)?;
        let annotations = image.manifest.annotations.clone().unwrap_or_default();
        let mut catalog =
            Catalog::read(&annotations).with_context(|| format!("cannot inspect `{reference}`"))?;
        if catalog.is_none()
            && let Ok(Some(tools)) = spin_mcp_compose::tools(component)
        {
            catalog = serde_json::from_value(tools)?;
        }
        Ok(Published {
            reference: reference.to_string(),
            digest: image.digest.to_string(),
            labels: Labels::read(&annotations),
            size: Size::of(component)?,
            role: server::role(&world),
            exports: world.exports,
            imports: (world.imports.iter())
                .map(|import| import.name.clone())
                .collect(),
            needs: world.imports,
            catalog,
        })
    }

    fn print(&self, json: bool) -> Result<()> {
        let mut stdout = std::io::stdout().lock();
        if json {
            writeln!(stdout, "{}", serde_json::to_string_pretty(self)?)?;
            return Ok(());
        }
        let labels = &self.labels;
        let title = labels.title.as_ref().unwrap_or(&self.reference);
        let version = labels.version.as_deref().unwrap_or("without a version");
        writeln!(stdout, "{} {}", plain::line(title), plain::line(version))?;
        writeln!(stdout, "{}", self.digest)?;
        writeln!(stdout, "{}", numbers(&self.size))?;
        for (name, label) in [
            ("description", &labels.description),
            ("source", &labels.source),
            ("license", &labels.license),
            ("contract", &labels.contract),
        ] {
            if let Some(label) = label {
                writeln!(stdout, "{name}: {}", plain::line(label))?;
            }
        }
        writeln!(stdout)?;
        match &self.catalog {
            Some(catalog) => {
                for tool in &catalog.tools {
                    entry(&mut stdout, "tool", &tool.name, &tool.description)?;
                }
                let (resources, templates) = (&catalog.resources, &catalog.resource_templates);
                beside_tools(&mut stdout, resources, templates, &catalog.prompts)?;
            }
            None if self.role != Role::Feature => match self.role {
                Role::Authenticator => writeln!(stdout, "is an authenticator")?,
                role => writeln!(stdout, "is a {role}")?,
            },
            None => writeln!(stdout, "was published without lists of what it offers")?,
        }
        for export in &self.exports {
            writeln!(stdout, "  exports {}", plain::line(export))?;
        }
        needs(&mut stdout, &self.needs)?;
        Ok(())
    }
}

/// Prints one line of a list, with the first line of the description.
fn entry(
    stdout: &mut impl Write,
    kind: &str,
    name: &str,
    description: &Option<String>,
) -> std::io::Result<()> {
    let description = description.as_deref().unwrap_or_default();
    let description = description.lines().next().unwrap_or_default();
    let line = format!("  {kind:<8} {name:<24} {description}");
    writeln!(stdout, "{}", plain::line(line.trim_end()))
}
