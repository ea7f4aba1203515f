//! What is carried: how each kind of value leaves for the store, and how it comes back.

use std::collections::BTreeMap;

use meshrouter_core::carried::Carried;
use meshrouter_core::created_key::{CreatedKey, INDEX, Index};
use meshrouter_core::keys::parse_hash;
use meshrouter_host::{Backstage, update_shared};
use meshrouter_ledger::{Balance, Known};

use crate::etcd::Write;
use crate::queue;
use crate::saved::{Gateway, Saved};

/// What a name in shared data stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Adds up: what all gateways spent counts.
    Balance,
    /// A created key: the last change of it counts.
    Key,
    /// A generation in its place: the latest counts, and others may be lost.
    Generation,
}

impl Kind {
    pub(super) fn of(name: &str) -> Option<Self> {
        Some(match name.split('/').next()? {
            "balance" => Self::Balance,
            "key" => Self::Key,
            "generation" => Self::Generation,
            _ => return None,
        })
    }
}

/// A value that is on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Flight {
    pub(super) name: String,
    /// Of a balance, what will be known of it, and what its gateways said.
    balance: Option<(Known, Vec<Gateway>)>,
}

/// What is known of the values beside what shared data holds.
#[derive(Debug, Default)]
pub(super) struct Values {
    /// What this gateway is called.
    pub(super) gateway: String,
    /// What the gateways said of each balance, for the next value of it.
    gateways: BTreeMap<String, Vec<Gateway>>,
    /// Created keys that were read and are not in the list yet.
    keys: Vec<CreatedKey>,
}

impl Values {
    /// Forgets all but the gateway's name.
    pub(super) fn clear(&mut self) {
        self.gateways.clear();
        self.keys.clear();
    }

    /// Takes in what the store says of a value, or says what is wrong with it.
    pub(super) fn learn(
        &mut self,
        host: &mut dyn Backstage,
        name: &str,
        value: &[u8],
        revision: u64,
    ) -> Result<(), &'static str> {
        match Kind::of(name) {
            Some(Kind::Balance) => {
                let saved = Saved::read(value).ok_or("is no balance")?;
                let now = host.now() / 1_000_000_000;
                let known = saved.known(&self.gateway, revision, now);
                learn(host, name, &known);
                self.gateways.insert(name.to_owned(), saved.gateways());
            }
            Some(Kind::Key) => {
                let key = CreatedKey::read(Some(value)).ok_or("is no key")?;
                let mut latest = key.clone();
                update_shared(host, name, |bytes| {
                    let ours = CreatedKey::read(bytes.as_deref());
                    let ours = ours.filter(|ours| !key.replaces(ours));
                    latest = ours.unwrap_or_else(|| key.clone());
                    latest.encode()
                });
                if latest != key {
                    // Another gateway wrote what it had before it knew of our change.
                    queue::push(host, name);
                }
                self.keys.push(latest);
            }
            Some(Kind::Generation) => {
                if time(Some(value)) > time(host.shared(name).0.as_deref()) {
                    host.set_shared(name, value, None);
                }
            }
            None => return Err("is nothing of ours"),
        }
        Ok(())
    }

    /// Puts the keys that were read into their list, or takes them out.
    pub(super) fn list_keys(&mut self, host: &mut dyn Backstage) {
        if self.keys.is_empty() {
            return;
        }
        let mut keys = std::mem::take(&mut self.keys);
        keys.sort_by_key(|key| key.created_at.seconds());
        update_shared(host, INDEX, |bytes| {
            let mut index = Index::decode(bytes.as_deref());
            for key in &keys {
                let Some(hash) = parse_hash(&key.hash) else {
                    continue;
                };
                if key.exists() {
                    let _ = index.add(hash);
                } else {
                    index.remove(&hash);
                }
            }
            index.encode()
        });
    }

    /// What is to be written of a value, and what of it is reserved, in nano-dollars.
    pub(super) fn take_off(
        &self,
        host: &mut dyn Backstage,
        prefix: &str,
        name: String,
    ) -> (Write, Flight, u64) {
        let key = format!("{prefix}{name}");
        if Kind::of(&name) != Some(Kind::Balance) {
            let write = Write {
                key,
                value: host.shared(&name).0.unwrap_or_default(),
                replaces: None,
            };
            return (
                write,
                Flight {
                    name,
                    balance: None,
                },
                0,
            );
        }
        let now = host.now() / 1_000_000_000;
        let (mut known, mut reserved) = (Known::default(), 0);
        update_shared(host, &name, |bytes| {
            let mut balance = Balance::decode(bytes.as_deref());
            known = balance.take_off();
            reserved = balance.reserved(now).nano();
            balance.encode()
        });
        let others = self.gateways.get(&name);
        // Where it is not known what the others said, the store will tell instead of taking it.
        let replaces = others.map_or(0, |_| known.revision);
        let others = others.map_or(&[][..], Vec::as_slice);
        let saved = Saved::of(&known, &self.gateway, reserved, others, now);
        let write = Write {
            key,
            value: saved.write(),
            replaces: Some(replaces),
        };
        let balance = Some((known, saved.gateways()));
        (write, Flight { name, balance }, reserved)
    }

    /// A value was written at this revision.
    pub(super) fn land(&mut self, host: &mut dyn Backstage, flight: Flight, revision: u64) {
        let Flight { name, balance } = flight;
        if let Some((known, gateways)) = balance {
            learn(host, &name, &Known { revision, ..known });
            self.gateways.insert(name, gateways);
        }
    }
}

/// Tells a balance what the store knows of it.
fn learn(host: &mut dyn Backstage, name: &str, known: &Known) {
    let now = host.now() / 1_000_000_000;
    update_shared(host, name, |bytes| {
        let mut balance = Balance::decode(bytes.as_deref());
        balance.learn(known, now);
        balance.encode()
    });
}

/// The number that a generation begins with: when it was made, in Unix milliseconds.
fn time(value: Option<&[u8]>) -> Option<u64> {
    let head = value?.split(|byte| *byte == b'\n').next()?;
    std::str::from_utf8(head).ok()?.parse().ok()
}
