//! A site: where activity happens. A site of our own, a partner's place, or a channel online with its views.

use super::calendar::{Date, day};
use super::identity::PartnerId;
use super::places::{Area, Setting};
use super::text::Text;
use super::{Aggregate, Circumstances};

events! {
    /// What can have happened to a site.
    pub enum SiteEvent in "site" {
        /// A site was opened.
        "site.opened", 1 => Opened {
            /// Its name.
            name: Text<200>,
            /// The area it is in; online for a channel.
            area: Area,
            /// What kind of place it is.
            setting: Setting,
            /// The partner whose place it is, where it is a partner's.
            partner: Option<PartnerId>,
        },
        /// The site was closed: no session can be planned there.
        "site.closed", 1, reason => Closed {},
        /// The site was opened again.
        "site.reopened", 1 => Reopened {},
        /// The views of a channel were reported. Views are never added up over channels.
        "site.views_reported", 1 => ViewsReported {
            /// The first day they were counted on.
            from: Date,
            /// The last day they were counted on.
            to: Date,
            /// How many there were from the first day to the last.
            count: u64,
            /// Whether it is a reading of a counter that runs on from its first day: the latest one counts, and none is
            /// added to another.
            cumulative: bool,
            /// Where the number was read.
            source: Text<200>,
        },
        /// A report of views was taken back: it was wrong, and another can be made of its days.
        "site.views_withdrawn", 1, reason => ViewsWithdrawn {
            /// The first day of the report that was taken back.
            from: Date,
            /// Its last day.
            to: Date,
            /// The number it had.
            count: u64,
        },
    }
}

impl SiteEvent {
    fn told(&self) -> String {
        match self {
            Self::Opened { name, area, setting, .. } => match setting {
                Setting::Online => format!("{name} was opened: a channel online."),
                Setting::OwnSite | Setting::PartnersPlace => {
                    format!("{name} was opened: {} in {}.", setting.words(), area.words())
                }
            },
            Self::Closed {} => "Closed: no session can be planned here.".into(),
            Self::Reopened {} => "Opened again.".into(),
            Self::ViewsReported { from, to, count, cumulative, .. } => {
                let kind = if *cumulative { "The counter that runs from" } else { "From" };
                let read = if *cumulative { " stood at" } else { " there were" };
                format!("{kind} {} to {}{read} {count} views.", day(*from), day(*to))
            }
            Self::ViewsWithdrawn { from, to, count } => {
                format!("The report of {count} views from {} to {} was taken back.", day(*from), day(*to))
            }
        }
    }
}

/// Views of a channel, as reported.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of site.views_reported")]
pub struct Views {
    pub from: Date,
    pub to: Date,
    pub count: u64,
    pub cumulative: bool,
    pub source: Text<200>,
}

/// What can be asked of a site.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of the events they lead to")]
pub enum SiteCommand {
    Open { name: Text<200>, area: Area, setting: Setting, partner: Option<PartnerId> },
    Close,
    Reopen,
    ReportViews(Views),
    WithdrawViews { from: Date, to: Date },
}

refusals! {
    /// Why something asked of a site was turned down.
    pub enum SiteRefusal {
        "site.unknown" => Unknown, "There is no site with this id.";
        "site.already_open" => AlreadyOpen, "This site is open already.";
        "site.closed" => Closed, "This site is closed: open it again first, or choose another.";
        "site.partner_missing" => PartnerMissing, "Name the partner whose place this is.";
        "site.partner_not_needed" => PartnerNotNeeded, "A site of our own and a channel online belong to no partner: leave the partner out, or say that it is a partner’s place.";
        "site.area_online" => AreaOnline, "A channel online is in the area Online, and nothing else is: choose the area that fits.";
        "site.not_a_channel" => NotAChannel, "Views and content belong to a channel online, and this site is none: choose the channel they were on.";
        "site.views_reversed" => ViewsReversed, "The views end before they begin: turn the dates round.";
        "site.views_in_future" => ViewsInFuture { to: String }, "Views cannot be counted up to {to}, which lies ahead: report them once that day is over.";
        "site.views_overlap" => ViewsOverlap { from: String, to: String }, "Views of this channel are reported from {from} to {to} already: choose days outside of those, or withdraw that report first, so that no view counts twice.";
        "site.views_other_start" => ViewsOtherStart { from: String }, "The running counter of this channel began on {from}: report its next reading from that same day.";
        "site.views_fell" => ViewsFell { count: u64, to: String }, "The running counter stood at {count} on {to} already, and a counter does not fall: check the reading.";
        "site.views_unknown" => ViewsUnknown, "There is no report of views of this channel with these days: choose one that is listed.";
    }
}

/// Where a session can be held, as the site stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Venue {
    /// The area.
    pub area: Area,
    /// What kind of place.
    pub setting: Setting,
    /// The partner whose place it is.
    pub partner: Option<PartnerId>,
}

/// Views that stand.
#[derive(Debug, Clone, Copy)]
struct Reported {
    from: Date,
    to: Date,
    count: u64,
    cumulative: bool,
}

/// A site as its history leaves it.
#[derive(Debug, Clone, Default)]
pub struct Site {
    venue: Option<Venue>,
    closed: bool,
    views: Vec<Reported>,
}

impl Site {
    /// Where a session planned now would be held.
    ///
    /// # Errors
    /// `site.unknown` or `site.closed`.
    pub fn venue(&self) -> Result<Venue, SiteRefusal> {
        let venue = self.venue.ok_or(SiteRefusal::Unknown)?;
        if self.closed { Err(SiteRefusal::Closed) } else { Ok(venue) }
    }

    /// Whether it is a channel that content can be put on.
    ///
    /// # Errors
    /// `site.unknown`, `site.closed` or `site.not_a_channel`.
    pub fn channel(&self) -> Result<(), SiteRefusal> {
        match self.venue()?.setting {
            Setting::Online => Ok(()),
            Setting::OwnSite | Setting::PartnersPlace => Err(SiteRefusal::NotAChannel),
        }
    }

    /// Each view is counted once: reports of periods lie side by side, and readings of the running counter all begin
    /// on the same day and never fall.
    fn report(&self, new: Views, today: Date) -> Result<SiteEvent, SiteRefusal> {
        self.channel()?;
        let Views { from, to, count, cumulative, source } = new;
        if to < from {
            return Err(SiteRefusal::ViewsReversed);
        }
        if to > today {
            return Err(SiteRefusal::ViewsInFuture { to: day(to) });
        }
        for known in &self.views {
            let overlap = SiteRefusal::ViewsOverlap { from: day(known.from), to: day(known.to) };
            if !(cumulative && known.cumulative) {
                if from <= known.to && known.from <= to {
                    return Err(overlap);
                }
            } else if from != known.from {
                return Err(SiteRefusal::ViewsOtherStart { from: day(known.from) });
            } else if to == known.to {
                return Err(overlap);
            } else if (to < known.to) != (count < known.count) && count != known.count {
                return Err(SiteRefusal::ViewsFell { count: known.count, to: day(known.to) });
            }
        }
        Ok(SiteEvent::ViewsReported { from, to, count, cumulative, source })
    }
}

impl Aggregate for Site {
    const TYPE: &'static str = "site";
    type Command = SiteCommand;
    type Event = SiteEvent;
    type Refusal = SiteRefusal;

    fn decide(&self, command: SiteCommand, at: &Circumstances) -> Result<Vec<SiteEvent>, SiteRefusal> {
        let event = match command {
            SiteCommand::Open { name, area, setting, partner } => {
                if self.venue.is_some() {
                    return Err(SiteRefusal::AlreadyOpen);
                }
                match (setting, partner) {
                    (Setting::PartnersPlace, None) => return Err(SiteRefusal::PartnerMissing),
                    (Setting::OwnSite | Setting::Online, Some(_)) => {
                        return Err(SiteRefusal::PartnerNotNeeded);
                    }
                    (Setting::PartnersPlace, Some(_)) | (Setting::OwnSite | Setting::Online, None) => {}
                }
                if (setting == Setting::Online) != (area == Area::Online) {
                    return Err(SiteRefusal::AreaOnline);
                }
                SiteEvent::Opened { name, area, setting, partner }
            }
            SiteCommand::Close => {
                self.venue()?;
                SiteEvent::Closed {}
            }
            SiteCommand::Reopen => {
                self.venue.ok_or(SiteRefusal::Unknown)?;
                if !self.closed {
                    return Err(SiteRefusal::AlreadyOpen);
                }
                SiteEvent::Reopened {}
            }
            SiteCommand::ReportViews(views) => self.report(views, at.on)?,
            SiteCommand::WithdrawViews { from, to } => {
                let known = self.views.iter().find(|known| (known.from, known.to) == (from, to));
                let count = known.ok_or(SiteRefusal::ViewsUnknown)?.count;
                SiteEvent::ViewsWithdrawn { from, to, count }
            }
        };
        Ok(vec![event])
    }

    fn evolve(&mut self, event: &SiteEvent) {
        match event {
            SiteEvent::Opened { name: _, area, setting, partner } => {
                self.venue = Some(Venue { area: *area, setting: *setting, partner: *partner });
            }
            SiteEvent::Closed {} => self.closed = true,
            SiteEvent::Reopened {} => self.closed = false,
            SiteEvent::ViewsReported { from, to, count, cumulative, source: _ } => {
                let (from, to, count, cumulative) = (*from, *to, *count, *cumulative);
                self.views.push(Reported { from, to, count, cumulative });
            }
            SiteEvent::ViewsWithdrawn { from, to, count: _ } => {
                self.views.retain(|known| (known.from, known.to) != (*from, *to));
            }
        }
    }
}

#[cfg(test)]
mod tests;
