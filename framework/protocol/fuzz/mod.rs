//! Fuzz targets: every parser of network input, and the whole server.
//!
//! A target is a test. It tries the inputs in `corpus/<target>`, then mutated ones for a short
//! time, always the same ones. With `FUZZ_SECONDS` it runs for that long, with other mutations
//! each time:
//!
//! ```sh
//! FUZZ_SECONDS=60 cargo test -p spin-mcp-protocol --lib fuzz::
//! ```
//!
//! `scripts/fuzz.sh` compiles the targets with coverage counters, and inputs that reach new code
//! are mutated further. An input that fails is kept in the corpus of its target, so that every
//! run tries it first.

mod allocation;
#[cfg(fuzz_coverage)]
mod coverage;
pub mod features;
mod handled;
pub mod messages;
mod mutate;
mod parsers;
pub mod server;
mod stdio;
mod stored;

use std::{
    env, fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use mutate::Mutator;

/// How long a target runs without `FUZZ_SECONDS`.
const SHORTLY: Duration = Duration::from_millis(300);
/// The longest input, in bytes.
const LONGEST: usize = 8 << 10;
/// How much memory a target may use: this much, and this much for each byte of the input.
const MEMORY: usize = 256 << 10;
const MEMORY_PER_BYTE: usize = 32;
/// How long one input may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs a target, which must panic if it finds an error.
fn fuzz(name: &str, target: impl Fn(&[u8])) {
    let corpus = Corpus::read(name);
    let mut most = 0;
    for input in &corpus.inputs {
        most = most.max(corpus.check(input, &target));
    }
    let seconds = env::var("FUZZ_SECONDS").map(|seconds| seconds.parse().unwrap());
    let (time, seed) = match seconds {
        Ok(seconds) => (Duration::from_secs(seconds), clock()),
        Err(_) => (SHORTLY, 1),
    };
    let mut mutator = Mutator::new(seed, &corpus.inputs);
    let (start, mut runs) = (Instant::now(), 0u64);
    while start.elapsed() < time {
        let input = mutator.next(LONGEST);
        most = most.max(corpus.check(&input, &target));
        runs += 1;
        #[cfg(fuzz_coverage)]
        if coverage::is_new() {
            mutator.keep(input);
        }
    }
    let kept = mutator.kept();
    println!("{name}: {runs} inputs from {kept} kept ones, {most} bytes of memory at most");
}

fn clock() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.unwrap_or_default().as_nanos() as u64
}

struct Corpus {
    folder: PathBuf,
    inputs: Vec<Vec<u8>>,
}

impl Corpus {
    fn read(name: &str) -> Corpus {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fuzz/corpus")
            .join(name);
        let entries = fs::read_dir(&folder).unwrap_or_else(|_| panic!("no corpus of `{name}`"));
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        let inputs: Vec<_> = paths.iter().map(|path| fs::read(path).unwrap()).collect();
        assert!(!inputs.is_empty(), "the corpus of `{name}` is empty");
        Corpus { folder, inputs }
    }

    /// Tries one input; returns its peak memory. Keeps the input if it fails.
    fn check(&self, input: &[u8], target: impl Fn(&[u8])) -> usize {
        let start = Instant::now();
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| allocation::peak(|| target(input))));
        let allowed = MEMORY + MEMORY_PER_BYTE * input.len();
        let problem = match outcome {
            Ok(peak) if peak > allowed => {
                format!("it takes {peak} bytes of memory; {allowed} are allowed")
            }
            Ok(_) if start.elapsed() > PATIENCE => "it takes too long".to_owned(),
            Ok(peak) => return peak,
            Err(_) => "it panics, see above".to_owned(),
        };
        let mut hash = DefaultHasher::new();
        input.hash(&mut hash);
        let path = self.folder.join(format!("failed-{:016x}", hash.finish()));
        let kept = match fs::write(&path, input) {
            Ok(()) => format!("kept as {}", path.display()),
            Err(error) => format!("not kept: {error}"),
        };
        panic!("{problem}: \"{}\" ({kept})", input.escape_ascii());
    }
}
