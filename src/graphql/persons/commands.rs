//! Commands about people who are helped. What comes in and goes out here in words is in no log and no event.

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use uuid::Uuid;

use super::super::{Code, Entered, Meant, Receipt, SharedItem, asked, told};
use super::SupportedPerson;
use crate::app::{Done, Failure};
use crate::domain::calendar;
use crate::domain::identity::{PartnerId, PersonRef};
use crate::domain::person::{
    Details, ErasureGround, FirstMeeting, NhsNumber, Sought, read_birth, read_email, read_phone,
};
use crate::domain::text::Text;

/// A person to be put on the record.
#[derive(Debug, Clone, InputObject)]
pub struct RegisterPersonInput {
    /// How they came to be met.
    pub met: Code<FirstMeeting>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// Who a person is. It is kept in the vault, in the place of what was there.
#[derive(Clone, InputObject)]
pub struct KeepPersonDetailsInput {
    /// The person.
    pub person_ref: Uuid,
    /// What they are called, at most 120 characters.
    pub name: String,
    /// Their telephone number.
    pub phone: Option<String>,
    /// Their email address.
    pub email: Option<String>,
    /// Where letters reach them, at most 400 characters.
    pub address: Option<String>,
    /// When they were born, such as 1968-11-30.
    pub date_of_birth: Option<String>,
    /// Their NHS number: 10 digits, the last of which has to fit the others.
    pub nhs_number: Option<String>,
    /// What helps them take part, and how they want to be reached; at most 2,000 characters.
    pub notes: Option<String>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

impl KeepPersonDetailsInput {
    fn read(&self, today: calendar::Date) -> Result<Details, Failure> {
        let mut entered = Entered::default();
        let typed = |words: &Option<String>| words.clone().filter(|words| !words.trim().is_empty());
        let name = entered.text("name", &self.name);
        let phone = entered.optional("phone", typed(&self.phone), |words| read_phone(&words));
        let email = entered.optional("email", typed(&self.email), |words| read_email(&words));
        let address = entered.optional_text("address", self.address.as_deref());
        let date_of_birth =
            entered.optional("dateOfBirth", typed(&self.date_of_birth), |words| read_birth(&words, today));
        let nhs_number =
            entered.optional("nhsNumber", typed(&self.nhs_number), |words| words.parse::<NhsNumber>());
        let notes = entered.optional_text("notes", self.notes.as_deref());
        let taken =
            name.map(|name| Details { name, phone, email, address, date_of_birth, nhs_number, notes });
        entered.all(taken)
    }
}

/// By what a person is looked for: the NHS number alone, or the name and the date of birth.
#[derive(Clone, InputObject)]
pub struct FindPersonInput {
    /// Their NHS number.
    pub nhs_number: Option<String>,
    /// Their name; the order of its words and capitals do not matter.
    pub name: Option<String>,
    /// When they were born, such as 1968-11-30.
    pub date_of_birth: Option<String>,
    /// Why you look for them. It is kept for auditors to read: never about the person.
    pub why: String,
}

impl FindPersonInput {
    fn read(&self, today: calendar::Date) -> Result<Sought, Failure> {
        let mut entered = Entered::default();
        let sought = match (&self.nhs_number, &self.name, &self.date_of_birth) {
            (Some(number), None, None) => {
                entered.take("nhsNumber", number.parse::<NhsNumber>()).map(Sought::NhsNumber)
            }
            (None, Some(name), Some(born)) => {
                let name: Option<Text<120>> = entered.text("name", name);
                let born = entered.take("dateOfBirth", read_birth(born, today));
                name.zip(born).map(|(name, born)| Sought::NameAndBirth(name, born))
            }
            _ => {
                return Err(Failure::refused(
                    "person.sought_by",
                    "Look for somebody by the NHS number alone, or by name and date of birth together.",
                ));
            }
        };
        entered.all(sought)
    }
}

/// A person whose details are to be opened.
#[derive(Debug, Clone, InputObject)]
pub struct OpenPersonDetailsInput {
    /// The person.
    pub person_ref: Uuid,
    /// Why you open them. It is kept for auditors to read: never about the person.
    pub why: String,
}

/// What a person agrees that a partner is told.
#[derive(Debug, Clone, InputObject)]
pub struct AgreeSharingInput {
    /// The person.
    pub person_ref: Uuid,
    /// The partner.
    pub partner_id: Uuid,
    /// What it may be told. It takes the place of what was agreed before.
    pub items: Vec<Code<SharedItem>>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// An agreement that a person takes back.
#[derive(Debug, Clone, InputObject)]
pub struct WithdrawSharingInput {
    /// The person.
    pub person_ref: Uuid,
    /// The partner.
    pub partner_id: Uuid,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A forgetting to be asked for.
#[derive(Debug, Clone, InputObject)]
pub struct AskErasureInput {
    /// The person.
    pub person_ref: Uuid,
    /// Why.
    pub ground: Code<ErasureGround>,
    /// The number of the request or decision it rests on, such as SAR-2026-014; never a name.
    pub authority: String,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A person, and how the command is meant.
#[derive(Debug, Clone, InputObject)]
pub struct PersonInput {
    /// The person.
    pub person_ref: Uuid,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// What a command about a person leads to.
#[derive(SimpleObject)]
pub struct SupportedPersonPayload {
    /// Proof that it was carried out.
    pub receipt: Receipt,
    /// The person as the record knows them now.
    pub person: SupportedPerson,
}

/// Whom a search found.
#[derive(SimpleObject)]
pub struct FindPersonPayload {
    /// The people found: none, one, or several of the same name and date of birth.
    pub people: Vec<SupportedPerson>,
}

/// Who a person is, out of the vault. Keep it nowhere.
#[derive(SimpleObject)]
pub struct PersonDetails {
    /// What they are called.
    pub name: String,
    /// Their telephone number.
    pub phone: Option<String>,
    /// Their email address.
    pub email: Option<String>,
    /// Where letters reach them.
    pub address: Option<String>,
    /// When they were born, such as 1968-11-30.
    pub date_of_birth: Option<String>,
    /// Their NHS number, spaced as people write it.
    pub nhs_number: Option<String>,
    /// What helps them take part, and how they want to be reached.
    pub notes: Option<String>,
}

impl From<Details> for PersonDetails {
    fn from(details: Details) -> Self {
        Self {
            name: details.name.to_string(),
            phone: details.phone.map(|words| words.to_string()),
            email: details.email.map(|words| words.to_string()),
            address: details.address.map(|words| words.to_string()),
            date_of_birth: details.date_of_birth.map(|born| born.to_string()),
            nhs_number: details.nhs_number.map(|number| number.spaced()),
            notes: details.notes.map(|words| words.to_string()),
        }
    }
}

/// What opening a person's details leads to.
#[derive(SimpleObject)]
pub struct OpenPersonDetailsPayload {
    /// Who it is.
    pub details: PersonDetails,
}

async fn payload(ctx: &Context<'_>, done: Result<Done, Failure>) -> Result<SupportedPersonPayload> {
    let done = done.map_err(told)?;
    let person = asked(ctx)?.0.person_known(done.id).await.map_err(told)?.into();
    Ok(SupportedPersonPayload { receipt: done.into(), person })
}

/// Commands about people who are helped.
#[derive(Default)]
pub struct PersonMutations;

#[Object]
impl PersonMutations {
    /// Put a person on the record: they have an opaque reference from now on. Look for them with `findPerson` first.
    async fn register_person(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The person.")] input: RegisterPersonInput,
    ) -> Result<SupportedPersonPayload> {
        let (app, who) = asked(ctx)?;
        let how = input.meant.how().map_err(told)?;
        payload(ctx, app.register_person(who, &how, input.met.0).await).await
    }

    /// Keep who a person is in the vault, in the place of what was there. The log holds that it was kept, and no word of
    /// it.
    async fn keep_person_details(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who it is.")] input: KeepPersonDetailsInput,
    ) -> Result<SupportedPersonPayload> {
        let (app, who) = asked(ctx)?;
        let details = input.read(app.today()).map_err(told)?;
        let (person, how) = (PersonRef(input.person_ref), input.meant.how().map_err(told)?);
        payload(ctx, app.keep_person_details(who, &how, person, &details).await).await
    }

    /// Find a person again by what only the vault knows. That you looked, and why, is on the record for auditors; whom
    /// you looked for is not.
    async fn find_person(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "By what.")] input: FindPersonInput,
    ) -> Result<FindPersonPayload> {
        let (app, who) = asked(ctx)?;
        crate::app::authority::may(who, "findPerson").map_err(told)?;
        let sought = input.read(app.today()).map_err(told)?;
        let found = app.find_person(who, &sought, &input.why).await.map_err(told)?;
        Ok(FindPersonPayload { people: found.into_iter().map(SupportedPerson::from).collect() })
    }

    /// Open who a person is. That you did, and why, is on the record for auditors before the answer is out.
    async fn open_person_details(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom, and why.")] input: OpenPersonDetailsInput,
    ) -> Result<OpenPersonDetailsPayload> {
        let (app, who) = asked(ctx)?;
        let person = PersonRef(input.person_ref);
        let details = app.open_person_details(who, person, &input.why).await.map_err(told)?;
        Ok(OpenPersonDetailsPayload { details: details.into() })
    }

    /// Record that a person agrees to a partner being told certain things, and nothing else.
    async fn agree_sharing(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What they agreed.")] input: AgreeSharingInput,
    ) -> Result<SupportedPersonPayload> {
        let (app, who) = asked(ctx)?;
        let how = input.meant.how().map_err(told)?;
        let agreed = (PartnerId(input.partner_id), input.items.into_iter().map(|item| item.0).collect());
        payload(ctx, app.agree_sharing(who, &how, PersonRef(input.person_ref), agreed).await).await
    }

    /// Record that a person no longer agrees to a partner being told anything.
    async fn withdraw_sharing(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which agreement.")] input: WithdrawSharingInput,
    ) -> Result<SupportedPersonPayload> {
        let (app, who) = asked(ctx)?;
        let how = input.meant.how().map_err(told)?;
        let (person, partner) = (PersonRef(input.person_ref), PartnerId(input.partner_id));
        payload(ctx, app.withdraw_sharing(who, &how, person, partner).await).await
    }

    /// Ask for a person to be forgotten. Somebody else does it, because it cannot be undone.
    async fn ask_erasure(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom, why, and what it rests on.")] input: AskErasureInput,
    ) -> Result<SupportedPersonPayload> {
        let (app, who) = asked(ctx)?;
        crate::app::authority::may(who, "askErasure").map_err(told)?;
        let mut entered = Entered::default();
        let authority = entered.take("authority", input.authority.parse());
        let authority = entered.all(authority).map_err(told)?;
        let how = input.meant.how().map_err(told)?;
        let asking = (input.ground.0, authority);
        payload(ctx, app.ask_erasure(who, &how, PersonRef(input.person_ref), asking).await).await
    }

    /// Drop what was asked: the person is not forgotten. Needs a reason.
    async fn drop_erasure(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom.")] input: PersonInput,
    ) -> Result<SupportedPersonPayload> {
        let (app, who) = asked(ctx)?;
        let how = input.meant.how().map_err(told)?;
        payload(ctx, app.drop_erasure(who, &how, PersonRef(input.person_ref)).await).await
    }

    /// Forget a person, as somebody else asked. The key and the items of the vault are destroyed; nobody can bring them
    /// back. `erasureConfirmedOn` says when that was at its end: as a rule at once.
    async fn erase_person(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom.")] input: PersonInput,
    ) -> Result<SupportedPersonPayload> {
        let (app, who) = asked(ctx)?;
        let how = input.meant.how().map_err(told)?;
        payload(ctx, app.erase_person(who, &how, PersonRef(input.person_ref)).await).await
    }
}
