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
}

/// What a request path asks for. `/v1` and `/api/v1` are the same surface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// Something that a provider does.
    Provider(Operation),
    /// `GET /models`.
    Models,
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
        match path.strip_prefix(b"/v1")? {
            b"/chat/completions" => Some(Self::Provider(Operation::ChatCompletions)),
            b"/completions" => Some(Self::Provider(Operation::Completions)),
            b"/embeddings" => Some(Self::Provider(Operation::Embeddings)),
            b"/models" => Some(Self::Models),
            _ => None,
        }
    }

    /// The one method that this route takes.
    #[must_use]
    pub fn method(self) -> &'static str {
        match self {
            Self::Provider(_) => "POST",
            Self::Models => "GET",
        }
    }

    /// Whether the route answers callers without a key, as OpenRouter's model list does.
    #[must_use]
    pub fn is_public(self) -> bool {
        matches!(self, Self::Models)
    }
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
        assert_eq!(Route::of(b"/api/v1/models?category=x"), Some(Route::Models));
        for path in [
            "/",
            "",
            "/v1",
            "/v2/models",
            "/api/models",
            "/api/api/v1/models",
            "/v1/modelsx",
        ] {
            assert_eq!(Route::of(path.as_bytes()), None, "{path}");
        }
    }
}
