//! Columns that repeat the metadata: compared as text where it is spelled as our writers do, and as JSON where it is not.

use sidebyside::store::database::APP;

use super::{LEAF, NOW, all_refused, attack, whole, world_with_events};

/// A row of a command, with its metadata as it is spelled here. Its columns say command 3, event 1 and 1 June.
fn told(metadata: &str) -> String {
    let row = whole("size", NOW, "1", "a", LEAF);
    let (row, from) = row.rsplit_once(LEAF).expect("a leaf");
    let row = format!("{row}{LEAF}, '00000000-0000-0000-0000-000000000003'::uuid{from}")
        .replace("leaf_hash)", "leaf_hash, command_id)");
    let (before, rest) = row.split_once("'{\"effective_on").expect("metadata");
    let (_, after) = rest.split_once("'::json").expect("metadata");
    format!("{before}'{metadata}'::json{after}")
}

/// The metadata of such a row: four of its parts, as they stand in order.
fn metadata(command: &str, decided_on: &str, effective_on: &str, event: &str) -> String {
    format!(
        r#"{{"actor":"somebody","command_id":"00000000-0000-0000-0000-00000000000{command}","decided_on":{decided_on},"effective_on":"{effective_on}","{event}":"00000000-0000-0000-0000-000000000001"}}"#
    )
}

#[tokio::test]
async fn columns_repeat_the_metadata_however_it_is_spelled() {
    let (world, owner) = world_with_events().await;
    let app = world.database.options_as(APP);
    let right = metadata("3", r#""2026-06-01""#, "2026-06-01", "event_id");
    let rows = [
        metadata("4", r#""2026-06-01""#, "2026-06-01", "event_id"),
        metadata("3", r#""2026-06-01""#, "2026-06-02", "event_id"),
        // An underscore is no wildcard.
        metadata("3", r#""2026-06-01""#, "2026-06-01", "event-id"),
        // What would be right stands in a value, or in an object within.
        metadata("3", r#""\",\"effective_on\":\"2026-06-01""#, "2026-06-02", "event_id"),
        metadata("3", r#"{"effective_on":"2026-06-01"}"#, "2026-06-02", "event_id"),
        metadata("3", r#"[{"effective_on":"2026-06-01"}]"#, "2026-06-02", "event_id"),
        "{}".into(),
    ]
    .map(|metadata| told(&metadata));
    let rows: Vec<_> = rows.iter().map(|row| (row.as_str(), "repeat_metadata")).collect();
    all_refused(&world, &owner, &app, "", &rows).await;
    let spellings = [
        right.clone(),
        right.replace(':', " : "),
        right.replace("actor\":\"somebody\"", "zone\":{\"of\":\"time\"}"),
        r#"{"event_id":"{00000000-0000-0000-0000-000000000001}","effective_on":"1 June 2026","command_id":"00000000000000000000000000000003"}"#.into(),
    ];
    for session in ["SET datestyle = 'German'", "SET datestyle = 'ISO'"] {
        for spelling in &spellings {
            let row = format!("BEGIN; {}; ROLLBACK", told(spelling));
            attack(&app, session, &row).await.unwrap_or_else(|error| panic!("{spelling}: {error}"));
        }
    }
}
