//! What the framework provides for the imports of parts in place of the host: refusals, settings and
//! the streams of the process.

pub mod in_part;
pub mod refusals;
pub mod settings;
pub mod stdio;

use anyhow::Result;

use crate::part::Loaded;
use refusals::Refusers;

/// The components that provide imports.
pub struct Provided {
    pub refusers: Refusers,
    /// None if no part reads settings from another component.
    pub settings: Option<Vec<u8>>,
}

impl Provided {
    pub fn new(parts: &[Loaded]) -> Result<Provided> {
        Ok(Provided {
            refusers: refusals::refusers(parts)?,
            settings: settings::component(parts)?,
        })
    }
}
