//! The resources of this component. The descriptions are what models read.

mod mcp;

const RESOURCES: &[mcp::Resource] = &[mcp::Resource {
    uri: "notes://{{project-name | kebab_case}}/",
    name: "notes",
    description: "The names of all notes, one on each line.",
    mime_type: "text/plain",
    read: || Ok(names().join("\n").into()),
}];

const TEMPLATES: &[mcp::Template] = &[mcp::Template {
    uri: "notes://{{project-name | kebab_case}}/{name}",
    name: "note",
    description: "One note.",
    mime_type: "text/plain",
    read: |variables| Ok(note(&variables["name"]).map(Into::into)),
    completions: &[("name", names)],
}];

const NOTES: [(&str, &str); 2] = [
    ("shopping", "Milk, flour and eggs."),
    ("travel", "The train leaves at 9."),
];

fn names() -> Vec<String> {
    NOTES.iter().map(|(name, _)| name.to_string()).collect()
}

fn note(name: &str) -> Option<&'static str> {
    let note = NOTES.iter().find(|note| note.0 == name);
    note.map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_note() {
        assert_eq!(note("travel"), Some("The train leaves at 9."));
    }

    #[test]
    fn knows_what_is_not_there() {
        assert_eq!(note("work"), None);
    }
}
