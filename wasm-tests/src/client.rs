//! A raw HTTP/1.1 client: it sends what a proper client would not, and sees when each byte came.
//!
//! Every exchange has a deadline. An end that comes too early is a flag, not a failure, because that is
//! what tests of broken streams are about.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use meshrouter_simulator::http1::{Framing, Head, Reader};

mod request;
mod response;

pub use request::Request;
pub use response::{Response, sse_data};

/// Sends requests to one address, each on a connection of its own.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    address: SocketAddr,
    timeout: Duration,
}

impl Client {
    /// A client of a port on 127.0.0.1, whose exchanges may take 30 s each.
    pub fn new(port: u16) -> Self {
        Self {
            address: (Ipv4Addr::LOCALHOST, port).into(),
            timeout: Duration::from_secs(30),
        }
    }

    /// How long one exchange may take.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The response to a request.
    ///
    /// # Panics
    /// If there is no response in time; [`Client::try_send`] returns that instead.
    #[track_caller]
    pub fn send(&self, request: Request) -> Response {
        let what = format!("{} {}", request.method(), request.path());
        match self.try_send(request) {
            Ok(answer) => answer,
            Err(error) => panic!("{what}: {error}"),
        }
    }

    /// The response to a request, or why its head did not come.
    pub fn try_send(&self, request: Request) -> io::Result<Response> {
        Ok(self.try_stream(request)?.finish())
    }

    /// The response to a request, to be read as it arrives.
    ///
    /// # Panics
    /// If no head of a response comes in time; [`Client::try_stream`] returns that instead.
    #[track_caller]
    pub fn stream(&self, request: Request) -> Stream {
        let what = format!("{} {}", request.method(), request.path());
        match self.try_stream(request) {
            Ok(answer) => answer,
            Err(error) => panic!("{what}: {error}"),
        }
    }

    /// The response to a request, to be read as it arrives, or why its head did not come.
    pub fn try_stream(&self, request: Request) -> io::Result<Stream> {
        self.exchange(&request.wire(self.address), request.method() == "HEAD")
    }

    /// The response to these bytes, which need not be a request.
    pub fn send_raw(&self, bytes: &[u8]) -> io::Result<Response> {
        Ok(self.exchange(bytes, false)?.finish())
    }

    /// Sends a request and leaves without waiting for anything.
    pub fn send_and_leave(&self, request: Request) -> io::Result<()> {
        let mut stream = TcpStream::connect_timeout(&self.address, self.timeout)?;
        stream.set_write_timeout(Some(self.timeout))?;
        stream.write_all(&request.wire(self.address))
    }

    fn exchange(&self, bytes: &[u8], head_only: bool) -> io::Result<Stream> {
        let sent = Instant::now();
        let mut wire = Timed::connect(self.address, sent + self.timeout)?;
        // A server may answer and close before it has read all of a request: then its answer counts.
        let written = wire.0.write_all(bytes);
        let mut reader = Reader::new(wire);
        loop {
            let head = match reader.response_head() {
                Ok(Some(head)) => head,
                Ok(None) => {
                    return Err(written.err().unwrap_or(io::ErrorKind::UnexpectedEof.into()));
                }
                Err(error) => return Err(written.err().unwrap_or(error)),
            };
            if !(100..200).contains(&head.status) {
                let framing = Framing::of_response(&head, head_only)?;
                let head_at = Instant::now();
                return Ok(Stream {
                    head,
                    sent,
                    head_at,
                    framing,
                    reader,
                    error: None,
                });
            }
        }
    }
}

/// A piece of a body, and when it came.
#[derive(Clone, Debug)]
pub struct Piece {
    /// When it came.
    pub at: Instant,
    /// Its bytes; the end of a piece means nothing.
    pub bytes: Vec<u8>,
}

/// A response whose body is still coming; its pieces are what it iterates over.
///
/// Dropping it closes the connection, as a caller does who has seen enough.
#[derive(Debug)]
pub struct Stream {
    /// The status and the headers.
    pub head: Head,
    /// When the request was begun to be sent.
    pub sent: Instant,
    /// When the head was there.
    pub head_at: Instant,
    framing: Framing,
    reader: Reader<Timed>,
    error: Option<io::Error>,
}

impl Stream {
    /// Why the body ended too early, if it did.
    pub fn error(&self) -> Option<&io::Error> {
        self.error.as_ref()
    }

    /// Reads on until `text` was seen, or the end; what was read.
    pub fn read_until(&mut self, text: &str) -> String {
        let mut seen = Vec::new();
        while !String::from_utf8_lossy(&seen).contains(text) {
            let Some(piece) = self.next() else { break };
            seen.extend(piece.bytes);
        }
        String::from_utf8_lossy(&seen).into_owned()
    }

    /// The rest of the body with the head.
    pub fn finish(mut self) -> Response {
        let body = self.by_ref().flat_map(|piece| piece.bytes).collect();
        let head = self.head;
        Response {
            status: head.status,
            headers: head.headers,
            body,
            error: self.error,
        }
    }

    /// Goes away with a reset instead of an orderly close.
    pub fn reset(self) {
        let stream = &self.reader.source().0;
        let _ = socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO));
    }
}

impl Iterator for Stream {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        if self.error.is_some() {
            return None;
        }
        match self.reader.body_piece(&mut self.framing) {
            Ok(bytes) => bytes.map(|bytes| Piece {
                at: Instant::now(),
                bytes,
            }),
            Err(error) => {
                self.error = Some(error);
                None
            }
        }
    }
}

/// A connection that nobody reads from after the deadline.
#[derive(Debug)]
struct Timed(TcpStream, Instant);

impl Timed {
    fn connect(address: SocketAddr, deadline: Instant) -> io::Result<Self> {
        let left = deadline.saturating_duration_since(Instant::now());
        let stream = TcpStream::connect_timeout(&address, left)?;
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(left))?;
        Ok(Self(stream, deadline))
    }
}

impl Read for Timed {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = self.1.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.0.set_read_timeout(Some(left))?;
        self.0.read(into).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
            _ => error,
        })
    }
}
