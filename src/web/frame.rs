//! Who looks and where they may go from here: what the frame of every page shows.

use serde_json::{Value, json};

use super::pages::Pages;
use crate::auth::Identity;

/// What a page's frame shows. It travels with an answer too, for the notice that may be drawn in its place.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    /// Who looks, as templates know them; null where that is not known.
    pub viewer: Value,
    /// The menu, with the place that one is in.
    pub menu: Value,
}

impl Frame {
    /// The frame of a page at an address.
    pub(super) fn of(pages: &Pages, who: &Identity, path: &str) -> Self {
        let viewer = json!({ "is_signed_in": who.is_signed_in(), "name": who.name, "role": who.role.name(),
                             "role_words": who.role.words(),
                             "partner": who.partner.map(|partner| partner.to_string()) });
        let places = pages.menu(who).into_iter().map(|(words, address)| {
            let is_inside =
                address != "/" && path.strip_prefix(address).is_some_and(|rest| rest.starts_with('/'));
            json!({ "words": words, "address": address, "is_current": is_inside || path == address })
        });
        Self { viewer, menu: places.collect() }
    }

    /// The frame of a page that nobody has yet asked for by name.
    pub(super) fn of_nobody() -> Self {
        Self { viewer: Value::Null, menu: json!([]) }
    }
}
