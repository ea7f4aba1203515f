//! The filter: strips what is not the caller's to send, finds out who calls, and lets them pass or answers itself.

use std::rc::Rc;

use meshrouter_core::document::Callers;
use meshrouter_core::keys::KeyRing;
use meshrouter_core::money::Usd;
use meshrouter_core::route::Route;
use meshrouter_core::{ApiError, DocumentError};
use meshrouter_host::{Direction, Filter, Flow, HeaderList, Host, Reply};

use crate::api::{self, Command, Step};
use crate::caller::{self, Caller};
use crate::credential::{Kind, classify};
use crate::identity::Identities;

/// What the document compiles to.
#[derive(Debug)]
pub struct Settings {
    keys: KeyRing,
    identities: Identities,
    credits: Usd,
}

/// Lets requests of known callers pass, takes off them what only the router may say, and manages keys.
#[derive(Debug)]
pub struct Auth {
    settings: Rc<Settings>,
    /// What is to be done with the request's body, where that is this filter's business.
    command: Option<Command>,
}

impl Filter for Auth {
    type Document = Callers;
    type Settings = Settings;

    const NAME: &'static str = "auth";

    fn configure(document: Callers) -> Result<Settings, DocumentError> {
        let keys = KeyRing::compile(document.keys)?;
        Ok(Settings {
            identities: Identities::compile(document.identities, &keys)?,
            keys,
            credits: document.credits,
        })
    }

    fn new(settings: Rc<Settings>) -> Self {
        Self {
            settings,
            command: None,
        }
    }

    fn on_request_headers(&mut self, host: &mut impl Host, end: bool) -> Flow {
        let headers = host.headers(Direction::Request);
        let request = Request::take(host, &headers);
        match self.admit(host, &request, end) {
            Ok(flow) => flow,
            Err(reply) => replied(host, &reply),
        }
    }

    fn on_request_body(&mut self, host: &mut impl Host, end: bool) -> Flow {
        let Some(command) = self.command.take() else {
            return Flow::Continue;
        };
        if host.body_size(Direction::Request) > api::MAX_BODY {
            return replied(host, &api::too_large().into());
        }
        if !end {
            self.command = Some(command);
            return Flow::Pause;
        }
        let body = host.body(Direction::Request);
        let reply = api::finish(host, &self.settings.keys, command, &body);
        replied(host, &reply.unwrap_or_else(Reply::from))
    }
}

impl Auth {
    /// Lets a request pass, or says what is answered in its place.
    fn admit(
        &mut self,
        host: &mut impl Host,
        request: &Request<'_>,
        end: bool,
    ) -> Result<Flow, Reply> {
        let settings = Rc::clone(&self.settings);
        let route = Route::of(request.path);
        let is_public = route.as_ref().is_some_and(Route::is_public);
        let caller = match request.key {
            Some(key) => Caller::by_key(host, &settings.keys, key)?,
            None if is_public => return Ok(Flow::Continue),
            None => without_key(host, &settings)?,
        };
        match route {
            Some(Route::Keys(keys)) => {
                let known = (&settings.keys, settings.credits);
                match api::begin(host, known, &caller, &keys, request)? {
                    Step::Reply(reply) => return Err(reply),
                    Step::Read(_) if end => return Err(api::no_body().into()),
                    Step::Read(command) => self.command = Some(command),
                }
                Ok(Flow::Pause)
            }
            Some(Route::Provider(_)) if caller.is_provisioning() => {
                let message = "This is a provisioning key: it manages keys, and nothing else. Use a key that it has \
                               made with POST /api/v1/keys, or another one of the gateway document.";
                Err(ApiError::new(403, message).into())
            }
            _ => {
                caller.announce(host);
                Ok(Flow::Continue)
            }
        }
    }
}

/// What of a request's headers is this filter's business. It holds a key, and is not to be printed.
#[derive(Default)]
pub(crate) struct Request<'a> {
    pub(crate) method: &'a [u8],
    pub(crate) path: &'a [u8],
    /// The caller's key.
    key: Option<&'a [u8]>,
}

impl<'a> Request<'a> {
    /// Finds it, and takes off what must not travel further.
    fn take(host: &mut impl Host, headers: &'a HeaderList) -> Self {
        let mut request = Self::default();
        for (name, value) in headers.bytes() {
            match (classify(name, value), name) {
                (Kind::Keep, b":path") => request.path = value,
                (Kind::Keep, b":method") => request.method = value,
                (Kind::Keep, _) => {}
                (Kind::Key(key), _) => {
                    request.key.get_or_insert(key);
                    strip(host, name);
                }
                (Kind::Strip, _) => strip(host, name),
            }
        }
        request
    }
}

/// Takes off a header. Envoy lets no name pass that is no token of ASCII.
fn strip(host: &mut impl Host, name: &[u8]) {
    if let Ok(name) = std::str::from_utf8(name) {
        host.remove_header(Direction::Request, name);
    }
}

/// Who calls by what the mesh says of them.
fn without_key<'a>(host: &impl Host, settings: &'a Settings) -> Result<Caller<'a>, ApiError> {
    match settings.identities.find(host, &settings.keys) {
        Some(entry) => {
            let what = format!("The key `{}` of this identity", entry.caller.name);
            Caller::by_entry(host, entry, &what)
        }
        None if settings.identities.is_empty() => {
            let message = "No API key: send it as `Authorization: Bearer <key>`.";
            Err(caller::refused(message))
        }
        None => {
            let message = "No API key, and no identity that the gateway knows: send a key as \
                           `Authorization: Bearer <key>`.";
            Err(caller::refused(message))
        }
    }
}

fn replied(host: &mut impl Host, reply: &Reply) -> Flow {
    host.reply(reply);
    Flow::Replied
}

#[cfg(test)]
mod tests;
