//! `scripts/package`: the same bytes twice, a real registry takes them, and Envoy loads the modules from there.

// Clippy exempts test functions only, not the helpers beside them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod remote;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use meshrouter_wasm_tests::envoy::repository;
use meshrouter_wasm_tests::registry::Registry;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

const VERSION: &str = "1.2.3-test";
const NAME: &str = "meshrouter-1.2.3-test";
/// What the files in the tar are dated, in seconds since 1970.
const DATE: u64 = 1_700_000_000;
const MODULES: [&str; 9] = [
    "auth",
    "normalize",
    "select",
    "healing",
    "usage",
    "fallback",
    "middle-out",
    "edge",
    "attempt",
];
const WASM: &str = "application/vnd.module.wasm.content.layer.v1+wasm";
const RUNTIME: &str = "application/vnd.module.wasm.config.v1+json";

/// A user of a registry, as its htpasswd file and a Docker configuration know them: the password is `wonderland`.
const HTPASSWD: &str = "alice:$2b$04$NJLWTmf.mKe3gzb8Ao0Mf.yxMZKvDtuRog1sthf.kLbisN2iy8CSW";
const LOGIN: &str = "YWxpY2U6d29uZGVybGFuZA==";

fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn module(name: &str) -> Vec<u8> {
    fs::read(repository().join(format!("target/wasm/{name}.wasm"))).unwrap()
}

/// Runs the script, in a home of its own: nobody's login is there.
fn package(home: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(repository().join("scripts/package"));
    command
        .current_dir(home)
        .args(["--version", VERSION])
        .args(arguments)
        .env("HOME", home)
        .env_remove("XDG_RUNTIME_DIR")
        .env_remove("REGISTRY_AUTH_FILE")
        .env("SOURCE_DATE_EPOCH", DATE.to_string())
        // A proxy of the machine's is not to be asked for its own ports.
        .env("NO_PROXY", "*");
    command.output().unwrap()
}

/// What the script said, where it succeeds.
#[track_caller]
fn packed(home: &Path, arguments: &[&str]) -> String {
    let output = package(home, arguments);
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    assert!(output.status.success(), "{said}");
    said
}

/// A registry to which everything was pushed, as `acme`, and what the script said.
struct Pushed {
    registry: Registry,
    said: String,
}

/// The one that tests share; it lives as long as one of them uses it.
fn pushed() -> Arc<Pushed> {
    static CURRENT: Mutex<Weak<Pushed>> = Mutex::new(Weak::new());
    let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(pushed) = current.upgrade() {
        return pushed;
    }
    let registry = Registry::start();
    let folder = tempfile::tempdir().unwrap();
    let to = format!("127.0.0.1:{}/acme", registry.port());
    let said = packed(folder.path(), &["--out", "out", "--push", &to]);
    let pushed = Arc::new(Pushed { registry, said });
    *current = Arc::downgrade(&pushed);
    pushed
}

/// All files of a folder and what they hold.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.insert(path.display().to_string(), fs::read(&path).unwrap());
        }
    }
    all
}

/// Unpacks a tar that may be compressed into a folder.
fn unpack(tar: &Path) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("tar");
    command.arg("-C").arg(folder.path()).arg("-xf").arg(tar);
    assert!(command.status().unwrap().success());
    folder
}

#[test]
fn no_module_names_a_folder_of_this_machine() {
    let here = repository().display().to_string();
    for name in MODULES {
        let module = module(name);
        let text = String::from_utf8_lossy(&module);
        for folder in ["registry/src/", &here] {
            assert!(!text.contains(folder), "{name}: {folder}");
        }
    }
}

#[test]
fn it_makes_the_same_bytes_twice() {
    let folder = tempfile::tempdir().unwrap();
    let in_folder = |name: &str| {
        let said = packed(folder.path(), &["--out", name]);
        let files = files(&folder.path().join(name)).into_iter();
        let prefix = folder.path().join(name).display().to_string();
        let files = files.map(|(path, bytes)| (path.replacen(&prefix, "", 1), bytes));
        (said, files.collect::<BTreeMap<_, _>>())
    };
    let (said, one) = in_folder("one");
    let (_, two) = in_folder("two");
    assert_eq!(
        one.keys().collect::<Vec<_>>(),
        two.keys().collect::<Vec<_>>()
    );
    let differs = |(path, bytes): &(&String, &Vec<u8>)| two[*path] != **bytes;
    let different: Vec<_> = one.iter().filter(differs).map(|(path, _)| path).collect();
    assert!(different.is_empty(), "{different:?}");
    for name in MODULES {
        let digest = sha256(&module(name));
        assert!(
            said.contains(&format!("module    sha256:{digest}")),
            "{said}"
        );
    }
}

#[test]
fn the_tar_has_the_modules_and_the_configurations_that_name_them() {
    let folder = tempfile::tempdir().unwrap();
    packed(folder.path(), &["--out", "out"]);
    let tar = folder.path().join(format!("out/{NAME}.tar"));
    let sum = fs::read_to_string(tar.with_extension("tar.sha256")).unwrap();
    let wanted = format!("{}  {NAME}.tar\n", sha256(&fs::read(&tar).unwrap()));
    assert_eq!(sum, wanted);
    let unpacked = unpack(&tar);
    let root = unpacked.path().join(NAME);
    let date = root.join("LICENSE").metadata().unwrap().modified().unwrap();
    assert_eq!(date, SystemTime::UNIX_EPOCH + Duration::from_secs(DATE));
    for name in MODULES {
        let file = root.join(format!("target/wasm/{name}.wasm"));
        assert_eq!(fs::read(file).unwrap(), module(name), "{name}");
    }
    for file in ["LICENSE", "envoy/envoy.yaml", "envoy/native-fused.yaml"] {
        let here = fs::read(repository().join(file)).unwrap();
        assert_eq!(fs::read(root.join(file)).unwrap(), here, "{file}");
    }
    let sums = fs::read_to_string(root.join("SHA256SUMS")).unwrap();
    // All files but itself.
    assert_eq!(sums.lines().count(), files(&root).len() - 1, "{sums}");
    for line in sums.lines() {
        let (sum, file) = line.split_once("  ").unwrap();
        assert_eq!(sum, sha256(&fs::read(root.join(file)).unwrap()), "{file}");
    }
}

#[test]
fn a_registry_has_each_module_in_both_layouts() {
    let pushed = pushed();
    let Pushed { registry, said } = &*pushed;
    let manifest = |name: &str, tag: &str| {
        let response = registry.manifest(&format!("acme/{name}"), tag);
        assert_eq!(response.status, 200, "{}", response.text());
        // The digest that the script said, on the way kept byte for byte.
        let pinned = format!("acme/{name}:{tag}@sha256:{}", sha256(&response.body));
        assert!(said.contains(&pinned), "{pinned}: {said}");
        response.json()
    };
    for name in MODULES {
        let wasm = module(name);
        let blob = |descriptor: &Value| {
            let bytes = registry.blob(&format!("acme/{name}"), descriptor);
            assert_eq!(descriptor["digest"], format!("sha256:{}", sha256(&bytes)));
            assert_eq!(descriptor["size"], bytes.len());
            bytes
        };
        let image = manifest(name, VERSION);
        assert_eq!(image["layers"].as_array().unwrap().len(), 1);
        let layer = &image["layers"][0];
        assert_eq!(
            layer["mediaType"],
            "application/vnd.oci.image.layer.v1.tar+gzip"
        );
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("layer");
        fs::write(&file, blob(layer)).unwrap();
        let unpacked = unpack(&file);
        assert_eq!(files(unpacked.path()).len(), 1);
        let plugin = fs::read(unpacked.path().join("plugin.wasm")).unwrap();
        assert_eq!(plugin, wasm, "{name}");

        let artifact = manifest(name, &format!("{VERSION}-artifact"));
        let layers = artifact["layers"].as_array().unwrap();
        let kinds: Vec<_> = layers.iter().map(|layer| &layer["mediaType"]).collect();
        assert_eq!(kinds, [WASM, RUNTIME]);
        assert_eq!(artifact["config"]["mediaType"], RUNTIME);
        assert_eq!(blob(&layers[0]), wasm, "{name}");
        let runtime: Value = serde_json::from_slice(&blob(&artifact["config"])).unwrap();
        assert_eq!(runtime["type"], "envoy_proxy");
        assert_eq!(runtime["config"]["rootIds"], json!([name]));
    }
}

#[test]
fn a_registry_that_wants_a_login_gets_the_docker_configurations() {
    let registry = Registry::for_user(HTPASSWD);
    let host = format!("127.0.0.1:{}", registry.port());
    let home = tempfile::tempdir().unwrap();
    let push = ["--out", "out", "--push", &format!("{host}/acme")];
    let without = package(home.path(), &push);
    assert!(!without.status.success());
    let said = String::from_utf8(without.stderr).unwrap();
    assert!(said.contains("authentication required"), "{said}");

    fs::create_dir(home.path().join(".docker")).unwrap();
    let login = json!({"auths": {host: {"auth": LOGIN}}});
    let file = home.path().join(".docker/config.json");
    fs::write(file, login.to_string()).unwrap();
    let said = packed(home.path(), &push);
    assert!(
        !said.contains("wonderland") && !said.contains(LOGIN),
        "{said}"
    );
}
