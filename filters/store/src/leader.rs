//! Which of a gateway's VMs works with the store: each worker has one of each module, and one is enough.

use meshrouter_host::{SharedData, update_shared};

/// Who leads: the number of a VM, and until when, in Unix milliseconds.
const LEADER: &str = "store/leader";

/// How many VMs there were.
const COUNT: &str = "store/vms";

/// For how long a leader that says nothing leads, in milliseconds.
const TERM_MS: u64 = 2_000;

/// A number for this VM, which no other of this gateway has.
pub(crate) fn enrol(host: &mut (impl SharedData + ?Sized)) -> u64 {
    let mut number = 0;
    update_shared(host, COUNT, |count| {
        number = word(count.as_deref(), 0).saturating_add(1);
        number.to_le_bytes().to_vec()
    });
    number
}

/// Whether this VM leads at `now`, in Unix milliseconds. It goes on to for a term.
pub(crate) fn leads(host: &mut (impl SharedData + ?Sized), vm: u64, now: u64) -> bool {
    let mut leads = false;
    update_shared(host, LEADER, |lease| {
        let lease = lease.unwrap_or_default();
        let (leader, until) = (word(Some(&lease), 0), word(Some(&lease), 1));
        leads = leader == vm || until < now;
        if !leads {
            return lease;
        }
        let until = now.saturating_add(TERM_MS);
        [vm.to_le_bytes(), until.to_le_bytes()].concat()
    });
    leads
}

/// A word of a value; 0 where it has none.
fn word(value: Option<&[u8]>, number: usize) -> u64 {
    let mut words = value.unwrap_or_default().chunks_exact(8);
    let word = words.nth(number).and_then(|word| word.try_into().ok());
    word.map_or(0, u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshrouter_host::fake::Fake;

    #[test]
    fn one_leads_until_it_falls_silent() {
        let mut host = Fake::default();
        let (a, b) = (enrol(&mut host), enrol(&mut host));
        assert_ne!(a, b);
        assert!(leads(&mut host, a, 1_000));
        assert!(!leads(&mut host, b, 1_000 + TERM_MS));
        assert!(leads(&mut host, a, 1_000 + TERM_MS));
        assert!(!leads(&mut host, b, 1_000 + 2 * TERM_MS));
        assert!(leads(&mut host, b, 1_001 + 2 * TERM_MS));
        assert!(!leads(&mut host, a, 1_002 + 2 * TERM_MS));
    }
}
