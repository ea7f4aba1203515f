//! The selection: facts in, an ordered list of candidates out, and why the others are not in it.

use std::collections::BTreeSet;

use meshrouter_core::catalog::{Endpoint, Model};
use meshrouter_core::facts::Choice;
use meshrouter_core::health::Board;
use meshrouter_core::plan::MAX_CANDIDATES;
use meshrouter_core::slug::Variants;
use meshrouter_core::{Candidate, Catalog, Plan};

use crate::auto::{self, Scored};
use crate::constraint::Constraint;
use crate::demand::Demand;
use crate::own;
use crate::rank::{self, Ranked, Strategy, Tier};

/// A model that is asked for, with its live numbers.
#[derive(Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) id: &'a str,
    pub(crate) model: &'a Model,
    pub(crate) variants: Variants,
    pub(crate) board: Board,
    /// The live numbers of the key's own accounts there.
    pub(crate) own_board: Board,
    /// The tokens of the prompt, by its tokenizer.
    pub(crate) prompt: u64,
}

impl<'a> Wanted<'a> {
    /// A model with its live numbers, and what the request's prompt counts there.
    pub(crate) fn new(
        demand: &Demand<'_>,
        (id, variants, model): (&'a str, Variants, &'a Model),
        board: Board,
        own_board: Board,
    ) -> Self {
        // What the key's own accounts were told is nearer to what they will be told.
        let learned = own_board.correction().or_else(|| board.correction());
        Self {
            id,
            model,
            variants,
            prompt: demand.prompt_tokens(model, learned),
            board,
            own_board,
        }
    }
}

/// What depends on the moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment<'a> {
    /// Unix milliseconds.
    pub(crate) now: u64,
    /// What draws the first candidate: equal seeds draw equally.
    pub(crate) seed: u64,
    /// Who served the conversation's last turn.
    pub(crate) affinity: Option<&'a Candidate>,
}

/// An endpoint that is not in the plan, and why.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Excluded<'a> {
    pub(crate) model: &'a str,
    pub(crate) endpoint: &'a Endpoint,
    pub(crate) constraint: Constraint,
    /// The tokens of the prompt, by its model's tokenizer.
    pub(crate) prompt: u64,
}

/// A request's selection.
#[derive(Debug, Default)]
pub(crate) struct Selection<'a> {
    /// Who is asked, in order; at most [`MAX_CANDIDATES`].
    pub(crate) planned: Vec<Ranked<'a>>,
    /// Who is not.
    pub(crate) excluded: Vec<Excluded<'a>>,
}

impl Selection<'_> {
    /// As the attempt chain reads it.
    pub(crate) fn plan(&self) -> String {
        let planned = self.planned.iter();
        Plan::text(planned.map(|ranked| (ranked.model, ranked.endpoint.tag.as_str(), ranked.own)))
    }

    /// Milliseconds until the first of them may be asked, where none may now.
    pub(crate) fn all_cool_for(&self, now: u64) -> Option<u64> {
        let until = self
            .planned
            .iter()
            .map(|ranked| ranked.vitals.cooling_until(now));
        let until: Option<Vec<u64>> = until.collect();
        Some(until?.into_iter().min()?.saturating_sub(now))
    }
}

/// The models that a request asks for, in order. In the place of `meshrouter/auto` those of its pool
/// that can serve, the best first; what they scored is returned beside them.
pub(crate) fn resolve<'a>(
    catalog: &'a Catalog,
    choices: &'a [Choice],
    demand: &Demand<'_>,
) -> (Vec<(&'a str, Variants)>, Vec<Scored<'a>>) {
    let (mut ids, mut scores) = (Vec::new(), Vec::new());
    for choice in choices {
        let Some(auto) = catalog.auto(&choice.id) else {
            ids.push((choice.id.as_str(), choice.variants));
            continue;
        };
        let cost = |id: &str| cheapest(catalog.model(id)?, choice.variants, demand);
        let mut scored = auto::score(auto, &demand.facts.tasks, cost);
        let pool = auto.models.iter().map(|model| model.id.as_str());
        if scored.is_empty() {
            // Nobody can serve: their constraints tell why.
            ids.extend(pool.map(|id| (id, choice.variants)));
        }
        ids.extend(scored.iter().map(|scored| (scored.id, choice.variants)));
        scores.append(&mut scored);
    }
    (ids, scores)
}

/// What a request costs at a model's cheapest endpoint that may serve, in pico-dollars.
fn cheapest(model: &Model, variants: Variants, demand: &Demand<'_>) -> Option<u64> {
    // Nothing of the moment is known here.
    let prompt = demand.prompt_tokens(model, None);
    let able = model
        .endpoints
        .iter()
        .filter(|endpoint| demand.unmet(model, endpoint, variants, prompt).is_none());
    able.map(|endpoint| rank::cost(&endpoint.pricing, demand.facts, prompt))
        .min()
}

/// Selects the candidates of a request.
pub(crate) fn select<'a>(
    demand: &Demand<'_>,
    wanted: &'a [Wanted<'a>],
    moment: Moment<'_>,
) -> Selection<'a> {
    let mut selection = Selection::default();
    let mut groups: Vec<Group<'a>> = Vec::with_capacity(wanted.len());
    for model in wanted {
        let strategy = Strategy::of(&demand.preferences, model.variants);
        let mut group = Group::new(strategy, model.model.endpoints.len());
        for endpoint in &model.model.endpoints {
            match demand.unmet(model.model, endpoint, model.variants, model.prompt) {
                None => group.add(demand, model, endpoint, moment),
                Some(constraint) => selection.excluded.push(Excluded {
                    model: model.id,
                    endpoint,
                    constraint,
                    prompt: model.prompt,
                }),
            }
        }
        groups.push(group);
    }
    if groups.iter().all(Group::is_empty) {
        groups = vec![largest_context(demand, wanted, &mut selection, moment)];
    }
    if rank::is_one_list(&demand.preferences) {
        groups = groups.into_iter().reduce(Group::and).into_iter().collect();
    }
    for group in groups {
        let mut group = group.ordered(moment);
        restrict(demand, &mut group, &mut selection);
        match selection.planned.is_empty() {
            true => selection.planned = group,
            false => selection.planned.append(&mut group),
        }
    }
    let mut each = wanted.iter().enumerate();
    let is_twice = each.any(|(n, model)| wanted.iter().take(n).any(|other| other.id == model.id));
    if is_twice {
        once(&mut selection.planned);
    }
    // What must not be asked now is asked when nobody else is left, whatever its model.
    selection
        .planned
        .sort_by_key(|ranked| ranked.tier == Tier::Cooling);
    let beyond = selection.planned.len().min(MAX_CANDIDATES);
    let beyond = selection.planned.split_off(beyond);
    exclude(&mut selection, &beyond, Constraint::Plan);
    if is_twice || !demand.policy.credentials.is_empty() {
        tidy(&mut selection);
    }
    selection
}

/// The endpoints of one model that may serve, or those of all models where they are one list.
struct Group<'a> {
    strategy: Strategy,
    /// On accounts of the caller's own.
    own: Vec<Ranked<'a>>,
    /// On the gateway's.
    shared: Vec<Ranked<'a>>,
}

impl<'a> Group<'a> {
    fn new(strategy: Strategy, room: usize) -> Self {
        Self {
            strategy,
            own: Vec::new(),
            shared: Vec::with_capacity(room),
        }
    }

    fn is_empty(&self) -> bool {
        self.own.is_empty() && self.shared.is_empty()
    }

    /// Adds an endpoint that may serve, on whichever accounts it may.
    fn add(
        &mut self,
        demand: &Demand<'_>,
        wanted: &'a Wanted<'a>,
        endpoint: &'a Endpoint,
        moment: Moment<'_>,
    ) {
        let (strategy, rules) = (self.strategy, &demand.policy.credentials);
        let shared = ranked(demand, wanted, endpoint, strategy, moment);
        let (own, may_share) = own::expand(rules, wanted, &shared, |own| {
            let vitals = wanted.own_board.vitals(own.hash());
            let own = own.on(vitals, demand, strategy, moment.now);
            served_last(own, moment)
        });
        self.own.extend(own);
        self.shared.extend(may_share.then_some(shared));
    }

    /// Both as one list, by the first one's strategy.
    fn and(mut self, mut other: Self) -> Self {
        self.own.append(&mut other.own);
        self.shared.append(&mut other.shared);
        self
    }

    fn ordered(mut self, moment: Moment<'_>) -> Vec<Ranked<'a>> {
        rank::order(&mut self.shared, self.strategy, moment.seed, moment.now);
        if self.own.is_empty() {
            return self.shared;
        }
        let mut all = own::order(self.own, self.strategy, moment);
        all.append(&mut self.shared);
        all
    }
}

fn ranked<'a>(
    demand: &Demand<'_>,
    wanted: &'a Wanted<'a>,
    endpoint: &'a Endpoint,
    strategy: Strategy,
    moment: Moment<'_>,
) -> Ranked<'a> {
    let vitals = wanted.board.vitals(endpoint.hash);
    let ranked = Ranked::new(demand, wanted, endpoint, vitals, strategy, moment.now);
    served_last(ranked, moment)
}

/// The same, with whether it served the conversation's last turn.
fn served_last<'a>(mut ranked: Ranked<'a>, moment: Moment<'_>) -> Ranked<'a> {
    ranked.affine = moment.affinity.is_some_and(|last| {
        last.model == ranked.model && last.endpoint == ranked.endpoint.tag && last.own == ranked.own
    });
    ranked
}

/// Where all contexts are too small even for what would be left of a compressed prompt: of those
/// that compress, the one with the highest context (Message Transforms page).
fn largest_context<'a>(
    demand: &Demand<'_>,
    wanted: &'a [Wanted<'a>],
    selection: &mut Selection<'a>,
    moment: Moment<'_>,
) -> Group<'a> {
    let none = Group::new(Strategy::of(&demand.preferences, Variants::default()), 0);
    let excluded = selection.excluded.iter().enumerate();
    let too_small = excluded.filter(|(_, excluded)| {
        excluded.constraint == Constraint::Context && demand.can_compress(excluded.endpoint)
    });
    // The first of equals, as elsewhere.
    let largest = too_small
        .rev()
        .max_by_key(|(_, excluded)| excluded.endpoint.context_length);
    let Some((n, excluded)) = largest else {
        return none;
    };
    let Some(model) = wanted.iter().find(|model| model.id == excluded.model) else {
        return none;
    };
    let strategy = Strategy::of(&demand.preferences, model.variants);
    let mut rescued = Group::new(strategy, 1);
    rescued.add(demand, model, excluded.endpoint, moment);
    selection.excluded.remove(n);
    rescued
}

/// `provider.allow_fallbacks: false`: only those of `provider.order`, or else only the first, on only
/// one account.
fn restrict<'a>(demand: &Demand<'_>, group: &mut Vec<Ranked<'a>>, selection: &mut Selection<'a>) {
    if demand.preferences.allow_fallbacks != Some(false) {
        return;
    }
    let order = demand.preferences.order.as_ref();
    if order.is_some_and(|order| !order.is_empty()) {
        let (kept, left) = group.drain(..).partition(|ranked| ranked.place.is_some());
        *group = kept;
        exclude(selection, &left, Constraint::Order);
    } else {
        let left = group.split_off(group.len().min(1));
        exclude(selection, &left, Constraint::Fallbacks);
    }
}

/// Leaves each endpoint once on each account, where it comes first: a model may be asked for as
/// `m:exacto` and as `m`, or by its name and by the auto router.
fn once(planned: &mut Vec<Ranked<'_>>) {
    let mut seen = BTreeSet::new();
    planned.retain(|ranked| seen.insert((std::ptr::from_ref(ranked.endpoint), ranked.own)));
}

/// Leaves each reason against an endpoint once, and none against one that is in the plan on any
/// account.
fn tidy(selection: &mut Selection<'_>) {
    let planned = selection.planned.iter();
    let planned: BTreeSet<_> = planned
        .map(|ranked| std::ptr::from_ref(ranked.endpoint))
        .collect();
    let mut excluded = BTreeSet::new();
    selection.excluded.retain(|left| {
        let endpoint = std::ptr::from_ref(left.endpoint);
        !planned.contains(&endpoint) && excluded.insert((endpoint, left.constraint))
    });
}

fn exclude<'a>(selection: &mut Selection<'a>, left: &[Ranked<'a>], constraint: Constraint) {
    let excluded = left.iter().map(|ranked| Excluded {
        model: ranked.model,
        endpoint: ranked.endpoint,
        constraint,
        prompt: ranked.prompt,
    });
    selection.excluded.extend(excluded);
}

#[cfg(test)]
mod tests;
