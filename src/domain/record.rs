//! Every fact there can be, of every aggregate: what the log holds, as one type.

use serde::de::Error as _;
use serde::{Serialize, Serializer};

use super::catalogue::Kind;
use super::consultation::{Consultation, ConsultationEvent};
use super::contact::{Contact, ContactEvent};
use super::course::{Course, CourseEvent};
use super::delegation::{Delegation, DelegationEvent};
use super::fund::{Fund, FundEvent};
use super::grant::{Grant, GrantEvent};
use super::inclusion_table::{InclusionTable, InclusionTableEvent};
use super::keeping::{Keeping, KeepingEvent};
use super::need::{Need, NeedEvent};
use super::offer::{Offer, OfferEvent};
use super::partner::{Partner, PartnerEvent};
use super::payment_run::{PaymentRun, PaymentRunEvent};
use super::person::{Person, PersonEvent};
use super::prescription::{OpenPrescription, OpenPrescriptionEvent, Prescription, PrescriptionEvent};
use super::programme::{Programme, ProgrammeEvent};
use super::publication::{Publication, PublicationEvent};
use super::referral::{Referral, ReferralEvent};
use super::session::{Session, SessionEvent};
use super::site::{Site, SiteEvent};
use super::thread::{Thread, ThreadEvent};
use super::{Aggregate, Event};

/// The aggregates of the record, once: whoever adds one adds a line here.
macro_rules! facts {
    ($($Aggregate:ident: $Event:ident),* $(,)?) => {
        /// A fact of any aggregate.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Fact {
            $(#[doc = concat!("A fact of a ", stringify!($Aggregate), ".")] $Aggregate($Event)),*
        }

        impl Fact {
            /// The stored names of the stream types.
            pub const STREAMS: &'static [&'static str] = &[$($Aggregate::TYPE),*];

            /// Read a stored payload of the version written today.
            ///
            /// # Errors
            /// When there is no such stream type, or the payload is not one of its events.
            pub fn read(stream_type: &str, payload: &str) -> serde_json::Result<Self> {
                match stream_type {
                    $($Aggregate::TYPE => serde_json::from_str(payload).map(Self::$Aggregate),)*
                    other => Err(serde_json::Error::custom(format!("no stream type {other}"))),
                }
            }

            /// The kind of the fact.
            #[must_use]
            pub fn kind(&self) -> &'static Kind {
                match self { $(Self::$Aggregate(event) => event.kind()),* }
            }

            /// What happened, in one sentence.
            #[must_use]
            pub fn sentence(&self) -> String {
                match self { $(Self::$Aggregate(event) => event.sentence()),* }
            }

            /// Every kind of event there is.
            pub fn kinds() -> impl Iterator<Item = &'static Kind> {
                [$($Event::KINDS),*].into_iter().flatten()
            }
        }

        impl Serialize for Fact {
            /// As the event itself is stored.
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self { $(Self::$Aggregate(event) => event.serialize(serializer)),* }
            }
        }

        $(
            impl From<$Event> for Fact {
                fn from(event: $Event) -> Self { Self::$Aggregate(event) }
            }

            impl TryFrom<Fact> for $Event {
                type Error = Fact;

                /// Take the event out, when it is of this aggregate.
                fn try_from(fact: Fact) -> Result<Self, Fact> {
                    if let Fact::$Aggregate(event) = fact { Ok(event) } else { Err(fact) }
                }
            }
        )*
    };
}

facts! {
    Partner: PartnerEvent,
    Fund: FundEvent,
    Programme: ProgrammeEvent,
    Delegation: DelegationEvent,
    Grant: GrantEvent,
    PaymentRun: PaymentRunEvent,
    Thread: ThreadEvent,
    InclusionTable: InclusionTableEvent,
    Person: PersonEvent,
    Referral: ReferralEvent,
    Contact: ContactEvent,
    Consultation: ConsultationEvent,
    Need: NeedEvent,
    Site: SiteEvent,
    Course: CourseEvent,
    Session: SessionEvent,
    Publication: PublicationEvent,
    Prescription: PrescriptionEvent,
    OpenPrescription: OpenPrescriptionEvent,
    Offer: OfferEvent,
    Keeping: KeepingEvent,
}

/// The facts that neither move money nor decide on any, as a pattern: the ledger, its laws and the receipts pass over
/// them. Whoever adds such an aggregate adds it here.
macro_rules! beside_money {
    () => {
        $crate::domain::record::Fact::Person(_)
            | $crate::domain::record::Fact::Thread(_)
            | $crate::domain::record::Fact::InclusionTable(_)
            | $crate::domain::record::Fact::Referral(_)
            | $crate::domain::record::Fact::Contact(_)
            | $crate::domain::record::Fact::Consultation(_)
            | $crate::domain::record::Fact::Need(_)
            | $crate::domain::record::Fact::Site(_)
            | $crate::domain::record::Fact::Course(_)
            | $crate::domain::record::Fact::Session(_)
            | $crate::domain::record::Fact::Publication(_)
            | $crate::domain::record::Fact::Offer(_)
            | $crate::domain::record::Fact::Prescription(_)
            | $crate::domain::record::Fact::OpenPrescription(_)
            | $crate::domain::record::Fact::Keeping(_)
    };
}
pub(crate) use beside_money;
