//! Finds sections of pages by words.

use std::collections::{BTreeMap, BTreeSet};

use crate::Found;

/// The most bytes of a section that are shown.
const EXCERPT: usize = 900;

struct Section {
    page: &'static str,
    heading: &'static str,
    text: &'static str,
    /// How often it has each word.
    words: BTreeMap<String, usize>,
}

/// The sections that fit best. A word counts the more the fewer sections have it, and more in a heading.
pub fn search(pages: &[(&'static str, &'static str)], query: &str, limit: usize) -> Vec<Found> {
    let sections: Vec<_> = pages
        .iter()
        .flat_map(|(page, text)| sections(page, text))
        .collect();
    let is_known = |word: &String| sections.iter().any(|of| of.words.contains_key(word));
    let names = query.split_whitespace().map(|name| {
        let words: Vec<_> = words(name).collect();
        // A name that pages have counts as a whole, for which it comes last.
        match words.split_last() {
            Some((whole, parts)) if !parts.is_empty() && is_known(whole) => vec![whole.clone()],
            _ => words,
        }
    });
    let wanted: BTreeSet<_> = names.flatten().collect();
    let mut scores = vec![0.0; sections.len()];
    for word in wanted {
        let having = sections.iter().filter(|of| of.words.contains_key(&word));
        let rarity = (1.0 + sections.len() as f64 / having.count().max(1) as f64).ln();
        for (section, score) in sections.iter().zip(&mut scores) {
            let count = section.words.get(&word).copied().unwrap_or(0) as f64;
            let length = section.text.len() as f64 / 2_000.0;
            *score += rarity * count / (count + 0.7 + length);
            if words(section.heading).any(|of| of == word) {
                *score += rarity;
            }
        }
    }
    let mut best: Vec<_> = scores.into_iter().zip(&sections).collect();
    best.retain(|(score, _)| *score > 0.0);
    best.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let best = best.into_iter().take(limit);
    best.map(|(_, section)| Found {
        page: section.page,
        heading: section.heading,
        text: excerpt(section.text).to_owned(),
    })
    .collect()
}

/// A page by its headings, outside of code. WIT is one section.
fn sections(page: &'static str, text: &'static str) -> Vec<Section> {
    let mut starts = vec![0];
    let (mut at, mut is_code) = (0, false);
    for line in text.split_inclusive('\n') {
        is_code ^= line.starts_with("```");
        if line.starts_with('#') && !is_code && at > 0 {
            starts.push(at);
        }
        at += line.len();
    }
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    let sections = starts.iter().zip(ends).map(|(start, end)| {
        let text = text[*start..end].trim();
        let mut counted = BTreeMap::new();
        words(text).for_each(|word| *counted.entry(word).or_default() += 1);
        Section {
            page,
            heading: crate::title(text),
            text,
            words: counted,
        }
    });
    sections.collect()
}

/// In lower case, and without the ending of a plural. A name such as `call-tool` is a word, and so are its parts.
fn words(text: &str) -> impl Iterator<Item = String> {
    let names = text.split(|c: char| !(c.is_alphanumeric() || "_-".contains(c)));
    let words = names.flat_map(|name| {
        let name = name.trim_matches('-');
        let parts = name.split(['-', '_']);
        parts.chain(name.contains(['-', '_']).then_some(name))
    });
    words.filter(|word| word.len() > 1).map(|word| {
        let word = word.to_lowercase();
        match word.strip_suffix('s') {
            Some(stem) if stem.len() > 2 && !stem.ends_with('s') => stem.to_owned(),
            _ => word,
        }
    })
}

/// The beginning, up to the end of a line.
fn excerpt(text: &str) -> &str {
    if text.len() <= EXCERPT {
        return text;
    }
    let end = text[..text.floor_char_boundary(EXCERPT)].rfind('\n');
    &text[..end.unwrap_or(text.floor_char_boundary(EXCERPT))]
}
