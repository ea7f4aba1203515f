//! The table for people and the same as JSON.

use serde_json::{Value, json};

use crate::gateway::BARE;
use crate::machine::Machine;
use crate::rows::{Compare, Row};
use crate::stats::Spread;

/// A Markdown table of all rows.
pub fn table(rows: &[Row], gateways: &[String]) -> String {
    let mut text = format!("| median (least..most) | {BARE} |");
    let mut line = "|---|---|".to_owned();
    for gateway in gateways {
        text += &format!(" {gateway}.yaml | beside bare | target |");
        line += "---|---|---|";
    }
    text += "\n";
    text += &line;
    text += "\n";
    for row in rows {
        text += &format!("| {}, {} | {} |", row.name, row.unit, shown(row.spread(0)));
        for column in 1..=gateways.len() {
            text += &format!(
                " {} | {} | {} |",
                shown(row.spread(column)),
                compared(row, column),
                verdict(row, column)
            );
        }
        text += "\n";
    }
    text
}

/// All of it for programs, with the figures of every round.
pub fn json(rows: &[Row], gateways: &[String], machine: &Machine) -> Value {
    let row = |row: &Row| {
        let column = |(place, name): (usize, &String)| {
            let column = place + 1;
            let verdict = row.verdict(column);
            let value = json!({
                "value": spread(row.spread(column)),
                "compared": spread(row.compared(column)),
                "target": verdict.map(|(target, _)| target),
                "met": verdict.map(|(_, met)| met),
                "rounds": row.columns.get(column),
            });
            (name.clone(), value)
        };
        let columns: serde_json::Map<String, Value> =
            gateways.iter().enumerate().map(column).collect();
        let compare = format!("{:?}", row.compare).to_lowercase();
        json!({"name": row.name, "unit": row.unit, "compare": compare,
            "bare": {"value": spread(row.spread(0)), "rounds": row.columns.first()}, "gateways": columns})
    };
    json!({"machine": machine.json(), "rows": rows.iter().map(row).collect::<Vec<_>>()})
}

fn spread(spread: Option<Spread>) -> Value {
    spread.map_or(
        Value::Null,
        |spread| json!({"median": spread.median, "min": spread.min, "max": spread.max}),
    )
}

fn shown(spread: Option<Spread>) -> String {
    let Some(Spread { median, min, max }) = spread else {
        return "–".to_owned();
    };
    // One figure only.
    if min >= max {
        number(median)
    } else {
        format!("{} ({}..{})", number(median), number(min), number(max))
    }
}

fn compared(row: &Row, column: usize) -> String {
    let Some(Spread { median, min, max }) = row.compared(column) else {
        return "–".to_owned();
    };
    match row.compare {
        Compare::Ratio if min >= max => format!("{median:.2}×"),
        Compare::Ratio => format!("{median:.2}× ({min:.2}..{max:.2})"),
        Compare::Difference => format!(
            "{}{}",
            if median < 0.0 { "" } else { "+" },
            shown(row.compared(column))
        ),
        Compare::Alone => "–".to_owned(),
    }
}

fn verdict(row: &Row, column: usize) -> String {
    match row.verdict(column) {
        Some((target, true)) => format!("≤ {}: met", number(target)),
        Some((target, false)) => format!("≤ {}: **missed**", number(target)),
        None => "–".to_owned(),
    }
}

/// Three figures that count, or all before the point.
fn number(number: f64) -> String {
    match number.abs() {
        100.0.. => format!("{number:.0}"),
        10.0.. => format!("{number:.1}"),
        _ => format!("{number:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Targets;

    #[test]
    fn a_row_has_values_comparison_and_verdict() {
        let names = ["envoy".to_owned()];
        let mut row = Row::new(
            "CPU a request",
            "µs",
            Compare::Ratio,
            &names,
            Targets::new(4.0, 2.0),
        );
        for (bare, envoy) in [(30.0, 150.0), (40.0, 140.0), (35.0, 154.0)] {
            row.push(0, bare);
            row.push(1, envoy);
        }
        let table = table(&[row], &names);
        let last = table.lines().last().unwrap();
        let wanted = "| CPU a request, µs | 35.0 (30.0..40.0) | 150 (140..154) | 4.40× (3.50..5.00) | ≤ 4.00: **missed** |";
        assert_eq!(last, wanted);
    }
}
