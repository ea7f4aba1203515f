//! The HTTP surface: which paths the router answers.

/// What a request path asks for. `/v1` and `/api/v1` are the same surface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// `POST /chat/completions`.
    ChatCompletions,
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
            b"/chat/completions" => Some(Self::ChatCompletions),
            b"/models" => Some(Self::Models),
            _ => None,
        }
    }

    /// The one method that this route takes.
    #[must_use]
    pub fn method(self) -> &'static str {
        match self {
            Self::ChatCompletions => "POST",
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
                Some(Route::ChatCompletions),
                "{path}"
            );
        }
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
