//! Reads a message block by block: which question a block answers, and what it asks itself.

use std::collections::HashMap;

use model::LineSpan;
use parse_mail::{Message, Person};

use super::blocks::{Block, Paragraph};
use super::demand::Below;
use super::grammar;
use super::wording::{is_rhetorical, tone};
use crate::model::{Ask, Exchange, Kind, Question, Thread, Tone};
use crate::phrases::demands::{PRESSING, STRONG_OBJECTIONS, STRONG_REQUESTS};
use crate::replies::Quotes;
use crate::text::{Sentence, first_of, fold, sentences, starts_with_any};

/// What was read so far.
pub(super) struct Finder<'a> {
    pub(super) all: &'a [&'a Message],
    pub(super) quotes: &'a Quotes,
    /// Which question a line of own words belongs to, by entry and index.
    pub(super) owner: HashMap<(usize, usize), usize>,
    /// The block in which a line of own words stands, by entry and index: the index of its first line.
    blocks: HashMap<(usize, usize), usize>,
    /// The folded own words of each message, for texts that are repeated without quote marks.
    pub(super) words: Vec<String>,
    pub(super) questions: Vec<Question>,
    /// Counter-questions of the author, each with the question that it answers.
    pub(super) counters: Vec<(usize, usize)>,
    /// The answer before in the same message, for one that only says `Ditto`.
    before: Option<Exchange>,
}

impl<'a> Finder<'a> {
    pub(super) fn new(all: &'a [&'a Message], quotes: &'a Quotes) -> Self {
        Self {
            all,
            quotes,
            owner: HashMap::new(),
            blocks: HashMap::new(),
            words: Vec::new(),
            questions: Vec::new(),
            counters: Vec::new(),
            before: None,
        }
    }
}

impl Finder<'_> {
    pub(super) fn block(&mut self, block: &Block, is_only: bool, thread: &Thread) {
        let entry = block.entry;
        let from = &self.all[entry].from;
        let subject = &self.all[entry].subject;
        // What a series says of itself demands nothing.
        let is_series = subject.is_patch && !subject.is_reply;
        let by_author =
            is_series || matches!(thread.entries[entry].kind, Kind::Answer | Kind::Cover(_));
        if let Some(first) = block.paragraphs.first().map(|p| p.first) {
            for index in block.paragraphs.iter().flat_map(|p| p.first..=p.last) {
                self.blocks.insert((entry, index), first);
            }
        }
        let mut targets = self.targets(block);
        if targets.is_empty() && by_author {
            targets.extend(self.question_of_block(block));
        }
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
                // One who answers himself before anybody else did goes on asking.
                let others = question.exchanges.iter().any(|e| !e.by_asker);
                !question.asker.is(from) || others || !by_author
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
        // Nobody else has said anything to what was asked.
        let alone = targets.iter().all(|t| {
            let question = &self.questions[*t];
            question.asker.is(from) && question.exchanges.iter().all(|e| e.by_asker)
        });
        let is_own = targets.iter().all(|t| {
            let question = &self.questions[*t];
            question.asker.is(from) || !question.author_acts
        });
        let presses: Vec<Paragraph> = rest
            .iter()
            .filter(|_| !by_author && !answered_to.is_empty())
            .filter(|p| !sentences(&p.text).iter().any(Sentence::is_question))
            .filter(|p| self.is_strong_demand(p, block, is_own, alone, thread))
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

    /// Whether a paragraph within an exchange objects, or wants something in words that are no answer; in
    /// what its sender says `alone`, before anybody answered, each demand counts. Much that is said against something there is a mere opinion on what others said, but not by one who asked
    /// himself or by one who answers the author's question.
    fn is_strong_demand(
        &self,
        paragraph: &Paragraph,
        block: &Block,
        is_own: bool,
        alone: bool,
        thread: &Thread,
    ) -> bool {
        let classified = self.classify(paragraph, block.entry, Below::Other, thread);
        let Some((ask, parts)) = classified else { return false };
        let words = match ask {
            Ask::Objection => STRONG_OBJECTIONS,
            Ask::Request => STRONG_REQUESTS,
            _ => return false,
        };
        parts.iter().any(|part| {
            let lower = part.to_lowercase();
            let advice =
                ["if your ", "if you want ", "if you need "].iter().any(|w| lower.starts_with(w));
            let wants = || {
                ask == Ask::Request
                    && (grammar::demand(&lower) == Some(Ask::Request)
                        || first_of(&lower, PRESSING).is_some())
            };
            !advice && (first_of(&lower, words).is_some() || is_own && (alone || wants()))
        })
    }

    /// Paragraphs of an answer that ask something themselves.
    pub(super) fn follow_ups(
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
    pub(super) fn targets(&self, block: &Block) -> Vec<usize> {
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

    /// The question to which the quoted words lead up: the next one of the block in which they stand, else
    /// the last before them.
    fn question_of_block(&self, block: &Block) -> Option<usize> {
        let (entry, line) = block
            .above
            .iter()
            .rev()
            .filter(|index| self.quotes.depth(block.entry, **index) == 1)
            .find_map(|index| self.quotes.origin(block.entry, *index))?;
        let of = self.blocks.get(&(entry, line))?;
        let mut mine: Vec<(usize, usize)> = self
            .owner
            .iter()
            .filter(|((e, at), _)| *e == entry && self.blocks.get(&(*e, *at)) == Some(of))
            .map(|((_, at), question)| (*at, *question))
            .collect();
        mine.sort_unstable();
        let after = mine.iter().find(|(at, _)| *at > line);
        after.or(mine.iter().rfind(|(at, _)| *at < line)).map(|(_, question)| *question)
    }

    /// The one question of the mail that is answered: words above its whole copy, or without any, can
    /// be about nothing else.
    pub(super) fn sole_question(&self, entry: usize, thread: &Thread) -> Option<usize> {
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
    pub(super) fn addressed(&self, text: &str, thread: &Thread) -> Vec<String> {
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
    pub(super) fn is_repeated(&self, sentence: &str) -> bool {
        sentence.len() >= 20 && self.words.iter().any(|w| w.contains(sentence))
    }

    pub(super) fn span(&self, entry: usize, paragraph: &Paragraph) -> LineSpan {
        let line = |i: usize| self.all[entry].body.line(i).number;
        LineSpan::new(line(paragraph.first), line(paragraph.last))
    }

    /// The lines of one sentence of a paragraph.
    pub(super) fn line_of(&self, entry: usize, paragraph: &Paragraph, sentence: &str) -> LineSpan {
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

    pub(super) fn add(&mut self, block: &Block, paragraph: &Paragraph, question: Question) {
        let number = self.questions.len();
        self.questions.push(question);
        for index in paragraph.first..=paragraph.last {
            self.owner.insert((block.entry, index), number);
        }
    }
}
