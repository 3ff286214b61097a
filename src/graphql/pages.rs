//! Pages of lists, as the Relay cursor connections specification has them: opaque cursors, forwards.

use async_graphql::connection::PageInfo;
use async_graphql::{Object, OutputType, Result, SimpleObject};
use uuid::Uuid;

use super::{
    Contact, Fund, Grant, HistoryEntry, LedgerDifferenceLine, LedgerLine, Offer, Partner, PaymentRun,
    Prescription, PrescriptionOutline, PrescriptionReceived, Programme, Referral, Session, SupportedPerson,
    VaultReading, told,
};
use crate::app::Failure;

/// How many entries a page has when nothing is said.
const USUAL: i64 = 50;
/// How many entries a page has at most.
const MOST: i64 = 500;

/// An entry of a page with its cursor.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(
    concrete(name = "PartnerEdge", params(Partner)),
    concrete(name = "FundEdge", params(Fund)),
    concrete(name = "ProgrammeEdge", params(Programme)),
    concrete(name = "GrantEdge", params(Grant)),
    concrete(name = "PaymentRunEdge", params(PaymentRun)),
    concrete(name = "SessionEdge", params(Session)),
    concrete(name = "PrescriptionEdge", params(Prescription)),
    concrete(name = "PrescriptionOutlineEdge", params(PrescriptionOutline)),
    concrete(name = "PrescriptionReceivedEdge", params(PrescriptionReceived)),
    concrete(name = "LedgerLineEdge", params(LedgerLine)),
    concrete(name = "LedgerDifferenceLineEdge", params(LedgerDifferenceLine)),
    concrete(name = "SupportedPersonEdge", params(SupportedPerson)),
    concrete(name = "ReferralEdge", params(Referral)),
    concrete(name = "ContactEdge", params(Contact)),
    concrete(name = "VaultReadingEdge", params(VaultReading)),
    concrete(name = "HistoryEntryEdge", params(HistoryEntry)),
    concrete(name = "OfferEdge", params(Offer))
)]
pub struct Edge<N: OutputType> {
    /// Where the entry stands in the list: send it as `after` to go on from here.
    cursor: String,
    /// The entry.
    node: N,
}

/// A page of a list.
pub struct Page<N: OutputType> {
    edges: Vec<Edge<N>>,
    has_previous_page: bool,
    has_next_page: bool,
    total_count: Option<i64>,
}

/// A page of a list, as the Relay cursor connections specification has it.
#[Object(
    concrete(name = "PartnerConnection", params(Partner)),
    concrete(name = "FundConnection", params(Fund)),
    concrete(name = "ProgrammeConnection", params(Programme)),
    concrete(name = "GrantConnection", params(Grant)),
    concrete(name = "PaymentRunConnection", params(PaymentRun)),
    concrete(name = "SessionConnection", params(Session)),
    concrete(name = "PrescriptionConnection", params(Prescription)),
    concrete(name = "PrescriptionOutlineConnection", params(PrescriptionOutline)),
    concrete(name = "PrescriptionReceivedConnection", params(PrescriptionReceived)),
    concrete(name = "LedgerLineConnection", params(LedgerLine)),
    concrete(name = "LedgerDifferenceLineConnection", params(LedgerDifferenceLine)),
    concrete(name = "SupportedPersonConnection", params(SupportedPerson)),
    concrete(name = "ReferralConnection", params(Referral)),
    concrete(name = "ContactConnection", params(Contact)),
    concrete(name = "VaultReadingConnection", params(VaultReading)),
    concrete(name = "HistoryEntryConnection", params(HistoryEntry)),
    concrete(name = "OfferConnection", params(Offer))
)]
impl<N> Page<N>
where
    N: OutputType + Clone,
    Edge<N>: OutputType,
{
    /// The entries with their cursors.
    async fn edges(&self) -> Vec<Edge<N>> {
        self.edges.clone()
    }
    /// The entries alone.
    async fn nodes(&self) -> Vec<N> {
        self.edges.iter().map(|edge| edge.node.clone()).collect()
    }
    /// Whether there is more, and from where.
    async fn page_info(&self) -> PageInfo {
        PageInfo {
            has_previous_page: self.has_previous_page,
            has_next_page: self.has_next_page,
            start_cursor: self.edges.first().map(|edge| edge.cursor.clone()),
            end_cursor: self.edges.last().map(|edge| edge.cursor.clone()),
        }
    }
    /// How many entries there are over all pages, where that is counted.
    async fn total_count(&self) -> Option<i64> {
        self.total_count
    }
}

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
    entries: impl Iterator<Item = (String, N)>,
    size: i64,
    has_previous_page: bool,
    total_count: i64,
) -> Page<N> {
    Page { total_count: Some(total_count), ..uncounted(entries, size, has_previous_page) }
}

/// A page of a list in the order of names.
pub(super) fn by_name<N: OutputType>(
    entries: impl Iterator<Item = (String, Uuid, N)>,
    size: i64,
    has_previous_page: bool,
) -> Page<N> {
    let entries = entries.map(|(name, id, node)| (cursor(&[&name, &id.to_string()]), node));
    uncounted(entries, size, has_previous_page)
}

/// A page of a list that is not counted.
pub(super) fn uncounted<N: OutputType>(
    entries: impl Iterator<Item = (String, N)>,
    size: i64,
    has_previous_page: bool,
) -> Page<N> {
    let mut edges: Vec<Edge<N>> = entries.map(|(cursor, node)| Edge { cursor, node }).collect();
    let size = usize::try_from(size).unwrap_or_default();
    let has_next_page = edges.len() > size;
    edges.truncate(size);
    Page { edges, has_previous_page, has_next_page, total_count: None }
}
