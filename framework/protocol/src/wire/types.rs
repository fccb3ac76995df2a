//! The records of the WIT contract as Rust types, for native code and for components.
//!
//! A component maps its own bindings to them: `with: { "spin-mcp:server/types@0.1.0":
//! spin_mcp_protocol::types::types, … }`, and likewise for the interfaces that end in `-types`.

mod bindings {
    wit_bindgen::generate!({
        path: "wit",
        inline: "
            package spin-mcp:protocol;

            world protocol {
                import spin-mcp:server/types@0.1.0;
                import spin-mcp:server/request@0.1.0;
                import spin-mcp:server/authenticator@0.1.0;
                import spin-mcp:server/authorizer@0.1.0;
                import spin-mcp:server/tool-types@0.1.0;
                import spin-mcp:server/resource-types@0.1.0;
                import spin-mcp:server/prompt-types@0.1.0;
                import spin-mcp:server/completion-types@0.1.0;
            }
        ",
        additional_derives: [PartialEq],
        generate_all,
        generate_unused_types: true,
    });
}

pub use bindings::spin_mcp::server::{
    authenticator::{Credentials, Known, Verdict},
    authorizer::{Decision, Question},
    completion_types, prompt_types,
    request::Caller,
    resource_types, tool_types, types,
};
