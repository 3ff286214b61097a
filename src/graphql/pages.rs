//! Pages of lists, as the Relay cursor connections specification has them: opaque cursors, forwards.

use async_graphql::connection::{Connection, Edge, EmptyFields};
use async_graphql::{OutputType, Result, SimpleObject};

use super::told;
use crate::app::Failure;

/// How many entries a page has when nothing is said.
const USUAL: i64 = 50;
/// How many entries a page has at most.
const MOST: i64 = 500;

/// What a connection says beside its edges.
#[derive(Debug, Clone, Copy, SimpleObject)]
pub struct Counted {
    /// How many entries there are in all, over all pages.
    pub total_count: i64,
}

/// A page of a list with the count of all.
pub type Page<N> = Connection<String, N, Counted>;
/// A page of a list that is not counted.
pub type Stream<N> = Connection<String, N>;

/// How many entries to fetch: one more than asked for, to know whether there is a next page.
pub(super) fn size(first: Option<i32>) -> Result<i64> {
    match first.map(i64::from) {
        None => Ok(USUAL),
        Some(first) if (1..=MOST).contains(&first) => Ok(first),
        Some(_) => Err(told(Failure::refused_page(MOST))),
    }
}

/// A cursor over the values that order a list. Opaque to clients: text of its parts, in hexadecimal.
pub(super) fn cursor(parts: &[&str]) -> String {
    hex::encode(parts.join("\u{1f}"))
}

/// The parts of a cursor.
pub(super) fn parts(cursor: Option<String>) -> Result<Option<Vec<String>>> {
    let Some(cursor) = cursor else { return Ok(None) };
    let read = hex::decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let read = read.ok_or_else(|| told(Failure::refused_cursor()))?;
    Ok(Some(read.split('\u{1f}').map(String::from).collect()))
}

/// The parts of a cursor as two values.
pub(super) fn pair<A: std::str::FromStr, B: std::str::FromStr>(
    after: Option<String>,
) -> Result<Option<(A, B)>> {
    let Some(parts) = parts(after)? else { return Ok(None) };
    let read = match parts.as_slice() {
        [first, second] => first.parse().ok().zip(second.parse().ok()),
        _ => None,
    };
    read.map(Some).ok_or_else(|| told(Failure::refused_cursor()))
}

/// A page from entries fetched with one more than `size`.
pub(super) fn counted<N: OutputType>(
    mut entries: Vec<(String, N)>,
    size: i64,
    has_previous: bool,
    total_count: i64,
) -> Page<N> {
    let more = cut(&mut entries, size);
    let mut page = Connection::with_additional_fields(has_previous, more, Counted { total_count });
    page.edges.extend(entries.into_iter().map(|(cursor, node)| Edge::new(cursor, node)));
    page
}

/// A page that is not counted.
pub(super) fn streamed<N: OutputType>(
    mut entries: Vec<(String, N)>,
    size: i64,
    has_previous: bool,
) -> Connection<String, N, EmptyFields> {
    let more = cut(&mut entries, size);
    let mut page = Connection::new(has_previous, more);
    page.edges.extend(entries.into_iter().map(|(cursor, node)| Edge::new(cursor, node)));
    page
}

fn cut<N>(entries: &mut Vec<N>, size: i64) -> bool {
    let size = usize::try_from(size).unwrap_or_default();
    let more = entries.len() > size;
    entries.truncate(size);
    more
}
