//! Given, when, then: consultations.
