//! QEMU's machine protocol: one JSON object a line.

use serde_json::{Value, json};

/// A line from QEMU.
#[derive(Debug)]
pub(crate) enum Message {
    /// The first line.
    Greeting,
    /// A command's result, with the number that was sent along.
    Return { id: u64, result: Result<Value, String> },
    /// Something happened.
    Event { name: String, data: Value },
}

/// The line for a command.
pub(crate) fn command(id: u64, name: &str, arguments: &Value) -> Vec<u8> {
    let mut line = json!({ "execute": name, "id": id });
    if !arguments.is_null() {
        line["arguments"] = arguments.clone();
    }
    let mut bytes = line.to_string().into_bytes();
    bytes.push(b'\n');
    bytes
}

/// Reads a line. Lines that say nothing we know are `None`.
pub(crate) fn parse(line: &[u8]) -> Option<Message> {
    let mut value: Value = serde_json::from_slice(line).ok()?;
    if value.get("QMP").is_some() {
        return Some(Message::Greeting);
    }
    if let Some(name) = value.get("event").and_then(Value::as_str) {
        let name = name.to_owned();
        return Some(Message::Event { name, data: value["data"].take() });
    }
    let id = value.get("id")?.as_u64()?;
    if let Some(error) = value.get("error") {
        let reason = error.get("desc").and_then(Value::as_str).unwrap_or("no reason given");
        return Some(Message::Return { id, result: Err(reason.to_owned()) });
    }
    value.get("return")?;
    Some(Message::Return { id, result: Ok(value["return"].take()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_errors_and_events_are_told_apart() {
        assert!(matches!(parse(br#"{"QMP": {"version": {}}}"#), Some(Message::Greeting)));
        let error = br#"{"id": 7, "error": {"class": "GenericError", "desc": "no such chardev"}}"#;
        assert!(matches!(
            parse(error),
            Some(Message::Return { id: 7, result: Err(reason) }) if reason == "no such chardev"
        ));
        let event = br#"{"timestamp": {}, "event": "SHUTDOWN", "data": {"reason": "guest-reset"}}"#;
        assert!(matches!(
            parse(event),
            Some(Message::Event { name, data }) if name == "SHUTDOWN" && data["reason"] == "guest-reset"
        ));
        assert!(parse(b"qemu: not JSON").is_none());
    }

    #[test]
    fn a_command_is_one_line() {
        let line = command(3, "human-monitor-command", &json!({"command-line": "info\nregisters"}));
        assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
        assert_eq!(line.last(), Some(&b'\n'));
    }
}
