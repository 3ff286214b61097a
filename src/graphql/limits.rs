//! What one request may ask for, and a code for every error, also those of the GraphQL engine itself.

use std::sync::Arc;

use async_graphql::extensions::{
    Extension, ExtensionContext, ExtensionFactory, NextParseQuery, NextRequest, NextValidation,
};
use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{
    EmptySubscription, ErrorExtensionValues, Response, SchemaBuilder, ServerError, ServerResult,
    ValidationResult, Variables,
};

use super::{Looking, Mutation, Ordered, Query};

/// How deep fields may nest: introspection needs 15.
const DEEPEST: usize = 20;
/// How many fields one request may ask for, lists counted with their length.
const MOST_COMPLEX: usize = 20_000;
/// How deep the text of a request may nest before it is understood.
const DEEPEST_TEXT: usize = 32;
/// How many directives one field may carry.
const MOST_DIRECTIVES: usize = 8;

/// Put the limits on a schema.
pub fn limited(
    builder: SchemaBuilder<Query, Mutation, EmptySubscription>,
) -> SchemaBuilder<Query, Mutation, EmptySubscription> {
    builder
        .limit_depth(DEEPEST)
        .limit_complexity(MOST_COMPLEX)
        .limit_recursive_depth(DEEPEST_TEXT)
        .limit_directives(MOST_DIRECTIVES)
        .extension(Coded)
        .extension(Looking)
        .extension(Ordered)
}

/// Gives the engine’s own errors a stable code.
struct Coded;

impl ExtensionFactory for Coded {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

fn coded(mut error: ServerError, otherwise: &'static str) -> ServerError {
    let code = match error.message.as_str() {
        text if text.contains("too deep") || text.contains("recursion depth") => "query.too_deep",
        text if text.contains("too complex") => "query.too_complex",
        _ => otherwise,
    };
    let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
    if extensions.get("code").is_none() {
        extensions.set("code", code);
    }
    error
}

/// The sentence of the domain alone: the engine wraps what a scalar says in the names of types.
fn bare(message: &str) -> String {
    let inner = message.strip_prefix("Failed to parse \"").and_then(|rest| rest.split_once("\": "));
    let sentence = inner.map_or(message, |(_, sentence)| sentence);
    sentence.split(" (occurred while parsing ").next().unwrap_or(sentence).to_string()
}

#[async_trait::async_trait]
impl Extension for Coded {
    async fn request(&self, ctx: &ExtensionContext<'_>, next: NextRequest<'_>) -> Response {
        let mut response = next.run(ctx).await;
        for error in &mut response.errors {
            if error.message.starts_with("Failed to parse ") {
                error.message = bare(&error.message);
            }
            if error.extensions.as_ref().is_none_or(|known| known.get("code").is_none()) {
                *error = coded(error.clone(), "query.invalid");
            }
        }
        response
    }

    async fn parse_query(
        &self,
        ctx: &ExtensionContext<'_>,
        query: &str,
        variables: &Variables,
        next: NextParseQuery<'_>,
    ) -> ServerResult<ExecutableDocument> {
        next.run(ctx, query, variables).await.map_err(|error| coded(error, "query.unreadable"))
    }

    async fn validation(
        &self,
        ctx: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        let coded_all =
            |errors: Vec<ServerError>| errors.into_iter().map(|one| coded(one, "query.invalid")).collect();
        next.run(ctx).await.map_err(coded_all)
    }
}
