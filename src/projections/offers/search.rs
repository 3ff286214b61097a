//! Searching the directory of offers: what is found, and what stands first.
//!
//! Words are looked for in the title and the reference (A), in who it is for and in the words of its needs,
//! communities, languages and place (B), and in the summary (C), both in their English stems, so that "gardens" finds
//! "gardening", and as they stand, so that the beginning of the last word is enough. The name of the partner is looked
//! at as well. What is found by words stands by PostgreSQL's `ts_rank_cd`: how near each other the words stand and in
//! what part, longer texts counting a little less. An offer that takes nobody now, because it is full or paused, counts
//! half of that; one that nobody has confirmed in time counts four fifths. Without words the nearest stands first where
//! a point was given, and otherwise the title decides.

use rust_decimal::Decimal;
use sqlx::{PgExecutor, QueryBuilder, Row as _};
use uuid::Uuid;

use super::super::{Trouble, read};
use super::OfferRecord;
use crate::domain::calendar::Date;
use crate::domain::identity::PartnerId;
use crate::domain::offer::{Joining, OfferStatus, Point};
use crate::domain::places::{Area, Community};
use crate::domain::vocabulary::{Access, AgeBand, Language, NeedCode};

/// Within some kilometres of a point, as the crow flies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Near {
    /// The point.
    pub point: Point,
    /// At most so far; anywhere when left out.
    pub within_km: Option<u32>,
}

/// What whoever searches may find.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sight {
    /// What is published, of partners that are approved.
    #[default]
    Public,
    /// What is published or paused, and everything of one partner.
    Partner(PartnerId),
    /// Everything.
    Everything,
}

/// What to look for.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// What whoever searches may find.
    pub sight: Sight,
    /// Words, as typed.
    pub words: Option<String>,
    /// Of this partner.
    pub partner: Option<PartnerId>,
    /// Stands there.
    pub status: Option<OfferStatus>,
    /// Meets this need.
    pub need: Option<NeedCode>,
    /// For this community, or for everyone.
    pub community: Option<Community>,
    /// In this area.
    pub area: Option<Area>,
    /// Near a point.
    pub near: Option<Near>,
    /// In every one of these languages.
    pub languages: Vec<Language>,
    /// With all of these.
    pub access: Vec<Access>,
    /// For this age.
    pub age: Option<AgeBand>,
    /// Costs nothing.
    pub free: bool,
    /// Its partner stated that there are free places, and it is not paused.
    pub has_room: bool,
    /// Confirmed on this day or later.
    pub confirmed_since: Option<Date>,
    /// Joined in this way.
    pub joining: Option<Joining>,
    /// Today, for what is overdue.
    pub today: Date,
    /// After the offer with this place in the order, title and id.
    pub after: Option<(Decimal, String, Uuid)>,
    /// At most this many.
    pub limit: i64,
}

/// An offer that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its id.
    pub id: Uuid,
    /// The offer.
    pub record: OfferRecord,
    /// Its place in the order, for the cursor.
    pub place: Decimal,
    /// How far it is from the point, in kilometres with one decimal place.
    pub distance_km: Option<Decimal>,
}

/// The great-circle distance in kilometres on a sphere of the Earth's mean radius (haversine).
fn push_distance(query: &mut QueryBuilder<'_, sqlx::Postgres>, from: &Point) {
    let (lat, lon) = (from.lat.to_string(), from.lon.to_string());
    // `least` passes over what is not there: without a place there is no distance.
    query.push("CASE WHEN lat IS NOT NULL AND lon IS NOT NULL THEN 12742.0176 * asin(least(1.0, sqrt(power(sin(radians(lat - ");
    query.push_bind(lat.clone());
    query.push("::double precision) / 2), 2) + cos(radians(").push_bind(lat);
    query.push("::double precision)) * cos(radians(lat)) * power(sin(radians(lon - ").push_bind(lon);
    query.push("::double precision) / 2), 2)))) END");
}

/// What was typed, as PostgreSQL is asked: everything but the last word, and the beginning of the last. Quotes and
/// minus signs are left to `websearch_to_tsquery`, and then no word is a beginning.
fn parted(words: &str) -> (String, Option<String>) {
    let plain = !words.contains(['"', '-']) && !words.ends_with(char::is_whitespace);
    let last =
        words.split_whitespace().next_back().filter(|last| plain && last.chars().all(char::is_alphanumeric));
    match last {
        Some(last) => {
            let head = words.trim_end().strip_suffix(last).unwrap_or_default();
            (head.trim().to_owned(), Some(format!("{last}:*")))
        }
        None => (words.to_owned(), None),
    }
}

/// The words as a query of a text search configuration.
fn push_asked(query: &mut QueryBuilder<'_, sqlx::Postgres>, words: &str) {
    let (head, last) = parted(words);
    for (between, configuration) in [("(", "english"), (") || (", "simple")] {
        query.push(between).push(format!("websearch_to_tsquery('pg_catalog.{configuration}', "));
        query.push_bind(head.clone()).push(")");
        if let Some(last) = &last {
            query
                .push(format!(" && to_tsquery('pg_catalog.{configuration}', "))
                .push_bind(last.clone())
                .push(")");
        }
    }
    query.push(")");
}

/// What may be found, with its distance and the query of its words beside it.
fn push_from(query: &mut QueryBuilder<'_, sqlx::Postgres>, search: &Search) {
    query.push(" FROM (SELECT o.*, ");
    match &search.near {
        Some(near) => push_distance(query, &near.point),
        None => drop(query.push("NULL::double precision")),
    }
    query.push(" AS km FROM offer AS o WHERE ");
    match search.sight {
        Sight::Public => {
            query.push(
                "status = 'published' AND partner IN (SELECT id FROM partner WHERE status = 'approved')",
            );
        }
        Sight::Partner(own) => {
            query.push("(status IN ('published', 'paused') OR partner = ").push_bind(own.0).push(")");
        }
        Sight::Everything => drop(query.push("true")),
    }
    query.push(") AS offer");
    if let Some(words) = &search.words {
        query.push(" CROSS JOIN (SELECT ");
        push_asked(query, words);
        query.push(" AS asked) AS typed");
    }
    query.push(" WHERE true");
}

fn push_codes(query: &mut QueryBuilder<'_, sqlx::Postgres>, column: &str, codes: Vec<&'static str>) {
    if !codes.is_empty() {
        let codes: Vec<String> = codes.into_iter().map(String::from).collect();
        query.push(format!(" AND {column} ?& ")).push_bind(codes);
    }
}

/// From where, and narrowed to what was asked for.
fn push_narrowed(query: &mut QueryBuilder<'_, sqlx::Postgres>, search: &Search) {
    push_from(query, search);
    if search.words.is_some() {
        // As a union, so that the index of the words is used: beside an OR it would not be.
        query.push(
            " AND id IN (SELECT o.id FROM offer AS o WHERE o.words @@ asked UNION ALL \
             SELECT o.id FROM offer AS o WHERE o.partner IN (SELECT id FROM partner \
             WHERE to_tsvector('pg_catalog.simple', name) @@ asked))",
        );
    }
    if let Some(partner) = search.partner {
        query.push(" AND partner = ").push_bind(partner.0);
    }
    if let Some(status) = search.status {
        query.push(" AND status = ").push_bind(status.code());
    }
    push_codes(query, "needs", search.need.iter().map(|need| need.code()).collect());
    if let Some(community) = search.community {
        query.push(" AND communities ?| ").push_bind(vec![community.code(), Community::Everyone.code()]);
    }
    if let Some(area) = search.area {
        query.push(" AND area = ").push_bind(area.code());
    }
    if let Some(within) = search.near.and_then(|near| near.within_km) {
        query.push(" AND km <= ").push_bind(i64::from(within));
    }
    push_codes(query, "languages", search.languages.iter().map(|language| language.code()).collect());
    push_codes(query, "access", search.access.iter().map(|access| access.code()).collect());
    if let Some(age) = search.age {
        query.push(" AND (ages ? ").push_bind(age.code()).push(" OR ages = '[]')");
    }
    if search.free {
        query.push(" AND free");
    }
    if search.has_room {
        query.push(" AND open_places > 0 AND status = 'published'");
    }
    if let Some(since) = search.confirmed_since {
        query.push(" AND confirmed_on >= ").push_bind(since.to_string());
    }
    if let Some(joining) = search.joining {
        query.push(" AND joining = ").push_bind(joining.code());
    }
}

/// Where an offer stands in the order: small first.
fn push_place(query: &mut QueryBuilder<'_, sqlx::Postgres>, search: &Search) {
    if search.words.is_some() {
        query.push(
            "round((-ts_rank_cd(words, asked, 1) \
             * CASE WHEN status = 'published' AND coalesce(open_places, 1) > 0 THEN 1.0 ELSE 0.5 END \
             * CASE WHEN confirm_by < ",
        );
        query.push_bind(search.today.to_string()).push(" THEN 0.8 ELSE 1.0 END)::numeric, 6)");
    } else if search.near.is_some() {
        query.push("round(coalesce(km, 99999)::numeric, 6)");
    } else {
        query.push("0::numeric");
    }
}

/// The offers a search finds, in the order of this page.
///
/// # Errors
/// When the database fails.
pub async fn search(executor: impl PgExecutor<'_>, search: &Search) -> Result<Vec<Found>, Trouble> {
    // Documents are read of the offers of the page alone.
    let mut query = QueryBuilder::new(
        "SELECT offer.id, doc::text, place, round(km::numeric, 1) FROM (SELECT * FROM (SELECT id, title, km, ",
    );
    push_place(&mut query, search);
    query.push(" AS place");
    push_narrowed(&mut query, search);
    query.push(") AS narrowed");
    if let Some((place, title, id)) = &search.after {
        query.push(" WHERE (place, title, id) > (").push_bind(*place).push(", ").push_bind(title.clone());
        query.push(", ").push_bind(*id).push(")");
    }
    query.push(" ORDER BY place, title, id LIMIT ").push_bind(search.limit);
    query.push(") AS page JOIN offer AS offer USING (id) ORDER BY place, page.title, id");
    let rows = query.build().fetch_all(executor).await?;
    let records = read::<OfferRecord>(&rows)?;
    let found = rows.iter().zip(records).map(|(row, (id, record))| {
        Ok(Found { id, record, place: row.try_get(2)?, distance_km: row.try_get(3)? })
    });
    found.collect()
}

/// How many offers a search finds.
///
/// # Errors
/// When the database fails.
pub async fn count(executor: impl PgExecutor<'_>, search: &Search) -> Result<i64, Trouble> {
    let mut query = QueryBuilder::new("SELECT count(*)");
    push_narrowed(&mut query, search);
    Ok(query.build_query_scalar().fetch_one(executor).await?)
}

/// Words that published offers hold, in place of typed ones that none holds and that are a slip of one or two letters
/// away; nothing when no word has one.
///
/// # Errors
/// When the database fails.
pub async fn nearest_words(executor: impl PgExecutor<'_>, typed: &str) -> Result<Option<String>, Trouble> {
    let rows = sqlx::query(
        "SELECT word FROM ts_stat('SELECT words FROM offer WHERE status = ''published''')
         ORDER BY ndoc DESC, word",
    );
    let rows = rows.fetch_all(executor).await?;
    let known: Result<Vec<&str>, _> = rows.iter().map(|row| row.try_get(0)).collect();
    Ok(put_right(typed, &known?))
}

/// Words put right by known ones, the most frequent first.
fn put_right(typed: &str, known: &[&str]) -> Option<String> {
    let mut changed = false;
    let nearest = |word: &str| {
        let length = word.chars().count();
        let allowed = if length < 6 { 1 } else { 2 };
        let far = |other: &&&str| strsim::osa_distance(word, other);
        let fits = |other: &&&str| other.chars().count() >= 4 && far(other) <= allowed;
        known.iter().filter(fits).min_by_key(far).filter(|_| length >= 4).map(|other| (*other).to_owned())
    };
    let words = typed.split_whitespace().map(|word| {
        let word = word.to_lowercase();
        if known.iter().any(|other| other.starts_with(&word)) {
            return word;
        }
        let right = nearest(&word);
        changed |= right.is_some();
        right.unwrap_or(word)
    });
    let words: Vec<String> = words.collect();
    changed.then(|| words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_may_be_a_beginning() {
        let parts = |typed: &str| {
            let (head, last) = parted(typed);
            (head, last.unwrap_or_default())
        };
        assert_eq!(parts("memory caf"), ("memory".into(), "caf:*".into()));
        assert_eq!(parts("garden"), (String::new(), "garden:*".into()));
        for whole in ["garden ", "\"memory café\"", "walking -dogs", "garden & x'y"] {
            assert_eq!(parts(whole), (whole.into(), String::new()), "{whole}");
        }
    }

    #[test]
    fn a_slip_of_a_letter_is_put_right_and_a_known_word_left_alone() {
        let known = ["walking", "walk", "garden", "gardening", "tea", "memory"];
        for (typed, right) in [
            ("gardning", Some("gardening")),
            ("Memroy walk", Some("memory walk")),
            ("gar", None),
            ("tee", None),
            ("accordion", None),
            ("memory", None),
        ] {
            assert_eq!(put_right(typed, &known).as_deref(), right, "{typed}");
        }
    }
}
