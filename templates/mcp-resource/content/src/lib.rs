//! The resources of this component. Models read the doc comments.

use spin_mcp_sdk::resource;

spin_mcp_sdk::export{% if async == "yes" %}_async{% endif %}!(resources: [notes, note]);

const NOTES: [(&str, &str); 2] = [
    ("shopping", "Milk, flour and eggs."),
    ("travel", "The train leaves at 9."),
];

/// The names of all notes, one on each line.
#[resource("notes://{{project-name | kebab_case}}/", mime_type = "text/plain")]
fn notes() -> String {
    names().join("\n")
}

/// One note.
#[resource("notes://{{project-name | kebab_case}}/{name}", mime_type = "text/plain")]
{% if async == "yes" %}async {% endif %}fn note(#[complete(names)] name: &str) -> Option<&'static str> {
    let note = NOTES.iter().find(|note| note.0 == name);
    note.map(|(_, text)| *text)
}

fn names() -> Vec<&'static str> {
    NOTES.iter().map(|(name, _)| *name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    {%- if async == "yes" %}
    use spin_mcp_sdk::block_on;
    {%- endif %}

    #[test]
    fn finds_a_note() {
        assert_eq!({% if async == "yes" %}block_on(note("travel")){% else %}note("travel"){% endif %}, Some("The train leaves at 9."));
    }

    #[test]
    fn knows_what_is_not_there() {
        assert_eq!({% if async == "yes" %}block_on(note("work")){% else %}note("work"){% endif %}, None);
    }
}
