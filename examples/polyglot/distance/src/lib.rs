//! The tools of this component. Models read the doc comments.

use schemars::JsonSchema;
use serde::Deserialize;
use spin_mcp_sdk::tool;

spin_mcp_sdk::export!(tools: [distance]);

/// A place on Earth, in degrees.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Place {
    /// North is positive.
    latitude: f64,
    /// East is positive.
    longitude: f64,
}

const EARTH_RADIUS_KM: f64 = 6371.0;

/// Tells how far one place is from another, as the crow flies.
#[tool]
fn distance(from: Place, to: Place) -> Result<String, String> {
    let (from, to) = (from.in_radians()?, to.in_radians()?);
    // The haversine formula.
    let latitude = ((to.0 - from.0) / 2.0).sin().powi(2);
    let longitude = ((to.1 - from.1) / 2.0).sin().powi(2);
    let half_chord = (latitude + from.0.cos() * to.0.cos() * longitude).sqrt();
    let km = 2.0 * EARTH_RADIUS_KM * half_chord.min(1.0).asin();
    Ok(format!("{km:.0} km"))
}

impl Place {
    fn in_radians(&self) -> Result<(f64, f64), String> {
        let Self {
            latitude,
            longitude,
        } = self;
        if latitude.abs() > 90.0 || longitude.abs() > 180.0 {
            return Err(format!("there is no place at {latitude}, {longitude}"));
        }
        Ok((latitude.to_radians(), longitude.to_radians()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between(from: (f64, f64), to: (f64, f64)) -> Result<String, String> {
        let [from, to] = [from, to].map(|(latitude, longitude)| Place {
            latitude,
            longitude,
        });
        distance(from, to)
    }

    #[test]
    fn is_half_the_circumference_at_most() {
        assert_eq!(between((0.0, -90.0), (0.0, 90.0)), Ok("20015 km".into()));
        assert_eq!(between((90.0, 0.0), (90.0, 120.0)), Ok("0 km".into()));
    }

    #[test]
    fn refuses_what_is_not_on_earth() {
        assert!(between((0.0, 0.0), (91.0, 0.0)).is_err());
    }
}
