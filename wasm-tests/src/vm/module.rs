//! Compilation: one engine and one compiled form of each module per process.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use wasmtime::{Config, Engine, Module, OptLevel};

use super::error::Error;

/// The engine of the process.
pub(super) fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let mut config = Config::new();
        // Tests compile far more than they run; benchmarks ask for the opposite.
        let level = match std::env::var_os("MESHROUTER_WASM_SPEED") {
            Some(_) => OptLevel::Speed,
            None => OptLevel::None,
        };
        config.cranelift_opt_level(level).consume_fuel(true);
        Engine::new(&config).expect("the configuration is constant")
    })
}

/// Where a built module is: in `$MESHROUTER_WASM_DIR`, else in the workspace's `target/wasm`.
///
/// # Panics
/// If it has not been built: a test that cannot run has not passed.
#[track_caller]
pub fn built(name: &str) -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/wasm");
    let folder = std::env::var_os("MESHROUTER_WASM_DIR").map_or(workspace, PathBuf::from);
    let module = folder.join(format!("{name}.wasm"));
    assert!(
        module.is_file(),
        "{} is not built: run scripts/build --probe",
        module.display()
    );
    module
}

/// The compiled module at `path`. The file is read once per process.
pub(super) fn load(path: &Path) -> Result<Module, Error> {
    static MODULES: OnceLock<Mutex<HashMap<PathBuf, Module>>> = OnceLock::new();
    let fail = |message: String| Error::Module {
        path: path.to_owned(),
        message,
    };
    let mut modules = MODULES
        .get_or_init(Mutex::default)
        .lock()
        .expect("no panic while held");
    if let Some(module) = modules.get(path) {
        return Ok(module.clone());
    }
    let bytes = std::fs::read(path).map_err(|e| fail(e.to_string()))?;
    let module = Module::from_binary(engine(), &bytes).map_err(|e| fail(format!("{e:#}")))?;
    let abi = |e: wasmtime::ExportType<'_>| {
        matches!(
            e.name(),
            "proxy_abi_version_0_2_0" | "proxy_abi_version_0_2_1"
        )
    };
    if !module.exports().any(abi) {
        return Err(fail(
            "not a proxy-wasm module of ABI 0.2.0 or 0.2.1".to_owned(),
        ));
    }
    modules.insert(path.to_owned(), module.clone());
    Ok(module)
}
