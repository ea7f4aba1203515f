//! The request's headers: what the edge says, and which of the caller's a provider may see.

use std::ops::Deref;

use meshrouter_core::catalog::Provider;
use meshrouter_core::names::{header, property};
use meshrouter_host::{Direction, HeaderList, Headers, Properties};

/// The headers with which the edge sends a request to an attempt.
#[derive(Debug, Default)]
pub(crate) struct Received(HeaderList);

impl Received {
    /// Reads them. In the native shape all attempts of a request have the same headers, and each replaces them by its
    /// provider's: so the first leaves them for the others.
    pub(crate) fn of(host: &mut (impl Headers + Properties), native: bool) -> Self {
        let headers = Self(host.headers(Direction::Request));
        if !native {
            return headers;
        }
        if headers.get(header::PLAN).is_some() {
            host.set_property(property::CARRIED, &headers.carried());
            return headers;
        }
        let number = headers.iter();
        let number = number.filter(|(name, _)| *name == header::ENVOY_ATTEMPT_COUNT);
        let number = number.map(|(name, value)| (name.to_owned(), value.to_vec()));
        let carried = host.property(&[property::CARRIED]).unwrap_or_default();
        Self(number.chain(Self::from_carried(&carried)).collect())
    }

    /// Names and values in turn, each up to a NUL, which neither can hold.
    fn carried(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(1_024);
        for (name, value) in self.iter() {
            for part in [name.as_bytes(), value] {
                bytes.extend_from_slice(part);
                bytes.push(0);
            }
        }
        bytes
    }

    fn from_carried(bytes: &[u8]) -> impl Iterator<Item = (String, Vec<u8>)> {
        let mut parts = bytes.split(|byte| *byte == 0);
        let pairs = std::iter::from_fn(move || Some((parts.next()?, parts.next()?)));
        pairs.map(|(name, value)| (String::from_utf8_lossy(name).into_owned(), value.to_vec()))
    }
}

impl Deref for Received {
    type Target = HeaderList;

    fn deref(&self) -> &HeaderList {
        &self.0
    }
}

/// The name under which a caller's header reaches the provider; `None` for those that do not. All but these few are the
/// caller's and ours alone: names of applications, addresses, cookies, credentials.
pub(crate) fn forwarded<'a>(provider: &'a Provider, name: &[u8], native: bool) -> Option<&'a str> {
    let name = match name {
        b":method" => ":method",
        b":scheme" => ":scheme",
        b"accept" => "accept",
        b"content-type" => "content-type",
        b"traceparent" => "traceparent",
        b"tracestate" => "tracestate",
        b"user-agent" => "user-agent",
        b"x-request-id" => "x-request-id",
        // Without it, Envoy finds no route. The attempt's route takes it off, as it does the cluster's name; in the
        // native shape there is none.
        b"x-forwarded-proto" if !native => "x-forwarded-proto",
        _ if provider.forward_headers.is_empty() => return None,
        other => {
            let other = std::str::from_utf8(other).ok()?;
            return provider.forward_headers.get(other).map(String::as_str);
        }
    };
    Some(name)
}
