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
    let lines = r#"{% import "parts/lists.html" as lists %}
        {% call lists.table("Grants", ["Number", {"text": "Amount", "numeric": true}]) %}
        {% for grant in data.grants %}
        <tr>{{ lists.lead(grant.number, "/grants/1") }}{{ lists.figure(grant.amount | money) }}{{ lists.cell("") }}</tr>
        {% endfor %}{% endcall %}"#;
    let data = json!({ "grants": [{ "number": "<b>", "amount": null }, { "number": "G-2", "amount": "5" }] });
    let html = drawn(lines, data);
    for part in [
        r#"<span class="app-caption">Grants</span></caption>"#,
        r#"<th scope="col" class="nhsuk-table__header nhsuk-table__header--numeric">Amount</th>"#,
        r#"<th scope="row" class="nhsuk-table__cell app-lead app-short"><a href="/grants/1">&lt;b&gt;</a></th>"#,
        r#"app-figure"><span aria-hidden="true">–</span><span class="nhsuk-u-visually-hidden">none</span></td>"#,
        r#"<td class="nhsuk-table__cell"><span aria-hidden="true">–</span>"#,
        r#"app-figure">£5</td>"#,
    ] {
        assert!(html.contains(part), "{part} is not in {html}");
    }
}

#[test]
fn the_next_page_keeps_what_was_asked() {
    let lines = r#"{% import "parts/lists.html" as lists %}{{ lists.onward(page, data.grants) }}"#;
    let html = drawn(lines, json!({ "grants": { "pageInfo": { "hasNextPage": true, "endCursor": "a=" } } }));
    assert!(html.contains(r#"href="/grants?q=warm+%26+dry&amp;after=a%3D" rel="next""#), "{html}");
    assert!(html.contains(r#"href="/grants?q=warm+%26+dry" rel="prev""#), "{html}");
    let last = drawn(lines, json!({ "grants": { "pageInfo": { "hasNextPage": false, "endCursor": null } } }));
    assert!(!last.contains("rel=\"next\"") && last.contains("rel=\"prev\""), "{last}");
}

#[test]
fn a_mistake_leads_to_its_field() {
    let lines = r#"{% from "parts/lists.html" import mistakes %}{{ mistakes(data.form) }}"#;
    let mistake =
        |name: &str, code: &str, message: &str| json!({ "name": name, "code": code, "message": message });
    let wrong = [
        mistake("input.amount", "money.high", "Enter < £5"),
        mistake("input.placesOpen", "form.number", "Enter a whole number."),
    ];
    let form = json!({ "form": { "mistakes": wrong, "values": {} } });
    let html = drawn(lines, form);
    assert!(html.contains("There is a problem") && html.contains(r##"href="#input-amount""##), "{html}");
    assert!(html.contains("Enter &lt; £5") && html.contains("Enter a whole number: places open."), "{html}");
    assert_eq!(drawn(lines, json!({ "form": { "mistakes": [] } })).trim(), "");
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
            r#"app-lead app-short">2026/27</th><td class="nhsuk-table__cell nhsuk-table__cell--numeric app-figure">£2,000</td>"#,
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
fn cards_and_filters_hold_what_they_are_given() {
    let lines = r#"{% import "parts/lists.html" as lists %}
        {% call lists.cards() %}{{ lists.card("5" | money, "held", "/funds") }}
        {% call lists.card(data.number, "grants") %}{{ data.who }}{% endcall %}{% endcall %}
        {% call lists.filters(page) %}<input name="q">{% endcall %}"#;
    let html = drawn(lines, json!({ "number": 1, "who": "<i>" }));
    for part in [
        r#"<span class="app-card-figure">£5</span> <a class="nhsuk-card__link" href="/funds">held</a>"#,
        r#"<div class="nhsuk-card__description">&lt;i&gt;</div>"#,
        r#"method="get" action="/grants""#,
        r#"<input name="q">"#,
        r#"<a class="nhsuk-link" href="/grants">Clear all</a>"#,
    ] {
        assert!(html.contains(part), "{part} is not in {html}");
    }
}
