//! The console blocks of a document.

/// Those after this marker: each a list of commands and their output.
pub fn blocks(document: &str, marker: &str) -> Vec<Vec<(String, String)>> {
    let text = std::fs::read_to_string(super::root().join(document)).unwrap();
    let start = format!("{marker}\n```console\n");
    let blocks = text.split(&start).skip(1).map(|rest| {
        let (block, _) = rest.split_once("```").expect("a block ends");
        let mut commands: Vec<(String, String)> = Vec::new();
        for line in block.lines() {
            match (line.strip_prefix("$ "), commands.last_mut()) {
                (Some(command), _) => commands.push((command.to_string(), String::new())),
                (None, Some((_, output))) => *output += &format!("{line}\n"),
                (None, None) => panic!("the block begins with output: {line}"),
            }
        }
        commands
    });
    blocks.collect()
}
