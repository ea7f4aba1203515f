//! Token estimates without a tokenizer's vocabulary.
//!
//! One pass over the text counts [features](Feature) of its pieces; the weights that a tokenizer
//! [family](Family) gives them make the estimate. They are fitted to the families' real tokenizers
//! (`scripts/tokens/weights.py`), and [`Correction`]s learned from what providers report refine them. Of long
//! prompts a [`Sample`] is enough, where they are not close to a limit.

#![forbid(unsafe_code)]

mod block;
mod character;
mod count;
mod family;
mod feature;
mod han;
mod image;
mod letter;
mod piece;
mod pieces;
mod sample;
mod scale;
mod simple;
mod weights;
pub mod window;
mod word;

pub use count::{Count, Estimate, Scales};
pub use family::{FAMILIES, Family, TOKEN, Tokenizer};
pub use feature::{FEATURES, Feature, Tally};
pub use image::{Image, RULES, Rule};
pub use sample::Sample;
pub use scale::{Correction, Scale};

/// Tokens that a message costs beside its text: role and separators, as OpenAI counts them.
pub const MESSAGE_TOKENS: u64 = 4;
