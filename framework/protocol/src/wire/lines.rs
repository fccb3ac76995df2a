//! Cuts what arrives on stdin into lines.

use super::MAX_BODY;

/// Lines that arrive in pieces.
#[derive(Default)]
pub struct Lines {
    rest: Vec<u8>,
}

impl Lines {
    /// Takes the next piece, and calls `line` for each line that it ends.
    pub fn push(&mut self, mut piece: &[u8], line: impl Fn(Vec<u8>)) {
        while let Some(end) = piece.iter().position(|byte| *byte == b'\n') {
            self.keep(&piece[..end]);
            line(std::mem::take(&mut self.rest));
            piece = &piece[end + 1..];
        }
        self.keep(piece);
    }

    /// Keeps as much of a line as a message may be long, and a byte.
    fn keep(&mut self, piece: &[u8]) {
        let room = (MAX_BODY + 1).saturating_sub(self.rest.len());
        self.rest.extend_from_slice(&piece[..piece.len().min(room)]);
    }

    /// What stdin ended with instead of a line break.
    pub fn last(self) -> Option<Vec<u8>> {
        Some(self.rest).filter(|rest| !rest.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn lines(pieces: &[&[u8]]) -> (Vec<Vec<u8>>, Option<Vec<u8>>) {
        let (mut lines, found) = (Lines::default(), RefCell::new(Vec::new()));
        for piece in pieces {
            lines.push(piece, |line| found.borrow_mut().push(line));
        }
        (found.into_inner(), lines.last())
    }

    #[test]
    fn lines_may_arrive_in_pieces_and_together() {
        let (found, last) = lines(&[b"a", b"b\nc\n", b"\n", b"d"]);
        assert_eq!(found, [&b"ab"[..], b"c", b""]);
        assert_eq!(last.as_deref(), Some(&b"d"[..]));
        assert_eq!(lines(&[b"a\n"]).1, None);
    }

    #[test]
    fn a_line_that_is_too_long_is_cut_off() {
        let piece = vec![b'a'; MAX_BODY];
        let (found, _) = lines(&[&piece, &piece, b"\nb\n"]);
        assert_eq!(found[0].len(), MAX_BODY + 1);
        assert_eq!(found[1], b"b");
    }
}
