//! The prompts of a catalog.

use super::{
    entries::{Entries, Extras},
    error::BuildError,
    input::FeatureInput,
    writer::Writer,
};
use crate::catalog::{layout, list_kind::ListKind, written::prompt_json};

/// The longest name of a prompt, in bytes.
const MAX_NAME: usize = 256;

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
            check_name(&name).map_err(|problem| BuildError::PromptName {
                feature: feature.name.clone(),
                prompt: name.clone(),
                problem,
            })?;
            self.entries.claim(&name, feature)?;
            Extras {
                meta: prompt.meta.as_deref(),
                icons: &prompt.icons,
                ..Extras::default()
            }
            .check(ListKind::Prompts, feature, &name)?;
            let json = prompt_json(prompt, &name);
            self.entries.json.push((json.clone(), json));

            let records = &mut self.entries.records;
            writer.text(records, name.as_bytes());
            records.extend([prefix.len() as u32, slot as u32]);
            let first = self.arguments.len() * layout::WORD / layout::argument::SIZE;
            records.extend([first as u32, prompt.arguments.len() as u32]);
            for (index, argument) in prompt.arguments.iter().enumerate() {
                let known = &prompt.arguments[..index];
                if known.iter().any(|known| known.name == argument.name) {
                    return Err(BuildError::DuplicateArgument {
                        feature: feature.name.clone(),
                        prompt: name,
                        argument: argument.name.clone(),
                    });
                }
                writer.text(&mut self.arguments, argument.name.as_bytes());
                self.arguments.push(argument.required.into());
            }
        }
        Ok(())
    }
}

/// Checks the name of a prompt that clients see. The error says what is wrong.
fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err(format!("the name is empty; it takes 1 to {MAX_NAME} bytes"));
    }
    if name.len() > MAX_NAME {
        return Err(format!(
            "the name has {} bytes; it may have {MAX_NAME}",
            name.len()
        ));
    }
    match name.chars().find(|c| c.is_control()) {
        Some(c) => Err(format!(
            "the name contains the control character `{}`; leave it out",
            c.escape_debug()
        )),
        None => Ok(()),
    }
}
