//! What a block that answers nothing asks: remarks of reviewers and questions of the author.

use model::{Grade, LineSpan};
use parse_mail::commits;

use super::anchor;
use super::blocks::{Block, Paragraph};
use super::demand::{self, Below};
use super::finder::Finder;
use super::wording::{explains, is_about_test, is_prompt, is_quotation, is_rhetorical};
use crate::model::{Anchor, Ask, Kind, Question, QuestionState, Thread};
use crate::own::{Role, roles};
use crate::phrases::answers::AGREEMENT_STARTS;
use crate::phrases::demands::{AUTHOR_POLITE, AUTHOR_WANTS};
use crate::text::{calls, first_of, fold, sentences, starts_with_any};

impl Finder<'_> {
    /// The author's own questions.
    pub(super) fn author_asks(
        &mut self,
        block: &Block,
        paragraphs: &[&Paragraph],
        thread: &Thread,
    ) {
        let entry = block.entry;
        let about = thread.entries[entry].about;
        for paragraph in paragraphs {
            let asks: Vec<String> = sentences(&paragraph.text)
                .iter()
                .filter(|s| {
                    s.is_question()
                        && !is_rhetorical(s.text)
                        && !is_quotation(s.text, &paragraph.text)
                        && !self.is_repeated(s.text)
                })
                .map(|s| s.text.to_owned())
                .collect();
            let asks =
                if asks.is_empty() { self.author_requests(paragraph, entry, thread) } else { asks };
            let Some(text) = asks.first().cloned() else { continue };
            let lines = self.span(entry, paragraph);
            let mut asked_of = self.addressed(&paragraph.text, thread);
            if asked_of.is_empty() {
                let parent = thread.entries[entry].parent.map(|p| &self.all[p].from);
                asked_of.extend(
                    parent.filter(|p| !p.is(&self.all[entry].from)).map(|p| p.shown().to_owned()),
                );
            }
            let ask = if is_about_test(&text) { Ask::Test } else { Ask::Question };
            let lines = if paragraph.last > paragraph.first + 4 {
                self.line_of(entry, paragraph, &text)
            } else {
                lines
            };
            self.add(
                block,
                paragraph,
                Question {
                    asker: self.all[entry].from.clone(),
                    ask,
                    asked: vec![(entry, lines)],
                    text,
                    parts: asks,
                    version: about,
                    anchor: anchor::of(block, self.quotes, self.all, thread),
                    asked_of,
                    exchanges: Vec::new(),
                    state: QuestionState::Open,
                    reason: String::new(),
                    evidence: Vec::new(),
                    waits_for: Vec::new(),
                    grade: Grade::Seen,
                    author_acts: false,
                },
            );
        }
    }

    /// What the author wants of others without a question mark: `please add a Cc`, `let me know if …`.
    fn author_requests(&self, paragraph: &Paragraph, entry: usize, thread: &Thread) -> Vec<String> {
        if thread.entries[entry].kind != Kind::Answer {
            return Vec::new();
        }
        sentences(&paragraph.text)
            .iter()
            .filter(|s| {
                let lower = s.text.to_lowercase();
                first_of(&lower, AUTHOR_WANTS).is_some()
                    && first_of(&lower, AUTHOR_POLITE).is_none()
                    && !self.is_repeated(s.text)
            })
            .map(|s| s.text.to_owned())
            .collect()
    }

    /// Remarks of anyone but the author, a block that replies to no known question.
    pub(super) fn remarks(&mut self, block: &Block, thread: &Thread) {
        let entry = block.entry;
        let mut lead: Option<&Paragraph> = None;
        let below = self.below(block, thread);
        // The question right above, and what it asks.
        let mut above: Option<(usize, Ask)> = None;
        for (at, paragraph) in block.paragraphs.iter().enumerate() {
            // What a remark that ends in a colon announces is explained along the quoted code.
            let announced =
                self.questions.iter().rfind(|q| q.asked.last().is_some_and(|a| a.0 == entry));
            let announced = announced.is_some_and(|q| {
                q.ask == Ask::Objection && q.parts.last().is_some_and(|p| p.ends_with(':'))
            });
            let below = if at == 0 && !announced { below } else { Below::Other };
            let Some((ask, parts)) = self.classify(paragraph, entry, below, thread) else {
                if self.goes_on(block, paragraph) {
                    continue;
                }
                lead = (paragraph.text.ends_with(':')
                    || sentences(&paragraph.text).last().is_some_and(|s| s.text.contains("://")))
                .then_some(paragraph);
                continue;
            };
            // One question, one entry: what explains the one right above belongs to it.
            if let Some((question, of)) = above
                && explains(of, ask, &paragraph.text)
            {
                self.extend(question, block, paragraph);
                continue;
            }
            let mut lines = self.span(entry, paragraph);
            let mut first = paragraph.first;
            // `Thoughts?` asks about what stands above it.
            if is_prompt(&paragraph.text) {
                lead = at.checked_sub(1).map(|before| &block.paragraphs[before]).or(lead);
            }
            if let Some(lead) = lead.take() {
                first = lead.first;
                lines = LineSpan::new(self.all[entry].body.line(first).number, lines.last);
            }
            let anchor = anchor::of(block, self.quotes, self.all, thread);
            let whole = Paragraph { first, ..paragraph.clone() };
            if matches!(ask, Ask::Objection | Ask::Request)
                && let Some(same) = self.same_objection(entry, paragraph, &anchor, thread)
            {
                above = Some((same, ask));
                self.questions[same].asked.push((entry, lines));
                for index in whole.first..=whole.last {
                    self.owner.insert((entry, index), same);
                }
                continue;
            }
            let grade = match ask {
                Ask::Question | Ask::Test => Grade::Seen,
                _ => Grade::Inferred,
            };
            let text = parts.first().cloned().unwrap_or_default();
            above = Some((self.questions.len(), ask));
            self.add(
                block,
                &whole,
                Question {
                    asker: self.all[entry].from.clone(),
                    ask,
                    asked: vec![(entry, lines)],
                    text,
                    parts,
                    version: thread.entries[entry].about,
                    anchor,
                    asked_of: self.addressed(&paragraph.text, thread),
                    exchanges: Vec::new(),
                    state: QuestionState::Open,
                    reason: String::new(),
                    evidence: Vec::new(),
                    waits_for: Vec::new(),
                    grade,
                    author_acts: true,
                },
            );
        }
    }

    /// What stands right above a block.
    fn below(&self, block: &Block, thread: &Thread) -> Below {
        let body = &self.all[block.entry].body;
        let quoted = |i: usize| parse_mail::quote(body.line(i).text);
        let mut last = block.above.iter().rev().filter(|i| !quoted(**i).text.trim().is_empty());
        let is_code = |text: &str| {
            text.starts_with(['+', '-']) || text.starts_with(" \t") || text.starts_with('\t')
        };
        if last.clone().take(3).any(|i| is_code(quoted(*i).text)) {
            return Below::Code;
        }
        let Some(&last) = last.next() else { return Below::Other };
        // The end of a message says nothing of what a remark below is about.
        let text = quoted(last).text;
        let is_end = parse_mail::trailer(text).is_some()
            || text.trim() == "---"
            || text.contains(" | ")
            || text.contains(" changed, ");
        let origin = self.quotes.origin(block.entry, last).filter(|_| !is_end);
        let Some((entry, line)) = origin else { return Below::Other };
        let roles = roles(self.all[entry], entry, thread);
        match (thread.entries[entry].kind, roles.get(line)) {
            (Kind::Patch(_), Some(Role::Diff)) => Below::Code,
            (Kind::Patch(_), Some(Role::CommitMessage | Role::Notes)) => Below::Message,
            _ => Below::Other,
        }
    }

    /// What a paragraph asks, and the sentences that do.
    pub(super) fn classify(
        &self,
        paragraph: &Paragraph,
        entry: usize,
        below: Below,
        thread: &Thread,
    ) -> Option<(Ask, Vec<String>)> {
        let all = sentences(&paragraph.text);
        let lower = paragraph.text.to_lowercase();
        let mut questions: Vec<String> = Vec::new();
        for (at, sentence) in all.iter().enumerate() {
            let start = sentence.text.to_lowercase();
            if sentence.is_question()
                && !is_rhetorical(sentence.text)
                && !is_quotation(sentence.text, &paragraph.text)
                && !self.is_repeated(sentence.text)
                || !questions.is_empty() && start.starts_with("the question ")
            {
                // `Why?` alone tells nobody what is asked.
                let short = sentence.text.split(' ').count() < 3;
                let before =
                    at.checked_sub(1).map(|b| &all[b]).filter(|b| short && !b.is_question());
                questions.push(match before {
                    Some(before) => format!("{} {}", before.text, sentence.text),
                    None => sentence.text.to_owned(),
                });
            }
        }
        if let Some(ask) = questions.first() {
            let ask = if is_about_test(ask) { Ask::Test } else { Ask::Question };
            return Some((ask, questions));
        }
        if let Some(sentence) = self.other_origin(&paragraph.text, entry, thread) {
            return Some((Ask::Fixes, vec![sentence]));
        }
        // Without a patch, advice to a user is nothing that anybody owes.
        if !self.all.iter().any(|m| m.subject.is_patch) {
            return None;
        }
        demand::of(&lower, &all, below)
    }

    /// A sentence that dates the fault to another commit than the `Fixes` of the version.
    pub(super) fn other_origin(&self, text: &str, entry: usize, thread: &Thread) -> Option<String> {
        const DATING: [&str; 8] = [
            "since commit",
            "introduced by commit",
            "introduced in commit",
            "introduced with commit",
            "started with commit",
            "broken by commit",
            "caused by commit",
            "regressed with commit",
        ];
        let version = thread.entries[entry].about?;
        let lower = text.to_lowercase();
        first_of(&lower, &DATING)?;
        let fixes: Vec<&str> = thread
            .tags
            .iter()
            .filter(|t| {
                t.version == Some(version) && t.trailer.kind == parse_mail::TrailerKind::Fixes
            })
            .map(|t| t.trailer.value.as_str())
            .collect();
        let named = commits(&[text]);
        let other = named.iter().find(|c| {
            let short = &c.id[..c.id.len().min(12)];
            !fixes.iter().any(|f| {
                f.starts_with(short) || short.starts_with(f.split(' ').next().unwrap_or(f))
            })
        })?;
        if fixes.is_empty() {
            return None;
        }
        sentences(text).iter().find(|s| s.text.contains(&other.id)).map(|s| s.text.to_owned())
    }

    /// Whether a paragraph without a demand of its own carries on the demand before it in the same
    /// message: the reviewer explains it along the quoted code.
    pub(super) fn goes_on(&mut self, block: &Block, paragraph: &Paragraph) -> bool {
        let entry = block.entry;
        let lower = paragraph.text.to_lowercase();
        if paragraph.text.len() < 40 || starts_with_any(&lower, AGREEMENT_STARTS) {
            return false;
        }
        let Some(last) = self.questions.iter().rposition(|q| {
            q.asked.last().is_some_and(|(e, _)| *e == entry) && q.asker.is(&self.all[entry].from)
        }) else {
            return false;
        };
        if self.questions[last].ask != Ask::Objection {
            return false;
        }
        self.extend(last, block, paragraph);
        true
    }

    /// Adds a paragraph to a question.
    pub(super) fn extend(&mut self, question: usize, block: &Block, paragraph: &Paragraph) {
        let entry = block.entry;
        let lines = self.span(entry, paragraph);
        for index in paragraph.first..=paragraph.last {
            self.owner.insert((entry, index), question);
        }
        let further = anchor::lines_above(block, self.quotes, self.all);
        match (&mut self.questions[question].anchor, further) {
            (Anchor::Code { lines, .. } | Anchor::Text { lines }, Some(more)) => lines.extend(more),
            (none @ Anchor::None, Some(more)) => *none = Anchor::Text { lines: more },
            _ => {}
        }
        let asked = &mut self.questions[question].asked;
        match asked.last_mut() {
            Some((e, span)) if *e == entry && span.last + 2 >= lines.first => {
                span.last = lines.last;
            }
            _ => asked.push((entry, lines)),
        }
    }

    /// An older objection of the same person to the same words of the changelog.
    pub(super) fn same_objection(
        &self,
        entry: usize,
        paragraph: &Paragraph,
        anchor: &Anchor,
        thread: &Thread,
    ) -> Option<usize> {
        if matches!(anchor, Anchor::Code { .. }) {
            return None;
        }
        let mine = calls(&paragraph.text);
        let version = thread.entries[entry].about;
        self.questions.iter().position(|q| {
            matches!(q.ask, Ask::Objection | Ask::Request)
                && q.asker.is(&self.all[entry].from)
                && q.version == version
                && !matches!(q.anchor, Anchor::Code { .. })
                && q.parts.iter().any(|p| calls(p).iter().any(|c| mine.contains(c)))
                || q.ask == Ask::Objection
                    && q.asker.is(&self.all[entry].from)
                    && q.version == version
                    && !matches!(q.anchor, Anchor::Code { .. })
                    && q.asked.iter().any(|(e, lines)| {
                        let text = self.text_of(*e, *lines);
                        calls(&text).iter().any(|c| mine.contains(c))
                    })
        })
    }

    pub(super) fn text_of(&self, entry: usize, lines: LineSpan) -> String {
        let body = &self.all[entry].body;
        fold(
            &body
                .lines()
                .filter(|l| lines.contains(l.number))
                .map(|l| l.text)
                .collect::<Vec<_>>()
                .join(" "),
        )
    }
}
