//! What compose places in this module; `crates/openapi/src/table.rs` writes it.

use spin_mcp_protocol::json::Value;

#[derive(Clone, Copy)]
pub struct Table<'a>(pub &'a [u8]);

impl<'a> Table<'a> {
    fn number(self, index: usize) -> usize {
        let bytes = self
            .0
            .get(4 * index..)
            .and_then(|bytes| bytes.first_chunk());
        bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes) as usize)
    }

    /// The text whose place is at this index.
    fn text(self, index: usize) -> &'a str {
        let (at, length) = (self.number(index), self.number(index + 1));
        let bytes = self.0.get(at..).and_then(|bytes| bytes.get(..length));
        bytes
            .and_then(|bytes| str::from_utf8(bytes).ok())
            .unwrap_or_default()
    }

    /// What holds for all operations.
    pub fn globals(self) -> Option<Value<'a>> {
        Value::parse(self.text(1)).ok()
    }

    pub fn operation(self, name: &str) -> Option<Value<'a>> {
        let (mut low, mut high) = (0, self.number(0));
        while low < high {
            let middle = low.midpoint(high);
            match self.text(3 + 4 * middle).cmp(name) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => {
                    return Value::parse(self.text(5 + 4 * middle)).ok();
                }
            }
        }
        None
    }
}
