//! What was answered before and after, paired as it is recorded: a row for each measure of a prescription, and another
//! each time an answer is added or put right, so that a pair can be read as it was known at any time.

use sqlx::Row as _;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::domain::calendar::Date;
use crate::domain::outcome::{Answers, Instrument, Measure, Moment};
use crate::domain::prescription::PrescriptionEvent;
use crate::domain::record::Fact;
use crate::projections::{Sheaf, Table, Trouble};
use crate::store::log::Recorded;

/// One measure of a prescription: the score before, the latest after, and from which record.
#[derive(Debug, Clone)]
struct Pair {
    measure: Measure,
    before: Option<(Uuid, u8)>,
    after: Option<(Uuid, u8, Date)>,
    since: i64,
    until: Option<i64>,
}

/// What was answered for one prescription.
#[derive(Debug, Default)]
pub struct Scores(Vec<Pair>);

/// Answers as they came: which record, instead of which, when.
struct Given<'e> {
    outcome: Uuid,
    corrects: Option<Uuid>,
    answers: &'e Answers,
    on: Date,
}

impl Scores {
    fn give(&mut self, index: i64, given: &Given<'_>) {
        let readings = given.answers.readings();
        let measures = Measure::ALL.iter().filter(|one| one.instrument() == given.answers.instrument);
        for measure in measures {
            let score = readings.iter().find(|one| one.measure == *measure).map(|one| one.score);
            let stands = self.0.iter().rposition(|pair| pair.measure == *measure && pair.until.is_none());
            let mut pair = stands.map_or(
                Pair { measure: *measure, before: None, after: None, since: index, until: None },
                |at| self.0[at].clone(),
            );
            let was = (pair.before, pair.after);
            match given.answers.moment {
                Moment::Before => pair.before = score.map(|score| (given.outcome, score)),
                Moment::After => {
                    let is_latest =
                        pair.after.is_none_or(|(id, _, on)| Some(id) == given.corrects || given.on >= on);
                    if is_latest {
                        pair.after = score.map(|score| (given.outcome, score, given.on));
                    }
                }
            }
            if (pair.before, pair.after) == was {
                continue;
            }
            if let Some(at) = stands {
                self.0[at].until = Some(index);
            }
            pair.since = index;
            self.0.push(pair);
        }
    }
}

fn given((outcome, corrects): (Uuid, Option<Uuid>), answers: &Answers, on: Date) -> Given<'_> {
    Given { outcome, corrects, answers, on }
}

impl Sheaf for Scores {
    const TABLE: Table = Table {
        name: "inclusion_score",
        columns: "stream uuid NOT NULL, slot integer NOT NULL, measure text COLLATE \"C\" NOT NULL, before_id uuid, \
            before smallint, after_id uuid, after smallint, after_on text COLLATE \"C\", since_index bigint NOT NULL, \
            until_index bigint, difference smallint GENERATED ALWAYS AS (after - before) STORED",
        copied: "stream, slot, measure, before_id, before, after_id, after, after_on, since_index, until_index",
        indexes: &[
            "ALTER TABLE {table} ADD PRIMARY KEY (stream, slot)",
            "CREATE INDEX ON {table} (after_on)",
        ],
    };
    const VERSION: i32 = 1;
    const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("measure", "text"),
        ("before_id", "uuid"),
        ("before", "smallint"),
        ("after_id", "uuid"),
        ("after", "smallint"),
        ("after_on", "text"),
        ("since_index", "bigint"),
        ("until_index", "bigint"),
    ];

    fn concerns(event: &Recorded) -> bool {
        matches!(
            event.fact,
            Fact::Prescription(
                PrescriptionEvent::OutcomeRecorded { .. } | PrescriptionEvent::OutcomeCorrected { .. }
            )
        )
    }

    fn take(&mut self, event: &Recorded) {
        let Fact::Prescription(fact) = &event.fact else { return };
        if let PrescriptionEvent::OutcomeRecorded {
            outcome,
            instrument,
            instrument_version,
            moment,
            answered_on,
            answers,
            ..
        } = fact
        {
            let answers = read(*instrument, *instrument_version, *moment, answers);
            self.give(event.index, &given((outcome.0, None), &answers, *answered_on));
        } else if let PrescriptionEvent::OutcomeCorrected {
            outcome,
            corrects,
            instrument,
            instrument_version,
            moment,
            answered_on,
            answers,
            ..
        } = fact
        {
            let answers = read(*instrument, *instrument_version, *moment, answers);
            self.give(event.index, &given((outcome.0, Some(corrects.0)), &answers, *answered_on));
        }
    }

    fn read(&mut self, row: &PgRow) -> Result<(), Trouble> {
        let code: &str = row.try_get(2)?;
        let measure = Measure::from_code(code)
            .ok_or_else(|| Trouble::Other(format!("a score is of a measure {code}")))?;
        let small = |score: Option<i16>| score.and_then(|score| u8::try_from(score).ok());
        let before = row.try_get::<Option<Uuid>, _>(3)?.zip(small(row.try_get(4)?));
        let after = row.try_get::<Option<Uuid>, _>(5)?.zip(small(row.try_get(6)?));
        let on: Option<&str> = row.try_get(7)?;
        let on: Option<Date> = on.and_then(|on| on.parse().ok());
        self.0.push(Pair {
            measure,
            before,
            after: after.zip(on).map(|((id, score), on)| (id, score, on)),
            since: row.try_get(8)?,
            until: row.try_get(9)?,
        });
        Ok(())
    }

    fn rows(&self) -> Vec<Vec<Option<String>>> {
        let row = |pair: &Pair| {
            vec![
                Some(pair.measure.code().to_owned()),
                pair.before.map(|(id, _)| id.to_string()),
                pair.before.map(|(_, score)| score.to_string()),
                pair.after.map(|(id, _, _)| id.to_string()),
                pair.after.map(|(_, score, _)| score.to_string()),
                pair.after.map(|(_, _, on)| on.to_string()),
                Some(pair.since.to_string()),
                pair.until.map(|index| index.to_string()),
            ]
        };
        self.0.iter().map(row).collect()
    }
}

/// Answers as they were recorded: what was taken once is read as it stands.
fn read(
    instrument: Instrument,
    version: u8,
    moment: Moment,
    answers: &[crate::domain::outcome::Answer],
) -> Answers {
    Answers { instrument, version, moment, answers: answers.to_vec() }
}
