//! One worker's view of a filter chain: a VM for each plugin.

use std::sync::{Arc, Mutex};

use super::error::{Error, Trap};
use super::fuel::{FuelBook, FuelUse};
use super::machine::Vm;
use super::plugin::Plugin;
use super::stream::Stream;
use super::world::World;

/// A VM that the streams of a worker share.
pub(super) type SharedVm = Arc<Mutex<Vm>>;

/// The filters of one listener on one worker, in request order. Several chains made from one [`World`] are
/// several workers: they share its data and nothing else. A chain may move to another thread.
pub struct Chain {
    world: World,
    slots: Vec<(Plugin, SharedVm)>,
    fuel: FuelBook,
}

impl Chain {
    /// Instantiates and configures every plugin.
    pub fn new(world: &World, plugins: &[Plugin]) -> Result<Self, Error> {
        let fuel = FuelBook::default();
        let start = |plugin: &Plugin| {
            let vm = Vm::start(plugin, world, &fuel)?;
            Ok((plugin.clone(), Arc::new(Mutex::new(vm))))
        };
        let slots = plugins.iter().map(start).collect::<Result<_, Error>>()?;
        Ok(Self {
            world: world.clone(),
            slots,
            fuel,
        })
    }

    /// A new request. A VM that has trapped is replaced by a fresh one first, as `failure_policy: FAIL_RELOAD`
    /// does once its back-off has passed; streams that are under way keep the broken one.
    pub fn stream(&mut self) -> Stream {
        for (plugin, vm) in &mut self.slots {
            if lock(vm).failed().is_none() {
                continue;
            }
            if let Ok(fresh) = Vm::start(plugin, &self.world, &self.fuel) {
                *vm = Arc::new(Mutex::new(fresh));
            }
        }
        Stream::new(self.slots.iter().map(|(plugin, vm)| (plugin, vm.clone())))
    }

    /// Runs a plugin's `on_tick`.
    pub fn tick(&mut self, filter: &str) -> Result<(), Error> {
        self.root_call(filter, "proxy_on_tick")
    }

    /// The same of all plugins.
    pub fn tick_all(&mut self) -> Result<(), Error> {
        for (_, vm) in &self.slots {
            lock(vm).root_call("proxy_on_tick", &[super::host::ROOT])?;
        }
        Ok(())
    }

    /// Tells a plugin that it ends, as a host does when it stops or takes another configuration.
    pub fn end(&mut self, filter: &str) -> Result<(), Error> {
        self.root_call(filter, "proxy_on_done")?;
        self.root_call(filter, "proxy_on_delete")
    }

    fn root_call(&mut self, filter: &str, callback: &'static str) -> Result<(), Error> {
        for (_, vm) in self
            .slots
            .iter()
            .filter(|(plugin, _)| plugin.name == filter)
        {
            lock(vm).root_call(callback, &[super::host::ROOT])?;
        }
        Ok(())
    }

    /// The tick period that a plugin asked for, in milliseconds; 0 for none.
    pub fn tick_period_ms(&self, filter: &str) -> u32 {
        let vm = self.slots.iter().find(|(plugin, _)| plugin.name == filter);
        vm.map_or(0, |(_, vm)| lock(vm).tick_period_ms())
    }

    /// What each callback of each filter has cost since the start, or the last [`Self::reset_fuel`].
    pub fn fuel(&self) -> Vec<FuelUse> {
        self.fuel.rows()
    }

    /// Starts the cost figures again from zero.
    pub fn reset_fuel(&mut self) {
        self.fuel.clear();
    }

    /// The size of each filter's linear memory in bytes: it only ever grows, so this is its high-water mark.
    pub fn memory(&self) -> Vec<(String, usize)> {
        self.slots
            .iter()
            .map(|(plugin, vm)| (plugin.name.clone(), lock(vm).memory_size()))
            .collect()
    }

    /// The trap that broke each VM that is broken now.
    pub fn traps(&self) -> Vec<Trap> {
        self.slots
            .iter()
            .filter_map(|(_, vm)| lock(vm).failed().cloned())
            .collect()
    }

    /// The state that this chain shares with others.
    pub fn world(&self) -> &World {
        &self.world
    }
}

pub(super) fn lock(vm: &SharedVm) -> std::sync::MutexGuard<'_, Vm> {
    vm.lock().expect("no panic while held")
}
