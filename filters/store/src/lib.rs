//! What must survive the gateway: balances, in etcd, by its JSON gateway over Envoy's own calls.
//!
//! Requests never wait for the store. What they change in shared data they put into a [queue](queue); one VM of a
//! gateway, which the others let lead, carries it to the store in the background, many changes in one write, and
//! brings back what other gateways wrote. While the store is down all of that stays where it is.
#![forbid(unsafe_code)]

mod etcd;
mod leader;
pub mod queue;
mod saved;
pub mod state;
mod worker;

pub use worker::Worker;
