//! What a filter may ask of its host, and how a filter becomes a proxy-wasm module.
//!
//! Filters are logic over the traits in `host` and implement [`Filter`]; the macro [`entry!`]
//! makes one the entry of its module, or several of them, composed by [`chain!`]. This is the only crate that knows proxy-wasm. Native tests
//! run the same filters against `fake` (feature `fake`).

mod background;
mod chain;
#[cfg(any(test, target_arch = "wasm32"))]
mod compare;
mod filter;
mod fused;
mod header_list;
mod host;
mod relay;
mod reply;

#[cfg(any(test, feature = "fake"))]
pub mod fake;
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod wasm;

pub use background::{Answer, Background, Backstage, Calls};
pub use chain::{Chain, Nothing};
pub use filter::{Filter, Flow, Refusal};
pub use fused::Fused;
pub use header_list::HeaderList;
pub use host::{
    ABSENT, Bodies, Clock, Direction, Headers, Host, Level, Log, Metrics, Properties, Random,
    Replies, SharedData, send_whole, update_shared,
};
pub use reply::Reply;

/// Makes a [`Filter`] the entry of its wasm module, with the callbacks that Envoy is to call: those that the filter
/// implements, as `request_headers` and so on; with each body its trailers, which may end it; `log` for an
/// [`on_log`](Filter::on_log) that has to come before the access log, `tick` for deadlines, and for a [`Background`] `tick` and
/// `http_call_response`.
/// All others are taken out of the built module by `scripts/trim`. Natively it expands to nothing.
#[macro_export]
macro_rules! entry {
    ($filter:ty: $($callback:ident)+) => {
        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code, reason = "the host finds the entry by this name")]
        #[unsafe(no_mangle)]
        extern "C" fn _initialize() {
            $crate::wasm::start::<$filter>();
        }

        #[cfg(target_arch = "wasm32")]
        const _: () = {
            const NAMES: &str = concat!($("proxy_on_", stringify!($callback), "\n"),+);
            #[allow(unsafe_code, reason = "`scripts/trim` finds the list by this name")]
            #[used]
            #[unsafe(link_section = "meshrouter.callbacks")]
            static CALLBACKS: [u8; NAMES.len()] = $crate::wasm::bytes(NAMES);
        };
    };
}
