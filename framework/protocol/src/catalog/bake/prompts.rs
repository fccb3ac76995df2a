//! The prompts of a catalog.

use super::{
    entries::{Entries, Extras},
    error::BuildError,
    input::FeatureInput,
    writer::Writer,
};
use crate::catalog::{check, layout, list_kind::ListKind};

/// The prompts of all features, while they are added.
pub struct Prompts<'a> {
    pub entries: Entries<'a>,
    pub arguments: Vec<u32>,
}

impl Default for Prompts<'_> {
    fn default() -> Self {
        Prompts {
            entries: Entries::new(ListKind::Prompts),
            arguments: Vec::new(),
        }
    }
}

impl<'a> Prompts<'a> {
    pub fn add(
        &mut self,
        slot: usize,
        feature: &'a FeatureInput,
        writer: &mut Writer,
    ) -> Result<(), BuildError> {
        let prefix = feature.prefix.as_deref().unwrap_or_default();
        for prompt in &feature.prompts {
            let name = format!("{prefix}{}", prompt.name);
            let json = check::prompt(&feature.name, prompt, &name)?;
            self.entries.claim(&name, feature)?;
            Extras {
                meta: prompt.meta.as_deref(),
                icons: &prompt.icons,
                ..Extras::default()
            }
            .check(ListKind::Prompts, feature, &name)?;
            self.entries.json.push((json.clone(), json));

            let records = &mut self.entries.records;
            writer.text(records, name.as_bytes());
            records.extend([prefix.len() as u32, slot as u32]);
            let first = self.arguments.len() * layout::WORD / layout::argument::SIZE;
            records.extend([first as u32, prompt.arguments.len() as u32]);
            for argument in &prompt.arguments {
                writer.text(&mut self.arguments, argument.name.as_bytes());
                self.arguments.push(argument.required.into());
            }
        }
        Ok(())
    }
}
