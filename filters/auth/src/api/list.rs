//! `GET /keys`.

use meshrouter_core::created_key::CreatedKey;
use meshrouter_core::keys::KeyRing;
use meshrouter_core::timestamp::Timestamp;
use meshrouter_core::{ApiError, route};
use meshrouter_host::{Host, Reply};

use super::view::View;
use crate::{caller, created};

/// How many keys a page has.
const PAGE: usize = 100;

/// Which keys are asked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Query {
    offset: usize,
    include_disabled: bool,
    include_expired: bool,
}

impl Query {
    fn of(path: &[u8]) -> Result<Self, ApiError> {
        let mut query = Self::default();
        for (name, value) in route::query(path) {
            match name.as_str() {
                "offset" => {
                    query.offset = value.parse().map_err(|_| {
                        let message = format!(
                            "`offset` must be how many keys come before the page, but it is `{value}`."
                        );
                        ApiError::bad_field("offset", message)
                    })?;
                }
                "include_disabled" => query.include_disabled = value == "true",
                "include_expired" => query.include_expired = value == "true",
                _ => {}
            }
        }
        Ok(query)
    }

    fn wants(&self, disabled: bool, expires_at: Option<Timestamp>, now: Timestamp) -> bool {
        let has_expired = expires_at.is_some_and(|at| at <= now);
        (self.include_disabled || !disabled) && (self.include_expired || !has_expired)
    }
}

/// A page of the list: the created keys, newest first, then the document's.
pub(super) fn reply(host: &impl Host, keys: &KeyRing, path: &[u8]) -> Result<Reply, ApiError> {
    let query = Query::of(path)?;
    let now = caller::now(host);
    let index = created::index(host);
    let created = index
        .iter()
        .filter_map(|hash| created::find(host, hash).filter(CreatedKey::exists))
        .filter(|key| query.wants(key.disabled, key.expires_at, now));
    let known = keys.iter().filter(|known| {
        let caller = &known.caller;
        query.wants(caller.disabled, caller.expires_at, now)
    });
    let all = created.map(Entry::Created).chain(known.map(Entry::Known));
    let page: Vec<_> = all.skip(query.offset).take(PAGE).collect();
    let views: Vec<_> = page
        .iter()
        .map(|entry| match entry {
            Entry::Created(key) => View::of_created(host, keys, key),
            Entry::Known(known) => View::of_known(host, known),
        })
        .collect();
    Ok(super::data(views))
}

/// A key of either kind.
enum Entry<'a> {
    Created(CreatedKey),
    Known(&'a meshrouter_core::keys::Known),
}
