//! Answers with an entity tag, and 304 for who has them already (RFC 9110, 8.8.3 and 13.1.2).

use std::borrow::Cow;

use meshrouter_core::fnv::fnv1a;
use meshrouter_host::Reply;

/// A body with its type and its entity tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tagged {
    content_type: &'static str,
    pub(super) body: Vec<u8>,
    etag: String,
}

impl Tagged {
    pub(super) fn json(body: Vec<u8>) -> Self {
        Self::of("application/json", body)
    }

    /// The tag is strong: other bytes have another one.
    pub(super) fn of(content_type: &'static str, body: Vec<u8>) -> Self {
        Self {
            content_type,
            // Nobody gains by making two bodies collide: they come from the gateway document.
            etag: format!("\"{:016x}\"", fnv1a(&body)),
            body,
        }
    }
}

/// What caches may do with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Freshness {
    /// It changes with the gateway document only.
    Document,
    /// It has numbers of this moment.
    Live,
}

impl Freshness {
    fn cache_control(self) -> &'static str {
        match self {
            // The same for all callers, hence public even where a key came along. A minute spares the
            // gateway what asks again before every request, and is how late a change may be seen.
            Self::Document => "public, max-age=60",
            // May be kept, but not used without asking: a health check must not see the past.
            Self::Live => "no-cache",
        }
    }
}

/// The answer for a caller who already has what `known` names: the value of `If-None-Match`.
pub(super) fn reply(body: Cow<'_, Tagged>, known: Option<&[u8]>, freshness: Freshness) -> Reply {
    let etag = body.etag.clone();
    let reply = match known {
        Some(known) if names(known, &etag) => Reply::empty(304),
        _ => {
            let Tagged {
                content_type, body, ..
            } = body.into_owned();
            Reply::of(content_type, body)
        }
    };
    reply
        .with("etag", etag)
        .with("cache-control", freshness.cache_control())
}

/// Whether a list of entity tags has this one. They are compared weakly: whatever compresses answers
/// on their way makes strong tags weak.
fn names(list: &[u8], etag: &str) -> bool {
    if list.trim_ascii() == b"*" {
        return true;
    }
    // A foreign tag with a comma falls apart here, but none of its parts has both quotes of ours.
    let mut tags = list.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    tags.any(|tag| tag.strip_prefix(b"W/").unwrap_or(tag) == etag.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(known: Option<&str>) -> Reply {
        let body = Tagged::json(b"{}".to_vec());
        reply(
            Cow::Owned(body),
            known.map(str::as_bytes),
            Freshness::Document,
        )
    }

    fn header<'a>(reply: &'a Reply, name: &str) -> Option<&'a str> {
        let mut headers = reply.headers();
        headers.find(|(known, _)| *known == name).map(|(_, v)| v)
    }

    #[test]
    fn tags_are_quoted_and_follow_the_body() {
        let first = answer(None);
        assert_eq!((first.status, first.body.as_slice()), (200, &b"{}"[..]));
        let etag = header(&first, "etag").unwrap();
        assert!(etag.len() == 18 && etag.starts_with('"') && etag.ends_with('"'));
        assert_eq!(header(&answer(None), "etag"), Some(etag));
        assert_ne!(Tagged::json(b"{} ".to_vec()).etag, etag);
    }

    #[test]
    fn who_has_it_gets_no_body() {
        let etag = header(&answer(None), "etag").unwrap().to_owned();
        let known = [
            etag.clone(),
            format!("W/{etag}"),
            format!("\"a,b\", {etag}"),
            format!(" W/\"x\" ,W/{etag} , \"y\""),
            "*".to_owned(),
            " * ".to_owned(),
        ];
        for known in known {
            let reply = answer(Some(&known));
            assert_eq!((reply.status, reply.body.len()), (304, 0), "{known}");
            assert_eq!(header(&reply, "etag"), Some(&*etag), "{known}");
            assert_eq!(header(&reply, "cache-control"), Some("public, max-age=60"));
            assert_eq!(header(&reply, "content-type"), None, "{known}");
        }
        let others = [
            String::new(),
            ",".to_owned(),
            "\"0\"".to_owned(),
            etag.replace('"', ""),
            format!("w/{etag}"),
            format!("{etag}x"),
            "*, \"0\"".to_owned(),
        ];
        for other in others {
            assert_eq!(answer(Some(&other)).status, 200, "{other}");
        }
    }
}
