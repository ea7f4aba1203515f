//! The checks. Each file is a concern; a check adds what it finds.

mod buffers;
mod clusters;
mod code;
mod document;
mod filters;
mod native;
mod off;
mod routes;
pub(crate) mod version;

use serde_json::Value;

use crate::finding::Findings;
use crate::gateway::Gateway;

/// What a file is, as far as its Envoy matters.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Attempts pass a second listener.
    #[default]
    Portable,
    /// Attempts are the edge router's own.
    Native,
}

/// Checks a file, an Envoy configuration or a gateway document alone, and says which shape it has.
pub(crate) fn file(file: &Value, findings: &mut Findings) -> Shape {
    let Some(gateway) = Gateway::find(file) else {
        let document = document::check(file, findings);
        return shape(document.is_some_and(|document| document.native));
    };
    let Some(found) = filters::document(&gateway, findings) else {
        return Shape::default();
    };
    filters::check(&gateway, findings);
    code::check(&gateway, findings);
    let Some(document) = document::check(&found, findings) else {
        let what = "chains, clusters, buffers and routes were not checked: that takes a document that can be read";
        findings.warning(
            gateway.resources.path,
            what,
            "correct the document, and run this again",
        );
        return shape(found.get("native") == Some(&Value::Bool(true)));
    };
    filters::check_chains(&gateway, &document, findings);
    clusters::check(&gateway, &document, findings);
    buffers::check(&gateway, &document, findings);
    routes::check(&gateway, &document, findings);
    if document.native {
        native::check(&gateway, &document, findings);
    }
    shape(document.native)
}

fn shape(is_native: bool) -> Shape {
    if is_native {
        Shape::Native
    } else {
        Shape::Portable
    }
}
