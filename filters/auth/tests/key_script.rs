//! `scripts/key` makes keys that the gateway knows by the entry that it prints.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::path::Path;
use std::process::{Command, Output};

use sha2::{Digest, Sha256};

fn script(arguments: &[&str]) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/key");
    Command::new(script).args(arguments).output().unwrap()
}

/// The key, and the entry.
fn made(arguments: &[&str]) -> (String, String) {
    let output = script(arguments);
    assert!(output.status.success(), "{output:?}");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        text(output.stdout).trim_end().to_owned(),
        text(output.stderr),
    )
}

#[test]
fn a_key_and_its_entry() {
    let (key, entry) = made(&["Customer \"1\""]);
    let digits = key.strip_prefix("sk-or-v1-").unwrap();
    assert!(
        digits.len() == 64
            && digits
                .bytes()
                .all(|byte| b"0123456789abcdef".contains(&byte))
    );
    let hash: String = Sha256::digest(&key)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let (first, last) = (digits.get(..3).unwrap(), digits.get(61..).unwrap());
    let lines = format!(
        "- name: \"Customer \\\"1\\\"\"\n  label: sk-or-v1-{first}...{last}\n  hash: {hash}\n"
    );
    assert!(entry.contains(&lines), "{entry}");
    assert!(!entry.contains(&key));
    assert_ne!(made(&[]).0, key);
}

#[test]
fn names_that_no_document_takes_are_refused() {
    for arguments in [&["#x"][..], &[""], &["a\nb"], &["a", "b"], &["--help"]] {
        let output = script(arguments);
        assert!(
            !output.status.success() && output.stdout.is_empty(),
            "{arguments:?}"
        );
    }
}
