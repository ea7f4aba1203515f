use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use meshrouter_core::carried::Carried;
use meshrouter_core::created_key::CreatedKey;
use meshrouter_core::document::{Allowance, LimitReset};
use meshrouter_core::money::Usd;
use meshrouter_core::timestamp::Timestamp;
use meshrouter_host::SharedData;
use meshrouter_host::fake::Fake;
use meshrouter_ledger::{Ask, Balance, Period, Sum, Used, key};

use crate::saved::Saved;
use serde_json::{Value, json};

use super::*;

/// An etcd, as far as we use it.
#[derive(Default)]
struct Etcd {
    entries: BTreeMap<String, (Vec<u8>, u64)>,
    revision: u64,
    /// The most entries of an answer.
    page: usize,
}

fn text(value: &Value) -> String {
    let bytes = STANDARD.decode(value.as_str().unwrap()).unwrap();
    String::from_utf8(bytes).unwrap()
}

impl Etcd {
    fn answer(&mut self, path: &str, body: &[u8]) -> Value {
        let body: Value = serde_json::from_slice(body).unwrap();
        match path {
            "etcd/v3/kv/range" => self.range(&body),
            "etcd/v3/kv/txn" => self.txn(&body),
            other => panic!("{other}"),
        }
    }

    fn kv(&self, key: &str) -> Option<Value> {
        let (value, revision) = self.entries.get(key)?;
        let (key, value) = (STANDARD.encode(key), STANDARD.encode(value));
        Some(json!({"key": key, "value": value, "mod_revision": revision.to_string()}))
    }

    fn header(&self) -> Value {
        json!({"revision": self.revision.to_string()})
    }

    fn range(&self, body: &Value) -> Value {
        let least: u64 = body["min_mod_revision"].as_str().unwrap().parse().unwrap();
        let within = self
            .entries
            .range(text(&body["key"])..text(&body["range_end"]));
        let mut kvs: Vec<_> = within
            .filter(|(_, (_, revision))| *revision >= least)
            .filter_map(|(key, _)| self.kv(key))
            .collect();
        let more = kvs.len() > self.page;
        kvs.truncate(self.page);
        json!({"header": self.header(), "kvs": kvs, "more": more})
    }

    fn txn(&mut self, body: &Value) -> Value {
        let compares = body["compare"].as_array().unwrap();
        let holds = compares.iter().all(|compare| {
            let there = self.entries.get(&text(&compare["key"]));
            let revision = there.map_or(0, |(_, revision)| *revision);
            compare["mod_revision"] == json!(revision.to_string())
        });
        if !holds {
            let keys = compares.iter().map(|compare| text(&compare["key"]));
            let ranges: Vec<_> = keys
                .map(|key| json!({"response_range": {"kvs": self.kv(&key).into_iter().collect::<Vec<_>>()}}))
                .collect();
            return json!({"header": self.header(), "responses": ranges});
        }
        self.revision += 1;
        for put in body["success"].as_array().unwrap() {
            let put = &put["requestPut"];
            let value = text(&put["value"]).into_bytes();
            self.entries
                .insert(text(&put["key"]), (value, self.revision));
        }
        json!({"header": self.header(), "succeeded": true})
    }
}

/// What becomes of calls.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Net {
    Fine,
    /// They do not arrive.
    Down,
    /// Their answers do not.
    Deaf,
}

/// A gateway of two workers.
struct Gateway {
    host: Fake,
    workers: [Worker; 2],
    taken: usize,
}

impl Gateway {
    fn new(born: u64) -> Self {
        let store: Store = serde_json::from_str(r#"{"cluster": "etcd"}"#).unwrap();
        let mut host = Fake::default();
        host.time = born;
        Self {
            host,
            workers: [Worker::new(store.clone()), Worker::new(store)],
            taken: 0,
        }
    }

    /// A tenth of a second passes, in which all calls are answered.
    fn tick(&mut self, etcd: &mut Etcd, net: Net) {
        self.tick_through(etcd, || net);
    }

    /// The same, and each call meets a net of its own.
    fn tick_through(&mut self, etcd: &mut Etcd, mut net: impl FnMut() -> Net) {
        self.host.time += 100_000_000;
        for worker in &mut self.workers {
            worker.on_tick(&mut self.host);
            while let Some((path, body)) = self.host.calls.get(self.taken).cloned() {
                self.taken += 1;
                let mut answer = Answer::default();
                let net = net();
                if net != Net::Down {
                    let said = etcd.answer(&path, &body).to_string().into_bytes();
                    if net == Net::Fine {
                        answer = Answer {
                            status: Some(200),
                            body: said,
                        };
                    }
                }
                let number = u32::try_from(self.taken).unwrap();
                worker.on_answer(&mut self.host, number, &answer);
            }
        }
    }

    fn balance(&self, account: &str) -> Balance {
        let bytes = self.host.shared.get(&key(account));
        Balance::decode(bytes.map(|(bytes, _)| bytes.as_slice()))
    }

    fn change(&mut self, account: &str, change: impl Fn(&mut Balance)) {
        let now = self.host.time / 1_000_000_000;
        let mut queues = false;
        update_shared(&mut self.host, &key(account), |bytes| {
            let mut balance = Balance::decode(bytes.as_deref());
            change(&mut balance);
            queues = balance.queue(now);
            balance.encode()
        });
        if queues {
            queue::push(&mut self.host, &key(account));
        }
    }

    fn spend(&mut self, account: &str, nano: u64) {
        let used = Used {
            now: self.host.time / 1_000_000_000,
            cost: Sum {
                spent: nano,
                byok: 0,
            },
            tokens: 0,
        };
        self.change(account, |balance| balance.settle(None, &used));
    }

    fn spent(&self, account: &str) -> u64 {
        let now = Period::of(self.host.time / 1_000_000_000);
        let sum = self.balance(account).spent(LimitReset::Never, now);
        sum.spent
    }
}

const BORN: u64 = 1_795_600_000_000_000_000;

fn etcd() -> Etcd {
    Etcd {
        page: 3,
        ..Etcd::default()
    }
}

#[test]
fn two_gateways_agree_within_two_seconds_and_a_restart_knows_all() {
    let mut etcd = etcd();
    let (mut one, mut two) = (Gateway::new(BORN), Gateway::new(BORN + 7));
    for n in 0..20_u64 {
        one.spend(&format!("key-{}", n % 10), 1);
        two.spend(&format!("key-{}", n % 7), 100);
    }
    for _ in 0..20 {
        one.tick(&mut etcd, Net::Fine);
        two.tick(&mut etcd, Net::Fine);
    }
    let mut three = Gateway::new(BORN + 99);
    three.tick(&mut etcd, Net::Fine);
    for n in 0..10_u64 {
        let account = format!("key-{n}");
        let expected = 2 + (0..20).filter(|k| k % 7 == n).count() as u64 * 100;
        for gateway in [&one, &two, &three] {
            assert_eq!(gateway.spent(&account), expected, "{account}");
            assert!(!gateway.balance(&account).is_unsaved());
        }
    }
    assert_eq!(one.host.metrics[metric::STORE_UP], 1);
}

#[test]
fn nothing_is_lost_or_counted_twice_whatever_the_net_does() {
    let mut state = 11_u64;
    let mut random = move |bound: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % bound
    };
    let mut etcd = Etcd {
        page: 40,
        ..Etcd::default()
    };
    let mut gateways = [Gateway::new(BORN), Gateway::new(BORN + 1)];
    let mut expected: BTreeMap<String, u64> = BTreeMap::new();
    for _ in 0..1_500 {
        let gateway = &mut gateways[random(2) as usize];
        for _ in 0..random(40) {
            let (account, nano) = (format!("key-{}", random(150)), random(1_000));
            gateway.spend(&account, nano);
            *expected.entry(account).or_default() += nano;
        }
        gateway.tick_through(&mut etcd, || match random(10) {
            0 => Net::Down,
            1 | 2 => Net::Deaf,
            _ => Net::Fine,
        });
        if random(50) == 0 {
            // The VM that leads fails; a new one is there at once.
            let store: Store = serde_json::from_str(r#"{"cluster": "etcd"}"#).unwrap();
            gateway.workers[random(2) as usize] = Worker::new(store);
        }
    }
    for _ in 0..100 {
        for gateway in &mut gateways {
            gateway.tick(&mut etcd, Net::Fine);
        }
    }
    for (account, nano) in expected {
        for gateway in &gateways {
            assert_eq!(gateway.spent(&account), nano, "{account}");
            assert!(!gateway.balance(&account).is_unsaved());
        }
    }
}

#[test]
fn while_the_store_is_down_all_is_kept_and_it_shows() {
    let mut etcd = etcd();
    let mut gateway = Gateway::new(BORN);
    let now = |gateway: &Gateway| gateway.host.time / 1_000_000_000;
    gateway.spend("key", 5);
    for _ in 0..100 {
        gateway.tick(&mut etcd, Net::Down);
    }
    assert_eq!(gateway.host.metrics[metric::STORE_UP], 0);
    let failed = gateway.host.metrics["meshrouter_store_calls_total;result=failed"];
    assert!((5..=11).contains(&failed), "about one a second: {failed}");
    assert!(!state::is_current(&gateway.host, now(&gateway)));
    assert_eq!(gateway.spent("key"), 5);
    for _ in 0..20 {
        gateway.tick(&mut etcd, Net::Fine);
    }
    assert!(state::is_current(&gateway.host, now(&gateway)));
    assert_eq!(gateway.host.metrics[metric::STORE_UP], 1);
    let value = &etcd.entries["meshrouter/balance/key"].0;
    let saved = Saved::read(value).unwrap();
    assert_eq!(saved.known("", 1, 0).spending.to_words()[0], 5);
}

#[test]
fn writes_are_bounded_whatever_there_is_to_write() {
    let mut etcd = Etcd {
        page: 500,
        ..Etcd::default()
    };
    let mut gateway = Gateway::new(BORN);
    for n in 0..2_000 {
        gateway.spend(&format!("key-{n}"), 1);
    }
    gateway.tick(&mut etcd, Net::Fine);
    assert_eq!(etcd.revision, u64::from(MOST_WRITES));
    assert_eq!(etcd.entries.len(), BATCH * MOST_WRITES as usize);
    for _ in 0..20 {
        gateway.tick(&mut etcd, Net::Fine);
    }
    assert_eq!(etcd.entries.len(), 2_000);
    // A thousand requests of one key are one write.
    let before = etcd.revision;
    for _ in 0..1_000 {
        gateway.spend("key-1", 1);
    }
    for _ in 0..20 {
        gateway.tick(&mut etcd, Net::Fine);
    }
    assert_eq!(etcd.revision, before + 1);
}

#[test]
fn what_one_gateway_reserves_the_other_does_not_give_away() {
    let mut etcd = etcd();
    let (mut one, mut two) = (Gateway::new(BORN), Gateway::new(BORN + 7));
    let allowance = Allowance {
        limit: Some(Usd::from_nano(100)),
        ..Allowance::default()
    };
    let ask = Ask {
        now: BORN / 1_000_000_000,
        cost: Sum { spent: 70, byok: 0 },
        ..Ask::default()
    };
    one.change("key", |balance| {
        let _ = balance.admit(&allowance, &ask).unwrap();
    });
    let left = |gateway: &Gateway| {
        let now = gateway.host.time / 1_000_000_000;
        gateway.balance("key").left(&allowance, now).unwrap().nano()
    };
    // Long after a reservation of a gateway that is gone would be forgotten.
    for _ in 0..1_000 {
        one.tick(&mut etcd, Net::Fine);
        two.tick(&mut etcd, Net::Fine);
    }
    assert_eq!((left(&one), left(&two)), (30, 30));
    for _ in 0..620 {
        two.tick(&mut etcd, Net::Fine);
    }
    assert_eq!(
        left(&two),
        100,
        "the other gateway has been silent for a minute"
    );
}

fn created(gateway: &Gateway, hash: &str) -> Option<CreatedKey> {
    let value = gateway.host.shared.get(&shared_key(hash));
    CreatedKey::read(value.map(|(bytes, _)| bytes.as_slice()))
}

fn listed(gateway: &Gateway) -> Vec<String> {
    let value = gateway.host.shared.get(INDEX);
    let index = Index::decode(value.map(|(bytes, _)| bytes.as_slice()));
    index.iter().map(hex).collect()
}

#[test]
fn created_keys_and_generations_are_known_everywhere() {
    let mut etcd = etcd();
    let (mut one, mut two) = (Gateway::new(BORN), Gateway::new(BORN + 7));
    one.tick(&mut etcd, Net::Fine);
    let hashes: Vec<[u8; 32]> = (0..8).map(|n| [n; 32]).collect();
    for (n, hash) in hashes.iter().enumerate() {
        // The later the key, the smaller its hash.
        let at = Timestamp::from_seconds(1_000 - n as u64);
        let key = CreatedKey::new(hash, "l".to_owned(), format!("key {n}"), "maker", at);
        let name = shared_key(&hex(hash));
        one.host.set_shared(&name, &key.encode(), None);
        queue::push(&mut one.host, &name);
    }
    one.host.set_shared("generation/7", b"1000\n{}", None);
    queue::push(&mut one.host, "generation/7");
    let both = |one: &mut Gateway, two: &mut Gateway, etcd: &mut Etcd| {
        for _ in 0..20 {
            one.tick(etcd, Net::Fine);
            two.tick(etcd, Net::Fine);
        }
    };
    both(&mut one, &mut two, &mut etcd);
    assert_eq!(listed(&two), hashes.iter().map(hex).collect::<Vec<_>>());
    assert_eq!(two.host.shared["generation/7"].0, b"1000\n{}");

    // It is deleted here, and changed there before that is known: it stays deleted.
    let hash = hex(&hashes[3]);
    let change = |gateway: &mut Gateway, at: u64, deleted: bool| {
        let mut key = created(gateway, &hash).unwrap();
        key.updated_at = Some(Timestamp::from_seconds(at));
        key.deleted = deleted;
        let name = shared_key(&hash);
        gateway.host.set_shared(&name, &key.encode(), None);
        queue::push(&mut gateway.host, &name);
    };
    change(&mut two, 2_000, true);
    change(&mut one, 2_001, false);
    one.host.set_shared("generation/7", b"3000\n{}", None);
    two.host.set_shared("generation/7", b"2000\n{}", None);
    for gateway in [&mut two, &mut one] {
        queue::push(&mut gateway.host, "generation/7");
    }
    both(&mut one, &mut two, &mut etcd);
    let mut three = Gateway::new(BORN + 99);
    three.tick(&mut etcd, Net::Fine);
    for gateway in [&one, &two, &three] {
        assert!(created(gateway, &hash).unwrap().deleted);
        assert_eq!(listed(gateway).len(), 7);
        assert_eq!(gateway.host.shared["generation/7"].0, b"3000\n{}");
    }
}

#[test]
fn what_is_not_ours_is_left_alone_and_does_not_stop_the_rest() {
    let mut etcd = etcd();
    let odd = |etcd: &Etcd| etcd.entries["meshrouter/balance/odd"].0.clone();
    etcd.revision = 1;
    let names = ["meshrouter/balance/odd", "meshrouter/other"];
    for name in names {
        etcd.entries.insert(name.to_owned(), (b"\xff{".to_vec(), 1));
    }
    let mut gateway = Gateway::new(BORN);
    for _ in 0..3 {
        for account in ["odd", "even"] {
            gateway.spend(account, 5);
        }
        for _ in 0..10 {
            gateway.tick(&mut etcd, Net::Fine);
        }
    }
    assert_eq!(odd(&etcd), b"\xff{");
    assert!(etcd.entries.contains_key("meshrouter/balance/even"));
    assert!(gateway.balance("odd").is_unsaved());
    assert_eq!(gateway.spent("odd"), 15);
    let conflicts = "meshrouter_store_calls_total;result=conflict";
    let conflicts = gateway.host.metrics.get(conflicts).copied();
    assert!(conflicts.unwrap_or_default() <= 1, "{conflicts:?}");
}
