//! Measures which code an input reached, by counters that the compiler adds to each block
//! (https://clang.llvm.org/docs/SanitizerCoverage.html#inline-8bit-counters).
//!
//! The counters belong to the whole process: only one target may run at a time.

use std::{
    slice,
    sync::{Mutex, MutexGuard, PoisonError},
};

struct Seen {
    /// The address of the counters, and their number.
    counters: (usize, usize),
    /// For each counter, one bit for each magnitude that it ever had.
    magnitudes: Vec<u8>,
}

static SEEN: Mutex<Seen> = Mutex::new(Seen {
    counters: (0, 0),
    magnitudes: Vec::new(),
});

fn seen() -> MutexGuard<'static, Seen> {
    SEEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The compiler has this called before anything else runs.
#[unsafe(no_mangle)]
extern "C" fn __sanitizer_cov_8bit_counters_init(start: *mut u8, end: *mut u8) {
    seen().counters = (start as usize, end as usize - start as usize);
}

/// Whether the code since the last call reached a block for the first time, or far more often
/// than ever. Resets the counters.
pub fn is_new() -> bool {
    let mut seen = seen();
    let (address, length) = seen.counters;
    assert!(length > 0, "compile with `scripts/fuzz.sh`");
    seen.magnitudes.resize(length, 0);
    // SAFETY: the compiler reserved these bytes for the life of the process, and only one target
    // runs at a time.
    let counters = unsafe { slice::from_raw_parts_mut(address as *mut u8, length) };
    let mut new = false;
    let chunks = counters.chunks_mut(8).zip(seen.magnitudes.chunks_mut(8));
    for (counters, magnitudes) in chunks.filter(|(counters, _)| *counters != [0; 8]) {
        for (counter, magnitudes) in counters.iter_mut().zip(magnitudes) {
            if let Some(magnitude) = counter.checked_ilog2() {
                new |= *magnitudes & 1 << magnitude == 0;
                *magnitudes |= 1 << magnitude;
                *counter = 0;
            }
        }
    }
    new
}
