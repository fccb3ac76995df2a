//! Changes the core modules of a component.

pub mod fuse;
mod glue;
mod lazy;
pub mod replace_imports;
mod stdin;

use anyhow::Result;
use wasm_encoder::{Component, ComponentSectionId, RawSection};
use wasmparser::{Parser, Payload};

pub use glue::merge_stubs;
pub use lazy::lazy;
pub use stdin::close as close_stdin;

const MODULE: u8 = ComponentSectionId::CoreModule as u8;
const COMPONENT: u8 = ComponentSectionId::Component as u8;

/// A component without the components that are nested in it.
struct Level<'a> {
    bytes: &'a [u8],
    modules: Vec<&'a [u8]>,
}

/// The component with other core modules; none if no module changes. `edit` says what becomes of
/// each module of a component, and then of the components that are nested in it.
fn edit_modules(
    component: &[u8],
    edit: &impl Fn(&Level<'_>) -> Result<Vec<Option<Vec<u8>>>>,
) -> Result<Option<Vec<u8>>> {
    let (mut sections, mut depth) = (Vec::new(), 0);
    for payload in Parser::new(0).parse_all(component) {
        let payload = payload?;
        let section = payload.as_section().filter(|_| depth == 0);
        sections.extend(section.map(|(id, range)| {
            let data = &component[range.start as usize..range.end as usize];
            RawSection { id, data }
        }));
        match payload {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            _ => {}
        }
    }
    let modules = sections.iter().filter(|section| section.id == MODULE);
    let mut modules = edit(&Level {
        bytes: component,
        modules: modules.map(|section| section.data).collect(),
    })?
    .into_iter();
    let (mut edited, mut changed) = (Component::new(), false);
    for RawSection { id, data } in sections {
        let new = match id {
            MODULE => modules.next().flatten(),
            COMPONENT => edit_modules(data, edit)?,
            _ => None,
        };
        changed |= new.is_some();
        let data = new.as_deref().unwrap_or(data);
        edited.section(&RawSection { id, data });
    }
    Ok(changed.then(|| edited.finish()))
}
