//! Who is calling: by the key in the request.

use std::borrow::Cow;

use meshrouter_core::ApiError;
use meshrouter_core::account::Account;
use meshrouter_core::carried::Carried;
use meshrouter_core::created_key::CreatedKey;
use meshrouter_core::keys::{KeyRing, Known};
use meshrouter_core::names::property;
use meshrouter_core::timestamp::Timestamp;
use meshrouter_host::{Clock, Properties, SharedData};
use sha2::{Digest, Sha256};

use crate::created;

/// Somebody who may call.
#[derive(Debug)]
pub(crate) struct Caller<'a> {
    /// The document's key whose policy holds.
    entry: &'a Known,
    /// The caller's own key, if that is another: one that the document's has made.
    created: Option<CreatedKey>,
}

impl<'a> Caller<'a> {
    /// Whose key this is.
    ///
    /// Known or not, refused or not: a key costs the same lookups, so that time tells nothing.
    ///
    /// # Errors
    /// A 401 that says why it is refused.
    pub(crate) fn by_key(
        host: &(impl SharedData + Clock),
        keys: &'a KeyRing,
        key: &[u8],
    ) -> Result<Self, ApiError> {
        let hash = Sha256::digest(key).into();
        let known = keys.get(&hash);
        let created = created::find(host, &hash).filter(CreatedKey::exists);
        match (known, created) {
            (Some(entry), _) => Self::by_entry(host, entry, "This API key"),
            (None, Some(created)) => Self::by_created(host, keys, created),
            (None, None) => Err(refused("This API key is not known to the gateway.")),
        }
    }

    /// The owner of a key of the document; `what` names it in errors.
    ///
    /// # Errors
    /// A 401 where it is disabled or has expired.
    pub(crate) fn by_entry(
        host: &impl Clock,
        entry: &'a Known,
        what: &str,
    ) -> Result<Self, ApiError> {
        let caller = &entry.caller;
        check(host, what, caller.disabled, caller.expires_at)?;
        Ok(Self {
            entry,
            created: None,
        })
    }

    fn by_created(
        host: &impl Clock,
        keys: &'a KeyRing,
        created: CreatedKey,
    ) -> Result<Self, ApiError> {
        check(host, "This API key", created.disabled, created.expires_at)?;
        let Some(entry) = keys.named(&created.creator) else {
            let message = "The provisioning key that made this API key is not in the gateway document any more, \
                           so that nothing says what it may do.";
            return Err(refused(message));
        };
        Ok(Self {
            entry,
            created: Some(created),
        })
    }

    /// Whether the key manages others.
    pub(crate) fn is_provisioning(&self) -> bool {
        self.created.is_none() && self.entry.caller.provisioning
    }

    /// The name of the document's key whose policy holds.
    pub(crate) fn name(&self) -> &'a str {
        &self.entry.caller.name
    }

    /// When the key expires.
    pub(crate) fn expires_at(&self) -> Option<Timestamp> {
        match &self.created {
            Some(created) => created.expires_at,
            None => self.entry.caller.expires_at,
        }
    }

    /// The name of the provisioning key that made this one.
    pub(crate) fn creator(&self) -> Option<&str> {
        self.created.as_ref().map(|created| &*created.creator)
    }

    /// Who pays.
    pub(crate) fn account(&self) -> Cow<'a, Account> {
        let entry = &self.entry.account;
        match &self.created {
            Some(created) => Cow::Owned(created.account(&entry.allowance)),
            None => Cow::Borrowed(entry),
        }
    }

    /// Tells the filters behind this one.
    pub(crate) fn announce(&self, host: &mut impl Properties) {
        match &self.created {
            Some(_) => host.set_property(property::KEY, &self.account().encode()),
            None => host.set_property(property::KEY, &self.entry.encoded_account),
        }
    }
}

fn check(
    host: &impl Clock,
    what: &str,
    disabled: bool,
    expires_at: Option<Timestamp>,
) -> Result<(), ApiError> {
    if disabled {
        return Err(refused(format!("{what} is disabled.")));
    }
    match expires_at.filter(|expires_at| *expires_at <= now(host)) {
        Some(expired) => Err(refused(format!("{what} expired at {expired}."))),
        None => Ok(()),
    }
}

/// A 401.
pub(crate) fn refused(message: impl Into<String>) -> ApiError {
    ApiError::new(401, message)
}

/// The time, to the second.
pub(crate) fn now(host: &impl Clock) -> Timestamp {
    Timestamp::from_seconds(host.now() / 1_000_000_000)
}
