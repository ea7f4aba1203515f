//! Conversations stay where their last turn was served, for the prompt is cached there.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::ask::Ask;
use crate::choosing::{self, explain, fail, of, planned};
use crate::gateway::Gateway;

/// Three endpoints of one price: by chance, a turn stays where it was in one case of three.
const MODEL: &str = "test/turns";

/// A gateway of one's own: only so many conversations are remembered, and those of other tests might take a place.
fn gateway() -> Gateway {
    Gateway::start(|envoy| envoy.document(choosing::edit))
}

/// Who answers a request: the provider's slug.
#[track_caller]
fn served(gateway: &Gateway, ask: &Ask) -> String {
    let answer = gateway.send(&ask.again()).json();
    answer["provider"].as_str().unwrap().to_lowercase()
}

/// The messages of the `turns`-th turn of a conversation that begins with `opening`.
fn turn(opening: &str, turns: usize) -> Value {
    let mut messages = vec![
        json!({"role": "system", "content": "Be brief."}),
        json!({"role": "user", "content": opening}),
    ];
    for turn in 1..turns {
        messages.push(json!({"role": "assistant", "content": format!("Answer {turn}")}));
        messages.push(json!({"role": "user", "content": format!("Question {turn}")}));
    }
    json!({"messages": messages})
}

#[test]
fn the_turns_of_a_conversation_stay_together() {
    let gateway = gateway();
    let ask = Ask::model(MODEL);
    let mut firsts = Vec::new();
    for conversation in 0..15 {
        let turn = |turns| {
            ask.again()
                .and(turn(&format!("Conversation {conversation}"), turns))
        };
        let first = served(&gateway, &turn(1));
        for turns in 2..5 {
            let ask = turn(turns).and(json!({"stream": turns == 3}));
            let explanation = explain(&gateway, &ask);
            assert!(planned(&explanation).starts_with(&first), "{explanation}");
            assert_eq!(of(&explanation, &first)["served_last_turn"], true);
            let response = gateway.send(&ask);
            assert!(
                response.status == 200 && response.is_whole(),
                "{}",
                response.text()
            );
            assert_eq!(gateway.asked(&ask), [&*first]);
        }
        firsts.push(first);
    }
    // Conversations themselves are spread.
    assert!(firsts.iter().any(|first| *first != firsts[0]), "{firsts:?}");
    // Another key's conversations are others, and so is another beginning.
    let strangers = [
        Ask::model(MODEL).and(turn("Conversation 0", 2)),
        ask.again().and(turn("Conversation X", 2)),
    ];
    for stranger in strangers {
        let explanation = explain(&gateway, &stranger);
        let plan = explanation["plan"].as_array().unwrap();
        assert!(
            plan.iter()
                .all(|candidate| candidate["served_last_turn"] == false),
            "{explanation}"
        );
    }
}

#[test]
fn a_session_is_a_conversation_whatever_is_said_in_it() {
    let gateway = gateway();
    let ask = Ask::model(MODEL);
    for session in 0..6 {
        let id = format!("session-{session}");
        let turn = |number: usize| {
            let ask = ask.again().and(turn(&format!("{number}. {session}"), 1));
            // One or the other says it; the body's counts.
            match number % 3 {
                0 => ask.and(json!({"session_id": id})),
                1 => ask.header("x-session-id", &id),
                _ => ask
                    .and(json!({"session_id": id}))
                    .header("x-session-id", "another"),
            }
        };
        let first = served(&gateway, &turn(0));
        for number in 1..7 {
            let ask = turn(number);
            assert_eq!(gateway.send(&ask).status, 200);
            assert_eq!(gateway.asked(&ask), [&*first], "turn {number} of {id}");
            let seen = gateway.seen(&ask).remove(0).request;
            assert_eq!(
                (seen.json().get("session_id"), seen.header("x-session-id")),
                (None, None)
            );
        }
    }
}

#[test]
fn a_conversation_goes_where_it_is_served() {
    let gateway = gateway();
    // A first turn goes where the draw says, every time.
    let opening = Ask::model(MODEL).and(turn("Hello", 1));
    let drawn = || served(&gateway, &opening);
    let drawn: BTreeSet<String> = (0..40).map(|_| drawn()).collect();
    assert_eq!(drawn.len(), 3, "{drawn:?}");
    let ask = opening.again().and(turn("Hello", 2));
    let first = served(&gateway, &ask);
    // Its prompt is flagged there, once.
    let flagged = ask.again().on(&first, json!({"status": 403}));
    assert_eq!(gateway.send(&flagged).status, 200);
    let asked = gateway.asked(&flagged);
    assert_eq!((asked.len(), &asked[0]), (2, &first));
    let second = asked[1].clone();
    for _ in 0..5 {
        assert_eq!(served(&gateway, &ask), second);
    }
    // An outage drives it away: one in five of what happened there failed, wherever the draws went.
    fail(&gateway, MODEL, &second, 20);
    let explanation = explain(&gateway, &ask);
    assert_eq!(of(&explanation, &second)["status"], "ailing");
    assert!(planned(&explanation).ends_with(&second), "{explanation}");
    let third = served(&gateway, &ask);
    assert_ne!(third, second);
    for _ in 0..5 {
        assert_eq!(served(&gateway, &ask), third);
    }
    // Whoever says where to go goes there, and stays there.
    let other = ["alpha", "beta", "gamma"]
        .into_iter()
        .find(|name| *name != third && *name != second)
        .unwrap();
    let ordered = ask.again().and(json!({"provider": {"order": [other]}}));
    assert_eq!(served(&gateway, &ordered), other);
    assert_eq!(served(&gateway, &ask), other);
    let sorted = ask.again().and(json!({"provider": {"sort": "price"}}));
    assert_eq!(planned(&explain(&gateway, &sorted)), "alpha beta gamma");
    // A provider that wants peace is left, too.
    let busy = json!({"status": 429, "headers": {"retry-after": "30"}});
    assert_eq!(gateway.send(&ask.again().on(other, busy)).status, 200);
    assert!(planned(&explain(&gateway, &ask)).ends_with(other));
}
