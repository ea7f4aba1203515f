//! The last look at a response: internal headers come off, and Envoy's own errors become API errors.

use meshrouter_core::ApiError;

use crate::surface;

/// Whether a response is an error in some other form than the API's, such as Envoy's own replies.
pub(crate) fn is_foreign_error(status: &[u8], content_type: Option<&[u8]>) -> bool {
    let failed = status.first().is_some_and(|digit| *digit >= b'4');
    let json = content_type.is_some_and(|value| value.starts_with(b"application/json"));
    failed && !json
}

/// Envoy's reply as an API error that says what to do about it.
pub(crate) fn api_error(status: &[u8], body: &[u8], max_body: usize) -> ApiError {
    let status = std::str::from_utf8(status)
        .ok()
        .and_then(|text| text.parse().ok());
    let status = status.unwrap_or(502);
    let message = match status {
        413 => return surface::too_large(max_body),
        502 => "The last provider of this request broke off before it answered.".to_owned(),
        503 => {
            "The gateway is overloaded or has no connection to itself left. Try again.".to_owned()
        }
        504 => "The request took longer than the gateway allows.".to_owned(),
        _ => {
            let text = String::from_utf8_lossy(body);
            format!("The gateway could not answer: {}", text.trim())
        }
    };
    ApiError::new(status, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_errors_that_are_not_json_are_foreign() {
        assert!(is_foreign_error(b"413", Some(b"text/plain")));
        assert!(is_foreign_error(b"503", None));
        assert!(!is_foreign_error(b"503", Some(b"application/json")));
        assert!(!is_foreign_error(b"200", Some(b"text/event-stream")));
    }

    #[test]
    fn errors_keep_their_status() {
        assert_eq!(api_error(b"413", b"Payload Too Large", 9).status, 413);
        assert_eq!(
            api_error(b"426", b"Upgrade Required\n", 9).message,
            "The gateway could not answer: Upgrade Required"
        );
    }
}
