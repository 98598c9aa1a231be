//! The description of the interface, made from the types that it reads and writes.

use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use crate::interface::{Act, Added, Ask, Asked};

/// The description in OpenAPI 3.1, whose schemas are JSON schemas of 2020-12.
pub fn description() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.definitions_path = "/components/schemas".into();
    settings.meta_schema = None;
    let mut schemas = settings.into_generator();
    let list = schemas.subschema_for::<render::tracker::json::List>();
    let whole = schemas.subschema_for::<render::tracker::json::Whole>();
    let summary = schemas.subschema_for::<render::tracker::json::Summary>();
    let added = schemas.subschema_for::<Vec<Added>>();
    let act = schemas.subschema_for::<Act>();
    let ask = schemas.subschema_for::<Ask>();
    let asked = schemas.subschema_for::<Asked>();
    let gives = |schema: &schemars::Schema, what: &str| {
        json!({ "200": { "description": what, "content": { "application/json": { "schema": schema } } },
                "default": { "description": "why not: {\"error\": TEXT}" } })
    };
    let other =
        |kind: &str, what: &str| json!({ "200": { "description": what, "content": { kind: {} } } });
    let takes = |schema: &schemars::Schema| json!({ "required": true, "content": { "application/json": { "schema": schema } } });
    let query = |name: &str, what: &str| json!({ "name": name, "in": "query", "description": what, "schema": { "type": "string" } });
    let bug = json!({ "name": "bug", "in": "path", "required": true, "schema": { "type": "string" },
                      "description": "number, outside name or title" });
    let token = json!([{ "token": [] }]);
    json!({
        "openapi": "3.1.0",
        "info": { "title": "ktriage", "version": env!("CARGO_PKG_VERSION"),
                  "description": "The record of kernel bugs. Times are seconds since 1970." },
        "paths": {
            "/api/v1/bugs": { "get": {
                "summary": "Bugs that fit", "responses": gives(&list, "the bugs, 100 a page"),
                "parameters": [
                    query("q", "words, each as the beginning of one"),
                    query("is", "open (if not given), all, or states with commas between"),
                    query("kind", "the kind of crash"), query("machine", "seen there"),
                    query("kernel", "seen with that release"), query("label", "NAME or NAME:VALUE"),
                    query("repro", "1: with a reproducer"), query("since", "seen in the last so many days"),
                    query("sort", "last, created, crashes"), query("page", "from 1 on"),
                ] } },
            "/api/v1/bugs/{bug}": { "get": {
                "summary": "One bug with everything", "parameters": [bug], "responses": gives(&whole, "the bug") } },
            "/api/v1/bugs/{bug}/actions": { "post": {
                "summary": "Say what a bug is", "parameters": [bug], "security": token,
                "requestBody": takes(&act), "responses": gives(&summary, "the bug as it then stands") } },
            "/api/v1/bugs/{bug}/jobs": { "post": {
                "summary": "Ask for a job", "parameters": [bug], "security": token,
                "requestBody": takes(&ask), "responses": gives(&asked, "its number") } },
            "/api/v1/logs": { "post": {
                "summary": "Add the crashes of a console log", "security": token,
                "parameters": [query("machine", "where it is from"), query("source", "where it was read")],
                "requestBody": { "required": true, "content": { "text/plain": {} } },
                "responses": gives(&added, "what became of each crash") } },
            "/text/{name}": { "get": {
                "summary": "A log, report, program or configuration by its content",
                "parameters": [{ "name": "name", "in": "path", "required": true, "schema": { "type": "string" },
                                 "description": "as a bug names it" }],
                "responses": other("text/plain", "the text") } },
            "/bug": { "get": {
                "summary": "One bug in the shape of syzbot's public JSON",
                "parameters": [query("extid", "outside name"), query("id", "number or outside name"), query("json", "1")],
                "responses": other("application/json", "version, title, id, status, crashes, …") } },
            "/{record}": { "get": {
                "summary": "Open bugs in the shape of syzbot's public JSON; /fixed and /invalid behind it for others",
                "parameters": [{ "name": "record", "in": "path", "required": true, "schema": { "type": "string" },
                                 "description": "the name of the record" }, query("json", "1")],
                "responses": other("application/json", "version, Bugs: title, link, fix-commits") } },
            "/events": { "get": {
                "summary": "Says `changed` whenever something did; /events/bug/N for one bug",
                "responses": other("text/event-stream", "server-sent events") } },
            "/mcp": { "post": {
                "summary": "The Model Context Protocol: one JSON-RPC message, or a list of them",
                "requestBody": { "required": true, "content": { "application/json": { "schema": { "type": ["object", "array"] } } } },
                "responses": { "200": { "description": "the answer", "content": { "application/json": {} } },
                               "202": { "description": "nothing is answered to a notification" } } } },
            "/metrics": { "get": {
                "summary": "Numbers for Prometheus", "security": token, "responses": other("text/plain", "version 0.0.4") } },
            "/healthz": { "get": { "summary": "Whether the record can be read", "responses": other("text/plain", "ok") } },
        },
        "components": {
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
            "schemas": schemas.definitions(),
        },
    })
}

/// The description as an answer.
pub(crate) async fn answer() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], description().to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use super::description;

    #[test]
    fn every_reference_of_the_description_leads_somewhere() {
        let whole = description();
        let text = whole.to_string();
        let mut found = 0;
        for (at, head) in text.match_indices("\"$ref\":\"#") {
            let path = text[at + head.len()..].split('"').next().unwrap();
            assert!(whole.pointer(path).is_some(), "{path}");
            found += 1;
        }
        assert!(found > 5, "{text}");
    }
}
