//! Questions and demands (rule T8): who asks what of which lines, who replied how, how it stands.
//!
//! Invariant: words of the author never close a question. Only the code it is about, or the one who
//! asked, does.

mod anchor;
mod blocks;
mod demand;
mod standing;

use std::collections::HashMap;

use model::{Grade, LineSpan};
use parse_mail::{Message, Person, commits};

use crate::model::{
    Anchor, Ask, Exchange, Kind, Question, QuestionState, Superseded, Thread, Tone,
};
use crate::phrases::{
    AGREEMENT_STARTS, ASKS_CONSENT, DEFLECTIONS, OFFERS, STRONG_OBJECTIONS, STRONG_REQUESTS,
    WITHDRAWALS, first_of, promises, starts_with_any,
};
use crate::replies::Quotes;
use crate::text::{Sentence, calls, fold, sentences};
use blocks::{Block, Paragraph};

pub(crate) use anchor::last_lines;

/// Questions kept of one thread.
const MAX_QUESTIONS: usize = 10_000;

struct Finder<'a> {
    all: &'a [&'a Message],
    quotes: &'a Quotes,
    /// Which question a line of own words belongs to, by entry and index.
    owner: HashMap<(usize, usize), usize>,
    /// The folded own words of each message, for texts that are repeated without quote marks.
    words: Vec<String>,
    questions: Vec<Question>,
    /// Counter-questions of the author, each with the question that it answers.
    counters: Vec<(usize, usize)>,
    /// The answer before in the same message, for one that only says `Ditto`.
    before: Option<Exchange>,
}

pub(crate) fn find(all: &[&Message], quotes: &Quotes, thread: &mut Thread) {
    let mut finder = Finder {
        all,
        quotes,
        owner: HashMap::new(),
        words: Vec::new(),
        questions: Vec::new(),
        counters: Vec::new(),
        before: None,
    };
    for (entry, message) in all.iter().enumerate() {
        let mut words = String::new();
        if !matches!(thread.entries[entry].kind, Kind::Patch(_)) && !is_machine(message) {
            let blocks = blocks::blocks(message, entry, thread);
            for block in &blocks {
                if finder.questions.len() < MAX_QUESTIONS {
                    finder.block(block, blocks.len() == 1, thread);
                }
                for paragraph in &block.paragraphs {
                    words.push_str(&paragraph.text);
                    words.push(' ');
                }
            }
        }
        finder.words.push(words);
    }
    let Finder { mut questions, counters, .. } = finder;
    let superseded = overtaken(all, &mut questions, &counters, thread);
    questions.sort_by_key(|q| q.asked.first().map(|(entry, lines)| (*entry, lines.first)));
    for question in &mut questions {
        standing::settle(all, question, thread);
    }
    thread.questions = questions;
    thread.superseded = superseded;
}

/// Takes out the author's own questions that nobody answered and that a newer version has overtaken. A
/// counter-question that asks for facts is settled by no version: it stays in the exchange it is part of.
fn overtaken(
    all: &[&Message],
    questions: &mut Vec<Question>,
    counters: &[(usize, usize)],
    thread: &Thread,
) -> Vec<Superseded> {
    let mut in_exchange = vec![false; questions.len()];
    for &(new, target) in counters {
        let Some(&(entry, _)) = questions[new].asked.first() else { continue };
        let exchanges = &questions[target].exchanges;
        let asker = &questions[new].asker;
        let later: Vec<Exchange> = exchanges
            .iter()
            .filter(|e| e.entry > entry && !e.by_author)
            .cloned()
            .map(|e| Exchange { by_asker: asker.is(&all[e.entry].from), ..e })
            .collect();
        if newer_than(entry, thread).is_none() {
            questions[new].exchanges.extend(later);
            continue;
        }
        let asks_back = exchanges.iter().any(|e| e.entry == entry && e.tone == Tone::AsksBack);
        let text = questions[new].text.to_lowercase();
        in_exchange[new] |= asks_back && first_of(&text, ASKS_CONSENT).is_none();
    }
    let mut found = Vec::new();
    let mut in_exchange = in_exchange.into_iter();
    questions.retain(|question| {
        let in_exchange = in_exchange.next().unwrap_or_default();
        let Some(&(entry, lines)) = question.asked.first() else { return true };
        let by_author = matches!(thread.entries[entry].kind, Kind::Answer | Kind::Cover(_));
        let answered = question.exchanges.iter().any(|e| !all[e.entry].from.is(&question.asker));
        let Some(by) = newer_than(entry, thread).filter(|_| by_author && !answered) else {
            return true;
        };
        if !in_exchange {
            found.push(Superseded { entry, lines, text: question.text.clone(), by });
        }
        false
    });
    found
}

/// The first version after a message that is newer than the one that the message is about.
fn newer_than(entry: usize, thread: &Thread) -> Option<usize> {
    let about = thread.entries[entry].about;
    (0..thread.versions.len()).find(|&v| {
        let version = &thread.versions[v];
        version.entry > entry
            && about.is_none_or(|a| thread.versions[a].lineage == version.lineage && v > a)
    })
}

/// Whether a paragraph right below a question or demand goes on with it: it asks nothing with a mark,
/// and does not set out anew. A `Fixes` or a test asked for is settled by a tag or a result, so a demand
/// below one stands for itself.
fn explains(above: Ask, ask: Ask, text: &str) -> bool {
    if ask != above && matches!(above, Ask::Fixes | Ask::Test) {
        return false;
    }
    let lower = text.to_lowercase();
    let anew = [
        "also",
        "and also",
        "another",
        "please",
        "nit",
        "second",
        "finally",
        "then,",
        "further",
        "besides",
        "i also",
        "in addition",
        "that being said",
        "that said",
        "we should",
        "i suggest",
        "i'd suggest",
        "i would suggest",
        "i was wondering",
        "i wonder",
        "you ",
        "and ",
    ];
    let first = sentences(&lower).first().map_or(String::new(), |s| s.text.to_owned());
    let anew_inside = crate::text::has_phrase(&first, "also");
    let short = text.split(' ').count() <= 2;
    match ask {
        Ask::Objection | Ask::Request => !anew_inside && !anew.iter().any(|w| lower.starts_with(w)),
        _ => short,
    }
}

/// A question in quotation marks is somebody else's.
fn is_quotation(text: &str) -> bool {
    text.trim_end().ends_with("?\"")
}

/// A question that its asker answers himself or that asks nobody: `right?` of one word, `(why not?)`.
fn is_rhetorical(text: &str) -> bool {
    let inner = match text.trim_start().strip_prefix('(') {
        Some(inner) => inner,
        None if text.trim_end().ends_with("?)") => match text.rsplit_once('(') {
            Some((_, inner)) => inner,
            None => return false,
        },
        None => return false,
    };
    inner.split(' ').count() < 12
}

/// Mails of machines report; they do not ask.
pub(crate) fn is_machine(message: &Message) -> bool {
    const NAMES: [&str; 9] = [
        "kernel test robot",
        "syzbot",
        "patchwork-bot",
        "pr-tracker-bot",
        "kernelci",
        "bug-bot",
        "lkft",
        "mediatek-ci",
        "sashiko",
    ];
    let name = message.from.name.to_lowercase();
    let address = message.from.address.as_deref().unwrap_or_default().to_lowercase();
    message.is_automatic
        || NAMES.iter().any(|n| name.contains(n) || address.starts_with(&n.replace(' ', "-")))
        || address.starts_with("lkp@")
        || address.starts_with("syzbot")
        || address.starts_with("bugzilla-daemon")
        || name.ends_with(" bot")
        || name.ends_with(" robot")
}

impl Finder<'_> {
    fn block(&mut self, block: &Block, is_only: bool, thread: &Thread) {
        let entry = block.entry;
        let from = &self.all[entry].from;
        let subject = &self.all[entry].subject;
        // What a series says of itself demands nothing.
        let is_series = subject.is_patch && !subject.is_reply;
        let by_author =
            is_series || matches!(thread.entries[entry].kind, Kind::Answer | Kind::Cover(_));
        let mut targets = self.targets(block);
        if targets.is_empty() && is_only {
            targets.extend(self.sole_question(entry, thread));
        }
        let mut rest: Vec<&Paragraph> = block.paragraphs.iter().collect();
        if targets.is_empty() {
            if by_author {
                self.author_asks(block, &rest, thread);
            } else {
                self.remarks(block, thread);
            }
            return;
        }
        // One who goes on asking in a paragraph of its own asks something new: what is said to that
        // says nothing about the first question.
        let asker_again = !by_author && targets.iter().all(|t| self.questions[*t].asker.is(from));
        let next: Vec<Paragraph> = rest
            .iter()
            .skip(1)
            .filter(|p| asker_again && sentences(&p.text).iter().any(Sentence::is_question))
            .map(|p| (*p).clone())
            .collect();
        rest.retain(|p| !next.iter().any(|n| n.first == p.first));
        let text = fold(&rest.iter().map(|p| p.text.as_str()).collect::<Vec<_>>().join(" "));
        // A paragraph that turns to others by name begins a question of its own.
        let fresh: Vec<&Paragraph> = rest
            .iter()
            .skip(1)
            .copied()
            .filter(|p| !self.addressed(&p.text, thread).is_empty() && p.text.contains('?'))
            .collect();
        rest.retain(|p| !fresh.iter().any(|f| f.first == p.first));
        let answer = match fresh.is_empty() {
            true => text,
            false => fold(&rest.iter().map(|p| p.text.as_str()).collect::<Vec<_>>().join(" ")),
        };
        // A third person who demands something, and an asker who does so after an answer, say more than
        // the question did.
        let answered_to: Vec<usize> = targets
            .iter()
            .copied()
            .filter(|t| {
                let question = &self.questions[*t];
                !question.asker.is(from) || question.exchanges.iter().any(|e| !e.by_asker)
            })
            .collect();
        for &target in &targets {
            let question = &self.questions[target];
            let by_asker = question.asker.is(from);
            let after_counter = question.exchanges.last().is_some_and(|e| e.tone == Tone::AsksBack);
            let tone = tone(&answer, by_asker, after_counter);
            let (first, last) =
                (rest.first().map_or(0, |p| p.first), rest.last().map_or(0, |p| p.last));
            let line = |i: usize| self.all[entry].body.line(i).number;
            let exchange = Exchange {
                entry,
                lines: LineSpan::new(line(first), line(last)),
                by_asker,
                by_author,
                tone,
                text: answer.clone(),
            };
            let ditto = starts_with_any(
                &exchange.text.to_lowercase(),
                &["ditto", "same here", "same as above"],
            );
            if let Some(before) = self.before.clone().filter(|b| ditto && b.entry == entry) {
                self.questions[target].exchanges.push(before);
            }
            self.before = Some(exchange.clone());
            self.questions[target].exchanges.push(exchange);
            for index in first..=last {
                self.owner.insert((entry, index), target);
            }
        }
        let presses: Vec<Paragraph> = rest
            .iter()
            .filter(|_| !by_author && !answered_to.is_empty())
            .filter(|p| !sentences(&p.text).iter().any(Sentence::is_question))
            .filter(|p| self.is_strong_demand(p, block, thread))
            .map(|p| (*p).clone())
            .collect();
        self.follow_ups(block, &rest, by_author, &targets, thread);
        if !presses.is_empty() {
            self.remarks(&Block { paragraphs: presses, ..block.clone() }, thread);
        }
        for paragraph in fresh {
            self.author_asks(block, &[paragraph], thread);
        }
        if !next.is_empty() {
            self.remarks(&Block { paragraphs: next, ..block.clone() }, thread);
        }
    }

    /// Whether a paragraph within an exchange objects, or wants something in words that are no answer. Much
    /// that is said against something there is a mere opinion on what others said.
    fn is_strong_demand(&self, paragraph: &Paragraph, block: &Block, thread: &Thread) -> bool {
        let Some((ask, parts)) = self.classify(paragraph, block.entry, false, thread) else {
            return false;
        };
        let words = match ask {
            Ask::Objection => STRONG_OBJECTIONS,
            Ask::Request => STRONG_REQUESTS,
            _ => return false,
        };
        parts.iter().any(|part| {
            let lower = part.to_lowercase();
            let advice =
                ["if your ", "if you want ", "if you need "].iter().any(|w| lower.starts_with(w));
            !advice && first_of(&lower, words).is_some()
        })
    }

    /// Paragraphs of an answer that ask something themselves.
    fn follow_ups(
        &mut self,
        block: &Block,
        rest: &[&Paragraph],
        by_author: bool,
        targets: &[usize],
        thread: &Thread,
    ) {
        let asking: Vec<&Paragraph> = rest
            .iter()
            .copied()
            .filter(|p| {
                sentences(&p.text).iter().any(|s| s.is_question() && !is_rhetorical(s.text))
            })
            .collect();
        if asking.is_empty() {
            return;
        }
        if by_author {
            // What is said to a counter-question is said to the question, too.
            let owner = self.owner.clone();
            let first = self.questions.len();
            self.author_asks(block, &asking, thread);
            self.owner = owner;
            self.counters.extend(
                (first..self.questions.len())
                    .flat_map(|new| targets.iter().map(move |t| (new, *t))),
            );
            return;
        }
        let paragraphs = asking.into_iter().cloned().collect();
        self.remarks(&Block { paragraphs, ..block.clone() }, thread);
    }

    /// The questions whose lines stand in the quote right above a block: those of the message that is
    /// answered, else older ones.
    fn targets(&self, block: &Block) -> Vec<usize> {
        let find = |direct: bool| {
            let mut found = Vec::new();
            for &index in &block.above {
                let depth = self.quotes.depth(block.entry, index);
                if (depth == 1) != direct {
                    continue;
                }
                if let Some(origin) = self.quotes.origin(block.entry, index)
                    && let Some(&question) = self.owner.get(&origin)
                    && !found.contains(&question)
                {
                    found.push(question);
                }
            }
            found
        };
        let direct = find(true);
        if !direct.is_empty() {
            return direct;
        }
        // Only what stands last in the quote counts when it is not the answered message itself.
        let has_direct = block.above.iter().any(|i| {
            self.quotes.depth(block.entry, *i) == 1 && self.quotes.above(block.entry, *i).is_some()
        });
        if has_direct { Vec::new() } else { find(false) }
    }

    /// The one question of the mail that is answered: words above its whole copy, or without any, can
    /// be about nothing else.
    fn sole_question(&self, entry: usize, thread: &Thread) -> Option<usize> {
        let parent = thread.entries[entry].parent?;
        if self.all[parent].from.is(&self.all[entry].from) {
            return None;
        }
        let mut asked = (0..self.questions.len())
            .filter(|q| self.questions[*q].asked.iter().any(|(at, _)| *at == parent));
        let sole = asked.next()?;
        asked.next().is_none().then_some(sole)
    }

    /// People of the thread to whom a text turns by their first names: `Ann, and Bo, can you …`.
    fn addressed(&self, text: &str, thread: &Thread) -> Vec<String> {
        let people: Vec<&Person> = self
            .all
            .iter()
            .map(|m| &m.from)
            .chain(thread.silent.iter().map(|s| &s.person))
            .chain(self.all.iter().flat_map(|m| m.to.iter().chain(&m.cc)))
            .collect();
        let mut found: Vec<String> = Vec::new();
        let mut rest = text.trim_start_matches(['@', ' ']);
        for _ in 0..8 {
            rest = rest
                .trim_start_matches([',', ' ', '@', '&', '/'])
                .trim_start_matches("and ")
                .trim_start_matches('@');
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '-').unwrap_or(rest.len());
            let word = &rest[..end];
            let person = (word.len() >= 2)
                .then(|| people.iter().find(|p| p.name.split(' ').next() == Some(word)))
                .flatten();
            let Some(person) = person else { break };
            let after = &rest[end..];
            if !after.starts_with([',', ' ', ':', '/']) {
                break;
            }
            if !found.contains(&person.name) {
                found.push(person.name.clone());
            }
            rest = after;
            if rest.starts_with(':') || rest.starts_with(" -") {
                break;
            }
        }
        found
    }

    /// Whether an earlier message says the same words: a repetition is no new question.
    fn is_repeated(&self, sentence: &str) -> bool {
        sentence.len() >= 20 && self.words.iter().any(|w| w.contains(sentence))
    }

    /// The author's own questions.
    fn author_asks(&mut self, block: &Block, paragraphs: &[&Paragraph], thread: &Thread) {
        let entry = block.entry;
        let about = thread.entries[entry].about;
        for paragraph in paragraphs {
            let asks: Vec<String> = sentences(&paragraph.text)
                .iter()
                .filter(|s| {
                    s.is_question()
                        && !is_rhetorical(s.text)
                        && !is_quotation(s.text)
                        && !self.is_repeated(s.text)
                })
                .map(|s| s.text.to_owned())
                .collect();
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

    /// Remarks of anyone but the author, a block that replies to no known question.
    fn remarks(&mut self, block: &Block, thread: &Thread) {
        let entry = block.entry;
        let mut lead: Option<&Paragraph> = None;
        let code = self.is_below_diff(block);
        // The question right above, and what it asks.
        let mut above: Option<(usize, Ask)> = None;
        for (at, paragraph) in block.paragraphs.iter().enumerate() {
            let below_code = code && at == 0;
            let Some((ask, parts)) = self.classify(paragraph, entry, below_code, thread) else {
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

    /// Whether the last quoted line above a block is a changed line of a diff.
    fn is_below_diff(&self, block: &Block) -> bool {
        let body = &self.all[block.entry].body;
        block
            .above
            .iter()
            .rev()
            .map(|i| parse_mail::quote(body.line(*i).text).text)
            .filter(|t| !t.trim().is_empty())
            .take(3)
            .any(|t| t.starts_with(['+', '-']) || t.starts_with(" \t") || t.starts_with('\t'))
    }

    /// What a paragraph asks, and the sentences that do.
    fn classify(
        &self,
        paragraph: &Paragraph,
        entry: usize,
        block_quotes_code: bool,
        thread: &Thread,
    ) -> Option<(Ask, Vec<String>)> {
        let all = sentences(&paragraph.text);
        let lower = paragraph.text.to_lowercase();
        let mut questions: Vec<String> = Vec::new();
        for (at, sentence) in all.iter().enumerate() {
            let start = sentence.text.to_lowercase();
            if sentence.is_question()
                && !is_rhetorical(sentence.text)
                && !is_quotation(sentence.text)
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
        demand::of(&lower, &all, block_quotes_code)
    }

    /// A sentence that dates the fault to another commit than the `Fixes` of the version.
    fn other_origin(&self, text: &str, entry: usize, thread: &Thread) -> Option<String> {
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
    fn goes_on(&mut self, block: &Block, paragraph: &Paragraph) -> bool {
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
    fn extend(&mut self, question: usize, block: &Block, paragraph: &Paragraph) {
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
    fn same_objection(
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

    fn text_of(&self, entry: usize, lines: LineSpan) -> String {
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

    fn span(&self, entry: usize, paragraph: &Paragraph) -> LineSpan {
        let line = |i: usize| self.all[entry].body.line(i).number;
        LineSpan::new(line(paragraph.first), line(paragraph.last))
    }

    /// The lines of one sentence of a paragraph.
    fn line_of(&self, entry: usize, paragraph: &Paragraph, sentence: &str) -> LineSpan {
        let body = &self.all[entry].body;
        let tail: String = sentence.split(' ').next_back().unwrap_or(sentence).to_owned();
        let last = (paragraph.first..=paragraph.last)
            .rev()
            .find(|i| body.line(*i).text.contains(&tail))
            .unwrap_or(paragraph.last);
        let head: Vec<&str> = sentence.split(' ').take(2).collect();
        let first = (paragraph.first..=last)
            .rev()
            .find(|i| fold(body.line(*i).text).contains(&head.join(" ")))
            .unwrap_or(last);
        LineSpan::new(body.line(first).number, body.line(last).number)
    }

    fn add(&mut self, block: &Block, paragraph: &Paragraph, question: Question) {
        let number = self.questions.len();
        self.questions.push(question);
        for index in paragraph.first..=paragraph.last {
            self.owner.insert((block.entry, index), number);
        }
    }
}

/// Whether a sentence asks for a test.
fn is_about_test(sentence: &str) -> bool {
    let lower = sentence.to_lowercase();
    ["tested", "testing", "test this", "test it", "test the", "retest"]
        .iter()
        .any(|w| crate::text::has_phrase(&lower, w))
}

/// How an answer sounds.
fn tone(text: &str, by_asker: bool, after_counter: bool) -> Tone {
    let lower = text.to_lowercase();
    let all = sentences(text);
    let first = all.first().map(|s| s.text.to_lowercase()).unwrap_or_default();
    let asks = all.iter().any(Sentence::is_question);
    let ends_asking = all.last().is_some_and(Sentence::is_question);
    let turns = [" but ", ", just ", " i just don't ", " however", " though ", " except "];
    let agrees = starts_with_any(&lower, AGREEMENT_STARTS)
        && !turns.iter().any(|w| first.contains(w))
        && !first.starts_with("thanks for");
    if by_asker {
        return if first_of(&lower, WITHDRAWALS).is_some() {
            Tone::Withdraws
        } else if asks {
            Tone::AsksBack
        } else if agrees && !after_counter {
            Tone::Agrees
        } else {
            Tone::Answers
        };
    }
    let promised = all.iter().any(|s| promises(&s.text.to_lowercase()));
    if agrees || promised {
        Tone::Agrees
    } else if first_of(&lower, DEFLECTIONS).is_some() {
        Tone::Deflects
    } else if ends_asking {
        Tone::AsksBack
    } else if first_of(&lower, OFFERS).is_some() {
        Tone::Offers
    } else {
        Tone::Answers
    }
}
