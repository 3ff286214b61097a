//! The frame of every page: skip link, header, one main landmark, footer. Plain HTML that needs no script.

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use super::style;

/// A page: its heading is its title, and its body is HTML.
pub(super) struct Layout {
    /// The status it is sent with.
    pub status: StatusCode,
    /// The heading, as text.
    pub title: String,
    /// Whether it reports a mistake in a form: the title then says so first.
    pub is_error: bool,
    /// What stands above the heading, as HTML.
    pub above: String,
    /// What stands below the heading, as HTML.
    pub body: String,
}

impl Layout {
    /// A page that says one thing.
    pub(super) fn notice(status: StatusCode, title: &str, sentence: &str) -> Self {
        Self {
            status,
            title: title.to_owned(),
            is_error: false,
            above: String::new(),
            body: format!("<p>{}</p>\n<p><a href=\"/\">Go to the first page</a></p>", escaped(sentence)),
        }
    }
}

impl IntoResponse for Layout {
    fn into_response(self) -> Response {
        let Self { status, title, is_error, above, body } = self;
        let title = escaped(&title);
        let error = if is_error { "Error: " } else { "" };
        let ours = if title == "Side by Side" { "" } else { " – Side by Side" };
        let html = format!(
            r##"<!DOCTYPE html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light">
<title>{error}{title}{ours}</title>
<link rel="icon" href="{icon}" type="image/svg+xml">
<link rel="stylesheet" href="{sheet}">
</head>
<body>
<a class="skip" href="#main">Skip to main content</a>
<header>
<div class="top"><div class="width">
<a class="name" href="/">Side by Side</a>
<span class="strap">Community partnership and micro-commissioning</span>
</div></div>
<div class="phase"><div class="width"><p><strong class="tag">Development mode</strong> On this computer only. Use made-up people and organisations.</p></div></div>
</header>
<main id="main" class="width" tabindex="-1">
{above}<h1>{title}</h1>
{body}
</main>
<footer class="bottom"><div class="width"><p>Side by Side. Every decision is kept, with who made it, when and why.</p></div></footer>
</body>
</html>
"##,
            sheet = style::SHEET_PATH,
            icon = style::ICON_PATH,
        );
        (status, Html(html)).into_response()
    }
}

/// Text made safe to stand in HTML, in quoted attributes too.
pub(super) fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            _ => html.push(c),
        }
    }
    html
}

/// The answer to an address with nothing behind it.
pub(super) async fn nothing_here() -> Layout {
    Layout::notice(
        StatusCode::NOT_FOUND,
        "Page not found",
        "There is nothing at this address. If you typed it, check that it is correct.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_typed_becomes_markup() {
        assert_eq!(
            escaped(r#"<script a="b" c='d'>&</script>"#),
            "&lt;script a=&quot;b&quot; c=&#39;d&#39;&gt;&amp;&lt;/script&gt;"
        );
    }
}
