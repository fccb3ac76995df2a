//! Finds rules that need themselves. The component would run them until its limit.

use anyhow::{Result, bail};
use regorus::rvm::{Instruction, Program};

pub fn check(program: &Program) -> Result<()> {
    let used: Vec<_> = (0..program.rule_infos.len())
        .map(|rule| uses(program, rule))
        .collect();
    // Rules without a cycle among what they use.
    let mut done = vec![false; used.len()];
    for rule in 0..used.len() {
        if let Some(path) = cycle(&used, rule, &mut Vec::new(), &mut done) {
            let names = path
                .iter()
                .map(|rule| program.rule_infos[*rule].name.as_str());
            let names: Vec<_> = names
                .map(|name| name.trim_start_matches("data.mcp."))
                .collect();
            bail!("rule `{}` needs itself: {}", names[0], names.join(" → "));
        }
    }
    Ok(())
}

/// The rules that a rule calls.
fn uses(program: &Program, rule: usize) -> Vec<usize> {
    let info = &program.rule_infos[rule];
    let bodies = info.definitions.iter().flatten();
    let bodies = bodies.chain(info.destructuring_blocks.iter().flatten());
    let mut used = Vec::new();
    for start in bodies {
        let body = program.instructions.iter().skip(*start as usize);
        used.extend(
            body.take_while(|at| !ends(at))
                .filter_map(|at| called(program, at)),
        );
    }
    used
}

fn ends(instruction: &Instruction) -> bool {
    matches!(
        instruction,
        Instruction::RuleReturn {} | Instruction::DestructuringSuccess {}
    )
}

fn called(program: &Program, instruction: &Instruction) -> Option<usize> {
    let rule = match instruction {
        Instruction::CallRule { rule_index, .. } => *rule_index,
        Instruction::FunctionCall { params_index } => {
            let params = program
                .instruction_data
                .get_function_call_params(*params_index);
            params?.func_rule_index
        }
        _ => return None,
    };
    Some(rule.into())
}

/// The path from a rule to itself, if what `rule` uses has one.
fn cycle(
    used: &[Vec<usize>],
    rule: usize,
    path: &mut Vec<usize>,
    done: &mut [bool],
) -> Option<Vec<usize>> {
    if let Some(start) = path.iter().position(|above| *above == rule) {
        return Some([&path[start..], &[rule]].concat());
    }
    if done[rule] {
        return None;
    }
    path.push(rule);
    let found = used[rule]
        .iter()
        .find_map(|next| cycle(used, *next, path, done));
    path.pop();
    done[rule] = true;
    found
}
