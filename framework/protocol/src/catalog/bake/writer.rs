//! The bytes of a catalog.

use std::collections::HashMap;

use super::error::BuildError;
use crate::catalog::layout::{MAGIC, TEXT, WORD, access, header};

/// The records of a table, and the size of one in bytes.
pub type Table = (Vec<u32>, usize);

/// The texts of a catalog, which follow its header.
#[derive(Default)]
pub struct Writer {
    texts: Vec<u8>,
    /// The offset of each text.
    offsets: HashMap<Vec<u8>, u32>,
}

impl Writer {
    /// Appends a reference to a text. Equal texts are stored once.
    pub fn text(&mut self, words: &mut Vec<u32>, text: &[u8]) {
        let offset = match self.offsets.get(text) {
            Some(offset) => *offset,
            None => {
                // An offset that is too large is found at the end, by the length of the catalog.
                let offset = (header::SIZE + self.texts.len()) as u32;
                self.texts.extend_from_slice(text);
                self.offsets.insert(text.to_vec(), offset);
                offset
            }
        };
        words.extend([offset, text.len() as u32]);
    }

    /// The catalog. `words` is the header without its length and its tables. Each table comes
    /// with the size of its records in bytes. `access` is what follows the tables, if anything
    /// does: a record, and its tables.
    pub fn finish(
        self,
        mut words: Vec<u32>,
        tables: &[Table],
        access: Option<(Vec<u32>, Vec<Table>)>,
    ) -> Result<Vec<u8>, BuildError> {
        let mut offset = header::SIZE + self.texts.len();
        for (table, size) in tables {
            words.extend([offset as u32, (table.len() * WORD / size) as u32]);
            offset += table.len() * WORD;
        }
        let mut last = Vec::new();
        if let Some((mut record, tables)) = access {
            let start = offset;
            offset += access::SIZE;
            debug_assert_eq!(record.len() * WORD + tables.len() * TEXT, access::SIZE);
            for (table, size) in &tables {
                record.extend([offset as u32, (table.len() * WORD / size) as u32]);
                offset += table.len() * WORD;
            }
            last.extend(record);
            last.extend(tables.into_iter().flat_map(|(table, _)| table));
            last.push(start as u32);
            offset += WORD;
        }
        let length = u32::try_from(offset).map_err(|_| BuildError::TooLarge)?;
        let mut out = Vec::with_capacity(offset);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&length.to_le_bytes());
        out.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        debug_assert_eq!(out.len(), header::SIZE);
        out.extend_from_slice(&self.texts);
        out.extend(
            tables
                .iter()
                .flat_map(|(table, _)| table)
                .chain(&last)
                .flat_map(|word| word.to_le_bytes()),
        );
        Ok(out)
    }
}
