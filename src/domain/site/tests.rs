//! Given, when, then: sites and the views of channels.

use std::slice::from_ref;

use uuid::Uuid;

use super::*;
use crate::domain::{Refused, Story, all_hold, all_reached, by, date, given, never_fails, words};

const TODAY: &str = "2026-05-04";

fn partner() -> PartnerId {
    PartnerId(Uuid::from_u128(30))
}

fn opened(setting: Setting) -> SiteEvent {
    let (area, partner) = match setting {
        Setting::Online => (Area::Online, None),
        Setting::OwnSite => (Area::LiverpoolNorth, None),
        Setting::PartnersPlace => (Area::SeftonSouth, Some(partner())),
    };
    SiteEvent::Opened { name: words("Brook Lane Rooms"), area, setting, partner }
}

fn open(setting: Setting, area: Area, partner: Option<PartnerId>) -> SiteCommand {
    SiteCommand::Open { name: words("Brook Lane Rooms"), area, setting, partner }
}

fn views(from: &str, to: &str, count: u64, cumulative: bool) -> Views {
    Views { from: date(from), to: date(to), count, cumulative, source: words("Statistics of the channel") }
}

fn reported(from: &str, to: &str, count: u64, cumulative: bool) -> SiteEvent {
    let Views { from, to, count, cumulative, source } = views(from, to, count, cumulative);
    SiteEvent::ViewsReported { from, to, count, cumulative, source }
}

fn stories() -> Vec<Story<Site>> {
    let channel = || opened(Setting::Online);
    let april = || reported("2026-04-01", "2026-04-30", 412, false);
    let story = |given: Vec<SiteEvent>, when, then| Story { given, when, at: by(1, TODAY), then: vec![then] };
    vec![
        story(
            vec![],
            open(Setting::PartnersPlace, Area::SeftonSouth, Some(partner())),
            opened(Setting::PartnersPlace),
        ),
        story(vec![opened(Setting::OwnSite)], SiteCommand::Close, SiteEvent::Closed {}),
        story(
            vec![opened(Setting::OwnSite), SiteEvent::Closed {}],
            SiteCommand::Reopen,
            SiteEvent::Reopened {},
        ),
        story(
            vec![channel()],
            SiteCommand::ReportViews(views("2026-04-01", "2026-04-30", 412, false)),
            april(),
        ),
        story(
            vec![channel(), april()],
            SiteCommand::WithdrawViews { from: date("2026-04-01"), to: date("2026-04-30") },
            SiteEvent::ViewsWithdrawn { from: date("2026-04-01"), to: date("2026-04-30"), count: 412 },
        ),
    ]
}

#[test]
fn every_command_is_recorded_as_its_facts() {
    all_hold(&stories());
}

#[test]
fn facts_in_any_order_are_taken_in() {
    never_fails(&stories());
}

#[test]
fn every_refusal_is_reached() {
    let refused =
        |history: &[SiteEvent], command| given::<Site>(history).when(command, &by(1, TODAY)).refused();
    let channel = opened(Setting::Online);
    let report = |known: &[SiteEvent], new| {
        let history: Vec<SiteEvent> = std::iter::once(channel.clone()).chain(known.to_vec()).collect();
        refused(&history, SiteCommand::ReportViews(new))
    };
    let april = reported("2026-04-01", "2026-04-30", 412, false);
    let counter = reported("2026-01-01", "2026-03-31", 900, true);
    let days = SiteCommand::WithdrawViews { from: date("2026-04-01"), to: date("2026-04-29") };
    let own = opened(Setting::OwnSite);
    let reached = [
        ("site.unknown", refused(&[], SiteCommand::Close)),
        ("site.unknown", refused(&[], SiteCommand::Reopen)),
        ("site.already_open", refused(from_ref(&own), open(Setting::OwnSite, Area::Knowsley, None))),
        ("site.already_open", refused(from_ref(&own), SiteCommand::Reopen)),
        ("site.closed", refused(&[own.clone(), SiteEvent::Closed {}], SiteCommand::Close)),
        ("site.partner_missing", refused(&[], open(Setting::PartnersPlace, Area::Knowsley, None))),
        ("site.partner_not_needed", refused(&[], open(Setting::Online, Area::Online, Some(partner())))),
        ("site.area_online", refused(&[], open(Setting::Online, Area::Knowsley, None))),
        ("site.area_online", refused(&[], open(Setting::OwnSite, Area::Online, None))),
        (
            "site.not_a_channel",
            refused(&[own], SiteCommand::ReportViews(views("2026-04-01", "2026-04-30", 1, false))),
        ),
        ("site.views_reversed", report(&[], views("2026-04-30", "2026-04-01", 1, false))),
        ("site.views_in_future", report(&[], views("2026-05-01", "2026-05-05", 1, false))),
        ("site.views_overlap", report(from_ref(&april), views("2026-04-30", "2026-05-01", 1, false))),
        ("site.views_overlap", report(from_ref(&april), views("2026-01-01", "2026-05-01", 900, true))),
        ("site.views_overlap", report(from_ref(&counter), views("2026-03-31", "2026-04-01", 1, false))),
        ("site.views_overlap", report(from_ref(&counter), views("2026-01-01", "2026-03-31", 901, true))),
        ("site.views_other_start", report(from_ref(&counter), views("2026-01-02", "2026-04-30", 950, true))),
        ("site.views_fell", report(from_ref(&counter), views("2026-01-01", "2026-04-30", 899, true))),
        ("site.views_fell", report(&[counter], views("2026-01-01", "2026-02-28", 901, true))),
        ("site.views_unknown", refused(&[channel.clone(), april], days)),
    ];
    all_reached(SiteRefusal::CODES, &reached);
}

#[test]
fn periods_lie_side_by_side_and_a_counter_runs_on() {
    let channel = opened(Setting::Online);
    let taken = |known: SiteEvent, new: Views| {
        let wanted = SiteCommand::ReportViews(new.clone());
        let Views { from, to, count, cumulative, source } = new;
        given::<Site>(&[channel.clone(), known])
            .when(wanted, &by(1, TODAY))
            .then_events(&[SiteEvent::ViewsReported { from, to, count, cumulative, source }]);
    };
    taken(reported("2026-04-01", "2026-04-30", 412, false), views("2026-03-01", "2026-03-31", 9, false));
    taken(reported("2026-01-01", "2026-03-31", 900, true), views("2026-01-01", "2026-04-30", 900, true));
    taken(reported("2026-01-01", "2026-03-31", 900, true), views("2026-01-01", "2026-02-28", 450, true));
    taken(reported("2026-01-01", "2026-03-31", 900, true), views("2026-04-01", "2026-04-30", 7, false));
}

#[test]
fn only_an_open_channel_takes_content() {
    let channel = |history: &[SiteEvent]| Site::after(history).channel().map_err(Refused::from);
    assert!(channel(&[opened(Setting::Online)]).is_ok());
    let code = |history: &[SiteEvent]| channel(history).unwrap_err().code;
    assert_eq!(code(&[]), "site.unknown");
    assert_eq!(code(&[opened(Setting::PartnersPlace)]), "site.not_a_channel");
    assert_eq!(code(&[opened(Setting::Online), SiteEvent::Closed {}]), "site.closed");
}
