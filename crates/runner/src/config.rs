//! `wasi:config/store@0.2.0-draft-2024-09-27`, as in Spin: the variables that the user set.

use std::{collections::BTreeMap, str::FromStr};

use wasmtime::{
    Result,
    component::{HasSelf, Linker},
};

use super::guest::Guest;

mod bindings {
    wasmtime::component::bindgen!({
        path: "wit/config.wit",
        inline: "
            package spin-mcp:host;
            world config {
                import wasi:config/store@0.2.0-draft-2024-09-27;
            }",
        world: "spin-mcp:host/config",
    });
}

use bindings::wasi::config::store;

/// A variable for guests. Its name follows Spin's rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    name: String,
    value: String,
}

impl FromStr for Variable {
    type Err = String;

    /// Reads `NAME=VALUE`. The value may be empty.
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once('=').ok_or("expected `NAME=VALUE`")?;
        let part = |part: &str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        };
        if !(name.split('_').all(part) && name.starts_with(|c: char| c.is_ascii_lowercase())) {
            return Err(format!(
                "`{name}` is not a valid variable name; use lower-case letters, digits and single \
                 underscores, and begin with a letter"
            ));
        }
        Ok(Self {
            name: name.to_owned(),
            value: value.to_owned(),
        })
    }
}

/// The variables of a server by name.
pub(super) type Variables = BTreeMap<String, String>;

/// Maps names to values. Of variables with the same name, the last one counts.
pub(super) fn variables(variables: Vec<Variable>) -> Variables {
    variables
        .into_iter()
        .map(|variable| (variable.name, variable.value))
        .collect()
}

/// Lets guests read the variables.
pub(super) fn add_to_linker(linker: &mut Linker<Guest>) -> Result<()> {
    store::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)
}

impl store::Host for Guest {
    /// An invalid name is not an error: it names no variable.
    fn get(&mut self, name: String) -> Result<Option<String>, store::Error> {
        Ok(self.variables.get(&name).cloned())
    }

    fn get_all(&mut self) -> Result<Vec<(String, String)>, store::Error> {
        Ok(Variables::clone(&self.variables).into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rules_of_spin() {
        for name in ["a", "abc", "a1b2", "a_1", "mcp_state_key"] {
            let variable: Variable = format!("{name}=v=w").parse().unwrap();
            assert_eq!((&*variable.name, &*variable.value), (name, "v=w"));
        }
        for name in ["", "A", "aB", "1a", "_a", "a_", "a__b", "a-b", "a.b", "ä"] {
            let error = format!("{name}=v").parse::<Variable>().unwrap_err();
            assert!(
                error.contains(&format!("`{name}` is not a valid")),
                "{error}"
            );
        }
    }

    #[test]
    fn a_variable_has_a_value() {
        let error = "token".parse::<Variable>().unwrap_err();
        assert_eq!(error, "expected `NAME=VALUE`");
        let empty: Variable = "token=".parse().unwrap();
        assert_eq!(empty.value, "");
    }

    #[test]
    fn the_last_variable_of_a_name_counts() {
        let given = ["a=1", "b=2", "a=3"].map(|text| text.parse().unwrap());
        let variables = variables(given.into());
        assert_eq!(variables["a"], "3");
        assert_eq!(variables.len(), 2);
    }
}
