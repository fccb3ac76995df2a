//! Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html), read
//! as they arrive.

/// Splits a stream into events, and keeps their data.
#[derive(Default)]
pub(super) struct Events {
    /// The start of a line that has not ended.
    line: Vec<u8>,
    /// The data of an event that has not ended, with line ends.
    data: Vec<u8>,
    /// The last byte was a carriage return.
    returned: bool,
}

impl Events {
    /// The data of the events that end in `bytes`. Skips other fields and comments.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut events = Vec::new();
        for &byte in bytes {
            let second = std::mem::replace(&mut self.returned, byte == b'\r') && byte == b'\n';
            match byte {
                b'\n' if second => {}
                b'\r' | b'\n' => events.extend(self.end_line()),
                _ => self.line.push(byte),
            }
        }
        events
    }

    fn end_line(&mut self) -> Option<Vec<u8>> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            let mut data = std::mem::take(&mut self.data);
            return data.pop().map(|_| data);
        }
        if let Some(value) = line.strip_prefix(b"data:") {
            self.data
                .extend_from_slice(value.strip_prefix(b" ").unwrap_or(value));
            self.data.push(b'\n');
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(stream: &str, piece: usize) -> Vec<String> {
        let mut events = Events::default();
        let data = stream
            .as_bytes()
            .chunks(piece)
            .flat_map(|piece| events.push(piece));
        data.map(|data| String::from_utf8(data).unwrap()).collect()
    }

    #[test]
    fn events_end_at_empty_lines_in_any_chunking() {
        for stream in [
            "event: message\ndata: {\"a\":1}\n\n: hello\n\ndata:x\ndata: y\nid: 7\n\ndata: cut",
            "event: message\r\ndata: {\"a\":1}\r\n\r\n: hello\r\n\r\ndata:x\r\ndata: y\r\nid: 7\r\n\r\ndata: cut",
        ] {
            for piece in 1..stream.len() {
                assert_eq!(events(stream, piece), ["{\"a\":1}", "x\ny"], "{piece}");
            }
        }
    }
}
