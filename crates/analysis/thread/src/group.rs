//! Which messages belong together (rules T1, T5): who answers whom, across versions and titles.

use std::collections::HashMap;

use parse_mail::{Message, Source};

use crate::series;
use crate::text::fold;

/// Lines of a mail that are looked at for quotes.
const MAX_LINES: usize = 20_000;
/// Length of a line, folded, from which on it shows whose words are quoted.
const TELLING: usize = 12;
/// Lines that lists put below a text.
const FOOTER: usize = 8;

/// A message of a thread and how many further copies of it there are.
pub(crate) type Member = (usize, usize);

struct Sets(Vec<usize>);

impl Sets {
    fn add(&mut self) -> usize {
        self.0.push(self.0.len());
        self.0.len() - 1
    }

    fn root(&mut self, mut a: usize) -> usize {
        while self.0[a] != a {
            self.0[a] = self.0[self.0[a]];
            a = self.0[a];
        }
        a
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        // The older root stays: threads keep the order of the input.
        self.0[a.max(b)] = a.min(b);
    }
}

/// Whether two messages of one id are the same mail by way of two lists: each says what the other
/// does, but for what a list puts into the subject and below the text.
fn is_same(a: &Message, b: &Message) -> bool {
    let texts = |m: &Message| -> Vec<String> {
        m.body.lines().map(|l| fold(l.text)).filter(|t| !t.is_empty()).collect()
    };
    if !a.subject.title.eq_ignore_ascii_case(&b.subject.title) || !a.from.is(&b.from) {
        return a == b;
    }
    let (mut short, mut long) = (texts(a), texts(b));
    if short.len() > long.len() {
        std::mem::swap(&mut short, &mut long);
    }
    let same = short.iter().zip(&long).take_while(|(x, y)| x == y).count();
    // A footer below the text, on one of them or on both.
    long.len() - same <= FOOTER
}

/// Joins replies whose references name no mail at hand, as when a program wrote others, to the mail of
/// the same title that they quote.
fn join_by_quote(messages: &[Message], sets: &mut Sets, nodes: &HashMap<&str, usize>) {
    let at_hand = |id: &String| nodes.get(id.as_str()).is_some_and(|n| *n < messages.len());
    let mut titled: HashMap<String, Vec<usize>> = HashMap::new();
    for (index, message) in messages.iter().enumerate() {
        let title = message.subject.title.to_lowercase();
        if title.len() >= 8 && message.source == Source::Mail {
            titled.entry(title).or_default().push(index);
        }
    }
    for alike in titled.values().filter(|l| l.len() > 1) {
        let lost: Vec<usize> = alike
            .iter()
            .copied()
            .filter(|i| {
                let m = &messages[*i];
                let mut ids = m.references.iter().chain(&m.in_reply_to);
                m.subject.is_reply && ids.next().is_some() && {
                    let mut ids = m.references.iter().chain(&m.in_reply_to);
                    !ids.any(at_hand)
                }
            })
            .collect();
        if lost.is_empty() {
            continue;
        }
        // The first mail that has a line unquoted wrote it.
        let mut wrote: HashMap<String, usize> = HashMap::new();
        for &index in alike {
            for line in messages[index].body.lines().take(MAX_LINES) {
                let q = parse_mail::quote(line.text);
                let text = fold(q.text);
                if q.depth == 0 && text.len() >= TELLING && parse_mail::trailer(&text).is_none() {
                    wrote.entry(text).or_insert(index);
                }
            }
        }
        for index in lost {
            let quoted = messages[index].body.lines().take(MAX_LINES).find_map(|line| {
                let q = parse_mail::quote(line.text);
                (q.depth == 1).then(|| wrote.get(&fold(q.text))).flatten().copied()
            });
            if let Some(other) = quoted.filter(|o| *o != index) {
                sets.join(index, other);
            }
        }
    }
}

/// Groups the messages into threads, each in the order of the input.
pub(crate) fn threads(messages: &[Message]) -> Vec<Vec<Member>> {
    let mut sets = Sets((0..messages.len()).collect());
    let mut nodes: HashMap<&str, usize> = HashMap::new();
    let mut copies = vec![0usize; messages.len()];
    let mut is_copy = vec![false; messages.len()];
    let mut page = None;
    for (index, message) in messages.iter().enumerate() {
        if message.source == Source::Page {
            let first = *page.get_or_insert(index);
            sets.join(first, index);
            continue;
        }
        let Some(id) = message.message_id.as_deref() else { continue };
        if let Some(&first) = nodes.get(id) {
            // The same message by way of two lists. Another message under the same id is kept.
            if first < messages.len() && is_same(&messages[first], message) {
                copies[first] += 1;
                is_copy[index] = true;
            }
            sets.join(first, index);
        } else {
            nodes.insert(id, index);
        }
    }
    for (index, message) in messages.iter().enumerate() {
        for id in message.references.iter().chain(&message.in_reply_to) {
            // `In-Reply-To: <yes>` and other answers to a tool's prompt tie nothing together.
            if !id.contains('@') && !nodes.contains_key(id.as_str()) {
                continue;
            }
            let node = *nodes.entry(id).or_insert_with(|| sets.add());
            sets.join(index, node);
        }
    }
    let mut titles: HashMap<String, usize> = HashMap::new();
    for (index, message) in messages.iter().enumerate() {
        let title = message.subject.title.to_lowercase();
        if title.len() < 8 {
            continue;
        }
        let lost = message.subject.is_reply
            && message.references.is_empty()
            && message.in_reply_to.is_empty();
        match titles.get(&title) {
            Some(&first) if lost => sets.join(first, index),
            Some(_) => {}
            None => {
                titles.insert(title, index);
            }
        }
    }
    join_by_quote(messages, &mut sets, &nodes);
    let mut starts = series::starts(&messages.iter().collect::<Vec<_>>());
    starts.retain(|s| !is_copy[s.index]);
    series::for_each_link(&starts, |a, b, _| sets.join(starts[a].index, starts[b].index));
    series::for_each_sent_together(&starts, |a, b| sets.join(starts[a].index, starts[b].index));
    let mut order: Vec<usize> = Vec::new();
    let mut groups: HashMap<usize, Vec<Member>> = HashMap::new();
    for index in 0..messages.len() {
        if is_copy[index] {
            continue;
        }
        let root = sets.root(index);
        let group = groups.entry(root).or_default();
        if group.is_empty() {
            order.push(root);
        }
        group.push((index, copies[index]));
    }
    order.into_iter().filter_map(|root| groups.remove(&root)).collect()
}
