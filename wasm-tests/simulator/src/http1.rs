//! HTTP/1.1 messages from a byte stream: heads by httparse, bodies piece by piece as they arrive.
//!
//! The test client reads its responses with the same code as the simulator its requests.

use std::io::{self, Read};

/// Heads beyond this are refused.
const MAX_HEAD: usize = 1 << 20;
const MAX_HEADERS: usize = 256;
const READ_SIZE: usize = 64 * 1024;

/// The head of a request or a response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The method of a request.
    pub method: String,
    /// The path of a request, with its query.
    pub path: String,
    /// The status of a response.
    pub status: u16,
    /// The headers in order, names as they were sent.
    pub headers: Vec<(String, Vec<u8>)>,
}

impl Head {
    /// The first header of this name, in whatever case.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        let named = |(key, _): &&(String, Vec<u8>)| key.eq_ignore_ascii_case(name);
        self.headers
            .iter()
            .find(named)
            .map(|(_, value)| value.as_slice())
    }

    /// True if a header of this name has this value, both in whatever case.
    pub fn says(&self, name: &str, value: &str) -> bool {
        self.header(name)
            .is_some_and(|found| found.eq_ignore_ascii_case(value.as_bytes()))
    }

    fn length(&self) -> io::Result<Option<u64>> {
        let Some(value) = self.header("content-length") else {
            return Ok(None);
        };
        let number = std::str::from_utf8(value)
            .ok()
            .and_then(|text| text.trim().parse().ok());
        number
            .map(Some)
            .ok_or_else(|| invalid("content-length is not a number"))
    }

    fn copy_headers(&mut self, headers: &[httparse::Header<'_>]) {
        let owned =
            |header: &httparse::Header<'_>| (header.name.to_owned(), header.value.to_owned());
        self.headers = headers.iter().map(owned).collect();
    }
}

/// How a body ends, and how much of it is still to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// This many bytes.
    Length(u64),
    /// Chunked, with this many bytes left of the current chunk.
    Chunked {
        /// Bytes left of the current chunk; nothing before the first chunk and between two.
        left: Option<u64>,
    },
    /// Chunked, all read.
    Done,
    /// Whatever comes until the peer closes.
    UntilClose,
}

impl Framing {
    /// How the body of this request ends.
    pub fn of_request(head: &Head) -> io::Result<Self> {
        if head.says("transfer-encoding", "chunked") {
            return Ok(Self::Chunked { left: None });
        }
        Ok(Self::Length(head.length()?.unwrap_or(0)))
    }

    /// How the body of this response ends; `to_head` says that the request was a HEAD.
    pub fn of_response(head: &Head, to_head: bool) -> io::Result<Self> {
        if to_head || matches!(head.status, 100..200 | 204 | 304) {
            return Ok(Self::Length(0));
        }
        if head.says("transfer-encoding", "chunked") {
            return Ok(Self::Chunked { left: None });
        }
        Ok(head.length()?.map_or(Self::UntilClose, Self::Length))
    }
}

/// Reads messages from `source`, keeping what was read too early.
#[derive(Debug)]
pub struct Reader<R> {
    source: R,
    buffer: Vec<u8>,
    start: usize,
}

impl<R: Read> Reader<R> {
    /// A reader with nothing read.
    pub fn new(source: R) -> Self {
        Self {
            source,
            buffer: Vec::new(),
            start: 0,
        }
    }

    /// What the messages are read from.
    pub fn source(&self) -> &R {
        &self.source
    }

    /// What the messages are read from.
    pub fn source_mut(&mut self) -> &mut R {
        &mut self.source
    }

    /// The next request's head; nothing if the peer closed between two requests.
    pub fn request_head(&mut self) -> io::Result<Option<Head>> {
        self.head(|bytes| {
            let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
            let mut request = httparse::Request::new(&mut headers);
            let status = request.parse(bytes).map_err(invalid)?;
            let mut head = Head {
                method: request.method.unwrap_or_default().to_owned(),
                path: request.path.unwrap_or_default().to_owned(),
                ..Head::default()
            };
            head.copy_headers(request.headers);
            Ok(complete(status, head))
        })
    }

    /// The next response's head; nothing if the peer closed before a byte of it.
    pub fn response_head(&mut self) -> io::Result<Option<Head>> {
        self.head(|bytes| {
            let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
            let mut response = httparse::Response::new(&mut headers);
            let status = response.parse(bytes).map_err(invalid)?;
            let mut head = Head {
                status: response.code.unwrap_or_default(),
                ..Head::default()
            };
            head.copy_headers(response.headers);
            Ok(complete(status, head))
        })
    }

    /// The next bytes of a body as they arrive; nothing when it is whole. An early end is an error.
    pub fn body_piece(&mut self, framing: &mut Framing) -> io::Result<Option<Vec<u8>>> {
        match framing {
            Framing::Done | Framing::Length(0) => Ok(None),
            Framing::Length(left) => self.some_of(left).map(Some),
            Framing::UntilClose => {
                let mut left = u64::MAX;
                match self.some_of(&mut left) {
                    Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
                    piece => piece.map(Some),
                }
            }
            Framing::Chunked { left: Some(0) } => {
                self.line()?;
                *framing = Framing::Chunked { left: None };
                self.body_piece(framing)
            }
            Framing::Chunked { left: Some(left) } => self.some_of(left).map(Some),
            Framing::Chunked { left: None } => {
                match self.chunk_size()? {
                    0 => {
                        while !self.line()?.is_empty() {}
                        *framing = Framing::Done;
                    }
                    size => *framing = Framing::Chunked { left: Some(size) },
                }
                self.body_piece(framing)
            }
        }
    }

    /// The rest of a body.
    pub fn body(&mut self, mut framing: Framing) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        while let Some(piece) = self.body_piece(&mut framing)? {
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    fn head(
        &mut self,
        parse: impl Fn(&[u8]) -> io::Result<Option<(usize, Head)>>,
    ) -> io::Result<Option<Head>> {
        loop {
            if let Some((length, head)) = parse(self.unread())? {
                self.start += length;
                return Ok(Some(head));
            }
            if self.unread().len() > MAX_HEAD {
                return Err(invalid("the head is too long"));
            }
            if self.fill()? == 0 {
                return match self.unread() {
                    [] => Ok(None),
                    _ => Err(io::ErrorKind::UnexpectedEof.into()),
                };
            }
        }
    }

    /// At least one and at most `left` bytes, counted off `left`.
    fn some_of(&mut self, left: &mut u64) -> io::Result<Vec<u8>> {
        if self.unread().is_empty() && self.fill()? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let most = usize::try_from(*left).unwrap_or(usize::MAX);
        let piece: Vec<u8> = self.unread().iter().take(most).copied().collect();
        self.start += piece.len();
        *left = left.saturating_sub(piece.len() as u64);
        Ok(piece)
    }

    fn chunk_size(&mut self) -> io::Result<u64> {
        loop {
            let parsed = httparse::parse_chunk_size(self.unread());
            match parsed.map_err(|_| invalid("not a chunk size"))? {
                httparse::Status::Complete((length, size)) => {
                    self.start += length;
                    return Ok(size);
                }
                httparse::Status::Partial if self.fill()? == 0 => {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                httparse::Status::Partial => {}
            }
        }
    }

    /// The next line without its end.
    fn line(&mut self) -> io::Result<Vec<u8>> {
        loop {
            let unread = self.unread();
            if let Some(end) = unread.iter().position(|byte| *byte == b'\n') {
                let line = unread
                    .iter()
                    .take(end)
                    .copied()
                    .filter(|byte| *byte != b'\r')
                    .collect();
                self.start += end + 1;
                return Ok(line);
            }
            if self.fill()? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    fn unread(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    /// Reads once more; 0 at the end.
    fn fill(&mut self) -> io::Result<usize> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let known = self.buffer.len();
        self.buffer.resize(known + READ_SIZE, 0);
        let space = self.buffer.get_mut(known..).unwrap_or_default();
        let read = self.source.read(space);
        self.buffer
            .truncate(known + read.as_ref().copied().unwrap_or(0));
        read
    }
}

fn complete(status: httparse::Status<usize>, head: Head) -> Option<(usize, Head)> {
    match status {
        httparse::Status::Complete(length) => Some((length, head)),
        httparse::Status::Partial => None,
    }
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

#[cfg(test)]
mod tests;
