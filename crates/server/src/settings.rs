//! What an installation decides, as `ktriage.toml` says it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use app_tracker::Stage;
use serde::Deserialize;

use crate::role::Role;

/// The whole of `ktriage.toml`. What is left out has a default that works on one machine.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The name of the record; a part of addresses.
    pub name: String,
    /// Where to listen.
    pub listen: String,
    /// Where people find the service; for links in mails.
    pub address: String,
    /// Whether new bugs may be seen by anybody.
    pub public: bool,
    /// Whether somebody who did not log in may see public bugs.
    pub anonymous: bool,
    /// How long silence is waited for.
    pub silence: Silence,
    /// Who may log in.
    pub person: Vec<Person>,
    /// A reverse proxy that tells who it is.
    pub proxy: Option<Proxy>,
    /// When reproducers are run again on new kernels.
    pub retest: Retest,
    /// Fuzzing managers.
    pub client: Vec<Client>,
    /// Mails.
    pub mail: Option<MailSettings>,
    /// Whether programs that speak MCP with an editor's token may ask for jobs.
    pub mcp_jobs: bool,
    /// Addresses that are told of changes; they begin with `http://`.
    pub webhook: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: "linux".into(),
            listen: "127.0.0.1:8080".into(),
            address: "http://127.0.0.1:8080".into(),
            public: true,
            anonymous: true,
            silence: Silence::default(),
            retest: Retest::default(),
            person: Vec::new(),
            proxy: None,
            client: Vec::new(),
            mail: None,
            mcp_jobs: false,
            webhook: Vec::new(),
        }
    }
}

/// The bounds of the silence that ends a bug, in days.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Silence {
    /// Whether silence ends a bug at all.
    pub ends: bool,
    /// At least.
    pub least: f64,
    /// At most.
    pub most: f64,
}

impl Default for Silence {
    fn default() -> Self {
        Self { ends: true, least: 40.0, most: 100.0 }
    }
}

/// When the managers are asked to run reproducers again on their current kernels, in days.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retest {
    /// After so long a silence.
    pub silent: u32,
    /// So long after the last time; 0 for never.
    pub every: u32,
}

impl Default for Retest {
    fn default() -> Self {
        Self { silent: 14, every: 100 }
    }
}

/// Somebody who may log in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The name that stands in histories.
    pub name: String,
    /// What the person may do.
    pub role: Role,
    /// The BLAKE3 hash of the token, hexadecimal.
    pub token_blake3: String,
}

/// A reverse proxy that tells who it is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proxy {
    /// The header that holds the name.
    pub header: String,
    /// The addresses that the proxy has; from others the header is not believed.
    pub from: Vec<std::net::IpAddr>,
    /// What everybody whom it names may do.
    #[serde(default = "reader")]
    pub role: Role,
    /// Names of those who may change bugs.
    #[serde(default)]
    pub editors: BTreeSet<String>,
    /// Names of those who may do everything.
    #[serde(default)]
    pub admins: BTreeSet<String>,
}

const fn reader() -> Role {
    Role::Reader
}

/// A client of the managers' protocol.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// Its `dashboard_client`.
    pub name: String,
    /// The BLAKE3 hash of its `dashboard_key`, hexadecimal.
    pub key_blake3: String,
    /// The methods that it may call; empty stands for all.
    #[serde(default)]
    pub methods: BTreeSet<String>,
}

/// Mails.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailSettings {
    /// The address that mails come from; `+ID` is put before its `@`.
    pub from: String,
    /// The maildir that mails are put into.
    pub outbox: PathBuf,
    /// What commands begin with.
    #[serde(default = "prefixes")]
    pub prefixes: Vec<String>,
    /// Who may command: addresses, or `@domain`.
    #[serde(default)]
    pub allow: BTreeSet<String>,
    /// The name under which the own mail server says in `Authentication-Results` whether a signature is good.
    #[serde(default)]
    pub authserv_id: String,
    /// Stages of reporting, the first one first.
    #[serde(default)]
    pub stage: Vec<Stage>,
}

fn prefixes() -> Vec<String> {
    vec!["#ktriage".into()]
}

/// What is wrong with the settings.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// They cannot be read as such.
    #[error("{0}")]
    Toml(String),
    /// A value does not do.
    #[error("`{field}`: {what}")]
    Value {
        /// The field.
        field: String,
        /// What is wrong.
        what: &'static str,
    },
}

impl Settings {
    /// Reads `ktriage.toml` and checks it.
    ///
    /// # Errors
    /// When it is no such file, or a value does not do.
    pub fn parse(text: &str) -> Result<Self, SettingsError> {
        let settings: Self =
            toml::from_str(text).map_err(|error| SettingsError::Toml(error.to_string()))?;
        settings.check()?;
        Ok(settings)
    }

    fn check(&self) -> Result<(), SettingsError> {
        let wrong = |field: String, what| Err(SettingsError::Value { field, what });
        let is_name = |name: &str| {
            !name.is_empty()
                && name.len() <= 100
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-@".contains(&b))
        };
        let is_hash = |text: &str| blake3::Hash::from_hex(text).is_ok();
        if !is_name(&self.name) {
            return wrong("name".into(), "a word of letters, digits and _.-");
        }
        if !self.address.starts_with("http://") && !self.address.starts_with("https://") {
            return wrong("address".into(), "begins with http:// or https://");
        }
        if self.webhook.iter().any(|address| crate::address::parts(address).is_none()) {
            return wrong(
                "webhook".into(),
                "addresses that begin with http://; for others put a proxy in front",
            );
        }
        let Silence { least, most, .. } = self.silence;
        if !(least > 0.0 && most >= least && most.is_finite()) {
            return wrong("silence".into(), "least and most are days, 0 < least <= most");
        }
        let mut names = BTreeSet::new();
        for person in &self.person {
            if !is_name(&person.name) || !names.insert(&person.name) {
                return wrong(format!("person {}", person.name), "names are words, each once");
            }
            if !is_hash(&person.token_blake3) {
                return wrong(
                    format!("person {}", person.name),
                    "token_blake3 is 64 hexadecimal digits; `ktriage generate token` makes one",
                );
            }
        }
        let mut names = BTreeSet::new();
        for client in &self.client {
            if client.name.len() < 4 || !is_name(&client.name) || !names.insert(&client.name) {
                return wrong(
                    format!("client {}", client.name),
                    "names have 4 to 100 letters, digits and _.-, each once",
                );
            }
            if !is_hash(&client.key_blake3) {
                return wrong(
                    format!("client {}", client.name),
                    "key_blake3 is 64 hexadecimal digits; `ktriage generate token` makes one",
                );
            }
        }
        if let Some(mail) = &self.mail {
            if !mail.from.contains('@') || mail.from.contains(char::is_whitespace) {
                return wrong("mail.from".into(), "an address");
            }
            if mail.prefixes.iter().any(|prefix| !prefix.starts_with('#') || prefix.len() < 3) {
                return wrong("mail.prefixes".into(), "each begins with # and a word");
            }
            if mail.stage.iter().any(|stage| stage.to.is_empty()) {
                return wrong("mail.stage.to".into(), "at least one address");
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_named() {
        let hash = "0".repeat(64);
        let good = format!(
            "name = \"net\"\n[[person]]\nname = \"ann\"\nrole = \"editor\"\ntoken_blake3 = \"{hash}\"\n[proxy]\nheader = \"x-user\"\nfrom = [\"::1\"]\n"
        );
        assert_eq!(Settings::parse(&good).unwrap().person[0].role, Role::Editor);
        assert!(Settings::parse("").is_ok());
        for (text, said) in [
            ("nme = 1", "nme"),
            ("name = \"a b\"", "`name`"),
            ("address = \"bugs\"", "`address`"),
            ("[silence]\nleast = 5\nmost = 4", "`silence`"),
            ("[[person]]\nname = \"ann\"\nrole = \"king\"\ntoken_blake3 = \"\"", "king"),
            (
                "[[person]]\nname = \"ann\"\nrole = \"admin\"\ntoken_blake3 = \"secret\"",
                "64 hexadecimal",
            ),
            ("[[client]]\nname = \"ci\"\nkey_blake3 = \"\"", "4 to 100"),
            ("[mail]\nfrom = \"x\"\noutbox = \"o\"", "mail.from"),
            (
                "[mail]\nfrom = \"a@b\"\noutbox = \"o\"\n[[mail.stage]]\nname = \"list\"\nto = []",
                "mail.stage.to",
            ),
        ] {
            let error = Settings::parse(text).unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
