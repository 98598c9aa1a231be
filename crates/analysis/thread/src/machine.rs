//! Mails that no person wrote.

use parse_mail::Message;

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
