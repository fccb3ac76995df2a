//! The server of the framework: transport, hub and method-not-found in one component.
//!
//! Exports the standard interfaces for HTTP and stdio. Imports `tools` once; compose puts in
//! its place as many features as there are, and behind `catalog` what it read of them.
#![cfg(target_family = "wasm")]

mod catalog;

#[cfg(feature = "wasi-0-2")]
mod wasi_0_2;
#[cfg(feature = "wasi-0-3")]
mod wasi_0_3;

use std::sync::atomic::{AtomicU64, Ordering};

struct Component;

/// The bits of a request id below the slot. Compose reads the slot from the bits above them.
const SLOT_SHIFT: u32 = 48;

/// An id for a call of the feature in `slot`.
///
/// Whoever knows an id can ask `request` about it, so ids are random where that matters.
fn request_id(slot: usize, random: Option<u64>) -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let low =
        random.unwrap_or_else(|| NEXT.fetch_add(1, Ordering::Relaxed)) & ((1 << SLOT_SHIFT) - 1);
    (slot as u64) << SLOT_SHIFT | low.max(1)
}
