//! Where callers put their key, and which headers must not come from them.

use meshrouter_core::names::header::{ENVOY_PREFIX, INTERNAL_PREFIX};

/// What a request header is to `auth`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Kind<'a> {
    /// Carries the caller's key.
    Key(&'a [u8]),
    /// Not the caller's to send, or not to travel further.
    Strip,
    /// None of our business.
    Keep,
}

/// Classifies a header. Credentials travel no further, whether they are ours or not.
pub(crate) fn classify<'a>(name: &[u8], value: &'a [u8]) -> Kind<'a> {
    let has_prefix = |prefix: &str| name.starts_with(prefix.as_bytes());
    match name {
        b"authorization" => bearer(value).map_or(Kind::Strip, Kind::Key),
        b"x-api-key" => Kind::Key(value),
        b"cookie" | b"proxy-authorization" => Kind::Strip,
        // Most begin with another letter.
        [b'x', ..] if has_prefix(INTERNAL_PREFIX) || has_prefix(ENVOY_PREFIX) => Kind::Strip,
        _ => Kind::Keep,
    }
}

/// The token of a `Bearer` credential. The scheme's case does not count (RFC 9110, section 11.1).
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(7)?;
    scheme
        .eq_ignore_ascii_case(b"bearer ")
        .then(|| token.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table() {
        let cases: &[(&str, &[u8], Kind<'_>)] = &[
            ("authorization", b"Bearer sk-1", Kind::Key(b"sk-1")),
            ("authorization", b"bearer   sk-1 ", Kind::Key(b"sk-1")),
            ("authorization", b"Basic eHg=", Kind::Strip),
            ("authorization", b"Bearer", Kind::Strip),
            ("authorization", b"\xff\xff", Kind::Strip),
            ("x-api-key", b"sk-1", Kind::Key(b"sk-1")),
            ("cookie", b"a=b", Kind::Strip),
            ("x-meshrouter-plan", b"a@b", Kind::Strip),
            ("x-envoy-max-retries", b"99", Kind::Strip),
            ("x-title", b"App", Kind::Keep),
        ];
        for (name, value, expected) in cases {
            assert_eq!(&classify(name.as_bytes(), value), expected, "{name}");
        }
    }
}
