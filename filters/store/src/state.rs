//! What all workers may know of the store: whether it was read, and when it answered last.

use meshrouter_host::SharedData;

const STATE: &str = "store/state";

/// For how long the store may say nothing before it counts as down, in seconds.
const PATIENCE_SECONDS: u64 = 5;

/// Set once there is a store.
const ON: &str = "store/on";

/// From now on, what changes is to be [queued](crate::queue).
pub(crate) fn turn_on(host: &mut (impl SharedData + ?Sized)) {
    host.set_shared(ON, b"1", None);
}

/// Whether there is a store that changes are to be [queued](crate::queue) for. False for the first moments: whoever
/// reads the store first looks for what was changed until then.
#[must_use]
pub fn is_on(host: &(impl SharedData + ?Sized)) -> bool {
    host.shared(ON).0.is_some()
}

/// When the store last answered, once all was read, in Unix seconds.
pub(crate) fn answered(host: &mut (impl SharedData + ?Sized), now: u64) {
    host.set_shared(STATE, &now.to_le_bytes(), None);
}

/// When the store last answered, once all was read; `None` before.
fn last(host: &(impl SharedData + ?Sized)) -> Option<u64> {
    let bytes = host.shared(STATE).0?;
    bytes.try_into().ok().map(u64::from_le_bytes)
}

/// Whether what is known of balances is what the store knows, at `now` in Unix seconds: it was read, and answered
/// lately.
#[must_use]
pub fn is_current(host: &(impl SharedData + ?Sized), now: u64) -> bool {
    last(host).is_some_and(|at| now <= at.saturating_add(PATIENCE_SECONDS))
}
