//! A tool, and the page that clients show with its result. Models read the doc comments.

use schemars::JsonSchema;
use serde::Serialize;
use spin_mcp_sdk::{Json, resource, tool};

spin_mcp_sdk::export!(tools: [add], resources: [page]);

const PAGE: &str = "ui://{{project-name | kebab_case}}/page.html";

/// What the page gets.
#[derive(Debug, JsonSchema, PartialEq, Serialize)]
struct Sum {
    a: i64,
    b: i64,
    sum: i64,
}

/// Adds two whole numbers.
#[tool(ui = PAGE)]
fn add(
    /// The first number.
    a: i64,
    /// The number to add to it.
    b: i64,
) -> Result<Json<Sum>, String> {
    let sum = a.checked_add(b);
    let sum = sum.ok_or_else(|| format!("the sum of {a} and {b} does not fit in 64 bits"))?;
    Ok(Json(Sum { a, b, sum }))
}

/// Shows a sum.
#[resource("ui://{{project-name | kebab_case}}/page.html", title = "Sum")]
fn page() -> &'static str {
    include_str!("page.html")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds() {
        assert_eq!(add(2, 3).unwrap().0.sum, 5);
    }

    #[test]
    fn refuses_a_sum_that_does_not_fit() {
        assert!(add(i64::MAX, 1).is_err());
    }
}
