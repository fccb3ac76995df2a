//! The tools of this component. The doc comments of a tool's arguments are what models read.

mod mcp;

use schemars::JsonSchema;
use serde::Deserialize;

const TOOLS: &[mcp::Tool] = mcp::tools![add];

/// Adds two whole numbers.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Add {
    /// The first number.
    a: i64,
    /// The number to add to it.
    b: i64,
}

{% if async == "yes" %}async {% endif %}fn add(Add { a, b }: Add) -> Result<i64, String> {
    a.checked_add(b)
        .ok_or_else(|| format!("the sum of {a} and {b} does not fit in 64 bits"))
}

#[cfg(test)]
mod tests {
    use super::*;
    {%- if async == "yes" %}
    use futures::executor::block_on;
    {%- endif %}

    #[test]
    fn adds() {
        assert_eq!({% if async == "yes" %}block_on(add(Add { a: 2, b: 3 })){% else %}add(Add { a: 2, b: 3 }){% endif %}, Ok(5));
    }

    #[test]
    fn refuses_a_sum_that_does_not_fit() {
        assert!({% if async == "yes" %}block_on(add(Add { a: i64::MAX, b: 1 })){% else %}add(Add { a: i64::MAX, b: 1 }){% endif %}.is_err());
    }
}
