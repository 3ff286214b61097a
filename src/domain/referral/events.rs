//! What can have happened to a referral, and the words for it. Nothing here says whom it is about.

use std::collections::BTreeSet;

use crate::domain::calendar::{Date, day};
use crate::domain::evidence::VaultRef;
use crate::domain::identity::{PersonId, PersonRef};
use crate::domain::places::listed;
use crate::domain::vocabulary::NeedCode;

codes! {
    /// Who referred a person.
    pub enum ReferralSource {
        "general_practice" => GeneralPractice, "a GP practice or primary care network";
        "community_mental_health" => CommunityMentalHealth, "a community mental health team";
        "self" => Themselves, "the person themselves";
        "vcse" => Vcse, "a charity or community group";
        "family" => Family, "family or a friend";
    }
}

codes! {
    /// How soon a referral has to be looked at.
    pub enum Urgency {
        "routine" => Routine, "routine";
        "soon" => Soon, "soon";
        "urgent" => Urgent, "urgent";
    }
}

impl Urgency {
    /// Within how many working days a referral is looked at.
    #[must_use]
    pub const fn triage_days(self) -> u32 {
        match self {
            Self::Routine => 5,
            Self::Soon => 2,
            Self::Urgent => 1,
        }
    }
}

codes! {
    /// Why a referral is not taken on.
    pub enum DeclineGround {
        "person_said_no" => PersonSaidNo, "the person does not want it";
        "could_not_reach" => CouldNotReach, "the person could not be reached";
        "out_of_area" => OutOfArea, "the person lives outside the area";
        "known_already" => KnownAlready, "the person is with us already";
        "not_for_us" => NotForUs, "it is not something we can help with";
    }
}

codes! {
    /// Where a referral is sent on to.
    pub enum RedirectTarget {
        "crisis_team" => CrisisTeam, "a mental health crisis team";
        "talking_therapies" => TalkingTherapies, "NHS Talking Therapies";
        "general_practice" => GeneralPractice, "their GP practice";
        "adult_social_care" => AdultSocialCare, "adult social care";
        "safeguarding" => Safeguarding, "a safeguarding team";
        "domestic_abuse_service" => DomesticAbuseService, "a domestic abuse service";
        "housing_options" => HousingOptions, "the council’s housing options";
        "another_area" => AnotherArea, "the link workers of another area";
    }
}

codes! {
    /// How a referrer is told what came of it.
    pub enum TellingChannel {
        "letter" => Letter, "by letter";
        "email" => Email, "by email";
        "phone" => Phone, "by telephone";
        "in_person" => InPerson, "in person";
    }
}

events! {
    /// What can have happened to a referral.
    pub enum ReferralEvent in "referral" {
        /// A person was referred to us.
        "referral.received", 1 => Received {
            /// Whom it is about.
            person: PersonRef,
            /// Who referred them.
            source: ReferralSource,
            /// What for.
            reasons: BTreeSet<NeedCode>,
            /// How soon the referrer wants it looked at.
            urgency: Urgency,
            /// Where the letter is kept, if there is one.
            letter: Option<VaultRef>,
            /// The last day on which it is to be looked at.
            triage_due: Date,
        },
        /// The referral was looked at.
        "referral.triaged", 1 => Triaged {
            /// How urgent it is held to be.
            urgency: Urgency,
            /// What the person is held to need.
            needs: BTreeSet<NeedCode>,
            /// Who is to talk to the person.
            advisor: PersonId,
        },
        /// The referral is taken on.
        "referral.accepted", 1 => Accepted {},
        /// The referral is not taken on.
        "referral.declined", 1, reason => Declined {
            /// Why, as a code.
            ground: DeclineGround,
        },
        /// The referral is sent on to somebody who can do more.
        "referral.redirected", 1 => Redirected {
            /// To whom.
            to: RedirectTarget,
        },
        /// Whoever referred the person was told what came of it.
        "referral.referrer_told", 1 => ReferrerTold {
            /// How.
            channel: TellingChannel,
        },
    }
}

impl ReferralEvent {
    pub(super) fn told(&self) -> String {
        let words = |needs: &BTreeSet<NeedCode>| listed(needs.iter().map(|need| need.words()));
        match self {
            Self::Received { source, reasons, urgency, triage_due, .. } => format!(
                "A person was referred by {}, for {} ({}); to be looked at by {}.",
                source.words(),
                words(reasons),
                urgency.words(),
                day(*triage_due)
            ),
            Self::Triaged { urgency, needs, .. } => {
                format!("The referral was looked at: {} ({}).", words(needs), urgency.words())
            }
            Self::Accepted {} => "The referral was accepted.".into(),
            Self::Declined { ground } => format!("The referral was declined: {}.", ground.words()),
            Self::Redirected { to } => format!("The referral was sent on to {}.", to.words()),
            Self::ReferrerTold { channel } => {
                format!("The referrer was told {} what came of it.", channel.words())
            }
        }
    }
}
