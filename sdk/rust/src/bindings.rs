//! The interfaces of `framework/wit`. Each interface that a component can export has a world of its
//! own, so that a component exports only what it has.

/// The types, and what a component can call.
#[expect(
    missing_docs,
    reason = "the contract documents types, not their functions"
)]
pub mod imports {
    wit_bindgen::generate!({ path: "wit", world: "imports", generate_all });
}

macro_rules! exported {
    ($module:ident, $world:literal, $name:literal, $bindings:literal, $types:literal: $path:ident) => {
        /// One interface that a component can export.
        #[expect(missing_docs, reason = "macros use it")]
        pub mod $module {
            wit_bindgen::generate!({
                path: "wit",
                world: $world,
                pub_export_macro: true,
                export_macro_name: $name,
                default_bindings_module: $bindings,
                with: {
                    "spin-mcp:server/types@0.1.0": crate::bindings::imports::spin_mcp::server::types,
                    $types: crate::bindings::imports::spin_mcp::server::$path,
                },
            });
        }
    };
}

exported!(tools, "tools", "export_tools", "spin_mcp_sdk::bindings::tools",
    "spin-mcp:server/tool-types@0.1.0": tool_types);
exported!(resources, "resources", "export_resources", "spin_mcp_sdk::bindings::resources",
    "spin-mcp:server/resource-types@0.1.0": resource_types);
exported!(prompts, "prompts", "export_prompts", "spin_mcp_sdk::bindings::prompts",
    "spin-mcp:server/prompt-types@0.1.0": prompt_types);
exported!(completions, "completions", "export_completions", "spin_mcp_sdk::bindings::completions",
    "spin-mcp:server/completion-types@0.1.0": completion_types);

#[cfg(feature = "async")]
exported!(tools_async, "tools-async", "export_tools", "spin_mcp_sdk::bindings::tools_async",
    "spin-mcp:server/tool-types@0.1.0": tool_types);
#[cfg(feature = "async")]
exported!(resources_async, "resources-async", "export_resources", "spin_mcp_sdk::bindings::resources_async",
    "spin-mcp:server/resource-types@0.1.0": resource_types);
#[cfg(feature = "async")]
exported!(prompts_async, "prompts-async", "export_prompts", "spin_mcp_sdk::bindings::prompts_async",
    "spin-mcp:server/prompt-types@0.1.0": prompt_types);
#[cfg(feature = "async")]
exported!(completions_async, "completions-async", "export_completions", "spin_mcp_sdk::bindings::completions_async",
    "spin-mcp:server/completion-types@0.1.0": completion_types);
