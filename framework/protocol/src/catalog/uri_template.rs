//! URI templates (RFC 6570), and which URIs match them
//! (https://modelcontextprotocol.io/specification/2026-07-28/server/resources#resource-templates).

/// The longest template, in bytes.
pub const MAX_TEMPLATE: usize = 2048;
/// The longest URI that can match, in bytes.
pub const MAX_URI: usize = 8192;

/// Whether a URI matches a template. Every expansion of the template matches, and so do URIs
/// that differ from one only in ways that clients often get wrong.
///
/// - Variables may have any value or none, so an expression may expand to nothing.
/// - `{a,b}` matches text without `/`, `?` and `#`, percent-encoded or not; `{.a,b}` the same
///   after a dot.
/// - `{+a}` matches anything, and `{#a}` anything after a `#`.
/// - `{/a,b}` matches at most as many segments as there are variables, each after its `/`, or
///   any number of segments if a variable is exploded.
/// - `{?a,b}`, `{&a,b}` and `{;a,b}` match parameters with these names, with or without a value,
///   in any order and any number of times. If a variable is exploded, the parameters may have
///   any names.
/// - Prefix lengths (`{a:3}`) are ignored, and a variable that occurs twice may have two values.
/// - Outside of expressions, letters beyond ASCII match themselves and their percent-encoding.
///
/// The time is proportional to the length of the URI times that of the template. A URI longer
/// than [`MAX_URI`] or a template longer than [`MAX_TEMPLATE`] does not match, nor does a
/// template with an expression that is not closed.
pub fn matches(template: &str, uri: &str) -> bool {
    if template.len() > MAX_TEMPLATE || uri.len() > MAX_URI {
        return false;
    }
    let (head, template) = template.split_at(template.find('{').unwrap_or(template.len()));
    let Some(start) = after_literal(head, uri.as_bytes(), 0) else {
        return false;
    };
    let mut matcher = Matcher::new(&uri.as_bytes()[start..]);
    for part in Parts(template) {
        match part {
            Part::Literal(literal) => matcher.literal(literal),
            Part::Expression(expression) => matcher.expression(&expression),
            Part::Unclosed => return false,
        }
    }
    matcher.at_end()
}

/// Checks the template of an author. The error says what is wrong and what to do.
pub fn check(template: &str) -> Result<(), String> {
    if template.is_empty() {
        return Err("it is empty".to_owned());
    }
    if template.len() > MAX_TEMPLATE {
        return Err(format!(
            "it has {} bytes; it may have {MAX_TEMPLATE}",
            template.len()
        ));
    }
    for part in Parts(template) {
        match part {
            Part::Literal(literal) => check_literal(literal)?,
            Part::Expression(expression) => check_expression(&expression)?,
            Part::Unclosed => return Err("a `{` is never closed; add a `}`".to_owned()),
        }
    }
    Ok(())
}

fn check_literal(literal: &str) -> Result<(), String> {
    for (at, c) in literal.char_indices() {
        match c {
            '}' => return Err("a `}` closes nothing; write it as `%7D`".to_owned()),
            '%' if !is_encoded(&literal.as_bytes()[at..]) => {
                return Err(
                    "a `%` has no two hexadecimal digits after it; write it as `%25`".to_owned(),
                );
            }
            '"' | '<' | '>' | '\\' | '^' | '`' | '|' => {}
            c if c.is_whitespace() || c.is_control() => {}
            _ => continue,
        }
        return Err(format!(
            "it contains `{}` outside of `{{}}`; percent-encode it",
            c.escape_debug()
        ));
    }
    Ok(())
}

fn check_expression(expression: &Expression<'_>) -> Result<(), String> {
    if let Some(reserved @ ('=' | ',' | '!' | '@' | '|')) = expression.variables.chars().next()
        && expression.operator == Operator::Simple
    {
        return Err(format!(
            "the operator `{reserved}` is reserved; use one of `+ # . / ; ? &`, or none"
        ));
    }
    for variable in expression.variables.split(',') {
        let (name, length) = match variable.split_once(':') {
            Some((name, length)) => (name, Some(length)),
            None => (variable.strip_suffix('*').unwrap_or(variable), None),
        };
        if !is_name(name) {
            return Err(format!(
                "`{}` is not the name of a variable; it takes `A-Z a-z 0-9 _`, dots between them, \
                 and percent-encoded bytes",
                name.escape_debug()
            ));
        }
        let is_length = |length: &str| {
            (1..=4).contains(&length.len())
                && length.bytes().all(|byte| byte.is_ascii_digit())
                && !length.starts_with('0')
        };
        if length.is_some_and(|length| !is_length(length)) {
            return Err(format!(
                "`{}` has no prefix length from 1 to 9999 after its colon",
                variable.escape_debug()
            ));
        }
    }
    Ok(())
}

fn is_name(name: &str) -> bool {
    name.split('.').all(|word| {
        let mut rest = word.as_bytes();
        while let Some(&first) = rest.first() {
            let length = match first {
                b'%' if is_encoded(rest) => 3,
                b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => 1,
                _ => return false,
            };
            rest = &rest[length..];
        }
        !word.is_empty()
    })
}

/// Whether the text begins with a percent-encoded byte.
fn is_encoded(text: &[u8]) -> bool {
    matches!(text, [b'%', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Operator {
    Simple,
    Reserved,
    Fragment,
    Label,
    Path,
    Parameter,
    Query,
    Continuation,
}

#[derive(Clone, Copy, Debug)]
struct Expression<'a> {
    operator: Operator,
    /// The variables with their modifiers, and the commas between them.
    variables: &'a str,
}

impl<'a> Expression<'a> {
    /// The text between the braces.
    fn new(text: &'a str) -> Expression<'a> {
        let operator = match text.bytes().next() {
            Some(b'+') => Operator::Reserved,
            Some(b'#') => Operator::Fragment,
            Some(b'.') => Operator::Label,
            Some(b'/') => Operator::Path,
            Some(b';') => Operator::Parameter,
            Some(b'?') => Operator::Query,
            Some(b'&') => Operator::Continuation,
            _ => Operator::Simple,
        };
        Expression {
            operator,
            variables: &text[usize::from(operator != Operator::Simple)..],
        }
    }

    fn is_exploded(&self) -> bool {
        self.variables.split(',').any(|name| name.ends_with('*'))
    }
}

#[derive(Clone, Copy, Debug)]
enum Part<'a> {
    Literal(&'a str),
    Expression(Expression<'a>),
    /// The template ends within an expression.
    Unclosed,
}

/// The parts of a template.
struct Parts<'a>(&'a str);

impl<'a> Iterator for Parts<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        let (part, rest) = match self.0.strip_prefix('{') {
            None if self.0.is_empty() => return None,
            None => {
                let end = self.0.find('{').unwrap_or(self.0.len());
                (Part::Literal(&self.0[..end]), &self.0[end..])
            }
            Some(text) => match text.split_once('}') {
                Some((inner, rest)) => (Part::Expression(Expression::new(inner)), rest),
                None => (Part::Unclosed, ""),
            },
        };
        self.0 = rest;
        Some(part)
    }
}

/// The places in a URI that the parts of a template can have reached. Keeping all of them means
/// that the URI is read only once.
struct Matcher<'a> {
    uri: &'a [u8],
    /// One flag for each place, including the end.
    here: Vec<bool>,
}

impl<'a> Matcher<'a> {
    fn new(uri: &'a [u8]) -> Matcher<'a> {
        let mut here = vec![false; uri.len() + 1];
        here[0] = true;
        Matcher { uri, here }
    }

    fn at_end(&self) -> bool {
        self.here.last().is_some_and(|&here| here)
    }

    fn literal(&mut self, literal: &str) {
        // Backwards, since a place only leads to later ones.
        for at in (0..self.here.len()).rev() {
            if std::mem::take(&mut self.here[at])
                && let Some(end) = after_literal(literal, self.uri, at)
            {
                self.here[end] = true;
            }
        }
    }

    fn expression(&mut self, expression: &Expression<'_>) {
        let in_segment = |byte| !matches!(byte, b'/' | b'?' | b'#');
        let names = expression.variables;
        match (expression.operator, expression.is_exploded()) {
            (Operator::Simple, _) => self.run(in_segment),
            (Operator::Reserved, _) => self.run(|_| true),
            (Operator::Fragment, _) => self.run_after(b'#', |_| true),
            (Operator::Label, _) => self.run_after(b'.', in_segment),
            (Operator::Path, false) => {
                for _ in names.split(',') {
                    self.run_after(b'/', in_segment);
                }
            }
            (Operator::Path, true) => self.run_after(b'/', |byte| !matches!(byte, b'?' | b'#')),
            (Operator::Parameter, false) => self.parameters(b';', b';', names, in_segment),
            (Operator::Parameter, true) => self.run_after(b';', in_segment),
            (Operator::Query, false) => self.parameters(b'?', b'&', names, |byte| byte != b'#'),
            (Operator::Query, true) => self.run_after(b'?', |byte| byte != b'#'),
            (Operator::Continuation, false) => {
                self.parameters(b'&', b'&', names, |byte| byte != b'#');
            }
            (Operator::Continuation, true) => self.run_after(b'&', |byte| byte != b'#'),
        }
    }

    /// Any number of these bytes.
    fn run(&mut self, allowed: impl Fn(u8) -> bool) {
        for (at, &byte) in self.uri.iter().enumerate() {
            self.here[at + 1] |= self.here[at] && allowed(byte);
        }
    }

    /// Nothing, or this byte and any number of those.
    fn run_after(&mut self, first: u8, allowed: impl Fn(u8) -> bool) {
        let mut inside = vec![false; self.here.len()];
        for (at, &byte) in self.uri.iter().enumerate() {
            inside[at + 1] = (self.here[at] && byte == first) || (inside[at] && allowed(byte));
        }
        self.also(&inside);
    }

    /// Nothing, or this byte and parameters with a separator between them. No value contains the
    /// separator.
    fn parameters(
        &mut self,
        first: u8,
        between: u8,
        variables: &str,
        allowed: impl Fn(u8) -> bool,
    ) {
        let names = || {
            variables
                .split(',')
                .map(|name| name.split(':').next().unwrap_or(name))
        };
        let places = self.here.len();
        let (mut name, mut value, mut end) = (
            vec![false; places],
            vec![false; places],
            vec![false; places],
        );
        for at in 0..places {
            let byte = self.uri.get(at).copied();
            if name[at] {
                for known in names().filter(|&known| self.uri[at..].starts_with(known.as_bytes())) {
                    let after = at + known.len();
                    end[after] = true;
                    if self.uri.get(after) == Some(&b'=') {
                        value[after + 1] = true;
                    }
                }
            }
            end[at] |= value[at];
            if let Some(byte) = byte {
                value[at + 1] |= value[at] && byte != between && allowed(byte);
                name[at + 1] = (self.here[at] && byte == first) || (end[at] && byte == between);
            }
        }
        self.also(&end);
    }

    fn also(&mut self, places: &[bool]) {
        for (here, place) in self.here.iter_mut().zip(places) {
            *here |= place;
        }
    }
}

/// The place after this text of a template, if the text is there.
fn after_literal(literal: &str, uri: &[u8], start: usize) -> Option<usize> {
    literal.bytes().try_fold(start, |at, byte| {
        let rest = uri.get(at..)?;
        if rest.first() == Some(&byte) {
            return Some(at + 1);
        }
        if byte.is_ascii() || !is_encoded(rest) {
            return None;
        }
        let digits = str::from_utf8(&rest[1..3]).ok()?;
        (u8::from_str_radix(digits, 16) == Ok(byte)).then_some(at + 3)
    })
}

#[cfg(test)]
mod tests;
