//! Commands of listening: planning and holding a consultation, people's own words, the needs that were heard.

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use uuid::Uuid;

use super::super::{Area, Code, Community, Date, Entered, EvidenceInput, Meant, Receipt, asked, told};
use super::Consultation;
use crate::app::consultations::{NeedHeard, NewConsultation, Step};
use crate::app::{Done, Failure};
use crate::domain::consultation::{GroupHeads, HeadBand, Method, Rung, Strength};
use crate::domain::identity::{ConsultationId, NeedId, PartnerId, VoiceId};
use crate::domain::text::Text;
use crate::domain::vocabulary::{Access, Language, NeedCode};

/// A consultation that is planned.
#[derive(Debug, Clone, InputObject)]
pub struct PlanConsultationInput {
    /// What it is called, at most 200 characters. Public words: nobody is named.
    pub title: String,
    /// What it is to find out, at most 500 characters. Public words.
    pub purpose: String,
    /// The decision that what is said can still influence, at most 500 characters. Public words.
    pub decision: String,
    /// The rung of the ladder of co-production that is intended.
    pub rung_intended: Code<Rung>,
    /// How people are listened to.
    pub method: Code<Method>,
    /// Whose voices are sought: at least one community.
    pub communities: Vec<Code<Community>>,
    /// The partner that hosts it; left out when it is our own.
    pub host_id: Option<Uuid>,
    /// The area it takes place in.
    pub area: Code<Area>,
    /// The place, such as a hall, at most 200 characters.
    pub venue: String,
    /// The day it is planned for.
    pub on: Date,
    /// What makes it possible for people to take part.
    pub access: Vec<Code<Access>>,
    /// The languages it is held in: at least one.
    pub languages: Vec<Code<Language>>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

impl PlanConsultationInput {
    fn read(self) -> Result<(Meant, NewConsultation), Failure> {
        let mut entered = Entered::default();
        let title = entered.text("title", &self.title);
        let purpose = entered.text("purpose", &self.purpose);
        let decision = entered.text("decision", &self.decision);
        let venue = entered.text("venue", &self.venue);
        let taken = title.zip(purpose).zip(decision.zip(venue));
        let taken = taken.map(|((title, purpose), (decision, venue))| NewConsultation {
            title,
            purpose,
            decision,
            rung_intended: self.rung_intended.0,
            method: self.method.0,
            communities: self.communities.iter().map(|code| code.0).collect(),
            host: self.host_id.map(PartnerId),
            area: self.area.0,
            venue,
            on: self.on.0,
            access: self.access.iter().map(|code| code.0).collect(),
            languages: self.languages.iter().map(|code| code.0).collect(),
        });
        Ok((self.meant, entered.all(taken)?))
    }
}

/// A step with a consultation, and nothing more.
#[derive(Debug, Clone, InputObject)]
pub struct ConsultationInput {
    /// The consultation.
    pub consultation_id: Uuid,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// How many of a community came.
#[derive(Debug, Clone, InputObject)]
pub struct GroupHeadsInput {
    /// The community.
    pub group: Code<Community>,
    /// How many, in bands.
    pub heads: Code<HeadBand>,
}

/// A consultation that was held.
#[derive(Debug, Clone, InputObject)]
pub struct HoldConsultationInput {
    /// The consultation.
    pub consultation_id: Uuid,
    /// The day it was held, not ahead.
    pub on: Date,
    /// How many of each community came, in bands: each community once.
    pub heads: Vec<GroupHeadsInput>,
    /// Whether somebody may count in more than one community.
    pub groups_overlap: bool,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// Somebody’s own words. They go into the vault.
#[derive(Debug, Clone, InputObject)]
pub struct RecordVoiceInput {
    /// The consultation.
    pub consultation_id: Uuid,
    /// For which community they speak.
    pub group: Code<Community>,
    /// The words, at most 4,000 characters.
    pub words: String,
    /// Whether whoever said it agreed that it may be published.
    pub may_be_published: bool,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A step with somebody’s own words.
#[derive(Debug, Clone, InputObject)]
pub struct VoiceInput {
    /// The consultation.
    pub consultation_id: Uuid,
    /// Whose words.
    pub voice_id: Uuid,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// What somebody found who read another’s words.
#[derive(Debug, Clone, InputObject)]
pub struct CheckVoiceInput {
    /// The consultation.
    pub consultation_id: Uuid,
    /// Whose words.
    pub voice_id: Uuid,
    /// Whether nobody can be recognised in them.
    pub names_nobody: bool,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A need that was heard.
#[derive(Debug, Clone, InputObject)]
pub struct HearNeedInput {
    /// The consultation.
    pub consultation_id: Uuid,
    /// The id under which programmes and grants named it before it came on the record; left out for a new need.
    pub need_id: Option<Uuid>,
    /// The theme it belongs to, at most 100 characters. Public words: nobody is named.
    pub theme: String,
    /// The need in plain words, at most 300 characters. Public words.
    pub statement: String,
    /// The kinds of need it is, as offers name them.
    pub codes: Vec<Code<NeedCode>>,
    /// The voices that say so.
    pub voice_ids: Option<Vec<Uuid>>,
    /// How many of those who were there said so.
    pub strength: Code<Strength>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A need that turned out to be one with another.
#[derive(Debug, Clone, InputObject)]
pub struct MergeNeedInput {
    /// The consultation at which it was heard.
    pub consultation_id: Uuid,
    /// The need that goes into the other.
    pub need_id: Uuid,
    /// The need that stands for both, heard here or at another consultation.
    pub into_need_id: Uuid,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A need in other words.
#[derive(Debug, Clone, InputObject)]
pub struct RewordNeedInput {
    /// The consultation.
    pub consultation_id: Uuid,
    /// The need.
    pub need_id: Uuid,
    /// The need in plain words, at most 300 characters. Public words: nobody is named.
    pub statement: String,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// What was heard, written up.
#[derive(Debug, Clone, InputObject)]
pub struct WriteUpConsultationInput {
    /// The consultation.
    pub consultation_id: Uuid,
    /// The document.
    pub report: EvidenceInput,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// Themes that those who were there agreed on.
#[derive(Debug, Clone, InputObject)]
pub struct AgreeThemesInput {
    /// The consultation.
    pub consultation_id: Uuid,
    /// How those who were there checked them, at most 500 characters.
    pub how_checked: String,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// What a command on a consultation leads to.
#[derive(SimpleObject)]
pub struct ConsultationPayload {
    /// Proof that it was carried out.
    pub receipt: Receipt,
    /// The consultation as it stands now.
    pub consultation: Consultation,
}

pub(super) async fn payload(ctx: &Context<'_>, done: Result<Done, Failure>) -> Result<ConsultationPayload> {
    let done = done.map_err(told)?;
    let (app, _) = asked(ctx)?;
    let seen = app.consultation_named(done.id).await.map_err(told)?;
    Ok(ConsultationPayload { receipt: done.into(), consultation: Consultation(seen) })
}

/// Take one step with a consultation.
pub(super) async fn step(
    ctx: &Context<'_>,
    consultation: Uuid,
    meant: Meant,
    step: Step,
) -> Result<ConsultationPayload> {
    let (app, who) = asked(ctx)?;
    let how = meant.how().map_err(told)?;
    payload(ctx, app.step_with_consultation(who, &how, ConsultationId(consultation), step).await).await
}

/// One field of words, or what is wrong with it.
pub(super) fn words<const MAX: usize>(field: &str, typed: &str) -> Result<Text<MAX>> {
    let mut entered = Entered::default();
    let taken = entered.text(field, typed);
    entered.all(taken).map_err(told)
}

/// Commands of listening.
#[derive(Default)]
pub struct ListeningMutations;

#[Object]
impl ListeningMutations {
    /// Plan to listen to people: what for, what it can still change, and how they can take part.
    async fn plan_consultation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The consultation.")] input: PlanConsultationInput,
    ) -> Result<ConsultationPayload> {
        let (app, who) = asked(ctx)?;
        let (meant, new) = input.read().map_err(told)?;
        let how = meant.how().map_err(told)?;
        payload(ctx, app.plan_consultation(who, &how, new).await).await
    }

    /// Record that a consultation was held, and who came, in bands.
    async fn hold_consultation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "When, and who came.")] input: HoldConsultationInput,
    ) -> Result<ConsultationPayload> {
        let heads = input.heads.iter().map(|one| GroupHeads { group: one.group.0, heads: one.heads.0 });
        let hold =
            Step::Hold { on: input.on.0, heads: heads.collect(), groups_overlap: input.groups_overlap };
        step(ctx, input.consultation_id, input.meant, hold).await
    }

    /// Call a consultation off; also one to which nobody came. Needs a reason.
    async fn cancel_consultation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: ConsultationInput,
    ) -> Result<ConsultationPayload> {
        step(ctx, input.consultation_id, input.meant, Step::Cancel).await
    }

    /// Keep somebody’s own words in the vault.
    async fn record_voice(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The words.")] input: RecordVoiceInput,
    ) -> Result<ConsultationPayload> {
        let (app, who) = asked(ctx)?;
        let said = words("words", &input.words)?;
        let how = input.meant.how().map_err(told)?;
        let consultation = ConsultationId(input.consultation_id);
        let of = (input.group.0, input.may_be_published);
        payload(ctx, app.record_voice(who, &how, consultation, of, &said).await).await
    }

    /// Say whether somebody can be recognised in words that another recorded. Words that look as if they named
    /// somebody are not passed this way: `overruleVoiceCheck` does, with a reason.
    async fn check_voice(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What was found.")] input: CheckVoiceInput,
    ) -> Result<ConsultationPayload> {
        let voice = VoiceId(input.voice_id);
        let check = Step::CheckVoice { voice, names_nobody: input.names_nobody };
        step(ctx, input.consultation_id, input.meant, check).await
    }

    /// Say that nobody can be recognised in words that look as if they named somebody. Needs a reason.
    async fn overrule_voice_check(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose words.")] input: VoiceInput,
    ) -> Result<ConsultationPayload> {
        let overrule = Step::OverruleVoiceCheck { voice: VoiceId(input.voice_id) };
        step(ctx, input.consultation_id, input.meant, overrule).await
    }

    /// Publish somebody’s own words: with their consent, and once somebody else has checked that they name nobody.
    async fn publish_voice(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose words.")] input: VoiceInput,
    ) -> Result<ConsultationPayload> {
        let publish = Step::PublishVoice { voice: VoiceId(input.voice_id) };
        step(ctx, input.consultation_id, input.meant, publish).await
    }

    /// Take somebody’s own words back because they say so: out of what is published, and out of the vault.
    async fn withdraw_voice(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose words.")] input: VoiceInput,
    ) -> Result<ConsultationPayload> {
        let (app, who) = asked(ctx)?;
        let how = input.meant.how().map_err(told)?;
        let (consultation, voice) = (ConsultationId(input.consultation_id), VoiceId(input.voice_id));
        payload(ctx, app.withdraw_voice(who, &how, consultation, voice).await).await
    }

    /// Record a need that was heard, in the team’s plain public words.
    async fn hear_need(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The need.")] input: HearNeedInput,
    ) -> Result<ConsultationPayload> {
        let (app, who) = asked(ctx)?;
        let mut entered = Entered::default();
        let theme = entered.text("theme", &input.theme);
        let statement = entered.text("statement", &input.statement);
        let taken = theme.zip(statement).map(|(theme, statement)| NeedHeard {
            known_as: input.need_id.map(NeedId),
            theme,
            statement,
            codes: input.codes.iter().map(|code| code.0).collect(),
            voices: input.voice_ids.unwrap_or_default().into_iter().map(VoiceId).collect(),
            strength: input.strength.0,
        });
        let new = entered.all(taken).map_err(told)?;
        let how = input.meant.how().map_err(told)?;
        payload(ctx, app.hear_need(who, &how, ConsultationId(input.consultation_id), new).await).await
    }

    /// Put a need into another that says the same, heard here or at another consultation.
    async fn merge_need(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which into which.")] input: MergeNeedInput,
    ) -> Result<ConsultationPayload> {
        let (app, who) = asked(ctx)?;
        let how = input.meant.how().map_err(told)?;
        let both = (NeedId(input.need_id), NeedId(input.into_need_id));
        payload(ctx, app.merge_need(who, &how, ConsultationId(input.consultation_id), both).await).await
    }

    /// Put a need into other words. Needs a reason.
    async fn reword_need(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The words.")] input: RewordNeedInput,
    ) -> Result<ConsultationPayload> {
        let statement = words("statement", &input.statement)?;
        let reword = Step::RewordNeed { need: NeedId(input.need_id), statement };
        step(ctx, input.consultation_id, input.meant, reword).await
    }

    /// Record that what was heard was written up.
    async fn write_up_consultation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The document.")] input: WriteUpConsultationInput,
    ) -> Result<ConsultationPayload> {
        let report = input.report.read().map_err(told)?;
        step(ctx, input.consultation_id, input.meant, Step::WriteUp { report }).await
    }

    /// Record that those who were there agreed on the themes, and how they checked them.
    async fn agree_themes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How they were checked.")] input: AgreeThemesInput,
    ) -> Result<ConsultationPayload> {
        let how_checked = words("howChecked", &input.how_checked)?;
        step(ctx, input.consultation_id, input.meant, Step::AgreeThemes { how_checked }).await
    }
}
