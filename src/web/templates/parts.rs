//! The macros of `web/templates/parts`, each drawn once and looked at.

use serde_json::{Value, json};

use super::Templates;

/// Draw a page made of these lines.
fn drawn(lines: &'static str, data: Value) -> String {
    let mut templates = Templates::new();
    templates.environment.add_template("page.html", lines).unwrap();
    let page = json!({ "path": "/grants", "query": [["q", "warm & dry"], ["after", "x"]] });
    let html = templates.render("page.html", data, json!({ "page": page })).unwrap();
    html.replace("&#x2f;", "/")
}

#[test]
fn every_template_can_be_read() {
    let templates = Templates::new();
    for name in Templates::names() {
        templates.environment.get_template(&name).unwrap();
    }
    assert!(Templates::names().any(|name| name == "base.html"));
}

#[test]
fn a_cell_is_never_empty() {
    let lines = r#"{% import "parts/tables.html" as tables %}
        {% call tables.table("Grants", ["Number", {"text": "Amount", "numeric": true}, {"text": "Do", "hidden": true}]) %}
        {% for grant in data.grants %}{% call tables.row() %}
        {{ tables.head(grant.number, href="/grants/1") }}{{ tables.figure(grant.amount | money) }}
        {{ tables.cell(grant.amount, missing="not decided") }}
        {% endcall %}{% endfor %}{% endcall %}"#;
    let html = drawn(
        lines,
        json!({ "grants": [{ "number": "<b>", "amount": null }, { "number": "G-2", "amount": "5" }] }),
    );
    for part in [
        r#"<caption class="nhsuk-table__caption nhsuk-table__caption--m" id="table-grants">Grants</caption>"#,
        r#"aria-labelledby="table-grants""#,
        r#"<th class="nhsuk-table__header nhsuk-table__header--numeric" scope="col">Amount</th>"#,
        r#"<span class="nhsuk-u-visually-hidden">Do</span>"#,
        r#"scope="row"><a class="nhsuk-link" href="/grants/1">&lt;b&gt;</a></th>"#,
        r#"<td class="nhsuk-table__cell app-figure"><span aria-hidden="true">–</span>"#,
        r#"<span class="nhsuk-u-visually-hidden">not decided</span>"#,
        r#"<td class="nhsuk-table__cell app-figure">£5</td>"#,
    ] {
        assert!(html.contains(part), "{part} is not in {html}");
    }
}

#[test]
fn the_next_page_keeps_what_was_asked() {
    let lines = r#"{% import "parts/lists.html" as lists %}{{ lists.pages(data.info, page) }}"#;
    let html = drawn(lines, json!({ "info": { "hasNextPage": true, "endCursor": "a=" } }));
    assert!(html.contains(r#"href="/grants?after=a%3D&amp;q=warm%20%26%20dry" rel="next""#), "{html}");
    assert!(html.contains(r#"href="/grants?q=warm%20%26%20dry" rel="prev""#), "{html}");
    let last = drawn(lines, json!({ "info": { "hasNextPage": false, "endCursor": null } }));
    assert!(!last.contains("rel=\"next\"") && last.contains("rel=\"prev\""), "{last}");
}

#[test]
fn a_mistake_leads_to_its_field() {
    let lines =
        r#"{% from "parts/problems.html" import problem_summary %}{{ problem_summary(data.mistakes) }}"#;
    let html = drawn(lines, json!({ "mistakes": [{ "name": "input.amount", "message": "Enter < £5" }] }));
    assert!(html.contains("There is a problem") && html.contains(r##"href="#input-amount""##), "{html}");
    assert!(html.contains("Enter &lt; £5"), "{html}");
    assert_eq!(drawn(lines, json!({ "mistakes": [] })).trim(), "");
}

#[test]
fn a_chart_says_and_lists_what_it_draws() {
    let lines = r#"{% from "parts/chart.html" import chart %}
        {{ chart("Awarded", "More each year.", ["2025/26", "2026/27"], data.series, money=true, columns=data.columns) }}"#;
    for (columns, longest, half) in
        [(false, r#"width="430.0""#, r#"width="215.0""#), (true, r#"height="220.0""#, r#"height="110.0""#)]
    {
        let series = json!([{ "name": "Awarded", "values": ["1000.00", "2000.00"] }, { "name": "Paid", "values": [null, "0"] }]);
        let html = drawn(lines, json!({ "columns": columns, "series": series }));
        for part in [
            "<p>More each year.</p>",
            longest,
            half,
            ">£500</text>",
            ">£2,000</text>",
            r#"aria-labelledby="chart-awarded-title""#,
            r#"<th class="nhsuk-table__header" scope="row">2026/27</th><td class="nhsuk-table__cell app-figure">£2,000</td>"#,
            r#"<span aria-hidden="true">–</span>"#,
        ] {
            assert!(html.contains(part), "{part} is not in {html}");
        }
        assert!(!html.contains("style="), "the policy allows no inline style");
        assert_eq!(html.matches("class=\"chart-solid\"").count(), 3, "two bars and the legend: {html}");
        assert_eq!(html.matches("class=\"chart-outline\"").count(), 1, "nothing is no bar: {html}");
    }
}

#[test]
fn cards_filters_and_timelines_hold_what_they_are_given() {
    let lines = r#"{% import "parts/lists.html" as lists %}
        {% call lists.cards() %}{{ lists.card("5" | money, "held", "/funds") }}{% endcall %}
        {% call lists.filters(page) %}<input name="q">{% endcall %}{{ lists.found(data.number, "grant") }}
        {% call lists.timeline("History") %}{{ lists.entry("Paid", data.at, data.who) }}
        {% call lists.entry("Told", "2026-08-01") %}<p>Before</p>{% endcall %}{% endcall %}"#;
    let html = drawn(lines, json!({ "number": 1, "at": "2026-08-06T13:05:00Z", "who": "<i>" }));
    for part in [
        r#"<span class="app-card-figure">£5</span> <a class="nhsuk-card__link" href="/funds">held</a>"#,
        r#"method="get" action="/grants""#,
        r#"<input name="q">"#,
        r#"<p class="nhsuk-body" role="status"><strong>1 grant</strong></p>"#,
        r#"<time datetime="2026-08-06T13:05:00Z">6 August 2026, 2:05pm</time>, &lt;i&gt;</p>"#,
        r#"<time datetime="2026-08-01">1 August 2026</time></p>"#,
        "<p>Before</p>",
    ] {
        assert!(html.contains(part), "{part} is not in {html}");
    }
}
