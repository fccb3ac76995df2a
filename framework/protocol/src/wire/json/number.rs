//! Numbers in their decimal form: no rounding, and no tables for floating point.

/// Whether a JSON number is an integer, such as `1`, `1.0` and `1e2`.
pub fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits.bytes().all(|byte| byte.is_ascii_digit())
        || Decimal::read(text).is_some_and(|number| number.exponent >= 0)
}

/// Whether two JSON numbers are equal, such as `42`, `42.0` and `4.2e1`.
pub fn same_number(a: &str, b: &str) -> bool {
    a == b || matches!((Decimal::read(a), Decimal::read(b)), (Some(a), Some(b)) if a == b)
}

/// `digits` times ten to the power of `exponent`. The digits have no zeros at either end; zero
/// has no digits.
#[derive(PartialEq)]
struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    exponent: i64,
}

impl Decimal {
    /// None for exponents that no client needs.
    fn read(text: &str) -> Option<Decimal> {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match text.find(['e', 'E']) {
            Some(at) => (&text[..at], text[at + 1..].parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut digits: Vec<u8> = whole
            .bytes()
            .chain(fraction.bytes())
            .skip_while(|&digit| digit == b'0')
            .collect();
        let mut exponent = i64::from(exponent) - fraction.len() as i64;
        while digits.last() == Some(&b'0') {
            digits.pop();
            exponent += 1;
        }
        if digits.is_empty() {
            return Some(Decimal {
                negative: false,
                digits,
                exponent: 0,
            });
        }
        Some(Decimal {
            negative,
            digits,
            exponent,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_have_no_fraction() {
        for text in [
            "0",
            "-1",
            "123456789012345678901234567890",
            "1.0",
            "-1.50e1",
            "1e2",
            "0.0",
        ] {
            assert!(is_integer(text), "{text}");
        }
        for text in ["1.5", "1e-1", "10.01"] {
            assert!(!is_integer(text), "{text}");
        }
    }

    #[test]
    fn numbers_compare_by_value() {
        for (a, b) in [
            ("42", "42.0"),
            ("42", "4.2e1"),
            ("0", "-0.0"),
            ("1000", "1E+3"),
            ("-0.5", "-5e-1"),
            ("100", "1e2"),
        ] {
            assert!(same_number(a, b) && same_number(b, a), "{a} {b}");
        }
        for (a, b) in [
            ("42", "43"),
            ("42", "-42"),
            ("42", "420"),
            ("9007199254740993", "9007199254740992"),
            ("9007199254740993", "9007199254740992.0"),
            ("1", "1e99999999999999999999"),
        ] {
            assert!(!same_number(a, b) && !same_number(b, a), "{a} {b}");
        }
    }
}
