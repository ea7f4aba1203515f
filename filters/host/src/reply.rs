//! Answers that the router itself gives.

use meshrouter_core::ApiError;

/// The content type of everything that the API says.
const JSON: &str = "application/json";

/// A complete answer: status, headers, body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The body's content type; `None` where there is no body.
    pub content_type: Option<&'static str>,
    /// Headers beside the content type.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// A 200 with a JSON body.
    #[must_use]
    pub fn json(body: Vec<u8>) -> Self {
        Self::of(JSON, body)
    }

    /// A 200 with a body of another content type.
    #[must_use]
    pub fn of(content_type: &'static str, body: Vec<u8>) -> Self {
        Self {
            status: 200,
            content_type: Some(content_type),
            headers: Vec::new(),
            body,
        }
    }

    /// An answer without a body, such as a 304.
    #[must_use]
    pub fn empty(status: u16) -> Self {
        Self {
            status,
            content_type: None,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// A 405 that says which methods a path takes.
    #[must_use]
    pub fn wrong_method(methods: &[&str]) -> Self {
        let names = methods.join(", ");
        let message = format!("This path takes {names} requests only.");
        Self::from(ApiError::new(405, message)).with("allow", names)
    }

    /// Adds a header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// All headers.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let content_type = self.content_type.map(|value| ("content-type", value));
        let others = self.headers.iter();
        content_type
            .into_iter()
            .chain(others.map(|(name, value)| (*name, value.as_str())))
    }
}

impl From<ApiError> for Reply {
    fn from(error: ApiError) -> Self {
        Self {
            status: error.status,
            content_type: Some(JSON),
            headers: Vec::new(),
            body: error.body(),
        }
    }
}
