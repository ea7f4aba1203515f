//! The created keys in shared data. Whatever changes one goes through [`store`].

use meshrouter_core::carried::Carried;
use meshrouter_core::created_key::{self, CreatedKey, Index};
use meshrouter_core::keys::{self, KeyHash};
use meshrouter_host::{SharedData, update_shared};
use meshrouter_store::{queue, state};

/// The key of a hash, tombstones included.
pub(crate) fn find(host: &impl SharedData, hash: &KeyHash) -> Option<CreatedKey> {
    let key = created_key::shared_key(&keys::hex(hash));
    CreatedKey::read(host.shared(&key).0.as_deref())
}

/// Those that were not deleted.
pub(crate) fn index(host: &impl SharedData) -> Index {
    Index::decode(host.shared(created_key::INDEX).0.as_deref())
}

/// Adds a key; false where there are as many as may be.
pub(crate) fn add(host: &mut impl SharedData, hash: &KeyHash, key: &CreatedKey) -> bool {
    let mut is_room = false;
    update_index(host, |index| is_room = index.add(*hash));
    if is_room {
        store(host, hash, |_| Some(key.clone()));
    }
    is_room
}

/// Changes a key, and returns it as it is then; `None` where there is none, or none any more.
pub(crate) fn change(
    host: &mut impl SharedData,
    hash: &KeyHash,
    mut change: impl FnMut(&mut CreatedKey),
) -> Option<CreatedKey> {
    // Nothing is written for hashes that callers made up.
    find(host, hash).filter(CreatedKey::exists)?;
    let changed = store(host, hash, |found| {
        let mut key = found.filter(CreatedKey::exists)?;
        change(&mut key);
        Some(key)
    });
    if changed.as_ref().is_some_and(|key| key.deleted) {
        update_index(host, |index| index.remove(hash));
    }
    changed
}

/// The one place where a created key is written, whoever else changes it at the same time. `change` may run more than
/// once; where it gives nothing, what is there stays.
fn store(
    host: &mut impl SharedData,
    hash: &KeyHash,
    mut change: impl FnMut(Option<CreatedKey>) -> Option<CreatedKey>,
) -> Option<CreatedKey> {
    let mut stored = None;
    let key = created_key::shared_key(&keys::hex(hash));
    update_shared(host, &key, |value| {
        stored = change(CreatedKey::read(value.as_deref()));
        match &stored {
            Some(key) => key.encode(),
            None => value.unwrap_or_default(),
        }
    });
    if stored.is_some() && state::is_on(host) {
        queue::push(host, &key);
    }
    stored
}

fn update_index(host: &mut impl SharedData, mut change: impl FnMut(&mut Index)) {
    update_shared(host, created_key::INDEX, |value| {
        let mut index = Index::decode(value.as_deref());
        change(&mut index);
        index.encode()
    });
}
