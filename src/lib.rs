//! Side by Side: an event-sourced record for community partnership and micro-commissioning.
//!
//! The map of the house is docs/architecture.md. A module names only those above it in this list.

pub mod app;
pub mod auth;
pub mod cli;
pub mod domain;
pub mod exports;
pub mod graphql;
pub mod projections;
pub mod store;
pub mod web;
