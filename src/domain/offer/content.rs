//! What an offer says, field by field, and a change of it: from what, to what.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::particulars::{Cost, Joining, OfferPlace, PublicEmail, PublicPhone, Schedule};
use crate::domain::identity::GrantId;
use crate::domain::places::{Community, listed};
use crate::domain::text::Text;
use crate::domain::vocabulary::{Access, AgeBand, Language, NeedCode};

/// One field from one value to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swap<T> {
    /// The value until now.
    pub from: T,
    /// The value from now on.
    pub to: T,
}

/// A value of an offer in words.
trait Shown {
    fn shown(&self) -> String;
}

/// Declare the fields of an offer, once: what it says, the codes of its fields, and a change of each. A field is the
/// partner's `own`, changed at once, or `reviewed` by somebody else first.
macro_rules! content {
    ($( $(#[doc = $doc:literal])* $code:literal => $Field:ident, $field:ident: $Type:ty, $words:literal, $class:ident; )*) => {
        /// Everything an offer tells people. It is about an organisation and what it does, never about a person.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        pub struct OfferContent { $( $(#[doc = $doc])* pub $field: $Type ),* }

        codes! {
            /// A field of an offer.
            pub enum OfferField { $( $code => $Field, $words; )* }
        }

        impl OfferField {
            /// Whether the partner changes it at once, without somebody looking at it first.
            #[must_use]
            pub const fn is_own(self) -> bool {
                match self { $( Self::$Field => content!(@$class) ),* }
            }
        }

        /// A change of one field of an offer.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        pub enum OfferChange { $( $(#[doc = $doc])* #[serde(rename = $code)] $Field(Swap<$Type>) ),* }

        impl OfferChange {
            /// Which field.
            #[must_use]
            pub const fn field(&self) -> OfferField {
                match self { $( Self::$Field(_) => OfferField::$Field ),* }
            }

            /// Whether its `from` is what the offer says.
            #[must_use]
            pub fn fits(&self, content: &OfferContent) -> bool {
                match self { $( Self::$Field(swap) => swap.from == content.$field ),* }
            }

            /// Whether its `to` is another value than its `from`.
            #[must_use]
            pub fn is_one(&self) -> bool {
                match self { $( Self::$Field(swap) => swap.from != swap.to ),* }
            }

            /// Make the offer say its `to`.
            pub fn apply(&self, content: &mut OfferContent) {
                match self { $( Self::$Field(swap) => content.$field.clone_from(&swap.to) ),* }
            }

            /// Both values in words, `from` first.
            #[must_use]
            pub fn shown(&self) -> (String, String) {
                match self { $( Self::$Field(swap) => (swap.from.shown(), swap.to.shown()) ),* }
            }
        }

        impl OfferContent {
            /// What is different in a later version, field by field.
            #[must_use]
            pub fn differences(&self, later: &Self) -> Vec<OfferChange> {
                let mut found = Vec::new();
                $( if self.$field != later.$field {
                    let (from, to) = (self.$field.clone(), later.$field.clone());
                    found.push(OfferChange::$Field(Swap { from, to }));
                } )*
                found
            }

            /// The value of a field in words.
            #[must_use]
            pub fn value(&self, field: OfferField) -> String {
                match field { $( OfferField::$Field => self.$field.shown() ),* }
            }
        }
    };
    (@own) => { true };
    (@reviewed) => { false };
}

content! {
    /// What it is called.
    "title" => Title, title: Text<120>, "title", reviewed;
    /// What happens there.
    "summary" => Summary, summary: Text<1000>, "summary", reviewed;
    /// Who it is for, in the partner's words.
    "who_for" => WhoFor, who_for: Text<300>, "who it is for", reviewed;
    /// The ages it is for; none named means all.
    "ages" => Ages, ages: BTreeSet<AgeBand>, "ages", reviewed;
    /// The languages it is offered in.
    "languages" => Languages, languages: BTreeSet<Language>, "languages", reviewed;
    /// What makes it possible to take part.
    "access" => Access, access: BTreeSet<Access>, "access", reviewed;
    /// What it costs.
    "cost" => Cost, cost: Cost, "cost", reviewed;
    /// Where it takes place.
    "place" => Place, place: OfferPlace, "place", reviewed;
    /// When it runs.
    "schedule" => Schedule, schedule: Schedule, "hours", own;
    /// The telephone number under which the organisation answers the public; never somebody's own.
    "phone" => Phone, phone: Option<PublicPhone>, "telephone number", own;
    /// The email address under which the organisation answers the public; never somebody's own.
    "email" => Email, email: Option<PublicEmail>, "email address", reviewed;
    /// How people come to take part.
    "joining" => Joining, joining: Joining, "how to join", reviewed;
    /// The needs it meets.
    "needs" => Needs, needs: BTreeSet<NeedCode>, "needs it meets", reviewed;
    /// The communities it is for.
    "communities" => Communities, communities: BTreeSet<Community>, "communities", reviewed;
    /// The partner's own grants that pay for it.
    "grants" => Grants, grants: BTreeSet<GrantId>, "grants that pay for it", reviewed;
}

impl OfferContent {
    /// What is still missing before people can be told of it, in words; empty when nothing is.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        let unreachable = self.phone.is_none() && self.email.is_none();
        [
            (self.languages.is_empty(), "a language it is offered in"),
            (self.schedule.is_empty(), "when it runs"),
            (self.needs.is_empty(), "a need it meets"),
            (self.communities.is_empty(), "a community it is for"),
            (
                self.joining == Joining::SelfReferral && unreachable,
                "a telephone number or email address to join by",
            ),
        ]
        .into_iter()
        .filter_map(|(missing, what)| missing.then_some(what))
        .collect()
    }
}

/// Changes in words: `title from “Tea” to “Tea and cake”; hours from …`.
pub(super) fn told(changes: &[OfferChange]) -> String {
    let one = |change: &OfferChange| {
        let (from, to) = change.shown();
        format!("{} from “{from}” to “{to}”", change.field().words())
    };
    changes.iter().map(one).collect::<Vec<_>>().join("; ")
}

impl<const MAX: usize> Shown for Text<MAX> {
    fn shown(&self) -> String {
        self.to_string()
    }
}

/// Show sets of codes by their words.
macro_rules! shown_by_words {
    ($($Code:ty),* $(,)?) => { $(
        impl Shown for BTreeSet<$Code> {
            fn shown(&self) -> String {
                listed(self.iter().map(|code| code.words()))
            }
        }
    )* };
}

shown_by_words!(AgeBand, Language, Access, NeedCode, Community);

impl Shown for BTreeSet<GrantId> {
    fn shown(&self) -> String {
        match self.len() {
            0 => "none".into(),
            1 => "one grant".into(),
            number => format!("{number} grants"),
        }
    }
}

impl Shown for Joining {
    fn shown(&self) -> String {
        self.words().into()
    }
}

impl Shown for Cost {
    fn shown(&self) -> String {
        match self {
            Self::Free => "free".into(),
            Self::Donation => "a donation".into(),
            Self::Amount(amount) => amount.to_string(),
        }
    }
}

impl Shown for OfferPlace {
    fn shown(&self) -> String {
        match self {
            Self::Online => "online".into(),
            Self::At(venue) => {
                let name = venue.name.as_ref().map(Text::as_str);
                let postcode = venue.postcode.as_ref().map(super::Postcode::as_str);
                let point = venue.point.map(|point| format!("({}, {})", point.lat, point.lon));
                let parts = [name, Some(venue.area.words()), postcode, point.as_deref()];
                parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
            }
        }
    }
}

impl Shown for Schedule {
    fn shown(&self) -> String {
        let weekly =
            self.weekly.iter().map(|time| format!("{} {} to {}", time.day.words(), time.from, time.to));
        let parts: Vec<String> = weekly.chain(self.note.as_ref().map(ToString::to_string)).collect();
        if parts.is_empty() { "none".into() } else { parts.join(", ") }
    }
}

impl Shown for Option<PublicPhone> {
    fn shown(&self) -> String {
        self.as_ref().map_or_else(|| "none".into(), |phone| phone.as_str().into())
    }
}

impl Shown for Option<PublicEmail> {
    fn shown(&self) -> String {
        self.as_ref().map_or_else(|| "none".into(), |email| email.as_str().into())
    }
}
