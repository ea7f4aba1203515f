//! The HTTP surface: paths, methods, content types and sizes.

use meshrouter_core::ApiError;
use meshrouter_core::route::{Operation, Route};
use meshrouter_host::{HeaderList, Reply};

/// The route of a request, or the answer that there is none. `max_body` is in bytes.
pub(crate) fn route(headers: &HeaderList, end: bool, max_body: usize) -> Result<Route, Reply> {
    let header = |name: &str| headers.get(name);
    let route = Route::of(header(":path").unwrap_or_default());
    // What `auth` answers never comes here.
    let Some(route) = route.filter(|route| !matches!(route, Route::Keys(_))) else {
        let message = "There is nothing at this path. The API is at /api/v1: POST /api/v1/chat/completions, GET /api/v1/models.";
        return Err(ApiError::new(404, message).into());
    };
    let methods = route.methods();
    let method = header(":method").unwrap_or_default();
    if !methods.iter().any(|known| known.as_bytes() == method) {
        return Err(Reply::wrong_method(methods));
    }
    let Route::Provider(operation) = route else {
        return Ok(route);
    };
    if end {
        return Err(ApiError::new(400, no_body(operation)).into());
    }
    if let Some(found) = header("content-type").filter(|value| !is_json(value)) {
        let found = String::from_utf8_lossy(found).into_owned();
        let message = format!(
            "The request body must be application/json, but its content-type is `{found}`."
        );
        return Err(ApiError::new(415, message).into());
    }
    let encoding = header("content-encoding").unwrap_or_default();
    if !matches!(encoding, b"" | b"identity") {
        let message = "The request body is compressed: the gateway reads it uncompressed only.";
        return Err(ApiError::new(415, message).into());
    }
    let length =
        header("content-length").and_then(|text| std::str::from_utf8(text).ok()?.parse().ok());
    if length.is_some_and(|length: usize| length > max_body) {
        return Err(too_large(max_body).into());
    }
    Ok(route)
}

fn no_body(operation: Operation) -> String {
    let input = match operation {
        Operation::ChatCompletions => "messages",
        Operation::Completions => "prompt",
        Operation::Embeddings => "input",
    };
    format!("The request has no body: expected a JSON object with `model` and `{input}`.")
}

/// 413, with the limit.
pub(crate) fn too_large(max_body: usize) -> ApiError {
    let message = format!(
        "The request body is larger than {max_body} bytes, the most that the gateway accepts."
    );
    ApiError::new(413, message)
}

/// Whether a content type is JSON, whatever its parameters.
fn is_json(content_type: &[u8]) -> bool {
    if content_type == b"application/json" {
        return true;
    }
    let kind = content_type
        .split(|b| *b == b';')
        .next()
        .unwrap_or_default();
    let kind = kind.trim_ascii().to_ascii_lowercase();
    kind == b"application/json" || (kind.starts_with(b"application/") && kind.ends_with(b"+json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types() {
        for kind in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/vnd.x+json",
        ] {
            assert!(is_json(kind.as_bytes()), "{kind}");
        }
        for kind in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "",
            "json",
            "application/jsonx",
        ] {
            assert!(!is_json(kind.as_bytes()), "{kind}");
        }
    }
}
