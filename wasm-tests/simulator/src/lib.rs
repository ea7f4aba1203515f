//! A simulated model provider: an OpenAI-compatible server whose faults are scripted by each request.
//!
//! It serves `POST …/chat/completions` and `POST …/completions` (plain and `stream: true`),
//! `POST …/embeddings` and `GET …/models`; everything else is an OpenAI-style 404. Token counts are words, so that a test can
//! compute them.
//!
//! # Faults
//!
//! What goes wrong is said by the request itself, so tests that share a simulator do not disturb one
//! another. The body's field `simulate` maps a provider's name to an action, or to a list of actions for
//! the first, second, … time that this provider sees the request (the last one repeats). Only the
//! request can say that two attempts belong together, so a list needs `simulate.id`.
//!
//! ```json
//! {"model": "m", "messages": [],
//!  "simulate": {"id": "test-1", "alpha": [{"status": 503}, {}], "beta": {"reset": "before_headers"}}}
//! ```
//!
//! | field | value | effect |
//! |---|---|---|
//! | `status` | 200 to 599 | the status; from 400 on the body is an OpenAI-style error unless `body` or `events` is given |
//! | `headers` | object | headers added to, or replacing, the answer's; a character up to U+00FF is sent as that one byte, so `"\u00ff"` is not UTF-8 |
//! | `body` | string or JSON | the body, sent with a `content-length`, also to a request for a stream |
//! | `content_type` | string | replaces the content type |
//! | `empty` | `true` | no body at all, with the headers of the answer that was asked for |
//! | `delay_ms` | integer | wait before the headers |
//! | `reset` | `"before_headers"`, `"after_headers"` or `{"after_events": n}` | TCP reset at that point |
//! | `cut` | `{"after_events": n}` | close in order after `n` events, without the terminating chunk |
//! | `error_event` | `{"at": n, "error": {…}}` | event `n` (from 0) is `{"error": …}` and the last one, without `[DONE]`; without `stream` the body is that object |
//! | `events` | list of strings | these bytes, an item an event, as the stream, whether one was asked for or not |
//! | `comments` | integer | as many `: OPENROUTER PROCESSING` comments first; they do not count as events |
//! | `chunk_bytes` | integer | writes (and HTTP chunks) of that size, wherever that cuts an event or a character |
//! | `chunk_delay_ms` | integer | wait between events, or between writes when `chunk_bytes` is given |
//! | `hold_ms_after_headers` | integer | wait after the headers |
//! | `hold_ms_after_first` | integer | wait after the first event with content |
//! | `content` | string | what the model answers |
//! | `message` | object | merged into the message; when streaming, a delta after the role |
//! | `finish_reason` | string or null | instead of `stop` |
//! | `usage` | `false` or object | left out, or exactly this |
//!
//! An answer that is not a stream has two events for `after_events`: 0 is after the headers and anything
//! more is after half the body. An unknown field, or a value of the wrong type, is a 400 that names it,
//! whichever provider it was meant for: a slip in a test must not pass as a success.

mod action;
mod answer;
mod connection;
pub mod http1;
mod openai;
mod record;
mod script;
mod server;
mod write;

pub use record::RecordedRequest;
pub use server::{Builder, Simulator};
