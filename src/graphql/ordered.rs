//! Answers in the order in which their fields were asked for, as the GraphQL specification has it: the engine leaves them
//! in the order in which they were found. The same question about the same moment is then the same bytes for ever.

use std::sync::{Arc, OnceLock};

use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute, NextParseQuery};
use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};
use async_graphql::{Name, Response, ServerResult, Value, Variables};

/// Puts each answer in order.
pub(super) struct Ordered;

impl ExtensionFactory for Ordered {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Asked::default())
    }
}

/// What one request asked for.
#[derive(Default)]
struct Asked(OnceLock<ExecutableDocument>);

#[async_trait::async_trait]
impl Extension for Asked {
    async fn parse_query(
        &self,
        ctx: &ExtensionContext<'_>,
        query: &str,
        variables: &Variables,
        next: NextParseQuery<'_>,
    ) -> ServerResult<ExecutableDocument> {
        let document = next.run(ctx, query, variables).await?;
        Ok(self.0.get_or_init(|| document).clone())
    }

    async fn execute(
        &self,
        ctx: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        let mut response = next.run(ctx, operation_name).await;
        // It was carried out, so it is valid: it has the operation, and its fragments are there and in no circle.
        if let Some(document) = self.0.get()
            && let Some((_, operation)) = document
                .operations
                .iter()
                .find(|(name, _)| operation_name.is_none() || name.map(Name::as_str) == operation_name)
        {
            Order::of(&operation.node.selection_set.node, document).put(&mut response.data);
        }
        response
    }
}

/// The names of the fields of an object, in order, and the order of what each holds.
#[derive(Default)]
struct Order(IndexMap<Name, Self>);

impl Order {
    fn of(asked: &SelectionSet, document: &ExecutableDocument) -> Self {
        let mut order = Self::default();
        order.add(asked, document);
        order
    }

    /// A field asked for twice, as itself or by a fragment, stands where it stood first and holds what both ask for.
    fn add(&mut self, asked: &SelectionSet, document: &ExecutableDocument) {
        for selection in &asked.items {
            match &selection.node {
                Selection::Field(field) => {
                    let within = self.0.entry(field.node.response_key().node.clone()).or_default();
                    within.add(&field.node.selection_set.node, document);
                }
                Selection::InlineFragment(fragment) => {
                    self.add(&fragment.node.selection_set.node, document);
                }
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = document.fragments.get(&spread.node.fragment_name.node) {
                        self.add(&fragment.node.selection_set.node, document);
                    }
                }
            }
        }
    }

    fn put(&self, value: &mut Value) {
        // Where nothing was asked for within, it is a scalar: that is as it was written.
        if self.0.is_empty() {
            return;
        }
        if let Value::List(items) = value {
            for item in items.iter_mut() {
                self.put(item);
            }
        } else if let Value::Object(fields) = value {
            let mut names = self.0.keys();
            if !fields.keys().all(|found| names.any(|name| name == found)) {
                let mut found = std::mem::take(fields);
                fields.extend(self.0.keys().filter_map(|name| found.swap_remove_entry(name)));
            }
            for (name, order) in &self.0 {
                if let Some(within) = fields.get_mut(name) {
                    order.put(within);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_graphql::parser::parse_query;

    fn put(query: &str, answer: &str) -> String {
        let document = parse_query(query).unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        let mut answer = serde_json::from_str(answer).unwrap();
        Order::of(&operation.node.selection_set.node, &document).put(&mut answer);
        serde_json::to_string(&answer).unwrap()
    }

    #[test]
    fn fields_stand_as_they_were_asked_for() {
        let asked = "{ b a: x { d c } a { e } ...f } fragment f on Query { g { ... on T { z y } } b }";
        let answer = r#"{"g":[{"y":1,"z":2},null,{"z":3}],"a":{"e":1,"c":{"m":1,"l":2},"d":3},"b":0}"#;
        let ordered = r#"{"b":0,"a":{"d":3,"c":{"m":1,"l":2},"e":1},"g":[{"z":2,"y":1},null,{"z":3}]}"#;
        assert_eq!(put(asked, answer), ordered);
        assert_eq!(put(asked, ordered), ordered, "what is in order stays");
        assert_eq!(put("{ a b }", "null"), "null");
    }

    #[test]
    fn what_was_left_out_leaves_no_gap() {
        assert_eq!(put("{ c @skip(if: true) b a }", r#"{"a":1,"b":2}"#), r#"{"b":2,"a":1}"#);
    }
}
