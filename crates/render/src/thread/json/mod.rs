//! A thread as JSON.

mod shape;

use analysis_thread::{
    Anchor, Kind, Question, QuestionState, Relation, Side, TestNote, Thread, Turn,
};
use model::LineSpan;

use super::{Reading, text};
use shape::*;

pub use shape::Document;

fn lines(span: LineSpan) -> Lines {
    [span.first, span.last]
}

fn m(entry: usize) -> String {
    format!("M{}", entry + 1)
}

fn turns(list: &[(String, Vec<usize>)]) -> Vec<TurnJson> {
    list.iter()
        .map(|(who, numbers)| TurnJson {
            who: who.clone(),
            questions: numbers.iter().map(|n| format!("Q{}", n + 1)).collect(),
        })
        .collect()
}

fn diff(diff: &parse_mail::Diff) -> DiffJson {
    DiffJson {
        lines: lines(diff.lines),
        added: diff.added(),
        removed: diff.removed(),
        damaged: diff.damage.is_some(),
        files: diff
            .files
            .iter()
            .map(|f| FileJson {
                path: f.path().to_owned(),
                old_blob: f.old_blob.clone(),
                new_blob: f.new_blob.clone(),
                added: f.added(),
                removed: f.removed(),
            })
            .collect(),
    }
}

impl Document {
    /// The document of an input.
    pub fn of(read: &Reading) -> Self {
        Self {
            format: 1,
            file: read.name.clone(),
            form: read.form,
            threads: read.threads.iter().map(|t| thread(read, t)).collect(),
        }
    }
}

fn thread(read: &Reading, t: &Thread) -> ThreadJson {
    let name = |v: usize| t.versions[v].name();
    ThreadJson {
        title: read.title(t).to_owned(),
        state: state(read, t),
        messages: messages(read, t),
        absent: t.absent.clone(),
        silent: silent(t),
        missing_versions: t.missing_versions.iter().map(ToString::to_string).collect(),
        versions: versions(t),
        drafts: drafts(t),
        comparisons: comparisons(t),
        tags: tags(t),
        commits: commits(t),
        bugs: bugs(t),
        bug_notes: t
            .bug_notes
            .iter()
            .map(|n| StatementJson {
                statement: n.statement.clone(),
                grade: n.grade.name(),
                rule: n.rule.0,
                style: false,
                lines: n.lines.iter().map(|l| lines(*l)).collect(),
            })
            .collect(),
        links: links(t),
        questions: t.questions.iter().enumerate().map(|(n, q)| question(n, q, t)).collect(),
        superseded: t
            .superseded
            .iter()
            .map(|s| SupersededJson {
                message: m(s.entry),
                lines: lines(s.lines),
                text: s.text.clone(),
                by: name(s.by),
            })
            .collect(),
        withdrawn: withdrawn(t),
        commands: t
            .commands
            .iter()
            .map(|c| CommandJson {
                message: m(c.entry),
                name: c.person.shown().to_owned(),
                command: c.name.clone(),
                argument: c.argument.clone(),
                lines: lines(c.lines),
            })
            .collect(),
        pulls: pulls(t),
        tests: TestsJson {
            asked: tests(&t.tests.asked),
            offered: tests(&t.tests.offered),
            done: tests(&t.tests.done),
            tested_by: t.tests.tested_by,
        },
        findings: t
            .findings
            .iter()
            .map(|f| StatementJson {
                statement: f.statement.clone(),
                grade: f.grade.name(),
                rule: "T10",
                style: f.is_style,
                lines: f.lines.iter().map(|l| lines(*l)).collect(),
            })
            .collect(),
    }
}

fn silent(t: &Thread) -> Vec<SilentJson> {
    t.silent
        .iter()
        .map(|s| SilentJson {
            name: s.person.name.clone(),
            address: s.person.address.clone(),
            line: s.line,
        })
        .collect()
}

fn tags(t: &Thread) -> Vec<TagJson> {
    let name = |v: usize| t.versions[v].name();
    t.tags
        .iter()
        .map(|tag| TagJson {
            tag: tag.trailer.tag.clone(),
            value: tag.trailer.value.clone(),
            name: tag.trailer.person.name.clone(),
            address: tag.trailer.person.address.clone(),
            scope: tag.trailer.scope.clone(),
            place: tag.place.name(),
            message: m(tag.entry),
            version: tag.version.map(name),
            patch: tag.patch.map(m),
            unknown: tag.is_unknown,
            for_other: tag.is_for_other,
            lacks_address: tag.lacks_address,
            condition: tag.condition,
            carried_to: tag.carried_to.map(m),
            lines: lines(tag.lines),
        })
        .collect()
}

fn commits(t: &Thread) -> Vec<CommitJson> {
    t.commits
        .iter()
        .map(|c| CommitJson {
            id: c.id.clone(),
            title: c.title.clone(),
            release: c.release.clone(),
            fixes: c.is_fixes,
            lines: c.lines.clone(),
        })
        .collect()
}

fn bugs(t: &Thread) -> Vec<BugJson> {
    let name = |v: usize| t.versions[v].name();
    t.bugs
        .iter()
        .map(|b| BugJson {
            tracker: b.id.kind.name(),
            id: b.id.id.clone(),
            versions: b.versions.iter().map(|v| name(*v)).collect(),
            in_trailer: b.in_trailer,
            lines: b.lines.clone(),
        })
        .collect()
}

fn links(t: &Thread) -> Vec<LinkJson> {
    t.links
        .iter()
        .map(|l| LinkJson {
            url: l.url.clone(),
            kind: match l.kind {
                parse_mail::LinkKind::Masked => "masked",
                _ => "perishable",
            },
            note: l.note.clone(),
            line: l.line,
        })
        .collect()
}

fn withdrawn(t: &Thread) -> Vec<WithdrawnJson> {
    t.withdrawn
        .iter()
        .map(|w| WithdrawnJson {
            claim: w.text.clone(),
            lines: w.lines.iter().map(|l| lines(*l)).collect(),
            refuted: w.refuted.iter().map(|l| lines(*l)).collect(),
            conceded: lines(w.conceded),
            backed_by: w.backed_by.clone(),
        })
        .collect()
}

fn pulls(t: &Thread) -> Vec<PullJson> {
    t.pulls
        .iter()
        .map(|p| PullJson {
            message: m(p.entry),
            url: p.url.clone(),
            reference: p.reference.clone(),
            base: p.base.clone(),
            head: p.head.clone(),
            lines: lines(p.lines),
            said_merged: p.pulled.as_ref().map(|by| SaidMergedJson {
                message: m(by.entry),
                line: by.line,
                commit: by.commit.clone(),
            }),
        })
        .collect()
}

fn id_of(read: &Reading, t: &Thread, entry: usize) -> Option<String> {
    read.messages[t.entries[entry].message].message_id.clone()
}

fn state(read: &Reading, t: &Thread) -> StateJson {
    StateJson {
        line: t.state.line.clone(),
        newest: t.state.newest.map(|v| t.versions[v].name()),
        newest_message_id: t.state.newest.and_then(|v| id_of(read, t, t.versions[v].entry)),
        superseded: t.superseded().map(|(asked, newest)| SupersessionJson {
            version: t.versions[asked].name(),
            by: t.versions[newest].name(),
            message_id: id_of(read, t, t.versions[newest].entry),
        }),
        turn: WhoseTurnJson {
            who: t.state.turn.name(),
            names: match (&t.state.turn, t.state.newest) {
                (Turn::People(people), _) => people.clone(),
                (Turn::Author, Some(v)) => vec![t.versions[v].author.shown().to_owned()],
                _ => Vec::new(),
            },
        },
        open: t.state.open,
        partly: t.state.partly,
        answered: t.state.answered,
        changed: t.state.changed,
        closed: t.state.closed,
        review_tags: t
            .state
            .review_tags
            .iter()
            .map(|(tag, count)| CountJson { tag: tag.clone(), count: *count })
            .collect(),
        refused: t
            .state
            .refused
            .iter()
            .map(|r| RefusedJson {
                name: r.person.name.clone(),
                address: r.person.address.clone(),
                line: r.line,
            })
            .collect(),
        said_applied: t
            .state
            .said_applied
            .iter()
            .map(|said| AppliedJson {
                name: said.person.name.clone(),
                address: said.person.address.clone(),
                line: said.line,
                patch: said.patch,
            })
            .collect(),
        waiting_on: turns(&t.state.ball),
        to_confirm: turns(&t.state.to_confirm),
    }
}

fn messages(read: &Reading, t: &Thread) -> Vec<MessageJson> {
    t.entries
        .iter()
        .enumerate()
        .map(|(at, e)| {
            let message = &read.messages[e.message];
            let known = !e.when.is_unknown;
            MessageJson {
                id: m(at),
                message_id: message.message_id.clone(),
                name: message.from.name.clone(),
                address: message.from.address.clone(),
                via: message.via.clone(),
                time: known.then(|| text::time(e.when)),
                from: known.then_some(e.when.low),
                to: known.then_some(e.when.high),
                subject: message.subject.text.clone(),
                kind: match e.kind {
                    Kind::Cover(_) => "cover",
                    Kind::Patch(_) => "patch",
                    Kind::Review => "review",
                    Kind::Answer => "answer",
                    Kind::Remark => "remark",
                },
                version: e.about.map(|v| t.versions[v].name()),
                parent: e.parent.map(m),
                headers_name: e.by_quote.map(|q| m(q.1)),
                quote_line: e.by_quote.map(|q| q.0),
                date_refused: e.refused.map(|seconds| {
                    parse_mail::Moment { seconds, zone: Some(0) }.utc().chars().take(19).collect()
                }),
                lines: lines(message.lines),
                from_line: message.from_line,
                file: read.place(message.lines.first).map(|p| p.0.to_owned()),
                file_line: read.place(message.lines.first).map(|p| p.1),
                copies: e.copies,
                problems: message
                    .problems
                    .iter()
                    .map(|p| ProblemJson { problem: p.kind.to_string(), lines: lines(p.lines) })
                    .collect(),
            }
        })
        .collect()
}

fn versions(t: &Thread) -> Vec<VersionJson> {
    t.versions
        .iter()
        .map(|v| VersionJson {
            name: v.name(),
            series: v.lineage,
            title: v.title.clone(),
            author: v.author.shown().to_owned(),
            message: m(v.entry),
            cover: v.cover.map(m),
            cover_inferred: v.is_cover_inferred,
            size: v.size,
            rfc: v.is_rfc,
            partial: v.is_partial,
            missing: v.missing(),
            change_id: v.change_id.clone(),
            base_commit: v.base_commit.clone(),
            linked_by: v.linked_by.iter().map(|l| l.name()).collect(),
            patches: v
                .patches
                .iter()
                .map(|p| PatchJson {
                    number: p.number,
                    title: p.title.clone(),
                    writer: p.writer.as_ref().map(|w| w.shown().to_owned()),
                    message: m(p.entry),
                    diff: p.diff.as_ref().map(diff),
                })
                .collect(),
        })
        .collect()
}

fn drafts(t: &Thread) -> Vec<DraftJson> {
    t.drafts
        .iter()
        .enumerate()
        .map(|(n, d)| {
            let (relation, version) = match d.relation {
                Relation::Same(v) => ("same", Some(v)),
                Relation::Incremental(v) => ("incremental", Some(v)),
                Relation::Replacement(v) => ("replacement", Some(v)),
                Relation::Touches(v) => ("touches", Some(v)),
                Relation::Unrelated => ("unrelated", None),
            };
            DraftJson {
                name: format!("D{}", n + 1),
                message: m(d.entry),
                relation,
                version: version.map(|v| t.versions[v].name()),
                evidence: d.evidence.clone(),
                grade: d.grade.name(),
                diff: diff(&d.diff),
            }
        })
        .collect()
}

fn comparisons(t: &Thread) -> Vec<ComparisonJson> {
    let side = |side: Side| match side {
        Side::Version(v) => t.versions[v].name(),
        Side::Draft(d) => format!("D{}", d + 1),
    };
    let changed = |list: &[analysis_thread::ChangedLine]| {
        list.iter()
            .map(|l| ChangedJson { line: l.number, text: format!("{}{}", l.kind.mark(), l.text) })
            .collect()
    };
    t.comparisons
        .iter()
        .map(|c| ComparisonJson {
            from: side(c.from),
            to: side(c.to),
            moved_base: c
                .moved_base
                .iter()
                .map(|(path, old, new)| MovedJson {
                    path: path.clone(),
                    old: old.clone(),
                    new: new.clone(),
                })
                .collect(),
            files_gone: c.files_gone.clone(),
            files_new: c.files_new.clone(),
            changes: c
                .changes
                .iter()
                .map(|x| ChangeJson {
                    path: x.path.clone(),
                    function: x.function.clone(),
                    gone: changed(&x.gone),
                    new: changed(&x.new),
                })
                .collect(),
        })
        .collect()
}

fn question(number: usize, q: &Question, t: &Thread) -> QuestionJson {
    let name = |v: usize| t.versions[v].name();
    let (state, version) = match q.state {
        QuestionState::Open => ("open", None),
        QuestionState::Answered => ("answered", None),
        QuestionState::Partly => ("partly", None),
        QuestionState::Changed(v) => ("changed", Some(v)),
        QuestionState::Confirmed => ("confirmed", None),
        QuestionState::Resolved(v) => ("resolved", Some(v)),
        QuestionState::Moot(v) => ("moot", Some(v)),
        QuestionState::Withdrawn => ("withdrawn", None),
    };
    QuestionJson {
        id: format!("Q{}", number + 1),
        asker: q.asker.shown().to_owned(),
        ask: q.ask.name(),
        asked: q
            .asked
            .iter()
            .map(|(e, l)| PlaceJson { message: m(*e), lines: lines(*l) })
            .collect(),
        text: q.text.clone(),
        parts: q.parts.clone(),
        version: q.version.map(name),
        about: match &q.anchor {
            Anchor::Code { version, path, function, lines } => Some(AboutJson {
                version: Some(name(*version)),
                path: Some(path.clone()),
                function: Some(function.clone()),
                lines: lines.clone(),
            }),
            Anchor::Text { lines } => {
                Some(AboutJson { version: None, path: None, function: None, lines: lines.clone() })
            }
            Anchor::None => None,
        },
        asked_of: q.asked_of.clone(),
        exchanges: q
            .exchanges
            .iter()
            .map(|e| ExchangeJson {
                message: m(e.entry),
                lines: lines(e.lines),
                by: match (e.by_asker, e.by_author) {
                    (true, _) => "asker",
                    (_, true) => "author",
                    _ => "another",
                },
                tone: e.tone.name(),
            })
            .collect(),
        state,
        state_version: version.map(name),
        reason: q.reason.clone(),
        evidence: q.evidence.clone(),
        waits_for: q.waits_for.clone(),
        grade: q.grade.name(),
    }
}

fn tests(list: &[TestNote]) -> Vec<TestJson> {
    list.iter()
        .map(|n| TestJson {
            message: m(n.entry),
            name: n.person.shown().to_owned(),
            text: n.text.clone(),
            configs: n.configs.clone(),
            passed: n.passed,
            lines: lines(n.lines),
        })
        .collect()
}
