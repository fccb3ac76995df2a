//! Mutates components.

use wasmparser::Parser;

/// Bytes that are the edge of something in the binary format.
const BYTES: [u8; 12] = [0, 1, 2, 4, 0x0a, 0x0d, 0x40, 0x60, 0x7f, 0x80, 0xc0, 0xff];

/// SplitMix64: random enough for mutations, and the same on every machine.
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Chance {
        Chance(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number below `limit`, which must not be zero.
    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn one<'t, T>(&mut self, all: &'t [T]) -> &'t T {
        &all[self.below(all.len())]
    }

    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        let words = std::iter::repeat_with(|| self.next().to_le_bytes());
        words.take(length.div_ceil(8)).flatten().collect()
    }
}

pub struct Mutator {
    chance: Chance,
    kept: Vec<Vec<u8>>,
}

impl Mutator {
    /// Starts from `inputs`, which must not be empty.
    pub fn new(seed: u64, inputs: Vec<Vec<u8>>) -> Mutator {
        Mutator {
            chance: Chance::new(seed),
            kept: inputs,
        }
    }

    /// The inputs to start from.
    pub fn kept(&self) -> &[Vec<u8>] {
        &self.kept
    }

    /// Adds an input to start from.
    #[cfg(fuzz_coverage)]
    pub fn keep(&mut self, input: Vec<u8>) {
        self.kept.push(input);
    }

    /// A mutated input.
    pub fn next(&mut self) -> Vec<u8> {
        let mut input = self.chance.one(&self.kept).clone();
        for _ in 0..1 << self.chance.below(3) {
            self.damage(&mut input);
        }
        input
    }

    fn damage(&mut self, input: &mut Vec<u8>) {
        let sections = sections(input);
        let chance = &mut self.chance;
        if sections.is_empty() || input.is_empty() {
            return;
        }
        let at = chance.below(input.len());
        let section = chance.one(&sections).clone();
        match chance.below(8) {
            0 => input[at] ^= 1 << chance.below(8),
            1 => input[at] = *chance.one(&BYTES),
            2 => input[at] = input[at].wrapping_add(1),
            // Most sections are small, and random places are in the large ones.
            3 | 4 => {
                let at = section.start + chance.below(section.len());
                input[at] = match chance.below(2) {
                    0 => *chance.one(&BYTES),
                    _ => input[at].wrapping_sub(1),
                };
            }
            5 => drop(input.drain(section)),
            6 => {
                let section = input[section].to_vec();
                let place = chance.one(&sections).start;
                drop(input.splice(place..place, section));
            }
            _ => {
                let other = chance.one(&self.kept);
                let theirs = self::sections(other);
                if !theirs.is_empty() {
                    let theirs = other[chance.one(&theirs).clone()].to_vec();
                    drop(input.splice(section, theirs));
                }
            }
        }
    }
}

/// The sections of the outermost component or module, each with its header.
fn sections(input: &[u8]) -> Vec<std::ops::Range<usize>> {
    let (mut sections, mut start, mut depth) = (Vec::new(), 8, 0);
    for payload in Parser::new(0).parse_all(input).map_while(Result::ok) {
        use wasmparser::Payload::{ComponentSection, End, ModuleSection};
        if let Some((_, range)) = payload.as_section()
            && depth == 0
        {
            let end = range.end as usize;
            if start < end && end <= input.len() {
                sections.push(start..end);
            }
            start = end;
        }
        match payload {
            ModuleSection { .. } | ComponentSection { .. } => depth += 1,
            End(_) => depth -= 1,
            _ => {}
        }
    }
    sections
}
