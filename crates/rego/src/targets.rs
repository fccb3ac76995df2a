//! Finds the names of tools, prompts and resources in tests that a server does not have.

use serde_json::Value;

use crate::Source;

/// The names that tests can ask about: what clients see.
#[derive(Debug, Default)]
pub struct Targets {
    pub tools: Vec<String>,
    pub prompts: Vec<String>,
    /// URIs, and URI templates.
    pub resources: Vec<String>,
}

impl Targets {
    /// What is wrong with the names in a test file, whose syntax tree `module` is.
    pub fn check(&self, module: &Value, source: &Source) -> Vec<String> {
        let mut found = Found {
            targets: self,
            source,
            wrong: Vec::new(),
        };
        found.visit(module);
        found.wrong
    }

    fn of(&self, kind: &str) -> Vec<&String> {
        let lists: &[&Vec<String>] = match kind {
            "tool" => &[&self.tools],
            "prompt" => &[&self.prompts],
            "resource" => &[&self.resources],
            _ => &[&self.tools, &self.prompts, &self.resources],
        };
        lists.iter().copied().flatten().collect()
    }
}

struct Found<'a> {
    targets: &'a Targets,
    source: &'a Source,
    wrong: Vec<String>,
}

impl Found<'_> {
    fn visit(&mut self, node: &Value) {
        match node {
            Value::Array(nodes) => nodes.iter().for_each(|node| self.visit(node)),
            Value::Object(members) => {
                if let (Some(changed), Some(value)) = (members.get("refr"), members.get("as")) {
                    self.replaced(changed, value);
                }
                if !self.input(node) {
                    members.values().for_each(|node| self.visit(node));
                }
            }
            _ => {}
        }
    }

    /// Checks an object that looks like `input`.
    fn input(&mut self, object: &Value) -> bool {
        let (target, params) = (field(object, "target"), field(object, "params"));
        if let Some(target) = target {
            let kind = field(target, "kind").and_then(text);
            self.target(kind.unwrap_or_default(), target);
        }
        if let Some(params) = params {
            let kind = match field(object, "method").and_then(text) {
                Some("tools/call") => "tool",
                Some("prompts/get") => "prompt",
                Some(method) if method.starts_with("resources/") => "resource",
                _ => "",
            };
            self.target(kind, params);
        }
        target.or(params).is_some()
    }

    /// Checks `with input.target.name as "…"` and its like.
    fn replaced(&mut self, changed: &Value, value: &Value) {
        match self.source_of(changed).unwrap_or_default() {
            "input.target" | "input.params" => self.target("", value),
            "input.target.name" | "input.params.name" | "input.target.uri" | "input.params.uri" => {
                self.name("", value);
            }
            _ => {}
        }
    }

    fn target(&mut self, kind: &str, object: &Value) {
        for key in ["name", "uri"] {
            if let Some(name) = field(object, key) {
                self.name(kind, name);
            }
        }
    }

    fn name(&mut self, kind: &str, node: &Value) {
        let Some(name) = text(node) else { return };
        let known = self.targets.of(kind);
        // What a template expands to is not known.
        let is = |known: &&String| match known.split_once('{') {
            Some((start, _)) if known.contains("://") => name.starts_with(start),
            _ => *known == name,
        };
        if kind == "none" || known.iter().any(is) {
            return;
        }
        let noun = match kind {
            "" => "tool, prompt or resource",
            kind => kind,
        };
        let near = known
            .iter()
            .map(|known| (strsim::jaro_winkler(known, name), known));
        let near = near.filter(|(likeness, _)| *likeness > 0.8);
        let advice = match near.max_by(|a, b| a.0.total_cmp(&b.0)) {
            Some((_, known)) => format!("; did you mean `{known}`?"),
            None => String::new(),
        };
        let span = span(node);
        let number = |key| span.map_or(0, |span| span[key].as_u64().unwrap_or_default());
        self.wrong.push(format!(
            "{}:{}:{}: the server has no {noun} `{name}`{advice}",
            self.source.name,
            number("line"),
            number("col")
        ));
    }

    /// An expression as it is written.
    fn source_of(&self, node: &Value) -> Option<&str> {
        let span = span(node)?;
        let [start, end] = ["start", "end"].map(|key| span[key].as_u64().unwrap_or_default());
        self.source.text.get(start as usize..end as usize)
    }
}

/// The place of an expression: the member `span` of its one variant.
fn span(node: &Value) -> Option<&Value> {
    node.as_object()?.values().next()?.get("span")
}

/// The value of a string.
fn text(node: &Value) -> Option<&str> {
    let string = node.get("String").or_else(|| node.get("RawString"))?;
    string["value"].as_str()
}

/// The expression for a key of an object.
fn field<'a>(node: &'a Value, key: &str) -> Option<&'a Value> {
    let fields = node.get("Object")?.get("fields")?.as_array()?;
    let field = fields.iter().find(|field| text(&field[1]) == Some(key))?;
    field.get(2)
}
