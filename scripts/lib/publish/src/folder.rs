//! A folder of files that are replaced all in one step.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::Files;

/// The link to the folder with the present files: it has this name where Kubernetes mounts a ConfigMap, and is what Envoy
/// sees moved.
const PRESENT: &str = "..data";

/// Replaces the files of a folder, which is made if it is not there, in one step, and says which were changed, added or
/// taken away. Where none was, nothing happens.
///
/// As where Kubernetes mounts a ConfigMap, each file is a link to one in a folder behind another link, which alone is moved.
pub fn publish(files: &Files, to: &Path) -> io::Result<Vec<String>> {
    fs::create_dir_all(to)?;
    let changed = changed(files, to)?;
    if changed.is_empty() {
        return Ok(changed);
    }
    let before = fs::read_link(to.join(PRESENT)).ok();
    let number = before
        .as_ref()
        .and_then(|before| before.to_str()?.strip_prefix("..v")?.parse().ok());
    let version = format!("..v{}", number.unwrap_or(0_u64).wrapping_add(1));
    fs::create_dir_all(to.join(&version))?;
    for (name, content) in files {
        fs::write(to.join(&version).join(name), format!("{content:#}\n"))?;
    }
    // Before the step: Envoy may look for a new file at once.
    for name in files.keys() {
        let own = to.join(name);
        if fs::symlink_metadata(&own).is_err() {
            symlink(Path::new(PRESENT).join(name), own)?;
        }
    }
    let next = to.join("..next");
    link(&version, &next)?;
    fs::rename(&next, to.join(PRESENT))?;
    for gone in changed.iter().filter(|name| !files.contains_key(*name)) {
        fs::remove_file(to.join(gone))?;
    }
    if let Some(before) = before {
        fs::remove_dir_all(to.join(before))?;
    }
    Ok(changed)
}

fn link(target: &str, path: &Path) -> io::Result<()> {
    // One that was left behind by a run that was interrupted.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => symlink(target, path),
    }
}

fn changed(files: &Files, to: &Path) -> io::Result<Vec<String>> {
    let mut names: BTreeSet<String> = files.keys().cloned().collect();
    if let Ok(present) = fs::read_dir(to.join(PRESENT)) {
        for entry in present {
            names.insert(entry?.file_name().to_string_lossy().into_owned());
        }
    }
    let is_changed = |name: &String| {
        let is = fs::read_to_string(to.join(PRESENT).join(name)).ok();
        let shall_be = files.get(name).map(|content| format!("{content:#}\n"));
        is != shall_be
    };
    Ok(names.into_iter().filter(is_changed).collect())
}
