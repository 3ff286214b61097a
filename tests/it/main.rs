//! The integration tests: one binary, each test with a database of its own.
#![cfg(test)]

mod access;
mod api;
mod architecture;
mod database;
mod documents;
mod edge;
mod embedded;
mod events;
mod store;
mod vault;
mod world;
