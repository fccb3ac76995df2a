//! MCP Apps: tools whose results a page of the server shows
//! (https://github.com/modelcontextprotocol/ext-apps, SEP-1865).

use anyhow::{Result, bail, ensure};
use serde_json::{Map, Value};

use crate::list::Lists;

/// The extension that clients and servers declare.
pub const EXTENSION: &str = "io.modelcontextprotocol/ui";
/// The MIME type of such a page.
const MIME: &str = "text/html;profile=mcp-app";

/// Whether a tool has a page. Refuses a page that the server does not have; the lists of a
/// `dynamic` feature are not known.
pub fn check<'a>(
    features: impl Iterator<Item = (&'a str, bool, &'a Lists)> + Clone,
) -> Result<bool> {
    let mut found = false;
    for (feature, _, lists) in features.clone() {
        for tool in &lists.tools {
            let meta = tool.meta.as_deref().map(serde_json::from_str);
            let Some(Ok(Value::Object(meta))) = meta else {
                continue;
            };
            let shown = format!("tool `{}` of feature `{feature}`", tool.name.escape_debug());
            check_visibility(&shown, &meta)?;
            // The second one is what hosts had before the first.
            let page = meta.get("ui").and_then(|ui| ui.get("resourceUri"));
            let Some(page) = page.or_else(|| meta.get("ui/resourceUri")) else {
                continue;
            };
            let uri = page.as_str().filter(|uri| uri.starts_with("ui://"));
            let Some(uri) = uri else {
                bail!(
                    "{shown} names {page} as its page; name a resource whose URI begins with `ui://`"
                );
            };
            check_page(&shown, uri, features.clone())?;
            found = true;
        }
    }
    Ok(found)
}

fn check_visibility(shown: &str, meta: &Map<String, Value>) -> Result<()> {
    let Some(visibility) = meta.get("ui").and_then(|ui| ui.get("visibility")) else {
        return Ok(());
    };
    let all = visibility.as_array();
    let known = all.is_some_and(|all| all.iter().all(|one| one == "model" || one == "app"));
    ensure!(
        known,
        "{shown} has the visibility {visibility}; it is a list of `model` and `app`"
    );
    Ok(())
}

fn check_page<'a>(
    shown: &str,
    uri: &str,
    features: impl Iterator<Item = (&'a str, bool, &'a Lists)> + Clone,
) -> Result<()> {
    for (owner, _, lists) in features.clone() {
        let mut pages = lists.resources.iter();
        if let Some(page) = pages.find(|resource| resource.uri == uri) {
            let mime = page.mime_type.as_deref().unwrap_or("none");
            ensure!(
                mime == MIME,
                "{shown} shows its results in the resource `{uri}` of feature `{owner}`, whose MIME type is \
                 `{mime}`; make it `{MIME}`"
            );
            return Ok(());
        }
    }
    let is_dynamic = features.clone().any(|(_, dynamic, _)| dynamic);
    let mut templates = features.flat_map(|(_, _, lists)| &lists.resource_templates);
    let fits = templates.any(|template| {
        let start = template.uri_template.split('{').next();
        uri.starts_with(start.unwrap_or_default())
    });
    ensure!(
        is_dynamic || fits,
        "{shown} shows its results in the resource `{uri}`, which no feature has; add the resource to a feature, \
         or correct the URI"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use spin_mcp_protocol::types::{
        resource_types::ResourceTemplate, tool_types::Tool, types::ResourceInfo,
    };

    use super::*;

    fn tool(meta: &str) -> Lists {
        let tool = Tool {
            name: "chart".into(),
            title: None,
            description: None,
            input_schema: "{}".into(),
            output_schema: None,
            annotations: None,
            icons: Vec::new(),
            meta: Some(meta.into()),
        };
        Lists {
            tools: vec![tool],
            ..Lists::default()
        }
    }

    fn page(mime_type: Option<&str>) -> Lists {
        let page = ResourceInfo {
            uri: "ui://chart".into(),
            name: "chart".into(),
            title: None,
            description: None,
            mime_type: mime_type.map(str::to_owned),
            size: None,
            annotations: None,
            icons: Vec::new(),
            meta: None,
        };
        Lists {
            resources: vec![page],
            ..Lists::default()
        }
    }

    fn checked(lists: [&Lists; 2], dynamic: bool) -> String {
        let [first, second] = lists;
        let features = [("a", dynamic, first), ("b", false, second)];
        match check(features.into_iter()) {
            Ok(found) => found.to_string(),
            Err(error) => error.to_string(),
        }
    }

    const CHART: &str = r#"{"ui": {"resourceUri": "ui://chart", "visibility": ["app"]}}"#;

    #[test]
    fn a_tool_has_the_page_that_it_names() {
        let (none, app) = (Lists::default(), page(Some(MIME)));
        assert_eq!(checked([&tool("{}"), &none], false), "false");
        assert_eq!(checked([&tool(CHART), &app], false), "true");
        let before = tool(r#"{"ui/resourceUri": "ui://chart"}"#);
        assert_eq!(checked([&before, &app], false), "true");
        let error = checked([&before, &none], false);
        assert!(error.contains("tool `chart` of feature `a`"), "{error}");
        assert!(
            error.contains("`ui://chart`, which no feature has"),
            "{error}"
        );
        assert_eq!(checked([&tool(CHART), &none], true), "true");
    }

    #[test]
    fn a_template_can_have_the_page() {
        let with = |uri_template: &str| Lists {
            resource_templates: vec![ResourceTemplate {
                uri_template: uri_template.into(),
                name: "page".into(),
                title: None,
                description: None,
                mime_type: None,
                annotations: None,
                icons: Vec::new(),
                meta: None,
            }],
            ..Lists::default()
        };
        assert_eq!(checked([&tool(CHART), &with("ui://{name}")], false), "true");
        let error = checked([&tool(CHART), &with("notes://{name}")], false);
        assert!(error.contains("no feature has"), "{error}");
    }

    #[test]
    fn what_hosts_would_ignore_is_refused() {
        for mime_type in [None, Some("text/html")] {
            let error = checked([&tool(CHART), &page(mime_type)], false);
            let expected = format!("is `{}`; make it `{MIME}`", mime_type.unwrap_or("none"));
            assert!(error.ends_with(&expected), "{error}");
        }
        let app = page(Some(MIME));
        for (meta, expected) in [
            (
                r#"{"ui": {"resourceUri": "https://chart"}}"#,
                "begins with `ui://`",
            ),
            (r#"{"ui": {"resourceUri": 5}}"#, "names 5 as its page"),
            (
                r#"{"ui": {"visibility": ["user"]}}"#,
                "a list of `model` and `app`",
            ),
            (r#"{"ui": {"visibility": "app"}}"#, "visibility \"app\""),
        ] {
            let error = checked([&tool(meta), &app], false);
            assert!(error.contains(expected), "{error}");
        }
    }
}
