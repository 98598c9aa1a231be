//! The record's pages and its interfaces over HTTP.
//!
//! Invariants: nothing is shown and nothing changed without the right to it (`role.rs` holds the table); whatever
//! comes from the network is bounded in size, number and time; what is written was in the record before it is answered.

mod access;
mod act;
mod address;
mod app;
mod events;
mod interface;
mod manager;
mod mcp;
mod metrics;
mod news;
mod openapi;
mod opening;
mod pages;
mod peer;
mod role;
mod routes;
mod serve;
mod settings;
mod syzbot;
mod texts;
mod token;
mod trouble;
mod upkeep;
mod view;

pub use mcp::{Mcp, McpRights};
pub use openapi::description;
pub use opening::{Open, ServeError};
pub use role::{Right, Role, may};
pub use serve::serve;
pub use settings::{Client, MailSettings, Person, Proxy, Retest, Settings, SettingsError, Silence};
pub use token::hash_of_token;
pub use view::view;
