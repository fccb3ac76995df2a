//! `mcp call`.

use std::{
    io::{IsTerminal as _, Read as _, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, anyhow, bail};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use tokio::runtime;

use super::serve::RunArgs;
use spin_mcp_runner::client::{ListedTool, ToolClient};
use spin_mcp_runner::plain;

/// Call a tool of a composed MCP server.
///
/// Runs the server in this process for one call, and prints the texts of the answer, or else its
/// structured content. Progress and log messages go to stderr. If the tool reports a failure, the
/// command fails. A tool that asks for input cannot be called this way.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "spin mcp call [OPTIONS] [SERVER] <TOOL> [ARGUMENTS]",
    after_help = "Arguments:
  SERVER     The file of the server: an existing file, or a name that ends in `.wasm`
             [default: the server of the app]
  TOOL       The name of the tool
  ARGUMENTS  A JSON object, or `-` to read it from stdin [default: {}]

Examples:
  # Call a tool of the app in the current folder
  spin mcp call add '{\"a\": 1, \"b\": 2}'

  # Call a tool of a server in a file, and print the whole result
  spin mcp call server.wasm add '{\"a\": 1, \"b\": 2}' --json"
)]
pub struct CallCommand {
    #[arg(value_name = "TOOL", required = true, num_args = 1..=3, hide = true)]
    words: Vec<String>,

    /// Print the result as the server sent it
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    run: RunArgs,
}

/// The members of a tool result that are printed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CallResult {
    #[serde(default = "complete")]
    result_type: String,
    #[serde(default)]
    content: Vec<Value>,
    structured_content: Option<Value>,
    #[serde(default)]
    is_error: bool,
    #[serde(default)]
    input_requests: serde_json::Map<String, Value>,
}

fn complete() -> String {
    "complete".into()
}

impl CallCommand {
    pub fn run(self) -> Result<()> {
        let (server, tool, arguments) = words(self.words)?;
        let arguments = match arguments.as_deref() {
            None => "{}".to_owned(),
            Some("-") => {
                let mut text = String::new();
                std::io::stdin()
                    .read_to_string(&mut text)
                    .context("cannot read the arguments from stdin")?;
                text
            }
            Some(text) => text.to_owned(),
        };
        check_arguments(&arguments)?;

        let token = self.run.token().map(str::to_owned);
        let (server, _) = self.run.load(server)?;
        let runtime = runtime::Builder::new_multi_thread().enable_all().build()?;
        let result = runtime.block_on(async {
            let client = ToolClient::new(&server, token.as_deref());
            let tools = client
                .tools()
                .await
                .context("cannot list the server's tools")?;
            let tool = find(&tools, &tool)?;
            let result = client
                .call(tool, &arguments, |notice| eprintln!("{notice}"))
                .await
                .with_context(|| format!("tool `{}` failed", tool.name))?;
            anyhow::Ok(result)
        });
        // Do not wait for work that a tool left running.
        runtime.shutdown_background();
        print(&tool, &result?, self.json)
    }
}

/// Splits the words into the server, the tool and its arguments.
fn words(words: Vec<String>) -> Result<(Option<PathBuf>, String, Option<String>)> {
    let is_server = |word: &str| {
        let path = Path::new(word);
        path.extension()
            .is_some_and(|extension| extension == "wasm")
            || path.is_file()
    };
    let server = words
        .first()
        .filter(|word| is_server(word))
        .map(PathBuf::from);
    let mut rest = words.into_iter().skip(server.is_some().into());
    let tool = rest
        .next()
        .context("no tool to call; `spin mcp inspect SERVER` lists the tools")?;
    let arguments = rest.next();
    if rest.next().is_some() {
        bail!("too many arguments: `{tool}` is not the file of a server");
    }
    Ok((server, tool, arguments))
}

/// Checks that the arguments are a JSON object before anything runs.
fn check_arguments(text: &str) -> Result<()> {
    let hint = "write a JSON object in single quotes, such as '{\"a\": 1}'";
    let value: Value = serde_json::from_str(text)
        .map_err(|error| anyhow!("the arguments are not valid JSON: {error}; {hint}"))?;
    let kind = match value {
        Value::Object(_) => return Ok(()),
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
    };
    bail!("the arguments are {kind}, not an object; {hint}")
}

fn find<'a>(tools: &'a [ListedTool], name: &str) -> Result<&'a ListedTool> {
    if let Some(tool) = tools.iter().find(|tool| tool.name == name) {
        return Ok(tool);
    }
    let likeness = |tool: &&ListedTool| strsim::jaro(&tool.name, name);
    let nearest = tools
        .iter()
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    let names = tools
        .iter()
        .map(|tool| format!("`{}`", tool.name))
        .collect::<Vec<_>>()
        .join(", ");
    match nearest.filter(|nearest| likeness(nearest) > 0.7) {
        _ if tools.is_empty() => bail!("unknown tool `{name}`: the server has no tools"),
        Some(nearest) if tools.len() > 10 => {
            bail!("unknown tool `{name}`: did you mean `{}`?", nearest.name)
        }
        Some(nearest) => bail!(
            "unknown tool `{name}`: did you mean `{}`? the server has {names}",
            nearest.name
        ),
        None => bail!("unknown tool `{name}`: the server has {names}"),
    }
}

fn print(tool: &str, raw: &RawValue, json: bool) -> Result<()> {
    let result: CallResult =
        serde_json::from_str(raw.get()).context("the server's answer is not a tool result")?;
    if json {
        writeln!(std::io::stdout(), "{}", raw.get())?;
    }
    if result.result_type == "input_required" {
        let mut methods: Vec<_> = result
            .input_requests
            .values()
            .filter_map(|request| request["method"].as_str())
            .collect();
        methods.dedup();
        bail!(
            "tool `{tool}` asks for input (`{}`), which `spin mcp call` cannot give; \
             call it from a client that can answer",
            methods.join("`, `")
        );
    }
    let shown = shown(&result)?;
    match (result.is_error, json) {
        (true, true) => bail!("tool `{tool}` failed"),
        (true, false) => {
            Err(anyhow!(shown.trim_end().to_owned()).context(format!("tool `{tool}` failed")))
        }
        (false, true) => Ok(()),
        (false, false) => {
            let mut stdout = std::io::stdout();
            match stdout.is_terminal() {
                true => writeln!(stdout, "{}", plain::text(&shown))?,
                false => stdout.write_all(shown.as_bytes())?,
            }
            Ok(())
        }
    }
}

/// The content of a result as lines, or the structured content if it has no text.
fn shown(result: &CallResult) -> Result<String> {
    let mut shown = String::new();
    for block in &result.content {
        shown.push_str(&line(block));
        if !shown.ends_with('\n') {
            shown.push('\n');
        }
    }
    let has_text = result.content.iter().any(|block| block["type"] == "text");
    if let (Some(structured), false) = (&result.structured_content, has_text) {
        shown.push_str(&serde_json::to_string_pretty(structured)?);
        shown.push('\n');
    }
    Ok(shown)
}

fn line(block: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let media = |kind: &str, holder: &Value, data: &str| {
        let bytes = decoded_length(holder[data].as_str().unwrap_or_default());
        format!("[{kind} {}, {bytes} bytes]", text(&holder["mimeType"]))
    };
    match block["type"].as_str().unwrap_or_default() {
        "text" => text(&block["text"]),
        kind @ ("image" | "audio") => media(kind, block, "data"),
        "resource_link" => format!("[resource {}]", text(&block["uri"])),
        "resource" => match &block["resource"] {
            resource if resource["text"].is_string() => text(&resource["text"]),
            resource => media(
                &format!("resource {}", text(&resource["uri"])),
                resource,
                "blob",
            ),
        },
        other => format!("[{other}]"),
    }
}

/// The number of bytes that a Base64 text encodes.
fn decoded_length(base64: &str) -> usize {
    base64.trim_end_matches('=').len() * 3 / 4
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(line: &[&str]) -> Result<(Option<PathBuf>, String, Option<String>)> {
        words(line.iter().map(|word| word.to_string()).collect())
    }

    #[test]
    fn the_server_is_the_first_word_if_it_is_a_file() {
        assert_eq!(read(&["add"]).unwrap(), (None, "add".into(), None));
        assert_eq!(
            read(&["add", "{}"]).unwrap(),
            (None, "add".into(), Some("{}".into()))
        );
        assert_eq!(
            read(&["s.wasm", "add"]).unwrap(),
            (Some("s.wasm".into()), "add".into(), None)
        );
        assert_eq!(
            read(&["s.wasm", "add", "-"]).unwrap(),
            (Some("s.wasm".into()), "add".into(), Some("-".into()))
        );
        assert!(
            read(&["s.wasm"])
                .unwrap_err()
                .to_string()
                .contains("no tool to call")
        );
        assert!(
            read(&["server", "add", "{}"])
                .unwrap_err()
                .to_string()
                .contains("not the file")
        );
    }

    #[test]
    fn arguments_are_a_json_object() {
        assert!(check_arguments(r#"{"a": 1}"#).is_ok());
        let error = |text| check_arguments(text).unwrap_err().to_string();
        assert!(
            error(r#"{"a": 1,}"#).contains("line 1 column 9"),
            "{}",
            error(r#"{"a": 1,}"#)
        );
        assert!(error("").contains("not valid JSON"));
        assert!(error("[1]").contains("are an array"));
        assert!(error("null").contains("are null"));
    }

    fn show(result: Value) -> String {
        shown(&serde_json::from_value(result).unwrap()).unwrap()
    }

    #[test]
    fn content_is_shown_in_lines() {
        let content = json!({"content": [
            {"type": "text", "text": "one"},
            {"type": "text", "text": "two\n"},
            {"type": "image", "mimeType": "image/png", "data": "AAAA"},
            {"type": "audio", "mimeType": "audio/wav", "data": "AA=="},
            {"type": "resource_link", "uri": "file:///a", "name": "a"},
            {"type": "resource", "resource": {"uri": "x:1", "text": "inside"}},
            {"type": "resource", "resource": {"uri": "x:2", "mimeType": "a/b", "blob": "AAA="}},
            {"type": "new"},
        ], "structuredContent": {"a": 1}});
        assert_eq!(
            show(content),
            "one\ntwo\n[image image/png, 3 bytes]\n[audio audio/wav, 1 bytes]\n[resource file:///a]\ninside\n\
             [resource x:2 a/b, 2 bytes]\n[new]\n"
        );
    }

    #[test]
    fn structured_content_is_shown_if_there_is_no_text() {
        assert_eq!(
            show(json!({"content": [], "structuredContent": {"a": 1}})),
            "{\n  \"a\": 1\n}\n"
        );
        assert_eq!(show(json!({"content": []})), "");
    }
}
