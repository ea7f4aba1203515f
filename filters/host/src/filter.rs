//! What a filter is.

use std::fmt;
use std::rc::Rc;

use meshrouter_core::{DocumentError, document};
use serde::de::DeserializeOwned;

use crate::{Background, Host};

/// What becomes of the stream after a callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// On to the next filter.
    Continue,
    /// Hold headers or body here. Body callbacks that follow see all that was held.
    Pause,
    /// The filter answered the request itself.
    Replied,
}

/// One concern of the router: its settings once a VM, and one value of it a stream.
///
/// A callback that is not needed stays unimplemented: it then costs nothing but the call.
pub trait Filter: Sized + 'static {
    /// What the filter reads of the gateway document: [`Document`](meshrouter_core::Document) for all
    /// of it.
    type Document: DeserializeOwned;

    /// What the gateway document compiles to for this filter. Immutable, shared by all streams.
    type Settings: 'static;

    /// The filter's name in logs.
    const NAME: &'static str;

    /// Whether its streams have deadlines: the VM then asks [`is_late`](Self::is_late).
    const HAS_DEADLINES: bool = false;

    /// Compiles the gateway document.
    ///
    /// # Errors
    /// What is wrong with the document; the host then keeps the old settings.
    fn configure(document: Self::Document) -> Result<Self::Settings, DocumentError>;

    /// The same for the document as Envoy hands it over.
    ///
    /// # Errors
    /// Which filter refuses it, and why.
    fn settings(document: &[u8]) -> Result<Self::Settings, Refusal> {
        let document = document::from_plugin_configuration(document);
        document.and_then(Self::configure).map_err(|error| Refusal {
            filter: Self::NAME,
            error,
        })
    }

    /// The filter of a new stream.
    fn new(settings: Rc<Self::Settings>) -> Self;

    /// What is to be done beside the streams.
    fn background(_settings: &Rc<Self::Settings>) -> Option<Box<dyn Background>> {
        None
    }

    /// The request's headers are here.
    fn on_request_headers(&mut self, _host: &mut impl Host, _end: bool) -> Flow {
        Flow::Continue
    }

    /// Bytes of the request's body are here; `end` is the only proof that it is whole.
    fn on_request_body(&mut self, _host: &mut impl Host, _end: bool) -> Flow {
        Flow::Continue
    }

    /// Trailers are here, and with them the end of a body that the filter holds.
    fn on_request_trailers(&mut self, host: &mut impl Host) -> Flow {
        self.on_request_body(host, true)
    }

    /// The response's headers are here.
    fn on_response_headers(&mut self, _host: &mut impl Host, _end: bool) -> Flow {
        Flow::Continue
    }

    /// Bytes of the response's body are here; `end` is the only proof that it is whole.
    fn on_response_body(&mut self, _host: &mut impl Host, _end: bool) -> Flow {
        Flow::Continue
    }

    /// As for requests.
    fn on_response_trailers(&mut self, host: &mut impl Host) -> Flow {
        self.on_response_body(host, true)
    }

    /// Whether something should have happened by now, in nanoseconds since the epoch. Asked ten times a
    /// second, only where [`HAS_DEADLINES`](Self::HAS_DEADLINES).
    fn is_late(&mut self, _now: u64) -> bool {
        false
    }

    /// It should. `Continue` lets a held response go on:
    /// its headers, and of its body what the last body callback left there.
    fn on_deadline(&mut self, _host: &mut impl Host) -> Flow {
        Flow::Pause
    }

    /// The stream is over, however it ended. Called once; before Envoy writes its access log where [`entry!`](crate::entry)
    /// names `log`, else right after.
    fn on_log(&mut self, _host: &mut impl Host) {}
}

/// A gateway document that a filter does not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The filter's name.
    pub filter: &'static str,
    /// What is wrong with the document.
    pub error: DocumentError,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.filter, self.error)
    }
}
