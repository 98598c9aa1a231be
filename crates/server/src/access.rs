//! Who asks, and what that person may do.

use std::net::IpAddr;

use crate::app::App;
use crate::role::Role;
use axum::http::{HeaderMap, header};

/// Seconds for which a login lasts.
const LOGIN: i64 = 30 * 86_400;
/// Seconds of a day, within which the word of a form holds.
const DAY: i64 = 86_400;
/// The cookie.
const COOKIE: &str = "ktriage";

/// Who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asker {
    /// The name, where it is known.
    pub(crate) name: Option<String>,
    /// What is allowed.
    pub(crate) role: Role,
    /// Whether the request itself carries the proof, so that no other page can have sent it.
    pub(crate) by_header: bool,
}

impl App {
    /// Who sent a request.
    pub(crate) fn asker(&self, headers: &HeaderMap, peer: IpAddr, now: i64) -> Asker {
        let known =
            |name: &str, role, by_header| Asker { name: Some(name.to_owned()), role, by_header };
        if let Some(token) = bearer(headers) {
            return self
                .settings
                .person
                .iter()
                .find(|person| is_token(token, &person.token_blake3))
                .map(|person| known(&person.name, person.role, true))
                .unwrap_or_default();
        }
        if let Some(proxy) = &self.settings.proxy
            && proxy.from.contains(&peer)
            && let Some(name) = headers.get(&proxy.header).and_then(|value| value.to_str().ok())
            && !name.is_empty()
            && name.len() <= 100
        {
            let role = match name {
                name if proxy.admins.contains(name) => Role::Admin,
                name if proxy.editors.contains(name) => Role::Editor,
                _ => proxy.role,
            };
            return known(name, role, false);
        }
        cookie(headers)
            .and_then(|value| self.logged_in(value, now))
            .map(|person| known(&person.name, person.role, false))
            .unwrap_or_default()
    }

    fn mac(&self, text: &str) -> blake3::Hash {
        blake3::keyed_hash(&self.secret, text.as_bytes())
    }

    fn logged_in(&self, cookie: &str, now: i64) -> Option<&crate::settings::Person> {
        let (said, mac) = cookie.rsplit_once('.')?;
        let (name, until) = said.rsplit_once('.')?;
        let person = self.settings.person.iter().find(|person| person.name == name)?;
        // With the token's hash in it, a new token ends all logins of the old one.
        let expected = self.mac(&format!("login {said} {}", person.token_blake3));
        let right = blake3::Hash::from_hex(mac).is_ok_and(|mac| mac == expected);
        (right && until.parse::<i64>().ok()? > now).then_some(person)
    }

    /// The cookie of a login with a token; `None` where nobody has that token.
    pub(crate) fn login(&self, token: &str, now: i64) -> Option<String> {
        let person =
            self.settings.person.iter().find(|person| is_token(token, &person.token_blake3))?;
        let said = format!("{}.{}", person.name, now.saturating_add(LOGIN));
        let mac = self.mac(&format!("login {said} {}", person.token_blake3));
        let secure = if self.settings.address.starts_with("https:") { "; Secure" } else { "" };
        Some(format!(
            "{COOKIE}={said}.{mac}; Path=/; Max-Age={LOGIN}; HttpOnly; SameSite=Strict{secure}"
        ))
    }

    /// What ends a login.
    pub(crate) fn logout() -> String {
        format!("{COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict")
    }

    /// The word that a form must send back.
    pub(crate) fn form_token(&self, asker: &Asker, now: i64) -> String {
        self.form_token_of_day(asker, now.div_euclid(DAY))
    }

    fn form_token_of_day(&self, asker: &Asker, day: i64) -> String {
        self.mac(&format!("form {} {day}", asker.name.as_deref().unwrap_or("")))
            .to_hex()
            .to_string()
    }

    /// Whether a form was made by us for this person today or yesterday, and not sent by another site.
    pub(crate) fn is_own_form(
        &self,
        asker: &Asker,
        headers: &HeaderMap,
        token: &str,
        now: i64,
    ) -> bool {
        let foreign = headers
            .get("sec-fetch-site")
            .is_some_and(|site| !matches!(site.as_bytes(), b"same-origin" | b"none"));
        let Ok(token) = blake3::Hash::from_hex(token) else { return false };
        let today = now.div_euclid(DAY);
        !foreign
            && [today, today - 1].into_iter().any(|day| {
                blake3::Hash::from_hex(self.form_token_of_day(asker, day))
                    .is_ok_and(|own| own == token)
            })
    }
}

/// Whether a token has that hash; takes the same time for any.
pub(crate) fn is_token(token: &str, hash: &str) -> bool {
    blake3::Hash::from_hex(hash).is_ok_and(|hash| hash == blake3::hash(token.as_bytes()))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ").map(str::trim)
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}
