//! Palettes, and the page that shows them.

use schemars::JsonSchema;
use serde::Serialize;
use spin_mcp_sdk::{Json, resource, tool};

spin_mcp_sdk::export! {
    tools: [palette, contrast],
    resources: [page],
}

/// Where the page is.
const PAGE: &str = "ui://palette/page.html";

#[derive(JsonSchema, Serialize)]
struct Palette {
    hue: u16,
    /// From dark to light, such as `#1a2b3c`.
    colors: Vec<String>,
}

/// Makes colors of one hue, from dark to light.
#[tool(title = "Make a palette", annotations(read_only = true, open_world = false), ui = PAGE)]
fn palette(
    /// In degrees: 0 is red, 120 green, 240 blue.
    #[schemars(range(max = 359))]
    hue: u16,
    /// How many colors.
    #[schemars(range(min = 2, max = 12))]
    #[default(6)]
    steps: u8,
) -> Result<Json<Palette>, String> {
    if hue > 359 || !(2..=12).contains(&steps) {
        return Err("the hue is 0 to 359, and there are 2 to 12 steps".into());
    }
    let light = |step: u8| 0.15 + 0.75 * f64::from(step) / f64::from(steps - 1);
    let colors = (0..steps).map(|step| hex(rgb(f64::from(hue), 0.55, light(step))));
    Ok(Json(Palette {
        hue,
        colors: colors.collect(),
    }))
}

/// Says how well white and black text can be read on a color.
#[tool(annotations(read_only = true, open_world = false), ui = PAGE, visibility(app))]
fn contrast(
    /// Such as `#1a2b3c`.
    color: &str,
) -> Result<String, String> {
    let parsed = color.strip_prefix('#').filter(|digits| digits.len() == 6);
    let number = parsed.and_then(|digits| u32::from_str_radix(digits, 16).ok());
    let number = number.ok_or("a color is `#` and six hexadecimal digits")?;
    let linear = |shift: u32| {
        let part = f64::from(number >> shift & 255) / 255.0;
        match part <= 0.04045 {
            true => part / 12.92,
            false => ((part + 0.055) / 1.055).powf(2.4),
        }
    };
    let luminance = 0.2126 * linear(16) + 0.7152 * linear(8) + 0.0722 * linear(0);
    let (white, black) = (1.05 / (luminance + 0.05), (luminance + 0.05) / 0.05);
    Ok(format!("{color}: white {white:.1}, black {black:.1}"))
}

/// Shows a palette.
#[resource("ui://palette/page.html", title = "Palette")]
fn page() -> &'static str {
    include_str!("page.html")
}

/// https://www.w3.org/TR/css-color-4/#hsl-to-rgb
fn rgb(hue: f64, saturation: f64, lightness: f64) -> [f64; 3] {
    [0.0, 8.0, 4.0].map(|offset| {
        let at = (offset + hue / 30.0) % 12.0;
        let spread = saturation * lightness.min(1.0 - lightness);
        lightness - spread * (at - 3.0).min(9.0 - at).clamp(-1.0, 1.0)
    })
}

fn hex(parts: [f64; 3]) -> String {
    let [red, green, blue] = parts.map(|part| (part * 255.0).round() as u8);
    format!("#{red:02x}{green:02x}{blue:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colors_go_from_dark_to_light() {
        let made = palette(0, 3).unwrap().0.colors;
        assert_eq!(made, ["#3b1111", "#c84343", "#f4d7d7"]);
        assert!(palette(360, 3).is_err() && palette(0, 1).is_err());
    }

    #[test]
    fn black_on_white_is_21() {
        assert_eq!(
            contrast("#ffffff").unwrap(),
            "#ffffff: white 1.0, black 21.0"
        );
        assert!(contrast("red").is_err());
    }
}
