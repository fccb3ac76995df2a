//! Makes untrusted text safe to print on a terminal: replaces characters that move the cursor,
//! change colours or change the direction of the text.

/// The longest excerpt, in bytes.
const LONGEST: usize = 8_000;

/// The first line of a text.
pub fn line(text: &str) -> String {
    shown(text.lines().next().unwrap_or_default())
}

/// A text of several lines.
pub fn text(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(shown).collect();
    lines.join("\n")
}

/// A text of several lines, cut to a readable length.
pub fn excerpt(whole: &str) -> String {
    match whole.len() {
        0..=LONGEST => text(whole),
        _ => text(&whole[..whole.floor_char_boundary(LONGEST)]) + " …",
    }
}

fn shown(line: &str) -> String {
    let shown = |c| if is_plain(c) { c } else { '\u{fffd}' };
    line.chars().map(shown).collect()
}

fn is_plain(c: char) -> bool {
    let turns = matches!(c,
        '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let breaks = matches!(c, '\u{2028}' | '\u{2029}');
    c == '\t' || !(c.is_control() || turns || breaks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_replaced() {
        assert_eq!(
            line("a\u{1b}[2Jb\u{9b}c\rd\u{202e}e\nf"),
            "a\u{fffd}[2Jb\u{fffd}c\u{fffd}d\u{fffd}e"
        );
        assert_eq!(text("a\tä\n\u{8}b\r\nc"), "a\tä\n\u{fffd}b\nc");
    }

    #[test]
    fn a_long_text_is_cut() {
        assert_eq!(excerpt("short"), "short");
        let cut = excerpt(&"ä".repeat(LONGEST));
        assert_eq!(cut.len(), LONGEST + " …".len());
    }
}
