//! A chat completion to ask for, told from those of all other tests by its API key and by its number.

use std::sync::atomic::{AtomicUsize, Ordering};

use meshrouter_wasm_tests::client::Request;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// How many keys a gateway knows, beside the demo's.
const KEYS: usize = 2_000;

/// The model that alpha, beta and gamma serve, in this order.
pub(crate) const MINI: &str = "openai/gpt-4o-mini";
/// The model that only beta serves.
pub(crate) const SONNET: &str = "anthropic/claude-sonnet-4";
/// The model that gamma serves, then alpha.
pub(crate) const LLAMA: &str = "meta-llama/llama-3.3-70b-instruct";

/// A key that is known and refused.
pub(crate) const DISABLED_KEY: &str = "sk-or-v1-canary-off";

/// One request, and as many attempts as its script makes of it.
#[derive(Clone)]
pub(crate) struct Ask {
    number: usize,
    key: Option<&'static str>,
    path: String,
    body: Map<String, Value>,
    script: Map<String, Value>,
    headers: Vec<(String, Vec<u8>)>,
}

impl Ask {
    /// A plain completion of a model.
    pub(crate) fn model(model: &str) -> Self {
        Self::with(json!({"model": model}))
    }

    /// A plain completion with these members beside `messages`.
    pub(crate) fn with(members: Value) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::SeqCst);
        assert!(number < KEYS, "the suite asks more than {KEYS} times");
        let ask = Self {
            number,
            key: None,
            path: "/api/v1/chat/completions".to_owned(),
            body: Map::new(),
            script: Map::from_iter([("id".to_owned(), json!(format!("ask-{number}")))]),
            headers: Vec::new(),
        };
        ask.and(json!({"messages": [{"role": "user", "content": "One two three"}]}))
            .and(members)
    }

    /// A request of another kind, with these members only.
    pub(crate) fn at(path: &str, members: Value) -> Self {
        let mut ask = Self::with(members).path(path);
        ask.body.remove("messages");
        ask
    }

    /// The same once more, with the same key: simulators tell the two apart, records do not.
    pub(crate) fn again(&self) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let turn = NEXT.fetch_add(1, Ordering::SeqCst);
        let mut again = self.clone();
        let id = json!(format!("ask-{}-{turn}", self.number));
        again.script.insert("id".to_owned(), id);
        again
    }

    /// With the key of this name, for gateways whose document has it by [`known_key`].
    pub(crate) fn with_key(mut self, name: &'static str) -> Self {
        self.key = Some(name);
        self
    }

    /// Adds or replaces members of the body.
    pub(crate) fn and(mut self, members: Value) -> Self {
        self.body.extend(members.as_object().unwrap().clone());
        self
    }

    /// Asks for a stream.
    pub(crate) fn stream(self) -> Self {
        self.and(json!({"stream": true}))
    }

    /// What a provider does: one action, or one for each of its turns.
    pub(crate) fn on(mut self, provider: &str, action: Value) -> Self {
        self.script.insert(provider.to_owned(), action);
        self
    }

    /// What every provider does.
    pub(crate) fn everywhere(self, action: &Value) -> Self {
        ["alpha", "beta", "gamma"]
            .into_iter()
            .fold(self, |ask, provider| ask.on(provider, action.clone()))
    }

    /// Another path.
    pub(crate) fn path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    /// One header more.
    pub(crate) fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers
            .push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// The id under which the simulators see it.
    pub(crate) fn id(&self) -> &Value {
        &self.script["id"]
    }

    /// The API key.
    pub(crate) fn key(&self) -> String {
        match self.key {
            Some(name) => named_key(name),
            None => key(self.number),
        }
    }

    /// The name of the API key in records.
    pub(crate) fn key_name(&self) -> String {
        key_name(self.number)
    }

    /// The body with the script.
    pub(crate) fn body(&self) -> Value {
        let mut body = self.body.clone();
        body.insert("simulate".to_owned(), Value::Object(self.script.clone()));
        Value::Object(body)
    }

    /// The request.
    pub(crate) fn request(&self) -> Request {
        self.bare().json(&self.body())
    }

    /// The head of the request as it goes over the wire, for a body of this length and one answer only.
    pub(crate) fn head(&self, length: usize, more: &str) -> String {
        format!(
            "POST {} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nconnection: close\r\ncontent-length: {length}\r\n{more}\r\n",
            self.path,
            self.key(),
        )
    }

    /// The request without its body.
    pub(crate) fn bare(&self) -> Request {
        let request = Request::post(&self.path).bearer(&self.key());
        let headers = self.headers.iter();
        headers.fold(request, |request, (name, value)| {
            request.header(name, value)
        })
    }
}

/// The keys of all requests and the disabled one, for a gateway document.
pub(crate) fn keys() -> impl Iterator<Item = Value> {
    let mut disabled = entry("off", DISABLED_KEY);
    disabled["disabled"] = json!(true);
    let keys = (0..KEYS).map(|number| entry(&key_name(number), &key(number)));
    keys.chain([disabled])
}

/// The entry of a key with these other members in a gateway document.
pub(crate) fn known_key(name: &str, more: &Value) -> Value {
    let mut known = entry(name, &named_key(name));
    let members = more.as_object().unwrap().clone();
    known.as_object_mut().unwrap().extend(members);
    known
}

/// The key of this name, for requests that are nobody's to be told from others.
pub(crate) fn named_key(name: &str) -> String {
    format!("sk-or-v1-canary-{name}")
}

fn entry(name: &str, key: &str) -> Value {
    let hash: String = Sha256::digest(key)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    json!({"name": name, "hash": hash})
}

fn key(number: usize) -> String {
    format!("sk-or-v1-canary-{number:04}")
}

fn key_name(number: usize) -> String {
    format!("ask-{number}")
}
