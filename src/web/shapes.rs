//! The shapes of the API's inputs, read from its schema: what a form's fields are to be read as.

use std::collections::HashMap;
use std::sync::LazyLock;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{Type, TypeKind, TypeSystemDefinition};

use crate::graphql::sdl;

/// The shapes of this program's schema.
pub(super) static SHAPES: LazyLock<Shapes> = LazyLock::new(|| Shapes::read(&sdl()));

/// One answer of a closed list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    /// As the API writes it.
    pub code: String,
    /// As people read it.
    pub words: String,
}

/// Every input type and closed list by name. Names that are neither are scalars.
#[derive(Debug, Default)]
pub(super) struct Shapes {
    inputs: HashMap<String, Vec<(String, Type)>>,
    lists: HashMap<String, Vec<Choice>>,
}

impl Shapes {
    fn read(schema: &str) -> Self {
        let mut shapes = Self::default();
        let Ok(document) = parse_schema(schema) else {
            tracing::error!("our own schema cannot be read, so no form can be");
            return shapes;
        };
        for definition in document.definitions {
            let TypeSystemDefinition::Type(definition) = definition else { continue };
            let name = definition.node.name.node.to_string();
            if let TypeKind::InputObject(input) = definition.node.kind {
                let fields = input.fields.into_iter();
                let fields = fields.map(|field| (field.node.name.node.to_string(), field.node.ty.node));
                shapes.inputs.insert(name, fields.collect());
            } else if let TypeKind::Enum(list) = definition.node.kind {
                let choices = list.values.into_iter().map(|value| {
                    let code = value.node.value.node.to_string();
                    let words = value.node.description.map(|about| about.node.trim().to_owned());
                    Choice { words: words.unwrap_or_else(|| code.clone()), code }
                });
                shapes.lists.insert(name, choices.collect());
            }
        }
        shapes
    }

    /// The fields of an input type, in the order of the schema.
    pub(super) fn input(&self, name: &str) -> Option<&[(String, Type)]> {
        self.inputs.get(name).map(Vec::as_slice)
    }

    /// The answers of a closed list.
    pub(super) fn list(&self, name: &str) -> Option<&[Choice]> {
        self.lists.get(name).map(Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_and_lists_are_known_with_the_words_of_the_domain() {
        let transfer = SHAPES.input("TransferBudgetInput").expect("an input of the schema");
        assert!(transfer.iter().any(|(name, ty)| name == "amount" && ty.to_string() == "Money!"));
        let needs = SHAPES.list("NeedCode").expect("a list of the schema");
        assert!(needs.contains(&Choice { code: "CARING".into(), words: "caring for somebody".into() }));
        assert_eq!((SHAPES.input("Money"), SHAPES.list("Money")), (None, None));
    }
}
