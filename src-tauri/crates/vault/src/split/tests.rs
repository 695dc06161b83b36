//! The split layer over a small-item store that can fail at any step.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::*;

/// Items of at most `limit` bytes in a map. `fail_after` counts changes: when it reaches zero every further change fails, as after a crash.
pub(crate) struct SmallItems {
    pub(crate) limit: usize,
    pub(crate) map: Mutex<BTreeMap<String, Vec<u8>>>,
    pub(crate) fail_after: Mutex<Option<usize>>,
}

impl SmallItems {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            map: Mutex::default(),
            fail_after: Mutex::new(None),
        }
    }

    fn change(&self) -> Result<(), VaultError> {
        if let Some(left) = self
            .fail_after
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_mut()
        {
            if *left == 0 {
                return Err(VaultError::Unavailable {
                    why: "crashed".into(),
                });
            }
            *left -= 1;
        }
        Ok(())
    }

    fn names(&self) -> Vec<String> {
        self.map.lock().unwrap().keys().cloned().collect()
    }
}

impl Items for SmallItems {
    fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        Ok(self
            .map
            .lock()
            .unwrap()
            .get(name)
            .cloned()
            .map(Zeroizing::new))
    }

    fn write(&self, name: &str, value: &[u8]) -> Result<(), VaultError> {
        self.change()?;
        assert!(
            value.len() <= self.limit,
            "{name} has {} bytes",
            value.len()
        );
        self.map
            .lock()
            .unwrap()
            .insert(name.to_owned(), value.to_vec());
        Ok(())
    }

    fn erase(&self, name: &str) -> Result<bool, VaultError> {
        self.change()?;
        Ok(self.map.lock().unwrap().remove(name).is_some())
    }

    fn limit(&self) -> Option<usize> {
        Some(self.limit)
    }
}

fn value_of(items: &SmallItems, name: &str) -> Option<Vec<u8>> {
    read(items, name).unwrap().map(|bytes| bytes.to_vec())
}

/// F23: a crash after any number of steps of any replacement leaves the old value or the new one, and a later delete leaves nothing at all.
#[test]
fn a_crash_at_any_step_keeps_a_whole_value() {
    let limit = 100;
    let values: Vec<Vec<u8>> = [0, 1, 99, 100, 101, 250, 1000]
        .iter()
        .map(|size| vec![b'a' + (size % 23) as u8; *size])
        .collect();
    for old in &values {
        for new in &values {
            for steps in 0..40 {
                let items = SmallItems::new(limit);
                // Two writes, so that both generations have been used.
                write(&items, "x", &[7; 950]).unwrap();
                write(&items, "x", old).unwrap();
                *items.fail_after.lock().unwrap() = Some(steps);
                let outcome = write(&items, "x", new);
                *items.fail_after.lock().unwrap() = None;
                let found = value_of(&items, "x").unwrap();
                match outcome {
                    Ok(()) => assert_eq!(&found, new),
                    Err(_) => assert_eq!(&found, old, "a failed write must keep the old value"),
                }
                // The next write goes through and leaves no parts of older values.
                write(&items, "x", new).unwrap();
                assert_eq!(&value_of(&items, "x").unwrap(), new);
                let parts = if new.len() <= limit {
                    0
                } else {
                    new.len().div_ceil(limit)
                };
                assert_eq!(items.names().len(), 1 + parts, "{:?}", items.names());
                erase(&items, "x").unwrap();
                assert!(items.names().is_empty());
            }
        }
    }
}

/// A delete that crashes leaves nothing readable half, and deleting again finishes it.
#[test]
fn a_crash_while_deleting_is_finished_by_the_next_delete() {
    for steps in 0..12 {
        let items = SmallItems::new(100);
        write(&items, "x", &[1; 1000]).unwrap();
        *items.fail_after.lock().unwrap() = Some(steps);
        let _ = erase(&items, "x");
        *items.fail_after.lock().unwrap() = None;
        let found = value_of(&items, "x");
        assert!(found.is_none() || found == Some(vec![1; 1000]));
        erase(&items, "x").unwrap();
        assert!(items.names().is_empty(), "after {steps} steps");
    }
}

#[test]
fn missing_or_foreign_parts_are_corrupt_not_a_wrong_value() {
    let items = SmallItems::new(100);
    for (harm, expected) in [
        ("x#a.1", "missing"),
        ("x", "malformed"),
        ("x#a.0", "fit together"),
    ] {
        write(&items, "x", &[1; 300]).unwrap();
        match expected {
            "missing" => drop(items.map.lock().unwrap().remove(harm)),
            "malformed" => drop(
                items
                    .map
                    .lock()
                    .unwrap()
                    .insert(harm.into(), b"switchyard-parts/1 c 1".to_vec()),
            ),
            _ => drop(items.map.lock().unwrap().insert(harm.into(), vec![2; 100])),
        }
        match read(&items, "x") {
            Err(VaultError::Corrupt { why, .. }) => assert!(why.contains(expected), "{why}"),
            other => panic!("{harm}: {:?}", other.map(|_| ())),
        }
        items.map.lock().unwrap().clear();
    }
}

#[test]
fn parts_are_cut_between_characters() {
    let text = "añ漢🎈".repeat(50);
    for limit in [4, 5, 7, 100] {
        let parts: Vec<&[u8]> = cut(text.as_bytes(), limit).collect();
        assert!(
            parts
                .iter()
                .all(|part| part.len() <= limit && std::str::from_utf8(part).is_ok())
        );
        assert_eq!(parts.concat(), text.as_bytes());
    }
    // Bytes that are no text at all still make progress.
    assert_eq!(cut(&[0x80; 10], 4).collect::<Vec<_>>().concat(), [0x80; 10]);
}
