//! URLs of the read APIs.

use std::fmt::Write;

/// Where a model's endpoints are.
pub(super) fn endpoints(id: &str) -> String {
    format!("/api/v1/models/{}/endpoints", encode(id))
}

/// Percent-encodes what would end a path or a query value. Ids hardly ever need it.
pub(super) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            b'/' | b':' | b',' | b'@' => out.push(char::from(byte)),
            _ => {
                // Writing to a string does not fail.
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshrouter_core::route::{Read, Route};

    #[test]
    fn links_lead_back_to_their_model() {
        assert_eq!(endpoints("a/b:free"), "/api/v1/models/a/b:free/endpoints");
        for id in ["a/b", "a/b?c#d", "a/50%", "x+y&z=1", "a/b/endpoints", "é"] {
            let route = Route::of(endpoints(id).as_bytes());
            let read = Read::Endpoints(id.to_owned());
            assert_eq!(route, Some(Route::Read(read)), "{id}");
        }
    }
}
