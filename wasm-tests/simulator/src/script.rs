//! The request's `simulate` field: which action is this provider's turn.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::action::Action;

/// How often each `simulate.id` was seen.
pub(crate) type Turns = BTreeMap<String, usize>;

/// The action for `provider` in `request`, or what is wrong with the script.
///
/// Every provider's part is checked, so a slip is found whoever it was meant for.
pub(crate) fn action(request: &Value, provider: &str, turns: &mut Turns) -> Result<Action, String> {
    let Some(script) = request.get("simulate") else {
        return Ok(Action::default());
    };
    let script = script.as_object().ok_or("simulate must be an object")?;
    let id = match script.get("id") {
        None => None,
        Some(id) => Some(id.as_str().ok_or("simulate.id must be a string")?),
    };
    let mut own = Vec::new();
    for (name, value) in script.iter().filter(|(name, _)| *name != "id") {
        let actions = actions(value, name, id.is_some())?;
        if name == provider {
            own = actions;
        }
    }
    let turn = id.map_or(0, |id| next_turn(turns, id));
    let turn = turn.min(own.len().saturating_sub(1));
    Ok(own.into_iter().nth(turn).unwrap_or_default())
}

/// One action, or the list of them.
fn actions(value: &Value, name: &str, has_id: bool) -> Result<Vec<Action>, String> {
    let path = format!("simulate.{name}");
    let Some(list) = value.as_array() else {
        return Ok(vec![Action::parse(value, &path)?]);
    };
    if !has_id {
        return Err(format!("{path} is a list, which needs a simulate.id"));
    }
    let item = |(index, value)| Action::parse(value, &format!("{path}[{index}]"));
    list.iter().enumerate().map(item).collect()
}

/// Counts one more turn of `id` and says which it is, from 0.
fn next_turn(turns: &mut Turns, id: &str) -> usize {
    let seen = turns.entry(id.to_owned()).or_default();
    *seen += 1;
    *seen - 1
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(script: Value) -> Result<Action, String> {
        action(&json!({"simulate": script}), "alpha", &mut Turns::new())
    }

    #[test]
    fn a_request_without_a_script_is_answered_plainly() {
        let plain = action(&json!({}), "alpha", &mut Turns::new());
        assert_eq!(plain, Ok(Action::default()));
        assert_eq!(
            parse(json!({"beta": {"status": 503}})),
            Ok(Action::default())
        );
    }

    #[test]
    fn a_list_is_taken_in_turns_and_its_last_item_repeats() {
        let mut turns = Turns::new();
        let request =
            json!({"simulate": {"id": "a", "alpha": [{"status": 503}, {"status": 429}, {}]}});
        let seen: Vec<_> = (0..4)
            .map(|_| action(&request, "alpha", &mut turns).unwrap().status)
            .collect();
        assert_eq!(seen, [Some(503), Some(429), None, None]);
    }

    #[test]
    fn a_slip_is_named() {
        let cases = [
            (json!(1), "simulate must be an object"),
            (json!({"id": 1}), "simulate.id must be a string"),
            (
                json!({"alpha": {"statuss": 1}}),
                "simulate.alpha.statuss is not a field",
            ),
            (
                json!({"beta": {"status": "x"}}),
                "simulate.beta.status must be an integer",
            ),
            (
                json!({"alpha": [{}]}),
                "simulate.alpha is a list, which needs a simulate.id",
            ),
            (
                json!({"id": "a", "alpha": [{}, {"cut": {}}]}),
                "simulate.alpha[1].cut must be",
            ),
            (
                json!({"alpha": {"chunk_bytes": 0}}),
                "simulate.alpha.chunk_bytes must be",
            ),
            (
                json!({"alpha": {"reset": "sometimes"}}),
                "simulate.alpha.reset must be",
            ),
            (
                json!({"alpha": {"usage": true}}),
                "simulate.alpha.usage must be",
            ),
        ];
        for (script, wanted) in cases {
            let error = parse(script.clone()).unwrap_err();
            assert!(error.starts_with(wanted), "{script}: {error}");
        }
    }
}
