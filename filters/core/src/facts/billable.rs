//! What of the facts it takes to meter and bill a request.

use serde::{Deserialize, Serialize};

use super::{App, Choice};
use crate::route::Operation;
use crate::tokens::Estimate;

/// The first of the [`Facts`](super::Facts), in their order, as they are encoded: what it takes to meter and bill a request. The rest is
/// not read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each is the field of this name there")]
pub struct Billable {
    pub generation: String,
    pub started: u64,
    pub key: String,
    pub operation: Operation,
    pub models: Vec<Choice>,
    pub stream: bool,
    pub include_usage: bool,
    pub estimate: Estimate,
    pub max_tokens: Option<u64>,
    pub heals: bool,
    pub images: u64,
    pub choices: u64,
    pub searches: bool,
    pub app: App,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carried::Carried;
    use crate::facts::Facts;

    #[test]
    fn what_is_billable_is_the_beginning() {
        let facts = Facts {
            generation: "gen-1".to_owned(),
            started: 1,
            key: "k".to_owned(),
            operation: Operation::Embeddings,
            models: vec![Choice::default(); 2],
            stream: true,
            max_tokens: Some(2),
            images: 3,
            choices: 4,
            searches: true,
            app: App {
                url: None,
                title: Some("t".to_owned()),
            },
            message_count: 5,
            ..Facts::default()
        };
        let billable = Billable::decode(&facts.encode()).unwrap();
        let (first, all) = (billable.encode(), facts.encode());
        assert!(all.starts_with(&first) && all.len() > first.len());
        assert_eq!((billable.choices, billable.app), (4, facts.app));
    }
}
