//! What is wrong with a request, in words for the person who wrote it.

use meshrouter_core::ApiError;

use crate::json::{JsonError, Kind};

/// Why a request cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestError {
    /// The body is no JSON.
    Json(JsonError),
    /// The body is no UTF-8 from this byte on.
    Encoding(usize),
    /// A field is of the wrong type: path, what was expected, what was found.
    Wrong(String, &'static str, &'static str),
    /// A field is wrong in another way: path, what is wrong with it.
    Field(String, String),
    /// A field is missing: path, what was expected.
    Missing(&'static str, &'static str),
    /// A field of an inner object is missing: the object's path, the field, what was expected.
    MissingIn(String, &'static str, &'static str),
    /// A field stands twice: JSON readers disagree about which counts.
    Twice(String),
    /// An array that must not be empty is.
    Empty(&'static str),
    /// More fields than a request may have.
    TooMany(usize),
    /// A field that a preset cannot set.
    NotInPreset(String),
}

impl RequestError {
    /// A field of the wrong type. The empty path is the body itself.
    pub(super) fn wrong(path: impl Into<String>, expected: &'static str, found: Kind) -> Self {
        Self::Wrong(path.into(), expected, found.describe())
    }
}

impl From<JsonError> for RequestError {
    fn from(error: JsonError) -> Self {
        Self::Json(error)
    }
}

impl From<RequestError> for ApiError {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Json(error) => {
                Self::new(400, format!("The request body is not valid JSON: {error}."))
            }
            RequestError::Encoding(at) => Self::new(
                400,
                format!("The request body is not UTF-8: byte {at} begins no character."),
            ),
            RequestError::Wrong(path, expected, found) if path.is_empty() => Self::new(
                400,
                format!("The request body must be {expected}, but is {found}."),
            ),
            RequestError::Wrong(path, expected, found) => {
                let message = format!("`{path}` must be {expected}, but is {found}.");
                Self::bad_field(path, message)
            }
            RequestError::Field(path, wrong) => {
                let message = format!("`{path}`: {wrong}.");
                Self::bad_field(path, message)
            }
            RequestError::Missing(path, expected) => {
                Self::bad_field(path, format!("`{path}` is missing: expected {expected}."))
            }
            RequestError::MissingIn(parent, name, expected) => {
                let path = format!("{parent}.{name}");
                let message = format!("`{path}` is missing: expected {expected}.");
                Self::bad_field(path, message)
            }
            RequestError::Twice(path) => {
                let message =
                    format!("`{path}` stands twice in the request body: keep one of them.");
                Self::bad_field(path, message)
            }
            RequestError::TooMany(most) => Self::new(
                400,
                format!("The request body has more than {most} fields."),
            ),
            RequestError::NotInPreset(path) => {
                let message = format!("`{path}` is the request's to say: a preset cannot.");
                Self::bad_field(path, message)
            }
            RequestError::Empty(path) => {
                Self::bad_field(path, format!("`{path}` must not be empty."))
            }
        }
    }
}
