//! The integration tests: one binary, each test with a database of its own.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test brings its own clock and chance")]

mod access;
mod activity;
mod api;
mod architecture;
mod as_at;
mod award;
mod browser;
mod consultations;
mod database;
mod deciding;
mod documents;
mod edge;
mod embedded;
mod ending;
mod events;
mod evidence;
mod feed;
mod funds;
mod guards;
mod inclusion;
mod offers;
mod pages;
mod payments;
mod people;
mod prescriptions;
mod publications;
mod races;
mod receipts;
mod restore;
mod sample;
mod seals;
mod sign_in;
mod store;
mod subsidies;
mod thread;
mod vault;
mod what_if;
mod world;
