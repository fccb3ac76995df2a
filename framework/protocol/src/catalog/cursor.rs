//! Cursors of lists in the catalog: where the next page begins. Only the server reads them
//! (https://modelcontextprotocol.io/specification/2026-07-28/server/utilities/pagination).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// The cursor of a page. `digest` identifies the list: cursors of other lists are invalid.
pub fn write(page: usize, digest: u64) -> String {
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&digest.to_le_bytes());
    bytes[8..].copy_from_slice(&(page as u32).to_le_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The page of a cursor of this list.
pub fn read(cursor: &str, digest: u64) -> Option<usize> {
    let mut bytes = [0; 12];
    let length = URL_SAFE_NO_PAD.decode_slice(cursor, &mut bytes).ok()?;
    let page = bytes[8..]
        .first_chunk()
        .filter(|_| length == 12 && bytes[..8] == digest.to_le_bytes())?;
    Some(u32::from_le_bytes(*page) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_read_back_on_their_own_list() {
        let cursor = write(7, 0x0123_4567_89AB_CDEF);
        assert_eq!(cursor.len(), 16);
        assert_eq!(read(&cursor, 0x0123_4567_89AB_CDEF), Some(7));
        assert_eq!(read(&cursor, 0x0123_4567_89AB_CDEE), None);
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        for cursor in [
            "",
            "x",
            "1",
            "AAAAAAAAAAAAAAA",
            "AAAAAAAAAAAAAAAAA",
            "AAAAAAAAAAAAAAA=",
            &"A".repeat(1000),
            "é",
        ] {
            assert_eq!(read(cursor, 1), None, "{cursor}");
        }
    }
}
