//! Writing an answer to a connection, with everything that a script wants to go wrong on the way.

use std::io::{self, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::action::{Action, Moment};
use crate::answer::{Answer, Body};

/// How an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Whole: the connection can be used again.
    Whole,
    /// As scripted: the connection is finished.
    Broken,
    /// The client went away first.
    Abandoned,
}

/// Bytes to write at once, and how long to wait after them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Piece {
    bytes: Vec<u8>,
    wait: Duration,
}

/// Writes `answer` as `action` has it.
pub(crate) fn write(stream: &TcpStream, answer: &Answer, action: &Action) -> End {
    if !wait(stream, action.delay) {
        return End::Abandoned;
    }
    if action.reset == Some(Moment::BeforeHeaders) {
        return reset(stream);
    }
    let chunked = matches!(answer.body, Body::Events { .. });
    if write_all(stream, &head(answer)).is_err() || !wait(stream, action.hold_after_headers) {
        return End::Abandoned;
    }
    for piece in pieces(&answer.body, action) {
        let framed = if chunked {
            chunk(&piece.bytes)
        } else {
            piece.bytes
        };
        if write_all(stream, &framed).is_err() || !wait(stream, piece.wait) {
            return End::Abandoned;
        }
    }
    if action.reset.is_some() {
        return reset(stream);
    }
    if action.cut.is_some() {
        let _ = stream.shutdown(Shutdown::Both);
        return End::Broken;
    }
    if chunked && write_all(stream, b"0\r\n\r\n").is_err() {
        return End::Abandoned;
    }
    End::Whole
}

/// The status line and the headers.
fn head(answer: &Answer) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {} Simulated\r\n", answer.status).into_bytes();
    for (name, value) in &answer.headers {
        head.extend_from_slice(name.as_bytes());
        head.extend_from_slice(b": ");
        head.extend(value.chars().flat_map(latin1));
        head.extend_from_slice(b"\r\n");
    }
    match &answer.body {
        Body::Events { .. } => head.extend_from_slice(b"transfer-encoding: chunked\r\n"),
        Body::Whole(_) if matches!(answer.status, 204 | 304) => {}
        Body::Whole(body) => {
            head.extend(format!("content-length: {}\r\n", body.len()).into_bytes())
        }
    }
    head.extend_from_slice(b"\r\n");
    head
}

/// One byte for a character that Latin-1 has, else its UTF-8.
fn latin1(character: char) -> Vec<u8> {
    match u8::try_from(character) {
        Ok(byte) => vec![byte],
        Err(_) => character.to_string().into_bytes(),
    }
}

/// What is written of a body until its end, or until the point where it is broken off.
fn pieces(body: &Body, action: &Action) -> Vec<Piece> {
    let stop = match (action.reset, action.cut) {
        (Some(Moment::AfterEvents(events)), _) | (_, Some(events)) => Some(events),
        _ => None,
    };
    let bursts = match body {
        Body::Whole(bytes) => vec![vec![until(bytes, stop)]],
        Body::Events {
            preamble,
            events,
            first_content,
        } => {
            let events = events.iter().take(stop.unwrap_or(usize::MAX)).cloned();
            let mut all: Vec<_> = preamble.iter().cloned().chain(events).collect();
            let first = all.len().min(preamble.len() + first_content);
            let rest = all.split_off(first);
            vec![all, rest]
        }
    };
    let held = bursts.len() > 1;
    let mut pieces = Vec::new();
    for (index, burst) in bursts.into_iter().enumerate() {
        pieces.extend(cut_up(burst, action));
        if let (0, true, Some(last)) = (index, held, pieces.last_mut()) {
            last.wait += action.hold_after_first;
        }
    }
    pieces
}

/// As much of a whole body as `stop` leaves of it.
fn until(bytes: &[u8], stop: Option<usize>) -> Vec<u8> {
    let length = match stop {
        None => bytes.len(),
        Some(0) => 0,
        Some(_) => bytes.len() / 2,
    };
    bytes.get(..length).unwrap_or_default().to_vec()
}

/// Events as they are, or one after the other in pieces of the scripted size.
fn cut_up(events: Vec<Vec<u8>>, action: &Action) -> Vec<Piece> {
    let parts = match action.chunk_bytes {
        None => events,
        Some(size) => events.concat().chunks(size).map(<[u8]>::to_vec).collect(),
    };
    let piece = |bytes| Piece {
        bytes,
        wait: action.chunk_delay,
    };
    parts
        .into_iter()
        .filter(|part| !part.is_empty())
        .map(piece)
        .collect()
}

fn chunk(bytes: &[u8]) -> Vec<u8> {
    let size = format!("{:x}\r\n", bytes.len());
    [size.as_bytes(), bytes, b"\r\n"].concat()
}

fn write_all(mut stream: &TcpStream, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes)
}

/// Closes so that the peer sees a reset: without lingering, as soon as the stream is dropped.
fn reset(stream: &TcpStream) -> End {
    let _ = socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO));
    End::Broken
}

/// Waits; false as soon as the client has gone.
fn wait(stream: &TcpStream, duration: Duration) -> bool {
    /// How often to look when the client has sent more already, so that a read returns at once.
    const PIPELINED: Duration = Duration::from_millis(5);
    let end = Instant::now() + duration;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        match peek(stream, left) {
            Ok(0) => return false,
            Ok(_) => thread::sleep(left.min(PIPELINED)),
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock
                | io::ErrorKind::TimedOut
                | io::ErrorKind::Interrupted => {}
                _ => return false,
            },
        }
    }
}

/// Looks for input without taking it.
fn peek(stream: &TcpStream, timeout: Duration) -> io::Result<usize> {
    stream.set_read_timeout(Some(timeout))?;
    let seen = stream.peek(&mut [0]);
    stream.set_read_timeout(None)?;
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events() -> Body {
        Body::Events {
            preamble: vec![b":\n\n".to_vec()],
            events: vec![b"role".to_vec(), b"one".to_vec(), b"two".to_vec()],
            first_content: 2,
        }
    }

    fn written(action: &Action) -> Vec<(String, u128)> {
        let text = |piece: Piece| {
            (
                String::from_utf8(piece.bytes).unwrap(),
                piece.wait.as_millis(),
            )
        };
        pieces(&events(), action).into_iter().map(text).collect()
    }

    fn piece(text: &str, wait: u128) -> (String, u128) {
        (text.to_owned(), wait)
    }

    #[test]
    fn the_hold_is_after_the_first_content() {
        let hold_after_first = Duration::from_millis(9);
        let action = Action {
            hold_after_first,
            ..Action::default()
        };
        let wanted = [
            piece(":\n\n", 0),
            piece("role", 0),
            piece("one", 9),
            piece("two", 0),
        ];
        assert_eq!(written(&action), wanted);
    }

    #[test]
    fn pieces_ignore_events_but_not_the_hold() {
        let action = Action {
            chunk_bytes: Some(4),
            chunk_delay: Duration::from_millis(1),
            hold_after_first: Duration::from_millis(9),
            ..Action::default()
        };
        let wanted = [
            piece(":\n\nr", 1),
            piece("oleo", 1),
            piece("ne", 10),
            piece("two", 1),
        ];
        assert_eq!(written(&action), wanted);
    }

    #[test]
    fn a_break_counts_events_and_not_comments() {
        let action = Action {
            cut: Some(1),
            ..Action::default()
        };
        assert_eq!(written(&action), [piece(":\n\n", 0), piece("role", 0)]);
        let whole = Body::Whole(b"0123456789".to_vec());
        let lengths = [0, 1, 7].map(|stop| {
            let reset = Some(Moment::AfterEvents(stop));
            let action = Action {
                reset,
                ..Action::default()
            };
            pieces(&whole, &action)
                .iter()
                .map(|piece| piece.bytes.len())
                .sum::<usize>()
        });
        assert_eq!(lengths, [0, 5, 5]);
    }
}
