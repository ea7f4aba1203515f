//! The gateway as it is shipped, on a real Envoy, in front of simulated providers.
//!
//! `MESHROUTER_LAUNCHER=container` runs Envoy in containers. Most tests share one Envoy: what goes wrong is
//! scripted by each request, and every request has an API key of its own, by which its records are found.

// Clippy exempts test functions only, not the helpers beside them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod accounts;
mod ask;
mod catalog;
mod choosing;
mod failures;
mod gateway;
mod tls;
mod traced;
mod unchanged;
mod unreachable;

mod affinity;
mod answers;
mod attempts;
mod auth;
mod auto;
mod balancing;
mod bodies;
mod byok;
mod canonical;
mod configuration;
mod connecting;
mod cooling;
mod counters;
mod dashboard;
mod endings;
mod endpoints;
mod exhausted;
mod existing;
mod fallback;
mod headers;
mod healing;
mod health;
mod hedging;
mod history;
mod holds;
mod http2;
mod identities;
mod istio;
mod key_api;
mod keys;
mod leaving;
mod levels;
mod limits;
mod measured;
mod media;
mod middle_out;
mod models;
mod models_api;
mod money;
mod operations;
mod pricing;
mod python;
mod ranking;
mod real_providers;
mod reasons;
mod refusals;
mod reload;
mod requests;
mod selection;
mod smoke;
mod store;
mod storm;
mod streaming;
mod timeouts;
mod traces;
mod usage;
mod verdicts;
