//! The key API, as OpenRouter documents it: what a key is and has used, and, for provisioning keys, all others.

mod body;
mod generation;
mod history;
mod list;
mod own;
mod view;

use meshrouter_core::ApiError;
use meshrouter_core::created_key::{CreatedKey, MAX_KEYS};
use meshrouter_core::keys::{self, KeyHash, KeyRing};
use meshrouter_core::money::Usd;
use meshrouter_core::route::Keys;
use meshrouter_core::timestamp::Timestamp;
use meshrouter_host::{Host, Reply};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::caller::{self, Caller};
use crate::created;
use crate::filter::Request;
use body::{Changes, NewKey};
use view::View;

/// The largest body, in bytes: names are all that is long there.
pub(crate) const MAX_BODY: usize = 64 << 10;

/// What becomes of a request.
pub(crate) enum Step {
    /// It is answered.
    Reply(Reply),
    /// It is answered when its body is there.
    Read(Command),
}

/// What is to be done with a body.
#[derive(Debug)]
pub(crate) enum Command {
    /// A key is to be made by this provisioning key.
    Create(String),
    /// The key of this hash is to be changed.
    Change(KeyHash),
}

/// Answers a request, or says what its body is needed for.
pub(crate) fn begin(
    host: &mut impl Host,
    (keys, credits): (&KeyRing, Usd),
    caller: &Caller<'_>,
    route: &Keys,
    request: &Request<'_>,
) -> Result<Step, Reply> {
    let methods = route.methods();
    let method = methods
        .iter()
        .find(|known| known.as_bytes() == request.method);
    let Some(&method) = method else {
        return Err(Reply::wrong_method(methods));
    };
    match route {
        Keys::Own => return Ok(Step::Reply(own::reply(host, caller))),
        Keys::Generation => {
            let reply = history::generation(host, caller, request.path)?;
            return Ok(Step::Reply(reply));
        }
        _ => {}
    }
    if !caller.is_provisioning() {
        let message = "This API key cannot manage keys: use a provisioning key, an entry of `keys` in the gateway \
                       document with `provisioning: true`.";
        return Err(ApiError::new(403, message).into());
    }
    let hash = match (route, method) {
        (Keys::One(hash), _) => hash,
        (Keys::Credits, _) => return Ok(Step::Reply(history::credits(host, keys, credits))),
        (Keys::Activity, _) => return Ok(Step::Reply(history::activity(host, request.path)?)),
        (_, "POST") => return Ok(Step::Read(Command::Create(caller.name().to_owned()))),
        _ => return Ok(Step::Reply(list::reply(host, keys, request.path)?)),
    };
    let hash = keys::parse_hash(hash).ok_or_else(not_found)?;
    if method == "GET" {
        return Ok(Step::Reply(get(host, keys, &hash)?));
    }
    changeable(host, keys, &hash)?;
    match method {
        "PATCH" => Ok(Step::Read(Command::Change(hash))),
        _ => Ok(Step::Reply(delete(host, &hash)?)),
    }
}

/// Answers a request whose body is there.
pub(crate) fn finish(
    host: &mut impl Host,
    keys: &KeyRing,
    command: Command,
    body: &[u8],
) -> Result<Reply, ApiError> {
    match command {
        Command::Create(creator) => create(host, keys, &creator, &NewKey::read(body)?),
        Command::Change(hash) => change(host, keys, &hash, &Changes::read(body)?),
    }
}

fn create(
    host: &mut impl Host,
    keys: &KeyRing,
    creator: &str,
    asked: &NewKey,
) -> Result<Reply, ApiError> {
    let now = caller::now(host);
    check_expiry(asked.expires_at, now)?;
    let Some(random) = host.random() else {
        let message =
            "No key was made: the gateway's host gives no randomness. Run the filters in an Envoy.";
        return Err(ApiError::new(500, message));
    };
    let key = keys::from_random(&random);
    let hash = Sha256::digest(&key).into();
    let mut created = CreatedKey::new(
        &hash,
        keys::label(&random),
        asked.name.clone(),
        creator,
        now,
    );
    created.limit = asked.limit;
    created.limit_reset = asked.limit_reset.unwrap_or_default();
    created.include_byok_in_limit = asked.include_byok_in_limit.unwrap_or_default();
    created.expires_at = asked.expires_at;
    if !created::add(host, &hash, &created) {
        let message = format!(
            "There are {MAX_KEYS} created keys, the most that the gateway keeps: delete some that are not used."
        );
        return Err(ApiError::new(403, message));
    }
    #[derive(Serialize)]
    struct Created<'a> {
        data: View<'a>,
        /// Here and nowhere else.
        key: &'a str,
    }
    let answer = Created {
        data: View::of_created(host, keys, &created),
        key: &key,
    };
    let mut reply = json(&answer);
    reply.status = 201;
    Ok(reply)
}

fn get(host: &impl Host, keys: &KeyRing, hash: &KeyHash) -> Result<Reply, ApiError> {
    let created = created::find(host, hash).filter(CreatedKey::exists);
    match (keys.get(hash), &created) {
        (Some(known), _) => Ok(data(View::of_known(host, known))),
        (None, Some(created)) => Ok(data(View::of_created(host, keys, created))),
        (None, None) => Err(not_found()),
    }
}

/// Whether the key of a hash can be changed here.
fn changeable(host: &impl Host, keys: &KeyRing, hash: &KeyHash) -> Result<(), ApiError> {
    if let Some(known) = keys.get(hash) {
        let message = format!(
            "The key `{}` stands in the gateway document: change it there. Only keys that were made by \
             POST /api/v1/keys can be changed or deleted here.",
            known.caller.name
        );
        return Err(ApiError::new(403, message));
    }
    let created = created::find(host, hash).filter(CreatedKey::exists);
    created.map(|_| ()).ok_or_else(not_found)
}

fn change(
    host: &mut impl Host,
    keys: &KeyRing,
    hash: &KeyHash,
    changes: &Changes,
) -> Result<Reply, ApiError> {
    let now = caller::now(host);
    check_expiry(changes.expires_at.flatten(), now)?;
    let changed = created::change(host, hash, |key| {
        changes.apply(key);
        key.updated_at = Some(now);
    });
    let changed = changed.ok_or_else(not_found)?;
    Ok(data(View::of_created(host, keys, &changed)))
}

fn delete(host: &mut impl Host, hash: &KeyHash) -> Result<Reply, ApiError> {
    #[derive(Serialize)]
    struct Deleted {
        deleted: bool,
    }
    let now = caller::now(host);
    let deleted = created::change(host, hash, |key| {
        key.deleted = true;
        key.updated_at = Some(now);
    });
    deleted.ok_or_else(not_found)?;
    Ok(json(&Deleted { deleted: true }))
}

fn check_expiry(expires_at: Option<Timestamp>, now: Timestamp) -> Result<(), ApiError> {
    match expires_at {
        Some(at) if at <= now => {
            let message =
                format!("`expires_at` must be in the future, but it is {at}, and now is {now}.");
            Err(ApiError::bad_field("expires_at", message))
        }
        _ => Ok(()),
    }
}

fn not_found() -> ApiError {
    let message = "There is no key of this hash. GET /api/v1/keys lists those that there are.";
    ApiError::new(404, message)
}

/// A 400 for a request without a body.
pub(crate) fn no_body() -> ApiError {
    ApiError::new(400, "The request has no body: expected a JSON object.")
}

/// A 413.
pub(crate) fn too_large() -> ApiError {
    let message = format!("The request body is larger than {MAX_BODY} bytes.");
    ApiError::new(413, message)
}

fn data(data: impl Serialize) -> Reply {
    #[derive(Serialize)]
    struct Data<T> {
        data: T,
    }
    json(&Data { data })
}

/// Nobody on the way may keep what is said of keys.
fn json(answer: &impl Serialize) -> Reply {
    let body = serde_json::to_vec(answer).unwrap_or_default();
    Reply::json(body).with("cache-control", "no-store")
}
