use std::{borrow::Cow, collections::BTreeSet};

use crate::wire::MAX_DEPTH;

/// Why a text could not be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Not JSON, at this byte.
    Syntax(usize),
    /// The JSON nests deeper than `MAX_DEPTH`.
    Depth,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Object,
    Array,
    String,
    Number,
    Bool,
    Null,
}

/// A well-formed value: its text, without whitespace around it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Value<'a> {
    pub kind: Kind,
    pub text: &'a str,
}

impl<'a> Value<'a> {
    /// Reads a text that consists of one value.
    pub fn parse(text: &'a str) -> Result<Value<'a>, Fault> {
        let mut reader = Reader::new(text);
        let value = reader.value()?;
        reader.end()?;
        Ok(value)
    }

    /// The content of a string. None for other kinds.
    pub fn as_str(&self) -> Option<Cow<'a, str>> {
        if self.kind != Kind::String {
            return None;
        }
        let inner = &self.text[1..self.text.len() - 1];
        if inner.contains('\\') {
            unescape(inner).map(Cow::Owned)
        } else {
            Some(Cow::Borrowed(inner))
        }
    }

    /// Whether this is the string `expected`.
    pub fn is_str(&self, expected: &str) -> bool {
        if self.kind != Kind::String {
            return false;
        }
        let inner = &self.text[1..self.text.len() - 1];
        if inner == expected {
            return !expected.contains('\\');
        }
        // Escapes only make a text longer.
        inner.len() > expected.len()
            && inner.contains('\\')
            && self.as_str().is_some_and(|value| value == expected)
    }

    pub fn is_object(&self) -> bool {
        self.kind == Kind::Object
    }

    /// The members of an object, in order. Other kinds have none.
    pub fn members(&self) -> Members<'a> {
        Members {
            reader: Reader::new(self.text),
            open: self.is_object(),
        }
    }

    /// Whether no two members of an object have the same name: of two, readers disagree on which
    /// one counts.
    pub fn names_once(&self) -> bool {
        let mut names = BTreeSet::new();
        self.members()
            .all(|(key, _)| key.as_str().is_some_and(|name| names.insert(name)))
    }

    /// The first member with this name.
    pub fn member(&self, name: &str) -> Option<Value<'a>> {
        self.members()
            .find_map(|(key, value)| key.is_str(name).then_some(value))
    }
}

impl<'a> Value<'a> {
    /// The elements of an array, in order. Other kinds have none.
    pub fn elements(&self) -> impl Iterator<Item = Value<'a>> {
        let inner = match self.kind {
            Kind::Array => &self.text[1..self.text.len() - 1],
            _ => "",
        };
        let mut reader = Reader::new(inner);
        std::iter::from_fn(move || {
            let value = reader.value().ok()?;
            reader.space();
            // A comma follows, or the end.
            let _ = reader.expect(b',');
            Some(value)
        })
    }
}

/// The members of a well-formed object.
pub struct Members<'a> {
    reader: Reader<'a>,
    open: bool,
}

impl<'a> Iterator for Members<'a> {
    type Item = (Value<'a>, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        if !self.open {
            return None;
        }
        let key = self.reader.key().ok().flatten()?;
        Some((key, self.reader.value().ok()?))
    }
}

/// Reads a text once, from start to end, and checks it.
///
/// A level of nesting takes one bit, so hostile input cannot exhaust memory or the stack.
pub struct Reader<'a> {
    text: &'a str,
    position: usize,
    /// How many objects are open that `enter` entered.
    depth: usize,
    /// There was whitespace between tokens.
    spaced: bool,
}

impl<'a> Reader<'a> {
    pub fn new(text: &'a str) -> Reader<'a> {
        Reader {
            text,
            position: 0,
            depth: 0,
            spaced: false,
        }
    }

    fn byte(&self) -> u8 {
        // A zero byte ends every token and does not begin any.
        self.text
            .as_bytes()
            .get(self.position)
            .copied()
            .unwrap_or(0)
    }

    fn fault<T>(&self) -> Result<T, Fault> {
        Err(Fault::Syntax(self.position))
    }

    fn space(&mut self) {
        while matches!(self.byte(), b' ' | b'\t' | b'\n' | b'\r') {
            self.position += 1;
            self.spaced = true;
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), Fault> {
        if self.byte() != byte {
            return self.fault();
        }
        self.position += 1;
        Ok(())
    }

    /// Whether there was whitespace between tokens.
    pub fn is_spaced(&self) -> bool {
        self.spaced
    }

    /// The kind of the next value, if it is well-formed.
    pub fn peek(&mut self) -> Result<Kind, Fault> {
        self.space();
        Ok(match self.byte() {
            b'{' => Kind::Object,
            b'[' => Kind::Array,
            b'"' => Kind::String,
            b'-' | b'0'..=b'9' => Kind::Number,
            b't' | b'f' => Kind::Bool,
            b'n' => Kind::Null,
            _ => return self.fault(),
        })
    }

    /// Checks that only whitespace is left.
    pub fn end(&mut self) -> Result<(), Fault> {
        self.space();
        if self.position == self.text.len() {
            Ok(())
        } else {
            self.fault()
        }
    }

    /// The text since a position.
    pub fn since(&self, start: usize) -> &'a str {
        &self.text[start..self.position]
    }

    pub fn position(&self) -> usize {
        self.position
    }

    /// Enters an object. Read its members with `next_key`.
    pub fn enter(&mut self) -> Result<(), Fault> {
        self.space();
        self.expect(b'{')?;
        if self.depth == MAX_DEPTH {
            return Err(Fault::Depth);
        }
        self.depth += 1;
        Ok(())
    }

    /// The next key of an open object, up to its colon; none at its end. `first`: no member was
    /// read yet.
    pub fn next_key(&mut self, first: bool) -> Result<Option<Value<'a>>, Fault> {
        self.space();
        match self.byte() {
            b'}' => {
                self.position += 1;
                self.depth -= 1;
                return Ok(None);
            }
            b',' if !first => {
                self.position += 1;
                self.space();
            }
            _ if !first => return self.fault(),
            _ => {}
        }
        self.key_and_colon().map(Some)
    }

    /// The next key of an object that is the whole text.
    fn key(&mut self) -> Result<Option<Value<'a>>, Fault> {
        let first = self.depth == 0;
        if first {
            self.enter()?;
        }
        self.next_key(first)
    }

    fn key_and_colon(&mut self) -> Result<Value<'a>, Fault> {
        let start = self.position;
        self.string()?;
        let text = self.since(start);
        self.space();
        self.expect(b':')?;
        Ok(Value {
            kind: Kind::String,
            text,
        })
    }

    /// Reads one value.
    pub fn value(&mut self) -> Result<Value<'a>, Fault> {
        let kind = self.peek()?;
        let start = self.position;
        // One bit for each open container, the innermost lowest: set for an object.
        let mut open: u64 = 0;
        let mut depth = 0;
        'value: loop {
            match self.peek()? {
                kind @ (Kind::Object | Kind::Array) => {
                    if self.depth + depth == MAX_DEPTH {
                        return Err(Fault::Depth);
                    }
                    self.position += 1;
                    self.space();
                    let object = kind == Kind::Object;
                    if self.byte() == if object { b'}' } else { b']' } {
                        self.position += 1;
                    } else {
                        open = open << 1 | u64::from(object);
                        depth += 1;
                        if object {
                            self.key_and_colon()?;
                        }
                        continue 'value;
                    }
                }
                Kind::String => self.string()?,
                Kind::Number => self.number()?,
                Kind::Bool if self.byte() == b't' => self.literal("true")?,
                Kind::Bool => self.literal("false")?,
                Kind::Null => self.literal("null")?,
            }
            while depth > 0 {
                self.space();
                let object = open & 1 == 1;
                match self.byte() {
                    b',' => {
                        self.position += 1;
                        if object {
                            self.space();
                            self.key_and_colon()?;
                        }
                        continue 'value;
                    }
                    b'}' if object => {}
                    b']' if !object => {}
                    _ => return self.fault(),
                }
                self.position += 1;
                open >>= 1;
                depth -= 1;
            }
            return Ok(Value {
                kind,
                text: self.since(start),
            });
        }
    }

    fn literal(&mut self, literal: &str) -> Result<(), Fault> {
        if !self.text.as_bytes()[self.position..].starts_with(literal.as_bytes()) {
            return self.fault();
        }
        self.position += literal.len();
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Fault> {
        if !self.byte().is_ascii_digit() {
            return self.fault();
        }
        while self.byte().is_ascii_digit() {
            self.position += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), Fault> {
        if self.byte() == b'-' {
            self.position += 1;
        }
        if self.byte() == b'0' {
            self.position += 1;
        } else {
            self.digits()?;
        }
        if self.byte() == b'.' {
            self.position += 1;
            self.digits()?;
        }
        if matches!(self.byte(), b'e' | b'E') {
            self.position += 1;
            if matches!(self.byte(), b'+' | b'-') {
                self.position += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn string(&mut self) -> Result<(), Fault> {
        self.expect(b'"')?;
        let bytes = self.text.as_bytes();
        loop {
            while let Some(chunk) = bytes
                .get(self.position..)
                .and_then(<[u8]>::first_chunk::<8>)
            {
                if may_hold_special(u64::from_le_bytes(*chunk)) {
                    break;
                }
                self.position += 8;
            }
            match bytes.get(self.position) {
                Some(b'"') => {
                    self.position += 1;
                    return Ok(());
                }
                Some(b'\\') => {
                    self.position += 1;
                    match bytes.get(self.position) {
                        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                            self.position += 1
                        }
                        Some(b'u') => {
                            self.position += 1;
                            self.code_unit()?;
                            if matches!(bytes[self.position - 4], b'd' | b'D') {
                                self.pair()?;
                            }
                        }
                        _ => return self.fault(),
                    }
                }
                Some(0x20..) => self.position += 1,
                _ => return self.fault(),
            }
        }
    }

    /// Reads four hexadecimal digits.
    fn code_unit(&mut self) -> Result<(), Fault> {
        for _ in 0..4 {
            if !self.byte().is_ascii_hexdigit() {
                return self.fault();
            }
            self.position += 1;
        }
        Ok(())
    }

    /// Reads the second escape of a character that needs two; the first one, which begins with a
    /// `d`, was read. Half of a pair is not a character (RFC 8259, section 8.2), and many
    /// readers refuse it.
    /// many readers refuse it.
    #[cold]
    fn pair(&mut self) -> Result<(), Fault> {
        let bytes = self.text.as_bytes();
        let (start, end) = (self.position - 6, self.position);
        match bytes[start + 3] {
            b'0'..=b'7' => Ok(()),
            b'8' | b'9' | b'a' | b'b' | b'A' | b'B'
                if matches!(
                    bytes[end..],
                    [b'\\', b'u', b'd' | b'D', b'c'..=b'f' | b'C'..=b'F', ..]
                ) =>
            {
                self.position += 2;
                self.code_unit()
            }
            _ => Err(Fault::Syntax(start)),
        }
    }
}

/// Whether one of eight bytes may end a run of plain characters: a control character, a quote or
/// a backslash.
pub(super) fn may_hold_special(word: u64) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    // A byte of `x` that is zero borrows into its highest bit.
    let zero = |x: u64| x.wrapping_sub(ONES) & !x;
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    (control | zero(word ^ (ONES * u64::from(b'"'))) | zero(word ^ (ONES * u64::from(b'\\'))))
        & HIGHS
        != 0
}

/// The characters within a string; none if it is not well-formed.
fn unescape(inner: &str) -> Option<String> {
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let escape = *rest.as_bytes().get(at + 1)?;
        rest = &rest[at + 2..];
        out.push(match escape {
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = code_unit(&mut rest)?;
                if (0xD800..0xDC00).contains(&first) {
                    rest = rest.strip_prefix("\\u")?;
                    let second = code_unit(&mut rest)?;
                    char::decode_utf16([first, second]).next()?.ok()?
                } else {
                    char::from_u32(u32::from(first))?
                }
            }
            other => char::from(other),
        });
    }
    out.push_str(rest);
    Some(out)
}

/// Takes the four digits of a `\u` escape.
fn code_unit(rest: &mut &str) -> Option<u16> {
    let (digits, after) = rest.split_at_checked(4)?;
    *rest = after;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests;
