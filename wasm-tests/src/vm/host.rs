//! The host's side of one VM: what the imports of a module read and write.

use std::collections::BTreeSet;

use super::headers::HeaderMap;
use super::plugin::Plugin;
use super::properties::StreamInfo;
use super::world::{MetricKind, World};

/// Which way a callback looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Request,
    Response,
}

/// What a plugin asked for that takes effect after its callback has returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Deferred {
    Continue(Way),
    Close,
    Reply {
        code: u32,
        details: Vec<u8>,
        headers: HeaderMap,
        body: Vec<u8>,
    },
}

/// Envoy's `Context` of one filter for one stream: which objects its callbacks can reach.
#[derive(Debug, Clone, Default)]
pub(super) struct Reach {
    /// The context's id inside the VM.
    pub(super) id: u32,
    /// `proxy_on_context_create` has run.
    pub(super) created: bool,
    /// Set by the headers callback, cleared when it returns Continue: a filter that let the request headers go
    /// cannot read them in a later callback.
    pub(super) request_headers: bool,
    /// The same for the response headers.
    pub(super) response_headers: bool,
    /// Everything is readable, nothing writable.
    pub(super) log_phase: bool,
}

/// The body that the current callback may read and change.
#[derive(Debug, Clone)]
pub(super) struct Body {
    pub(super) way: Way,
    pub(super) bytes: Vec<u8>,
}

/// All that one callback works on; moved into the VM for the call and out again.
#[derive(Debug, Default)]
pub(super) struct Scene {
    pub(super) reach: Reach,
    /// None in root callbacks.
    pub(super) stream: Option<StreamInfo>,
    pub(super) body: Option<Body>,
    pub(super) deferred: Vec<Deferred>,
    /// A local reply was sent: whatever the callback returns, iteration stops.
    pub(super) stopped: bool,
}

/// The data of a VM's store.
pub(super) struct Host {
    pub(super) plugin: Plugin,
    pub(super) world: World,
    pub(super) scene: Scene,
    /// 0: the context of the running callback.
    pub(super) effective_context: u32,
    /// `on_configure`, and the creation of the root context, can read the plugin configuration.
    pub(super) configuring: bool,
    pub(super) contexts: BTreeSet<u32>,
    pub(super) metrics: Vec<(MetricKind, String)>,
    pub(super) tick_period_ms: u32,
    /// Calls of the running callback into the host.
    pub(super) host_calls: u64,
}

/// The only root context of a VM.
pub(super) const ROOT: u32 = 1;

impl Host {
    pub(super) fn new(plugin: Plugin, world: World) -> Self {
        Self {
            plugin,
            world,
            scene: Scene::default(),
            effective_context: 0,
            configuring: false,
            contexts: BTreeSet::from([ROOT]),
            metrics: Vec::new(),
            tick_period_ms: 0,
            host_calls: 0,
        }
    }

    /// The context that host calls are about, if it is the running stream's.
    pub(super) fn in_stream(&self) -> bool {
        let effective = self.effective_context;
        self.scene.stream.is_some() && (effective == 0 || effective == self.scene.reach.id)
    }

    /// The running stream, unless the plugin switched to another context.
    pub(super) fn stream(&mut self) -> Option<&mut StreamInfo> {
        if self.in_stream() {
            self.scene.stream.as_mut()
        } else {
            None
        }
    }

    pub(super) fn log(&self, level: u32, message: String) {
        let filter = self.plugin.name.clone();
        self.world.lock().logs.push(super::world::Log {
            filter,
            level,
            message,
        });
    }
}
