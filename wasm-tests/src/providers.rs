//! The three simulated providers of the demo, on ports of their own.

use meshrouter_simulator::Simulator;

use crate::envoy;

/// Starts alpha, beta and gamma with the demo's keys, and two of accounts that callers may have there:
/// see [`own_key`].
///
/// # Panics
/// If no port can be had.
pub fn simulators() -> Simulators {
    let start = |name: &str| {
        let simulator = Simulator::builder(name).key(format!("sk-sim-{name}"));
        let simulator = [1, 2].into_iter().fold(simulator, |simulator, n| {
            simulator.also_key(own_key(name, n))
        });
        simulator.start().expect("a port on 127.0.0.1")
    };
    Simulators {
        alpha: start("alpha"),
        beta: start("beta"),
        gamma: start("gamma"),
    }
}

/// The key of a caller's first or second own account at a provider. Whoever logs it is found out.
pub fn own_key(provider: &str, n: usize) -> String {
    format!("sk-canary-own-{provider}-{n}")
}

/// The demo's providers; each stops when it is dropped.
#[derive(Debug)]
pub struct Simulators {
    /// Wants `sk-sim-alpha`.
    pub alpha: Simulator,
    /// Wants `sk-sim-beta`.
    pub beta: Simulator,
    /// Wants `sk-sim-gamma`.
    pub gamma: Simulator,
}

impl Simulators {
    /// An Envoy to be, whose clusters alpha, beta and gamma lead here.
    pub fn envoy(&self) -> envoy::Builder {
        let each = self.all().into_iter();
        each.fold(envoy::Envoy::builder(), |envoy, simulator| {
            envoy.provider_port(simulator.name(), simulator.port())
        })
    }

    /// All three, in the order of their names.
    pub fn all(&self) -> [&Simulator; 3] {
        [&self.alpha, &self.beta, &self.gamma]
    }
}
