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
    /// Its short name in code and messages, in the past tense.
    pub title: &'static str,
    /// What it means.
    pub about: &'static str,
    /// Whether it may only be recorded with a reason.
    pub needs_reason: bool,
    /// What it carries.
    pub fields: &'static [Field],
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

/// Who a field could tell something about: the ground for deciding who may see it and how long it is kept.
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
}

impl DataClass {
    /// The words for it in the catalogue.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Money => "money",
            Self::Time => "time",
            Self::Reference => "reference",
            Self::Organisation => "organisation",
        }
    }
}

impl Field {
    /// The data class of the field, read from its type; `None` for a type nobody has classed yet, which a test
    /// refuses.
    #[must_use]
    pub fn data_class(&self) -> Option<DataClass> {
        let bare: String = self.kind.split_whitespace().collect();
        let inner = ["Option<", "Vec<", "BTreeSet<"]
            .iter()
            .find_map(|wrap| bare.strip_prefix(wrap).and_then(|rest| rest.strip_suffix('>')))
            .unwrap_or(&bare);
        Some(match inner {
            "Money" | "YearShare" => DataClass::Money,
            "Date" | "FinancialYear" => DataClass::Time,
            "PartnerId" | "FundId" | "ProgrammeId" | "GrantId" | "InstalmentId" | "ConditionId"
            | "PersonId" | "CommandId" | "Reference" | "Hash" | "GrantLink" | "NeedShare" | "VaultRef"
            | "PaymentReference" | "u8" | "u16" | "u32" | "bool" => DataClass::Reference,
            text if text.starts_with("Text<") => DataClass::Organisation,
            "Area" | "Community" | "LegalForm" | "CheckKind" | "CharityNumber" | "CompanyNumber"
            | "RecoveryRule" | "Restriction" | "Track" | "Route" | "Criterion" | "CriterionResult"
            | "Priority" | "Limits" | "Evidence" | "ReleaseCause" | "PlannedInstalment" | "AuthorityUsed"
            | "DeliveryShare" | "SignatoryRole" | "VerificationMethod" | "Score" => DataClass::Organisation,
            _ => return None,
        })
    }
}
