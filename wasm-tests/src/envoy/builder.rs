//! An Envoy to be.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::config::{self, Edit};
use super::dynamic::{self, Live};
use super::launcher::{Launcher, Order};
use super::{Envoy, repository};
use crate::shape;

/// Says which configuration an Envoy runs, and what is changed in it.
pub struct Builder {
    base: PathBuf,
    documents: Vec<Edit>,
    configs: Vec<Edit>,
    ports: BTreeMap<String, u16>,
    environment: Vec<(String, String)>,
    readable: Vec<PathBuf>,
    concurrency: u32,
    log_level: String,
    launcher: Option<Launcher>,
    timeout: Duration,
}

impl Builder {
    pub(super) fn new() -> Self {
        Self {
            base: shape::file(&shape::name()),
            documents: Vec::new(),
            configs: Vec::new(),
            ports: BTreeMap::new(),
            environment: Vec::new(),
            readable: Vec::new(),
            concurrency: 1,
            log_level: "info".to_owned(),
            launcher: None,
            timeout: Duration::from_secs(60),
        }
    }

    /// The configuration to start from, relative to the repository; the [shape]'s by default.
    #[must_use]
    pub fn base(mut self, path: impl AsRef<Path>) -> Self {
        self.base = repository().join(path);
        self
    }

    /// Edits the gateway document, which every plugin then gets.
    #[must_use]
    pub fn document(mut self, edit: impl FnOnce(&mut Value) + 'static) -> Self {
        self.documents.push(Box::new(edit));
        self
    }

    /// Edits the whole configuration, with ports, providers and document as they will be.
    #[must_use]
    pub fn config(mut self, edit: impl FnOnce(&mut Value) + 'static) -> Self {
        self.configs.push(Box::new(edit));
        self
    }

    /// Leads the cluster of this name to a port of 127.0.0.1, without TLS.
    #[must_use]
    pub fn provider_port(mut self, cluster: &str, port: u16) -> Self {
        self.ports.insert(cluster.to_owned(), port);
        self
    }

    /// Sets an environment variable for Envoy.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Names a directory whose files the configuration names.
    #[must_use]
    pub fn readable(mut self, directory: &Path) -> Self {
        self.readable.push(directory.to_owned());
        self
    }

    /// How many worker threads; 1 by default.
    #[must_use]
    pub fn concurrency(mut self, workers: u32) -> Self {
        self.concurrency = workers;
        self
    }

    /// Envoy's log level; `info` by default.
    #[must_use]
    pub fn log_level(mut self, level: &str) -> Self {
        level.clone_into(&mut self.log_level);
        self
    }

    /// Where it runs, whatever the environment says.
    #[must_use]
    pub fn launcher(mut self, launcher: Launcher) -> Self {
        self.launcher = Some(launcher);
        self
    }

    /// How long it may take to be ready; a minute by default.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Starts it and waits until it is ready.
    ///
    /// # Panics
    /// If it does not get ready, with the end of its log; [`Builder::try_start`] returns that instead.
    #[track_caller]
    pub fn start(self) -> Envoy {
        match self.try_start() {
            Ok(envoy) => envoy,
            Err(error) => panic!("{error}"),
        }
    }

    /// Starts it and waits until it is ready, or says why not, with the end of its log.
    pub fn try_start(mut self) -> Result<Envoy, String> {
        let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
        let mut config = config::read(&self.base)?;
        config::free_ports(&mut config);
        config::route_providers(&mut config, &self.ports)?;
        config::edit_document(&mut config, std::mem::take(&mut self.documents))?;
        for edit in std::mem::take(&mut self.configs) {
            edit(&mut config);
        }
        let modules = config::absolute_modules(&mut config, &repository());
        let home = directory.path().join("config");
        let order = self
            .order(&directory, &home, modules)
            .map_err(|error| format!("{}: {error}", directory.path().display()))?;
        let listeners = config::listeners(&config);
        let live = Live::write(config, home)?;
        let launcher = self.launcher.unwrap_or_else(Launcher::from_environment);
        let running = launcher.launch(&order)?;
        Envoy::when_ready(running, directory, live, &listeners, self.timeout)
    }

    /// Has Envoy check the file as it is shipped, without edits and without listening; says what is wrong with it.
    ///
    /// Of a bootstrap that takes its resources from other files Envoy would check nothing but itself: it gets them in one file.
    pub fn validate(self) -> Result<(), String> {
        let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
        let writable = directory.path().to_owned();
        let folded = config::read(&self.base)?;
        let file = if dynamic::is_dynamic(&folded) {
            let file = writable.join(dynamic::BOOTSTRAP);
            let text = dynamic::in_one_file(folded).to_string();
            fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))?;
            file
        } else {
            self.base.clone()
        };
        let mut arguments = vec!["--mode".to_owned(), "validate".to_owned()];
        arguments.extend(["--config-path".to_owned(), file.display().to_string()]);
        let home = self.base.parent().map(Path::to_owned);
        let order = Order {
            arguments,
            environment: self.environment.clone(),
            readable: home
                .into_iter()
                .chain([repository().join("target/wasm")])
                .collect(),
            writable,
        };
        let launcher = self.launcher.unwrap_or_else(Launcher::from_environment);
        let running = launcher.launch(&order)?;
        super::validated(running.as_ref(), self.timeout)
    }

    /// Makes the directories, and says how to run the configuration that is to be in `home`.
    fn order(
        &self,
        directory: &TempDir,
        home: &Path,
        modules: impl IntoIterator<Item = PathBuf>,
    ) -> std::io::Result<Order> {
        // An image's Envoy may run as a user of its own.
        fs::set_permissions(directory.path(), Permissions::from_mode(0o755))?;
        let writable = directory.path().join("run");
        fs::create_dir(home)?;
        fs::create_dir(&writable)?;
        fs::set_permissions(&writable, Permissions::from_mode(0o777))?;
        let file = home.join(dynamic::BOOTSTRAP);
        let mut arguments = vec!["--disable-hot-restart".to_owned()];
        let mut option = |name: &str, value: String| arguments.extend([name.to_owned(), value]);
        option("--config-path", file.display().to_string());
        option(
            "--admin-address-path",
            super::admin_file(directory.path()).display().to_string(),
        );
        option("--concurrency", self.concurrency.to_string());
        option("--log-level", self.log_level.clone());
        // Else every log begins with the two hundred lines of what this Envoy is made of.
        option("--component-log-level", "main:warning".to_owned());
        // Otherwise an access log may come ten seconds after its request.
        option("--file-flush-interval-msec", "20".to_owned());
        let modules = modules.into_iter().filter(|directory| directory.is_dir());
        Ok(Order {
            arguments,
            environment: self.environment.clone(),
            readable: std::iter::once(home.to_owned())
                .chain(modules)
                .chain(self.readable.iter().cloned())
                .collect(),
            writable,
        })
    }
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = formatter.debug_struct("Builder");
        shown
            .field("base", &self.base)
            .field("ports", &self.ports)
            .finish_non_exhaustive()
    }
}
