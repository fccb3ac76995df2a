//! Times in JSON.

/// A time in ISO 8601, in UTC with milliseconds. `milliseconds` counts from
/// 1970-01-01T00:00:00Z.
pub fn iso8601(milliseconds: u64) -> String {
    let (seconds, milliseconds) = (milliseconds / 1000, milliseconds % 1000);
    let (year, month, day) = civil(seconds / 86_400);
    let (hour, minute) = (seconds / 3600 % 24, seconds / 60 % 60);
    format!(
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{:02}.{milliseconds:03}Z",
        seconds % 60
    )
}

/// Whether a text is a date and a time of day with a zone, as RFC 3339 has it.
pub fn is_iso8601(text: &str) -> bool {
    let bytes = text.as_bytes();
    let zone = bytes.len()
        - if text.ends_with('Z') {
            1
        } else {
            6.min(bytes.len())
        };
    let Some((time, fraction)) = bytes[..zone].split_at_checked(19) else {
        return false;
    };
    has_form(time, b"0000-00-00T00:00:00")
        && (b"01"..=b"12").contains(&&[time[5], time[6]])
        && (b"01"..=b"31").contains(&&[time[8], time[9]])
        && time[11..13] < b"24"[..]
        && time[14..16] < b"60"[..]
        && time[17..19] < b"61"[..]
        && (fraction.is_empty()
            || fraction.len() > 1
                && fraction[0] == b'.'
                && fraction[1..].iter().all(u8::is_ascii_digit))
        && (bytes[zone..] == *b"Z"
            || has_form(&bytes[zone..], b"+00:00")
            || has_form(&bytes[zone..], b"-00:00"))
}

/// Whether a text has digits where the form has zeros, and is the same elsewhere.
fn has_form(text: &[u8], form: &[u8]) -> bool {
    text.len() == form.len()
        && text.iter().zip(form).all(|(byte, form)| match form {
            b'0' => byte.is_ascii_digit(),
            form => byte == form,
        })
}

/// The date of a day, counted from 1970.
///
/// Years are counted from 0000-03-01: then they end with the leap day, and the months before the
/// last follow a pattern of five with 153 days.
fn civil(days: u64) -> (u64, u64, u64) {
    const FOUR_CENTURIES: u64 = 146_097;
    let days = days + 719_468;
    let (cycle, of_cycle) = (days / FOUR_CENTURIES, days % FOUR_CENTURIES);
    // The leap days before this day: one in 4 years, not in 100, but in 400.
    let leaps = of_cycle / 1460 - of_cycle / 36_524 + of_cycle / (FOUR_CENTURIES - 1);
    let of_cycle_years = (of_cycle - leaps) / 365;
    let before = 365 * of_cycle_years + of_cycle_years / 4 - of_cycle_years / 100;
    let of_year = of_cycle - before;
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let (month, next) = if from_march < 10 {
        (from_march + 3, 0)
    } else {
        (from_march - 9, 1)
    };
    (400 * cycle + of_cycle_years + next, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_zone() {
        for time in [
            "2026-07-28T12:00:00Z",
            "2026-07-28T12:00:00.5+02:00",
            "2016-12-31T23:59:60.123456-11:30",
        ] {
            assert!(is_iso8601(time), "{time}");
        }
        for time in [
            "",
            "Z",
            "2026-07-28",
            "2026-07-28T12:00:00",
            "2026-07-28 12:00:00Z",
            "2026-13-28T12:00:00Z",
            "2026-07-32T12:00:00Z",
            "2026-07-28T24:00:00Z",
            "2026-07-28T12:60:00Z",
            "2026-07-28T12:00:00.Z",
            "2026-07-28T12:00:00.xZ",
            "2026-07-28T12:00:00+0200",
            "2026-07-28T12:00Z",
            "2026-00-28T12:00:00Z",
            "é2026-07-28",
        ] {
            assert!(!is_iso8601(time), "{time}");
        }
    }

    #[test]
    fn known_times() {
        for (milliseconds, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_800_001, "2000-03-01T00:00:00.001Z"),
            (1_795_000_000_000, "2026-11-18T11:06:40.000Z"),
            (4_107_542_399_000, "2100-02-28T23:59:59.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(iso8601(milliseconds), text);
        }
        iso8601(u64::MAX);
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let (mut year, mut month, mut day) = (1970, 1, 1);
        for days in 0..300_000 {
            assert_eq!(civil(days), (year, month, day));
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let last = match month {
                2 => 28 + u64::from(leap),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            day += 1;
            if day > last {
                (day, month) = (1, month + 1);
            }
            if month > 12 {
                (month, year) = (1, year + 1);
            }
        }
    }
}
