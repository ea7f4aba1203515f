//! Content parts other than text: checked for what every provider would refuse, never copied.

use std::borrow::Cow;

use super::rules::Rule;
use super::{RequestError, member};
use crate::json::Value;

/// A kind of medium.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Medium {
    /// `image_url`.
    Image,
    /// `file`.
    File,
    /// `input_audio`.
    Audio,
    /// `video_url`.
    Video,
}

impl Medium {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Image, Self::File, Self::Audio, Self::Video];

    /// The kind of a content part, by its `type`.
    #[must_use]
    pub fn of_part(kind: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|medium| medium.part() == kind)
    }

    /// The `type` of its content part, which is also the name of the member that holds it.
    pub(super) fn part(self) -> &'static str {
        match self {
            Self::Image => "image_url",
            Self::File => "file",
            Self::Audio => "input_audio",
            Self::Video => "video_url",
        }
    }

    /// The modality, as in a model's `architecture`.
    #[must_use]
    pub fn modality(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::File => "file",
            Self::Audio => "audio",
            Self::Video => "video",
        }
    }

    /// The media types that a data URL of it may have (Multimodal pages).
    fn types(self) -> &'static [&'static str] {
        match self {
            Self::Image => &[
                "image/png",
                "image/jpeg",
                "image/jpg",
                "image/webp",
                "image/gif",
            ],
            Self::Video => &[
                "video/mp4",
                "video/mpeg",
                "video/mov",
                "video/quicktime",
                "video/webm",
            ],
            // Whatever a provider can parse.
            Self::File | Self::Audio => &[],
        }
    }
}

/// Checks what a part of this kind holds: the member of its type's name. `path` is the member's. Returns the
/// URL or the base64 text; nothing for a file that the provider has.
pub(super) fn check<'a>(
    medium: Medium,
    path: &str,
    value: Value<'a>,
) -> Result<Cow<'a, str>, RequestError> {
    Rule::Object.check(path, value)?;
    match medium {
        Medium::Image | Medium::Video => {
            let url = text(path, value, "url")?;
            check_url(medium, format!("{path}.url"), &url)?;
            Ok(url)
        }
        Medium::File => {
            if member(value, "file_id").is_some() {
                return Ok(Cow::default());
            }
            let data = text(path, value, "file_data")?;
            check_url(medium, format!("{path}.file_data"), &data)?;
            Ok(data)
        }
        Medium::Audio => {
            text(path, value, "format")?;
            let data = text(path, value, "data")?;
            check_base64(format!("{path}.data"), &data)?;
            Ok(data)
        }
    }
}

/// A string that must be there.
fn text<'a>(
    path: &str,
    object: Value<'a>,
    name: &'static str,
) -> Result<Cow<'a, str>, RequestError> {
    let Some(value) = member(object, name) else {
        return Err(RequestError::MissingIn(path.to_owned(), name, "a string"));
    };
    Rule::String.check(&format!("{path}.{name}"), value)?;
    Ok(value.text().unwrap_or_default())
}

/// A web URL, or a data URL of a media type that fits, in base64.
fn check_url(medium: Medium, path: String, url: &str) -> Result<(), RequestError> {
    let scheme = |scheme: &str| {
        url.get(..scheme.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(scheme))
    };
    if scheme("https://") || scheme("http://") {
        return Ok(());
    }
    let expected = "an http(s) URL or a data URL in base64";
    let Some((head, data)) = url.split_once(',').filter(|_| scheme("data:")) else {
        return Err(RequestError::Wrong(path, expected, "another string"));
    };
    let head = head.get("data:".len()..).unwrap_or_default();
    let Some(media_type) = head.strip_suffix(";base64") else {
        return Err(RequestError::Wrong(
            path,
            expected,
            "a data URL that is not in base64",
        ));
    };
    let media_type = media_type.split(';').next().unwrap_or_default();
    let types = medium.types();
    if !types.is_empty()
        && !types
            .iter()
            .any(|known| known.eq_ignore_ascii_case(media_type))
    {
        let expected = match medium {
            Medium::Image => "a PNG, JPEG, WebP or GIF image",
            _ => "an MP4, MPEG, MOV or WebM video",
        };
        return Err(RequestError::Wrong(path, expected, "of another media type"));
    }
    check_base64(path, data)
}

/// Base64 of either alphabet (RFC 4648), padded or not; its content is the provider's business.
fn check_base64(path: String, data: &str) -> Result<(), RequestError> {
    let body = data.trim_end_matches('=');
    let padding = data.len().saturating_sub(body.len());
    let alphabet = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_');
    // No early exit: a loop without branches over megabytes.
    let clean = body
        .bytes()
        .fold(true, |clean, byte| clean & alphabet(byte));
    let whole =
        body.len() % 4 != 1 && padding <= 2 && (padding == 0 || data.len().is_multiple_of(4));
    if clean && whole && !body.is_empty() {
        return Ok(());
    }
    let found = if body.is_empty() {
        "empty"
    } else {
        "not base64"
    };
    Err(RequestError::Wrong(path, "data in base64", found))
}
