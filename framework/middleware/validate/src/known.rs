//! The schemas of lists that were read before. They are valid while the lists stay the same.

use std::{cell::RefCell, rc::Rc};

use serde_json::Value as Json;
use spin_mcp_middleware_sdk::{
    Error, INTERNAL_ERROR, Value, error, excerpt,
    json::{Kind, Object},
    object,
};

/// The most pages that are remembered, and their longest length in bytes.
const MOST_PAGES: usize = 32;
const LONGEST_PAGE: usize = 256 << 10;

/// The schemas of a tool.
pub struct Tool {
    pub input: Option<Json>,
    pub output: Option<Json>,
}

/// What a page says about a tool.
pub enum Found {
    Tool(Rc<Tool>),
    /// It is on a later page, which these parameters ask for.
    Later(String),
    Nowhere,
}

#[derive(Default)]
pub struct Pages(RefCell<Vec<Page>>);

struct Page {
    text: String,
    tools: Vec<(String, Rc<Tool>)>,
}

impl Pages {
    /// What a page says about the tool of this name.
    pub fn find(&self, text: String, name: &str) -> Result<Found, Error> {
        let mut pages = self.0.borrow_mut();
        let known = pages.iter().position(|page| page.text == text);
        let tools = known.map(|at| &pages[at].tools);
        let tool = tools.and_then(|tools| tools.iter().find(|(known, _)| known == name));
        if let Some((_, tool)) = tool {
            return Ok(Found::Tool(Rc::clone(tool)));
        }
        let found = read(&text, name)?;
        if let Found::Tool(tool) = &found
            && text.len() <= LONGEST_PAGE
        {
            let at = known.unwrap_or_else(|| {
                if pages.len() == MOST_PAGES {
                    pages.remove(0);
                }
                let tools = Vec::new();
                pages.push(Page { text, tools });
                pages.len() - 1
            });
            pages[at].tools.push((name.to_owned(), Rc::clone(tool)));
        }
        Ok(found)
    }
}

fn read(text: &str, name: &str) -> Result<Found, Error> {
    // Reading stops at the tool.
    let listed = Value {
        kind: Kind::Object,
        text,
    };
    let tools = listed.member("tools");
    let mut tools = tools.iter().flat_map(Value::elements);
    let is_named = |tool: &Value<'_>| tool.member("name").is_some_and(|known| known.is_str(name));
    if let Some(tool) = tools.find(is_named) {
        let schema = |member| {
            let schema = tool.member(member).map(|schema| parse(schema.text, name));
            schema.transpose()
        };
        return Ok(Found::Tool(Rc::new(Tool {
            input: schema("inputSchema")?,
            output: schema("outputSchema")?,
        })));
    }
    let listed = object(text, "the answer to `tools/list`")?;
    let Some(cursor) = listed.member("nextCursor") else {
        return Ok(Found::Nowhere);
    };
    let mut params = Vec::new();
    let mut written = Object::begin(&mut params);
    written.json("cursor", cursor.text.as_bytes());
    written.end();
    Ok(Found::Later(
        String::from_utf8(params).expect("JSON is made of texts"),
    ))
}

fn parse(schema: &str, name: &str) -> Result<Json, Error> {
    serde_json::from_str(schema).map_err(|problem| {
        let name = excerpt(name);
        error(
            INTERNAL_ERROR,
            format!("a schema of tool `{name}` cannot be read: {problem}"),
        )
    })
}
