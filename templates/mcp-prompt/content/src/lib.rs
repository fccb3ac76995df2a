//! The prompts of this component. People read the doc comments.

use schemars::JsonSchema;
use serde::Deserialize;
use spin_mcp_sdk::prompt;

spin_mcp_sdk::export{% if async == "yes" %}_async{% endif %}!(prompts: [summarize]);

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Length {
    Sentence,
    Paragraph,
    Page,
}

/// Asks for a summary of a text.
#[prompt]
{% if async == "yes" %}async {% endif %}fn summarize(
    /// What to sum up.
    text: String,
    /// How long the summary may be.
    length: Option<Length>,
) -> Result<String, String> {
    let length = match length {
        Some(Length::Sentence) => "one sentence",
        None | Some(Length::Paragraph) => "one paragraph",
        Some(Length::Page) => "one page",
    };
    if text.trim().is_empty() {
        return Err("there is no text to sum up".into());
    }
    Ok(format!("Summarize this text in {length}:\n\n{text}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    {%- if async == "yes" %}
    use spin_mcp_sdk::block_on;
    {%- endif %}

    #[test]
    fn asks_for_a_paragraph() {
        let prompt = {% if async == "yes" %}block_on(summarize("Once upon a time".into(), None)){% else %}summarize("Once upon a time".into(), None){% endif %};
        let prompt = prompt.unwrap();
        assert!(prompt.starts_with("Summarize this text in one paragraph:"));
    }

    #[test]
    fn refuses_an_empty_text() {
        assert!({% if async == "yes" %}block_on(summarize(" ".into(), None)){% else %}summarize(" ".into(), None){% endif %}.is_err());
    }
}
