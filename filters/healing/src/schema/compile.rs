//! From a JSON schema to nodes.
//!
//! `$ref` to other places of the schema become aliases, whose targets are compiled from a list and not
//! on the stack: the depth of the work is that of the schema's text.

use std::borrow::Cow;

use meshrouter_wire::json::{Kind, Scanner, Value};

use super::{Id, Listed, Node, Others, Plain, Property, Schema, Types};

/// The most nodes of a schema; what exceeds them allows anything.
const MAX_NODES: usize = 4096;

/// The most different places that a schema's `$ref` lead to, and the most that one place leads
/// through.
const MAX_REFERENCES: usize = 128;
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
    /// Compiles the schema that a text is; `None` where it is no JSON.
    #[must_use]
    pub fn parse(schema: &str, strict: bool) -> Option<Self> {
        let schema = Scanner::document(schema.as_bytes()).ok()?;
        Some(Self::compile(schema, strict))
    }

    /// Compiles a schema. `strict` forbids the properties that an object's schema does not name.
    #[must_use]
    pub fn compile(schema: Value<'_>, strict: bool) -> Self {
        let mut compiler = Compiler {
            schema,
            strict,
            nodes: Vec::new(),
            references: Vec::new(),
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
    schema: Value<'s>,
    strict: bool,
    nodes: Vec<Node>,
    /// The nodes of `$ref`, by pointer.
    references: Vec<(String, Id)>,
    /// Targets that are not compiled yet, and their places.
    waiting: Vec<(Value<'s>, Id)>,
}

/// The members of an object.
type Object<'s> = Vec<(Cow<'s, str>, Value<'s>)>;

type Parts<'s> = Vec<Object<'s>>;

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

    fn add(&mut self, schema: Value<'s>) -> Id {
        let id = self.reserve();
        if self.nodes.len() < MAX_NODES {
            let node = self.compile(schema);
            self.set(id, node);
        }
        id
    }

    fn compile(&mut self, schema: Value<'s>) -> Node {
        match schema.kind {
            Kind::Bool if !schema.is_true() => return Node::Never,
            Kind::Object => {}
            _ => return Node::Any,
        }
        let object = schema.members();
        if let Some(pointer) = reference(&object)
            && object.iter().all(|(name, _)| SILENT.contains(&&**name))
        {
            return self.refer(&pointer).map_or(Node::Any, Node::Alias);
        }
        let mut parts = Parts::new();
        self.flatten(object, &mut parts, 0);
        match branches(&parts) {
            Some(branches) => self.union(&parts, branches),
            None => self.plain(&parts),
        }
    }

    /// What a JSON pointer leads to.
    fn target(&self, pointer: &str) -> Option<Value<'s>> {
        let mut place = self.schema;
        for step in pointer.strip_prefix('#')?.split('/').skip(1) {
            let name = step.replace("~1", "/").replace("~0", "~");
            place = match place.kind {
                Kind::Array => *place.elements().get(name.parse::<usize>().ok()?)?,
                _ => place.member(&name)?,
            };
        }
        Some(place)
    }

    /// The node that a `$ref` leads to.
    fn refer(&mut self, pointer: &str) -> Option<Id> {
        let mut known = self.references.iter();
        if let Some((_, id)) = known.find(|(known, _)| known == pointer) {
            return Some(*id);
        }
        if self.references.len() >= MAX_REFERENCES {
            return None;
        }
        let target = self.target(pointer)?;
        let id = self.reserve();
        self.references.push((pointer.to_owned(), id));
        self.waiting.push((target, id));
        Some(id)
    }

    /// An object, what it refers to, and its `allOf`: all that a value must fit at once.
    fn flatten(&self, object: Object<'s>, parts: &mut Parts<'s>, hops: usize) {
        if hops > MAX_HOPS || parts.len() > MAX_HOPS {
            return;
        }
        let referred = reference(&object).and_then(|pointer| self.target(&pointer));
        let all = array(&object, "allOf");
        parts.push(object);
        for schema in referred.into_iter().chain(all) {
            if schema.kind == Kind::Object {
                self.flatten(schema.members(), parts, hops.saturating_add(1));
            }
        }
    }

    fn union(&mut self, parts: &Parts<'s>, branches: Vec<Value<'s>>) -> Node {
        let alone = parts.iter().all(|part| !says_more(part));
        let mut ids = Vec::with_capacity(branches.len());
        for branch in branches {
            if alone || branch.kind != Kind::Object || self.nodes.len() >= MAX_NODES {
                ids.push(self.add(branch));
                continue;
            }
            let mut all = Parts::new();
            self.flatten(branch.members(), &mut all, 0);
            all.extend(parts.iter().cloned());
            let node = self.plain(&all);
            let id = self.reserve();
            self.set(id, node);
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
            let properties = get(part, "properties").map(|value| value.members());
            for (name, schema) in properties.into_iter().flatten() {
                plain.properties.push(Property {
                    name: name.into_owned(),
                    id: Some(self.add(schema)),
                    required: false,
                });
            }
            for name in array(part, "required").iter().filter_map(Value::text) {
                plain.properties.push(Property {
                    name: name.into_owned(),
                    id: None,
                    required: true,
                });
            }
            // Before 2020-12, `items` had both meanings.
            for name in ["prefixItems", "items"] {
                let first = array(part, name).into_iter().map(|item| self.add(item));
                plain.first.extend(first);
            }
            let items = get(part, "items").filter(|items| items.kind != Kind::Array);
            if let (None, Some(items)) = (plain.items, items) {
                plain.items = Some(self.add(items));
            }
            others = others.or(get(part, "additionalProperties"));
        }
        plain.properties = merged(plain.properties);
        let required = plain.properties.iter().filter(|property| property.required);
        plain.required = required.count();
        let described = plain
            .properties
            .iter()
            .any(|property| property.id.is_some());
        let patterns = parts
            .iter()
            .any(|part| get(part, "patternProperties").is_some());
        plain.others = match others {
            _ if patterns => Others::Any,
            Some(schema) if schema.kind == Kind::Object => Others::Of(self.add(schema)),
            Some(schema) if schema.kind == Kind::Bool && !schema.is_true() => Others::Forbidden,
            None if self.strict && described => Others::Forbidden,
            _ => Others::Any,
        };
        Node::Plain(Box::new(plain))
    }
}

/// The properties by name, each once: of several descriptions the first.
fn merged(mut properties: Vec<Property>) -> Vec<Property> {
    properties.sort_by(|one, other| one.name.cmp(&other.name));
    let mut all: Vec<Property> = Vec::with_capacity(properties.len());
    for property in properties {
        match all.last_mut() {
            Some(last) if last.name == property.name => {
                last.id = last.id.or(property.id);
                last.required |= property.required;
            }
            _ => all.push(property),
        }
    }
    all
}

fn get<'s>(part: &Object<'s>, name: &str) -> Option<Value<'s>> {
    let mut members = part.iter();
    members
        .find(|(known, _)| known == name)
        .map(|(_, value)| *value)
}

fn reference<'s>(object: &Object<'s>) -> Option<Cow<'s, str>> {
    get(object, "$ref")?.text()
}

/// The first `anyOf` or `oneOf` of these; of a second one nothing is known.
fn branches<'s>(parts: &Parts<'s>) -> Option<Vec<Value<'s>>> {
    let mut lists = parts
        .iter()
        .flat_map(|part| ["anyOf", "oneOf"].map(|name| array(part, name)));
    lists.find(|list| !list.is_empty())
}

/// Whether an object with a union says something that each branch must fit, too.
fn says_more(part: &Object<'_>) -> bool {
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
    KNOWN.iter().any(|name| get(part, name).is_some())
}

fn types(part: &Object<'_>) -> Types {
    let named = |name: &Value<'_>| Types::named(&name.text().unwrap_or_default());
    let types = match get(part, "type") {
        Some(name) if name.kind == Kind::String => named(&name),
        Some(names) if names.kind == Kind::Array => {
            let names = names.elements();
            names.iter().map(named).fold(Types::NONE, Types::or)
        }
        _ => Types::ALL,
    };
    match get(part, "nullable") {
        Some(nullable) if nullable.is_true() => types.or(Types::NULL),
        _ => types,
    }
}

fn values(part: &Object<'_>) -> Option<Vec<Listed>> {
    let values = match (get(part, "const"), get(part, "enum")) {
        (Some(value), _) => vec![value],
        (None, Some(values)) if values.kind == Kind::Array => values.elements(),
        _ => return None,
    };
    Some(values.into_iter().map(Listed::new).collect())
}

fn array<'s>(part: &Object<'s>, name: &str) -> Vec<Value<'s>> {
    get(part, name).map_or_else(Vec::new, |value| value.elements())
}
