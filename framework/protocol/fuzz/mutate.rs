//! Mutates the inputs of a corpus.

/// Texts that parsers treat specially.
const WORDS: [&str; 58] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "{}",
    "[]",
    "\"\"",
    "null",
    "true",
    "false",
    "0",
    "-1",
    "1.0",
    "1e999",
    "4294967296",
    "18446744073709551616",
    "\\u0000",
    "\\ud83d",
    "\\ude00",
    "\\n",
    "\n",
    "\r\n",
    "\n\n",
    "====\n",
    "%",
    "%2F",
    "{id}",
    "{?a,b}",
    "{/a*}",
    "..",
    "://",
    "é",
    "\u{1F600}",
    "\u{0}",
    "=?base64?",
    "?=",
    "$session",
    "$state",
    "$task",
    "$reply",
    "$second",
    "$third",
    "$cursor",
    "params",
    "_meta",
    "id",
    "result",
    "error",
    "arguments",
    "uri",
    "name",
    "inputResponses",
    "requestState",
    "AAAA",
];

/// SplitMix64: random enough for mutations, and the same on every machine.
struct Chance(u64);

impl Chance {
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

    /// A part of an input of this length. Short parts are more likely.
    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let start = self.below(length + 1);
        let longest = [4, 16, 64, length][self.below(4)];
        start..(start + self.below(longest + 1)).min(length)
    }
}

pub struct Mutator {
    chance: Chance,
    kept: Vec<Vec<u8>>,
}

impl Mutator {
    /// Starts from `inputs`, which must not be empty.
    pub fn new(seed: u64, inputs: &[Vec<u8>]) -> Mutator {
        Mutator {
            chance: Chance(seed),
            kept: inputs.to_vec(),
        }
    }

    /// Adds an input to start from.
    #[cfg(fuzz_coverage)]
    pub fn keep(&mut self, input: Vec<u8>) {
        self.kept.push(input);
    }

    pub fn kept(&self) -> usize {
        self.kept.len()
    }

    /// A mutated input of at most this many bytes.
    pub fn next(&mut self, longest: usize) -> Vec<u8> {
        let mut input = self.chance.one(&self.kept).clone();
        for _ in 0..1 << self.chance.below(4) {
            self.damage(&mut input);
        }
        input.truncate(longest);
        input
    }

    fn damage(&mut self, input: &mut Vec<u8>) {
        let chance = &mut self.chance;
        let here = chance.range(input.len());
        match chance.below(9) {
            0 if !input.is_empty() => {
                let at = chance.below(input.len());
                input[at] ^= 1 << chance.below(8);
            }
            1 => input.insert(here.start, chance.next() as u8),
            2 => drop(input.drain(here)),
            3 => drop(input.splice(here, chance.one(&WORDS).bytes())),
            4 => {
                let word = chance.one(&WORDS).bytes();
                drop(input.splice(here.start..here.start, word));
            }
            // Copies a part of the input to other places.
            5 => {
                let times = [1, 1, 1, 2, 70][chance.below(5)];
                let part = input[here].repeat(times);
                let at = chance.below(input.len() + 1);
                drop(input.splice(at..at, part));
            }
            // Inserts a part of another input.
            6 => {
                let other = chance.one(&self.kept);
                let part = other[chance.range(other.len())].to_vec();
                drop(input.splice(here, part));
            }
            7 => {
                let other = chance.one(&self.kept);
                input.truncate(here.start);
                input.extend_from_slice(&other[chance.below(other.len() + 1)..]);
            }
            // Changes a digit.
            _ => {
                let digits: Vec<_> = (0..input.len())
                    .filter(|&at| input[at].is_ascii_digit())
                    .collect();
                if !digits.is_empty() {
                    input[*chance.one(&digits)] = b'0' + chance.below(10) as u8;
                }
            }
        }
    }
}

#[test]
fn damage_is_bounded_differs_and_repeats() {
    let all = |seed| {
        let mut mutator = Mutator::new(seed, &[b"{\"a\":1}".to_vec(), Vec::new()]);
        (0..1000).map(|_| mutator.next(64)).collect::<Vec<_>>()
    };
    let inputs = all(1);
    assert_eq!(inputs, all(1));
    assert_ne!(inputs, all(2));
    assert!(inputs.iter().all(|input| input.len() <= 64));
    let distinct: std::collections::BTreeSet<_> = inputs.iter().collect();
    assert!(distinct.len() > 500);
}
