//! The resources of this component. The descriptions are what models read.

mod mcp;

const RESOURCES: &[mcp::Resource] = &[mcp::Resource {
    uri: "notes://{{project-name | kebab_case}}/",
    name: "notes",
    description: "The names of all notes, one on each line.",
    mime_type: "text/plain",
    read: || {% if async == "yes" %}Box::pin(async { Ok(names().join("\n").into()) }){% else %}Ok(names().join("\n").into()){% endif %},
}];

const TEMPLATES: &[mcp::Template] = &[mcp::Template {
    uri: "notes://{{project-name | kebab_case}}/{name}",
    name: "note",
    description: "One note.",
    mime_type: "text/plain",
    read: |variables| {% if async == "yes" %}Box::pin(async { Ok(note(&variables["name"]).await.map(Into::into)) }){% else %}Ok(note(&variables["name"]).map(Into::into)){% endif %},
    completions: &[("name", names)],
}];

const NOTES: [(&str, &str); 2] = [
    ("shopping", "Milk, flour and eggs."),
    ("travel", "The train leaves at 9."),
];

fn names() -> Vec<String> {
    NOTES.iter().map(|(name, _)| name.to_string()).collect()
}

{% if async == "yes" %}async {% endif %}fn note(name: &str) -> Option<&'static str> {
    let note = NOTES.iter().find(|note| note.0 == name);
    note.map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use super::*;
    {%- if async == "yes" %}
    use futures::executor::block_on;
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
