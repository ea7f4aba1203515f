//! JSON schemas, as far as a repair can use them.
//!
//! [`Schema::compile`] turns a schema into a list of nodes that refer to each other by number, so that
//! recursive schemas are no special case. What it does not know (`pattern`, `minimum`, `if`, …) allows
//! everything. [`Schema::fit`] holds a document against it and, where it does not fit, changes what can
//! be changed without losing or inventing anything.

mod compile;
mod convert;
mod edits;
mod fit;
mod members;
#[cfg(test)]
mod tests;
mod words;
mod wrapping;

pub(crate) use fit::Fit;
pub(crate) use words::Words;

use meshrouter_wire::json::Kind;

/// A compiled schema.
#[derive(Debug)]
pub struct Schema {
    nodes: Vec<Node>,
    root: Id,
}

/// The place of a node in its schema.
type Id = usize;

/// What one place of a document may hold.
#[derive(Debug, Default)]
enum Node {
    #[default]
    Any,
    Never,
    /// The same as another node.
    Alias(Id),
    /// What fits one of these: `anyOf` and `oneOf`.
    Union(Vec<Id>),
    Plain(Box<Plain>),
}

/// The keywords that say what a value looks like.
#[derive(Debug, Default)]
struct Plain {
    types: Types,
    /// `enum` and `const`.
    values: Option<Vec<Listed>>,
    /// Sorted by name, each once.
    properties: Vec<Property>,
    /// How many of them are required.
    required: usize,
    others: Others,
    /// `prefixItems`.
    first: Vec<Id>,
    items: Option<Id>,
}

/// What an object's schema says of one name.
#[derive(Debug)]
struct Property {
    name: String,
    /// `None` where it is required but not described.
    id: Option<Id>,
    required: bool,
}

/// One value of an `enum`.
#[derive(Debug, Clone)]
struct Listed {
    kind: Kind,
    /// As the schema has it, without the space between its tokens.
    json: String,
    /// A string's text; of others, the same as `json`.
    text: String,
}

/// What `additionalProperties` says.
#[derive(Debug, Clone, Copy, Default)]
enum Others {
    #[default]
    Any,
    Forbidden,
    Of(Id),
}

impl Plain {
    /// What an array may hold at a place; `None` for anything.
    fn item(&self, index: usize) -> Option<Id> {
        self.first.get(index).copied().or(self.items)
    }

    fn is_required(&self, property: Option<usize>) -> bool {
        let property = property.and_then(|place| self.properties.get(place));
        property.is_some_and(|property| property.required)
    }

    /// The place of a property in the list.
    fn property(&self, name: &[u8]) -> Option<usize> {
        let known = |other: &Property| other.name.as_bytes().cmp(name);
        self.properties.binary_search_by(known).ok()
    }
}

/// A set of JSON types. Numbers are integers or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Types(u8);

impl Types {
    const NULL: Self = Self(1);
    const BOOLEAN: Self = Self(2);
    const INTEGER: Self = Self(4);
    const FRACTION: Self = Self(8);
    const STRING: Self = Self(16);
    const ARRAY: Self = Self(32);
    const OBJECT: Self = Self(64);
    const NONE: Self = Self(0);
    const NUMBER: Self = Self(4 | 8);
    const ALL: Self = Self(127);

    /// The type of this name; an unknown name may mean anything.
    fn named(name: &str) -> Self {
        match name {
            "null" => Self::NULL,
            "boolean" => Self::BOOLEAN,
            "integer" => Self::INTEGER,
            "number" => Self::NUMBER,
            "string" => Self::STRING,
            "array" => Self::ARRAY,
            "object" => Self::OBJECT,
            _ => Self::ALL,
        }
    }

    fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether all of the other's types are in it.
    fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl Default for Types {
    fn default() -> Self {
        Self::ALL
    }
}

impl Schema {
    /// Any object: what `json_object` asks for.
    #[must_use]
    pub fn object() -> Self {
        let types = Types::OBJECT;
        let plain = Plain {
            types,
            ..Plain::default()
        };
        Self {
            nodes: vec![Node::Plain(Box::new(plain))],
            root: 0,
        }
    }

    /// Whether the document may be an object, and whether it may be an array.
    #[must_use]
    pub fn roots(&self) -> (bool, bool) {
        let types = self.types(self.root, 0);
        (types.has(Types::OBJECT), types.has(Types::ARRAY))
    }

    fn types(&self, id: Id, depth: usize) -> Types {
        if depth > fit::MAX_DEPTH {
            return Types::ALL;
        }
        match self.node(id) {
            Node::Any | Node::Alias(_) => Types::ALL,
            Node::Never => Types::NONE,
            Node::Plain(plain) => plain.types,
            Node::Union(branches) => branches.iter().fold(Types::NONE, |types, branch| {
                // Only the first levels are worth it.
                types.or(self.types(*branch, depth.saturating_add(64)))
            }),
        }
    }

    /// A node, by way of its aliases; a ring of them allows anything.
    fn node(&self, mut id: Id) -> &Node {
        for _ in 0..32 {
            match self.nodes.get(id) {
                Some(Node::Alias(next)) => id = *next,
                Some(node) => return node,
                None => break,
            }
        }
        &Node::Any
    }
}
