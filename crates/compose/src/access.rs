//! Who may call a server, and which scopes its tools, prompts and resources need.

use std::borrow::Cow;

use anyhow::{Result, bail};
use serde_json::json;
use spin_mcp_contract::{
    Auth, ComponentSource, Composition, Grant, Keys, Runtime, Wasi, record::Offers,
};
use spin_mcp_protocol::{
    catalog::{Access, Need, NeedKind},
    pattern,
    types::types::{CacheHint, CacheScope},
};

use crate::{list::Lists, load::Parts, record};

/// The composition with what an authenticator of the framework needs: its store and its grants.
pub fn complete(composition: &Composition) -> Result<Cow<'_, Composition>> {
    let Some(auth) = &composition.auth else {
        return Ok(Cow::Borrowed(composition));
    };
    let ComponentSource::Shipped(_) = auth.authenticator.component else {
        return Ok(Cow::Borrowed(composition));
    };
    let mut completed = composition.clone();
    if let Some(auth) = &mut completed.auth {
        let store = (composition.runtime == Runtime::Spin).then(|| auth.store.clone());
        authenticator(auth, store, composition.wasi)?;
    }
    Ok(Cow::Owned(completed))
}

/// The framework's authenticator: the one without an HTTP client if no issuer needs it.
pub fn shipped(auth: &Auth, wasi: Wasi) -> &'static [u8] {
    let fetches = auth
        .issuers()
        .iter()
        .any(|issuer| issuer.keys == Keys::Fetched);
    match fetches {
        true => spin_mcp_framework::authenticator(wasi),
        false => spin_mcp_framework::pinned_authenticator(wasi),
    }
}

/// Completes the framework's authenticator. `store`: where keys are kept, if there is a store.
pub fn authenticator(auth: &mut Auth, store: Option<String>, wasi: Wasi) -> Result<()> {
    let issuers = auth.issuers();
    let fetched = issuers.iter().find(|issuer| issuer.keys == Keys::Fetched);
    if let (Some(fetched), Wasi::P2, None) = (fetched, wasi, &store) {
        bail!(
            "a server of WASI 0.2 would fetch the keys of `{}` for every request, because it has no key-value store; \
             pin them (`jwks = \"issuer.jwks.json\"`, which `spin mcp auth check --pin` writes), read them from a \
             variable (`jwks = {{ variable = \"…\" }}`), or compose for WASI 0.3",
            fetched.issuer
        );
    }
    let variable = issuers.iter().find_map(|issuer| match &issuer.keys {
        Keys::Variable(variable) => Some((variable, &issuer.issuer)),
        _ => None,
    });
    // What has Spin's stores has its variables, too.
    let has_variables = store.is_some();
    if let (Some((variable, issuer)), false) = (variable, has_variables) {
        bail!(
            "the keys of `{issuer}` are in the variable `{variable}`, which `--runtime wasmtime` does not have; pin them \
             (`jwks = \"issuer.jwks.json\"`, which `spin mcp auth check --pin` writes)"
        );
    }
    let store = store.filter(|_| fetched.is_some());
    let part = &mut auth.authenticator;
    part.allow.extend(fetched.map(|_| Grant::Http));
    part.allow.extend(store.iter().map(|_| Grant::KeyValue));
    let settings = part.settings.get_or_insert_default();
    let has_keys = settings["api_keys"]
        .as_array()
        .is_some_and(|keys| !keys.is_empty());
    let reads = has_keys || variable.is_some() || store.is_some();
    part.allow
        .extend((reads && has_variables).then_some(Grant::Variables));
    settings.insert("store".into(), json!(store));
    Ok(())
}

/// Refuses a server in which another part could replace the keys of issuers.
pub fn check_keys(composition: &Composition, parts: &Parts) -> Result<()> {
    let Some(auth) = composition.auth.as_ref().filter(|auth| !auth.sealed) else {
        return Ok(());
    };
    let settings = auth.authenticator.settings.iter();
    let mut stores = settings.filter_map(|settings| settings.get("store")?.as_str());
    let issuers = auth.issuers();
    let (Some(store), Some(issuer)) = (stores.next(), issuers.first()) else {
        return Ok(());
    };
    // The framework's middleware writes keys of its own.
    let all = composition.features.iter().chain(&composition.middleware);
    let mut all = all.zip(&parts.all).filter(|(part, loaded)| {
        let grant = Grant::KeyValue.to_string();
        let mut allowed = loaded.grants.allowed.iter();
        matches!(part.component, ComponentSource::Resolved(_))
            && allowed.any(|of| of.grant == grant)
    });
    if let Some((_, part)) = all.next() {
        bail!(
            "{} has the grant `key-value`, so it could replace the keys of `{}` in the store `{store}` and let any caller \
             in; give the component the variable `mcp_state_key`, with which they are sealed, pin the keys with \
             `jwks`, or remove the grant",
            part.shown(),
            issuer.issuer
        );
    }
    Ok(())
}

/// What the transport checks, for the names that clients see. `offers`: what they see through the
/// middleware, if that is known.
pub fn access(
    composition: &Composition,
    parts: &Parts,
    lists: &[Lists],
    offers: Option<&Offers>,
) -> Result<Option<Access>> {
    let Some(auth) = &composition.auth else {
        return Ok(None);
    };
    let seen: Vec<Cow<'_, Offers>> = match offers {
        Some(offers) => vec![Cow::Borrowed(offers)],
        None => {
            let features = parts.features().iter().zip(lists);
            features
                .map(|(part, lists)| Cow::Owned(record::offers(part, lists)))
                .collect()
        }
    };
    let tools: Vec<_> = seen.iter().flat_map(|seen| &seen.tools).collect();
    let is_open = parts.features().iter().any(|feature| feature.dynamic)
        || offers.is_none() && !parts.middleware().is_empty();
    for need in auth.access.needs.iter().filter(|_| !is_open) {
        let names: Vec<&str> = match need.kind {
            NeedKind::Tool => tools.iter().map(|tool| &*tool.name).collect(),
            NeedKind::Prompt => {
                let prompts = seen.iter().flat_map(|seen| &seen.prompts);
                prompts.map(|prompt| &*prompt.name).collect()
            }
            NeedKind::Resource => seen.iter().flat_map(|seen| uris(seen)).collect(),
        };
        check(need, &names)?;
    }
    let mut access = Access {
        app_variables: composition.runtime == Runtime::Spin,
        ..auth.access.clone()
    };
    let by_hand: Vec<_> = access
        .needs
        .iter()
        .filter(|need| need.kind == NeedKind::Tool)
        .map(|need| need.pattern.clone())
        .collect();
    let need = |pattern: &str, scopes: &Option<Vec<String>>| Need {
        kind: NeedKind::Tool,
        pattern: pattern.to_owned(),
        scopes: scopes.clone().unwrap_or_default(),
    };
    if auth.read_only.is_some() || auth.other.is_some() {
        let others = tools.iter().filter(|tool| {
            tool.annotations.read_only_hint
                && !by_hand
                    .iter()
                    .any(|by_hand| pattern::matches(by_hand, &tool.name))
        });
        access
            .needs
            .extend(others.map(|tool| need(&tool.name, &auth.read_only)));
        // All other tools, and those that nobody knows yet.
        access.needs.push(need("*", &auth.other));
    }
    Ok(Some(access))
}

fn uris(seen: &Offers) -> impl Iterator<Item = &str> {
    let resources = seen.resources.iter().map(|resource| &*resource.uri);
    let templates = seen.resource_templates.iter();
    resources.chain(templates.map(|template| &*template.uri_template))
}

/// Refuses a pattern that nothing has.
fn check(need: &Need, names: &[&str]) -> Result<()> {
    let (key, noun) = match need.kind {
        NeedKind::Tool => ("tools", "tool"),
        NeedKind::Prompt => ("prompts", "prompt"),
        NeedKind::Resource => ("resources", "resource"),
    };
    // A pattern can be for some of the resources of a template.
    let start = need.pattern.split('*').next().unwrap_or_default();
    let fits = |name: &&str| {
        let fixed = name.split('{').next().unwrap_or_default();
        let is_template = need.kind == NeedKind::Resource && fixed != *name;
        pattern::matches(&need.pattern, name)
            || is_template && (fixed.starts_with(start) || start.starts_with(fixed))
    };
    if names.iter().any(fits) {
        return Ok(());
    }
    let likeness = |name: &&&str| strsim::jaro(&need.pattern, name);
    let nearest = names
        .iter()
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    let next = match nearest {
        Some(nearest) if likeness(&nearest) > 0.7 => format!("did you mean `{nearest}`?"),
        Some(_) => format!("the server has `{}`", names.join("`, `")),
        None => "the server has none".to_owned(),
    };
    bail!(
        "`auth.needs.{key}` names `{}`, which no {noun} has: {next}",
        need.pattern
    )
}

/// A cache hint. Lists of a server with authorization are not shared between callers.
pub fn cache(hint: CacheHint, access: &Option<Access>) -> CacheHint {
    match access {
        Some(_) => CacheHint {
            scope: CacheScope::Private,
            ..hint
        },
        None => hint,
    }
}

/// What the user should know.
pub fn warnings(composition: &Composition, parts: &Parts, lists: &[Lists]) -> Vec<String> {
    let Some(auth) = &composition.auth else {
        return vec![];
    };
    let mut warnings = auth.warnings.clone();
    let public =
        "but lists of a server with `auth` are for one caller, so the server says `private`";
    let is_public = |cache: &CacheHint| cache.scope == CacheScope::Public;
    if composition.server.cache.as_ref().is_some_and(is_public) {
        warnings.push(format!("`cache.scope` is `public`, {public}; remove it"));
    }
    for (part, lists) in parts.features().iter().zip(lists) {
        if lists.cache.as_ref().is_some_and(is_public) {
            let shown = part.shown();
            warnings.push(format!("{shown} gives the cache hint `public`, {public}"));
        }
    }
    warnings
}
