//! Where the window was and how large, kept in the home's `window.json`. What cannot be read is the default: nobody loses anything.

use std::path::PathBuf;

use engine::home::{Home, PRIVATE, write_atomic};
use serde::{Deserialize, Serialize};
use tauri::utils::config::WindowConfig;
use tauri::{Monitor, WebviewWindow};

/// In logical pixels, so that it means the same on a finer screen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Geometry {
    size: Option<(f64, f64)>,
    position: Option<(f64, f64)>,
    maximized: bool,
    /// The person was told that closing the window does not end the application.
    pub told: bool,
}

/// How much of the window's top must be on a screen to be got hold of.
const GRIP: f64 = 64.0;

/// A screen: left, top, width, height, in logical pixels.
type Area = (f64, f64, f64, f64);

impl Geometry {
    pub(crate) fn read(home: &Home) -> Self {
        std::fs::read(file(home))
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default()
    }

    pub(crate) fn write(&self, home: &Home) {
        let written = serde_json::to_vec(self)
            .map_err(std::io::Error::from)
            .and_then(|text| write_atomic(&file(home), &text, PRIVATE));
        if let Err(error) = written {
            tracing::debug!(%error, "the window's place could not be kept");
        }
    }

    /// As the window is now; one that is maximised keeps the size it had before.
    pub(crate) fn take(&mut self, window: &WebviewWindow) {
        self.maximized = window.is_maximized().unwrap_or(false);
        if self.maximized || window.is_minimized().unwrap_or(false) {
            return;
        }
        let scale = window.scale_factor().unwrap_or(1.0);
        if let Ok(size) = window.inner_size() {
            let size = size.to_logical::<f64>(scale);
            self.size = Some((size.width, size.height));
        }
        if let Ok(position) = window.outer_position() {
            let position = position.to_logical::<f64>(scale);
            self.position = Some((position.x, position.y));
        }
    }

    /// Puts it into the configuration of a window to be made.
    pub(crate) fn apply(&self, config: &mut WindowConfig, monitors: &[Monitor]) {
        let area = |monitor: &Monitor| {
            let scale = monitor.scale_factor();
            let (at, size) = (monitor.position(), monitor.size());
            let (at, size) = (at.to_logical::<f64>(scale), size.to_logical::<f64>(scale));
            (at.x, at.y, size.width, size.height)
        };
        self.place(config, &monitors.iter().map(area).collect::<Vec<_>>());
    }

    fn place(&self, config: &mut WindowConfig, areas: &[Area]) {
        if let Some((width, height)) = self.size {
            config.width = width.max(config.min_width.unwrap_or_default());
            config.height = height.max(config.min_height.unwrap_or_default());
        }
        config.maximized = self.maximized;
        let Some((x, y)) = self.position else { return };
        let reachable = |&(left, top, width, height): &Area| {
            x + config.width >= left + GRIP
                && x <= left + width - GRIP
                && y >= top
                && y <= top + height - GRIP
        };
        // A screen that is gone has taken the place with it.
        if areas.iter().any(reachable) {
            (config.x, config.y, config.center) = (Some(x), Some(y), false);
        }
    }
}

fn file(home: &Home) -> PathBuf {
    home.root().join("window.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_taken_only_where_a_screen_is() {
        let screens = [(0.0, 0.0, 1280.0, 800.0), (1280.0, 0.0, 800.0, 600.0)];
        let cases = [
            ((10.0, 20.0), true),
            ((-890.0, 20.0), true),
            ((-950.0, 20.0), false),
            ((10.0, -5.0), false),
            ((10.0, 790.0), false),
            ((1500.0, 100.0), true),
            ((3000.0, 100.0), false),
        ];
        for (position, expected) in cases {
            let geometry = Geometry {
                size: Some((960.0, 100.0)),
                position: Some(position),
                ..Geometry::default()
            };
            let mut config = WindowConfig {
                min_height: Some(480.0),
                ..WindowConfig::default()
            };
            geometry.place(&mut config, &screens);
            assert_eq!(config.x.is_some(), expected, "{position:?}");
            assert_eq!((config.width, config.height), (960.0, 480.0));
        }
    }

    #[test]
    fn what_cannot_be_read_is_the_default() {
        let read = |text: &str| serde_json::from_str::<Geometry>(text).unwrap_or_default();
        assert_eq!(read("{"), Geometry::default());
        assert!(read(r#"{"told":true,"later":1}"#).told);
    }
}
