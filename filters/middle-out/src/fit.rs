//! Middle-out: makes a prompt fit a context length by leaving out its middle (Message Transforms
//! page).
//!
//! Pure. One pass over the body measures it, arithmetic on the measures decides, one copy writes
//! the result: what is kept is never parsed again nor written anew.

mod cut;
mod limit;
mod outline;
mod plan;
#[cfg(test)]
mod tests;
mod write;

use meshrouter_core::limits::Limits;
use meshrouter_core::tokens::Tokenizer;
use outline::Outline;
use plan::Plan;

/// What it took to make a prompt fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fit {
    /// Nothing: the body can go as it is.
    Fits,
    /// Parts of the prompt were left out.
    Compressed {
        /// The body that fits.
        body: Vec<u8>,
        /// How many messages it lacks.
        removed: usize,
        /// How many of its messages were shortened.
        truncated: usize,
    },
    /// Even the smallest form allowed exceeds a limit.
    Unfit(Unfit),
}

/// The smallest form of a prompt: tools, system messages, the last user message, and the least of the last
/// message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// It weighs too much.
    TooLong {
        /// Its weight, in parts of a token.
        weight: u64,
    },
    /// It has too many messages.
    TooMany {
        /// How many.
        messages: u64,
    },
}

/// Makes the prompt of a chat completion request fit the limits, as a tokenizer counts it.
///
/// Where there are too many messages, half of them stay from the start and half from the end. Where that is
/// still too long, whole messages go first, from the middle outwards; then text from the middle of the longest
/// messages that are left. What is never touched:
///
/// - system and developer messages, and the last user message;
/// - one half of a tool call and its results: they stay or go together;
/// - arguments of tool calls, results that are JSON, and parts other than text.
///
/// The last message always stays, because it is what the model is to go on from; the first one
/// stays unless even the least of it is too much. Everything kept stays byte for byte.
///
/// A body that is no such request [`Fits`](Fit::Fits): its provider will say what is wrong.
#[must_use]
pub fn fit(body: &[u8], tokenizer: &Tokenizer, limits: &Limits) -> Fit {
    let Some(outline) = Outline::of(body, tokenizer) else {
        return Fit::Fits;
    };
    let messages = outline.messages.len() as u64;
    if outline.weight() <= limits.weight && limits.messages.is_none_or(|most| messages <= most) {
        return Fit::Fits;
    }
    match Plan::of(&outline, limits) {
        Err(unfit) => Fit::Unfit(unfit),
        Ok(plan) => match write::copy(body, &outline, &plan) {
            Some(body) => Fit::Compressed {
                body,
                removed: plan.removed(&outline),
                truncated: plan.truncated(),
            },
            // The spans are of this body, so this is never reached.
            None => Fit::Fits,
        },
    }
}
