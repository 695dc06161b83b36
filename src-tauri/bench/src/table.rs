//! Figures against the goal table: rows, limits, verdicts, and how they are printed.
//!
//! Measures nothing. Used by `rows` and `main`.

use serde_json::{Value, json};
use std::fmt;

/// Percent of all CPUs in other hands from which a figure is marked.
const NOISY: f64 = 5.0;

/// What a figure must keep.
#[derive(Debug, Clone, Copy)]
pub enum Limit {
    /// At most.
    Most(f64),
    /// At least.
    Least(f64),
    /// At most so many times nginx's figure of the same run.
    Nginx(f64),
    /// At most the first where nginx is as fast as on the machine of the goal table; where nginx takes longer than the second, its figure
    /// there, as much more.
    OrScaled(f64, f64),
    /// At most the second times nginx's figure, which is how the first, said for the machine of the goal table, travels.
    AndScaled(f64, f64),
}

impl Limit {
    /// Whether it is kept on this machine; `None` when nginx's figure is needed and missing.
    fn kept(self, ours: f64, nginx: Option<f64>) -> Option<bool> {
        match (self, nginx) {
            (Limit::Nginx(times), _) => nginx.map(|nginx| ours <= times * nginx),
            (Limit::OrScaled(most, there), Some(nginx)) => {
                Some(ours <= most * (nginx / there).max(1.0))
            }
            (Limit::AndScaled(_, times), Some(nginx)) => Some(ours <= times * nginx),
            _ => self.kept_as_written(ours),
        }
    }

    /// Whether the figure that the goal table names is kept, whatever the machine; `None` where it names none.
    fn kept_as_written(self, ours: f64) -> Option<bool> {
        match self {
            Limit::Most(most) | Limit::OrScaled(most, _) | Limit::AndScaled(most, _) => {
                Some(ours <= most)
            }
            Limit::Least(least) => Some(ours >= least),
            Limit::Nginx(_) => None,
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Limit::Most(most) if most.is_infinite() => Ok(()),
            Limit::Most(most) => write!(f, "<= {}", Figure(*most)),
            Limit::Least(least) => write!(f, ">= {}", Figure(*least)),
            Limit::Nginx(times) => write!(f, "<= {times} x nginx"),
            Limit::OrScaled(most, there) => {
                write!(f, "<= {}, {:.2} x", Figure(*most), most / there)
            }
            Limit::AndScaled(most, times) => write!(f, "<= {}, {times} x", Figure(*most)),
        }
    }
}

/// A number with as many digits as it deserves.
struct Figure(f64);

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.abs() {
            n if n >= 10_000.0 => write!(f, "{:.0} k", self.0 / 1_000.0),
            n if n >= 100.0 => write!(f, "{:.0}", self.0),
            n if n >= 10.0 => write!(f, "{:.1}", self.0),
            n if n.fract() == 0.0 => write!(f, "{}", self.0),
            n if n >= 1.0 => write!(f, "{:.2}", self.0),
            _ => write!(f, "{:.3}", self.0),
        }
    }
}

/// One line of the report.
#[derive(Debug, Clone)]
pub struct Row {
    /// What is measured.
    pub figure: String,
    /// In what unit.
    pub unit: &'static str,
    /// The gateway's figure.
    pub ours: f64,
    /// nginx's in the same run.
    pub nginx: Option<f64>,
    /// The bare proxy's in the same run.
    pub floor: Option<f64>,
    /// Gate and aim; without them the row is for information.
    pub goal: Option<(Limit, Limit)>,
    /// What else to know.
    pub note: String,
    /// Percent of all CPUs that other processes had meanwhile.
    pub others: Option<f64>,
}

impl Row {
    /// A row with the gateway's figure only.
    pub fn new(figure: impl Into<String>, unit: &'static str, ours: f64) -> Self {
        Self {
            figure: figure.into(),
            unit,
            ours,
            nginx: None,
            floor: None,
            goal: None,
            note: String::new(),
            others: None,
        }
    }

    /// With a goal.
    pub fn goal(mut self, gate: Limit, aim: Limit) -> Self {
        self.goal = Some((gate, aim));
        self
    }

    /// With the figures of the others.
    pub fn beside(mut self, nginx: Option<f64>, floor: Option<f64>) -> Self {
        (self.nginx, self.floor) = (nginx, floor);
        self
    }

    /// With a note.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    /// Whether the gate is kept; `None` without a gate, or when nginx is needed and missing.
    pub fn gate_met(&self) -> Option<bool> {
        self.goal
            .and_then(|(gate, _)| gate.kept(self.ours, self.nginx))
    }

    /// Whether the aim is reached.
    pub fn aim_met(&self) -> Option<bool> {
        self.goal
            .and_then(|(_, aim)| aim.kept(self.ours, self.nginx))
    }

    /// Whether the gate is judged otherwise here than the figure of the goal table would be.
    fn is_scaled(&self) -> bool {
        let written = self
            .goal
            .and_then(|(gate, _)| gate.kept_as_written(self.ours));
        written.is_some_and(|written| self.gate_met().is_some_and(|met| met != written))
    }

    /// What other processes had of the CPUs, where that matters to the figure and is noticeable.
    fn noise(&self) -> Option<f64> {
        let is_still = ["KiB", "MB", "x body", "events"].contains(&self.unit);
        self.others.filter(|others| !is_still && *others >= NOISY)
    }

    fn ratio(&self) -> Option<f64> {
        self.nginx
            .filter(|nginx| *nginx > 0.0)
            .map(|nginx| self.ours / nginx)
    }

    fn verdict(&self) -> String {
        let verdict = match (self.gate_met(), self.aim_met()) {
            (Some(true), Some(true)) => "AIM",
            (Some(true), _) => "gate",
            (Some(false), _) => "MISSED",
            (None, _) if self.goal.is_some() => "no nginx",
            (None, _) => "",
        };
        format!("{verdict}{}", if self.is_scaled() { "*" } else { "" })
    }

    fn json(&self) -> Value {
        let limit = |limit: Option<Limit>| limit.map(|limit| limit.to_string());
        json!({"figure": self.figure, "unit": self.unit, "gateway": self.ours, "nginx": self.nginx, "floor": self.floor,
            "ratio_to_nginx": self.ratio(), "gate": limit(self.goal.map(|g| g.0)), "aim": limit(self.goal.map(|g| g.1)),
            "gate_met": self.gate_met(),
            "gate_met_as_written": self.goal.and_then(|(gate, _)| gate.kept_as_written(self.ours)), "aim_met": self.aim_met(), "note": self.note,
            "others_percent": self.others})
    }
}

/// The rows so far and what could not be measured.
#[derive(Debug, Default)]
pub struct Report {
    /// In order of measurement.
    pub rows: Vec<Row>,
    /// What failed or was left out, and why.
    pub missing: Vec<String>,
}

impl Report {
    /// The table for people.
    pub fn table(&self) -> String {
        let head = [
            "figure", "gateway", "nginx", "ratio", "floor", "gate", "aim", "verdict",
        ]
        .map(str::to_owned)
        .to_vec();
        let number =
            |value: Option<f64>| value.map_or(String::new(), |value| Figure(value).to_string());
        let goal = |limit: Option<Limit>| limit.map_or(String::new(), |limit| limit.to_string());
        let mut lines = vec![head];
        for row in &self.rows {
            lines.push(vec![
                format!("{} [{}]", row.figure, row.unit),
                number(Some(row.ours)),
                number(row.nginx),
                row.ratio()
                    .map_or(String::new(), |ratio| format!("{ratio:.2}")),
                number(row.floor),
                goal(row.goal.map(|goal| goal.0)),
                goal(row.goal.map(|goal| goal.1)),
                row.verdict(),
            ]);
        }
        let widths: Vec<usize> = (0..8)
            .map(|column| {
                lines
                    .iter()
                    .map(|line| line[column].chars().count())
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        let mut text = String::new();
        for (place, line) in lines.iter().enumerate() {
            for (column, cell) in line.iter().enumerate() {
                let pad = " ".repeat(widths[column] - cell.chars().count());
                let (before, after) = if (1..5).contains(&column) {
                    (pad, String::new())
                } else {
                    (String::new(), pad)
                };
                text.push_str(&format!("{before}{cell}{after}  "));
            }
            let row = place.checked_sub(1).map(|row| &self.rows[row]);
            let note = row.map_or("", |row| row.note.as_str());
            let others = row.and_then(Row::noise);
            let others = others.map_or(String::new(), |others| format!("  !{others:.0} %"));
            text = format!("{}\n", format!("{text}{note}{others}").trim_end());
            if place == 0 {
                text.push_str(&format!(
                    "{}\n",
                    "-".repeat(widths.iter().sum::<usize>() + 16)
                ));
            }
        }
        for missing in &self.missing {
            text.push_str(&format!("not measured: {missing}\n"));
        }
        if self.rows.iter().any(|row| row.noise().is_some()) {
            text.push_str(
                "! so much of all CPUs other processes had meanwhile: such a figure wants to be measured again on a quiet machine.\n",
            );
        }
        let scaled = |limit| matches!(limit, Limit::OrScaled(..) | Limit::AndScaled(..));
        let limits = || self.rows.iter().filter_map(|row| row.goal);
        if limits().any(|(gate, aim)| scaled(gate) || scaled(aim)) {
            text.push_str(
                "Limits of ms and s hold for the goal table's machine; beside nginx they are judged by its figure of this run: the factor\n\
                 behind the limit (of added TTFT only where nginx is slower than there). A * marks where the limit as written says otherwise.\n",
            );
        }
        let gates = self.rows.iter().filter_map(Row::gate_met);
        let aims = self.rows.iter().filter_map(Row::aim_met);
        let (kept, all) = gates.fold((0, 0), |(kept, all), met| (kept + i32::from(met), all + 1));
        let reached = aims.filter(|met| *met).count();
        text.push_str(&format!(
            "gates kept: {kept} of {all}; aims reached: {reached}\n"
        ));
        text
    }

    /// The document for programs.
    pub fn json(&self) -> Value {
        json!({"rows": self.rows.iter().map(Row::json).collect::<Vec<_>>(), "not_measured": self.missing})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_of_others_marks_times_only() {
        let row = |unit, others| Row {
            others: Some(others),
            ..Row::new("x", unit, 1.0)
        };
        let mut report = Report {
            rows: vec![row("ms", NOISY - 1.0), row("KiB", 90.0)],
            missing: Vec::new(),
        };
        assert!(!report.table().contains('!'), "{}", report.table());
        report.rows.push(row("us", 41.4));
        assert!(report.table().contains("!41 %"), "{}", report.table());
    }

    #[test]
    fn verdicts() {
        let rows: &[(f64, Option<f64>, Limit, Limit, &str)] = &[
            (
                10.0,
                Some(10.0),
                Limit::Nginx(2.0),
                Limit::Nginx(1.4),
                "AIM",
            ),
            (
                15.0,
                Some(10.0),
                Limit::Nginx(2.0),
                Limit::Nginx(1.4),
                "gate",
            ),
            (
                21.0,
                Some(10.0),
                Limit::Nginx(2.0),
                Limit::Nginx(1.4),
                "MISSED",
            ),
            (21.0, None, Limit::Nginx(2.0), Limit::Nginx(1.4), "no nginx"),
            (
                400.0,
                None,
                Limit::Least(300.0),
                Limit::Least(500.0),
                "gate",
            ),
            (
                18.0,
                Some(10.0),
                Limit::AndScaled(20.0, 1.3),
                Limit::OrScaled(16.0, 16.0),
                "MISSED*",
            ),
            (
                22.0,
                Some(20.0),
                Limit::AndScaled(20.0, 1.3),
                Limit::OrScaled(16.0, 16.0),
                "gate*",
            ),
            (
                18.0,
                None,
                Limit::AndScaled(20.0, 1.3),
                Limit::OrScaled(16.0, 16.0),
                "gate",
            ),
            // A machine as fast as the goal table's: what is written there.
            (
                0.15,
                Some(0.1),
                Limit::OrScaled(0.16, 0.11),
                Limit::OrScaled(0.13, 0.11),
                "gate",
            ),
            (
                0.17,
                Some(0.1),
                Limit::OrScaled(0.16, 0.11),
                Limit::OrScaled(0.13, 0.11),
                "MISSED",
            ),
            // A machine on which nginx takes twice as long.
            (
                0.25,
                Some(0.22),
                Limit::OrScaled(0.16, 0.11),
                Limit::OrScaled(0.13, 0.11),
                "AIM*",
            ),
            (
                0.33,
                Some(0.22),
                Limit::OrScaled(0.16, 0.11),
                Limit::OrScaled(0.13, 0.11),
                "MISSED",
            ),
        ];
        for (ours, nginx, gate, aim, verdict) in rows {
            let row = Row::new("x", "us", *ours)
                .beside(*nginx, None)
                .goal(*gate, *aim);
            assert_eq!(row.verdict(), *verdict, "{ours} {nginx:?} {gate}");
        }
    }
}
