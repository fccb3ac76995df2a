//! Pages as features answer them, and their entries as the catalog takes them.

use spin_mcp_protocol::catalog::{Side, portable};
use spin_mcp_protocol::types::{
    prompt_types as protocol_prompts, resource_types as protocol_resources,
    tool_types as protocol_tools, types as protocol,
};

use super::bindings::spin_mcp::server::{prompt_types, resource_types, tool_types, types};

/// One page of a list.
pub trait Page {
    type Entry: std::fmt::Debug;
    /// The function that answers it.
    const LIST: &str;
    /// The entries, the cursor of the next page, and how long the page may be kept.
    fn into_parts(
        self,
    ) -> (
        Vec<Self::Entry>,
        Option<String>,
        Option<protocol::CacheHint>,
    );
}

/// What holds for a list of both.
pub fn stricter(a: protocol::CacheHint, b: protocol::CacheHint) -> protocol::CacheHint {
    let private = |hint: protocol::CacheHint| matches!(hint.scope, protocol::CacheScope::Private);
    protocol::CacheHint {
        ttl_ms: a.ttl_ms.min(b.ttl_ms),
        scope: match private(a) || private(b) {
            true => protocol::CacheScope::Private,
            false => protocol::CacheScope::Public,
        },
    }
}

macro_rules! page {
    ($page:ty, $list:literal, $entries:ident, $entry:ident -> $to:ty) => {
        impl Page for $page {
            type Entry = $to;
            const LIST: &str = $list;

            fn into_parts(self) -> (Vec<$to>, Option<String>, Option<protocol::CacheHint>) {
                let entries = self.$entries.into_iter().map($entry).collect();
                (entries, self.next_cursor, self.cache.map(cache_hint))
            }
        }
    };
}

page!(tool_types::ToolList, "list-tools", tools, tool -> protocol_tools::Tool);
page!(resource_types::ResourceList, "list-resources", resources, resource -> protocol::ResourceInfo);
page!(
    resource_types::ResourceTemplateList,
    "list-resource-templates",
    resource_templates,
    resource_template -> protocol_resources::ResourceTemplate
);
page!(prompt_types::PromptList, "list-prompts", prompts, prompt -> protocol_prompts::Prompt);

fn tool(tool: tool_types::Tool) -> protocol_tools::Tool {
    protocol_tools::Tool {
        name: tool.name,
        title: tool.title,
        description: tool.description,
        input_schema: portable(&tool.input_schema, Side::Input),
        output_schema: tool
            .output_schema
            .map(|schema| portable(&schema, Side::Output)),
        annotations: tool
            .annotations
            .map(|annotations| protocol_tools::ToolAnnotations {
                title: annotations.title,
                read_only: annotations.read_only,
                destructive: annotations.destructive,
                idempotent: annotations.idempotent,
                open_world: annotations.open_world,
            }),
        icons: icons(tool.icons),
        meta: tool.meta,
    }
}

fn resource(resource: types::ResourceInfo) -> protocol::ResourceInfo {
    protocol::ResourceInfo {
        uri: resource.uri,
        name: resource.name,
        title: resource.title,
        description: resource.description,
        mime_type: resource.mime_type,
        size: resource.size,
        annotations: resource.annotations.map(annotations),
        icons: icons(resource.icons),
        meta: resource.meta,
    }
}

fn resource_template(
    template: resource_types::ResourceTemplate,
) -> protocol_resources::ResourceTemplate {
    protocol_resources::ResourceTemplate {
        uri_template: template.uri_template,
        name: template.name,
        title: template.title,
        description: template.description,
        mime_type: template.mime_type,
        annotations: template.annotations.map(annotations),
        icons: icons(template.icons),
        meta: template.meta,
    }
}

fn prompt(prompt: prompt_types::Prompt) -> protocol_prompts::Prompt {
    let arguments = prompt.arguments.into_iter();
    protocol_prompts::Prompt {
        name: prompt.name,
        title: prompt.title,
        description: prompt.description,
        arguments: arguments
            .map(|argument| protocol_prompts::PromptArgument {
                name: argument.name,
                title: argument.title,
                description: argument.description,
                required: argument.required,
            })
            .collect(),
        icons: icons(prompt.icons),
        meta: prompt.meta,
    }
}

fn annotations(annotations: types::Annotations) -> protocol::Annotations {
    let audience = annotations.audience.into_iter();
    protocol::Annotations {
        audience: audience
            .map(|role| match role {
                types::Role::User => protocol::Role::User,
                types::Role::Assistant => protocol::Role::Assistant,
            })
            .collect(),
        priority: annotations.priority,
        last_modified: annotations.last_modified,
    }
}

fn icons(icons: Vec<types::Icon>) -> Vec<protocol::Icon> {
    let icons = icons.into_iter();
    icons
        .map(|icon| protocol::Icon {
            src: icon.src,
            mime_type: icon.mime_type,
            sizes: icon.sizes,
            theme: icon.theme.map(|theme| match theme {
                types::IconTheme::Light => protocol::IconTheme::Light,
                types::IconTheme::Dark => protocol::IconTheme::Dark,
            }),
        })
        .collect()
}

fn cache_hint(hint: types::CacheHint) -> protocol::CacheHint {
    protocol::CacheHint {
        ttl_ms: hint.ttl_ms,
        scope: match hint.scope {
            types::CacheScope::Private => protocol::CacheScope::Private,
            types::CacheScope::Public => protocol::CacheScope::Public,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::{CacheHint, CacheScope};

    #[test]
    fn the_shorter_time_and_the_smaller_circle_hold() {
        let hint = |ttl_ms, scope| CacheHint { ttl_ms, scope };
        let strict = stricter(hint(9, CacheScope::Private), hint(5, CacheScope::Public));
        assert_eq!(strict, hint(5, CacheScope::Private));
        let lax = stricter(hint(7, CacheScope::Public), hint(7, CacheScope::Public));
        assert_eq!(lax, hint(7, CacheScope::Public));
    }
}
