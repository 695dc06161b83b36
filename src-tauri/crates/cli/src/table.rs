//! JSON answers as tables for people: columns as wide as their widest cell.

use serde_json::Value;

/// Lays `rows` out under `head`.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows
            .iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count());
        cells
            .chain(std::iter::once(head[column].chars().count()))
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded: Vec<String> = cells
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        padded.join("  ").trim_end().to_owned()
    };
    let mut text = line(&mut head.iter().copied());
    for row in rows {
        text.push('\n');
        text.push_str(&line(&mut row.iter().map(String::as_str)));
    }
    text
}

/// A JSON value as a cell.
pub(crate) fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// A moment, in UTC to the second.
pub(crate) fn time(value: &Value) -> String {
    let at = value
        .as_i64()
        .and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
    at.map(|at| format!("{at:.0}")).unwrap_or_default()
}

/// The accounts, one line each.
pub(crate) fn accounts(accounts: &Value) -> String {
    let row = |account: &Value| {
        let window = |name: &str| match account["quota"][name]["used_percent"].as_f64() {
            Some(used) => format!("{:.0} %", (100.0 - used).max(0.0)),
            None => String::new(),
        };
        vec![
            if account["active"] == true { "*" } else { "" }.to_owned(),
            cell(&account["id"]),
            cell(&account["label"]),
            cell(&account["kind"]),
            cell(&account["format"]),
            cell(&account["plan"]),
            cell(&account["health"]),
            window("primary"),
            window("secondary"),
            money(&account["balance"]),
            cell(&account["reason"]),
        ]
    };
    let rows: Vec<Vec<String>> = accounts.as_array().into_iter().flatten().map(row).collect();
    table(
        &[
            "", "ID", "LABEL", "KIND", "FORMAT", "PLAN", "STATE", "LEFT", "LEFT (2)", "BALANCE",
            "WHY",
        ],
        &rows,
    )
}

/// A balance in a cell: each amount with its currency.
pub(crate) fn money(balance: &Value) -> String {
    let amount =
        |amount: &Value| format!("{} {}", cell(&amount["total"]), cell(&amount["currency"]));
    let amounts: Vec<String> = balance["amounts"]
        .as_array()
        .into_iter()
        .flatten()
        .map(amount)
        .collect();
    match balance["unavailable"] == true {
        true => "none".to_owned(),
        false => amounts.join(", "),
    }
}

/// One object, a line for each field.
pub(crate) fn fields(object: &Value) -> String {
    let rows: Vec<Vec<String>> = object
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| vec![name.replace('_', " "), cell(value)])
        .collect();
    let width = rows
        .iter()
        .map(|row| row[0].chars().count())
        .max()
        .unwrap_or(0);
    rows.iter()
        .map(|row| {
            format!("{:<width$}  {}", row[0], row[1])
                .trim_end()
                .to_owned()
        })
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [
            vec!["1".into(), "long".into()],
            vec!["22".into(), "x".into()],
        ];
        assert_eq!(table(&["A", "B"], &rows), "A   B\n1   long\n22  x");
    }
}
