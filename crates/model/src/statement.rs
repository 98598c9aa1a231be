//! What is said, how sure it is, by which rules, and where it is proven.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::Error as _;
use serde::ser::{Error as _, SerializeMap as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::{EventId, Grade, LineSpan, Predicate, RuleId};

/// The lines that prove a statement: at least one, in order, without duplicates.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Evidence(Vec<LineSpan>);

impl Evidence {
    /// The evidence of these lines; `None` when none is left. Line 0 stands for a line that is not known, and is
    /// dropped.
    pub fn new(lines: impl IntoIterator<Item = LineSpan>) -> Option<Self> {
        let mut lines: Vec<LineSpan> = lines.into_iter().filter(|span| span.first > 0).collect();
        lines.sort_unstable();
        lines.dedup();
        (!lines.is_empty()).then_some(Self(lines))
    }

    /// The evidence of one line, counted from 1.
    pub fn line(line: u64) -> Option<Self> {
        Self::new([LineSpan::line(line)])
    }

    /// The lines.
    pub fn lines(&self) -> &[LineSpan] {
        &self.0
    }

    /// Whether a line is among them.
    pub fn contains(&self, line: u64) -> bool {
        self.0.iter().any(|span| span.contains(line))
    }
}

/// One statement with all that stands behind it. It cannot be made without evidence and rule.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Statement {
    event: Option<EventId>,
    predicate: Predicate,
    grade: Grade,
    rule: RuleId,
    evidence: Evidence,
}

impl Statement {
    /// A statement.
    pub const fn new(predicate: Predicate, grade: Grade, rule: RuleId, evidence: Evidence) -> Self {
        Self { event: None, predicate, grade, rule, evidence }
    }

    /// The statement as one about that event.
    #[must_use]
    pub const fn of(mut self, event: EventId) -> Self {
        self.event = Some(event);
        self
    }

    /// The event that it is about, where it is about one.
    pub const fn event(&self) -> Option<EventId> {
        self.event
    }

    /// What is said.
    pub const fn predicate(&self) -> &Predicate {
        &self.predicate
    }

    /// How sure it is.
    pub const fn grade(&self) -> Grade {
        self.grade
    }

    /// The rule by which it is said.
    pub const fn rule(&self) -> RuleId {
        self.rule
    }

    /// The lines that prove it.
    pub fn lines(&self) -> &[LineSpan] {
        self.evidence.lines()
    }

    /// The lines that prove it.
    pub const fn evidence(&self) -> &Evidence {
        &self.evidence
    }
}

impl Statement {
    /// Writes the flat object: `predicate`, its arguments, `of_event`, `lines`, `rule`, `grade`, and `statement` when
    /// a sentence is given.
    pub fn serialize_with<S: Serializer>(
        &self,
        sentence: Option<&str>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let value = serde_json::to_value(&self.predicate).map_err(S::Error::custom)?;
        let mut out = serializer.serialize_map(None)?;
        out.serialize_entry("predicate", &value["predicate"])?;
        let arguments = value.as_object().into_iter().flatten();
        for (name, value) in
            arguments.filter(|(name, value)| *name != "predicate" && !value.is_null())
        {
            out.serialize_entry(name, value)?;
        }
        if let Some(event) = self.event {
            out.serialize_entry("of_event", &event)?;
        }
        out.serialize_entry("lines", self.lines())?;
        out.serialize_entry("rule", &self.rule)?;
        out.serialize_entry("grade", &self.grade)?;
        if let Some(sentence) = sentence {
            out.serialize_entry("statement", sentence)?;
        }
        out.end()
    }
}

impl Serialize for Statement {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.serialize_with(None, serializer)
    }
}

impl<'de> Deserialize<'de> for Statement {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let claim = Assertion::deserialize(deserializer)?;
        let rule = claim.rule.ok_or_else(|| D::Error::missing_field("rule"))?;
        let grade = claim.grade.ok_or_else(|| D::Error::missing_field("grade"))?;
        let evidence =
            Evidence::new(claim.lines).ok_or_else(|| D::Error::missing_field("lines"))?;
        Ok(Self { event: claim.event, predicate: claim.predicate, grade, rule, evidence })
    }
}

/// A predicate that somebody claims: the flat object of a [`Statement`] of which only the predicate with its
/// arguments must be there. This is what `check --claims` reads.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Assertion {
    /// What is claimed.
    pub predicate: Predicate,
    /// The event that it is about (`of_event`), as numbered by whoever claims it.
    pub event: Option<EventId>,
    /// The lines that are said to prove it; empty where none are named.
    pub lines: Vec<LineSpan>,
    /// The rule by which it is said.
    pub rule: Option<RuleId>,
    /// How sure its author is.
    pub grade: Option<Grade>,
}

impl From<Statement> for Assertion {
    fn from(statement: Statement) -> Self {
        Self {
            lines: statement.lines().to_vec(),
            predicate: statement.predicate,
            event: statement.event,
            rule: Some(statement.rule),
            grade: Some(statement.grade),
        }
    }
}

/// Fails on an unknown predicate, on a missing, unknown or ill-typed argument, and on what is no event, line, rule or
/// grade. A sentence in `statement` is not read.
impl<'de> Deserialize<'de> for Assertion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = Map::deserialize(deserializer)?;
        fields.remove("statement");
        let event = field(&mut fields, "of_event").map_err(D::Error::custom)?;
        let lines: Option<Vec<LineSpan>> = field(&mut fields, "lines").map_err(D::Error::custom)?;
        let rule = field(&mut fields, "rule").map_err(D::Error::custom)?;
        let grade = field(&mut fields, "grade").map_err(D::Error::custom)?;
        let predicate = predicate(fields).map_err(D::Error::custom)?;
        Ok(Self { predicate, event, lines: lines.unwrap_or_default(), rule, grade })
    }
}

/// Takes a field out of an object; an absent one and `null` are `None`.
fn field<T: serde::de::DeserializeOwned>(
    fields: &mut Map<String, Value>,
    name: &str,
) -> Result<Option<T>, String> {
    let Some(value) = fields.remove(name) else { return Ok(None) };
    serde_json::from_value(value).map_err(|problem| format!("{name}: {problem}"))
}

/// The predicate of an object whose other fields are its arguments.
fn predicate(fields: Map<String, Value>) -> Result<Predicate, String> {
    let name = match fields.get("predicate") {
        None => return Err("the field `predicate` is missing".to_owned()),
        Some(Value::String(name)) => name.clone(),
        Some(_) => return Err("`predicate` is no string".to_owned()),
    };
    if !Predicate::names().contains(&name) {
        return Err(format!("unknown predicate `{name}`"));
    }
    let given: Vec<String> = fields.keys().cloned().collect();
    let predicate: Predicate = serde_json::from_value(Value::Object(fields))
        .map_err(|problem| format!("{name}: {problem}"))?;
    // A predicate without arguments takes none.
    let known = serde_json::to_value(&predicate).map_err(|problem| problem.to_string())?;
    match given.iter().find(|argument| known.get(argument.as_str()).is_none()) {
        Some(unknown) => Err(format!("{name}: unknown field `{unknown}`")),
        None => Ok(predicate),
    }
}

/// The schema of the flat object: that of the predicate, each variant with the fields of the statement.
fn flat(generator: &mut SchemaGenerator, required: &[&str]) -> Schema {
    let mut schema = Predicate::json_schema(generator);
    let common = [
        ("of_event", generator.subschema_for::<EventId>()),
        ("lines", generator.subschema_for::<Vec<LineSpan>>()),
        ("rule", generator.subschema_for::<RuleId>()),
        ("grade", generator.subschema_for::<Grade>()),
        ("statement", generator.subschema_for::<String>()),
    ];
    for variant in schema.get_mut("oneOf").and_then(Value::as_array_mut).into_iter().flatten() {
        for (name, schema) in &common {
            variant["properties"][*name] = schema.clone().to_value();
        }
        if let Some(fields) = variant["required"].as_array_mut() {
            fields.extend(required.iter().map(|name| Value::from(*name)));
        }
    }
    schema
}

impl JsonSchema for Statement {
    fn schema_name() -> Cow<'static, str> {
        "Statement".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        flat(generator, &["lines", "rule", "grade"])
    }
}

impl JsonSchema for Assertion {
    fn schema_name() -> Cow<'static, str> {
        "Claim".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        flat(generator, &[])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{AddressMeaning, Task};

    fn read(value: Value) -> Result<Assertion, String> {
        serde_json::from_value(value).map_err(|problem| problem.to_string())
    }

    #[test]
    fn a_statement_is_one_flat_object_and_comes_back_from_it() {
        let predicates = [
            Predicate::CrashPlace { function: "f".into() },
            Predicate::LockdepOff,
            Predicate::FaultAddress { address: u64::MAX },
            Predicate::AddressMeaning {
                address: 0x20,
                register: None,
                meaning: AddressMeaning::NullOffset { offset: 0x20 },
            },
            Predicate::HoldoutTask {
                task: Task { name: String::new(), pid: Some(7) },
                depth: None,
            },
        ];
        for predicate in predicates {
            let evidence = Evidence::new([LineSpan::new(30, 31)]).unwrap();
            let statement =
                Statement::new(predicate, Grade::Seen, RuleId::R82, evidence).of(EventId(2));
            let text = serde_json::to_string(&statement).unwrap();
            assert_eq!(serde_json::from_str::<Statement>(&text).unwrap(), statement, "{text}");
        }
        let evidence = Evidence::line(30).unwrap();
        let place = Predicate::CrashPlace { function: "f".into() };
        let statement = Statement::new(place, Grade::Seen, RuleId::R82, evidence);
        assert_eq!(
            serde_json::to_value(&statement).unwrap(),
            json!({"predicate": "crash_place", "function": "f", "lines": [[30, 30]], "rule": "R82", "grade": "SEEN"})
        );
    }

    #[test]
    fn a_claim_needs_no_lines_and_its_sentence_is_not_read() {
        let claim =
            read(json!({"predicate": "crash_place", "function": "f", "statement": "!"})).unwrap();
        assert_eq!(claim.predicate, Predicate::CrashPlace { function: "f".into() });
        assert!(claim.lines.is_empty() && claim.rule.is_none() && claim.grade.is_none());
    }

    #[test]
    fn what_is_wrong_with_a_claim_is_named() {
        for (value, problem) in [
            (json!({"function": "f"}), "`predicate` is missing"),
            (json!({"predicate": "guilty", "function": "f"}), "unknown predicate `guilty`"),
            (json!({"predicate": "crash_place"}), "crash_place: missing field `function`"),
            (json!({"predicate": "lockdep_off", "x": 1}), "lockdep_off: unknown field `x`"),
            (json!({"predicate": "crash_place", "function": "f", "x": 1}), "unknown field `x`"),
            (
                json!({"predicate": "crash_place", "function": "f", "rule": "R99"}),
                "`R99` is no rule",
            ),
            (
                json!({"predicate": "crash_place", "function": "f", "lines": [[0, 1]]}),
                "[0, 1] is no run",
            ),
            (json!({"predicate": "fault_address", "address": "zz"}), "no 64-bit value"),
        ] {
            let found = read(value).unwrap_err();
            assert!(found.contains(problem), "{found}");
        }
    }

    #[test]
    fn the_schema_has_the_fields_of_the_statement_in_every_variant() {
        let schema = schemars::schema_for!(Statement);
        let variants = schema.get("oneOf").unwrap().as_array().unwrap();
        assert_eq!(variants.len(), Predicate::names().len());
        for variant in variants {
            assert!(variant["properties"]["lines"].is_object(), "{variant}");
            assert!(variant["required"].as_array().unwrap().contains(&json!("grade")), "{variant}");
        }
    }
}
