//! Message-IDs as people have them at hand: bare, in brackets, or in the link of an archive.

/// The Message-ID that a text names; none if it names none.
pub fn message_id(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text.strip_prefix("mid:").unwrap_or(text);
    let bare = text.trim_start_matches('<').trim_end_matches('>');
    let id = match bare.split_once("://") {
        Some((_, rest)) => {
            let path = rest.split(['?', '#']).next().unwrap_or(rest);
            path.split('/').skip(1).map(percent_decoded).find(|piece| piece.contains('@'))?
        }
        None => bare.to_owned(),
    };
    let fits = id.contains('@')
        && !id.starts_with('@')
        && !id.ends_with('@')
        && id.len() <= 998
        && !id.contains(|c: char| c.is_whitespace() || c.is_control() || "<>\"\\".contains(c));
    fits.then_some(id)
}

/// The Message-ID to which a link in running text leads, if it leads to an archive of kernel lists.
pub fn linked_id(word: &str) -> Option<String> {
    const HOSTS: [&str; 4] =
        ["lore.kernel.org/", "lkml.kernel.org/", "patch.msgid.link/", "lore.gnuweeb.org/"];
    let at = word.find("://")?;
    let rest = &word[at + 3..];
    let rest = rest.strip_prefix("www.").unwrap_or(rest);
    if !HOSTS.iter().any(|h| rest.starts_with(h)) {
        return None;
    }
    message_id(word[at - "http".len().min(at)..].trim_end_matches(['.', ',', ')', '>', ']', ';']))
}

/// `%40` and the like as what they stand for; what stands for no text stays as it is.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let code =
            after.get(..2).filter(|_| byte == b'%').and_then(|d| std::str::from_utf8(d).ok());
        match code.and_then(|d| u8::from_str_radix(d, 16).ok()) {
            Some(decoded) => {
                bytes.push(decoded);
                rest = &after[2..];
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::message_id;

    #[test]
    fn a_message_id_that_was_encoded_like_a_subject_is_read() {
        for given in [
            "<a@pump.example>",
            "=?utf-8?q?=3Ca=40pump=2Eexample=3E?=",
            "<=?utf-8?q?a=40pump=2Eexample?=>",
            "=?utf-8?q?=3Ca=40pump=2E?=\n =?utf-8?q?example=3E?=",
        ] {
            let raw = format!("From: a@b\nMessage-ID: {given}\nIn-Reply-To: {given}\n\nx\n");
            let found = crate::message(raw.as_bytes(), 1);
            assert_eq!(found.message_id.as_deref(), Some("a@pump.example"), "{given}");
            assert_eq!(found.in_reply_to, ["a@pump.example"], "{given}");
        }
    }

    #[test]
    fn links_of_archives_and_bare_ids_name_the_same_mail() {
        for text in [
            "20260502.1-a@b.example",
            "<20260502.1-a@b.example>",
            "mid:20260502.1-a@b.example",
            "https://lore.kernel.org/all/20260502.1-a@b.example/",
            "https://lore.kernel.org/linux-mm/20260502.1-a@b.example/T/#u",
            "https://lore.kernel.org/r/20260502.1-a%40b.example",
            "http://localhost:8080/pumps/20260502.1-a@b.example/t.mbox.gz?x=1",
        ] {
            assert_eq!(message_id(text).as_deref(), Some("20260502.1-a@b.example"), "{text}");
        }
        for text in ["t.mbox", "@", "a b@c", "https://lore.kernel.org/all/", "%zz", "x@"] {
            assert_eq!(message_id(text), None, "{text}");
        }
    }
}
