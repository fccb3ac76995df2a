//! Patterns of names.

/// A name, or many names: `*` stands for any number of characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(String);

impl Pattern {
    pub fn new(text: impl Into<String>) -> Pattern {
        Pattern(text.into())
    }

    pub fn matches(&self, name: &str) -> bool {
        matches(&self.0, name)
    }
}

/// Whether a pattern matches a name. Takes time proportional to the product of both lengths at
/// most.
pub fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut p, mut n) = (0, 0);
    // Where to go on after the last star if it takes one byte more of the name.
    let mut retry = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                p += 1;
                retry = Some((p, n));
            }
            Some(byte) if *byte == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match &mut retry {
                Some((after, from)) => {
                    *from += 1;
                    (p, n) = (*after, *from);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// How specific a pattern is: a name is more specific than any pattern with a star, and of two
/// patterns the one with more text besides its stars. The expressions of a URI template count as
/// stars.
pub fn specificity(pattern: &str) -> usize {
    if !pattern.contains(['*', '{']) {
        return usize::MAX;
    }
    let (mut literal, mut depth) = (0, 0_usize);
    for byte in pattern.bytes() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            b'*' => {}
            _ if depth == 0 => literal += 1,
            _ => {}
        }
    }
    literal
}

/// Whether any of the patterns matches.
pub fn any(patterns: &[Pattern], name: &str) -> bool {
    patterns.iter().any(|pattern| pattern.matches(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_characters() {
        for (pattern, name, expected) in [
            ("add", "add", true),
            ("add", "ad", false),
            ("add", "adds", false),
            ("", "", true),
            ("*", "", true),
            ("*", "é", true),
            ("add*", "add", true),
            ("add*", "add_all", true),
            ("add*", "ad", false),
            ("*_all", "add_all", true),
            ("*_all", "add_all_", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("a**", "a", true),
            ("[a]", "a", false),
            ("?", "a", false),
        ] {
            assert_eq!(
                Pattern::new(pattern).matches(name),
                expected,
                "{pattern} {name}"
            );
        }
    }

    #[test]
    fn a_hostile_name_takes_no_time() {
        let pattern = Pattern::new("*a*a*a*a*a*a*a*a*b");
        assert!(!pattern.matches(&"a".repeat(100_000)));
    }
}
