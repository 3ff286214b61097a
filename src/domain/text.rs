//! Words people typed: trimmed, never empty, never endless, no control characters.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

refusals! {
    /// Why some words could not be taken.
    pub enum TextProblem {
        "text.blank" => Blank, "Enter some words here.";
        "text.too_long" => TooLong { limit: usize, found: usize }, "Shorten this to {limit} characters or fewer: it has {found}.";
        "text.control" => Control, "Take out the hidden control characters (often pasted from another program).";
    }
}

/// Words of at most `MAX` characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Text<const MAX: usize>(String);

impl<const MAX: usize> Text<MAX> {
    /// Take words as typed.
    ///
    /// # Errors
    /// When nothing is left after trimming, when there are more than `MAX` characters, or control characters
    /// other than line breaks and tabs.
    pub fn new(typed: &str) -> Result<Self, TextProblem> {
        let words = typed.trim();
        if words.is_empty() {
            return Err(TextProblem::Blank);
        }
        let found = words.chars().count();
        if found > MAX {
            return Err(TextProblem::TooLong { limit: MAX, found });
        }
        if words.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            return Err(TextProblem::Control);
        }
        Ok(Self(words.replace("\r\n", "\n")))
    }

    /// Words of the program's own, where nobody typed any.
    pub(super) fn own(words: &'static str) -> Self {
        Self(words.to_owned())
    }

    /// The words.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> AsRef<str> for Text<MAX> {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> fmt::Display for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Stored words were accepted once and are read as they stand: a limit that shrinks later must not make the log
/// unreadable.
impl<'de, const MAX: usize> Deserialize<'de> for Text<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_trimmed_and_bounded() {
        assert_eq!(Text::<5>::new("  abc ").unwrap().as_str(), "abc");
        assert_eq!(Text::<5>::new(" \n "), Err(TextProblem::Blank));
        assert_eq!(Text::<5>::new("abcdef"), Err(TextProblem::TooLong { limit: 5, found: 6 }));
        assert_eq!(Text::<5>::new("a\u{0}b"), Err(TextProblem::Control));
        assert!(Text::<5>::new("ééééé").is_ok(), "characters are counted, not bytes");
    }
}
