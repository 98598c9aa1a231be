//! Headers that only this use needs.

/// Bytes of headers that are read.
const LONGEST: usize = 256 << 10;

/// The values of all headers of a name, in order, unfolded.
pub(super) fn values(raw: &[u8], name: &str) -> Vec<String> {
    let raw = &raw[..raw.len().min(LONGEST)];
    let mut found: Vec<String> = Vec::new();
    let mut inside = false;
    for line in raw.split(|byte| *byte == b'\n') {
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end_matches('\r');
        if line.is_empty() {
            break;
        }
        if line.starts_with([' ', '\t']) {
            if let Some(last) = found.last_mut().filter(|_| inside) {
                last.push(' ');
                last.push_str(line.trim());
            }
            continue;
        }
        inside = false;
        if let Some((head, value)) = line.split_once(':')
            && head.trim_end().eq_ignore_ascii_case(name)
        {
            inside = true;
            found.push(value.trim().to_owned());
        }
    }
    found
}

/// Whether a program wrote the mail, or a list sent it on in bulk.
pub(super) fn is_automatic(raw: &[u8]) -> bool {
    let is = |name: &str, test: &dyn Fn(&str) -> bool| {
        values(raw, name).iter().any(|value| test(&value.to_ascii_lowercase()))
    };
    is("Auto-Submitted", &|value| !value.starts_with("no"))
        || is("Precedence", &|value| value == "junk" || value == "auto_reply")
        || is("X-Ktriage", &|_| true)
        || is("Return-Path", &|value| value == "<>")
}

/// Whether the own mail server says that the domain of an address signed the mail.
///
/// A server puts its header above those that came with the mail and removes forged ones that bear its name
/// (RFC 8601); so only headers with that very name count.
pub(super) fn is_signed(raw: &[u8], authserv_id: &str, address: &str) -> bool {
    let Some((_, domain)) = address.rsplit_once('@') else { return false };
    if authserv_id.is_empty() {
        return false;
    }
    values(raw, "Authentication-Results").iter().any(|value| {
        let mut parts = without_comments(value)
            .split(';')
            .map(|part| part.trim().to_owned())
            .collect::<Vec<_>>()
            .into_iter();
        let server = parts.next().unwrap_or_default();
        let server = server.split_whitespace().next().unwrap_or("");
        server.eq_ignore_ascii_case(authserv_id) && parts.any(|part| is_pass_of(&part, domain))
    })
}

/// Whether a signature of a domain stands for an address: of its domain or one below it. One of a whole top-level
/// domain proves nothing.
pub(super) fn is_of(signer: &str, address: &str) -> bool {
    let Some((_, domain)) = address.rsplit_once('@') else { return false };
    let (signer, domain) = (signer.to_ascii_lowercase(), domain.to_ascii_lowercase());
    signer.contains('.') && (domain == signer || domain.ends_with(&format!(".{signer}")))
}

/// `dkim=pass header.d=example.org`, where that is the domain or one above it.
fn is_pass_of(part: &str, domain: &str) -> bool {
    let mut words = part.split_whitespace();
    if !words.next().is_some_and(|word| word.eq_ignore_ascii_case("dkim=pass")) {
        return false;
    }
    let domain = domain.to_ascii_lowercase();
    words.any(|word| {
        let word = word.to_ascii_lowercase();
        let signer = word.strip_prefix("header.d=").or_else(|| word.strip_prefix("header.i="));
        signer.is_some_and(|signer| {
            let signer = signer.rsplit('@').next().unwrap_or("").trim_matches('"');
            // A signature of a whole top-level domain proves nothing.
            signer.contains('.') && (domain == signer || domain.ends_with(&format!(".{signer}")))
        })
    })
}

fn without_comments(value: &str) -> String {
    let mut depth = 0_u32;
    value
        .chars()
        .filter(|character| {
            match character {
                '(' => depth += 1,
                ')' => {
                    depth = depth.saturating_sub(1);
                    return false;
                }
                _ => {}
            }
            depth == 0
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_own_servers_word_for_the_senders_own_domain_counts() {
        let signed = |value: &str| {
            let raw = format!(
                "From: x\r\nAuthentication-Results: {value}\r\n\r\nAuthentication-Results: mx.own; dkim=pass header.d=e.org\r\n"
            );
            is_signed(raw.as_bytes(), "mx.own", "ann@lists.e.org")
        };
        assert!(signed("mx.own; spf=none; dkim=pass (2048-bit) header.d=e.org"));
        assert!(signed("mx.own 1;\r\n\tdkim=pass header.i=@lists.e.org"));
        assert!(!signed("mx.own; dkim=fail header.d=e.org"));
        assert!(!signed("mx.own; dkim=pass header.d=other.org"));
        assert!(!signed("mx.own; dkim=pass header.d=org"));
        assert!(!signed("mx.other; dkim=pass header.d=e.org"));
        assert!(!signed("mx.own; (dkim=pass header.d=e.org)"));
        assert!(!signed("none"), "what stands in the body is no header");
        assert!(!is_signed(
            b"Authentication-Results: ; dkim=pass header.d=e.org\n\n",
            "",
            "a@e.org"
        ));
    }
}
