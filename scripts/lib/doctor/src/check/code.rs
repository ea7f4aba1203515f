//! Modules that Envoy fetches: it tells VMs apart before it has their code.

use crate::finding::Findings;
use crate::gateway::Gateway;
use crate::node::Node;

/// Compares each plugin whose code is remote with those before it.
pub(crate) fn check(gateway: &Gateway, findings: &mut Findings) {
    let mut before: Vec<Node> = Vec::new();
    for filter in gateway.filters() {
        let vm = filter.plugin().get("vm_config");
        if !vm.at("code.remote").is_there() {
            continue;
        }
        if let Some(other) = before.iter().find(|other| is_confused(&vm, other)) {
            let what = format!(
                "is the same as at {}: Envoy takes the two for one VM, which runs one of their modules in both places",
                other.path
            );
            let mend = "make it a StringValue of the module's `sha256`";
            findings.error(vm.get("configuration").path, what, mend);
        }
        before.push(vm);
    }
}

/// Whether Envoy takes two modules for one.
fn is_confused(vm: &Node, other: &Node) -> bool {
    let is_same = |member| vm.at(member).value == other.at(member).value;
    is_same("vm_id") && is_same("configuration") && !is_same("code.remote.sha256")
}
