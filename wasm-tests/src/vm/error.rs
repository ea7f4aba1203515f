//! What can go wrong in the host.

use std::fmt;
use std::path::PathBuf;

/// A callback that did not return: a panic, an out-of-bounds access, or an endless loop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trap {
    /// The plugin's name.
    pub filter: String,
    /// The exported function, such as `proxy_on_request_body`.
    pub callback: String,
    /// What the engine says, with the module's own back trace.
    pub message: String,
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            filter,
            callback,
            message,
        } = self;
        write!(f, "filter {filter} trapped in {callback}: {message}")
    }
}

/// Why a chain could not be made, or a call on a stream failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The module could not be read, compiled or linked.
    Module {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// `on_vm_start` or `on_configure` returned false.
    Rejected {
        /// The plugin's name.
        filter: String,
        /// The callback that refused.
        callback: String,
        /// What the plugin logged while it did.
        logs: Vec<String>,
    },
    /// A callback trapped; the stream has failed closed, as in Envoy.
    Trap(Trap),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Module { path, message } => write!(f, "{}: {message}", path.display()),
            Self::Rejected {
                filter,
                callback,
                logs,
            } => {
                write!(
                    f,
                    "filter {filter} refused in {callback}: {}",
                    logs.join("; ")
                )
            }
            Self::Trap(trap) => trap.fmt(f),
        }
    }
}

impl std::error::Error for Error {}
