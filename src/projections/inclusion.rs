//! Who was reached and what changed, counted: talks, prescriptions and answers as small rows, and their sums by what
//! people are told apart by. Nothing here leaves the house as it is: it goes through the disclosure rule first.

mod cases;
mod contacts;
mod scores;

use std::collections::BTreeMap;

use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row as _};
use uuid::Uuid;

use super::Trouble;
use crate::domain::calendar::Date;
use crate::domain::disclosure::Changes;
use crate::domain::inclusion_table::{Change, Counted, InclusionBy, PUBLISHED_BY, Tally};
use crate::domain::outcome::Measure;
pub use cases::CountedCase;
pub use contacts::CountedContact;
pub use scores::Scores;

/// The key of a row for those who did not say.
pub const NOT_SAID: &str = "not_said";

/// What is counted: facts of a time, as they were known at a size of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first day.
    pub from: Date,
    /// The last day.
    pub to: Date,
    /// Of events before this position in the log.
    pub before_index: i64,
}

/// How rows of talks, of prescriptions and of answers are told apart, in SQL: the key, and what it takes to have it.
/// A talk is `k`, a prescription `c`.
const fn keyed(by: Option<InclusionBy>, of_talks: bool) -> (&'static str, &'static str) {
    match (by, of_talks) {
        (None, _) => ("'all'", ""),
        (Some(InclusionBy::Area), _) => ("coalesce(k.area, 'not_said')", ""),
        (Some(InclusionBy::Community), _) => (
            "code",
            " CROSS JOIN LATERAL jsonb_array_elements_text(coalesce(k.communities, '[\"not_said\"]')) AS code",
        ),
        (Some(InclusionBy::Need), true) => {
            ("code", " CROSS JOIN LATERAL jsonb_array_elements_text(k.needs) AS code")
        }
        (Some(InclusionBy::Need), false) => {
            ("code", " CROSS JOIN LATERAL jsonb_array_elements_text(c.needs) AS code")
        }
        (Some(InclusionBy::Partner), _) => ("c.partner::text", ""),
        (Some(InclusionBy::Offer), _) => ("c.offer::text", ""),
    }
}

/// Whether a talk is needed to tell prescriptions apart.
const fn with_talk(by: Option<InclusionBy>) -> &'static str {
    match by {
        Some(InclusionBy::Area | InclusionBy::Community) => {
            " LEFT JOIN inclusion_contact AS k ON k.id = c.contact"
        }
        None | Some(InclusionBy::Need | InclusionBy::Partner | InclusionBy::Offer) => "",
    }
}

fn whole(count: i64) -> u64 {
    u64::try_from(count).unwrap_or_default()
}

/// What was counted in a time, of everybody and broken down. A fixed number of statements, however much there is.
///
/// # Errors
/// When the database fails.
pub async fn counted(pool: &PgPool, span: Span) -> Result<Counted, Trouble> {
    let mut counted = Counted { ranges: ranges(), ..Counted::default() };
    for by in [None].into_iter().chain(PUBLISHED_BY.map(Some)) {
        let mut rows: BTreeMap<String, Tally> = listed(by);
        if by != Some(InclusionBy::Partner) {
            for row in talks(pool, span, by).await? {
                let tally = rows.entry(row.try_get(0)?).or_default();
                (tally.contacts, tally.people) = (whole(row.try_get(1)?), whole(row.try_get(2)?));
            }
        }
        for row in prescribed(pool, span, by).await? {
            let tally = rows.entry(row.try_get(0)?).or_default();
            (tally.started, tally.completed) = (whole(row.try_get(1)?), whole(row.try_get(2)?));
            tally.made = whole(row.try_get(3)?);
        }
        for row in answered(pool, span, by).await? {
            let code: &str = row.try_get(1)?;
            let measure = Measure::from_code(code)
                .ok_or_else(|| Trouble::Other(format!("a score is of a measure {code}")))?;
            let all = Changes { people: whole(row.try_get(2)?), sum: row.try_get(4)? };
            let change = Change { all, better: whole(row.try_get(3)?) };
            rows.entry(row.try_get(0)?).or_default().changes.insert(measure.code(), change);
        }
        match by {
            None => counted.whole = rows.remove("all").unwrap_or_default(),
            Some(by) => drop(counted.by.insert(by, rows)),
        }
    }
    Ok(counted)
}

/// The most that a score of each measure can change by.
#[must_use]
pub fn ranges() -> BTreeMap<&'static str, u32> {
    let range = |measure: &Measure| match measure {
        Measure::Satisfied | Measure::Worthwhile | Measure::Happy | Measure::Anxious => 10,
        Measure::Loneliness => 6,
        // Whether a goal was met has no before, and so no change.
        Measure::OwnGoal => 0,
    };
    Measure::ALL.iter().map(|measure| (measure.code(), range(measure))).collect()
}

/// The rows that stand in a table whether or not somebody is in them.
fn listed(by: Option<InclusionBy>) -> BTreeMap<String, Tally> {
    use crate::domain::places::{Area, Community};
    use crate::domain::vocabulary::NeedCode;
    let codes: Vec<&str> = match by {
        Some(InclusionBy::Area) => Area::ALL.iter().map(|one| one.code()).chain([NOT_SAID]).collect(),
        Some(InclusionBy::Community) => {
            Community::ALL.iter().map(|one| one.code()).chain([NOT_SAID]).collect()
        }
        Some(InclusionBy::Need) => NeedCode::ALL.iter().map(|one| one.code()).chain([NOT_SAID]).collect(),
        None | Some(InclusionBy::Partner | InclusionBy::Offer) => Vec::new(),
    };
    codes.into_iter().map(|code| (code.to_owned(), Tally::default())).collect()
}

async fn talks(pool: &PgPool, span: Span, by: Option<InclusionBy>) -> Result<Vec<PgRow>, Trouble> {
    let (key, join) = keyed(by, true);
    let sql = format!(
        "SELECT {key}, count(*), count(DISTINCT k.person) FROM inclusion_contact AS k{join}
         WHERE k.made_on BETWEEN $1 AND $2 AND k.index < $3 GROUP BY 1"
    );
    rows(pool, &sql, span).await
}

async fn prescribed(pool: &PgPool, span: Span, by: Option<InclusionBy>) -> Result<Vec<PgRow>, Trouble> {
    let (key, join) = keyed(by, false);
    let sql = format!(
        "SELECT {key}, count(*) FILTER (WHERE c.started_on BETWEEN $1 AND $2 AND c.started_index < $3),
             count(*) FILTER (WHERE c.completed_on BETWEEN $1 AND $2 AND c.completed_index < $3),
             count(*) FILTER (WHERE c.made_on BETWEEN $1 AND $2)
         FROM inclusion_case AS c{}{join}
         WHERE c.made_index < $3 AND (c.void_index IS NULL OR c.void_index >= $3) AND c.made_on <= $2 GROUP BY 1",
        with_talk(by)
    );
    rows(pool, &sql, span).await
}

/// Pairs, and for a goal of the person's own whether it was met: that is asked afterwards only.
async fn answered(pool: &PgPool, span: Span, by: Option<InclusionBy>) -> Result<Vec<PgRow>, Trouble> {
    let (key, join) = keyed(by, false);
    let sql = format!(
        "SELECT {key}, s.measure, count(*), count(*) FILTER (WHERE {BETTER}), coalesce(sum(s.difference), 0)
         FROM inclusion_score AS s JOIN inclusion_case AS c ON c.id = s.stream{}{join}
         WHERE s.after_on BETWEEN $1 AND $2 AND s.since_index < $3 AND (s.until_index IS NULL OR s.until_index >= $3)
             AND s.after IS NOT NULL AND (s.before IS NOT NULL OR s.measure = 'own_goal')
             AND (c.void_index IS NULL OR c.void_index >= $3) GROUP BY 1, 2",
        with_talk(by)
    );
    rows(pool, &sql, span).await
}

/// Whether something changed for the better; a goal of the person's own when it was met.
const BETTER: &str = "CASE s.measure WHEN 'own_goal' THEN s.after = 2 \
    WHEN 'ons4_anxious' THEN s.difference < 0 WHEN 'ucla3_loneliness' THEN s.difference < 0 ELSE s.difference > 0 END";

async fn rows(pool: &PgPool, sql: &str, span: Span) -> Result<Vec<PgRow>, Trouble> {
    Ok(sqlx::query(sql)
        .bind(span.from.to_string())
        .bind(span.to.to_string())
        .bind(span.before_index)
        .fetch_all(pool)
        .await?)
}

/// What was counted of the prescriptions for one offer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OfferCount {
    /// Different people.
    pub people: u64,
    /// Prescriptions made.
    pub made: u64,
    /// Of those, outside any grant.
    pub outside: u64,
    /// Of those, started.
    pub started: u64,
    /// Of those, completed.
    pub completed: u64,
    /// What changed, by the code of the measure.
    pub changes: BTreeMap<&'static str, Change>,
    /// When the first of them was made, and when the first answers afterwards were given.
    pub first: Option<(Date, Option<Date>)>,
}

/// What was counted of the prescriptions for some offers up to a day, as it was known at a size of the log. None of the
/// offers named: of all there are. With how many different people that is altogether.
///
/// # Errors
/// When the database fails.
pub async fn by_offer(
    pool: &PgPool,
    (before_index, to): (i64, Date),
    offers: Option<&[Uuid]>,
) -> Result<(BTreeMap<Uuid, OfferCount>, u64), Trouble> {
    let counts =
        "SELECT c.offer, count(DISTINCT c.person), count(*), count(*) FILTER (WHERE c.grant_id IS NULL),
             count(*) FILTER (WHERE c.started_on <= $2 AND c.started_index < $1),
             count(*) FILTER (WHERE c.completed_on <= $2 AND c.completed_index < $1), min(c.made_on)
         FROM inclusion_case AS c WHERE c.made_index < $1 AND c.made_on <= $2
             AND ($3::uuid[] IS NULL OR c.offer = ANY($3))
             AND (c.void_index IS NULL OR c.void_index >= $1 OR c.void_on > $2)
         GROUP BY GROUPING SETS ((c.offer), ())";
    let (mut found, mut people): (BTreeMap<Uuid, OfferCount>, u64) = Default::default();
    let day = |text: Option<&str>| text.and_then(|text| text.parse::<Date>().ok());
    for row in
        sqlx::query(counts).bind(before_index).bind(to.to_string()).bind(offers).fetch_all(pool).await?
    {
        let Some(offer) = row.try_get(0)? else {
            people = whole(row.try_get(1)?);
            continue;
        };
        let count = found.entry(offer).or_default();
        (count.people, count.made) = (whole(row.try_get(1)?), whole(row.try_get(2)?));
        (count.outside, count.started) = (whole(row.try_get(3)?), whole(row.try_get(4)?));
        count.completed = whole(row.try_get(5)?);
        count.first = day(row.try_get(6)?).map(|made| (made, None));
    }
    let changes = format!(
        "SELECT c.offer, s.measure, count(*), count(*) FILTER (WHERE {BETTER}), coalesce(sum(s.difference), 0), min(s.after_on)
         FROM inclusion_score AS s JOIN inclusion_case AS c ON c.id = s.stream
         WHERE s.after_on <= $2 AND s.since_index < $1 AND (s.until_index IS NULL OR s.until_index >= $1)
             AND ($3::uuid[] IS NULL OR c.offer = ANY($3)) AND c.made_index < $1 AND c.made_on <= $2
             AND s.after IS NOT NULL AND (s.before IS NOT NULL OR s.measure = 'own_goal')
             AND (c.void_index IS NULL OR c.void_index >= $1 OR c.void_on > $2) GROUP BY 1, 2"
    );
    for row in
        sqlx::query(&changes).bind(before_index).bind(to.to_string()).bind(offers).fetch_all(pool).await?
    {
        let count = found.entry(row.try_get(0)?).or_default();
        let Some(measure) = Measure::from_code(row.try_get(1)?) else { continue };
        let all = Changes { people: whole(row.try_get(2)?), sum: row.try_get(4)? };
        count.changes.insert(measure.code(), Change { all, better: whole(row.try_get(3)?) });
        let on = day(row.try_get(5)?);
        count.first = count.first.map(|(made, after)| (made, after.into_iter().chain(on).min()));
    }
    Ok((found, people))
}
