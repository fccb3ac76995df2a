//! Runs the tests of a policy: the rules of its test files that begin with `test_`.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::{Map, Value};

use crate::{
    Source, Targets,
    compile::{compile, engine, explain},
};

/// How the names of tests begin.
const TEST: &str = "test_";

/// What became of a test.
#[derive(Debug)]
pub struct Outcome {
    /// The package and the rule.
    pub name: String,
    /// Such as `policy_test.rego:7`.
    pub place: String,
    pub passed: bool,
    /// Why the test could not be evaluated.
    pub error: Option<String>,
    pub time: Duration,
}

/// Runs the tests. A test passes if its rule is true. Fails if the policy or a test does not
/// compile, or if a test asks about a name that is not among `targets`.
pub fn test(
    policy: &[Source],
    tests: &[Source],
    data: &Map<String, Value>,
    targets: Option<&Targets>,
) -> Result<Vec<Outcome>> {
    compile(policy, data)?;
    let sources = [policy, tests].concat();
    let mut engine = engine(&sources, &["mcp", "mcp_test"])?;
    engine.add_data(Value::Object(data.clone()).into())?;
    if let Some(targets) = targets {
        let modules: Vec<Value> = serde_json::from_str(&engine.get_ast_as_json()?)?;
        let tests = modules.iter().zip(&sources).skip(policy.len());
        let wrong: Vec<_> = tests
            .flat_map(|(module, source)| targets.check(module, source))
            .collect();
        ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
    // Compiling finds what is wrong with the tests, and their names.
    let compiled = engine.compile_with_entrypoint(&"data.mcp.allow".into());
    let compiled = compiled.map_err(|error| explain(&format!("{error:#}")))?;
    let rules = compiled.get_rules().iter();
    let rules = rules.filter(|(name, _)| {
        name.rsplit('.')
            .next()
            .is_some_and(|name| name.starts_with(TEST))
    });
    let mut outcomes = Vec::new();
    for (name, definitions) in rules {
        let Some(rule) = definitions.first() else {
            continue;
        };
        let span = rule.span();
        let start = Instant::now();
        let value = engine.clone().eval_rule(name.clone());
        outcomes.push(Outcome {
            name: name.trim_start_matches("data.").to_owned(),
            place: format!("{}:{}", span.source.get_path(), span.line),
            time: start.elapsed(),
            passed: matches!(value, Ok(regorus::Value::Bool(true))),
            error: value
                .err()
                .map(|error| explain(&format!("{error:#}")).to_string()),
        });
    }
    Ok(outcomes)
}

#[cfg(test)]
mod tests;
