//! The canonical body, turned into what the candidate's endpoint wants: patched by the spans that
//! the edge noted, without a parse.

use meshrouter_core::AttemptRequest;
use meshrouter_core::catalog::Endpoint;
use meshrouter_core::facts::MemberSpan;
use meshrouter_core::route::Operation;
use meshrouter_wire::json::{Kind, Patch, Scanner, literal};
use meshrouter_wire::request::ROUTER_ONLY;

use crate::reasoning;

/// Parameters that are left out for an endpoint that does not understand them: the answer is worth
/// more than they are. What steers the answer's very form, such as tools, stays.
const DROPPABLE: &[&str] = &[
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "min_p",
    "parallel_tool_calls",
    "presence_penalty",
    "repetition_penalty",
    "response_format",
    "seed",
    "stop",
    "temperature",
    "top_a",
    "top_k",
    "top_logprobs",
    "top_p",
    "verbosity",
    "web_search_options",
];

/// What turns on a provider's own web search, the engine of the plugin `web`.
const WEB_SEARCH: &str = "web_search_options";

/// The two names of the completion's bound.
const BOUNDS: [&str; 2] = ["max_tokens", "max_completion_tokens"];

/// What becomes of a member.
enum Fate {
    Keep,
    Remove,
    Replace(Vec<u8>),
    /// It goes, and comes back under another name.
    Rename(&'static str),
}

/// The body for an endpoint: its own name of the model, none of the router's members, parameters
/// as it knows them, and a request for the usage of a stream. `None` where the spans are not this
/// body's. `model` is the router's id of the endpoint's.
pub(crate) fn for_endpoint(
    body: &[u8],
    request: &AttemptRequest,
    endpoint: &Endpoint,
    model: &str,
) -> Option<Vec<u8>> {
    if body.len() != request.body_length {
        return None;
    }
    let mut patch = Patch::of(body);
    for span in &request.members {
        match fate(body, span, request, endpoint)? {
            Fate::Keep => {}
            Fate::Remove => patch.remove(span.start..span.end),
            Fate::Replace(value) => patch.replace(span.value..span.end, value),
            Fate::Rename(name) => {
                patch.remove(span.start..span.end);
                patch.insert(name, body.get(span.value..span.end)?);
            }
        }
    }
    let has = |name: &str| request.members.iter().any(|span| span.name == name);
    if !has("model") {
        patch.insert("model", literal(&endpoint.model).as_bytes());
    }
    let asked = |models: &[String]| models.iter().any(|id| id == model);
    let chat = request.operation == Operation::ChatCompletions;
    if chat && asked(&request.online) && !has(WEB_SEARCH) && endpoint.lists(WEB_SEARCH) {
        patch.insert(WEB_SEARCH, b"{}");
    }
    if request.stream && !has("stream_options") {
        patch.insert("stream_options", br#"{"include_usage":true}"#);
    }
    if let Some((name, value)) = reasoning::member(request, endpoint, asked(&request.thinking)) {
        patch.insert(name, value.as_bytes());
    }
    patch.finish()
}

fn fate(
    body: &[u8],
    span: &MemberSpan,
    request: &AttemptRequest,
    endpoint: &Endpoint,
) -> Option<Fate> {
    let name = span.name.as_str();
    let fate = match name {
        "model" => Fate::Replace(literal(&endpoint.model).into_bytes()),
        "stream_options" if request.stream => {
            Fate::Replace(stream_options(body.get(span.value..span.end)?)?)
        }
        _ if ROUTER_ONLY.contains(&name) => Fate::Remove,
        _ if reasoning::MEMBERS.contains(&name) && !reasoning::keeps(name, endpoint) => {
            Fate::Remove
        }
        _ if BOUNDS.contains(&name) => bound(name, request, endpoint),
        _ if DROPPABLE.contains(&name) && !endpoint.supports(name) => Fate::Remove,
        _ => Fate::Keep,
    };
    Some(fate)
}

/// The completion's bound goes under the name that the endpoint knows; it is never lost.
fn bound(name: &str, request: &AttemptRequest, endpoint: &Endpoint) -> Fate {
    let other = BOUNDS.into_iter().find(|other| *other != name);
    let Some(other) = other.filter(|other| !endpoint.supports(name) && endpoint.supports(other))
    else {
        return Fate::Keep;
    };
    let stands = request.members.iter().any(|span| span.name == other);
    if stands {
        Fate::Remove
    } else {
        Fate::Rename(other)
    }
}

/// The caller's `stream_options`, asking for the usage that the accounting needs. The chunk with
/// it reaches only callers who asked themselves.
fn stream_options(old: &[u8]) -> Option<Vec<u8>> {
    let mut scanner = Scanner::new(old);
    if scanner.peek().ok()? != Kind::Object {
        return Some(br#"{"include_usage":true}"#.to_vec());
    }
    let mut patch = Patch::of(old);
    let mut object = scanner.enter().ok()?;
    let mut found = false;
    while let Some(member) = scanner.member(&mut object).ok()? {
        let value = scanner.value().ok()?;
        if *member.name == *b"include_usage" {
            patch.replace(value.start..value.end(), b"true");
            found = true;
        }
    }
    if !found {
        patch.insert("include_usage", b"true");
    }
    patch.finish()
}

#[cfg(test)]
mod tests;
