//! The tools of a catalog.

use super::{
    entries::{Entries, Extras},
    error::BuildError,
    input::FeatureInput,
    writer::Writer,
};
use crate::catalog::{check, layout, list_kind::ListKind};

/// The tools of all features, while they are added.
pub struct Tools<'a> {
    pub entries: Entries<'a>,
    pub rules: Vec<u32>,
    pub segments: Vec<u32>,
}

impl Default for Tools<'_> {
    fn default() -> Self {
        Tools {
            entries: Entries::new(ListKind::Tools),
            rules: Vec::new(),
            segments: Vec::new(),
        }
    }
}

impl<'a> Tools<'a> {
    pub fn add(
        &mut self,
        slot: usize,
        feature: &'a FeatureInput,
        writer: &mut Writer,
    ) -> Result<(), BuildError> {
        let prefix = feature.prefix.as_deref().unwrap_or_default();
        for tool in &feature.tools {
            let name = format!("{prefix}{}", tool.name);
            let parameters = check::tool(&feature.name, tool, &name)?;
            self.entries.claim(&name, feature)?;
            let json = |legacy| check::written_tool(&feature.name, tool, &name, legacy);
            Extras {
                meta: tool.meta.as_deref(),
                icons: &tool.icons,
                ..Extras::default()
            }
            .check(ListKind::Tools, feature, &name)?;
            self.entries.json.push((json(false)?, json(true)?));

            let records = &mut self.entries.records;
            writer.text(records, name.as_bytes());
            records.extend([prefix.len() as u32, slot as u32]);
            let rules = self.rules.len() * layout::WORD / layout::rule::SIZE;
            records.extend([rules as u32, parameters.len() as u32]);
            for parameter in &parameters {
                writer.text(&mut self.rules, parameter.name().as_bytes());
                let segments = self.segments.len() * layout::WORD / layout::TEXT;
                self.rules
                    .extend([segments as u32, parameter.path.len() as u32]);
                parameter
                    .path
                    .iter()
                    .for_each(|segment| writer.text(&mut self.segments, segment.as_bytes()));
            }
        }
        Ok(())
    }
}
