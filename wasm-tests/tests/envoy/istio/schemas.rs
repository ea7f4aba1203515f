//! Istio's own schemas.
