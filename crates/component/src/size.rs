//! The size of a component, as hosts count it.

use anyhow::Result;
use serde::Serialize;
use wasmparser::{Parser, Payload};

/// The numbers that hosts limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Size {
    pub bytes: usize,
    /// Core modules. An instance of the component has an instance of each.
    pub core_modules: usize,
    /// Linear memories.
    pub memories: usize,
    /// The initial size of all linear memories, in bytes.
    pub initial_memory: u64,
    pub tables: usize,
}

impl Size {
    pub fn of(component: &[u8]) -> Result<Size> {
        let mut size = Size {
            bytes: component.len(),
            ..Size::default()
        };
        for payload in Parser::new(0).parse_all(component) {
            match payload? {
                Payload::ModuleSection { .. } => size.core_modules += 1,
                Payload::MemorySection(section) => {
                    for memory in section {
                        let memory = memory?;
                        let page = 1_u64 << memory.page_size_log2.unwrap_or(16);
                        size.memories += 1;
                        size.initial_memory += memory.initial.saturating_mul(page);
                    }
                }
                Payload::TableSection(section) => size.tables += section.count() as usize,
                _ => {}
            }
        }
        Ok(size)
    }
}
