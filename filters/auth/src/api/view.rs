//! A key as the key API shows it: OpenRouter's fields.

use meshrouter_core::account::Account;
use meshrouter_core::created_key::CreatedKey;
use meshrouter_core::document::{Allowance, LimitReset};
use meshrouter_core::keys::{self, KeyRing, Known};
use meshrouter_core::money::Usd;
use meshrouter_core::timestamp::Timestamp;
use meshrouter_host::{Clock, SharedData};
use meshrouter_ledger::{Balance, Period};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::caller;

/// A key of the list.
#[derive(Debug, Serialize)]
pub(super) struct View<'a> {
    hash: String,
    name: &'a str,
    label: &'a str,
    disabled: bool,
    #[serde(flatten)]
    usage: Usage,
    /// The epoch for keys of the document, which does not say.
    created_at: Timestamp,
    updated_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    /// The name of the provisioning key that made it.
    creator_user_id: Option<&'a str>,
    /// What the gateway has no word of, or only one.
    external_user: Option<()>,
    last_used_at: Option<()>,
    workspace_id: &'static str,
}

/// The one workspace that there is.
pub(super) const WORKSPACE: &str = "default";

impl<'a> View<'a> {
    /// A key of the document.
    pub(super) fn of_known(host: &(impl SharedData + Clock), known: &'a Known) -> Self {
        let caller = &known.caller;
        Self {
            hash: keys::hex(&known.hash),
            name: &caller.name,
            label: caller.label(),
            disabled: caller.disabled,
            usage: Usage::of(host, &known.account),
            created_at: Timestamp::default(),
            updated_at: None,
            expires_at: caller.expires_at,
            creator_user_id: None,
            external_user: None,
            last_used_at: None,
            workspace_id: WORKSPACE,
        }
    }

    /// A key that was made by another.
    pub(super) fn of_created(
        host: &(impl SharedData + Clock),
        keys: &KeyRing,
        created: &'a CreatedKey,
    ) -> Self {
        let maker = keys.named(&created.creator);
        let rates = maker.map_or_else(Allowance::default, |maker| maker.account.allowance.clone());
        Self {
            hash: created.hash.clone(),
            name: &created.name,
            label: &created.label,
            disabled: created.disabled,
            usage: Usage::of(host, &created.account(&rates)),
            created_at: created.created_at,
            updated_at: created.updated_at,
            expires_at: created.expires_at,
            creator_user_id: Some(&created.creator),
            external_user: None,
            last_used_at: None,
            workspace_id: WORKSPACE,
        }
    }
}

/// What an account may use up, and has.
#[derive(Debug, Serialize)]
pub(super) struct Usage {
    limit: Option<Amount>,
    /// What requests that go on may still cost is taken off.
    limit_remaining: Option<Amount>,
    limit_reset: Option<LimitReset>,
    include_byok_in_limit: bool,
    usage: Amount,
    usage_daily: Amount,
    usage_weekly: Amount,
    usage_monthly: Amount,
    byok_usage: Amount,
    byok_usage_daily: Amount,
    byok_usage_weekly: Amount,
    byok_usage_monthly: Amount,
}

impl Usage {
    fn of(host: &(impl SharedData + Clock), account: &Account) -> Self {
        Self::new(&account.allowance, &balance(host, account), now(host))
    }

    pub(super) fn new(allowance: &Allowance, balance: &Balance, now: u64) -> Self {
        let spent = |reset| balance.spent(reset, Period::of(now));
        let usage = |reset| Amount(Usd::from_nano(spent(reset).spent));
        let byok = |reset| Amount(Usd::from_nano(spent(reset).byok));
        Self {
            limit: allowance.limit.map(Amount),
            limit_remaining: balance.left(allowance, now).map(Amount),
            limit_reset: reset(allowance.limit_reset),
            include_byok_in_limit: allowance.include_byok_in_limit,
            usage: usage(LimitReset::Never),
            usage_daily: usage(LimitReset::Daily),
            usage_weekly: usage(LimitReset::Weekly),
            usage_monthly: usage(LimitReset::Monthly),
            byok_usage: byok(LimitReset::Never),
            byok_usage_daily: byok(LimitReset::Daily),
            byok_usage_weekly: byok(LimitReset::Weekly),
            byok_usage_monthly: byok(LimitReset::Monthly),
        }
    }
}

/// What an account has spent.
pub(super) fn balance(host: &impl SharedData, account: &Account) -> Balance {
    let balance = host.shared(&meshrouter_ledger::key(account.id())).0;
    Balance::decode(balance.as_deref())
}

/// The time in Unix seconds.
pub(super) fn now(host: &impl Clock) -> u64 {
    caller::now(host).seconds()
}

/// A reset as it is shown: nothing for never.
pub(super) fn reset(reset: LimitReset) -> Option<LimitReset> {
    Some(reset).filter(|reset| *reset != LimitReset::Never)
}

/// An amount as a JSON number with all its digits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Amount(pub(super) Usd);

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number = RawValue::from_string(self.0.to_string());
        let number = number.map_err(serde::ser::Error::custom)?;
        number.serialize(serializer)
    }
}
