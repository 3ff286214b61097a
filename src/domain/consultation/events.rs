//! What can have happened to a consultation, to the needs heard at it and to what was promised, and the words for it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::traces::Trace;
use crate::domain::calendar::{Date, day};
use crate::domain::evidence::{Evidence, VaultRef};
use crate::domain::identity::{
    CommitmentId, ConsultationId, GrantId, NeedId, PartnerId, PersonId, Reference, VoiceId,
};
use crate::domain::places::{Area, Community, listed};
use crate::domain::text::Text;
use crate::domain::vocabulary::{Access, Language, NeedCode};

codes! {
    /// A rung of the ladder of co-production, from the first to the seventh, as Think Local Act Personal and its
    /// National Co-production Advisory Group publish it
    /// (<https://www.thinklocalactpersonal.org.uk/Latest/Co-production-The-ladder-of-co-production/>).
    pub enum Rung {
        "coercion" => Coercion, "coercion";
        "educating" => Educating, "educating";
        "informing" => Informing, "informing";
        "consultation" => Consultation, "consultation";
        "engagement" => Engagement, "engagement";
        "co_design" => CoDesign, "co-design";
        "co_production" => CoProduction, "co-production";
    }
}

impl Rung {
    /// Its place on the ladder, 1 to 7.
    #[must_use]
    pub fn number(self) -> usize {
        Self::ALL.iter().take_while(|rung| **rung < self).count() + 1
    }
}

codes! {
    /// How people are listened to.
    pub enum Method {
        "listening_session" => ListeningSession, "listening session";
        "workshop" => Workshop, "workshop";
        "focus_group" => FocusGroup, "focus group";
        "shared_meal" => SharedMeal, "shared meal";
        "walk" => Walk, "walk and talk";
        "conversations" => Conversations, "conversations one by one";
        "online_meeting" => OnlineMeeting, "online meeting";
        "survey" => Survey, "survey";
    }
}

codes! {
    /// How many people came, in bands: a small number could tell who was there.
    pub enum HeadBand {
        "nobody" => Nobody, "nobody";
        "under_8" => Under8, "fewer than 8";
        "from_8_to_14" => From8To14, "8 to 14";
        "from_15_to_29" => From15To29, "15 to 29";
        "from_30_to_59" => From30To59, "30 to 59";
        "from_60" => From60, "60 or more";
    }
}

codes! {
    /// How many of those who were there said so.
    pub enum Strength {
        "few" => Few, "said by a few";
        "several" => Several, "said by several";
        "most" => Most, "said by most";
    }
}

codes! {
    /// What kind of promise a commitment is.
    pub enum CommitmentKind {
        "do" => Do, "we will do it";
        "explore" => Explore, "we will find out whether it can be done";
        "ask_another" => AskAnother, "we will ask somebody else to do it";
    }
}

codes! {
    /// How those who were heard are told what came of it.
    pub enum FeedbackChannel {
        "meeting" => Meeting, "a meeting";
        "letter" => Letter, "a letter";
        "easy_read" => EasyRead, "an easy-read sheet";
        "signed_video" => SignedVideo, "a video in British Sign Language";
        "phone" => Phone, "a phone call";
        "message" => Message, "an e-mail or text message";
        "poster" => Poster, "a poster where people meet";
        "website" => Website, "the website";
    }
}

codes! {
    /// What people answered when they were asked whether it is what they meant.
    pub enum WhatYouMeant {
        "yes" => Yes, "yes";
        "partly" => Partly, "partly";
        "no" => No, "no";
    }
}

/// How many of a community came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupHeads {
    /// The community.
    pub group: Community,
    /// How many, in bands.
    pub heads: HeadBand,
}

/// What shows that something was done about a commitment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShownBy {
    /// A grant.
    Grant(GrantId),
    /// An offer.
    Offer(Uuid),
    /// A session.
    Session(Uuid),
    /// A policy, or another document.
    Policy(Evidence),
    /// A published figure.
    Figure(Uuid),
}

impl ShownBy {
    fn told(&self) -> String {
        match self {
            Self::Grant(_) => "a grant".into(),
            Self::Offer(_) => "an offer".into(),
            Self::Session(_) => "a session".into(),
            Self::Policy(document) => format!("the policy “{}”", document.title),
            Self::Figure(_) => "a published figure".into(),
        }
    }
}

events! {
    /// What can have happened to a consultation.
    pub enum ConsultationEvent in "consultation" {
        /// It was planned to listen to people.
        "consultation.planned", 1 => Planned {
            /// Its human reference, given once.
            reference: Reference,
            /// What it is called, in public words.
            title: Text<200>,
            /// What it is to find out, in public words.
            purpose: Text<500>,
            /// The decision that what is said can still influence, in public words.
            decision: Text<500>,
            /// The rung of the ladder of co-production that is intended.
            rung_intended: Rung,
            /// How people are listened to.
            method: Method,
            /// Whose voices are sought.
            communities: BTreeSet<Community>,
            /// The partner that hosts it; none when it is our own.
            host: Option<PartnerId>,
            /// The area it takes place in.
            area: Area,
            /// The place, such as a hall.
            venue: Text<200>,
            /// The day it is planned for.
            on: Date,
            /// What makes it possible for people to take part.
            access: BTreeSet<Access>,
            /// The languages it is held in.
            languages: BTreeSet<Language>,
        },
        /// It was held.
        "consultation.held", 1 => Held {
            /// The day.
            on: Date,
            /// How many of each community came, in bands.
            heads: Vec<GroupHeads>,
            /// Whether somebody may count in more than one community: the bands are then not added up.
            groups_overlap: bool,
        },
        /// It was called off, or nobody came to it.
        "consultation.cancelled", 1, reason => Cancelled {},
        /// Somebody’s own words were recorded. They are in the vault.
        "consultation.voice_recorded", 1 => VoiceRecorded {
            /// A random id: whose words they are, and nothing else about them.
            voice: VoiceId,
            /// For which community they speak.
            group: Community,
            /// Where the words are kept, and a commitment to them.
            text: VaultRef,
            /// What in the words looks as if it could tell who somebody is.
            traces: BTreeSet<Trace>,
            /// Whether whoever said it agreed that it may be published.
            may_be_published: bool,
            /// Who recorded it: somebody else must check it.
            recorded_by: PersonId,
        },
        /// Somebody else read the words, to see whether they name anybody.
        "consultation.voice_checked", 1 => VoiceChecked {
            /// Whose words.
            voice: VoiceId,
            /// Who read them.
            checked_by: PersonId,
            /// Whether nobody can be recognised in them.
            names_nobody: bool,
        },
        /// Somebody else read words that look as if they named somebody, and found that they do not.
        "consultation.voice_check_overruled", 1, reason => VoiceCheckOverruled {
            /// Whose words.
            voice: VoiceId,
            /// Who read them.
            checked_by: PersonId,
            /// What looked as if it could tell who somebody is.
            traces: BTreeSet<Trace>,
        },
        /// Somebody’s own words were published.
        "consultation.voice_published", 1 => VoicePublished {
            /// Whose words.
            voice: VoiceId,
        },
        /// Whoever said it took it back: it is not published, now or later.
        "consultation.voice_withdrawn", 1 => VoiceWithdrawn {
            /// Whose words.
            voice: VoiceId,
        },
        /// A need was heard.
        "consultation.need_heard", 1 => NeedHeard {
            /// The need.
            need: NeedId,
            /// Its human reference, given once.
            reference: Reference,
            /// The theme it belongs to, in public words.
            theme: Text<100>,
            /// The need in plain public words of the team.
            statement: Text<300>,
            /// The kinds of need it is, as offers name them.
            codes: BTreeSet<NeedCode>,
            /// The voices that say so.
            voices: BTreeSet<VoiceId>,
            /// How many of those who were there said so.
            strength: Strength,
        },
        /// A need turned out to be one with another, heard here or at another consultation.
        "consultation.needs_merged", 1 => NeedsMerged {
            /// The need that goes into the other.
            need: NeedId,
            /// The need that stands for both.
            into: NeedId,
            /// Where that one was heard.
            into_consultation: ConsultationId,
        },
        /// A need was put into other words.
        "consultation.need_reworded", 1, reason => NeedReworded {
            /// The need.
            need: NeedId,
            /// The need in plain public words of the team.
            statement: Text<300>,
        },
        /// What was heard was written up.
        "consultation.written_up", 1 => WrittenUp {
            /// The document.
            report: Evidence,
        },
        /// Those who were there agreed that these are the themes.
        "consultation.themes_agreed", 1 => ThemesAgreed {
            /// The themes, of the needs as they then stood.
            themes: BTreeSet<Text<100>>,
            /// How those who were there checked them.
            how_checked: Text<500>,
        },
        /// Something was promised about one or more needs.
        "consultation.commitment_made", 1 => CommitmentMade {
            /// The commitment.
            commitment: CommitmentId,
            /// The needs it is about.
            needs: BTreeSet<NeedId>,
            /// What kind of promise it is.
            kind: CommitmentKind,
            /// What is promised, in public words.
            statement: Text<500>,
            /// Whom we ask, where somebody else is to do it.
            asked: Option<Text<200>>,
            /// Who answers for it.
            owner: PersonId,
            /// The last day on which it is in time.
            by_when: Date,
        },
        /// It was decided that nothing can be done about a need.
        "consultation.cannot_do", 1 => CannotDo {
            /// The need.
            need: NeedId,
            /// Why, in public words: those who said it are owed them.
            public_reason: Text<1000>,
            /// The body or post that decided.
            decided_by: Text<200>,
        },
        /// A step was taken towards a commitment.
        "consultation.action_logged", 1 => ActionLogged {
            /// The commitment.
            commitment: CommitmentId,
            /// What was done, in public words.
            what: Text<500>,
            /// The day it was done.
            on: Date,
        },
        /// Something was found that shows what was done about a commitment.
        "consultation.evidence_linked", 1 => EvidenceLinked {
            /// The commitment.
            commitment: CommitmentId,
            /// What shows it.
            shown_by: ShownBy,
        },
        /// A commitment was changed: its words, who answers for it, or its day.
        "consultation.commitment_changed", 1, reason => CommitmentChanged {
            /// The commitment.
            commitment: CommitmentId,
            /// What is promised from now on, in public words.
            statement: Text<500>,
            /// Who answers for it from now on.
            owner: PersonId,
            /// The last day on which it is in time from now on.
            by_when: Date,
        },
        /// A commitment was kept; what shows it was linked before.
        "consultation.commitment_kept", 1 => CommitmentKept {
            /// The commitment.
            commitment: CommitmentId,
        },
        /// The day of a commitment went by and it was not kept.
        "consultation.commitment_missed", 1, reason => CommitmentMissed {
            /// The commitment.
            commitment: CommitmentId,
        },
        /// Those who were heard were told what came of it so far.
        "consultation.feedback_given", 1 => FeedbackGiven {
            /// Which communities were told.
            groups: BTreeSet<Community>,
            /// How.
            channel: FeedbackChannel,
            /// In which languages.
            languages: BTreeSet<Language>,
        },
        /// Those who were told answered whether it is what they meant.
        "consultation.feedback_heard", 1 => FeedbackHeard {
            /// Of which community.
            group: Community,
            /// What they answered.
            meant: WhatYouMeant,
            /// What the team takes from it, in public words.
            taken_from_it: Option<Text<500>>,
        },
        /// The consultation was closed: every need has an answer, and those who were heard know it. What was promised
        /// lives on.
        "consultation.closed", 1 => Closed {
            /// The rung of the ladder of co-production that was reached.
            rung_reached: Rung,
        },
    }
}

fn groups<'a>(communities: impl IntoIterator<Item = &'a Community>) -> String {
    listed(communities.into_iter().map(|group| group.words()))
}

fn spoken(languages: &BTreeSet<Language>) -> String {
    listed(languages.iter().map(|language| language.words()))
}

fn looks(traces: &BTreeSet<Trace>) -> String {
    listed(traces.iter().map(|trace| trace.words()))
}

impl ConsultationEvent {
    #[expect(clippy::too_many_lines, reason = "a list: one sentence for each event")]
    fn told(&self) -> String {
        match self {
            Self::Planned { title, communities, method, venue, on, rung_intended, .. } => format!(
                "“{title}” was planned for {}: a {} with {} at {venue}, meant as {}.",
                day(*on),
                method.words(),
                groups(communities),
                rung_intended.words()
            ),
            Self::Held { on, heads, .. } => {
                let came = heads.iter().map(|one| format!("{} ({})", one.group.words(), one.heads.words()));
                let came: Vec<String> = came.collect();
                format!("Held on {} with {}.", day(*on), listed(came.iter().map(String::as_str)))
            }
            Self::Cancelled {} => "Called off.".into(),
            Self::VoiceRecorded { group, traces, .. } if traces.is_empty() => {
                format!("Somebody’s own words were kept in the vault, said for {}.", group.words())
            }
            Self::VoiceRecorded { group, traces, .. } => format!(
                "Somebody’s own words were kept in the vault, said for {}; they look as if they held {}.",
                group.words(),
                looks(traces)
            ),
            Self::VoiceChecked { names_nobody: true, .. } => {
                "Somebody’s own words were read by somebody else: nobody can be recognised in them.".into()
            }
            Self::VoiceChecked { names_nobody: false, .. } => {
                "Somebody’s own words were read by somebody else: they tell who somebody is.".into()
            }
            Self::VoiceCheckOverruled { traces, .. } => format!(
                "Somebody’s own words look as if they held {}; somebody else read them and found that nobody can be \
                 recognised.",
                looks(traces)
            ),
            Self::VoicePublished { .. } => "Somebody’s own words were published.".into(),
            Self::VoiceWithdrawn { .. } => "Somebody took their own words back.".into(),
            Self::NeedHeard { reference, theme, statement, strength, .. } => {
                format!("Heard as a need ({reference}; {theme}; {}): “{statement}”.", strength.words())
            }
            Self::NeedsMerged { .. } => {
                "A need was found to be one with another, which stands for both.".into()
            }
            Self::NeedReworded { statement, .. } => {
                format!("A need was put into other words: “{statement}”.")
            }
            Self::WrittenUp { report } => format!("Written up in “{}”.", report.title),
            Self::ThemesAgreed { themes, how_checked } => format!(
                "Those who were there agreed on {} ({how_checked}).",
                listed(themes.iter().map(Text::as_str))
            ),
            Self::CommitmentMade { kind, statement, by_when, .. } => {
                format!("Promised by {} ({}): “{statement}”.", day(*by_when), kind.words())
            }
            Self::CannotDo { public_reason, decided_by, .. } => {
                format!("Nothing can be done about a need, as {decided_by} decided: “{public_reason}”.")
            }
            Self::ActionLogged { what, on, .. } => format!("Done on {}: “{what}”.", day(*on)),
            Self::EvidenceLinked { shown_by, .. } => {
                format!("What was done about a commitment is shown by {}.", shown_by.told())
            }
            Self::CommitmentChanged { statement, by_when, .. } => {
                format!("A commitment was changed; by {} it is: “{statement}”.", day(*by_when))
            }
            Self::CommitmentKept { .. } => "A commitment was kept.".into(),
            Self::CommitmentMissed { .. } => "A commitment was not kept by its day.".into(),
            Self::FeedbackGiven { groups: told, channel, languages } => format!(
                "{} were told what came of it by {}, in {}.",
                groups(told),
                channel.words(),
                spoken(languages)
            ),
            Self::FeedbackHeard { group, meant, .. } => {
                format!("Asked whether it is what they meant, {} answered: {}.", group.words(), meant.words())
            }
            Self::Closed { rung_reached } => {
                format!("Closed; the rung reached is {}.", rung_reached.words())
            }
        }
    }
}
