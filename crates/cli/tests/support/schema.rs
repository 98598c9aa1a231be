//! Checks JSON against a JSON schema, as far as the schemas of docs/schema go.
//!
//! A test that needs it says `#[path = "support/schema.rs"] mod schema;`.

use serde_json::Value;

/// What of `value` does not fit `schema`, each with its place.
pub(crate) fn problems(schema: &Value, value: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    check(schema, schema, value, "$", &mut problems);
    problems
}

fn check(root: &Value, schema: &Value, value: &Value, at: &str, problems: &mut Vec<String>) {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.strip_prefix("#/$defs/").expect("a definition of this schema");
        return check(root, &root["$defs"][name], value, at, problems);
    }
    if let Some(any) = schema["anyOf"].as_array().or_else(|| schema["oneOf"].as_array()) {
        let fits = any.iter().any(|one| {
            let mut own = Vec::new();
            check(root, one, value, at, &mut own);
            own.is_empty()
        });
        if !fits {
            problems.push(format!("{at}: {value} fits none of {any:?}"));
        }
        return;
    }
    let allowed: Vec<&str> = match &schema["type"] {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let fits = allowed.is_empty()
        || allowed.iter().any(|name| match *name {
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            "null" => value.is_null(),
            other => panic!("a schema has the type {other}"),
        });
    if !fits {
        problems.push(format!("{at}: {value} is not of type {allowed:?}"));
    }
    if let Some(object) = value.as_object() {
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !object.contains_key(name) {
                problems.push(format!("{at}.{name} is missing"));
            }
        }
        for (name, value) in object {
            let more = &schema["additionalProperties"];
            match &schema["properties"][name] {
                // A map: any name, values of one kind.
                Value::Null if more.is_object() => {
                    check(root, more, value, &format!("{at}.{name}"), problems);
                }
                // Any object.
                Value::Null if schema["properties"].is_null() => {}
                Value::Null => problems.push(format!("{at}.{name} is not in the schema")),
                own => check(root, own, value, &format!("{at}.{name}"), problems),
            }
        }
    }
    for (number, item) in value.as_array().into_iter().flatten().enumerate() {
        if !schema["items"].is_null() {
            check(root, &schema["items"], item, &format!("{at}[{number}]"), problems);
        }
    }
}
