//! What a page gives to be taken away: its table as CSV, of the same document; or the file its form made.

use async_graphql::Executor;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::Edge;
use super::notices::Notice;
use super::pages::{Csv, Gives};
use super::show::{Asked, at, broken};

/// How many lines are fetched at a time.
const AT_A_TIME: i64 = 500;

/// The whole table, all pages of it.
pub(super) async fn file<E: Executor>(edge: &Edge<E>, asked: &Asked<'_>) -> Response {
    let Some(csv) = &asked.page.csv else { return Notice::NothingHere.into_response() };
    let declares = |name: &str| {
        asked.page.query.iter().flat_map(|query| &query.variables).any(|(known, _)| known == name)
    };
    let (mut lines, mut after) = (Vec::new(), None);
    loop {
        let mut more = Vec::new();
        if declares("first") {
            more.push(("first", json!(AT_A_TIME)));
        }
        more.extend(after.take().map(|cursor| ("after", cursor)));
        let data = match asked.look(edge, &more).await {
            Ok((data, mistakes)) if mistakes.is_empty() => data,
            Ok((_, mistakes)) => {
                let sentence = mistakes.into_iter().map(|one| one.message).collect::<Vec<_>>().join(" ");
                return Notice::Unreadable { sentence }.into_response();
            }
            Err(unseen) => return unseen.into_response(),
        };
        lines.extend(at(&data, &csv.lines).and_then(Value::as_array).cloned().unwrap_or_default());
        let connection = csv.lines.rsplit_once('.').map_or("", |(connection, _)| connection);
        let info = at(&data, &format!("{connection}.pageInfo"));
        let goes_on = info.and_then(|info| info["hasNextPage"].as_bool()).unwrap_or_default();
        match info.map(|info| info["endCursor"].clone()) {
            Some(cursor) if goes_on && declares("after") => after = Some(cursor),
            _ => break,
        }
    }
    match written(csv, &lines) {
        Ok(bytes) => {
            let name = asked.path.trim_matches('/').replace('/', "-");
            kept(&format!("{name}.csv"), bytes)
        }
        Err(cause) => broken(&*cause),
    }
}

/// The file that a mutation answered with.
pub(super) fn given(gives: &Gives, answer: &Value) -> Response {
    let text = |place: &str| at(answer, place).and_then(Value::as_str).unwrap_or_default().to_owned();
    kept(&text(&gives.name), text(&gives.text).into_bytes())
}

/// A file to be kept and not shown. Its name is one of ours: no quotes, no folders.
fn kept(name: &str, bytes: Vec<u8>) -> Response {
    let kind = if name.ends_with(".csv") { "text/csv; charset=utf-8" } else { "text/plain; charset=utf-8" };
    let name: String =
        name.chars().filter(|sign| sign.is_ascii_alphanumeric() || "-._".contains(*sign)).collect();
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers = [(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    (StatusCode::OK, headers, bytes).into_response()
}

fn written(csv: &Csv, lines: &[Value]) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(csv.columns.iter().map(|(heading, _)| heading))?;
    for line in lines {
        writer.write_record(csv.columns.iter().map(|(_, place)| cell(at(line, place))))?;
    }
    Ok(writer.into_inner()?)
}

/// A cell as text. What a spreadsheet would take for a formula is kept text by an apostrophe; numbers are not.
fn cell(value: Option<&Value>) -> String {
    let text = match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(all)) => all.iter().map(|one| cell(Some(one))).collect::<Vec<_>>().join("; "),
        Some(other) => other.to_string(),
    };
    let is_number = text.trim_start_matches('-').chars().all(|sign| sign.is_ascii_digit() || sign == '.');
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_number { format!("'{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_text_and_never_a_formula() {
        let csv = Csv {
            lines: "a".into(),
            columns: vec![("Name".into(), "name".into()), ("Sum".into(), "figures.sum".into())],
        };
        let lines = [
            json!({ "name": "=1+1", "figures": { "sum": "-12.50" } }),
            json!({ "name": "A, \"B\"", "figures": null }),
            json!({ "name": ["one", "two"] }),
        ];
        let text = String::from_utf8(written(&csv, &lines).unwrap()).unwrap();
        assert_eq!(text, "Name,Sum\n'=1+1,-12.50\n\"A, \"\"B\"\"\",\none; two,\n");
    }
}
