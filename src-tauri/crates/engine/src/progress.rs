//! How far a task over several accounts or items has come, told on the event bus (F7, F68).
//!
//! Bounded: a task of any size tells at most about fifty steps, so that a large import does not push everything else out of a reader's
//! queue. A task that is given up tells its end as well.

use std::sync::Mutex;
use std::sync::PoisonError;

use crate::events::{Bus, EngineEvent};

/// Steps told of one task.
const STEPS: usize = 50;

/// See the module.
pub(crate) struct Progress<'e> {
    bus: &'e Bus,
    task: &'static str,
    total: usize,
    done: Mutex<usize>,
}

impl<'e> Progress<'e> {
    /// A task begins; nothing is told of one without items.
    pub(crate) fn begin(bus: &'e Bus, task: &'static str, total: usize) -> Self {
        let progress = Self {
            bus,
            task,
            total,
            done: Mutex::new(0),
        };
        if total > 0 {
            progress.tell(0, None);
        }
        progress
    }

    /// One more is done; `label` names it.
    pub(crate) fn step(&self, label: &str) {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        *done = (*done + 1).min(self.total);
        // Told while nobody else counts, so that the numbers only grow. The end is told once, by the drop.
        let part = |done: usize| done * STEPS / self.total.max(1);
        if *done < self.total && part(*done) != part(*done - 1) {
            self.tell(*done, Some(label));
        }
    }

    fn tell(&self, done: usize, label: Option<&str>) {
        self.bus.tell(EngineEvent::Progress {
            task: self.task,
            done,
            total: self.total,
            label: label.map(str::to_owned),
        });
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        if self.total > 0 {
            self.tell(self.total, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(total: usize, steps: usize) -> Vec<usize> {
        let bus = Bus::new();
        let mut events = bus.listen();
        let progress = Progress::begin(&bus, "import", total);
        for n in 0..steps {
            progress.step(&n.to_string());
        }
        drop(progress);
        std::iter::from_fn(|| events.try_recv().ok())
            .map(|event| match event {
                EngineEvent::Progress { done, .. } => done,
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn f7_every_step_of_a_small_task_and_fifty_of_a_large_one_are_told() {
        assert_eq!(told(3, 3), [0, 1, 2, 3]);
        assert_eq!(told(0, 0), [0usize; 0]);
        assert_eq!(told(3, 1), [0, 1, 3], "given up");
        let large = told(1_000, 1_000);
        assert!(large.len() <= STEPS + 2, "{}", large.len());
        assert!(large.is_sorted() && large.last() == Some(&1_000));
    }
}
