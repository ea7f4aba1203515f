//! Decides what stays: arithmetic on the outline, no look at the text but where it is cut.

use std::ops::Range;

use meshrouter_core::limits::Limits;
use meshrouter_core::tokens::Tokenizer;

use super::outline::{Outline, Text};
use super::{Unfit, cut, limit};

/// What stays of a prompt, and what is cut out of it.
#[derive(Debug)]
pub(super) struct Plan {
    /// Of each unit, whether it stays.
    kept: Vec<bool>,
    /// What is cut out of messages that stay, in the order of the text.
    pub(super) cuts: Vec<Cut>,
}

/// Text for which the marker stands.
#[derive(Debug)]
pub(super) struct Cut {
    /// The message that it is cut out of.
    pub(super) message: usize,
    /// Where it stood in the body.
    pub(super) span: Range<usize>,
}

impl Plan {
    /// What to keep so that the prompt stays within the limits.
    ///
    /// # Errors
    /// The smallest form, where even that exceeds one.
    pub(super) fn of(outline: &Outline<'_>, limits: &Limits) -> Result<Self, Unfit> {
        // A start that cannot be shortened enough, such as a tool's large result, goes as a whole.
        Self::with(outline, limits, outline.first).or_else(|_| Self::with(outline, limits, None))
    }

    /// How many messages go.
    pub(super) fn removed(&self, outline: &Outline<'_>) -> usize {
        let messages = outline.messages.iter();
        messages.filter(|m| !self.keeps(m.unit)).count()
    }

    /// How many messages are shortened.
    pub(super) fn truncated(&self) -> usize {
        self.cuts.chunk_by(|a, b| a.message == b.message).count()
    }

    /// Whether a unit stays.
    pub(super) fn keeps(&self, unit: usize) -> bool {
        self.kept.get(unit).is_some_and(|kept| *kept)
    }

    /// A plan that keeps the unit `first`, what is pinned, and the last message.
    fn with(outline: &Outline<'_>, limits: &Limits, first: Option<usize>) -> Result<Self, Unfit> {
        let last = outline.messages.last().map(|message| message.unit);
        let units = outline.units.iter().enumerate();
        let kept: Vec<bool> = units
            .map(|(n, unit)| unit.pinned || Some(n) == first || Some(n) == last)
            .collect();
        let allowed = limit::allowed(outline, &kept, limits.messages)?;
        let mut plan = Self {
            kept,
            cuts: Vec::new(),
        };
        let kept = outline.units.iter().zip(&plan.kept);
        let least = kept
            .filter(|(_, kept)| **kept)
            .map(|(unit, _)| unit.weight)
            .fold(outline.beside, u64::saturating_add);
        match limits.weight.checked_sub(least) {
            Some(spare) => {
                let weight = |unit: Option<usize>| {
                    let unit = unit.and_then(|n| outline.units.get(n));
                    unit.map_or(0, |unit| unit.weight)
                };
                plan.fill(outline, &allowed, spare, [weight(first), weight(last)]);
            }
            None => plan.cuts = plan.shorten(outline, limits.weight, least)?,
        }
        Ok(plan)
    }

    /// Takes in more of the units that are allowed from both ends towards the middle, as long as they fit
    /// into `spare`.
    ///
    /// The next unit comes from the end of which less was kept, so that what is missing
    /// is the middle. An end at which a unit is too long has ended; the other goes on.
    fn fill(
        &mut self,
        outline: &Outline<'_>,
        allowed: &[bool],
        mut spare: u64,
        [front, back]: [u64; 2],
    ) {
        let units = outline.units.iter().zip(&mut self.kept).zip(allowed);
        let middle = units.filter(|((_, kept), allowed)| !**kept && **allowed);
        let mut middle = middle.map(|(unit, _)| unit);
        let (mut front, mut back) = (Some(front), Some(back));
        loop {
            // Of equal ends the later one: what was said last matters more.
            let from_front = match (front, back) {
                (Some(front), Some(back)) => front < back,
                (Some(_), None) => true,
                (None, Some(_)) => false,
                (None, None) => return,
            };
            let (next, side) = if from_front {
                (middle.next(), &mut front)
            } else {
                (middle.next_back(), &mut back)
            };
            let Some((unit, kept)) = next else {
                return;
            };
            match spare.checked_sub(unit.weight) {
                Some(rest) => {
                    spare = rest;
                    *kept = true;
                    *side = side.map(|weight| weight.saturating_add(unit.weight));
                }
                None => *side = None,
            }
        }
    }

    /// What to cut out of the units that stay, which weigh `least`: the longest texts are cut to
    /// one length, the greatest that fits.
    fn shorten(&self, outline: &Outline<'_>, budget: u64, least: u64) -> Result<Vec<Cut>, Unfit> {
        let marker = outline.marker();
        let texts: Vec<&Text<'_>> = outline
            .texts
            .iter()
            .filter(|text| {
                let message = outline.messages.get(text.message);
                text.weight > marker
                    && message.is_some_and(|message| self.keeps(message.unit))
                    && outline.may_cut(text)
            })
            .collect();
        let cut_to = |cap: u64| {
            let saved = texts.iter().map(|text| text.weight.saturating_sub(cap));
            least.saturating_sub(saved.sum())
        };
        let (mut fits, mut too_long) = (marker, least);
        let smallest = cut_to(fits);
        if smallest > budget {
            return Err(Unfit::TooLong { weight: smallest });
        }
        while too_long.saturating_sub(fits) > 1 {
            let cap = fits.midpoint(too_long);
            if cut_to(cap) <= budget {
                fits = cap;
            } else {
                too_long = cap;
            }
        }
        let cuts = texts.into_iter().filter(|text| text.weight > fits);
        let room = fits.saturating_sub(marker);
        let tokenizer = outline.tokenizer();
        Ok(cuts.map(|text| Cut::of(text, room, tokenizer)).collect())
    }
}

impl Cut {
    /// What to cut out of `text` so that what is left weighs no more than `room`.
    fn of(text: &Text<'_>, room: u64, tokenizer: &Tokenizer) -> Self {
        let middle = cut::middle(text.value.inner(), text.weight, room, tokenizer);
        // The text begins after its quote.
        let begin = text.value.start.saturating_add(1);
        Self {
            message: text.message,
            span: begin.saturating_add(middle.start)..begin.saturating_add(middle.end),
        }
    }
}
