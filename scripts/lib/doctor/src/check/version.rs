//! The Envoy that is to run it.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::check::Shape;
use crate::finding::{Findings, Severity};

/// Major, minor, patch.
type Version = [u32; 3];

/// Fields that Envoy does not know from its oldest version on, and since when it does.
const FIELDS: [(&str, Version); 1] = [("header_value_prefix", [1, 37, 0])];

/// PyPI's build of this one has no V8.
const WITHOUT_V8: Version = [1, 38, 3];

impl Shape {
    /// The oldest Envoy that it runs on.
    fn oldest(self) -> Version {
        match self {
            Self::Portable => [1, 36, 0],
            Self::Native => [1, 40, 0],
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Native => "native",
        }
    }
}

/// Asks an Envoy for its version, and checks it: for the shape, and for the fields of the file.
pub(crate) fn ask(envoy: &str, shape: Shape, file: &Value, findings: &mut Findings) {
    let told = Command::new(envoy).arg("--version").output();
    let told = told.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    match told.ok().as_deref().and_then(read) {
        Some(version) => {
            check(envoy, version, shape, findings);
            check_fields(envoy, version, file, findings);
        }
        None => {
            let what = "does not tell its version, so that it was not checked";
            let mend = "set ENVOY_BIN to an Envoy, or unset it for the one of scripts/setup";
            findings.warning(envoy, what, mend);
        }
    }
}

/// `envoy  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL`, and `1.41.0-dev` where it is no release.
fn read(told: &str) -> Option<Version> {
    let is_version = |part: &&str| part.split('.').count() == 3;
    let part = told.trim().split('/').find(is_version)?;
    let release = part.split('-').next()?;
    let numbers: Option<Vec<u32>> = release.split('.').map(|n| n.parse().ok()).collect();
    numbers?.try_into().ok()
}

fn check(envoy: &str, version: Version, shape: Shape, findings: &mut Findings) {
    let text = |version: Version| version.map(|n| n.to_string()).join(".");
    let oldest = shape.oldest();
    if version < oldest {
        let (is, needed) = (text(version), text(oldest));
        let what = format!(
            "is Envoy {is}; the {} shape needs {needed} or later",
            shape.name()
        );
        let mend = match shape {
            Shape::Portable => "take a newer one",
            Shape::Native => {
                "take a newer one, or the portable shape: envoy/envoy.yaml or envoy/fused.yaml"
            }
        };
        findings.error(envoy, what, mend);
    }
    if version == WITHOUT_V8 {
        let is_pypi = Path::new(envoy).iter().any(|part| part == "site-packages");
        let severity = if is_pypi {
            Severity::Error
        } else {
            Severity::Warning
        };
        let what = "is Envoy 1.38.3, of which PyPI's build has no V8 and runs no filter";
        findings.add(
            severity,
            envoy,
            what,
            "take another patch of 1.38, or the 1.38.3 of Envoy's own releases",
        );
    }
}

fn check_fields(envoy: &str, version: Version, file: &Value, findings: &mut Findings) {
    let newer = FIELDS.iter().filter(|(_, since)| version < *since);
    for (field, since) in newer.filter(|(field, _)| has(file, field)) {
        let since = since.map(|n| n.to_string()).join(".");
        let what = format!(
            "does not know the field `{field}`, which Envoy has from {since} on, and refuses the file"
        );
        findings.error(envoy, what, "take a newer one, or leave the field out");
    }
}

/// Whether a member of this name stands anywhere.
fn has(value: &Value, name: &str) -> bool {
    match value {
        Value::Object(members) => {
            members.contains_key(name) || members.values().any(|member| has(member, name))
        }
        Value::Array(items) => items.iter().any(|item| has(item, name)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(envoy: &str, told: &str, shape: Shape) -> Vec<String> {
        let mut findings = Findings::default();
        check(envoy, read(told).unwrap(), shape, &mut findings);
        let told = |found: &crate::finding::Finding| format!("{} {}", found.severity, found.what);
        findings.iter().map(told).collect()
    }

    fn said(version: &str) -> String {
        format!("\n/bin/envoy  version: 5e4a65f/{version}/Clean/RELEASE/BoringSSL\n\n")
    }

    #[test]
    fn each_shape_has_its_oldest_envoy() {
        let portable = |version| found("/bin/envoy", &said(version), Shape::Portable);
        let native = |version| found("/bin/envoy", &said(version), Shape::Native);
        assert!(portable("1.36.0").is_empty() && native("1.40.0").is_empty());
        assert!(portable("2.0.0").is_empty() && native("1.41.0-dev").is_empty());
        assert_eq!(
            portable("1.35.9"),
            ["error is Envoy 1.35.9; the portable shape needs 1.36.0 or later"]
        );
        assert_eq!(
            native("1.39.3"),
            ["error is Envoy 1.39.3; the native shape needs 1.40.0 or later"]
        );
    }

    #[test]
    fn a_field_may_need_a_newer_one() {
        let file = serde_json::json!({"a": [{"header_value_prefix": "Bearer "}]});
        let count = |version, file: &Value| {
            let mut findings = Findings::default();
            check_fields("/bin/envoy", version, file, &mut findings);
            findings.iter().count()
        };
        assert_eq!([count([1, 36, 4], &file), count([1, 37, 0], &file)], [1, 0]);
        assert_eq!(count([1, 36, 4], &Value::Null), 0);
    }

    #[test]
    fn one_build_has_no_v8() {
        let pypi = "/venv/lib/python3.12/site-packages/envoy/_bin/envoy";
        let severity = |envoy| {
            let found = found(envoy, &said("1.38.3"), Shape::Portable);
            found
                .first()
                .and_then(|told| told.split(' ').next().map(str::to_owned))
        };
        assert_eq!(severity(pypi).as_deref(), Some("error"));
        assert_eq!(severity("/usr/bin/envoy").as_deref(), Some("warning"));
        assert!(found(pypi, &said("1.38.2"), Shape::Portable).is_empty());
    }

    #[test]
    fn an_envoy_that_tells_nothing_is_said_to() {
        for told in ["", "envoy", "a/1.x.0/b", "1.40"] {
            assert_eq!(read(told), None, "{told}");
        }
        let mut findings = Findings::default();
        ask(
            "/nowhere/envoy",
            Shape::Portable,
            &Value::Null,
            &mut findings,
        );
        assert_eq!(findings.to_string(), "0 errors, 1 warning");
    }
}
