//! What holds for any conversation, shown on generated ones.

use meshrouter_core::tokens::Family;

use super::*;

/// Numbers that look random and are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % bound
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    fn text(&mut self) -> String {
        let pieces = [
            "word ",
            " another",
            "someIdentifier",
            "128 ",
            r"\u4e16\t",
            "...",
            "—",
            "  ",
            "é",
            "世界",
            "😀",
            r"\n",
            r"\\",
            r#"\""#,
            r"\u00e9",
            r"\ud83d\ude00",
            "{",
            "]",
        ];
        let length = [3, 10, 100][self.below(3)];
        (0..self.below(length))
            .map(|_| self.pick(&pieces))
            .collect()
    }

    fn content(&mut self) -> String {
        let text = self.text();
        match self.below(9) {
            0 => "null".to_owned(),
            1 => {
                let other = self.text();
                format!(
                    r#"[{{"type": "text", "text": "{text}"}}, {{"type":"text","text":"{other}"}}]"#
                )
            }
            2 => format!(
                r#"[{{"image_url": {{"url": "https://x/{text}"}}, "type": "image_url"}}, {{"text": "{text}", "type": "text"}}]"#
            ),
            3 => format!(
                r#"[{{"type":"file","file":{{"filename":"{text}","file_data":"data:application/pdf;base64,AAAA"}}}},{{"type":"text","text":"{text}"}}]"#
            ),
            4 => format!(
                r#"[{{"type":"input_audio","input_audio":{{"data":"AAAA","format":"mp3"}}}},{{"type":"text","text":"{text}"}}]"#
            ),
            _ => format!("\"{text}\""),
        }
    }

    /// A message, or a call with its results. Ids are of use to [`pairs`].
    fn turn(&mut self, id: usize, messages: &mut Vec<String>) {
        let content = self.content();
        if self.below(4) > 0 {
            let roles = [
                "user",
                "user",
                "assistant",
                "assistant",
                "system",
                "developer",
            ];
            let bound = if id == 0 { roles.len() } else { 5 };
            let role = self.pick(&roles[..bound]);
            messages.push(format!(r#"{{"role": "{role}", "content": {content}}}"#));
            return;
        }
        // Parallel calls stand in one message, or in several before the first result.
        let calls: Vec<String> = (0..=self.below(3)).map(|n| format!("{id}.{n}")).collect();
        let together = if self.below(2) == 0 { calls.len() } else { 1 };
        for calls in calls.chunks(together) {
            let arguments = self.text();
            let call = |id: &String| {
                format!(r#"{{"id": "{id}", "function": {{"arguments": "{arguments}"}}}}"#)
            };
            let list = calls.iter().map(call).collect::<Vec<_>>().join(", ");
            messages.push(format!(
                r#"{{"role": "assistant", "tool_calls": [{list}], "content": {content}}}"#
            ));
        }
        for call in &calls {
            let content = match self.below(2) {
                0 => format!(r#""{{\"rows\": {}}}""#, self.below(1 << 40)),
                _ => self.content(),
            };
            messages.push(format!(
                r#"{{"role": "tool", "tool_call_id": "{call}", "content": {content}}}"#
            ));
        }
    }

    fn conversation(&mut self) -> String {
        let mut messages = Vec::new();
        for id in 0..=self.below(12) {
            self.turn(id, &mut messages);
        }
        request(&messages)
    }
}

/// The messages of a valid request.
fn messages(body: &[u8]) -> Vec<Value> {
    let body: Value = serde_json::from_slice(body).unwrap();
    body["messages"].as_array().unwrap().clone()
}

/// Of every turn with calls, how many calls and results it has; panics at a result without its call.
fn pairs(messages: &[Value]) -> Vec<(&str, usize, usize)> {
    let mut pairs: Vec<(&str, usize, usize)> = Vec::new();
    for message in messages {
        for call in message["tool_calls"].as_array().into_iter().flatten() {
            let (turn, _) = call["id"].as_str().unwrap().split_once('.').unwrap();
            match pairs.last_mut() {
                Some(last) if last.0 == turn => last.1 += 1,
                _ => pairs.push((turn, 1, 0)),
            }
        }
        if let Some(id) = message["tool_call_id"].as_str() {
            let last = pairs.last_mut().unwrap();
            assert_eq!(id.split_once('.').unwrap().0, last.0);
            last.2 += 1;
        }
    }
    pairs
}

fn is_system(message: &Value) -> bool {
    matches!(message["role"].as_str(), Some("system" | "developer"))
}

fn last_user(messages: &[Value]) -> Option<&Value> {
    messages.iter().rev().find(|m| m["role"] == "user")
}

/// Whether `short` is `long` with some text between its ends replaced by the marker.
fn is_cut_from(short: &Value, long: &Value) -> bool {
    match (short, long) {
        (Value::String(short), Value::String(long)) => {
            let cut = short.match_indices('…').any(|(at, marker)| {
                let (head, tail) = (&short[..at], &short[at + marker.len()..]);
                long.len() >= head.len() + tail.len()
                    && long.starts_with(head)
                    && long.ends_with(tail)
            });
            short == long || cut
        }
        (Value::Array(short), Value::Array(long)) => {
            short.len() == long.len() && short.iter().zip(long).all(|(s, l)| is_cut_from(s, l))
        }
        (Value::Object(short), Value::Object(long)) => {
            short.len() == long.len()
                && short.iter().zip(long).all(|((name, s), (long_name, l))| {
                    let text = name == "content" || name == "text";
                    name == long_name && (s == l || (text && is_cut_from(s, l)))
                })
        }
        _ => short == long,
    }
}

fn check(body: &str, tokenizer: &Tokenizer, limits: &Limits) -> Fit {
    let fitted = fit(body.as_bytes(), tokenizer, limits);
    let before = messages(body.as_bytes());
    let whole = weight(body.as_bytes(), tokenizer);
    let most = limits.messages.map_or(usize::MAX, |most| most as usize);
    match &fitted {
        Fit::Fits => assert!(whole <= limits.weight && before.len() <= most),
        Fit::Unfit(unfit) => {
            // It is the least: at exactly this much there is a form that fits.
            let just = match *unfit {
                Unfit::TooLong { weight } => {
                    assert!(weight > limits.weight && weight <= whole);
                    Limits { weight, ..*limits }
                }
                Unfit::TooMany { messages } => Limits {
                    messages: Some(messages),
                    ..*limits
                },
            };
            assert_ne!(fit(body.as_bytes(), tokenizer, &just), fitted);
        }
        Fit::Compressed {
            body: short,
            removed,
            truncated,
        } => {
            assert!(whole > limits.weight || before.len() > most);
            assert!(weight(short, tokenizer) <= limits.weight);
            assert_eq!(fit(short, tokenizer, limits), Fit::Fits);
            let after = messages(short);
            assert!(after.len() <= most);
            assert_eq!(after.len() + removed, before.len());
            assert!(removed + truncated > 0);

            // What is left is there in its order, cut at most in its texts.
            let mut rest = before.iter();
            let mut cut = 0;
            for message in &after {
                let long = rest.find(|long| is_cut_from(message, long));
                cut += usize::from(long.unwrap() != message);
            }
            assert_eq!(cut, *truncated);

            assert!(is_cut_from(after.last().unwrap(), before.last().unwrap()));
            assert_eq!(last_user(&after), last_user(&before));
            assert!(
                before
                    .iter()
                    .filter(|m| is_system(m))
                    .eq(after.iter().filter(|m| is_system(m)))
            );
            let all = pairs(&before);
            let left = pairs(&after);
            assert!(
                left.iter()
                    .all(|pair| pair.1 == pair.2 && all.contains(pair))
            );

            // All beside the messages is the same text.
            let text = std::str::from_utf8(short).unwrap();
            assert!(text.starts_with("{ \"model\":\"a/b\", \"messages\" : [ {"));
            assert!(text.ends_with("} ] ,\"big\":1.50e40,\"messages2\":[] }"));
        }
    }
    fitted
}

#[test]
fn whatever_the_conversation_and_the_budget() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut seen = [0; 4];
    for _ in 0..150 {
        let body = random.conversation();
        let tokenizer = Family::ALL[random.below(Family::ALL.len())].tokenizer();
        let whole = weight(body.as_bytes(), tokenizer);
        for _ in 0..10 {
            let weight = random.below(whole as usize * 9 / 8 + 2) as u64;
            let messages = match random.below(3) {
                0 => Some(random.below(12) as u64 + 1),
                _ => None,
            };
            let limits = Limits {
                weight,
                messages,
                completion: 0,
            };
            let kind = match check(&body, tokenizer, &limits) {
                Fit::Fits => 0,
                Fit::Unfit(_) => 1,
                Fit::Compressed { truncated: 0, .. } => 2,
                Fit::Compressed { .. } => 3,
            };
            seen[kind] += 1;
        }
    }
    assert!(seen.iter().all(|count| *count > 30), "{seen:?}");
}

#[test]
fn what_fits_fits_with_more_room() {
    let mut random = Random(7);
    for _ in 0..20 {
        let body = random.conversation();
        let whole = tokens(body.as_bytes());
        let mut budgets: Vec<u64> = (0..100)
            .map(|_| random.below(whole as usize + 1) as u64)
            .collect();
        budgets.sort_unstable();
        let is_unfit = |tokens: &u64| matches!(simply(body.as_bytes(), *tokens), Fit::Unfit(_));
        let mut fitting = budgets.iter().skip_while(|tokens| is_unfit(tokens));
        assert!(fitting.all(|tokens| !is_unfit(tokens)));
        assert_eq!(simply(body.as_bytes(), whole), Fit::Fits);
    }
}
