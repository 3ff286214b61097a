//! Partners: what can be done with them, and the directory.

use uuid::Uuid;

use super::authority::{may, of_partner};
use super::{App, Done, Failure, How};
use crate::auth::Identity;
use crate::domain::bank::BankDetails;
use crate::domain::calendar::Date;
use crate::domain::evidence::Evidence;
use crate::domain::grant::Grant;
use crate::domain::identity::{GrantId, PartnerId, ReferenceKind, Role};
use crate::domain::money::Money;
use crate::domain::partner::{
    Application, CheckKind, Partner, PartnerCommand, PartnerStatus, VerificationMethod,
};
use crate::domain::places::{Area, Community};
use crate::domain::text::Text;
use crate::projections::partners::{PartnerRecord, Search, count, search, subsidised};
use crate::projections::{one, several};
use crate::store::vault::Kind;
use std::collections::{BTreeSet, HashMap};

/// What an organisation says of itself, before it has a reference.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of partner.applied")]
pub struct NewPartner {
    pub name: Text<200>,
    pub legal_form: crate::domain::partner::LegalForm,
    pub charity_number: Option<Text<20>>,
    pub company_number: Option<Text<20>>,
    pub areas: BTreeSet<Area>,
    pub communities: BTreeSet<Community>,
    pub summary: Text<1000>,
}

/// What can be done with a partner that is on the record, once each.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of the events they lead to")]
pub enum Step {
    RequireCheck { check: CheckKind },
    SubmitCheckEvidence { check: CheckKind, evidence: Evidence },
    PassCheck { check: CheckKind, valid_until: Option<Date> },
    FailCheck { check: CheckKind },
    WaiveCheck { check: CheckKind, until: Date },
    RecordCheckLapse { check: CheckKind },
    Approve { next_review: Date },
    Decline,
    Withdraw,
    Suspend,
    Reinstate,
    Review { next_review: Date },
    VerifyBankDetails { bank_version: u32, method: VerificationMethod },
    DeclareSubsidy { body: Text<200>, amount: Money, given_on: Date },
    PublishSubsidy { grant: GrantId, entry: Text<60> },
}

/// What goes before minimal financial assistance.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of the events they lead to")]
pub enum SubsidyStep {
    Notify { amount: Money },
    Confirm { evidence: Evidence },
}

impl Step {
    /// The field of the API, and the command.
    fn parts(self) -> (&'static str, PartnerCommand) {
        match self {
            Self::RequireCheck { check } => ("requireCheck", PartnerCommand::RequireCheck { check }),
            Self::SubmitCheckEvidence { check, evidence } => {
                ("submitCheckEvidence", PartnerCommand::SubmitCheckEvidence { check, evidence })
            }
            Self::PassCheck { check, valid_until } => {
                ("passCheck", PartnerCommand::PassCheck { check, valid_until })
            }
            Self::FailCheck { check } => ("failCheck", PartnerCommand::FailCheck { check }),
            Self::WaiveCheck { check, until } => ("waiveCheck", PartnerCommand::WaiveCheck { check, until }),
            Self::RecordCheckLapse { check } => ("recordCheckLapse", PartnerCommand::RecordLapse { check }),
            Self::Approve { next_review } => ("approvePartner", PartnerCommand::Approve { next_review }),
            Self::Decline => ("declinePartner", PartnerCommand::Decline),
            Self::Withdraw => ("withdrawPartnerApplication", PartnerCommand::Withdraw),
            Self::Suspend => ("suspendPartner", PartnerCommand::Suspend),
            Self::Reinstate => ("reinstatePartner", PartnerCommand::Reinstate),
            Self::Review { next_review } => ("reviewPartner", PartnerCommand::Review { next_review }),
            Self::VerifyBankDetails { bank_version, method } => {
                ("verifyBankDetails", PartnerCommand::VerifyBankDetails { bank_version, method })
            }
            Self::DeclareSubsidy { body, amount, given_on } => {
                ("declareSubsidy", PartnerCommand::DeclareSubsidy { body, amount, given_on })
            }
            Self::PublishSubsidy { grant, entry } => {
                ("recordSubsidyPublished", PartnerCommand::PublishSubsidy { grant, entry })
            }
        }
    }
}

impl App {
    /// Record an organisation’s application to become a partner.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn apply_as_partner(
        &self,
        who: &Identity,
        how: &How,
        new: NewPartner,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "applyAsPartner", how)?;
        let id = order.envelope.command.makes("partner");
        let app = self.clone();
        self.carry_out::<Partner, _>(order, id, move |work| {
            let (app, new) = (app.clone(), new.clone());
            Box::pin(async move {
                let reference = app.reference(ReferenceKind::Partner, work).await?;
                let NewPartner {
                    name,
                    legal_form,
                    charity_number,
                    company_number,
                    areas,
                    communities,
                    summary,
                } = new;
                let command = PartnerCommand::Apply(Application {
                    reference,
                    name,
                    legal_form,
                    charity_number,
                    company_number,
                    areas,
                    communities,
                    summary,
                });
                Ok(work.execute::<Partner>(id, command).await?)
            })
        })
        .await
    }

    /// Take one step with a partner.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn step_with_partner(
        &self,
        who: &Identity,
        how: &How,
        partner: PartnerId,
        step: Step,
    ) -> Result<Done, Failure> {
        let (deed, command) = step.parts();
        let order = self.order(who, deed, how)?;
        of_partner(who, partner, "partner")?;
        self.ask::<Partner>(order, partner, command).await
    }

    /// Hand in bank details. They go into the vault; the log holds where, and a commitment.
    ///
    /// # Errors
    /// See [`Failure`]; when the record refuses them, they are taken out of the vault again.
    pub async fn submit_bank_details(
        &self,
        who: &Identity,
        how: &How,
        partner: PartnerId,
        details: &BankDetails,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "submitBankDetails", how)?;
        of_partner(who, partner, "partner")?;
        let kept = self.vault.seal(partner.0, Kind::BankDetails, &details.to_vault()).await?;
        let item = kept.item;
        let done =
            self.ask::<Partner>(order, partner, PartnerCommand::SubmitBankDetails { details: kept }).await;
        if !matches!(&done, Ok(done) if !done.repeated) {
            self.vault.discard(item).await?;
        }
        done
    }

    /// Tell a partner that a grant of its own is to be minimal financial assistance, or take its confirmation in.
    ///
    /// # Errors
    /// See [`Failure`]; nothing is told of a grant that is another partner’s.
    pub async fn prepare_subsidy(
        &self,
        who: &Identity,
        how: &How,
        (partner, grant): (PartnerId, GrantId),
        step: SubsidyStep,
    ) -> Result<Done, Failure> {
        let (deed, command) = match step {
            SubsidyStep::Notify { amount } => {
                ("notifySubsidy", PartnerCommand::NotifySubsidy { grant, amount })
            }
            SubsidyStep::Confirm { evidence } => {
                ("confirmSubsidy", PartnerCommand::ConfirmSubsidy { grant, evidence })
            }
        };
        let order = self.order(who, deed, how)?;
        of_partner(who, partner, "partner")?;
        self.carry_out::<Partner, _>(order, partner.0, move |work| {
            let command = command.clone();
            Box::pin(async move {
                work.existing::<Partner>(partner).await?;
                if work.existing::<Grant>(grant).await?.case()?.subject.partner != partner {
                    return Err(Failure::NotFound("grant"));
                }
                Ok(work.execute::<Partner>(partner, command).await?)
            })
        })
        .await
    }

    /// Partners that were given minimal financial assistance here.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn subsidies(&self, who: &Identity) -> Result<Vec<(Uuid, PartnerRecord)>, Failure> {
        may(who, "subsidies")?;
        Ok(subsidised(self.store.pool()).await?)
    }

    /// The partners a search finds, and how many there are. Partners that are not approved are for staff, auditors
    /// and the partner itself.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn partners(
        &self,
        who: &Identity,
        mut wanted: Search,
    ) -> Result<(Vec<(Uuid, PartnerRecord)>, i64), Failure> {
        may(who, "partners")?;
        if !sees_all(who) {
            wanted.statuses = Some(vec![PartnerStatus::Approved]);
        }
        let pool = self.store.pool();
        Ok((search(pool, &wanted).await?, count(pool, &wanted).await?))
    }

    /// One partner.
    ///
    /// # Errors
    /// See [`Failure`]; one that whoever asks may not see is answered as if it did not exist.
    pub async fn partner(&self, who: &Identity, id: Uuid) -> Result<PartnerRecord, Failure> {
        may(who, "partner")?;
        let found = one::<PartnerRecord>(self.store.pool(), id).await?.ok_or(Failure::NotFound("partner"))?;
        let own = who.partner == Some(PartnerId(id));
        if sees_all(who) || own || found.status == PartnerStatus::Approved {
            Ok(found)
        } else {
            Err(Failure::NotFound("partner"))
        }
    }

    /// Partners by their ids, for what names them.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn partners_named(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, PartnerRecord>, Failure> {
        Ok(several(self.store.pool(), ids).await?)
    }
}

/// Whether somebody sees partners that are not approved, and the checks and bank standing of any.
#[must_use]
pub const fn sees_all(who: &Identity) -> bool {
    match who.role {
        Role::Commissioner
        | Role::Approver
        | Role::Finance
        | Role::Auditor
        | Role::Inclusion
        | Role::Advisor => true,
        Role::PartnerAdmin | Role::PartnerWorker | Role::Public => false,
    }
}
