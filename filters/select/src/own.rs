//! The caller's own accounts at providers: they come before the gateway's, whatever the order of the
//! endpoints (BYOK page).

use meshrouter_core::catalog::Endpoint;
use meshrouter_core::credentials::Rule;

use crate::draw;
use crate::plan::{Moment, Wanted};
use crate::rank::{self, Ranked, Strategy};

/// The key's credentials that serve an endpoint, by their places among those of the key.
fn serving<'a>(
    rules: &'a [Rule],
    model: &'a str,
    endpoint: &'a Endpoint,
) -> impl Iterator<Item = (usize, &'a Rule)> {
    let rules = rules.iter().enumerate();
    rules.filter(move |(_, rule)| rule.serves(model, endpoint))
}

/// Whether a model can be asked with any of these.
pub(crate) fn serve_model<'a>(
    rules: &[Rule],
    model: &str,
    mut endpoints: impl Iterator<Item = &'a Endpoint>,
) -> bool {
    !rules.is_empty()
        && endpoints.any(|endpoint| rules.iter().any(|rule| rule.serves(model, endpoint)))
}

/// The own candidates that an endpoint is, one for each credential, and whether the gateway's own
/// account is one, too. `shared` is the endpoint on that.
pub(crate) fn expand<'a>(
    rules: &[Rule],
    wanted: &'a Wanted<'a>,
    shared: &Ranked<'a>,
    rank: impl Fn(Ranked<'a>) -> Ranked<'a>,
) -> (Vec<Ranked<'a>>, bool) {
    let mut may_share = true;
    let own = serving(rules, wanted.id, shared.endpoint).map(|(n, rule)| {
        may_share &= !rule.always;
        rank(Ranked {
            own: Some(n),
            ..*shared
        })
    });
    (own.collect(), may_share)
}

/// Puts the own candidates of a group in order: the endpoints as they are ranked, each with all its
/// credentials that may be asked now, of which the seed draws the first.
pub(crate) fn order<'a>(
    own: Vec<Ranked<'a>>,
    strategy: Strategy,
    moment: Moment<'_>,
) -> Vec<Ranked<'a>> {
    let mut queues: Vec<Vec<Ranked<'a>>> = Vec::new();
    for ranked in own {
        match queues.last_mut() {
            Some(queue) if is_of(queue, &ranked) => queue.push(ranked),
            _ => queues.push(vec![ranked]),
        }
    }
    for queue in &mut queues {
        share(queue, moment.seed);
    }
    let mut leads: Vec<Ranked<'a>> = queues
        .iter()
        .filter_map(|queue| queue.first())
        .copied()
        .collect();
    rank::order(&mut leads, strategy, moment.seed, moment.now);
    let mut ordered = Vec::new();
    for lead in leads {
        let queue = queues.iter().find(|queue| is_of(queue, &lead));
        ordered.push(lead);
        ordered.extend(queue.into_iter().flatten().skip(1));
    }
    ordered
}

fn is_of(queue: &[Ranked<'_>], ranked: &Ranked<'_>) -> bool {
    let first = queue.first();
    first.is_some_and(|first| std::ptr::eq(first.endpoint, ranked.endpoint))
}

/// Puts the credentials of one endpoint in order: the best come first, and share its requests evenly,
/// but for a conversation, which stays with the account whose cache knows its prompt.
fn share(queue: &mut [Ranked<'_>], seed: u64) {
    queue.sort_by_key(|ranked| ranked.tier);
    let Some(best) = queue.first().map(|ranked| ranked.tier) else {
        return;
    };
    let count = queue
        .iter()
        .take_while(|ranked| ranked.tier == best)
        .count();
    let equals = queue.get_mut(..count).unwrap_or_default();
    let first = match equals.iter().position(|ranked| ranked.affine) {
        Some(affine) => affine,
        None => draw::one_of(count, seed),
    };
    equals.rotate_left(first);
}
