//! Who pays for a request, and what it may use up: what `auth` tells `usage`.

use serde::{Deserialize, Serialize};

use crate::carried;
use crate::document::Allowance;

/// Who pays for a request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// What its balance is kept under: the name of a key of the document, which stays when the key itself is
    /// replaced; else the hash of the key, behind a `#`.
    pub id: String,
    /// How the key is shown: `sk-or-v1-abc...123`, or its name where the document does not say.
    pub label: String,
    /// What it may use up.
    #[serde(with = "carried::document")]
    pub allowance: Allowance,
}
