//! Callers: threads with a connection of their own, each with the next request as soon as it has an answer.

use std::io::Write;
use std::net::{Ipv4Addr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::http::Reader;

/// The path and key of the shipped configuration's callers.
const HEAD: &str = "POST /api/v1/chat/completions HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer sk-or-v1-demo\r\n\
    content-type: application/json\r\naccept: */*\r\nuser-agent: bench/1.0\r\n";

/// When a load ends.
#[derive(Clone, Copy, Debug)]
pub enum End {
    /// After a time; what is under way is finished.
    After(Duration),
    /// After so many requests.
    Requests(u64),
}

/// The bytes of a request with this body.
pub fn request(body: &str) -> Vec<u8> {
    format!("{HEAD}content-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// Sends these requests in turn over so many connections; returns how many were answered.
pub fn closed_loop(
    port: u16,
    requests: &[Vec<u8>],
    connections: usize,
    end: End,
) -> Result<u64, String> {
    let begun = AtomicU64::new(0);
    let failed = AtomicBool::new(false);
    let start = Instant::now();
    let more = || {
        let number = begun.fetch_add(1, Ordering::Relaxed);
        !failed.load(Ordering::Relaxed)
            && match end {
                End::After(time) => start.elapsed() < time,
                End::Requests(most) => number < most,
            }
    };
    let caller = |number: usize| {
        // Not all at once: what they ask for would come back in waves.
        thread::sleep(Duration::from_micros(100 * number as u64));
        let answered = calls(port, requests, number, more);
        failed.fetch_or(answered.is_err(), Ordering::Relaxed);
        answered
    };
    thread::scope(|scope| {
        let caller = &caller;
        let callers: Vec<_> = (0..connections)
            .map(|number| scope.spawn(move || caller(number)))
            .collect();
        let ended = callers.into_iter().map(|caller| {
            caller
                .join()
                .unwrap_or_else(|_| Err("a caller panicked".to_owned()))
        });
        ended.collect::<Vec<_>>().into_iter().sum()
    })
}

fn calls(
    port: u16,
    requests: &[Vec<u8>],
    first: usize,
    more: impl Fn() -> bool,
) -> Result<u64, String> {
    let mut caller = Caller::connect(port)?;
    let mut answered = 0;
    let mine = requests.iter().cycle().skip(first % requests.len().max(1));
    for request in mine.take_while(|_| more()) {
        caller.call(request, |_| {})?;
        answered += 1;
    }
    Ok(answered)
}

/// How long requests took that were sent one after the other, until `time` is over.
pub fn one_by_one(
    port: u16,
    requests: &[Vec<u8>],
    time: Duration,
) -> Result<Vec<Duration>, String> {
    let mut caller = Caller::connect(port)?;
    timed(requests, time, |request| {
        let begin = Instant::now();
        caller.call(request, |_| {})?;
        Ok(begin.elapsed())
    })
}

/// How long it took until the first token of streams that were asked for one after the other.
pub fn first_tokens(
    port: u16,
    requests: &[Vec<u8>],
    time: Duration,
) -> Result<Vec<Duration>, String> {
    let mut caller = Caller::connect(port)?;
    timed(requests, time, |request| {
        let begin = Instant::now();
        let mut first = None;
        caller.call(request, |piece| {
            if first.is_none() && has_token(piece) {
                first = Some(begin.elapsed());
            }
        })?;
        first.ok_or_else(|| "a stream without a token".to_owned())
    })
}

/// Whether a piece of a stream has content that is not empty.
fn has_token(piece: &[u8]) -> bool {
    const CONTENT: &[u8] = br#""content":""#;
    let mut places = piece.windows(CONTENT.len() + 1);
    places.any(|place| place.starts_with(CONTENT) && !place.ends_with(b"\"\""))
}

fn timed(
    requests: &[Vec<u8>],
    time: Duration,
    mut call: impl FnMut(&[u8]) -> Result<Duration, String>,
) -> Result<Vec<Duration>, String> {
    let start = Instant::now();
    requests
        .iter()
        .cycle()
        .take_while(|_| start.elapsed() < time)
        .map(|request| call(request))
        .collect()
}

/// One connection.
struct Caller {
    reader: Reader<TcpStream>,
}

impl Caller {
    fn connect(port: u16) -> Result<Self, String> {
        let connection = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
            .map_err(|error| format!("connect: {error}"))?;
        let prepared = connection
            .set_nodelay(true)
            .and_then(|()| connection.set_read_timeout(Some(Duration::from_secs(60))));
        prepared.map_err(|error| format!("connect: {error}"))?;
        Ok(Self {
            reader: Reader::new(connection),
        })
    }

    /// Sends a request and reads the answer; anything but a 200 is an error.
    fn call(&mut self, request: &[u8], mut piece: impl FnMut(&[u8])) -> Result<(), String> {
        let lost = |error: std::io::Error| format!("no answer: {error}");
        self.reader.source_mut().write_all(request).map_err(lost)?;
        let head = self
            .reader
            .head()
            .map_err(lost)?
            .ok_or("no answer: the connection was closed")?;
        if head.status == 200 {
            self.reader.body(head.framing, piece).map_err(lost)?;
            return Ok(());
        }
        let mut said = Vec::new();
        let whole = self.reader.body(head.framing, |more| {
            said.extend_from_slice(more);
            piece(more);
        });
        let _ = whole.map_err(lost)?;
        let said: String = String::from_utf8_lossy(&said).chars().take(300).collect();
        Err(format!("an answer with status {}: {said}", head.status))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::Upstream;

    #[test]
    fn requests_are_counted_and_bodies_arrive() {
        let upstream = Upstream::start().unwrap();
        let requests = [request("{}"), request("{\"a\":1}")];
        assert_eq!(
            closed_loop(upstream.port, &requests, 4, End::Requests(100)),
            Ok(100)
        );
        let some = closed_loop(
            upstream.port,
            &requests[1..],
            2,
            End::After(Duration::from_millis(50)),
        )
        .unwrap();
        assert!(some > 2);
        assert_eq!(upstream.last_body(), 7);
    }

    #[test]
    fn a_first_token_is_not_the_empty_one() {
        assert!(!has_token(
            br#"{"delta":{"role":"assistant","content":""}}"#
        ));
        assert!(has_token(
            br#"{"delta":{"content":""}} {"delta":{"content":"a"}}"#
        ));
        let upstream = Upstream::start().unwrap();
        upstream.answer_streams(3, Duration::from_millis(20));
        let times =
            first_tokens(upstream.port, &[request("{}")], Duration::from_millis(1)).unwrap();
        assert!(times[0] >= Duration::from_millis(20), "{times:?}");
    }

    #[test]
    fn nobody_there_is_an_error() {
        let requests = [request("{}")];
        assert!(closed_loop(1, &requests, 2, End::Requests(1)).is_err());
    }

    #[test]
    fn a_failure_is_an_error_that_says_what_came() {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = thread::spawn(move || {
            let mut reader = Reader::new(listener.accept().unwrap().0);
            let head = reader.head().unwrap().unwrap();
            reader.body(head.framing, |_| {}).unwrap();
            let answer = b"HTTP/1.1 402 Payment Required\r\ncontent-length: 8\r\n\r\nno money";
            reader.source_mut().write_all(answer).unwrap();
        });
        let error = closed_loop(port, &[request("{}")], 1, End::Requests(5)).unwrap_err();
        assert_eq!(error, "an answer with status 402: no money");
        server.join().unwrap();
    }
}
