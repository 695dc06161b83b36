//! The icon, drawn: a track that divides, and a mark in the corner that tells the state by its shape, not by its colour alone.
//!
//! Three variants: for dark panels, with a thin dark rim that also stands out on a light one; for light panels; and the template that macOS
//! colours itself.

use tauri::image::Image;

/// Side of the picture in pixels; panels make it smaller.
const SIDE: u32 = 32;
/// Points looked at per pixel and direction: soft edges.
const FINE: u32 = 4;

/// Which panel it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Variant {
    Dark,
    Light,
    Template,
}

type Colour = [u8; 4];

const WHITE: Colour = [255, 255, 255, 255];
const BLACK: Colour = [0, 0, 0, 255];
const INK: Colour = [32, 36, 43, 255];
const RIM: Colour = [0, 0, 0, 110];
const BLUE: Colour = [64, 142, 255, 255];
const AMBER: Colour = [245, 166, 35, 255];
const RED: Colour = [229, 72, 77, 255];
const CLEAR: Colour = [0, 0, 0, 0];

/// The icon of a state (of [`engine::ICON_WORDS`]), for a light panel or a dark one.
pub(super) fn draw(state: &str, light: bool) -> Image<'static> {
    let variant = match light {
        _ if cfg!(target_os = "macos") => Variant::Template,
        true => Variant::Light,
        false => Variant::Dark,
    };
    Image::new_owned(pixels(state, variant), SIDE, SIDE)
}

fn pixels(state: &str, variant: Variant) -> Vec<u8> {
    let mut picture = Vec::with_capacity((SIDE * SIDE * 4) as usize);
    for y in 0..SIDE {
        for x in 0..SIDE {
            picture.extend(pixel(state, variant, x, y));
        }
    }
    picture
}

/// The mean colour of the points in a pixel.
fn pixel(state: &str, variant: Variant, x: u32, y: u32) -> Colour {
    let mut sum = [0u32; 4];
    for n in 0..FINE * FINE {
        let at = |pixel: u32, step: u32| pixel as f32 + (step as f32 + 0.5) / FINE as f32;
        let [r, g, b, a] = point(state, variant, at(x, n % FINE), at(y, n / FINE));
        let weight = u32::from(a);
        sum[0] += u32::from(r) * weight;
        sum[1] += u32::from(g) * weight;
        sum[2] += u32::from(b) * weight;
        sum[3] += weight;
    }
    let weight = sum[3];
    if weight == 0 {
        return CLEAR;
    }
    let mean = |n: usize| u8::try_from(sum[n] / weight).unwrap_or(u8::MAX);
    let alpha = u8::try_from(weight / (FINE * FINE)).unwrap_or(u8::MAX);
    [mean(0), mean(1), mean(2), alpha]
}

/// The colour of one point: the mark, the free space around it, the track, its rim.
fn point(state: &str, variant: Variant, x: f32, y: f32) -> Colour {
    let (ink, rim) = match variant {
        Variant::Dark => (WHITE, RIM),
        Variant::Light => (INK, CLEAR),
        Variant::Template => (BLACK, CLEAR),
    };
    // What does not serve is drawn faint, with a mark in the same colour.
    let rests = matches!(state, "stopped" | "offline");
    match mark(state, x, y) {
        Mark::Beside => {}
        Mark::Around => return CLEAR,
        Mark::In(_) if rests || variant == Variant::Template => return ink,
        Mark::In(colour) => return colour,
    }
    let ink = if rests {
        [ink[0], ink[1], ink[2], 140]
    } else {
        ink
    };
    match track(x, y) {
        distance if distance <= 0.0 => ink,
        distance if distance <= 1.2 => rim,
        _ => CLEAR,
    }
}

/// How far a point is from the track: from the left, dividing to the upper and the lower right, with a stop at each end.
fn track(x: f32, y: f32) -> f32 {
    const THICK: f32 = 1.9;
    const STOP: f32 = 3.6;
    let lines = [
        ((5.0, 16.0), (13.0, 16.0)),
        ((13.0, 16.0), (20.0, 8.0)),
        ((20.0, 8.0), (26.0, 8.0)),
        ((13.0, 16.0), (20.0, 24.0)),
        ((20.0, 24.0), (26.0, 24.0)),
    ];
    let stops = [(5.0, 16.0), (26.5, 8.0), (26.5, 24.0)];
    let of_lines = lines.map(|(from, to)| segment((x, y), from, to) - THICK);
    let of_stops = stops.map(|(a, b)| (x - a).hypot(y - b) - STOP);
    of_lines
        .into_iter()
        .chain(of_stops)
        .fold(f32::MAX, f32::min)
}

fn segment((x, y): (f32, f32), (ax, ay): (f32, f32), (bx, by): (f32, f32)) -> f32 {
    let (dx, dy) = (bx - ax, by - ay);
    let along = ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy);
    let along = along.clamp(0.0, 1.0);
    (x - ax - along * dx).hypot(y - ay - along * dy)
}

/// Where a point is, seen from the mark in the lower right corner.
enum Mark {
    Beside,
    /// In the free space around it.
    Around,
    In(Colour),
}

fn mark(state: &str, x: f32, y: f32) -> Mark {
    let (x, y) = (x - 24.0, y - 24.0);
    let disc = |radius: f32| x.hypot(y) <= radius;
    let (inside, colour) = match state {
        // A disc.
        "working" => (disc(5.0), BLUE),
        // A triangle on its base.
        "low" => (
            (-6.0..=5.0).contains(&y) && x.abs() <= (y + 6.0) * 0.6,
            AMBER,
        ),
        // A disc with a gap in the shape of "!".
        "attention" => {
            let gap = x.abs() <= 1.1 && ((-4.0..=1.2).contains(&y) || (2.6..=4.6).contains(&y));
            (disc(6.5) && !gap, RED)
        }
        // Two bars.
        "stopped" => (y.abs() <= 5.5 && (1.5..=4.5).contains(&x.abs()), WHITE),
        // A cross.
        "offline" => {
            let near = (x - y).abs().min((x + y).abs()) <= 1.9;
            (near && x.abs() <= 4.8 && y.abs() <= 4.8, WHITE)
        }
        _ => return Mark::Beside,
    };
    match inside {
        true => Mark::In(colour),
        false if disc(8.0) => Mark::Around,
        false => Mark::Beside,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_a_picture_of_its_own() {
        for variant in [Variant::Dark, Variant::Light, Variant::Template] {
            let pictures = engine::ICON_WORDS
                .iter()
                .map(|state| pixels(state, variant));
            let mut pictures: Vec<_> = pictures.collect();
            assert!(pictures.iter().all(|picture| picture.len() == 32 * 32 * 4));
            pictures.sort();
            pictures.dedup();
            assert_eq!(pictures.len(), engine::ICON_WORDS.len(), "{variant:?}");
        }
    }

    #[test]
    fn a_template_has_one_colour() {
        for state in engine::ICON_WORDS {
            let picture = pixels(state, Variant::Template);
            assert!(picture.chunks(4).all(|p| p[..3] == [0, 0, 0]), "{state}");
        }
    }
}
