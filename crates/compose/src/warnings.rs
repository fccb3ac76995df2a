//! What is valid, but what known clients refuse or cut. Only the author can mend it.

use spin_mcp_contract::{
    ServerConfig,
    record::{Record, ToolRecord},
};
use spin_mcp_protocol::catalog::{ListKind, entries_on_a_page};

/// The longest name that clients take, in characters.
const NAME: usize = 64;
/// The longest text that clients pass on whole, in characters.
const TEXT: usize = 2_048;

pub fn warnings(server: &ServerConfig, record: &Record) -> Vec<String> {
    let mut warnings: Vec<_> = record.left_out().collect();
    let instructions = server.instructions.as_deref();
    if let Some(length) = instructions.and_then(too_long) {
        warnings.push(format!(
            "the instructions of the server have {length} characters; Claude Code cuts them after {TEXT}; say what \
             matters first, or shorten them"
        ));
    }
    for tool in record.tools() {
        let owner = record.features.iter().find(|feature| {
            let mut tools = feature.offers.tools.iter();
            tools.any(|own| own.name == tool.name)
        });
        let of = owner.map(|feature| format!(" of feature `{}`", feature.name));
        let shown = format!("tool `{}`{}", tool.name, of.unwrap_or_default());
        let found = of_name(&tool.name).into_iter().chain(of_tool(tool));
        warnings.extend(found.map(|warning| format!("{shown}: {warning}")));
    }
    let (tools, default) = (record.tools().count(), entries_on_a_page(ListKind::Tools));
    let page = server.page_size.unwrap_or(default);
    if tools > page {
        warnings.push(format!(
            "the {tools} tools take more than one page of {page}, and many clients read the first page only; {}",
            match page < default {
                true => "set a larger `page_size` in spin.toml, or none",
                false => "make several servers, or hide tools with `filter`",
            }
        ));
    }
    warnings
}

fn of_name(name: &str) -> Vec<String> {
    let mut warnings = Vec::new();
    if name.contains('.') {
        warnings.push(
            "the APIs of Anthropic and OpenAI refuse names with `.`; write `_` instead".to_owned(),
        );
    }
    if name.len() > NAME {
        warnings.push(format!(
            "its name has {} characters, and the APIs of OpenAI and Gemini take {NAME}; shorten the name or the \
             `prefix` of its feature",
            name.len()
        ));
    }
    if name.starts_with(|first: char| !first.is_ascii_alphabetic() && first != '_') {
        warnings.push(
            "the API of Gemini refuses names that do not begin with a letter or `_`; begin it with a word, or set a \
             `prefix`"
                .to_owned(),
        );
    }
    warnings
}

fn of_tool(tool: &ToolRecord) -> impl Iterator<Item = String> {
    let description = tool.description.as_deref().and_then(too_long);
    let description = description.map(|length| {
        format!(
            "its description has {length} characters, and Claude Code cuts it after {TEXT}; say what matters first, \
             or shorten it"
        )
    });
    let choices = ["oneOf", "anyOf", "allOf"].into_iter();
    let choices = choices.filter(|keyword| tool.input_schema.get(keyword).is_some());
    let choices = choices.map(|keyword| {
        format!(
            "`/{keyword}` at the root of its input schema is refused by the APIs of Anthropic and OpenAI, with all \
             tools of the request; put the choice into a property: arguments as a struct or object with an enum as \
             its field"
        )
    });
    choices.chain(description)
}

fn too_long(text: &str) -> Option<usize> {
    Some(text.chars().count()).filter(|length| *length > TEXT)
}
