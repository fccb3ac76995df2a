//! The names of tools.

use std::collections::HashMap;

use super::Tool;

/// The names of functions; with that of the interface, the package and the version, as far as two
/// functions have the same name without it.
pub fn names<'a>(tools: impl Iterator<Item = &'a Tool<'a>>) -> Vec<String> {
    let choices: Vec<[String; 4]> = tools.map(choices).collect();
    let mut names = vec![String::new(); choices.len()];
    let mut open: Vec<usize> = (0..choices.len()).collect();
    let mut length = 0;
    while !open.is_empty() {
        let mut count = HashMap::new();
        for index in &open {
            *count.entry(&choices[*index][length]).or_insert(0) += 1;
        }
        let is_free = |name: &String| count[name] == 1 && !names.contains(name);
        let (free, rest): (Vec<usize>, Vec<usize>) = open
            .iter()
            .partition(|index| length == 3 || is_free(&choices[**index][length]));
        for index in free {
            names[index] = choices[index][length].clone();
        }
        open = rest;
        length += 1;
    }
    names
}

/// The names of one function, from short to long.
fn choices(tool: &Tool<'_>) -> [String; 4] {
    let function = &tool.function.name;
    let Some(id) = &tool.interface else {
        return [(); 4].map(|()| function.clone());
    };
    let (path, version) = id.split_once('@').unwrap_or((id, ""));
    let (package, interface) = path.rsplit_once('/').unwrap_or(("", path));
    let name = |parts: &[&str]| {
        let parts: Vec<_> = parts.iter().filter(|part| !part.is_empty()).collect();
        let parts: Vec<_> = parts.into_iter().copied().collect();
        parts.join("_").replace([':', '.', '+', '/'], "_")
    };
    [
        function.clone(),
        name(&[interface, function]),
        name(&[package, interface, function]),
        name(&[package, interface, version, function]),
    ]
}

#[cfg(test)]
mod tests {
    use wit_parser::{Function, FunctionKind};

    use super::*;

    fn named(functions: &[(&str, &str)]) -> Vec<String> {
        let made: Vec<_> = functions
            .iter()
            .map(|(_, name)| Function {
                name: (*name).to_owned(),
                kind: FunctionKind::Freestanding,
                params: vec![],
                result: None,
                docs: Default::default(),
                stability: Default::default(),
                span: Default::default(),
                external_id: None,
            })
            .collect();
        let tools: Vec<_> = functions
            .iter()
            .zip(&made)
            .map(|((interface, _), function)| Tool {
                interface: (!interface.is_empty()).then(|| (*interface).to_owned()),
                function,
            })
            .collect();
        names(tools.iter())
    }

    #[test]
    fn functions_keep_their_names_where_they_can() {
        let names = named(&[("", "add"), ("a:b/c@1.0.0", "sub-all"), ("c", "mul")]);
        assert_eq!(names, ["add", "sub-all", "mul"]);
    }

    #[test]
    fn names_that_collide_get_as_much_as_they_need() {
        let names = named(&[
            ("a:b/c@1.0.0", "f"),
            ("a:b/d@1.0.0", "f"),
            ("", "f"),
            ("a:b/c@1.0.0", "g"),
            ("x:y/c@1.0.0", "g"),
            ("a:b/e@1.0.0", "h"),
            ("a:b/e@2.0.0", "h"),
        ]);
        let expected = [
            "c_f",
            "d_f",
            "f",
            "a_b_c_g",
            "x_y_c_g",
            "a_b_e_1_0_0_h",
            "a_b_e_2_0_0_h",
        ];
        assert_eq!(names, expected);
    }
}
