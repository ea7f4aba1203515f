//! Values of a configuration that know where they stand.

use serde_json::Value;

static NOTHING: Value = Value::Null;

/// A value and its path; one that is not there is null, so that a finding can say where it should be.
#[derive(Debug, Clone)]
pub(crate) struct Node<'a> {
    /// Such as `static_resources.clusters[2].circuit_breakers`; empty for the whole file.
    pub(crate) path: String,
    /// What stands there.
    pub(crate) value: &'a Value,
}

impl<'a> Node<'a> {
    /// The whole file.
    pub(crate) fn root(value: &'a Value) -> Self {
        Self {
            path: String::new(),
            value,
        }
    }

    /// The member of a name.
    pub(crate) fn get(&self, name: &str) -> Self {
        let path = match name {
            _ if name.contains('.') => format!("{}[\"{name}\"]", self.path),
            _ if self.path.is_empty() => name.to_owned(),
            _ => format!("{}.{name}", self.path),
        };
        let value = self.value.get(name).unwrap_or(&NOTHING);
        Self { path, value }
    }

    /// The member of a member and so on: `typed_config.config`.
    pub(crate) fn at(&self, names: &str) -> Self {
        names
            .split('.')
            .fold(self.clone(), |node, name| node.get(name))
    }

    /// The elements, if it is a list.
    pub(crate) fn items(&self) -> Vec<Self> {
        let items = self.value.as_array().into_iter().flatten().enumerate();
        let item = |(n, value)| Self {
            path: format!("{}[{n}]", self.path),
            value,
        };
        items.map(item).collect()
    }

    /// The members, if it is an object.
    pub(crate) fn members(&self) -> Vec<Self> {
        let names = self.value.as_object().into_iter().flatten();
        names.map(|(name, _)| self.get(name)).collect()
    }

    /// Whether anything stands there.
    pub(crate) fn is_there(&self) -> bool {
        !self.value.is_null()
    }

    /// Whether it is `true`.
    pub(crate) fn is_true(&self) -> bool {
        self.value == &Value::Bool(true)
    }

    /// The text, empty where there is none.
    pub(crate) fn text(&self) -> &'a str {
        self.value.as_str().unwrap_or_default()
    }

    /// The number, which protobuf's JSON may also have as text.
    pub(crate) fn number(&self) -> Option<u64> {
        let number = self.value.as_u64();
        number.or_else(|| self.text().parse().ok())
    }

    /// The seconds of a duration, such as `0.5s`.
    pub(crate) fn seconds(&self) -> Option<f64> {
        self.text().strip_suffix('s')?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_there_has_a_path_too() {
        let file = json!({"a": [{"b.c": {"d": "0.5s", "n": "7"}}]});
        let root = Node::root(&file);
        let first = root.get("a").items().remove(0);
        let member = first.get("b.c");
        assert_eq!(member.get("d").path, "a[0][\"b.c\"].d");
        assert_eq!(member.get("d").seconds(), Some(0.5));
        assert_eq!(member.get("n").seconds(), None);
        assert_eq!(member.get("n").number(), Some(7));
        assert_eq!(first.members().remove(0).path, "a[0][\"b.c\"]");
        let missing = root.at("x.y");
        assert_eq!((missing.path.as_str(), missing.is_there()), ("x.y", false));
        assert!(missing.items().is_empty() && missing.members().is_empty());
        assert_eq!((missing.number(), missing.text()), (None, ""));
    }
}
