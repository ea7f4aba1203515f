//! What an endpoint can take of a prompt.

use crate::catalog::Endpoint;
use crate::facts::Prompt;
use crate::tokens::Scale;

/// The share of a context that is kept for a completion whose length the caller did not bound.
const COMPLETION_SHARE: u64 = 4;

/// What is left for a prompt at an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// What it may weigh to the endpoint's tokenizer, in parts of a token.
    pub weight: u64,
    /// How many messages it may have, where that is bounded.
    pub messages: Option<u64>,
    /// The tokens kept for the completion.
    pub completion: u64,
}

impl Prompt {
    /// How the candidate's model counts.
    #[must_use]
    pub fn scale(&self, endpoint: &Endpoint) -> Scale {
        Scale::of(endpoint.family).corrected(self.correction)
    }

    /// What it is to be cut down to; `None` where it fits or must not be compressed. `endpoint` is the candidate's.
    #[must_use]
    pub fn exceeds(&self, endpoint: &Endpoint) -> Option<Limits> {
        let context = endpoint.context_length;
        if !self.transforms.compresses(context) {
            return None;
        }
        let share = context / COMPLETION_SHARE;
        let usual = endpoint
            .max_completion_tokens
            .map_or(share, |most| most.min(share));
        let completion = self.max_tokens.unwrap_or(usual);
        let room = context.saturating_sub(completion);
        let limits = Limits {
            weight: self.scale(endpoint).weight(room),
            messages: endpoint.max_messages,
            completion,
        };
        let fits = self.weight <= limits.weight
            && limits
                .messages
                .is_none_or(|most| self.message_count <= most);
        (!fits).then_some(limits)
    }
}
