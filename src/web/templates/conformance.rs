//! Every HTML fixture of nhsuk-frontend, drawn by our environment: the macros say here what they say there.

use std::fs;
use std::path::{Path, PathBuf};

use minijinja::{Value, context};
use serde::Deserialize;

use super::Templates;

#[derive(Deserialize)]
struct Component {
    component: String,
    fixtures: Vec<Fixture>,
}

#[derive(Deserialize)]
struct Fixture {
    name: String,
    context: Value,
    /// What stands in a call block, where the fixture has one.
    #[serde(rename = "callBlock")]
    block: Option<String>,
    html: String,
}

/// Where npm put nhsuk-frontend, which brings the fixtures.
const COMPONENTS: &str = "web/node_modules/nhsuk-frontend/dist/nhsuk/components";

/// How many fixtures nhsuk-frontend 10.6.1 has: none is left out.
const FIXTURES: usize = 983;

fn components(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|problem| {
        panic!("{}: {problem}. Run scripts/set-up, which fetches nhsuk-frontend.", folder.display())
    });
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            components(&path, found);
        } else if path.ends_with("fixtures.json") {
            found.push(path);
        }
    }
}

/// The text without the white space that HTML does not show, and with one spelling for characters that have several.
fn plain(html: &str) -> String {
    let mut text = html.split_whitespace().collect::<Vec<_>>().join(" ");
    for (spelling, plain) in [
        ("> <", "><"),
        (" >", ">"),
        ("&#x2f;", "/"),
        ("&#x27;", "'"),
        ("&#39;", "'"),
        ("&#34;", "&quot;"),
        ("\", \"", "\",\""),
    ] {
        text = text.replace(spelling, plain);
    }
    text
}

#[test]
fn the_macros_draw_every_fixture_as_the_nhs_does() {
    let templates = Templates::new();
    let mut files = Vec::new();
    components(&Path::new(env!("CARGO_MANIFEST_DIR")).join(COMPONENTS), &mut files);
    let (mut drawn, mut wrong) = (0, Vec::new());
    for file in files {
        let component: Component = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        let path = format!("nhsuk/components/{}/macro.jinja", component.component);
        let source = super::assets::text_of(&path).unwrap_or_else(|| {
            panic!("web/dist/{path} is missing. Run scripts/set-up, which fetches the NHS macros.")
        });
        let name = source.split("{% macro ").nth(1).and_then(|rest| rest.split('(').next()).unwrap();
        let import = format!("{{% from \"{path}\" import {name} %}}");
        for fixture in component.fixtures {
            drawn += 1;
            let call = match fixture.block {
                Some(block) => format!("{import}{{% call {name}(params) %}}{block}{{% endcall %}}"),
                None => format!("{import}{{{{ {name}(params) }}}}"),
            };
            let params = &fixture.context;
            let ours = templates.environment.render_str(&call, context! { params });
            let ours = ours.map_or_else(|problem| format!("{problem:#}"), |html| plain(&html));
            if ours != plain(&fixture.html) {
                let (component, name) = (&component.component, fixture.name);
                wrong
                    .push(format!("{component}: {name}\n  ours   {ours}\n  theirs {}", plain(&fixture.html)));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {drawn} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(drawn, FIXTURES, "fixtures of nhsuk-frontend");
}
