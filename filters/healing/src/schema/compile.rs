//! From a JSON schema to nodes.
//!
//! `$ref` to other places of the schema become aliases, whose targets are compiled from a list and not
//! on the stack: the depth of the work is that of the schema's text.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Id, Node, Others, Plain, Schema, Types};

/// The most nodes of a schema; what exceeds them allows anything.
const MAX_NODES: usize = 4096;

/// The most different places that a schema's `$ref` lead to, and the most that one place leads
/// through.
const MAX_REFERENCES: usize = 512;
const MAX_HOPS: usize = 16;

/// Keywords beside a `$ref` that say nothing of values.
const SILENT: [&str; 7] = [
    "$ref",
    "$defs",
    "definitions",
    "$schema",
    "title",
    "description",
    "default",
];

impl Schema {
    /// Compiles a schema. `strict` forbids the properties that an object's schema does not name.
    #[must_use]
    pub fn compile(schema: &Value, strict: bool) -> Self {
        let mut compiler = Compiler {
            schema,
            strict,
            nodes: Vec::new(),
            references: BTreeMap::new(),
            waiting: Vec::new(),
        };
        let root = compiler.add(schema);
        while let Some((target, id)) = compiler.waiting.pop() {
            let node = compiler.compile(target);
            compiler.set(id, node);
        }
        Self {
            nodes: compiler.nodes,
            root,
        }
    }
}

struct Compiler<'s> {
    schema: &'s Value,
    strict: bool,
    nodes: Vec<Node>,
    /// The nodes of `$ref`, by pointer.
    references: BTreeMap<&'s str, Id>,
    /// Targets that are not compiled yet, and their places.
    waiting: Vec<(&'s Value, Id)>,
}

type Parts<'s> = Vec<&'s Map<String, Value>>;

impl<'s> Compiler<'s> {
    fn reserve(&mut self) -> Id {
        self.nodes.push(Node::Any);
        self.nodes.len().saturating_sub(1)
    }

    fn set(&mut self, id: Id, node: Node) {
        if let Some(place) = self.nodes.get_mut(id) {
            *place = node;
        }
    }

    fn add(&mut self, schema: &'s Value) -> Id {
        let id = self.reserve();
        if self.nodes.len() < MAX_NODES {
            let node = self.compile(schema);
            self.set(id, node);
        }
        id
    }

    fn compile(&mut self, schema: &'s Value) -> Node {
        let object = match schema {
            Value::Bool(false) => return Node::Never,
            Value::Object(object) => object,
            _ => return Node::Any,
        };
        if let Some(pointer) = reference(object)
            && object.keys().all(|name| SILENT.contains(&name.as_str()))
        {
            return self.refer(pointer).map_or(Node::Any, Node::Alias);
        }
        let mut parts = Parts::new();
        self.flatten(object, &mut parts, 0);
        match branches(&parts) {
            Some(branches) => self.union(&parts, branches),
            None => self.plain(&parts),
        }
    }

    fn target(&self, pointer: &str) -> Option<&'s Value> {
        self.schema.pointer(pointer.strip_prefix('#')?)
    }

    /// The node that a `$ref` leads to.
    fn refer(&mut self, pointer: &'s str) -> Option<Id> {
        if let Some(id) = self.references.get(pointer) {
            return Some(*id);
        }
        if self.references.len() >= MAX_REFERENCES {
            return None;
        }
        let target = self.target(pointer)?;
        let id = self.reserve();
        self.references.insert(pointer, id);
        self.waiting.push((target, id));
        Some(id)
    }

    /// An object, what it refers to, and its `allOf`: all that a value must fit at once.
    fn flatten(&self, object: &'s Map<String, Value>, parts: &mut Parts<'s>, hops: usize) {
        if hops > MAX_HOPS || parts.len() > MAX_HOPS {
            return;
        }
        parts.push(object);
        let referred = reference(object).and_then(|pointer| self.target(pointer));
        let all = object.get("allOf").and_then(Value::as_array);
        for schema in referred.into_iter().chain(all.into_iter().flatten()) {
            if let Value::Object(object) = schema {
                self.flatten(object, parts, hops.saturating_add(1));
            }
        }
    }

    fn union(&mut self, parts: &Parts<'s>, branches: &'s [Value]) -> Node {
        let alone = parts.iter().all(|part| !says_more(part));
        let mut ids = Vec::with_capacity(branches.len());
        for branch in branches {
            let id = match branch {
                Value::Object(object) if !alone && self.nodes.len() < MAX_NODES => {
                    let mut all = Parts::new();
                    self.flatten(object, &mut all, 0);
                    all.extend(parts);
                    let node = self.plain(&all);
                    let id = self.reserve();
                    self.set(id, node);
                    id
                }
                branch => self.add(branch),
            };
            ids.push(id);
        }
        Node::Union(ids)
    }

    /// What all parts together say; where they disagree about a property, the first counts.
    fn plain(&mut self, parts: &Parts<'s>) -> Node {
        let mut plain = Plain::default();
        let mut others = None;
        for part in parts {
            plain.types = plain.types.and(types(part));
            if plain.values.is_none() {
                plain.values = values(part);
            }
            for (name, schema) in object(part, "properties") {
                if !plain.properties.contains_key(name) {
                    let id = self.add(schema);
                    plain.properties.insert(name.clone(), id);
                }
            }
            let required = array(part, "required").iter().filter_map(Value::as_str);
            plain.required.extend(required.map(str::to_owned));
            // Before 2020-12, `items` had both meanings.
            for name in ["prefixItems", "items"] {
                let first = array(part, name).iter().map(|item| self.add(item));
                plain.first.extend(first);
            }
            if let (None, Some(items @ (Value::Object(_) | Value::Bool(_)))) =
                (plain.items, part.get("items"))
            {
                plain.items = Some(self.add(items));
            }
            others = others.or(part.get("additionalProperties"));
        }
        plain.required.sort_unstable();
        plain.required.dedup();
        let patterns = parts
            .iter()
            .any(|part| part.contains_key("patternProperties"));
        plain.others = match others {
            _ if patterns => Others::Any,
            Some(Value::Bool(false)) => Others::Forbidden,
            Some(schema @ Value::Object(_)) => Others::Of(self.add(schema)),
            None if self.strict && !plain.properties.is_empty() => Others::Forbidden,
            _ => Others::Any,
        };
        Node::Plain(Box::new(plain))
    }
}

fn reference(object: &Map<String, Value>) -> Option<&str> {
    object.get("$ref")?.as_str()
}

/// The first `anyOf` or `oneOf` of these; of a second one nothing is known.
fn branches<'s>(parts: &Parts<'s>) -> Option<&'s [Value]> {
    let lists = parts.iter().flat_map(|part| {
        ["anyOf", "oneOf"]
            .into_iter()
            .map(move |name| array(part, name))
    });
    lists.into_iter().find(|list| !list.is_empty())
}

/// Whether an object with a union says something that each branch must fit, too.
fn says_more(part: &Map<String, Value>) -> bool {
    const KNOWN: [&str; 8] = [
        "type",
        "enum",
        "const",
        "properties",
        "required",
        "items",
        "prefixItems",
        "additionalProperties",
    ];
    KNOWN.iter().any(|name| part.contains_key(*name))
}

fn types(part: &Map<String, Value>) -> Types {
    let types = match part.get("type") {
        Some(Value::String(name)) => Types::named(name),
        Some(Value::Array(names)) => names
            .iter()
            .map(|name| Types::named(name.as_str().unwrap_or_default()))
            .fold(Types::NONE, Types::or),
        _ => Types::ALL,
    };
    match part.get("nullable") {
        Some(Value::Bool(true)) => types.or(Types::NULL),
        _ => types,
    }
}

fn values(part: &Map<String, Value>) -> Option<Vec<Value>> {
    match (part.get("const"), part.get("enum")) {
        (Some(value), _) => Some(vec![value.clone()]),
        (None, Some(Value::Array(values))) => Some(values.clone()),
        _ => None,
    }
}

fn array<'s>(part: &'s Map<String, Value>, name: &str) -> &'s [Value] {
    let list = part.get(name).and_then(Value::as_array);
    list.map_or(&[], Vec::as_slice)
}

fn object<'s>(
    part: &'s Map<String, Value>,
    name: &str,
) -> impl Iterator<Item = (&'s String, &'s Value)> {
    part.get(name)
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
}
