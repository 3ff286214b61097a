//! What can have happened in a talk with a person, and the words for it. Codes and bands only.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::domain::identity::{OfferId, PersonId, PersonRef, ReferralId, SiteId};
use crate::domain::places::{Area, Community, listed};
use crate::domain::vocabulary::{AgeBand, Channel, NeedCode};

codes! {
    /// How long a talk took, in bands.
    pub enum Minutes {
        "under_15" => Under15, "under 15 minutes";
        "15_to_29" => From15To29, "15 to 29 minutes";
        "30_to_59" => From30To59, "30 to 59 minutes";
        "60_and_over" => From60, "an hour or more";
    }
}

codes! {
    /// Where somebody can be pointed that is no partner's offer.
    pub enum Service {
        "nhs_111" => Nhs111, "NHS 111";
        "crisis_line" => CrisisLine, "a mental health crisis line";
        "listening_line" => ListeningLine, "a listening line";
        "general_practice" => GeneralPractice, "their GP practice";
        "pharmacy" => Pharmacy, "a pharmacy";
        "council" => Council, "the council";
        "housing_options" => HousingOptions, "the council’s housing options";
        "adult_social_care" => AdultSocialCare, "adult social care";
        "citizens_advice" => CitizensAdvice, "Citizens Advice";
        "job_centre" => JobCentre, "the job centre";
        "library" => Library, "a library";
        "food_bank" => FoodBank, "a food bank";
        "domestic_abuse_line" => DomesticAbuseLine, "a domestic abuse helpline";
        "online_guide" => OnlineGuide, "a guide online";
    }
}

/// What a person said of themselves, in bands and codes; nothing where they did not say.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Profile {
    /// How old they are.
    pub age_band: Option<AgeBand>,
    /// Where they live.
    pub area: Option<Area>,
    /// The communities they count themselves to.
    pub communities: BTreeSet<Community>,
}

/// Where a person was pointed. Nothing about them is handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signpost {
    /// To an offer of a partner.
    Offer(OfferId),
    /// To another service.
    Service(Service),
}

events! {
    /// What can have happened in a talk with a person.
    pub enum ContactEvent in "contact" {
        /// Somebody talked to a person about what they need.
        "contact.made", 1 => Made {
            /// With whom.
            person: PersonRef,
            /// How.
            channel: Channel,
            /// Where, for a talk in person at a site.
            site: Option<SiteId>,
            /// What the person needs.
            needs: BTreeSet<NeedCode>,
            /// What the person said of themselves, in bands.
            profile: Profile,
            /// The referral it came from, if any.
            referral: Option<ReferralId>,
            /// How long it took, in bands.
            minutes: Minutes,
            /// Who talked to the person.
            advisor: PersonId,
        },
        /// The person was pointed to something; nothing about them was handed on.
        "contact.signpost_given", 1 => SignpostGiven {
            /// To what.
            to: Signpost,
        },
    }
}

impl ContactEvent {
    pub(super) fn told(&self) -> String {
        match self {
            Self::Made { channel, needs, minutes, .. } => format!(
                "A talk {} about {}, {}.",
                channel.words(),
                listed(needs.iter().map(|need| need.words())),
                minutes.words()
            ),
            Self::SignpostGiven { to: Signpost::Offer(_) } => {
                "The person was pointed to an offer of a partner.".into()
            }
            Self::SignpostGiven { to: Signpost::Service(service) } => {
                format!("The person was pointed to {}.", service.words())
            }
        }
    }
}
