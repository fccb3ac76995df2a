//! `mcp add openapi`.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use spin_mcp_app::{Manifest, NewApi};
use spin_mcp_openapi::{Credential, Made, Server, Template};

use super::super::AppArgs;

/// Add an API as a feature: each operation of an OpenAPI document becomes a tool.
///
/// Writes the feature to `spin.toml`, which is created if there is none, and prints the tools. The
/// document is OpenAPI 3.0 or 3.1, in JSON or YAML. `spin mcp build` then makes the server.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  # Add all operations of an API
  spin mcp add openapi petstore.yaml

  # Add what only reads, and send a token from the Spin variable `petstore_token`
  spin mcp add openapi petstore.yaml --include GET \\
    --header 'Authorization=Bearer {{ petstore_token }}'

  # Add what has the tag `pet`, but nothing that deletes, of another server
  spin mcp add openapi petstore.yaml --name pets --include tag:pet --exclude DELETE \\
    --base-url https://petstore.example.com/v3")]
pub struct OpenApiCommand {
    /// The OpenAPI document: a file
    #[arg(value_name = "DOCUMENT")]
    document: PathBuf,

    /// The name of the feature [default: the name of the document]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// The address of the API, instead of `servers` of the document
    #[arg(long, value_name = "URL", value_parser = base_url)]
    base_url: Option<String>,

    /// Add only these operations: an `operationId`, `tag:TAG`, a method, a path, or `METHOD /path`;
    /// `*` stands for any characters; can be repeated
    #[arg(long, value_name = "OPERATIONS")]
    include: Vec<String>,

    /// Leave out these operations, written in the same way; can be repeated
    #[arg(long, value_name = "OPERATIONS")]
    exclude: Vec<String>,

    /// Send a header with each request; `{{ name }}` in it is a variable of the app, which is added
    #[arg(long, value_name = "NAME=VALUE", value_parser = header)]
    header: Vec<(String, Template)>,

    #[command(flatten)]
    app: AppArgs,
}

fn base_url(text: &str) -> Result<String, &'static str> {
    Server::parse(text).map(|_| text.to_owned())
}

/// Reads `NAME=VALUE`.
fn header(text: &str) -> Result<(String, Template), String> {
    let expected = "expected `NAME=VALUE`, such as `Authorization=Bearer {{ token }}`";
    let (name, value) = text.split_once('=').ok_or(expected)?;
    match Template::can_be_header(name) {
        true => Ok((name.to_owned(), Template::parse(value)?)),
        false => Err(format!("`{name}` is not a header that can be set")),
    }
}

impl OpenApiCommand {
    pub fn run(self) -> Result<()> {
        let mut manifest = Manifest::open_or_create(self.app.from(), None)?;
        let id = manifest.ensure_server(self.app.component_id())?;
        let name = manifest.add_openapi(
            &id,
            &NewApi {
                document: self.document,
                name: self.name,
                base_url: self.base_url,
                include: self.include,
                exclude: self.exclude,
                headers: self.header,
            },
        )?;
        let app = manifest.app(Some(&id))?;
        let api = app.apis().find(|(known, _)| *known == name);
        let (_, api) = api.context("a feature that was added is there")?;
        let made = api.make("")?;
        manifest.ensure_apis(&app)?;
        manifest.save()?;
        let mut stdout = std::io::stdout().lock();
        for change in manifest.changes() {
            writeln!(stdout, "spin.toml: {change}")?;
        }
        print(&made, &mut stdout)?;
        advise(&made, &id, &name);
        Ok(())
    }
}

/// The tools, and what is left out.
fn print(made: &Made, out: &mut impl Write) -> Result<()> {
    let (noun, verb) = match made.tools.len() {
        1 => ("tool", "calls"),
        _ => ("tools", "call"),
    };
    writeln!(
        out,
        "\n{} {noun} {verb} `{}`:",
        made.tools.len(),
        made.server
    )?;
    let width = made
        .tools
        .iter()
        .map(|tool| tool.name.len())
        .max()
        .unwrap_or(0);
    for tool in &made.tools {
        let text = tool.title.as_ref().or(tool.description.as_ref());
        let text = text
            .and_then(|text| text.lines().next())
            .unwrap_or_default();
        let text: String = text.chars().filter(|c| !c.is_control()).take(80).collect();
        writeln!(out, "  {:width$}  {text}", tool.name)?;
    }
    match made.unselected {
        0 => {}
        1 => writeln!(out, "1 operation is not selected")?,
        many => writeln!(out, "{many} operations are not selected")?,
    }
    if !made.left_out.is_empty() {
        writeln!(out, "left out:")?;
    }
    for (operation, why) in &made.left_out {
        let line: String = format!("  {operation}: {why}")
            .chars()
            .filter(|c| !c.is_control())
            .collect();
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// Says how to give requests the credentials that they lack.
fn advise(made: &Made, id: &str, name: &str) {
    if made.credentials.is_empty() {
        return;
    }
    let (mut own, mut component, mut app) = (vec![], vec![], vec![]);
    for Credential {
        scheme,
        key,
        name: of,
        before,
        what,
    } in &made.credentials
    {
        let kind = match *before {
            "" => "key",
            before => before.trim(),
        };
        let kind = kind.replace("Bearer", "token");
        let variable = format!("{}_{kind}", name.replace('-', "_")).to_ascii_lowercase();
        let of = spin_mcp_app::quoted(of);
        own.push(format!(
            "{key}.{of} = \"{before}{{{{ {variable} }}}}\" # `{scheme}`"
        ));
        component.push(format!("{variable} = \"{{{{ {variable} }}}}\" # {what}"));
        app.push(format!("{variable} = {{ required = true, secret = true }}"));
    }
    eprintln!(
        "\nnote: operations need credentials, which variables can hold; write this below \
         `[component.{id}.tool.mcp.features.{name}.openapi]`:\n\n{}\n\n\
         [component.{id}.variables]\n{}\n\n\
         [variables]\n{}",
        own.join("\n"),
        component.join("\n"),
        app.join("\n")
    );
}
