//! A text falls apart into single objects and tokens: bundles, lists, backups, NDJSON, plain lines (appendix B).
//!
//! What one object means is `item`'s.

use serde_json::{Map, Value};

use super::item::{read_object, read_token};
use super::{ImportBatch, ImportError, LARGEST, Problem, Refused, Shape};

/// Lists within lists deeper than this are no account file.
const DEEPEST: usize = 4;

/// Reads a file of any shape of appendix B.
///
/// # Errors
/// [`ImportError`]: nothing of the text may then be imported (F5).
pub fn parse(text: &str) -> Result<ImportBatch, ImportError> {
    if text.len() > LARGEST {
        return Err(ImportError::TooLarge);
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim();
    let mut reader = Reader::default();
    if text.starts_with(['{', '[']) {
        match serde_json::from_str::<Value>(text) {
            Ok(value) => reader.value(&value, None, 0)?,
            Err(_) if is_ndjson(text) => reader.lines(text)?,
            Err(error) => {
                return Err(ImportError::Syntax {
                    item: item_at(text, &error),
                    line: error.line(),
                    column: error.column(),
                });
            }
        }
    } else {
        reader.lines(text)?;
    }
    if reader.count == 0 {
        Err(ImportError::Empty)
    } else {
        Ok(reader.batch)
    }
}

#[derive(Default)]
struct Reader {
    count: usize,
    batch: ImportBatch,
}

impl Reader {
    fn value(
        &mut self,
        value: &Value,
        shape: Option<Shape>,
        depth: usize,
    ) -> Result<(), ImportError> {
        match value {
            Value::Array(values) => {
                if depth >= DEEPEST {
                    self.count += 1;
                    return Err(self.wrong(Problem::TooDeep));
                }
                values
                    .iter()
                    .try_for_each(|value| self.value(value, shape, depth + 1))
            }
            Value::Object(object) => match container(object) {
                Some(Container::Encrypted) => Err(ImportError::Encrypted),
                Some(Container::List(list, shape)) => self.value(list, Some(shape), depth + 1),
                Some(Container::Broken(problem)) => {
                    self.count += 1;
                    Err(self.wrong(problem))
                }
                None => self.object(object, shape),
            },
            Value::String(line) => self.token(line),
            _ => {
                self.count += 1;
                Err(self.wrong(Problem::NotAnObject))
            }
        }
    }

    fn lines(&mut self, text: &str) -> Result<(), ImportError> {
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if line.starts_with(['{', '[']) {
                let value = serde_json::from_str(line).map_err(|error| ImportError::Syntax {
                    item: self.count + 1,
                    line: index + 1,
                    column: error.column(),
                })?;
                self.value(&value, None, 0)?;
            } else {
                self.token(
                    line.split_once(" #")
                        .map_or(line, |(token, _)| token.trim()),
                )?;
            }
        }
        Ok(())
    }

    fn object(
        &mut self,
        object: &Map<String, Value>,
        shape: Option<Shape>,
    ) -> Result<(), ImportError> {
        self.count += 1;
        match read_object(self.count, object, shape) {
            Ok(item) => self.batch.items.push(item),
            Err(problem @ Problem::OtherPlatform(_)) => self.batch.refused.push(Refused {
                item: self.count,
                problem,
            }),
            Err(problem) => return Err(self.wrong(problem)),
        }
        Ok(())
    }

    fn token(&mut self, line: &str) -> Result<(), ImportError> {
        self.count += 1;
        let item = read_token(self.count, line).map_err(|problem| self.wrong(problem))?;
        self.batch.items.push(item);
        Ok(())
    }

    fn wrong(&self, problem: Problem) -> ImportError {
        ImportError::Item {
            item: self.count,
            problem,
        }
    }
}

enum Container<'a> {
    List(&'a Value, Shape),
    Broken(Problem),
    Encrypted,
}

/// Whether the object only holds others.
fn container(object: &Map<String, Value>) -> Option<Container<'_>> {
    let kind = object
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if kind == crate::export::ENCRYPTED_TYPE {
        return Some(Container::Encrypted);
    }
    let accounts = if kind == "sub2api-data" {
        Shape::Sub2Api
    } else {
        Shape::Accounts
    };
    for (field, shape) in [("profiles", Shape::CodexFile), ("accounts", accounts)] {
        match object.get(field) {
            Some(list @ Value::Array(_)) => return Some(Container::List(list, shape)),
            None | Some(Value::Null) => {}
            Some(_) => {
                return Some(Container::Broken(Problem::WrongType {
                    field,
                    expected: "a list",
                }));
            }
        }
    }
    match kind {
        "codex_profiles" => Some(Container::Broken(Problem::WrongType {
            field: "profiles",
            expected: "a list",
        })),
        "sub2api-data" => Some(Container::Broken(Problem::WrongType {
            field: "accounts",
            expected: "a list",
        })),
        _ => None,
    }
}

/// Whether the text is one JSON value per line rather than one broken value: its first line stands alone.
fn is_ndjson(text: &str) -> bool {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let first = lines.next().unwrap_or_default();
    lines.next().is_some() && serde_json::from_str::<Value>(first).is_ok()
}

/// Which item of a broken text the error stands in: the lists' commas before it, counted.
fn item_at(text: &str, error: &serde_json::Error) -> usize {
    let before: usize = text
        .split_inclusive('\n')
        .take(error.line().saturating_sub(1))
        .map(str::len)
        .sum();
    let end = (before + error.column()).min(text.len());
    let (mut item, mut depth, mut list_depth) = (1, 0_usize, None);
    let (mut in_text, mut escaped) = (false, false);
    let (mut word_from, mut word) = (0, 0..0);
    for (at, byte) in text.bytes().enumerate().take(end) {
        if in_text {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => {
                    in_text = false;
                    word = word_from..at;
                }
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => {
                in_text = true;
                word_from = at + 1;
            }
            b'[' | b'{' => {
                let holds_items =
                    depth == 0 || matches!(text.get(word.clone()), Some("profiles" | "accounts"));
                if byte == b'[' && holds_items && list_depth.is_none() {
                    list_depth = Some(depth + 1);
                }
                depth += 1;
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' if list_depth == Some(depth) => item += 1,
            _ => {}
        }
    }
    item
}
