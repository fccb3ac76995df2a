//! The tools of this component. Models read the doc comments.

use spin_mcp_sdk::tool;

spin_mcp_sdk::export{% if async == "yes" %}_async{% endif %}!(tools: [add]);

/// Adds two whole numbers.
#[tool]
{% if async == "yes" %}async {% endif %}fn add(
    /// The first number.
    a: i64,
    /// The number to add to it.
    b: i64,
) -> Result<i64, String> {
    a.checked_add(b)
        .ok_or_else(|| format!("the sum of {a} and {b} does not fit in 64 bits"))
}

#[cfg(test)]
mod tests {
    use super::*;
    {%- if async == "yes" %}
    use spin_mcp_sdk::block_on;
    {%- endif %}

    #[test]
    fn adds() {
        assert_eq!({% if async == "yes" %}block_on(add(2, 3)){% else %}add(2, 3){% endif %}, Ok(5));
    }

    #[test]
    fn refuses_a_sum_that_does_not_fit() {
        assert!({% if async == "yes" %}block_on(add(i64::MAX, 1)){% else %}add(i64::MAX, 1){% endif %}.is_err());
    }
}
