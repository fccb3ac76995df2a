//! A policy, and its answers.

use std::sync::Arc;

use regorus::{
    Value,
    rvm::{
        Program, RegoVM,
        program::DeserializationResult,
        vm::{ExecutionMode, VmError},
    },
};

/// The most instructions for the value of a rule. A policy of a few rules takes about fifty.
pub const MAX_INSTRUCTIONS: usize = 20_000;

/// The rules that a policy is asked for. It may lack all but the first.
const ALLOW: &str = "data.mcp.allow";
const SCOPES: &str = "data.mcp.scopes";
const REASON: &str = "data.mcp.reason";
const VISIBLE: &str = "data.mcp.visible";

/// As in the interface `authorizer`.
#[derive(Debug, PartialEq, Eq)]
pub enum Decision {
    Allow,
    Needs(Vec<String>),
    Forbidden(String),
    Unknown,
}

/// What is wrong with a policy, for the log of the server.
pub type Problem = String;

pub struct Policy {
    vm: RegoVM,
}

impl Policy {
    /// Reads what compose made of a policy: a program whose last literal is the data. `server` is a
    /// JSON object: the data of this server, which the policy sees in `data.server`.
    pub fn new(program: &[u8], server: &str) -> Result<Policy, Problem> {
        let program = match Program::deserialize_binary(program)? {
            DeserializationResult::Complete(program) => program,
            DeserializationResult::Partial(_) => return Err("its program is damaged".to_owned()),
        };
        let data = program.literals.last().cloned();
        let mut data = data.ok_or("its program has no data")?;
        let server = Value::from_json_str(server).map_err(|_| "its settings are not JSON")?;
        merge(&mut data, server);
        let mut vm = RegoVM::new();
        vm.set_max_instructions(MAX_INSTRUCTIONS);
        // Calls of rules then lie in the heap, so the limit bounds their depth, too.
        vm.set_execution_mode(ExecutionMode::Suspendable);
        vm.load_program(Arc::new(program));
        let set = vm.set_data(data);
        set.map_err(|_| "`data` has a member with the name of a rule")?;
        Ok(Policy { vm })
    }

    /// `report` gets what is wrong with the policy.
    pub fn decide(&mut self, input: Value, mut report: impl FnMut(Problem)) -> Decision {
        self.vm.set_input(input);
        match self.boolean(ALLOW) {
            Ok(true) => return Decision::Allow,
            Ok(false) => {}
            Err(problem) => {
                report(problem);
                return Decision::Forbidden(String::new());
            }
        }
        match self.scopes() {
            Ok(scopes) if !scopes.is_empty() => return Decision::Needs(scopes),
            Ok(_) => {}
            Err(problem) => report(problem),
        }
        if !self.sees(&mut report) {
            return Decision::Unknown;
        }
        Decision::Forbidden(self.reason().unwrap_or_else(|problem| {
            report(problem);
            String::new()
        }))
    }

    /// Whether the caller may see the target of this input.
    pub fn visible(&mut self, input: Value, mut report: impl FnMut(Problem)) -> bool {
        self.vm.set_input(input);
        self.sees(&mut report)
    }

    /// Whether the policy hides entries of lists at all.
    pub fn hides(&self) -> bool {
        self.has(VISIBLE)
    }

    fn sees(&mut self, report: &mut impl FnMut(Problem)) -> bool {
        !self.hides()
            || self.boolean(VISIBLE).unwrap_or_else(|problem| {
                report(problem);
                false
            })
    }

    fn scopes(&mut self) -> Result<Vec<String>, Problem> {
        let scopes = match self.value(SCOPES)? {
            Value::Undefined => return Ok(vec![]),
            Value::Set(scopes) => scopes.iter().map(scope).collect(),
            Value::Array(scopes) => scopes.iter().map(scope).collect(),
            _ => None,
        };
        scopes.ok_or_else(|| format!("`{SCOPES}` is not a set of scopes"))
    }

    fn reason(&mut self) -> Result<String, Problem> {
        match self.value(REASON)? {
            Value::Undefined => Ok(String::new()),
            Value::String(reason) => Ok(reason.to_string()),
            _ => Err(format!("`{REASON}` is not a string")),
        }
    }

    fn boolean(&mut self, rule: &str) -> Result<bool, Problem> {
        match self.value(rule)? {
            Value::Bool(boolean) => Ok(boolean),
            Value::Undefined => Err(format!(
                "`{rule}` is undefined: it has no default, or two rules give it different values"
            )),
            _ => Err(format!("`{rule}` is neither `true` nor `false`")),
        }
    }

    /// Undefined if the policy lacks the rule.
    fn value(&mut self, rule: &str) -> Result<Value, Problem> {
        if !self.has(rule) {
            return Ok(Value::Undefined);
        }
        let result = self.vm.execute_entry_point_by_name(rule);
        // The texts of regorus quote values, which can be secrets.
        result.map_err(|error| match error {
            VmError::InstructionLimitExceeded { limit, .. } => {
                format!(
                    "`{rule}` takes more than {limit} instructions{}",
                    self.place()
                )
            }
            _ => format!("`{rule}` fails{}", self.place()),
        })
    }

    fn has(&self, rule: &str) -> bool {
        self.vm.get_program().get_entry_point(rule).is_some()
    }

    /// Where the policy was when it failed.
    fn place(&self) -> String {
        let program = self.vm.get_program();
        let span = program.get_instruction_span(self.vm.get_pc());
        let span = span.filter(|span| span.line > 0);
        let name = span.and_then(|span| span.get_source_name(&program.sources));
        match (span, name) {
            (Some(span), Some(name)) => format!(" at {name}:{}", span.line),
            _ => String::new(),
        }
    }
}

/// Adds the data of a server to those of the policy, which can have defaults for them.
fn merge(data: &mut Value, server: Value) {
    let (Ok(data), Value::Object(server)) = (data.as_object_mut(), server) else {
        return;
    };
    let key = Value::from("server");
    let defaults = data.get(&key).and_then(|value| value.as_object().ok());
    let mut merged = defaults.cloned().unwrap_or_default();
    merged.extend(
        server
            .iter()
            .map(|(key, value)| (key.clone(), value.clone())),
    );
    data.extend([(key, merged.into())]);
}

/// A scope of OAuth (RFC 6749, section 3.3).
fn scope(value: &Value) -> Option<String> {
    let scope = value.as_string().ok()?;
    let is_allowed = |byte| matches!(byte, b'!' | b'#'..=b'[' | b']'..=b'~');
    (!scope.is_empty() && scope.bytes().all(is_allowed)).then(|| scope.to_string())
}
