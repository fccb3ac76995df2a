//! Publishes changes to listeners.

use std::collections::BTreeSet;

use super::{change::Change, watch};
use crate::state::{
    services::{Services, Unavailable},
    sweep,
};

/// Publishes changes to the listeners of all instances. Without a store there are none.
///
/// Each change costs one write, even if it is given twice. If a write fails, the others are
/// still made, and the first error is returned.
pub fn publish<S: Services>(services: &mut S, changes: &[Change]) -> Result<(), Unavailable> {
    if !S::WHOLE || changes.is_empty() {
        return Ok(());
    }
    let window = watch::window(services.now());
    let stamp = services.random();
    let names: BTreeSet<String> = changes
        .iter()
        .map(|change| watch::name(&change.topic(), window))
        .collect();
    let values: Vec<(&str, &[u8])> = names.iter().map(|name| (&**name, &stamp[..])).collect();
    sweep::put(services, &values)
}
