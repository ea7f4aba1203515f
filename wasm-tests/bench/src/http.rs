//! As much of HTTP/1.1 as both ends of a benchmark need, without an allocation for a message.

use std::io::{self, Read};
use std::net::TcpStream;

/// What is read at once, and the longest head.
const SIZE: usize = 256 * 1024;

/// How a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// After so many bytes.
    Length(usize),
    /// With an empty chunk.
    Chunked,
}

/// What matters of a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The status of a response; 0 of a request.
    pub status: u16,
    /// How the body ends.
    pub framing: Framing,
}

/// Reads messages from a connection, keeping what was read too early.
pub struct Reader<S = TcpStream> {
    source: S,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl<S: Read> Reader<S> {
    /// A reader with nothing read.
    pub fn new(source: S) -> Self {
        Self {
            source,
            buffer: vec![0; SIZE],
            start: 0,
            end: 0,
        }
    }

    /// What the messages are read from.
    pub fn source_mut(&mut self) -> &mut S {
        &mut self.source
    }

    /// The next head; nothing if the peer closed before it.
    pub fn head(&mut self) -> io::Result<Option<Head>> {
        loop {
            let unread = self.unread();
            if let Some(length) = unread.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = parse(unread.get(..length).unwrap_or_default())?;
                self.start += length + 4;
                return Ok(Some(head));
            }
            if self.fill()? == 0 {
                return match self.unread() {
                    [] => Ok(None),
                    _ => Err(io::ErrorKind::UnexpectedEof.into()),
                };
            }
        }
    }

    /// Reads a whole body, piece by piece as it comes; returns its length.
    pub fn body(&mut self, framing: Framing, mut piece: impl FnMut(&[u8])) -> io::Result<usize> {
        let Framing::Length(length) = framing else {
            return self.chunks(&mut piece);
        };
        self.some(length, &mut piece)?;
        Ok(length)
    }

    fn chunks(&mut self, piece: &mut impl FnMut(&[u8])) -> io::Result<usize> {
        let mut total = 0;
        loop {
            let line = self.line()?;
            let size = std::str::from_utf8(&line)
                .ok()
                .and_then(|text| usize::from_str_radix(text, 16).ok());
            let size = size.ok_or_else(|| invalid("no size of a chunk"))?;
            self.some(size, piece)?;
            self.line()?;
            if size == 0 {
                return Ok(total);
            }
            total += size;
        }
    }

    /// The next so many bytes.
    fn some(&mut self, mut left: usize, piece: &mut impl FnMut(&[u8])) -> io::Result<()> {
        while left > 0 {
            if self.start == self.end && self.fill()? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let unread = self.unread();
            let now = unread.get(..left).unwrap_or(unread);
            piece(now);
            let taken = now.len();
            self.start += taken;
            left -= taken;
        }
        Ok(())
    }

    /// The next line without its end.
    fn line(&mut self) -> io::Result<Vec<u8>> {
        loop {
            let unread = self.unread();
            if let Some(end) = unread.windows(2).position(|two| two == b"\r\n") {
                let line = unread.get(..end).unwrap_or_default().to_vec();
                self.start += end + 2;
                return Ok(line);
            }
            if self.fill()? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    fn unread(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Reads once more; 0 at the end.
    fn fill(&mut self) -> io::Result<usize> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.end == self.buffer.len() {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        let space = self.buffer.get_mut(self.end..).unwrap_or_default();
        if space.is_empty() {
            return Err(invalid("a head that is too long"));
        }
        let read = self.source.read(space)?;
        self.end += read;
        Ok(read)
    }
}

fn parse(head: &[u8]) -> io::Result<Head> {
    let head = std::str::from_utf8(head).map_err(invalid)?;
    let mut lines = head.split("\r\n");
    let first = lines.next().unwrap_or_default();
    let status = first
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3))
        .unwrap_or("0");
    let status = status.parse().map_err(invalid)?;
    let mut framing = Framing::Length(0);
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") {
            framing = Framing::Length(value.trim().parse().map_err(invalid)?);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            framing = Framing::Chunked;
        }
    }
    Ok(Head { status, framing })
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives three bytes at a time.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
            let most = space.len().min(3);
            self.0.read(&mut space[..most])
        }
    }

    #[test]
    fn messages_of_both_framings_are_told_apart() {
        let bytes = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA\r\n0123456789\r\n0\r\n\r\n\
            HTTP/1.1 503 No\r\ncontent-length: 4\r\n\r\nbody";
        let mut reader = Reader::new(Slow(bytes));
        let mut found = Vec::new();
        while let Some(head) = reader.head().unwrap() {
            let mut body = Vec::new();
            let length = reader
                .body(head.framing, |piece| body.extend_from_slice(piece))
                .unwrap();
            assert_eq!(length, body.len());
            found.push((head.status, String::from_utf8(body).unwrap()));
        }
        assert_eq!(
            found,
            [
                (200, "hello0123456789".to_owned()),
                (503, "body".to_owned())
            ]
        );
    }

    #[test]
    fn a_body_that_ends_early_is_an_error() {
        let mut reader = Reader::new(&b"POST / HTTP/1.1\r\ncontent-length: 4\r\n\r\nbo"[..]);
        let head = reader.head().unwrap().unwrap();
        assert_eq!(head.status, 0);
        assert!(reader.body(head.framing, |_| {}).is_err());
    }
}
