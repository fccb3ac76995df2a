//! The prompts of this component. The doc comments of a prompt's arguments are what people read.

mod mcp;

use schemars::JsonSchema;
use serde::Deserialize;

const PROMPTS: &[mcp::Prompt] = mcp::prompts![summarize];

/// Asks for a summary of a text.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Summarize {
    /// What to sum up.
    text: String,
    /// How long the summary may be.
    length: Option<Length>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Length {
    Sentence,
    Paragraph,
    Page,
}

{% if async == "yes" %}async {% endif %}fn summarize(Summarize { text, length }: Summarize) -> Result<String, String> {
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
    use futures::executor::block_on;
    {%- endif %}

    #[test]
    fn asks_for_a_paragraph() {
        let text = "Once upon a time".into();
        let prompt = {% if async == "yes" %}block_on(summarize(Summarize { text, length: None })){% else %}summarize(Summarize { text, length: None }){% endif %}.unwrap();
        assert!(prompt.starts_with("Summarize this text in one paragraph:"));
    }

    #[test]
    fn refuses_an_empty_text() {
        let text = " ".into();
        assert!({% if async == "yes" %}block_on(summarize(Summarize { text, length: None })){% else %}summarize(Summarize { text, length: None }){% endif %}.is_err());
    }
}
