//! The HTTP surface: which paths the router answers.

use serde::{Deserialize, Serialize};

/// What a provider is asked to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// `POST /chat/completions`.
    #[default]
    ChatCompletions,
    /// `POST /completions`, the legacy one: `prompt` in place of `messages`.
    Completions,
    /// `POST /embeddings`: `input` in place of `messages`.
    Embeddings,
}

impl Operation {
    /// The name, as in the gateway document.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ChatCompletions => "chat_completions",
            Self::Completions => "completions",
            Self::Embeddings => "embeddings",
        }
    }

    /// The name in spans: OpenTelemetry's `gen_ai.operation.name`.
    #[must_use]
    pub fn span_name(self) -> &'static str {
        match self {
            Self::ChatCompletions => "chat",
            Self::Completions => "text_completion",
            Self::Embeddings => "embeddings",
        }
    }
}

/// What a request path asks for. `/v1` and `/api/v1` are the same surface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// Something that a provider does.
    Provider(Operation),
    /// Something that the router knows.
    Read(Read),
    /// Something about the callers' keys.
    Keys(Keys),
}

/// What the router tells of keys, and does with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keys {
    /// `GET /key`: the caller's own.
    Own,
    /// `GET /keys`, and `POST /keys` for a new one.
    All,
    /// `/keys/{hash}`.
    One(String),
    /// `GET /credits`: what all of them have spent.
    Credits,
    /// `GET /generation?id=`.
    Generation,
    /// `GET /activity`.
    Activity,
}

/// What the router tells of its catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// `GET /models`.
    Models,
    /// `GET /models/count`.
    ModelCount,
    /// `GET /models/{author}/{slug}/endpoints`: the model's id.
    Endpoints(String),
    /// `GET /providers`.
    Providers,
}

impl Keys {
    /// The methods that this path takes.
    #[must_use]
    pub fn methods(&self) -> &'static [&'static str] {
        match self {
            Self::All => &["GET", "POST"],
            Self::One(_) => &["GET", "PATCH", "DELETE"],
            Self::Own | Self::Credits | Self::Generation | Self::Activity => &["GET"],
        }
    }
}

impl Route {
    /// The route of a `:path` header: the query string and one trailing slash do not count.
    #[must_use]
    pub fn of(path: &[u8]) -> Option<Self> {
        let path = path
            .split(|b| matches!(b, b'?' | b'#'))
            .next()
            .unwrap_or(path);
        let path = path.strip_suffix(b"/").unwrap_or(path);
        let path = path.strip_prefix(b"/api").unwrap_or(path);
        let path = path.strip_prefix(b"/v1")?;
        match path {
            b"/chat/completions" => Some(Self::Provider(Operation::ChatCompletions)),
            b"/completions" => Some(Self::Provider(Operation::Completions)),
            b"/embeddings" => Some(Self::Provider(Operation::Embeddings)),
            b"/models" => Some(Self::Read(Read::Models)),
            b"/models/count" => Some(Self::Read(Read::ModelCount)),
            b"/providers" => Some(Self::Read(Read::Providers)),
            // The second is the older name.
            b"/key" | b"/auth/key" => Some(Self::Keys(Keys::Own)),
            b"/keys" => Some(Self::Keys(Keys::All)),
            b"/credits" => Some(Self::Keys(Keys::Credits)),
            b"/generation" => Some(Self::Keys(Keys::Generation)),
            b"/activity" => Some(Self::Keys(Keys::Activity)),
            _ => {
                if let Some(hash) = path.strip_prefix(b"/keys/") {
                    return Some(Self::Keys(Keys::One(decode(hash)?)));
                }
                let id = path
                    .strip_prefix(b"/models/")?
                    .strip_suffix(b"/endpoints")?;
                Some(Self::Read(Read::Endpoints(decode(id)?)))
            }
        }
    }

    /// The methods that this route takes.
    #[must_use]
    pub fn methods(&self) -> &'static [&'static str] {
        match self {
            Self::Provider(_) => &["POST"],
            Self::Read(_) => &["GET"],
            Self::Keys(keys) => keys.methods(),
        }
    }

    /// Whether the route answers callers without a key, as OpenRouter's model list does.
    #[must_use]
    pub fn is_public(&self) -> bool {
        matches!(self, Self::Read(_))
    }
}

/// The fields of a path's query string, decoded. Those without a value are left out.
pub fn query(path: &[u8]) -> impl Iterator<Item = (String, String)> {
    let path = path.split(|byte| *byte == b'#').next().unwrap_or(path);
    let query = path.iter().position(|byte| *byte == b'?');
    let query = query.and_then(|at| path.get(at.saturating_add(1)..));
    let fields = query.unwrap_or_default().split(|byte| *byte == b'&');
    fields.filter_map(|field| {
        let (name, value) = match field.iter().position(|byte| *byte == b'=') {
            Some(at) => field.split_at(at),
            None => (field, &b"="[..]),
        };
        let value = value.get(1..).unwrap_or_default();
        (!value.is_empty()).then(|| (form_text(name), form_text(value)))
    })
}

/// A name or a value as forms encode it. What is no UTF-8 is the name of nothing.
fn form_text(part: &[u8]) -> String {
    let space = |byte: &u8| if *byte == b'+' { b' ' } else { *byte };
    let part: Vec<u8> = part.iter().map(space).collect();
    let text = decode(&part);
    text.unwrap_or_else(|| char::REPLACEMENT_CHARACTER.to_string())
}

/// A part of a URL without its percent-encoding; `None` where it is empty or no UTF-8.
#[must_use]
pub fn decode(part: &[u8]) -> Option<String> {
    let mut out = Vec::with_capacity(part.len());
    let mut rest = part;
    while let [byte, after @ ..] = rest {
        let digit = |at: usize| char::from(*after.get(at)?).to_digit(16);
        rest = after;
        match (byte, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                out.push(u8::try_from(high << 4 | low).ok()?);
                rest = after.get(2..)?;
            }
            _ => out.push(*byte),
        }
    }
    let text = String::from_utf8(out).ok()?;
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_prefixes_query_and_slash() {
        for path in [
            "/v1/chat/completions",
            "/api/v1/chat/completions",
            "/api/v1/chat/completions/",
            "/v1/chat/completions?x=/models",
        ] {
            assert_eq!(
                Route::of(path.as_bytes()),
                Some(Route::Provider(Operation::ChatCompletions)),
                "{path}"
            );
        }
        let completions = Route::Provider(Operation::Completions);
        assert_eq!(Route::of(b"/v1/completions"), Some(completions));
        let read = |path: &str| match Route::of(path.as_bytes()) {
            Some(Route::Read(read)) => Some(read),
            _ => None,
        };
        assert_eq!(read("/api/v1/models?category=x"), Some(Read::Models));
        assert_eq!(read("/v1/models/count"), Some(Read::ModelCount));
        assert_eq!(read("/v1/providers/"), Some(Read::Providers));
        for id in ["a/b:free", "a%2fb%3Afree"] {
            let path = format!("/api/v1/models/{id}/endpoints");
            assert_eq!(read(&path), Some(Read::Endpoints("a/b:free".to_owned())));
        }
        let keys = |path: &str| match Route::of(path.as_bytes()) {
            Some(Route::Keys(keys)) => Some(keys),
            _ => None,
        };
        assert_eq!(keys("/api/v1/key"), Some(Keys::Own));
        assert_eq!(keys("/v1/auth/key"), Some(Keys::Own));
        assert_eq!(keys("/api/v1/keys/?offset=100"), Some(Keys::All));
        let one = Some(Keys::One("ab".to_owned()));
        assert_eq!(keys("/api/v1/keys/ab/"), one);
        assert_eq!(keys("/api/v1/keys/a%62"), one);
        for path in [
            "/",
            "",
            "/v1/keysx",
            "/v1/keys//",
            "/v1",
            "/v2/models",
            "/api/models",
            "/api/api/v1/models",
            "/v1/modelsx",
            "/v1/models/endpoints",
            "/v1/models//endpoints",
            "/v1/models/%ff/endpoints",
            "/v1/models/a/b",
        ] {
            assert_eq!(Route::of(path.as_bytes()), None, "{path}");
        }
    }
}
