//! One VM: an instance of a module, its root context, and calls into it with fuel counted.

use wasmtime::{CallHook, Instance, Linker, Store, Val};

use super::error::{Error, Trap};
use super::fuel::FuelBook;
use super::host::{Host, ROOT, Scene};
use super::module;
use super::plugin::Plugin;
use super::world::World;

/// What one callback may burn before it counts as an endless loop: seconds of work, where a request takes
/// milliseconds.
const FUEL_PER_CALL: u64 = 5_000_000_000;

pub(super) struct Vm {
    store: Store<Host>,
    instance: Instance,
    fuel: FuelBook,
    last_context: u32,
    /// Set by the first trap; Envoy never calls such a VM again.
    failed: Option<Trap>,
}

impl Vm {
    /// Instantiates the plugin's module and takes it through start and configuration.
    pub(super) fn start(plugin: &Plugin, world: &World, fuel: &FuelBook) -> Result<Self, Error> {
        let fail = |e: wasmtime::Error| Error::Module {
            path: plugin.module.clone(),
            message: format!("{e:#}"),
        };
        let module = module::load(&plugin.module)?;
        let mut store = Store::new(module::engine(), Host::new(plugin.clone(), world.clone()));
        store.set_fuel(FUEL_PER_CALL).map_err(fail)?;
        store.call_hook(|mut cx, hook| {
            cx.data_mut().host_calls += u64::from(matches!(hook, CallHook::CallingHost));
            Ok(())
        });
        let mut linker = Linker::new(module::engine());
        super::abi::link(&mut linker, &module).map_err(fail)?;
        let instance = linker.instantiate(&mut store, &module).map_err(fail)?;
        let mut vm = Self {
            store,
            instance,
            fuel: fuel.clone(),
            last_context: ROOT,
            failed: None,
        };
        vm.boot()?;
        Ok(vm)
    }

    fn boot(&mut self) -> Result<(), Error> {
        let from = self.store.data().world.lock().logs.len();
        for initialise in ["_initialize", "_start"] {
            if self.exports(initialise) {
                self.root_call(initialise, &[])?;
                break;
            }
        }
        self.store.data_mut().configuring = true;
        self.root_call("proxy_on_context_create", &[ROOT, 0])?;
        self.store.data_mut().configuring = false;
        self.accepts("proxy_on_vm_start", 0, from)?;
        self.store.data_mut().configuring = true;
        let size = u32::try_from(self.store.data().plugin.configuration.len()).unwrap_or(u32::MAX);
        let configured = self.accepts("proxy_on_configure", size, from);
        self.store.data_mut().configuring = false;
        configured
    }

    fn accepts(
        &mut self,
        callback: &'static str,
        size: u32,
        logs_from: usize,
    ) -> Result<(), Error> {
        if self
            .root_call(callback, &[ROOT, size])?
            .is_none_or(|answer| answer != 0)
        {
            return Ok(());
        }
        let host = self.store.data();
        let logs = host
            .world
            .lock()
            .logs
            .iter()
            .skip(logs_from)
            .map(|l| l.message.clone())
            .collect();
        Err(Error::Rejected {
            filter: host.plugin.name.clone(),
            callback: callback.to_owned(),
            logs,
        })
    }

    /// Calls a root callback.
    pub(super) fn root_call(
        &mut self,
        callback: &'static str,
        args: &[u32],
    ) -> Result<Option<u32>, Error> {
        let (result, _) = self.call(callback, args, Scene::default());
        result.map_err(Error::Trap)
    }

    /// Calls an export on `scene`; `None` if the module does not have it.
    pub(super) fn call(
        &mut self,
        callback: &'static str,
        args: &[u32],
        scene: Scene,
    ) -> (Result<Option<u32>, Trap>, Scene) {
        self.store.data_mut().scene = scene;
        self.store.data_mut().effective_context = 0;
        let result = self.invoke(callback, args);
        let scene = std::mem::take(&mut self.store.data_mut().scene);
        if let Err(trap) = &result {
            self.store.data().log(5, trap.to_string());
            self.failed = Some(trap.clone());
        }
        (result, scene)
    }

    fn invoke(&mut self, callback: &'static str, args: &[u32]) -> Result<Option<u32>, Trap> {
        let Some(function) = self.instance.get_func(&mut self.store, callback) else {
            return Ok(None);
        };
        let args: Vec<Val> = args.iter().map(|a| Val::I32(a.cast_signed())).collect();
        let mut results = vec![Val::I32(0); function.ty(&self.store).results().len()];
        self.store.set_fuel(FUEL_PER_CALL).expect("fuel is on");
        self.store.data_mut().host_calls = 0;
        let outcome = function.call(&mut self.store, &args, &mut results);
        let left = self.store.get_fuel().expect("fuel is on");
        let name = self.store.data().plugin.name.clone();
        let host_calls = self.store.data().host_calls;
        self.fuel
            .add(&name, callback, FUEL_PER_CALL - left, host_calls);
        outcome.map_err(|error| Trap {
            filter: name,
            callback: callback.to_owned(),
            message: format!("{error:?}"),
        })?;
        Ok(results.first().and_then(Val::i32).map(i32::cast_unsigned))
    }

    fn exports(&mut self, name: &str) -> bool {
        self.instance.get_func(&mut self.store, name).is_some()
    }

    /// A new context id. The plugin learns of it in `proxy_on_context_create`.
    pub(super) fn new_context(&mut self) -> u32 {
        self.last_context += 1;
        self.store.data_mut().contexts.insert(self.last_context);
        self.last_context
    }

    pub(super) fn drop_context(&mut self, id: u32) {
        self.store.data_mut().contexts.remove(&id);
    }

    pub(super) fn failed(&self) -> Option<&Trap> {
        self.failed.as_ref()
    }

    pub(super) fn tick_period_ms(&self) -> u32 {
        self.store.data().tick_period_ms
    }

    /// The linear memory's size in bytes.
    pub(super) fn memory_size(&mut self) -> usize {
        let memory = self.instance.get_memory(&mut self.store, "memory");
        memory.map_or(0, |m| m.data_size(&self.store))
    }
}
