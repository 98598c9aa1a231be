//! Addresses of other services.

/// Host with port, and path, of an address that begins with `http://`.
pub(crate) fn parts(address: &str) -> Option<(String, String)> {
    let rest = address.strip_prefix("http://")?;
    let (host, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, "/"),
    };
    let fits = !host.is_empty() && address.bytes().all(|byte| byte.is_ascii_graphic());
    let host = if host.rsplit(']').next().is_some_and(|end| end.contains(':')) {
        host.to_owned()
    } else {
        format!("{host}:80")
    };
    fits.then(|| (host, path.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn addresses_are_taken_apart() {
        let some = |host: &str, path: &str| Some((host.to_owned(), path.to_owned()));
        assert_eq!(parts("http://a.example/x?y"), some("a.example:80", "/x?y"));
        assert_eq!(parts("http://[::1]:81"), some("[::1]:81", "/"));
        assert_eq!(parts("http://[::1]/"), some("[::1]:80", "/"));
        for wrong in ["https://a.example", "http://", "http://a b/", "http://a/\r\nX: y"] {
            assert_eq!(parts(wrong), None, "{wrong}");
        }
    }
}
