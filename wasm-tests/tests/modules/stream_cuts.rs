//! A stream through all filters, cut anywhere: the same events come out, each with the piece that completed it.

use meshrouter_wasm_tests::vm::{Answer, Gateway, UpstreamResponse};

use crate::{GPT, assert_sound, chat, gateway, post, stable};

/// Comments, multi-byte characters, CRLF, data in several lines, usage, and no newline at the end.
const LONG: &str = concat!(
    ": PROCESSING\n\n",
    "data: {\"id\":\"x\",\"choices\":[{\"delta\":{\"content\":\"héllo 世界 🦀\"}}]}\n\n",
    "event: message\r\ndata: {\"choices\":[{\"delta\":{\"content\":\"b\"}}],\"odd\":1.50}\r\n\r\n",
    "data: {\"choices\":\r\ndata: [{\"delta\":{\"content\":\"c\"}}]}\r\n\r\n",
    ": ping\r\n\r\n",
    "data:{\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\r\r",
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":5}}\n\n",
    "data: [DONE]",
);

/// Short enough for every pair of cuts.
const SHORT: &str =
    ": p\n\ndata: {\"choices\":[{\"text\":\"é\"}]}\r\n\r\ndata: {\"usage\":{}}\n\ndata: [DONE]";

fn run(gateway: &mut Gateway, pieces: &[&[u8]], usage: bool) -> Answer {
    let options = format!(r#""stream":true,"stream_options":{{"include_usage":{usage}}},"#);
    let response = UpstreamResponse::sse(pieces.iter().map(|piece| piece.to_vec()));
    let answer = gateway.send(&post(chat(GPT, &options)), |_| response.clone().into());
    assert_sound(&answer, "cut");
    assert_eq!((answer.status, answer.attempts), (200, 1));
    answer
}

/// The whole events in these bytes with LF for every line end; the rest, if `end`.
fn events(bytes: &[u8], end: bool) -> Vec<Vec<u8>> {
    let (mut events, mut event, mut line) = (Vec::new(), Vec::new(), Vec::new());
    let mut after_cr = false;
    for byte in bytes {
        let lf_of_crlf = *byte == b'\n' && after_cr;
        after_cr = *byte == b'\r';
        if lf_of_crlf {
            continue;
        }
        if !matches!(byte, b'\r' | b'\n') {
            line.push(*byte);
        } else if !line.is_empty() {
            event.extend(std::mem::take(&mut line));
            event.push(b'\n');
        } else if !event.is_empty() {
            events.push(std::mem::take(&mut event));
        }
    }
    event.extend(line);
    events.extend((end && !event.is_empty()).then_some(event));
    events
}

fn stable_events(text: &str) -> Vec<String> {
    let each = events(stable(text).as_bytes(), true).into_iter();
    each.map(|event| String::from_utf8(event).unwrap())
        .collect()
}

/// With n pieces fed, all events that are whole have left, once there was one with data. After an error, which is the
/// last of `all`, nothing leaves.
fn assert_not_held(answer: &Answer, pieces: &[&[u8]], all: usize, about: &str) {
    for fed in 1..=pieces.len() {
        let came = events(&pieces[..fed].concat(), false);
        let is_data = |event: &Vec<u8>| {
            event
                .split(|b| *b == b'\n')
                .any(|line| line.starts_with(b"data"))
        };
        let expected = if came.iter().any(is_data) {
            came.len().min(all)
        } else {
            0
        };
        let out: Vec<u8> = answer
            .chunks
            .iter()
            .filter(|chunk| chunk.fed <= fed)
            .flat_map(|chunk| chunk.bytes.clone())
            .collect();
        let left = events(&out, false).len();
        // The tail without a newline leaves with the end, which follows the last piece.
        assert!(
            left >= expected,
            "{about}, {fed} fed: {left} of {expected} events"
        );
    }
}

/// Cuts at `cuts`, which are in order.
fn cut<'a>(text: &'a str, cuts: &[usize]) -> Vec<&'a [u8]> {
    let ends = cuts.iter().copied().chain([text.len()]);
    let mut start = 0;
    ends.map(|end| &text.as_bytes()[std::mem::replace(&mut start, end)..end])
        .filter(|piece| !piece.is_empty())
        .collect()
}

/// Returns the events as they leave whole.
pub(crate) fn assert_same(
    text: &str,
    usage: bool,
    all_cuts: impl Iterator<Item = Vec<usize>>,
) -> Vec<String> {
    let (_, mut gateway) = gateway();
    let whole = stable_events(&run(&mut gateway, &[text.as_bytes()], usage).text());
    assert!(whole.len() > 2, "{whole:?}");
    for cuts in all_cuts {
        let pieces = cut(text, &cuts);
        let answer = run(&mut gateway, &pieces, usage);
        let about = if cuts.len() > 2 {
            "every byte".to_owned()
        } else {
            format!("cut at {cuts:?}")
        };
        assert_eq!(stable_events(&answer.text()), whole, "{about}");
        if usage {
            assert_not_held(&answer, &pieces, whole.len(), &about);
        }
    }
    whole
}

#[test]
fn at_every_offset() {
    assert_same(LONG, true, (1..LONG.len()).map(|at| vec![at]));
}

#[test]
fn at_every_offset_with_the_usage_chunk_taken_out() {
    let from = LONG.find("data: {\"choices\":[],").unwrap() - 4;
    assert_same(LONG, false, (from..LONG.len()).map(|at| vec![at]));
}

#[test]
fn at_every_pair_of_offsets() {
    let n = SHORT.len();
    let pairs = (1..n).flat_map(|a| (a + 1..n).map(move |b| vec![a, b]));
    assert_same(SHORT, true, pairs);
}

#[test]
fn into_single_bytes() {
    assert_same(LONG, true, std::iter::once((1..LONG.len()).collect()));
}

#[test]
fn bytes_are_the_same_where_lines_end_in_lf() {
    let text = LONG.replace("\r\n", "\n").replace('\r', "\n");
    let (_, mut gateway) = gateway();
    let whole = stable(&run(&mut gateway, &[text.as_bytes()], true).text());
    for at in 1..text.len() {
        let (head, tail) = text.as_bytes().split_at(at);
        let answer = run(&mut gateway, &[head, tail], true);
        assert_eq!(stable(&answer.text()), whole, "cut at {at}");
    }
}
