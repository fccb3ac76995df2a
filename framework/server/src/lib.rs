//! The server of the framework: transport, hub and method-not-found in one component; or, with
//! the features `transport` and `hub`, the two ends of a chain, with `handler` between them.
//!
//! Exports the standard interfaces for HTTP and stdio. Imports `tools` and its like once; compose puts in
//! its place as many features as there are, and behind `catalog` what it read of them.
#![cfg(target_family = "wasm")]

mod catalog;
#[cfg(feature = "hub")]
mod hub;
mod services;
#[cfg(feature = "whole")]
mod store;

#[cfg(feature = "wasi-0-2")]
mod wasi_0_2;
#[cfg(feature = "wasi-0-2")]
use wasi_0_2 as edition;

#[cfg(feature = "wasi-0-3")]
mod wasi_0_3;
#[cfg(feature = "wasi-0-3")]
use wasi_0_3 as edition;

use std::sync::atomic::{AtomicU64, Ordering};

use spin_mcp_protocol::{Call, router::id};

struct Component;

/// The bits of a request id below the slot. Compose reads the slot from the bits above them.
const SLOT_SHIFT: u32 = 48;
const BELOW: u64 = (1 << SLOT_SHIFT) - 1;

/// Names a request. Compose reads in the bits above it which feature to call.
///
/// Whoever knows an id can ask `request` about it, so ids are random where that matters.
fn request_id(call: &Call<'_>) -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let id = if call.may_be_asked_about() {
        random_id()
    } else {
        id::of(call, NEXT.fetch_add(1, Ordering::Relaxed))
    };
    (id & BELOW).max(1)
}

fn random_id() -> u64 {
    let random = edition::random();
    let id = u64::from_le_bytes(*random.first_chunk().expect("there are 16 bytes"));
    (id & BELOW).max(1)
}

/// The id for the feature that is asked now.
#[cfg(not(feature = "transport"))]
fn in_slot(call: &Call<'_>, id: u64) -> u64 {
    (call.slot() as u64) << SLOT_SHIFT | id
}
