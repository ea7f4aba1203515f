//! What of the facts it takes to meter and bill a request.

use super::{App, Choice};
use crate::route::Operation;
use crate::tokens::Estimate;

/// What it takes to meter and bill a request: the beginning of the [`Facts`](super::Facts), as they are carried. The rest is not
/// read.
#[derive(Debug, Clone, Default, PartialEq)]
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
