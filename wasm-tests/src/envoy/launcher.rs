//! The two ways to run an Envoy, behind one type.

use std::path::PathBuf;

use super::local;

/// Where Envoys run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Launcher {
    /// The binary that `scripts/setup` installs, or `$ENVOY_BIN`.
    Local,
    /// A container of `$ENVOY_IMAGE`, or of the image that `scripts/lib/envoy-image` makes.
    Container,
}

impl Launcher {
    /// What `$MESHROUTER_LAUNCHER` says: `local`, the default, or `container`.
    ///
    /// # Panics
    /// If it says something else.
    pub fn from_environment() -> Self {
        match std::env::var("MESHROUTER_LAUNCHER").as_deref() {
            Err(_) | Ok("" | "local") => Self::Local,
            Ok("container") => Self::Container,
            Ok(other) => {
                panic!("MESHROUTER_LAUNCHER is {other:?}, neither \"local\" nor \"container\"")
            }
        }
    }

    pub(super) fn launch(self, order: &Order) -> Result<Box<dyn Running>, String> {
        match self {
            Self::Local => local::launch(order),
            #[cfg(feature = "containers")]
            Self::Container => super::container::launch(order),
            #[cfg(not(feature = "containers"))]
            Self::Container => Err("containers need `--features containers`".to_owned()),
        }
    }
}

/// What is to be run.
#[derive(Debug)]
pub(super) struct Order {
    /// Envoy's arguments.
    pub(super) arguments: Vec<String>,
    /// Environment variables beyond those that Envoy inherits.
    pub(super) environment: Vec<(String, String)>,
    /// Directories that Envoy reads.
    #[cfg_attr(
        not(feature = "containers"),
        expect(dead_code, reason = "mounts are for containers")
    )]
    pub(super) readable: Vec<PathBuf>,
    /// The directory that Envoy writes to.
    pub(super) writable: PathBuf,
}

/// An Envoy that runs until it is dropped.
pub(super) trait Running: Send + Sync {
    /// What it has written to its standard output.
    fn stdout(&self) -> Vec<u8>;
    /// What it has written to its standard error.
    fn stderr(&self) -> Vec<u8>;
    /// How it ended, if it has.
    fn ended(&self) -> Option<String>;
    /// Its process, where that is one of this machine's that can be named.
    fn pid(&self) -> Option<u32>;
}
