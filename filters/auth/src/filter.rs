//! The filter: strips what is not the caller's to send, finds the key, and lets known ones pass.

use std::rc::Rc;

use meshrouter_core::document::Callers;
use meshrouter_core::keys::{KeyRing, Known};
use meshrouter_core::names::property;
use meshrouter_core::route::Route;
use meshrouter_core::{ApiError, DocumentError};
use meshrouter_host::{Direction, Filter, Flow, Host};
use sha2::{Digest, Sha256};

use crate::credential::{Kind, classify};

/// Lets requests with a known key pass, and takes off them what only the router may say.
#[derive(Debug)]
pub struct Auth {
    keys: Rc<KeyRing>,
}

impl Filter for Auth {
    type Document = Callers;
    type Settings = KeyRing;

    const NAME: &'static str = "auth";

    fn configure(document: Callers) -> Result<KeyRing, DocumentError> {
        KeyRing::compile(document.keys)
    }

    fn new(keys: Rc<KeyRing>) -> Self {
        Self { keys }
    }

    fn on_request_headers(&mut self, host: &mut impl Host, _end: bool) -> Flow {
        let headers = host.headers(Direction::Request);
        let mut key = None;
        let mut path: &[u8] = b"";
        for (name, value) in &headers {
            match classify(name, value) {
                Kind::Key(found) => key = key.or(Some(found)),
                Kind::Strip => {}
                Kind::Keep => {
                    if name == ":path" {
                        path = value;
                    }
                    continue;
                }
            }
            host.remove_header(Direction::Request, name);
        }
        let is_public = Route::of(path).is_some_and(|route| route.is_public());
        match self.check(key, is_public) {
            Ok(Some(known)) => {
                host.set_property(property::KEY, known.caller.name.as_bytes());
                host.set_property(property::ACCOUNT, &known.account);
                Flow::Continue
            }
            Ok(None) => Flow::Continue,
            Err(error) => {
                host.reply(&error.into());
                Flow::Replied
            }
        }
    }
}

impl Auth {
    /// Whose key it is; `None` where no key is needed and none came.
    fn check(&self, key: Option<&[u8]>, is_public: bool) -> Result<Option<&Known>, ApiError> {
        let Some(key) = key else {
            if is_public {
                return Ok(None);
            }
            let message = "No API key: send it as `Authorization: Bearer <key>`.";
            return Err(ApiError::new(401, message));
        };
        let hash = Sha256::digest(key);
        let known = self.keys.get(&hash.into());
        match known {
            Some(known) if !known.caller.disabled => Ok(Some(known)),
            Some(_) => Err(ApiError::new(401, "This API key is disabled.")),
            None => Err(ApiError::new(
                401,
                "This API key is not known to the gateway.",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshrouter_host::Headers;
    use meshrouter_host::fake::{Stream, settings};

    /// SHA-256 of `sk-or-v1-demo` and of `sk-or-v1-off`.
    const DOCUMENT: &str = r#"{"keys": [
        {"name": "demo", "hash": "DEMO"}, {"name": "off", "hash": "OFF", "disabled": true}]}"#;

    fn hex(key: &str) -> String {
        Sha256::digest(key)
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect()
    }

    fn sent(headers: &[(&str, &str)]) -> (Stream<Auth>, Flow) {
        let document = DOCUMENT
            .replace("DEMO", &hex("sk-or-v1-demo"))
            .replace("OFF", &hex("sk-or-v1-off"));
        let mut stream = Stream::new(&settings::<Auth>(&document).unwrap());
        let flow = stream.headers(Direction::Request, headers, false);
        (stream, flow)
    }

    const CHAT: (&str, &str) = (":path", "/v1/chat/completions");

    #[test]
    fn known_keys_pass_without_their_credentials() {
        for header in [
            ("authorization", "Bearer sk-or-v1-demo"),
            ("x-api-key", "sk-or-v1-demo"),
        ] {
            let (stream, flow) = sent(&[CHAT, header, ("x-title", "App")]);
            assert_eq!(flow, Flow::Continue);
            assert_eq!(stream.host.properties["meshrouter.key"], b"demo");
            assert_eq!(stream.header(Direction::Request, header.0), None);
            assert_eq!(
                stream.header(Direction::Request, "x-title").as_deref(),
                Some("App")
            );
        }
    }

    #[test]
    fn others_get_401() {
        let cases = [
            (vec![CHAT], "No API key"),
            (vec![CHAT, ("authorization", "Basic eHg=")], "No API key"),
            (
                vec![CHAT, ("authorization", "Bearer sk-or-v1-other")],
                "not known",
            ),
            (vec![CHAT, ("authorization", "Bearer ")], "not known"),
            (vec![CHAT, ("x-api-key", "sk-or-v1-off")], "disabled"),
            (
                vec![(":path", "/v1/models"), ("x-api-key", "wrong")],
                "not known",
            ),
        ];
        for (headers, message) in cases {
            let (stream, flow) = sent(&headers);
            assert_eq!(flow, Flow::Replied);
            let reply = stream.host.reply.unwrap();
            let body = String::from_utf8(reply.body).unwrap();
            assert_eq!(reply.status, 401);
            assert!(body.contains(message) && !body.contains("sk-or"), "{body}");
        }
    }

    #[test]
    fn the_model_list_is_public() {
        let (stream, flow) = sent(&[(":path", "/api/v1/models")]);
        assert_eq!(flow, Flow::Continue);
        assert!(stream.host.properties.is_empty());
    }

    #[test]
    fn what_only_the_router_may_say_is_stripped() {
        let (stream, flow) = sent(&[
            CHAT,
            ("authorization", "Bearer sk-or-v1-demo"),
            ("x-meshrouter-plan", "a@b"),
            ("x-meshrouter-anything", "x"),
            ("x-envoy-max-retries", "99"),
            ("cookie", "a=b"),
        ]);
        assert_eq!(flow, Flow::Continue);
        assert_eq!(stream.host.headers(Direction::Request).len(), 1);
    }
}
