//! The component around a policy.

use std::{
    cell::RefCell,
    time::{SystemTime, UNIX_EPOCH},
};

use crate::{
    policy::{self, Policy, Problem},
    question::{self, Caller, Inputs, for_entry},
};
use bindings::{
    exports::spin_mcp::server::authorizer::{Decision, Guest, Question},
    spin_mcp::server::settings,
};

mod bindings {
    wit_bindgen::generate!({
        path: "../wit",
        inline: "
            package spin-mcp:policy;
            world policy {
                import spin-mcp:server/settings@0.1.0;
                export spin-mcp:server/authorizer@0.1.0;
            }
        ",
        world: "spin-mcp:policy/policy",
        generate_all,
    });
}

#[path = "../../baked.rs"]
mod baked;

struct Component;

bindings::export!(Component with_types_in bindings);

thread_local! {
    static POLICY: RefCell<Option<(Policy, Inputs)>> = RefCell::new(open());
}

fn open() -> Option<(Policy, Inputs)> {
    Policy::new(baked::bytes(), &settings::get())
        .map(|policy| (policy, Inputs::new()))
        .map_err(report)
        .ok()
}

fn report(problem: Problem) {
    eprintln!("policy: {problem}");
}

/// The policy and its input; none if one of them cannot be read.
fn with<T>(
    question: &Question,
    answer: impl FnOnce(&mut Policy, regorus::Value) -> T,
) -> Option<T> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let caller = question.caller.as_ref().map(|caller| Caller {
        subject: &caller.subject,
        issuer: &caller.issuer,
        scopes: &caller.scopes,
        claims: &caller.claims,
    });
    let question = question::Question {
        caller,
        method: &question.method,
        params: &question.params,
        target: &question.target,
        protocol_version: &question.protocol_version,
        transport: &question.transport,
        resource: &question.resource,
        now: now.map_or(0, |now| now.as_secs()),
    };
    POLICY.with_borrow_mut(|policy| {
        let (policy, inputs) = policy.as_mut()?;
        let input = inputs.of(&question);
        let input = input
            .map_err(|what| report(format!("{what} cannot be read")))
            .ok()?;
        Some(answer(policy, input))
    })
}

impl Guest for Component {
    fn decide(question: Question) -> Decision {
        let decision = with(&question, |policy, input| policy.decide(input, report));
        match decision {
            Some(policy::Decision::Allow) => Decision::Allow,
            Some(policy::Decision::Needs(scopes)) => Decision::Needs(scopes),
            Some(policy::Decision::Unknown) => Decision::Unknown,
            Some(policy::Decision::Forbidden(reason)) => Decision::Forbidden(reason),
            None => Decision::Forbidden(String::new()),
        }
    }

    fn visible(question: Question, entries: Vec<String>) -> Vec<bool> {
        let visible = with(&question, |policy, input| {
            let entries = entries.iter().map(|entry| {
                !policy.hides()
                    || match for_entry(&input, entry) {
                        Ok(input) => policy.visible(input, report),
                        Err(what) => {
                            report(format!("{what} cannot be read"));
                            false
                        }
                    }
            });
            entries.collect()
        });
        visible.unwrap_or_else(|| vec![false; entries.len()])
    }
}
