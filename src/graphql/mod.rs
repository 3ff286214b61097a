//! The API: queries and a mutation for each command, over the app and nothing else.

mod answers;
mod as_at;
mod consultations;
mod contacts;
mod courses;
mod delegations;
mod feed;
mod funds;
mod grants;
mod history;
mod inclusion;
mod ledger;
mod limits;
mod offers;
mod ordered;
mod pages;
mod partners;
mod payments;
mod people;
mod persons;
mod prescriptions;
mod programmes;
mod publications;
mod receipts;
mod referrals;
mod scalars;
mod seals;
mod sessions;
mod sites;
mod subsidies;
mod thread;
mod waiting;
mod what_if;

use async_graphql::{Context, EmptySubscription, MergedObject, Result, Schema};

use crate::app::{App, authority};
use crate::auth::Identity;
use crate::domain::grant::{ConflictNature, GrantStatus, SignatoryRole};
use crate::domain::identity::Role;
use crate::domain::payment_run::{BankResult, LineStatus, RunStatus};
use crate::domain::places::{Area, Community};
use crate::domain::postings::Movement;
use crate::domain::receipt::DecisionKind;
use crate::domain::vocabulary::{AgeBand, NeedCode, SharedItem};
use crate::domain::what_if::EffectKind;
use crate::exports::evidence::Archives;

// What the areas share; they know each other only by these names.
use answers::{Entered, Meant, Receipt, told};
use as_at::{AsAt, Looking, asked_as_at, counting_as_at};
use contacts::Contact;
use funds::Fund;
use grants::Grant;
use history::{HistoryEntry, entries_of};
use inclusion::InclusionFigures;
use ledger::{Figures, LedgerDifferenceLine, LedgerLine, YearFigures, dated, drawn};
use offers::Offer;
use ordered::Ordered;
use pages::{Page, by_name, counted, cursor, pair, parts, size, uncounted};
use partners::{
    Evidence, EvidenceInput, Partner, PartnerPayload, payload as partner_payload, step as partner_step,
};
use payments::PaymentRun;
use people::Person;
use persons::{SupportedPerson, VaultReading};
use prescriptions::{Prescription, PrescriptionOutline, PrescriptionReceived};
use programmes::Programme;
use receipts::decisions;
use referrals::Referral;
pub use scalars::unreadable;
use scalars::{Code, Count, Date, FinancialYear, Money};
use sessions::Session;
use sites::{ChannelViews, Site};
use subsidies::Assistance;

/// Looking up partners, funds, grants and payments.
#[derive(MergedObject, Default)]
struct MoneyQueries(
    partners::PartnerQueries,
    subsidies::SubsidyQueries,
    funds::FundQueries,
    programmes::ProgrammeQueries,
    delegations::DelegationQueries,
    grants::GrantQueries,
    payments::PaymentQueries,
    ledger::LedgerQueries,
);

/// Looking up offers and the people they are for.
#[derive(MergedObject, Default)]
struct HelpQueries(
    persons::PersonQueries,
    referrals::ReferralQueries,
    contacts::ContactQueries,
    prescriptions::PrescriptionQueries,
    offers::OfferQueries,
);

/// Looking up consultations, activity, the golden thread and what is published.
#[derive(MergedObject, Default)]
struct CommunityQueries(
    thread::ThreadQueries,
    inclusion::InclusionQueries,
    consultations::ConsultationQueries,
    sites::SiteQueries,
    courses::CourseQueries,
    sessions::SessionQueries,
    publications::PublicationQueries,
);

/// Looking up the record itself: who did what, and whether it holds.
#[derive(MergedObject, Default)]
struct RecordQueries(
    people::PeopleQueries,
    history::HistoryQueries,
    feed::FeedQueries,
    waiting::WaitingQueries,
    receipts::ReceiptQueries,
    what_if::WhatIfQueries,
    seals::SealQueries,
);

/// Looking things up. In groups, for the compiler follows a merged object member by member, and not for ever.
#[derive(MergedObject, Default)]
pub struct Query(MoneyQueries, HelpQueries, CommunityQueries, RecordQueries);

/// Commands on partners, funds, grants and payments.
#[derive(MergedObject, Default)]
struct MoneyMutations(
    partners::PartnerMutations,
    subsidies::SubsidyMutations,
    funds::FundMutations,
    programmes::ProgrammeMutations,
    delegations::DelegationMutations,
    grants::EnteringMutations,
    grants::GrantMutations,
    grants::ApprovingMutations,
    grants::MonitoringMutations,
    grants::VariationMutations,
    grants::RunningMutations,
    payments::PaymentMutations,
    offers::OfferMutations,
);

/// Commands on offers and the people they are for.
#[derive(MergedObject, Default)]
struct HelpMutations(
    persons::PersonMutations,
    referrals::ReferralMutations,
    contacts::ContactMutations,
    prescriptions::PrescriptionMutations,
    prescriptions::FollowingMutations,
);

/// Commands on consultations, activity, the golden thread and what is published.
#[derive(MergedObject, Default)]
struct CommunityMutations(
    thread::ThreadMutations,
    inclusion::InclusionMutations,
    consultations::ListeningMutations,
    consultations::AnsweringMutations,
    sites::SiteMutations,
    courses::CourseMutations,
    sessions::SessionMutations,
    publications::PublicationMutations,
);

/// Doing things: one mutation for each command. In groups, for the compiler follows a merged object member by member, and not for ever.
#[derive(MergedObject, Default)]
pub struct Mutation(MoneyMutations, HelpMutations, CommunityMutations);

/// The schema, ready to run.
pub type Api = Schema<Query, Mutation, EmptySubscription>;

fn builder() -> async_graphql::SchemaBuilder<Query, Mutation, EmptySubscription> {
    limits::limited(Schema::build(Query::default(), Mutation::default(), EmptySubscription))
}

/// The API over an app.
#[must_use]
pub fn api(app: App) -> Api {
    api_with(app, Archives::default())
}

/// The API over an app that can hand out bundles of the log.
#[must_use]
pub fn api_with(app: App, archives: Archives) -> Api {
    builder().data(app).data(archives).finish()
}

/// The schema in the schema definition language, as schema.graphql holds it.
#[must_use]
pub fn sdl() -> String {
    let options = async_graphql::SDLExportOptions::new().sorted_fields().sorted_enum_items();
    let printed = builder().finish().sdl_with_options(options);
    // One blank line between types, none at the end, so that the file compares well.
    format!("{}\n", printed.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim())
}

/// Whether somebody may use a field of the API: a page shows the way to it only then.
#[must_use]
pub fn may(who: &Identity, field: &str) -> bool {
    authority::DEEDS.iter().any(|(name, roles)| *name == field && roles.contains(&who.role))
}

/// Every field of the API's queries and mutations, and whether somebody may use it.
#[must_use]
pub fn deeds(who: &Identity) -> std::collections::BTreeMap<&'static str, bool> {
    authority::DEEDS.iter().map(|(name, roles)| (*name, roles.contains(&who.role))).collect()
}

/// The app and whoever asks, from the context of a resolver: under a field that was asked for as it stood, the app as it
/// looked then.
fn asked<'c>(ctx: &'c Context<'_>) -> Result<(&'c App, &'c Identity)> {
    Ok((as_at::app(ctx)?, ctx.data::<Identity>()?))
}
