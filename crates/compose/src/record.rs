//! What goes into the record of a composed server.

use spin_mcp_component::Size;
use spin_mcp_contract::{
    Auth, Composition, Need, Role,
    record::{
        Annotations, FeatureRecord, MiddlewareRecord, Offers, PromptRecord, Record, ResourceRecord,
        ResourceTemplateRecord, ToolRecord,
    },
};
use spin_mcp_protocol::types::{
    prompt_types::Prompt, resource_types::ResourceTemplate, tool_types::Tool, types::ResourceInfo,
};

use crate::{list::Lists, load::Parts, part::Loaded, plan::Plan};

/// `lists` has one entry for each part.
pub fn server(
    composition: &Composition,
    parts: &Parts,
    lists: &[Lists],
    plan: Plan,
    offers: Option<Offers>,
) -> Record {
    let mut needs = plan.needs.into_iter();
    let features = parts.features().iter().zip(lists).zip(&mut needs);
    let features = features.map(|((part, lists), needs)| feature(part, lists, needs));
    let features = features.collect();
    let middleware = parts.middleware().iter().zip(&mut needs);
    let middleware = middleware
        .map(|(part, needs)| self::middleware(part, needs))
        .collect();
    let auth = composition.auth.as_ref();
    let store = auth.and_then(|auth| {
        let settings = auth.authenticator.settings.as_ref()?;
        settings.get("store")?.as_str().map(str::to_owned)
    });
    let asked = parts.auth().iter().map(|part| {
        let store = store.clone().filter(|_| part.role == Role::Authenticator);
        let state = store.iter().map(|_| Need::IssuerKeys).collect();
        MiddlewareRecord {
            store,
            ..self::middleware(part, state)
        }
    });
    Record {
        mcp: env!("CARGO_PKG_VERSION").to_owned(),
        wasi: composition.wasi.as_str().to_owned(),
        name: composition.server.name.clone(),
        version: composition.server.version.clone(),
        store: plan.store,
        sequence: composition.sequence,
        features,
        middleware,
        auth: asked.collect(),
        issuers: auth.map(Auth::issuers).unwrap_or_default(),
        offers,
    }
}

fn middleware(part: &Loaded, state: Vec<Need>) -> MiddlewareRecord {
    MiddlewareRecord {
        name: part.name.clone(),
        source: part.origin.clone(),
        sha256: part.digest.clone(),
        state,
        store: None,
        imports: names(part),
        initial_memory: memory(part),
        grants: part.grants.clone(),
    }
}

/// The initial memory of a part.
fn memory(part: &Loaded) -> Option<u64> {
    let size = Size::of(&part.component).ok()?;
    Some(size.initial_memory)
}

/// The names of a part's imports.
fn names(part: &Loaded) -> Vec<String> {
    let imports = part.imports.iter();
    imports.map(|import| import.name.clone()).collect()
}

/// What clients see of a feature.
pub fn offers(feature: &Loaded, lists: &Lists) -> Offers {
    let prefix = feature.prefix.as_deref();
    let tools = lists.tools.iter().map(|tool| tool_record(prefix, tool));
    let templates = lists.resource_templates.iter().map(resource_template);
    let prompts = lists.prompts.iter();
    Offers {
        tools: tools.collect(),
        resources: lists.resources.iter().map(resource).collect(),
        resource_templates: templates.collect(),
        prompts: prompts
            .map(|prompt| prompt_record(prefix, prompt))
            .collect(),
    }
}

pub fn feature(feature: &Loaded, lists: &Lists, state: Vec<Need>) -> FeatureRecord {
    FeatureRecord {
        name: feature.name.clone(),
        source: feature.origin.clone(),
        sha256: feature.digest.clone(),
        prefix: feature.prefix.clone(),
        api: feature.api.as_ref().map(|(_, address)| address.clone()),
        dynamic: feature.dynamic,
        state,
        imports: names(feature),
        initial_memory: memory(feature),
        grants: feature.grants.clone(),
        offers: offers(feature, lists),
        left_out: feature.left_out.clone(),
    }
}

fn tool_record(prefix: Option<&str>, tool: &Tool) -> ToolRecord {
    ToolRecord {
        name: format!("{}{}", prefix.unwrap_or_default(), tool.name),
        title: tool.title.clone(),
        description: tool.description.clone(),
        input_schema: serde_json::from_str(&tool.input_schema).unwrap_or_default(),
        annotations: Annotations {
            read_only_hint: tool.annotations.as_ref().and_then(|of| of.read_only) == Some(true),
        },
    }
}

fn resource(resource: &ResourceInfo) -> ResourceRecord {
    ResourceRecord {
        uri: resource.uri.clone(),
        name: resource.name.clone(),
        description: resource.description.clone(),
    }
}

fn resource_template(template: &ResourceTemplate) -> ResourceTemplateRecord {
    ResourceTemplateRecord {
        uri_template: template.uri_template.clone(),
        name: template.name.clone(),
        description: template.description.clone(),
    }
}

fn prompt_record(prefix: Option<&str>, prompt: &Prompt) -> PromptRecord {
    let arguments = prompt.arguments.iter();
    PromptRecord {
        name: format!("{}{}", prefix.unwrap_or_default(), prompt.name),
        description: prompt.description.clone(),
        arguments: arguments.map(|argument| argument.name.clone()).collect(),
    }
}
