//! What an endpoint can take of a prompt.

use serde::{Deserialize, Serialize};

use crate::catalog::Endpoint;
use crate::facts::Prompt;
use crate::tokens::Scale;

/// The share of a context that is kept for a completion whose length the caller did not bound.
const COMPLETION_SHARE: u64 = 4;

/// What is left for a prompt at an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Transforms;
    use crate::tokens::{Correction, TOKEN};
    use crate::{Candidate, Catalog, Document};

    /// The room of a prompt of 2,100 tokens at a model with this context, in tokens; `None` where it is left as it is.
    fn room(context: u64, transforms: Transforms, max_tokens: Option<u64>) -> Option<u64> {
        let document = format!(
            r#"{{"providers": {{"p": {{"cluster": "p"}}}}, "models": [{{"id": "a/b", "context_length": {context},
                "endpoints": [{{"provider": "p", "max_messages": 100, "pricing": {{"prompt": "0", "completion": "0"}}}}]}}]}}"#
        );
        let catalog = Catalog::compile(Document::from_json(document.as_bytes()).unwrap()).unwrap();
        let candidate = Candidate {
            own: None,
            model: "a/b".to_owned(),
            endpoint: "p".to_owned(),
        };
        let endpoint = catalog.endpoint(&candidate).unwrap();
        let prompt = Prompt {
            weight: 2_100 * TOKEN,
            correction: Correction::default(),
            message_count: 20,
            max_tokens,
            transforms,
        };
        let limits = prompt.exceeds(endpoint)?;
        assert_eq!(limits.messages, Some(100));
        let room = context - limits.completion;
        assert_eq!(limits.weight, prompt.scale(endpoint).weight(room));
        Some(room)
    }

    #[test]
    fn the_documented_defaults() {
        assert_eq!(room(10_000, Transforms::MiddleOut, None), None, "it fits");
        let bounded = room(10_000, Transforms::MiddleOut, Some(9_500));
        assert_eq!(bounded, Some(500));
        assert_eq!(room(10_000, Transforms::Default, Some(9_500)), None);
        assert_eq!(room(400, Transforms::Off, None), None);
        assert_eq!(room(400, Transforms::Default, None), Some(300));
    }
}
