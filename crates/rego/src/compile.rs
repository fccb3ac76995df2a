//! Compiles a policy.

use std::sync::Arc;

use anyhow::{Result, anyhow, ensure};
use regorus::{Engine, Value, languages::rego::compiler::Compiler};
use serde_json::Map;

use crate::{MAX_DATA, MAX_POLICY, Source, located, recursion};

/// The rules that the component evaluates. Only the first must exist.
const ENTRY_POINTS: [&str; 4] = [
    "data.mcp.allow",
    "data.mcp.scopes",
    "data.mcp.reason",
    "data.mcp.visible",
];

/// What the component reads, and what its author should know.
#[derive(Debug)]
pub struct Compiled {
    /// A program of regorus. Its last literal is the data.
    pub program: Vec<u8>,
    pub warnings: Vec<String>,
}

/// Compiles a policy. The same input gives the same bytes.
pub fn compile(sources: &[Source], data: &Map<String, serde_json::Value>) -> Result<Compiled> {
    let mut engine = engine(sources, &["mcp"])?;
    let size = serde_json::to_vec(data)?.len();
    ensure!(
        size <= MAX_DATA,
        "`data` of the policy has {size} bytes of JSON; it can have {MAX_DATA}"
    );
    ensure!(
        !data.contains_key("mcp"),
        "`data` of the policy has the key `mcp`, which is where the policy itself is; rename the key"
    );
    let policy = engine.compile_with_entrypoint(&ENTRY_POINTS[0].into());
    let policy = policy.map_err(|error| explain(&format!("{error:#}")))?;
    let rules = policy.get_rules();
    let mut entry_points = ENTRY_POINTS.to_vec();
    entry_points.retain(|rule| engine.compile_with_entrypoint(&(*rule).into()).is_ok());
    let program = Compiler::compile_from_policy(&policy, &entry_points);
    let mut program = Arc::unwrap_or_clone(program.map_err(|error| explain(&error.to_string()))?);
    recursion::check(&program)?;
    let mut warnings = Vec::new();
    if !has_default(&engine)? {
        warnings.push(
            "the policy has no `default allow := false`, so a request that no rule allows is logged as an error of \
             the policy"
                .to_owned(),
        );
    }
    for (name, definitions) in rules {
        if let Some(rule) = definitions.first()
            && !program.rule_infos.iter().any(|info| info.name == *name)
        {
            let span = rule.span();
            warnings.push(format!(
                "{}:{}: rule `{}` has no effect: neither `allow` nor `scopes`, `reason` or `visible` use it",
                span.source.get_path(),
                span.line,
                name.trim_start_matches("data.mcp.")
            ));
        }
    }
    // Errors at run time name files and lines; nothing needs the texts.
    program
        .sources
        .iter_mut()
        .for_each(|source| source.content.clear());
    // Not `add_literal`, which would return an equal one.
    program
        .literals
        .push(Value::from(serde_json::Value::Object(data.clone())));
    let program = program
        .serialize_binary()
        .map_err(|error| anyhow!(too_large(&error)))?;
    Ok(Compiled { program, warnings })
}

/// Whether `allow` has a default.
fn has_default(engine: &Engine) -> Result<bool> {
    let modules: serde_json::Value = serde_json::from_str(&engine.get_ast_as_json()?)?;
    let modules = modules.as_array().into_iter().flatten();
    let mut rules =
        modules.flat_map(|module| module["ast"]["rules"].as_array().into_iter().flatten());
    Ok(rules.any(|rule| rule["Default"]["refr"]["Var"]["value"] == "allow"))
}

/// The engine with these files, whose packages must be one of `packages` or below.
pub fn engine(sources: &[Source], packages: &[&str]) -> Result<Engine> {
    let size: usize = sources.iter().map(|source| source.text.len()).sum();
    ensure!(
        size <= MAX_POLICY,
        "the policy has {size} bytes; at most {MAX_POLICY} are allowed; move tables into `data`"
    );
    let mut engine = Engine::new();
    for Source { name, text } in sources {
        let package = engine.add_policy(name.clone(), text.clone());
        let package = package.map_err(|error| explain(&format!("{error:#}")))?;
        let package = package.trim_start_matches("data.");
        let root = package.split('.').next().unwrap_or_default();
        ensure!(
            packages.contains(&root),
            "{name}: the package is `{package}`; a policy has `package mcp`"
        );
    }
    Ok(engine)
}

fn too_large(error: &str) -> String {
    format!("the policy is too large ({error}); put tables into `data`")
}

/// An error of regorus with its place and the next step.
pub fn explain(error: &str) -> anyhow::Error {
    let (place, message) = located(error);
    let message = match message.strip_prefix("Unknown function: '") {
        Some(name) => unknown(name.trim_end_matches('\'')),
        None => advise(message),
    };
    match place {
        Some(place) => anyhow!("{place}: {message}"),
        None => anyhow!(message),
    }
}

fn unknown(name: &str) -> String {
    let advice = match name.split('.').next().unwrap_or_default() {
        "time" => "`input.now` is the time, in seconds since 1970",
        "regex" | "glob" => "compare with `startswith`, `endswith`, `contains` or `split`",
        "http" | "net" | "opa" => {
            "put what it needs to know into `data`, or into the claims of callers"
        }
        "io" => "`input.caller.claims` are the claims of a token that was verified",
        "rand" | "uuid" => "a policy gives the same answer to the same question",
        _ => "define it, or correct its name",
    };
    format!("a policy cannot call `{name}`: {advice}")
}

fn advise(message: &str) -> String {
    let advice = match message {
        "`if` keyword is required before rule body" => "; write `allow if { … }`, as Rego v1 does",
        "the `with` keyword is not supported by the compiler yet" => {
            return "`with` works only in tests; use a function with an argument".to_owned();
        }
        "not a valid rule path" => {
            return "the policy has no rule `allow`; begin with `default allow := false`"
                .to_owned();
        }
        _ => "",
    };
    format!("{message}{advice}")
}

#[cfg(test)]
mod tests;
