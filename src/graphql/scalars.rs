//! Scalars and codes: how money, dates and the closed lists of the domain look on the wire.

use std::borrow::Cow;
use std::str::FromStr;

use async_graphql::parser::types::Field;
use async_graphql::registry::{MetaEnumValue, MetaType, MetaTypeId, Registry};
use async_graphql::{
    ContextSelectionSet, InputType, InputValueError, InputValueResult, Name, OutputType, Positioned, Scalar,
    ScalarType, ServerResult, Value,
};
use rust_decimal::Decimal;

use crate::domain::Refusal;
use crate::domain::calendar;
use crate::domain::consultation::{
    CommitmentKind, CommitmentStanding, ConsultationStatus, FeedbackChannel, HeadBand, Method, NeedStanding,
    Rung, Strength, Trace, WhatYouMeant,
};
use crate::domain::contact::{Minutes, Service};
use crate::domain::course::Pillar;
use crate::domain::fund::{RecoveryRule, ReleaseCause};
use crate::domain::grant::{
    ConflictNature, GrantStatus, RecoveryGround, ReturnKind, ReturnStatus, ReviewOutcome, SignatoryRole,
    StoryConsent, SuspensionGround, VariationKind, VariationStatus,
};
use crate::domain::identity::Role;
use crate::domain::inclusion_table::InclusionBy;
use crate::domain::money;
use crate::domain::offer::{
    ChangeStatus, Joining, OfferField, OfferStatus, ReportOutcome, Weekday, WhatIsWrong,
};
use crate::domain::outcome::{BandName, Direction, Instrument, Item, Measure, Moment};
use crate::domain::partner::{CheckKind, LegalForm, PartnerStatus, VerificationMethod};
use crate::domain::payment_run::{BankResult, LineStatus, ReturnFinding, RunStatus};
use crate::domain::person::{ErasureGround, FirstMeeting};
use crate::domain::places::{Area, Community, Setting};
use crate::domain::postings::Movement;
use crate::domain::prescription::{
    AbsenceGroup, AskedBy, AttemptMeans, Attendance, ClosingReason, DeclineReason, Following,
    PrescriptionStatus, TellingMeans,
};
use crate::domain::programme::{Route, Track};
use crate::domain::publication::{Bound, CaveatKind, CountProblem, Countable, FigureUnit, MentionKind};
use crate::domain::receipt::DecisionKind;
use crate::domain::referral::{
    DeclineGround, RedirectTarget, ReferralSource, ReferralStatus, TellingChannel, Urgency,
};
use crate::domain::session::SessionStatus;
use crate::domain::text::TextProblem;
use crate::domain::thread::{Basis, BrokenKind, Relation, ThreadKind, ThreadStage};
use crate::domain::vocabulary::{Access, AgeBand, Channel, Language, NeedCode, SharedItem};
use crate::domain::waiting::WaitingKind;
use crate::domain::what_if::EffectKind;

/// A value that could not be read, with the code and the sentence of the domain.
fn unread<T: InputType>(refusal: &dyn Refusal) -> InputValueError<T> {
    InputValueError::custom(refusal).with_extension("code", refusal.code())
}

fn text<T: InputType>(value: &Value, otherwise: &dyn Refusal) -> Result<String, InputValueError<T>> {
    if let Value::String(text) = value { Ok(text.clone()) } else { Err(unread(otherwise)) }
}

/// An amount of pounds sterling as a string with two decimal places, such as "1234.50". Put in: above 0.00, below
/// 1,000,000,000.00, at most two places, never a number. Never rounded.
#[derive(Debug, Clone, Copy)]
pub struct Money(pub Decimal);

/// An amount of pounds sterling as a string with two decimal places, such as "1234.50". Put in: above 0.00, below
/// 1,000,000,000.00, at most two places, never a number. Never rounded.
#[Scalar]
impl ScalarType for Money {
    fn parse(value: Value) -> InputValueResult<Self> {
        let typed = text(&value, &money::MoneyProblem::Unreadable)?;
        let amount = money::Money::from_str(&typed).map_err(|problem| unread(&problem))?;
        Ok(Self(amount.pounds()))
    }

    fn to_value(&self) -> Value {
        Value::String(money::plain(self.0))
    }
}

impl Money {
    /// As an amount of the domain: what was parsed is one.
    ///
    /// # Errors
    /// When it is a sum that was not put in, such as nought.
    pub fn amount(self) -> Result<money::Money, money::MoneyProblem> {
        money::Money::new(self.0)
    }
}

impl From<money::Money> for Money {
    fn from(amount: money::Money) -> Self {
        Self(amount.pounds())
    }
}

/// A whole number of heads, views or other things counted: 0 or more, below 1,000,000,000,000, never a fraction.
#[derive(Debug, Clone, Copy)]
pub struct Count(pub u64);

/// A whole number of heads, views or other things counted: 0 or more, below 1,000,000,000,000, never a fraction.
#[Scalar]
impl ScalarType for Count {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::Number(number) = &value else { return Err(unread(&CountProblem::Unreadable)) };
        let read = match (number.as_u64(), number.as_i64()) {
            (Some(count), _) if count < 1_000_000_000_000 => Ok(Self(count)),
            (Some(_), _) => Err(CountProblem::TooLarge),
            (None, Some(_)) => Err(CountProblem::Negative),
            (None, None) => Err(CountProblem::Fraction),
        };
        read.map_err(|problem| unread(&problem))
    }

    fn to_value(&self) -> Value {
        Value::Number(self.0.into())
    }
}

/// A date without a time, such as "2026-04-01".
#[derive(Debug, Clone, Copy)]
pub struct Date(pub calendar::Date);

/// A date without a time, such as "2026-04-01".
#[Scalar]
impl ScalarType for Date {
    fn parse(value: Value) -> InputValueResult<Self> {
        let typed = text(&value, &calendar::DateProblem::Unreadable)?;
        calendar::read(&typed).map(Self).map_err(|problem| unread(&problem))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// A financial year, from 1 April to 31 March, such as "2026/27".
#[derive(Debug, Clone, Copy)]
pub struct FinancialYear(pub calendar::FinancialYear);

/// A financial year, from 1 April to 31 March, such as "2026/27".
#[Scalar]
impl ScalarType for FinancialYear {
    fn parse(value: Value) -> InputValueResult<Self> {
        let typed = text(&value, &calendar::YearProblem::Unreadable)?;
        typed.parse().map(Self).map_err(|problem: calendar::YearProblem| unread(&problem))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// Why a text cannot be read as a scalar of the API, by its name: the code and the sentence a request would get, that of
/// blank words too. Nothing for what can be read.
#[must_use]
pub fn unreadable(scalar: &str, value: &serde_json::Value) -> Option<(&'static str, String)> {
    fn said<T, R: Refusal>(read: Result<T, R>) -> Option<(&'static str, String)> {
        read.err().map(|refusal| (refusal.code(), refusal.to_string()))
    }
    let typed = value.as_str().unwrap_or_default();
    match scalar {
        "Money" => said(money::Money::from_str(typed)),
        "Date" => said(calendar::read(typed)),
        "FinancialYear" => said(typed.parse::<calendar::FinancialYear>()),
        "String" if typed.trim().is_empty() => said(Err::<(), _>(TextProblem::Blank)),
        _ => None,
    }
}

/// A closed list of the domain as a GraphQL enum: its codes in capitals, its words as descriptions.
pub trait Listed: Copy + Eq + Send + Sync + 'static {
    /// The name of the enum.
    const NAME: &'static str;
    /// What it lists.
    const ABOUT: &'static str;
    /// Its entries: code, words, value.
    fn entries() -> Vec<(&'static str, &'static str, Self)>;
}

/// One entry of a closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code<T>(pub T);

/// A code as the name of an enum's entry, which may not begin with a digit: `16_to_24` is `FROM_16_TO_24`.
fn capitals(code: &str) -> String {
    let before = if code.starts_with(|sign: char| sign.is_ascii_digit()) { "FROM_" } else { "" };
    format!("{before}{}", code.to_uppercase())
}

impl<T: Listed> Code<T> {
    fn enum_name(&self) -> Name {
        let entry = T::entries().into_iter().find(|(_, _, value)| *value == self.0);
        Name::new(entry.map_or_else(String::new, |(code, _, _)| capitals(code)))
    }

    fn meta() -> MetaType {
        let values = T::entries().into_iter().map(|(code, words, _)| {
            let name = capitals(code);
            let value = MetaEnumValue {
                name: name.clone(),
                description: Some(words.to_string()),
                deprecation: async_graphql::registry::Deprecation::NoDeprecated,
                visible: None,
                inaccessible: false,
                tags: Vec::new(),
                directive_invocations: Vec::new(),
            };
            (name, value)
        });
        MetaType::Enum {
            name: T::NAME.to_string(),
            description: Some(T::ABOUT.to_string()),
            enum_values: values.collect(),
            visible: None,
            inaccessible: false,
            tags: Vec::new(),
            rust_typename: Some(std::any::type_name::<Self>()),
            directive_invocations: Vec::new(),
            requires_scopes: Vec::new(),
        }
    }
}

impl<T: Listed> InputType for Code<T> {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        Cow::Borrowed(T::NAME)
    }

    fn create_type_info(registry: &mut Registry) -> String {
        registry.create_input_type::<Self, _>(MetaTypeId::Enum, |_| Self::meta())
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        let typed = match &value {
            Some(Value::Enum(name)) => name.as_str(),
            Some(Value::String(text)) => text.as_str(),
            _ => "",
        };
        T::entries()
            .into_iter()
            .find(|(code, _, _)| capitals(code) == typed)
            .map(|(_, _, value)| Self(value))
            .ok_or_else(|| {
                InputValueError::custom(format!("Choose an entry of {}: {typed:?} is none.", T::NAME))
                    .with_extension("code", "code.unknown")
            })
    }

    fn to_value(&self) -> Value {
        Value::Enum(self.enum_name())
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}

impl<T: Listed> OutputType for Code<T> {
    fn type_name() -> Cow<'static, str> {
        Cow::Borrowed(T::NAME)
    }

    fn create_type_info(registry: &mut Registry) -> String {
        registry.create_output_type::<Self, _>(MetaTypeId::Enum, |_| Self::meta())
    }

    async fn resolve(&self, _: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        Ok(Value::Enum(self.enum_name()))
    }
}

/// Give lists of the domain their GraphQL names.
macro_rules! listed {
    ($($Type:ty, $name:literal, $about:literal;)*) => { $(
        impl Listed for $Type {
            const NAME: &'static str = $name;
            const ABOUT: &'static str = $about;
            fn entries() -> Vec<(&'static str, &'static str, Self)> {
                let known = Self::ALL.iter().filter(|one| one.code() != "none");
                known.map(|one| (one.code(), one.words(), *one)).collect()
            }
        }
    )* };
}

listed! {
    Area, "Area", "An area of the region that partners work in and funds are meant for.";
    Community, "Community", "A community a partner serves: who its work is for.";
    LegalForm, "LegalForm", "What an organisation is in law.";
    CheckKind, "CheckKind", "A due-diligence check.";
    PartnerStatus, "PartnerStatus", "Where a partner stands.";
    VerificationMethod, "VerificationMethod", "How bank details were verified.";
    RecoveryRule, "RecoveryRule", "What becomes of money that is recovered.";
    ReleaseCause, "ReleaseCause", "Why money set aside or promised is free again.";
    Track, "Track", "How much ceremony an award of this size deserves.";
    Route, "Route", "How partners come to ask.";
    GrantStatus, "GrantStatus", "Where a grant stands.";
    ConflictNature, "ConflictNature", "What kind of interest stands against somebody judging a grant.";
    SignatoryRole, "SignatoryRole", "In what standing somebody signs for a partner.";
    RunStatus, "RunStatus", "Where a payment run stands.";
    LineStatus, "LineStatus", "What became of a line of a payment run.";
    BankResult, "BankResult", "What a bank says became of a payment.";
    ReturnFinding, "ReturnFinding", "What was found out about a payment that the bank says came back, though the partner had repaid it.";
    Movement, "Movement", "What kind of movement a line of the ledger is.";
    ReturnKind, "ReturnKind", "Which return of a grant.";
    ReturnStatus, "ReturnStatus", "How far a return has come.";
    StoryConsent, "StoryConsent", "What the person whose story it is agreed to.";
    VariationKind, "VariationKind", "What a variation changes.";
    VariationStatus, "VariationStatus", "What came of a variation.";
    SuspensionGround, "SuspensionGround", "What a grant is suspended for.";
    RecoveryGround, "RecoveryGround", "Why money that was paid is asked back.";
    ReviewOutcome, "ReviewOutcome", "What a yearly review came to.";
    DecisionKind, "DecisionKind", "What kind of decision has a receipt.";
    Setting, "Setting", "What kind of place activity happens in.";
    Pillar, "Pillar", "The pillar of the social model of health that a course stands under.";
    SessionStatus, "SessionStatus", "How far a session has come.";
    FigureUnit, "FigureUnit", "What a published figure counts. Figures of different units are never added.";
    Bound, "Bound", "How a printed value is meant.";
    Countable, "Countable", "What this record counts itself, so that a published figure can be set beside it.";
    CaveatKind, "CaveatKind", "What stands between figures that a caveat names.";
    MentionKind, "MentionKind", "What a document names beside its figures.";
    PrescriptionStatus, "PrescriptionStatus", "Where a prescription stands.";
    ClosingReason, "ClosingReason", "Why a prescription came to its end.";
    DeclineReason, "DeclineReason", "Why a partner does not take somebody on.";
    AttemptMeans, "AttemptMeans", "How somebody was tried to be reached.";
    Attendance, "Attendance", "How a session was attended.";
    AbsenceGroup, "AbsenceGroup", "Why somebody did not attend, in groups.";
    AskedBy, "AskedBy", "Who asked the questions of an instrument.";
    Following, "Following", "How a prescription follows another.";
    TellingMeans, "TellingMeans", "How a referrer was told what came of a prescription.";
    Instrument, "Instrument", "An outcome instrument.";
    Item, "OutcomeItem", "One question of an outcome instrument.";
    Measure, "OutcomeMeasure", "What a score stands for.";
    BandName, "OutcomeBandName", "A band of scores.";
    Moment, "OutcomeMoment", "When an instrument was answered.";
    Direction, "OutcomeDirection", "Which way a score went.";
    ThreadKind, "ThreadKind", "What the golden thread joins, from what was heard to what shows that it helped.";
    Relation, "ThreadRelation", "How one thing on the thread is joined to another.";
    Basis, "ThreadBasis", "How a link of the thread is known.";
    ThreadStage, "ThreadStage", "A stage of the thread, in the order in which they are meant to be reached.";
    BrokenKind, "BrokenKind", "Where a thread is broken.";
    InclusionBy, "InclusionBy", "By what people are told apart in a table.";
    OfferStatus, "OfferStatus", "Where an offer stands.";
    OfferField, "OfferField", "A field of an offer.";
    Joining, "Joining", "How people come to take part.";
    Weekday, "Weekday", "A day of the week.";
    ChangeStatus, "OfferChangeStatus", "What came of a change that was proposed.";
    WhatIsWrong, "WhatIsWrong", "What somebody says is wrong with an entry of the directory.";
    ReportOutcome, "OfferReportOutcome", "What came of a report that an entry is wrong.";
    WaitingKind, "WaitingKind", "A kind of thing that waits for somebody.";
    EffectKind, "WhatIfKind", "What another rule would have meant for a grant.";
    NeedCode, "NeedCode", "What somebody needs, as advisors and partners name it: never a diagnosis.";
    Language, "Language", "A language, by its BCP 47 tag.";
    Access, "Access", "What makes it possible for people to take part.";
    AgeBand, "AgeBand", "An age in bands.";
    ConsultationStatus, "ConsultationStatus", "Where a consultation stands.";
    Method, "ConsultationMethod", "How people are listened to.";
    Rung, "Rung", "A rung of the ladder of co-production of Think Local Act Personal, the lowest first.";
    HeadBand, "HeadBand", "How many people came, in bands: a small number could tell who was there.";
    Strength, "NeedStrength", "How many of those who were there said so.";
    NeedStanding, "NeedStanding", "What became of a need.";
    CommitmentKind, "CommitmentKind", "What kind of promise a commitment is.";
    CommitmentStanding, "CommitmentStanding", "What became of a commitment.";
    FeedbackChannel, "FeedbackChannel", "How those who were heard are told what came of it.";
    WhatYouMeant, "WhatYouMeant", "What people answered when they were asked whether it is what they meant.";
    Trace, "Trace", "Something in a text that looks as if it could tell who somebody is.";
    Channel, "Channel", "How somebody is talked to.";
    SharedItem, "SharedItem", "A thing about a person that they may agree to have shared with a partner.";
    FirstMeeting, "FirstMeeting", "How a person came to be met.";
    ErasureGround, "ErasureGround", "Why a person is forgotten.";
    ReferralSource, "ReferralSource", "Who referred a person.";
    ReferralStatus, "ReferralStatus", "Where a referral stands.";
    Urgency, "Urgency", "How soon a referral has to be looked at.";
    DeclineGround, "ReferralDeclineGround", "Why a referral is not taken on.";
    RedirectTarget, "RedirectTarget", "Where a referral is sent on to.";
    TellingChannel, "TellingChannel", "How a referrer is told what came of it.";
    Minutes, "MinutesBand", "How long a talk took, in bands.";
    Service, "SignpostService", "Where somebody can be pointed that is no partner’s offer.";
}

impl Listed for Role {
    const NAME: &'static str = "Role";
    const ABOUT: &'static str = "In what capacity somebody acts.";

    fn entries() -> Vec<(&'static str, &'static str, Self)> {
        Self::ALL.into_iter().map(|role| (role.name(), role.words(), role)).collect()
    }
}
