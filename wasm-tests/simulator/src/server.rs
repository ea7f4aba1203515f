//! Starting and stopping a simulator, and what it can be asked.

use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::connection;
use crate::record::{RecordedRequest, Shared, lock};

/// A provider to be.
#[derive(Clone, Debug)]
pub struct Builder {
    name: String,
    keys: Vec<String>,
    port: u16,
    recording: bool,
}

impl Builder {
    /// The key that requests must carry, as `authorization: Bearer` or `api-key`. Without one all may ask.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.keys = vec![key.into()];
        self
    }

    /// One key more that requests may carry in its place.
    #[must_use]
    pub fn also_key(mut self, key: impl Into<String>) -> Self {
        self.keys.push(key.into());
        self
    }

    /// The port on 127.0.0.1; 0, the default, takes a free one.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Whether requests are kept for [`Simulator::requests`]; they are by default. A simulator that runs
    /// for long should not.
    #[must_use]
    pub fn recording(mut self, recording: bool) -> Self {
        self.recording = recording;
        self
    }

    /// Starts serving.
    pub fn start(self) -> io::Result<Simulator> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port))?;
        self.start_on(listener)
    }

    /// Starts serving where somebody listens already, with whoever waits there.
    pub fn start_on(self, listener: TcpListener) -> io::Result<Simulator> {
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            name: self.name,
            keys: self.keys,
            recording: self.recording,
            ..Shared::default()
        });
        let serving = Arc::clone(&shared);
        let accepting = thread::Builder::new()
            .name(format!("{} accepts", shared.name))
            .spawn(move || accept(&listener, &serving))?;
        Ok(Simulator {
            shared,
            address,
            accepting: Some(accepting),
        })
    }
}

/// A provider that serves until it is dropped.
#[derive(Debug)]
pub struct Simulator {
    shared: Arc<Shared>,
    address: SocketAddr,
    accepting: Option<JoinHandle<()>>,
}

impl Simulator {
    /// A provider called `name`, which is also its name in a request's `simulate`.
    pub fn builder(name: impl Into<String>) -> Builder {
        Builder {
            name: name.into(),
            keys: Vec::new(),
            port: 0,
            recording: true,
        }
    }

    /// The provider's name.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The requests so far, in order.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        lock(&self.shared.requests).clone()
    }

    /// The requests so far, in order, which are forgotten.
    pub fn take_requests(&self) -> Vec<RecordedRequest> {
        std::mem::take(&mut lock(&self.shared.requests))
    }

    /// How many requests have come in whole, whether they are kept or not.
    pub fn requests_received(&self) -> usize {
        self.shared.received.load(Ordering::SeqCst)
    }

    /// How many requests lost their client before they were answered in full: upstream cancellations.
    pub fn connections_cut(&self) -> usize {
        self.shared.cut.load(Ordering::SeqCst)
    }

    /// How many requests are being read or answered now.
    pub fn in_flight(&self) -> usize {
        self.shared.in_flight.load(Ordering::SeqCst)
    }

    /// Waits for the end of serving, which does not come unless a listener fails.
    pub fn wait(mut self) {
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let Some(accepting) = self.accepting.take() else {
            return;
        };
        self.shared.stopping.store(true, Ordering::SeqCst);
        // Wakes the accepting thread, which then ends and takes the connections with it.
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
        let _ = accepting.join();
    }
}

/// Accepts until told to stop, then ends every connection.
fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut threads: Vec<JoinHandle<()>> = Vec::new();
    for (id, stream) in listener.incoming().enumerate() {
        if shared.stopping.load(Ordering::SeqCst) {
            break;
        }
        match stream {
            Ok(stream) => threads.extend(spawn(id, stream, shared)),
            // Out of descriptors, say: give others the time to close theirs.
            Err(_) => thread::sleep(Duration::from_millis(10)),
        }
        threads.retain(|thread| !thread.is_finished());
    }
    let open: Vec<_> = lock(&shared.connections)
        .values()
        .filter_map(Weak::upgrade)
        .collect();
    for stream in open {
        let _ = stream.shutdown(Shutdown::Both);
    }
    for thread in threads {
        let _ = thread.join();
    }
}

/// Serves a connection on a thread of its own.
///
/// The table of connections holds no reference that counts: when the serving thread lets go of the
/// stream it is closed, by a reset if that was scripted.
fn spawn(id: usize, stream: TcpStream, shared: &Arc<Shared>) -> Option<JoinHandle<()>> {
    let stream = Arc::new(stream);
    lock(&shared.connections).insert(id, Arc::downgrade(&stream));
    let shared = Arc::clone(shared);
    let serve = move || {
        connection::serve(&stream, &shared);
        drop(stream);
        lock(&shared.connections).remove(&id);
    };
    thread::Builder::new().spawn(serve).ok()
}
