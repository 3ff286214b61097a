//! What a template is given, held strictly: a name that is not there fails the page instead of printing blank.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::value::{Enumerator, Object, ObjectRepr, Serde};
use minijinja::{Error, ErrorKind, Value};
use serde_json::Value as Json;

/// The answer of a GraphQL document as templates see it. `place` is where it stands, such as `data.fund`.
pub(super) fn strict(json: Json, place: &str) -> Value {
    match json {
        Json::Object(fields) => {
            let inside = |(name, json)| {
                let below = format!("{place}.{name}");
                (name, strict(json, &below))
            };
            let fields = fields.into_iter().map(inside).collect();
            Value::from_object(Fields { place: place.to_owned(), fields, passed_on: |_| false })
        }
        Json::Array(items) => {
            let below = format!("{place}[]");
            items.into_iter().map(|item| strict(item, &below)).collect()
        }
        plain @ (Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_)) => Value::from(Serde(plain)),
    }
}

/// The names at a template's top level. What the engine brings itself, such as `range`, is left to it.
pub(super) fn top_level(fields: BTreeMap<String, Value>) -> Value {
    let passed_on =
        |name: &str| ["range", "dict", "namespace", "undefined", "choices", "classes"].contains(&name);
    Value::from_object(Fields { place: "the page".to_owned(), fields, passed_on })
}

#[derive(Debug)]
struct Fields {
    place: String,
    fields: BTreeMap<String, Value>,
    passed_on: fn(&str) -> bool,
}

impl Object for Fields {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str().unwrap_or_default();
        if let Some(value) = self.fields.get(name) {
            return Some(value.clone());
        }
        if (self.passed_on)(name) {
            return None;
        }
        let known: Vec<&str> = self.fields.keys().map(String::as_str).collect();
        let sentence = format!("{} has no `{key}`, but {}", self.place, known.join(", "));
        Some(Value::from(Error::new(ErrorKind::UndefinedError, sentence)))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.fields.keys().map(Value::from).collect())
    }
}
