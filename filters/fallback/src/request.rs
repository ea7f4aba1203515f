//! The canonical request, turned into what the candidate's provider wants.

use meshrouter_core::AttemptRequest;
use meshrouter_core::catalog::{Endpoint, Provider};
use meshrouter_core::facts::MemberSpan;
use meshrouter_wire::json::{Kind, Patch, Scanner, literal};
use meshrouter_wire::request::ROUTER_ONLY;

/// Request headers that a provider may see. All others are the caller's and ours alone: names of
/// applications, addresses, cookies, credentials.
const FORWARDED: &[&str] = &[
    ":method",
    ":scheme",
    "accept",
    "content-type",
    "traceparent",
    "tracestate",
    "user-agent",
    // Envoy finds no route without it. The route takes it off, as it does the cluster's name.
    "x-forwarded-proto",
    "x-request-id",
];

/// Whether a request header reaches the provider.
pub(crate) fn is_forwarded(name: &str) -> bool {
    FORWARDED.contains(&name)
}

/// The headers that are the provider's: path, authority, cluster.
pub(crate) fn provider_headers(provider: &Provider) -> [(&'static str, &[u8]); 3] {
    [
        (":path", provider.path.as_bytes()),
        (":authority", provider.authority.as_bytes()),
        (
            meshrouter_core::names::header::CLUSTER,
            provider.cluster.as_bytes(),
        ),
    ]
}

/// The body for an endpoint: its own name of the model, none of the router's members, and a
/// request for the usage of a stream. `None` where the spans are not this body's.
pub(crate) fn body(body: &[u8], request: &AttemptRequest, endpoint: &Endpoint) -> Option<Vec<u8>> {
    if body.len() != request.body_length {
        return None;
    }
    let mut patch = Patch::of(body);
    let (mut has_model, mut has_options) = (false, false);
    let model = literal(&endpoint.model);
    for span in &request.members {
        match span.name.as_str() {
            "model" => {
                patch.replace(span.value..span.end, model.as_bytes());
                has_model = true;
            }
            "stream_options" => {
                if let Some(options) = stream_options(body, span, request.stream) {
                    patch.replace(span.value..span.end, &options);
                }
                has_options = true;
            }
            name if ROUTER_ONLY.contains(&name) => patch.remove(span.start..span.end),
            _ => {}
        }
    }
    if !has_model {
        patch.insert("model", model.as_bytes());
    }
    if request.stream && !has_options {
        patch.insert("stream_options", br#"{"include_usage":true}"#);
    }
    patch.finish()
}

/// The caller's `stream_options`, asking for the usage that the accounting needs. The chunk with
/// it reaches only callers who asked themselves.
fn stream_options(body: &[u8], span: &MemberSpan, stream: bool) -> Option<Vec<u8>> {
    let old = body.get(span.value..span.end).filter(|_| stream)?;
    let mut scanner = Scanner::new(old);
    if scanner.peek().ok()? != Kind::Object {
        return Some(br#"{"include_usage":true}"#.to_vec());
    }
    let mut patch = Patch::of(old);
    let mut object = scanner.enter().ok()?;
    let mut found = false;
    while let Some(member) = scanner.member(&mut object).ok()? {
        let value = scanner.value().ok()?;
        if member.name == "include_usage" {
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
mod tests {
    use super::*;
    use meshrouter_core::document::Pricing;
    use meshrouter_wire::request::ChatRequest;

    /// The body that an endpoint with the model name `m-1` gets.
    fn sent(text: &str) -> String {
        let request = ChatRequest::read(text.as_bytes()).unwrap();
        let attempt = AttemptRequest {
            stream: request.stream,
            members: request.members,
            body_length: text.len(),
            ..AttemptRequest::default()
        };
        let endpoint = Endpoint {
            provider: "alpha".to_owned(),
            model: "m-1".to_owned(),
            context_length: 1,
            max_completion_tokens: None,
            is_moderated: false,
            exacto: false,
            throughput: 0,
            pricing: Pricing::default(),
        };
        String::from_utf8(body(text.as_bytes(), &attempt, &endpoint).unwrap()).unwrap()
    }

    const MESSAGES: &str = r#""messages": [{"role": "user", "content": "a\u00e9 \"model\""}]"#;

    #[test]
    fn the_model_is_the_providers_and_the_rest_untouched() {
        assert_eq!(
            sent(&format!(
                r#"{{"model": "a/b", {MESSAGES}, "odd":  [1.50, null]}}"#
            )),
            format!(r#"{{"model": "m-1", {MESSAGES}, "odd":  [1.50, null]}}"#)
        );
    }

    #[test]
    fn router_members_are_left_out() {
        let router = r#""models": ["x"], "provider": {"order": []}, "transforms": [], "plugins": [], "usage": {"include": true}, "route": "fallback", "preset": "p", "fallback_models": [], "fallback_rules": "auto""#;
        let expected = format!(r#"{{"model": "m-1", {MESSAGES}}}"#);
        assert_eq!(
            sent(&format!(r#"{{"model": "a/b", {MESSAGES}, {router}}}"#)),
            expected
        );
        assert_eq!(
            sent(&format!(r#"{{"model": "a/b", {router}, {MESSAGES}}}"#)),
            expected
        );
        assert_eq!(
            sent(&format!(r#"{{{router}, {MESSAGES}}}"#)),
            format!(r#"{{"model":"m-1", {MESSAGES}}}"#)
        );
    }

    #[test]
    fn streams_are_asked_for_usage() {
        let options = |given: &str| {
            let body = sent(&format!(
                r#"{{"model": "a/b", "stream": true{given}, {MESSAGES}}}"#
            ));
            let body: serde_json::Value = serde_json::from_str(&body).unwrap();
            body["stream_options"].to_string()
        };
        assert_eq!(options(""), r#"{"include_usage":true}"#);
        assert_eq!(
            options(r#", "stream_options": null"#),
            r#"{"include_usage":true}"#
        );
        assert_eq!(
            options(r#", "stream_options": {}"#),
            r#"{"include_usage":true}"#
        );
        assert_eq!(
            options(r#", "stream_options": {"include_usage": false, "x": 1}"#),
            r#"{"include_usage":true,"x":1}"#
        );
        assert!(!sent(&format!(r#"{{"model": "a/b", {MESSAGES}}}"#)).contains("stream_options"));
    }

    #[test]
    fn spans_of_another_body_are_refused() {
        let endpoint = Endpoint {
            provider: String::new(),
            model: String::new(),
            context_length: 1,
            max_completion_tokens: None,
            is_moderated: false,
            exacto: false,
            throughput: 0,
            pricing: Pricing::default(),
        };
        assert_eq!(body(b"{}", &AttemptRequest::default(), &endpoint), None);
    }
}
