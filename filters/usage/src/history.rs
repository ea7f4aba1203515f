//! What is remembered of requests that are over.

use meshrouter_core::timestamp::Timestamp;
use meshrouter_host::Host;
use meshrouter_ledger::generation;
use meshrouter_store::queue;

use crate::json::{Object, Written, name};

/// What stays of a generation: whose it is, because nobody but the account that paid may ask for it, and its record, of
/// which `auth` makes the answer.
#[derive(Debug)]
pub(crate) struct Generation<'a> {
    pub(crate) id: &'a str,
    pub(crate) account: &'a str,
    pub(crate) api_type: &'a str,
    pub(crate) created: Timestamp,
    /// As JSON.
    pub(crate) record: &'a [u8],
}

impl Generation<'_> {
    /// Remembers it, made at a time in Unix milliseconds. In the place that it gets, another one is forgotten.
    pub(crate) fn remember(&self, host: &mut impl Host, milliseconds: u64, is_stored: bool) {
        let place = generation::key(self.id);
        let value = generation::value(milliseconds, &self.to_json());
        host.set_shared(&place, &value, None);
        if is_stored {
            queue::push(host, &place);
        }
    }

    fn to_json(&self) -> Vec<u8> {
        let room = self.record.len().saturating_add(ABOUT);
        let mut json = Object::behind(Vec::with_capacity(room));
        json.member(name!("account"), self.account)
            .member(name!("api_type"), self.api_type)
            .member(name!("created_at"), self.created)
            .member(name!("record"), Written(self.record));
        json.finish()
    }
}

/// What stands beside the record is nearly always shorter.
const ABOUT: usize = 256;
