use meshrouter_core::document::Pricing;
use meshrouter_core::money::Price;
use meshrouter_core::route::Operation;
use meshrouter_core::tokens::{Count, TOKEN};

use super::*;

fn meter(include_usage: bool) -> Meter {
    let pricing = Pricing {
        prompt: Price::parse("0.000001").unwrap(),
        completion: Price::parse("0.000002").unwrap(),
        ..Pricing::default()
    };
    Meter::new(Metering {
        terms: Terms {
            pricing,
            fee: None,
            images: 0,
            completes: true,
        },
        family: Family::Gpt,
        prompt_tokens: 100,
        usage_chunk: include_usage
            .then(|| Signature::new("gen-1-x", "a/b", "P", Operation::ChatCompletions).of_chunks()),
    })
}

/// What is added to a usage that costs so much.
fn billed(cost: &str) -> String {
    format!(r#""cost":{cost},"is_byok":false,"cost_details":{{"upstream_inference_cost":null}}"#)
}

const STREAM: &str = concat!(
    ": PING\n\n",
    "data: {\"choices\":[{\"delta\":{\"content\":\"a \\\"usage\\\" of 世界\"}}],\"usage\":null}\r\n\r\n",
    "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1}}\n\n",
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":5}}\n\n",
    "data: [DONE]\n\n",
);

/// What leaves of a stream that is cut in two.
fn streamed(stream: &str, include_usage: bool, cut: usize) -> (String, Meter) {
    let mut meter = meter(include_usage);
    let (head, tail) = stream.as_bytes().split_at(cut);
    let mut out = meter.chunk(head, false).unwrap_or(head.to_vec());
    out.extend(meter.chunk(tail, true).unwrap_or(tail.to_vec()));
    (String::from_utf8(out).unwrap(), meter)
}

#[test]
fn streams_are_counted_however_they_are_cut() {
    let priced = STREAM
        .replace(
            r#"{"prompt_tokens":1}"#,
            &format!(r#"{{{},"prompt_tokens":1}}"#, billed("0.000001")),
        )
        .replace(
            r#"{"prompt_tokens":10,"#,
            &format!(r#"{{{},"prompt_tokens":10,"#, billed("0.00002")),
        );
    for cut in 0..=STREAM.len() {
        let (out, meter) = streamed(STREAM, true, cut);
        assert_eq!(out, priced, "cut at {cut}");
        let bill = meter.bill().unwrap();
        assert_eq!(bill.usage.prompt_tokens, 10, "the last one counts");
        assert_eq!((bill.cost.caller.nano(), bill.estimated), (20_000, false));
        assert_eq!(meter.finish(), Some("stop"));
    }
}

#[test]
fn the_usage_chunk_is_for_those_who_asked() {
    let (out, meter) = streamed(STREAM, false, 100);
    assert!(!out.contains("\"choices\":[]") && out.contains("\"prompt_tokens\":1}"));
    assert!(out.ends_with("data: [DONE]\n\n"));
    assert_eq!(meter.bill().unwrap().cost.caller.nano(), 20_000);
}

#[test]
fn details_stay_as_they_stand() {
    let usage = r#""prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2, "audio_tokens": 1.0},
        "completion_tokens_details": {"reasoning_tokens": 1, "audio_tokens": null}, "x": [1.50]"#;
    let body = format!(r#"{{"choices": [], "usage": {{{usage}}}}}"#);
    let out = meter(false).completion(body.as_bytes()).unwrap();
    let out = String::from_utf8(out).unwrap();
    assert!(out.contains(usage), "{out}");
}

#[test]
fn completions_get_their_cost() {
    let mut meter = meter(false);
    let out = meter.completion(br#"{"usage": {"prompt_tokens": 1, "completion_tokens": 1}}"#);
    assert_eq!(
        String::from_utf8(out.unwrap()).unwrap(),
        format!(
            r#"{{"usage": {{{},"prompt_tokens": 1, "completion_tokens": 1}}}}"#,
            billed("0.000003")
        )
    );
}

#[test]
fn what_is_no_answer_does_not_change() {
    for body in ["", "null", "{}", r#"{"usage": null}"#, r#"{"usage": 3}"#] {
        let mut meter = meter(true);
        assert_eq!(meter.completion(body.as_bytes()), None);
        assert_eq!(meter.bill(), None);
    }
}

/// What a text is estimated at, in tokens.
fn tokens(text: &str) -> u64 {
    let count = Count::of(text.as_bytes());
    count.weight(Family::Gpt.tokenizer()).div_ceil(TOKEN)
}

/// What an answer of so many tokens costs to a prompt of a hundred, in nano-dollars.
fn nano(completion: u64) -> u64 {
    100_000 + completion * 2_000
}

/// The usage of an answer of "Hello there", as it is estimated.
fn estimate() -> String {
    let completion = tokens("Hello there");
    let cost = format!("0.{:09}", nano(completion));
    format!(
        r#"{{"prompt_tokens":100,"completion_tokens":{completion},"total_tokens":{},"estimated":true,{}}}"#,
        100 + completion,
        billed(cost.trim_end_matches('0'))
    )
}

#[test]
fn an_answer_without_usage_is_estimated() {
    let answer = r#"{"choices":[{"message":{"content":"Hello there"},"finish_reason":"stop"}]"#;
    let usage = format!(r#""usage":{}"#, estimate());
    for rest in ["}", r#","usage":null}"#, r#","usage":3}"#] {
        let mut meter = meter(false);
        let out = meter.completion(format!("{answer}{rest}").as_bytes());
        let out = String::from_utf8(out.unwrap()).unwrap();
        assert_eq!(out.matches(&usage).count(), 1, "{out}");
        assert!(meter.bill().unwrap().estimated);
    }
}

const UNCOUNTED: &str = concat!(
    "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}],\"usage\":null}\n\n",
    "data: {\"choices\":[{\"delta\":{\"content\":\"Hello\"}}]}\n\n: ping\n\n",
    "data: {\"choices\":[{\"delta\":{\"content\":\" there\"},\"finish_reason\":\"length\"}]}\r\n\r\n",
    "data: [DONE]\n\n",
);

#[test]
fn a_stream_without_usage_is_estimated_however_it_is_cut() {
    let head = r#"{"id":"gen-1-x","provider":"P","model":"a/b","object":"chat.completion.chunk","created":1,"choices":[],"usage":"#;
    let chunk = format!("data: {head}{}}}\n\n", estimate());
    let with_chunk = UNCOUNTED.replace("data: [DONE]", &format!("{chunk}data: [DONE]"));
    for cut in 0..=UNCOUNTED.len() {
        for (include_usage, expected) in [(false, UNCOUNTED), (true, with_chunk.as_str())] {
            let (out, meter) = streamed(UNCOUNTED, include_usage, cut);
            assert_eq!(out, expected, "cut at {cut}");
            let bill = meter.bill().unwrap();
            assert_eq!(bill.cost.caller.nano(), nano(tokens("Hello there")));
            assert_eq!((bill.estimated, meter.finish()), (true, Some("length")));
        }
    }
}

#[test]
fn what_came_of_a_stream_is_paid() {
    let bill = |events: usize| {
        let mut meter = meter(false);
        let end = UNCOUNTED.match_indices("data: ").nth(events).unwrap().0;
        meter.chunk(&UNCOUNTED.as_bytes()[..end], false);
        let bill = meter.bill()?;
        Some((bill.usage.completion_tokens, bill.cost.caller.nano()))
    };
    assert_eq!(bill(0), None);
    assert_eq!(bill(1), Some((0, 0)), "nothing was said");
    for (events, said) in [(2, "Hello"), (3, "Hello there")] {
        assert_eq!(bill(events), Some((tokens(said), nano(tokens(said)))));
    }
    // Usage that came before the end is the provider's word.
    let mut meter = meter(false);
    meter.chunk(
        STREAM
            .split_inclusive("data: [DONE]")
            .next()
            .unwrap()
            .as_bytes(),
        false,
    );
    assert!(!meter.bill().unwrap().estimated);
}

#[test]
fn an_answer_that_fails_is_free() {
    let stream = concat!(
        "data: {\"choices\":[{\"delta\":{\"content\":\"Hello there\"}}]}\n\n",
        "data: {\"error\":{\"code\":502},\"choices\":[{\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}]}\n\n",
    );
    for cut in 0..=stream.len() {
        let (out, meter) = streamed(stream, true, cut);
        assert_eq!(out, stream);
        let bill = meter.bill().unwrap();
        let said = tokens("Hello there");
        assert_eq!(bill.usage, Usage::estimated(100, said));
        let amounts = (bill.cost.caller.nano(), bill.cost.upstream.nano());
        assert_eq!((amounts, meter.finish()), ((0, nano(said)), Some("error")));
    }
}

#[test]
fn words_are_counted_whether_or_not_they_come_alike() {
    let words = [
        "Hello",
        " there",
        " \\\"quoted\\\"",
        ", usage",
        "",
        " of\\n",
        "\u{4e16}\u{754c}",
        " end",
    ];
    let events = words.map(|word| {
        format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{word}\"}},\"finish_reason\":null}}]}}\n\n")
    });
    let mut meter = meter(false);
    for event in &events {
        assert_eq!(meter.chunk(event.as_bytes(), false), None);
    }
    let said = words.concat();
    assert_eq!(meter.bill().unwrap().usage.completion_tokens, tokens(&said));
    // Another shape of the same: the end, and what breaks off.
    let last = events[1].replace("null", "\"length\"");
    assert_eq!(meter.chunk(last.as_bytes(), false), None);
    assert_eq!(meter.finish(), Some("length"));
    let (head, tail) = events[0].as_bytes().split_at(60);
    assert_eq!(meter.chunk(head, false), Some(Vec::new()));
    assert_eq!(
        meter.chunk(tail, false),
        Some(events[0].clone().into_bytes())
    );
    let said = said + " there" + "Hello";
    assert_eq!(meter.bill().unwrap().usage.completion_tokens, tokens(&said));
}
