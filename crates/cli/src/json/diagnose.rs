//! What `ktriage diagnose --json` prints: one object a log.

use analysis_claims::verify::{self, Judgement};
use analysis_hang::clock::Axis;
use analysis_hang::event;
use model::{LineSpan, Predicate, RuleId};
use render::conclusion;
use schemars::JsonSchema;
use serde::Serialize;

/// Version of this shape.
const FORMAT: u32 = 1;

/// The diagnosis of one log.
#[derive(Serialize, JsonSchema, Debug)]
pub(crate) struct Log {
    format: u32,
    file: String,
    kernel: Kernel,
    events: Vec<Event>,
    dropped_events: u64,
    first_cause: Option<FirstCause>,
    verdict: Verdict,
    graph: Graph,
    /// What is said of the events.
    claims: Vec<Statement>,
    /// Ranked possibilities for what the log leaves open.
    hypotheses: Vec<Statement>,
    /// What registers, faults and code bytes say.
    registers: Vec<Statement>,
    /// Files and lines, with `--vmlinux`: the guilty file, the place of each event, the main event's stack, each lock.
    sources: Vec<Statement>,
    /// What the stacks show that a written analysis quotes, in words only.
    quoted: Vec<Claim>,
    /// What the lines that it cites do not show, by an independent verifier; said nowhere else.
    unconfirmed: Vec<Unconfirmed>,
    groups: Vec<Group>,
    missing: Vec<String>,
    /// What is missing, as values.
    needs: Vec<model::Need>,
    /// What was not read or kept, in words.
    notices: Vec<String>,
    /// What a written analysis in the input claims of the source and its history, where there is a tree.
    source: Vec<super::check::JudgedSource>,
}

#[derive(Serialize, JsonSchema, Debug)]
struct Kernel {
    version: Option<String>,
    arch: Option<&'static str>,
    cpus: Option<u32>,
    hz: Option<u32>,
    hz_candidates: Vec<u32>,
    taint: Option<String>,
    modified: Option<&'static str>,
}

#[derive(Serialize, JsonSchema, Debug)]
struct Event {
    id: String,
    kind: &'static str,
    /// What it is called: the titles of its crash reports, where it has some.
    title: String,
    /// The title of each crash report that it stands for, as `ktriage report` gives it.
    reports: Vec<String>,
    headline: String,
    first_line: u64,
    last_line: u64,
    task: Option<String>,
    cpu: Option<u32>,
    /// Seconds.
    time: Option<Time>,
    boot: u32,
    repeats: u32,
    caused_by: Option<String>,
    /// What ties it to the event that it is taken for a consequence of.
    link: Option<Link>,
}

/// A tie between events, in words and as a value.
#[derive(Serialize, JsonSchema, Debug)]
struct Link {
    because: String,
    #[serde(flatten)]
    value: model::Link,
}

#[derive(Serialize, JsonSchema, Debug)]
struct Time {
    from: f64,
    to: f64,
    /// `boot`, `wall` or `log`.
    axis: &'static str,
}

#[derive(Serialize, JsonSchema, Debug)]
struct FirstCause {
    event: String,
    line: u64,
    statement: String,
    grade: &'static str,
    /// The statement as a value.
    value: model::Finding,
}

#[derive(Serialize, JsonSchema, Debug)]
struct Verdict {
    kind: &'static str,
    statement: String,
    grade: &'static str,
    /// The statement as values.
    findings: Vec<model::Finding>,
    rule: Option<RuleId>,
    lines: Vec<[u64; 2]>,
}

#[derive(Serialize, JsonSchema, Debug)]
struct Graph {
    nodes: Vec<Node>,
    edges: Vec<Edge>,
    cycle: bool,
}

#[derive(Serialize, JsonSchema, Debug)]
struct Node {
    id: String,
    kind: &'static str,
    name: String,
    /// The name as a value.
    value: model::Participant,
}

#[derive(Serialize, JsonSchema, Debug)]
struct Edge {
    from: String,
    to: String,
    waits_for: String,
    /// What is waited for, as a value.
    value: model::WaitsFor,
    lines: Vec<[u64; 2]>,
    rule: RuleId,
    grade: &'static str,
}

#[derive(Serialize, JsonSchema, Debug)]
struct Claim {
    statement: String,
    grade: &'static str,
    rule: String,
    lines: Vec<[u64; 2]>,
}

/// A withheld statement with what the verifier said.
#[derive(Serialize, JsonSchema, Debug)]
struct Unconfirmed {
    statement: Statement,
    /// `contradicted` or `not_shown`.
    judgement: &'static str,
    /// The lines that say otherwise, both ends included.
    lines: Vec<[u64; 2]>,
    /// What these lines say instead.
    found: Option<Predicate>,
    /// What would show it.
    needed: Option<&'static str>,
}

#[derive(Serialize, JsonSchema, Debug)]
struct Group {
    key: String,
    events: Vec<String>,
}

fn spans(lines: &[LineSpan]) -> Vec<[u64; 2]> {
    lines.iter().map(|span| [span.first, span.last]).collect()
}

/// A statement with the sentence that says it.
#[derive(Debug)]
pub(crate) struct Statement(model::Statement);

impl Serialize for Statement {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize_with(Some(&render::sentence(self.0.predicate())), serializer)
    }
}

impl JsonSchema for Statement {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        model::Statement::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        model::Statement::json_schema(generator)
    }
}

pub(crate) fn statement(statement: &model::Statement) -> Statement {
    Statement(statement.clone())
}

fn unconfirmed(withheld: &verify::Unconfirmed) -> Unconfirmed {
    let (judgement, lines, found, needed) = match &withheld.judgement {
        Judgement::Contradicted { lines, found } => {
            ("contradicted", spans(lines), Some(found.clone()), None)
        }
        Judgement::NotShown { need } => ("not_shown", Vec::new(), None, Some(need.name())),
        Judgement::Shown { lines } => ("supported", spans(lines), None, None),
    };
    Unconfirmed { statement: statement(&withheld.statement), judgement, lines, found, needed }
}

fn event(log: &render::diagnosis::Log<'_>, event: &event::Event) -> Event {
    let diagnosis = log.diagnosis;
    let time = event.at.and_then(|at| diagnosis.seen.clock.resolve(at)).map(|interval| Time {
        from: interval.from as f64 / 1e6,
        to: interval.to as f64 / 1e6,
        axis: match interval.axis {
            Axis::Boot => "boot",
            Axis::Wall => "wall",
            Axis::Log => "log",
        },
    });
    let link = diagnosis.causes.links[event.id.0].as_ref();
    Event {
        id: event.id.to_string(),
        kind: event.kind.name(),
        title: render::diagnosis::event::name(event),
        reports: event.titles.clone(),
        headline: event.headline.clone(),
        first_line: event.lines.first,
        last_line: event.lines.last,
        task: event.task.as_ref().map(ToString::to_string),
        cpu: event.cpu,
        time,
        boot: event.boot,
        repeats: event.repeats,
        caused_by: link.map(|link| link.parent.to_string()),
        link: link
            .map(|link| Link { because: conclusion::link(&link.reason), value: link.clone() }),
    }
}

/// The object of one log.
pub(crate) fn log(log: &render::diagnosis::Log<'_>, told: &[analysis_tree::told::Told]) -> Log {
    let diagnosis = log.diagnosis;
    let kernel = diagnosis.kernel();
    let graph = &diagnosis.graph;
    Log {
        format: FORMAT,
        file: log.name.to_owned(),
        kernel: Kernel {
            version: kernel.release.as_ref().map(|(release, _)| release.clone()),
            arch: kernel.arch.map(|(arch, _)| arch),
            cpus: kernel.cpus.map(|(cpus, _)| cpus),
            hz: diagnosis.hertz.as_ref().and_then(analysis_hang::hertz::Hertz::settled),
            hz_candidates: diagnosis
                .hertz
                .as_ref()
                .map(|hertz| hertz.values.clone())
                .unwrap_or_default(),
            taint: kernel.taint.as_ref().map(|(taint, _)| taint.clone()),
            modified: kernel.modified(),
        },
        events: diagnosis.seen.events.iter().map(|each| event(log, each)).collect(),
        dropped_events: diagnosis.seen.dropped,
        first_cause: diagnosis.first_cause.as_ref().map(|cause| FirstCause {
            event: cause.event.to_string(),
            line: cause.line,
            statement: conclusion::first_cause(&diagnosis.seen, cause),
            grade: cause.grade.name(),
            value: cause.finding.clone(),
        }),
        verdict: Verdict {
            kind: diagnosis.verdict.kind.name(),
            statement: conclusion::verdict(&diagnosis.seen, &diagnosis.verdict),
            grade: diagnosis.verdict.grade.name(),
            findings: diagnosis.verdict.findings.clone(),
            rule: diagnosis.verdict.rule,
            lines: spans(&diagnosis.verdict.lines),
        },
        graph: Graph {
            nodes: graph
                .nodes
                .iter()
                .map(|node| Node {
                    id: node.id.clone(),
                    kind: node.kind.name(),
                    name: conclusion::participant(&node.who),
                    value: node.who.clone(),
                })
                .collect(),
            edges: graph
                .edges
                .iter()
                .map(|edge| Edge {
                    from: graph.nodes[edge.from].id.clone(),
                    to: graph.nodes[edge.to].id.clone(),
                    waits_for: conclusion::waits_for(&graph.step(edge)),
                    value: edge.waits_for.clone(),
                    lines: spans(&edge.lines),
                    rule: edge.rule,
                    grade: edge.grade.name(),
                })
                .collect(),
            cycle: matches!(diagnosis.verdict.kind.name(), "deadlock" | "suspected_deadlock"),
        },
        claims: diagnosis.statements.iter().map(statement).collect(),
        quoted: Vec::new(),
        registers: log.registers.iter().map(statement).collect(),
        sources: log.sources.iter().map(statement).collect(),
        hypotheses: diagnosis.hypotheses.iter().map(statement).collect(),
        unconfirmed: log.unconfirmed.iter().map(unconfirmed).collect(),
        groups: diagnosis
            .groups
            .iter()
            .map(|group| Group {
                key: group.key.clone(),
                events: group.events.iter().map(ToString::to_string).collect(),
            })
            .collect(),
        missing: diagnosis.needs.iter().map(conclusion::need).collect(),
        needs: diagnosis.needs.clone(),
        notices: log.notices.iter().map(render::notice).collect(),
        source: super::check::sources(told),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_printed_object_has_the_promised_shape() {
        let log = "[   50.000000] watchdog: BUG: soft lockup - CPU#3 stuck for 22s! [w:77]\n[   50.000001] CPU: 3 PID: 77 Comm: w Not tainted 6.1.0 #1\n[   50.000002] RIP: 0010:spin_here+0x1/0x9\n[   50.000003] Call Trace:\n[   50.000004]  my_work+0x1/0x9\n[   50.000005]  process_one_work+0x1/0x9\n[   50.000006]  worker_thread+0x1/0x9\n[   50.000007]  kthread+0x1/0x9\n";
        let read = app_diagnose::diagnose(log.as_bytes(), app_diagnose::Wanted::default()).unwrap();
        let view = crate::commands::diagnose::view("a.log", &read);
        let value = serde_json::to_value(super::log(&view, &[])).unwrap();
        assert_eq!(value["format"], 1);
        assert_eq!(value["file"], "a.log");
        assert_eq!(value["kernel"]["version"], "6.1.0 #1");
        assert_eq!(value["events"][0]["id"], "E1");
        assert_eq!(value["events"][0]["kind"], "soft_lockup");
        assert_eq!(value["events"][0]["title"], "BUG: soft lockup in my_work");
        assert_eq!(value["events"][0]["first_line"], 1);
        assert_eq!(value["events"][0]["last_line"], 8);
        assert_eq!(value["events"][0]["time"]["from"], 50.0);
        assert_eq!(value["first_cause"]["event"], "E1");
        assert_eq!(value["first_cause"]["line"], 1);
        assert_eq!(value["verdict"]["kind"], "starvation");
        assert_eq!(value["graph"]["cycle"], false);
        for key in
            ["claims", "registers", "quoted", "groups", "missing", "hypotheses", "unconfirmed"]
        {
            assert!(value[key].is_array(), "{key}");
        }
        assert!(value["claims"][0]["lines"][0][0].is_u64());
    }
}
