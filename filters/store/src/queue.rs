//! What is to be carried to the store: names of changed values in shared data.
//!
//! In several parts, so that workers that change different values seldom meet. A value that is queued already is not
//! queued again, which whoever changes it knows from the value itself.

use meshrouter_core::fnv::fnv1a;
use meshrouter_host::{SharedData, update_shared};

/// How many parts.
const PARTS: u64 = 16;

/// Between names: no key's name, no hash and no model's id holds it.
const END: u8 = 0;

fn part(number: u64) -> String {
    format!("store/queue/{number}")
}

/// Puts a name into the queue.
pub fn push(host: &mut (impl SharedData + ?Sized), name: &str) {
    let number = fnv1a(name.as_bytes()) % PARTS;
    update_shared(host, &part(number), |names| {
        let mut names = names.unwrap_or_default();
        names.extend_from_slice(name.as_bytes());
        names.push(END);
        names
    });
}

/// Takes all names out.
pub(crate) fn take(host: &mut (impl SharedData + ?Sized)) -> Vec<String> {
    let mut all = Vec::new();
    for number in 0..PARTS {
        let key = part(number);
        if host.shared(&key).0.is_none_or(|names| names.is_empty()) {
            continue;
        }
        let mut taken = Vec::new();
        update_shared(host, &key, |names| {
            taken = names.unwrap_or_default();
            Vec::new()
        });
        let names = taken.split(|byte| *byte == END);
        let names = names.filter_map(|name| String::from_utf8(name.to_vec()).ok());
        all.extend(names.filter(|name| !name.is_empty()));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshrouter_host::fake::Fake;

    #[test]
    fn what_goes_in_comes_out_once() {
        let mut host = Fake::default();
        let names: Vec<String> = (0..100).map(|n| format!("balance/{n}\nmodel")).collect();
        for name in &names {
            push(&mut host, name);
        }
        let mut taken = take(&mut host);
        taken.sort_unstable();
        let mut expected = names;
        expected.sort_unstable();
        assert_eq!(taken, expected);
        assert!(take(&mut host).is_empty());
    }
}
