//! Looking consultations up: which there are, what was needed, what was promised, and what people said.

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use uuid::Uuid;

use super::super::{Area, Code, Community, Date, asked, size, told};
use super::{Commitment, Consultation, Need, YouSaidWeDid};
use crate::domain::consultation::{CommitmentStanding, ConsultationStatus, NeedStanding};
use crate::domain::identity::{NeedId, PartnerId, PersonId, VoiceId};
use crate::domain::vocabulary::NeedCode;
use crate::projections::consultations::Filter;

/// Which consultations to list.
#[derive(Debug, Clone, Default, InputObject)]
pub struct ConsultationFilter {
    /// That stand there.
    pub status: Option<Code<ConsultationStatus>>,
    /// Hosted by this partner.
    pub host_id: Option<Uuid>,
    /// In this area.
    pub area: Option<Code<Area>>,
    /// That sought this community.
    pub community: Option<Code<Community>>,
}

impl ConsultationFilter {
    fn read(self, first: Option<i32>, after: Option<String>) -> Result<Filter> {
        Ok(Filter {
            status: self.status.map(|code| code.0),
            host: self.host_id.map(PartnerId),
            area: self.area.map(|code| code.0),
            community: self.community.map(|code| code.0),
            limit: size(first)?,
            after,
            ..Filter::default()
        })
    }
}

/// Which needs to list.
#[derive(Debug, Clone, Default, InputObject)]
pub struct NeedFilter {
    /// That stand there.
    pub standing: Option<Code<NeedStanding>>,
    /// Of this kind.
    pub code: Option<Code<NeedCode>>,
    /// Heard in this area.
    pub area: Option<Code<Area>>,
    /// Heard where this community was sought.
    pub community: Option<Code<Community>>,
}

/// Which commitments to list.
#[derive(Debug, Clone, Default, InputObject)]
pub struct CommitmentFilter {
    /// That stand there.
    pub standing: Option<Code<CommitmentStanding>>,
    /// That this person answers for.
    pub owner_id: Option<Uuid>,
    /// Due before this day.
    pub due_before: Option<Date>,
}

/// Somebody’s own words.
#[derive(Clone, SimpleObject)]
pub struct VoiceWords {
    /// Whose, by a random id that says nothing else about them.
    pub id: Uuid,
    /// The words.
    pub words: String,
}

/// Queries about consultations.
#[derive(Default)]
pub struct ConsultationQueries;

#[Object]
impl ConsultationQueries {
    /// Consultations by reference. People of a partner see those that it hosts.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn consultations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which; all if left out.")] filter: Option<ConsultationFilter>,
        #[graphql(desc = "How many at most: 1 to 500; 50 if left out.")] first: Option<i32>,
        #[graphql(desc = "After the one with this reference.")] after: Option<String>,
    ) -> Result<Vec<Consultation>> {
        let (app, who) = asked(ctx)?;
        let filter = filter.unwrap_or_default().read(first, after)?;
        let found = app.consultations(who, filter).await.map_err(told)?;
        Ok(found.into_iter().map(Consultation).collect())
    }

    /// One consultation.
    async fn consultation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its id.")] id: Uuid,
    ) -> Result<Consultation> {
        let (app, who) = asked(ctx)?;
        app.consultation(who, id).await.map(Consultation).map_err(told)
    }

    /// Needs by reference, each with what was promised and where else it was heard. People of a partner see those of
    /// consultations that it hosts.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn needs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which; all if left out.")] filter: Option<NeedFilter>,
        #[graphql(desc = "How many at most: 1 to 500; 50 if left out.")] first: Option<i32>,
        #[graphql(desc = "After the one with this reference.")] after: Option<String>,
    ) -> Result<Vec<Need>> {
        let (app, who) = asked(ctx)?;
        let NeedFilter { standing, code, area, community } = filter.unwrap_or_default();
        let filter = Filter {
            need_standing: standing.map(|code| code.0),
            need_code: code.map(|code| code.0),
            area: area.map(|code| code.0),
            community: community.map(|code| code.0),
            limit: size(first)?,
            after,
            ..Filter::default()
        };
        let found = app.needs(who, filter).await.map_err(told)?;
        Ok(found.into_iter().map(Need).collect())
    }

    /// One need.
    async fn need(&self, ctx: &Context<'_>, #[graphql(desc = "Its id.")] id: Uuid) -> Result<Need> {
        let (app, who) = asked(ctx)?;
        app.need(who, NeedId(id)).await.map(Need).map_err(told)
    }

    /// Commitments by the day on which they are due. People of a partner see those of consultations that it hosts.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn commitments(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which; all if left out.")] filter: Option<CommitmentFilter>,
        #[graphql(desc = "How many at most: 1 to 500; 50 if left out.")] first: Option<i32>,
    ) -> Result<Vec<Commitment>> {
        let (app, who) = asked(ctx)?;
        let CommitmentFilter { standing, owner_id, due_before } = filter.unwrap_or_default();
        let filter = Filter {
            commitment_standing: standing.map(|code| code.0),
            owner: owner_id.map(PersonId),
            due_before: due_before.map(|day| day.0),
            limit: size(first)?,
            ..Filter::default()
        };
        let found = app.commitments(who, filter).await.map_err(told)?;
        Ok(found.into_iter().map(Commitment).collect())
    }

    /// You said, we did: what people said and what came of it, for everybody. A consultation is in it once those who
    /// came have been told.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn you_said_we_did(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which; all if left out.")] filter: Option<ConsultationFilter>,
        #[graphql(desc = "How many at most: 1 to 500; 50 if left out.")] first: Option<i32>,
        #[graphql(desc = "After the one with this reference.")] after: Option<String>,
    ) -> Result<Vec<YouSaidWeDid>> {
        let (app, who) = asked(ctx)?;
        let filter = filter.unwrap_or_default().read(first, after)?;
        let found = app.you_said_we_did(who, filter).await.map_err(told)?;
        Ok(found.iter().map(YouSaidWeDid::from).collect())
    }

    /// Somebody’s own words, from the vault. That they were read, by whom and why, is kept on the record.
    async fn voice_words(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The consultation.")] consultation_id: Uuid,
        #[graphql(desc = "Whose words.")] voice_id: Uuid,
        #[graphql(desc = "Why they are read.")] why: String,
    ) -> Result<VoiceWords> {
        let (app, who) = asked(ctx)?;
        let of = (consultation_id.into(), VoiceId(voice_id));
        let words = app.voice_words(who, of, &why).await.map_err(told)?;
        Ok(VoiceWords { id: voice_id, words: words.to_string() })
    }
}
