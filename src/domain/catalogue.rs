//! What kinds of event there are: generated from the events themselves, printed as docs/events.md.

/// One kind of stored event.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// The stream type it is stored under.
    pub stream: &'static str,
    /// Its stored name, for ever.
    pub name: &'static str,
    /// The version written today; older ones are upcast when read.
    pub version: u16,
    /// What it means.
    pub about: &'static str,
    /// Whether it may only be recorded with a reason.
    pub needs_reason: bool,
    /// What it carries.
    pub fields: &'static [Field],
}

impl Kind {
    /// Its stored name as words, for people: `grant payment returned`.
    #[must_use]
    pub fn words(&self) -> String {
        self.name.replace(['.', '_'], " ")
    }
}

/// One field of an event.
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name in the stored payload.
    pub name: &'static str,
    /// Its type in the code.
    pub kind: &'static str,
    /// What it means, with its unit.
    pub about: &'static str,
}

/// Whom a field could tell something about: the ground for deciding who may see it and how long it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataClass {
    /// Amounts of public money.
    Money,
    /// Dates and years.
    Time,
    /// Identifiers, references, hashes and codes that say nothing by themselves.
    Reference,
    /// Words and codes about an organisation, a fund or a programme; never about a private person.
    Organisation,
    /// Somebody who acts in the system, by an opaque id, and what they stand for. Whoever has the accounts knows who
    /// it is: pseudonymous personal data.
    Actor,
    /// Somebody who is helped, by an opaque reference, codes and bands: pseudonymous personal data as long as the vault
    /// knows who it is.
    Person,
}

impl DataClass {
    /// Every class.
    pub const ALL: [Self; 6] =
        [Self::Money, Self::Time, Self::Reference, Self::Organisation, Self::Actor, Self::Person];

    /// The words for it in the catalogue.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Money => "money",
            Self::Time => "time",
            Self::Reference => "reference",
            Self::Organisation => "organisation",
            Self::Actor => "actor",
            Self::Person => "person",
        }
    }

    /// The types of this class, as they stand in the code; those of any length without the length.
    #[must_use]
    #[expect(clippy::too_many_lines, reason = "a list: every type that may stand in an event")]
    pub const fn types(self) -> &'static [&'static str] {
        match self {
            Self::Money => &["ClosedFigures", "Money", "Pence", "RecoveredShare", "Tally", "YearShare"],
            Self::Time => &["Date", "FinancialYear", "PartialDate", "TimeOfDay"],
            Self::Reference => &[
                "CaseNumber",
                "CommitmentId",
                "ConditionId",
                "ConsultationId",
                "ContactId",
                "CourseId",
                "EventRange",
                "FactLabel",
                "FactRef",
                "FigureId",
                "Followed",
                "FundId",
                "Basis",
                "Relation",
                "ThreadEnd",
                "GrantId",
                "GrantLink",
                "Hash",
                "InstalmentId",
                "NeedCode",
                "NeedId",
                "NeedShare",
                "OfferChangeId",
                "OfferId",
                "OfferReportId",
                "OutcomeId",
                "PartnerId",
                "PrescriptionId",
                "ProgrammeId",
                "RecoveryId",
                "Reference",
                "ReferralId",
                "ReturnId",
                "RunId",
                "Scope",
                "SiteId",
                "TransferId",
                "Uuid",
                "VariationId",
                "VaultRef",
                "VerifierKey",
                "bool",
                "u32",
                "u64",
                "u8",
            ],
            Self::Organisation => &[
                "Access",
                "Area",
                "AuthorityUsed",
                "CaveatKind",
                "Change",
                "CheckKind",
                "Citation",
                "CommitmentKind",
                "Community",
                "Countable",
                "Coverage",
                "Criterion",
                "CriterionResult",
                "DecisionRules",
                "DeliveryShare",
                "Evidence",
                "FeedbackChannel",
                "FigureUnit",
                "FigureValue",
                "Language",
                "LegalForm",
                "Limits",
                "MentionKind",
                "Method",
                "MonitoringReport",
                "OfferChange",
                "OfferContent",
                "Pillar",
                "PlannedInstalment",
                "PublishedTables",
                "Priority",
                "RecoveryGround",
                "RecoveryRule",
                "ReleaseCause",
                "Replan",
                "ReportOutcome",
                "Restriction",
                "ReturnFinding",
                "ReturnTerms",
                "ReviewOutcome",
                "Route",
                "RunExit",
                "Rung",
                "Setting",
                "ShownBy",
                "Standing",
                "SuspensionGround",
                "Text",
                "Track",
                "VerificationMethod",
                "WhatIsWrong",
            ],
            Self::Actor => &["ConflictNature", "FirstApproval", "Panel", "PersonId", "SignatoryRole"],
            Self::Person => &[
                "AbsenceGroup",
                "Answer",
                "AskedBy",
                "AttemptMeans",
                "Channel",
                "ClosingReason",
                "DeclineGround",
                "DeclineReason",
                "ErasureGround",
                "FirstMeeting",
                "GroupHeads",
                "Instrument",
                "Minutes",
                "Moment",
                "PersonRef",
                "Profile",
                "RedirectTarget",
                "ReferralSource",
                "SharedItem",
                "Signpost",
                "Strength",
                "TellingChannel",
                "TellingMeans",
                "Trace",
                "Urgency",
                "VoiceId",
                "WhatYouMeant",
            ],
        }
    }
}

impl Field {
    /// Its type without what it is wrapped in and without its length: what is classed.
    #[must_use]
    pub fn bare_type(&self) -> &'static str {
        let wrapped = ["Option<", "Vec<", "BTreeSet<"]
            .iter()
            .find_map(|wrap| self.kind.strip_prefix(wrap).and_then(|rest| rest.strip_suffix('>')));
        let inner = wrapped.unwrap_or(self.kind);
        inner.split_once('<').map_or(inner, |(bare, _)| bare)
    }

    /// The data class of the field, read from its type; `None` for a type nobody has classed yet, which a test
    /// refuses.
    #[must_use]
    pub fn data_class(&self) -> Option<DataClass> {
        DataClass::ALL.into_iter().find(|class| class.types().contains(&self.bare_type()))
    }
}

/// The catalogue as a page.
pub fn markdown<'a>(kinds: impl IntoIterator<Item = &'a Kind>) -> String {
    let mut lines = vec![TOP.to_owned()];
    let mut stream = "";
    for kind in kinds {
        if kind.stream != stream {
            stream = kind.stream;
            lines.push(format!("## {stream}\n"));
        }
        let reason = if kind.needs_reason { " It needs a reason." } else { "" };
        lines.push(format!("### {}, version {}\n{}{reason}\n", kind.name, kind.version, kind.about.trim()));
        if kind.fields.is_empty() {
            continue;
        }
        lines.push("| Field | Type | Class | Meaning |\n|---|---|---|---|".to_owned());
        for field in kind.fields {
            let class = field.data_class().map_or("not classed", DataClass::words);
            let about = field.about.trim();
            lines.push(format!("| `{}` | `{}` | {class} | {about} |", field.name, field.kind));
        }
        lines.push(String::new());
    }
    lines.join("\n")
}

const TOP: &str = "# The events

Every kind of fact that the log can hold, with the shape written today. A stored name is never changed or used again;
samples of every version stand in `fixtures/events/` and must read for ever.

This page is generated from the `events!` entries of `src/domain/` by `src/domain/catalogue.rs`, and a test compares
the two. Write it anew with `UPDATE=1 cargo test --test it events`; never by hand.

Beside its fields, each event is stored with its place in the log and in its stream, when it was recorded, the day it
takes effect, who acted in which role, the command it came from and, where one was given, the reason. The class of a
field says whom it could tell something about.
";
