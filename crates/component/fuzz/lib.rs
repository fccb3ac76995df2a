//! Fuzz targets for the code that reads components of strangers.
//!
//! A target is a test. It runs for a short time, always with the same inputs. With `FUZZ_SECONDS`
//! it runs for that long, with other inputs each time:
//!
//! ```sh
//! FUZZ_SECONDS=60 cargo test -p spin-mcp-component-fuzz
//! ```
//!
//! `scripts/fuzz.sh` compiles the targets with coverage counters, and mutates inputs that reach
//! new code further. An input that fails is written to `corpus`, so that every run tries it first.
#![cfg(test)]

#[cfg(fuzz_coverage)]
#[path = "../../../framework/protocol/fuzz/coverage.rs"]
mod coverage;
mod mutate;
mod read;
mod seeds;

use std::{
    env, fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use arbitrary::Unstructured;
use mutate::Mutator;

/// How long a target runs without `FUZZ_SECONDS`.
const SHORTLY: Duration = Duration::from_secs(1);
/// How long one input may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Components of toolchains, and inputs that failed once, with mutations.
#[test]
fn mutated() {
    let mut mutator = Mutator::new(seed(), seeds::all());
    for input in mutator.kept() {
        check(input, read::read);
    }
    fuzz("mutated", || {
        let input = mutator.next();
        check(&input, read::read);
        #[cfg(fuzz_coverage)]
        if coverage::is_new() {
            mutator.keep(input);
        }
    });
}

/// Components with any items, which toolchains need not be able to make.
#[test]
fn generated() {
    let mut chance = mutate::Chance::new(seed());
    fuzz("generated", || {
        let entropy = chance.bytes(4096);
        let component = wasm_smith::Component::new(
            wasm_smith::Config::default(),
            &mut Unstructured::new(&entropy),
        );
        if let Ok(component) = component {
            check(&component.to_bytes(), read::read);
        }
    });
}

/// Components around any core module.
#[test]
fn modules() {
    let mut chance = mutate::Chance::new(seed());
    let mut lazy = 0;
    fuzz("modules", || {
        let entropy = chance.bytes(4096);
        let config = wasm_smith::Config {
            max_memories: 1,
            min_memories: 1,
            allow_start_export: false,
            gc_enabled: false,
            memory64_enabled: false,
            shared_everything_threads_enabled: false,
            threads_enabled: false,
            custom_page_sizes_enabled: false,
            ..wasm_smith::Config::default()
        };
        let module = wasm_smith::Module::new(config, &mut Unstructured::new(&entropy));
        if let Ok(module) = module {
            let component = seeds::around(&module.to_bytes());
            lazy += u32::from(read::read_lazy(&component));
        }
    });
    assert!(lazy > 0, "no module can be lazy");
}

/// Components as toolchains make them, for any WIT.
#[test]
fn worlds() {
    let mut chance = mutate::Chance::new(seed());
    fuzz("worlds", || {
        let entropy = chance.bytes(4096);
        for component in seeds::of_any_wit(&entropy) {
            check(&component, read::read_valid);
        }
    });
}

fn fuzz(name: &str, mut next: impl FnMut()) {
    let time = match env::var("FUZZ_SECONDS") {
        Ok(seconds) => Duration::from_secs(seconds.parse().unwrap()),
        Err(_) => SHORTLY,
    };
    let (start, mut runs) = (Instant::now(), 0_u64);
    while start.elapsed() < time {
        next();
        runs += 1;
    }
    println!("{name}: {runs} inputs");
}

/// The same number in each short run.
fn seed() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    match env::var_os("FUZZ_SECONDS") {
        Some(_) => now.unwrap_or_default().as_nanos() as u64,
        None => 1,
    }
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

/// Runs a target on one input. Keeps the input if it fails.
fn check(input: &[u8], target: impl Fn(&[u8])) {
    let start = Instant::now();
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| target(input)));
    let problem = match outcome {
        Ok(()) if start.elapsed() > PATIENCE => "the input takes too long",
        Ok(()) => return,
        Err(_) => "the input fails, see above",
    };
    let mut hash = DefaultHasher::new();
    input.hash(&mut hash);
    let path = corpus().join(format!("failed-{:016x}.wasm", hash.finish()));
    match fs::write(&path, input) {
        Ok(()) => panic!("{problem} ({})", path.display()),
        Err(error) => panic!("{problem} (cannot keep it: {error})"),
    }
}
