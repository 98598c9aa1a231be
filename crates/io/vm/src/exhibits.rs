//! What a hung guest is asked for before it is ended, so that the hang can be explained.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::error::VmError;
use crate::machine::{Event, Machine};

/// One thing that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exhibit {
    /// What was done, such as `SysRq l`.
    pub what: String,
    /// Where in the console it was asked, in bytes from the start.
    pub console_from: u64,
    /// Where the console stood when the next thing was asked, in bytes from the start.
    pub console_to: u64,
    /// What QEMU printed, if it was QEMU that was asked.
    pub text: String,
    /// Why it could not be had.
    pub problem: Option<String>,
}

/// All that was asked for. Reports in the console from `console_from` on were provoked by the lab:
/// they are exhibits, not crashes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exhibits {
    /// Where in the console the first thing was asked, in bytes from the start.
    pub console_from: u64,
    /// What was asked for, in order.
    pub exhibits: Vec<Exhibit>,
}

/// The keys, in the order of what is wanted most: backtraces of the CPUs, blocked tasks, locks
/// (with lockdep), all tasks.
const SYSRQ_KEYS: &[u8] = b"lwdt";

/// How long a key's output may take to begin and to pause before the next one is pressed.
const BEGIN: Duration = Duration::from_secs(4);
const PAUSE: Duration = Duration::from_millis(1500);
/// How long the output of one key may take in all: all tasks of a slow guest.
const LONGEST: Duration = Duration::from_secs(40);

impl Machine {
    /// Asks the guest for its state by every way there is: SysRq through the agent if it still
    /// answers, else through a break on the serial line; the CPUs' registers from QEMU; and an NMI
    /// if SysRq printed nothing.
    ///
    /// # Errors
    /// Only [`VmError::Stopped`]. What cannot be had is noted in its place.
    pub fn collect_exhibits(&mut self) -> Result<Exhibits, VmError> {
        let mut collected =
            Exhibits { console_from: self.records().console_length(), exhibits: Vec::new() };
        // Twice, so that one sees whether the CPUs move.
        for _ in 0..2 {
            let at = self.records().console_length();
            let (text, problem) = match self.monitor("info registers -a") {
                Ok(text) => (text, None),
                Err(VmError::Stopped) => return Err(VmError::Stopped),
                Err(error) => (String::new(), Some(error.to_string())),
            };
            collected.exhibits.push(Exhibit {
                what: "QEMU: info registers -a".into(),
                console_from: at,
                console_to: at,
                text,
                problem,
            });
            self.listen_until(Instant::now() + Duration::from_millis(200))?;
        }
        let by_agent = match self.ping(Duration::from_secs(3)) {
            Ok(()) => true,
            Err(VmError::Stopped) => return Err(VmError::Stopped),
            Err(_) => false,
        };
        let mut printed = false;
        for key in SYSRQ_KEYS {
            let what = format!("SysRq {}", char::from(*key));
            let exhibit = self.exhibit(&what, |machine| {
                if by_agent {
                    machine.press_sysrq(*key, Duration::from_secs(5))
                } else {
                    machine.command("chardev-send-break", &json!({ "id": "console" }))?;
                    machine.write_console(&[*key])
                }
            })?;
            printed |= exhibit.console_to > exhibit.console_from;
            let silent = !printed;
            collected.exhibits.push(exhibit);
            if silent {
                // A guest that does not take one key takes none.
                break;
            }
        }
        if !printed {
            let exhibit =
                self.exhibit("NMI", |machine| machine.command("inject-nmi", &json!({})).map(drop))?;
            collected.exhibits.push(exhibit);
        }
        Ok(collected)
    }

    fn exhibit(
        &mut self,
        what: &str,
        ask: impl FnOnce(&mut Self) -> Result<(), VmError>,
    ) -> Result<Exhibit, VmError> {
        let console_from = self.records().console_length();
        let problem = match ask(self) {
            Ok(()) => {
                self.listen_for_output()?;
                None
            }
            Err(VmError::Stopped) => return Err(VmError::Stopped),
            Err(error) => Some(error.to_string()),
        };
        let console_to = self.records().console_length();
        Ok(Exhibit {
            what: what.to_owned(),
            console_from,
            console_to,
            text: String::new(),
            problem,
        })
    }

    /// Waits until the console has begun to speak and then paused.
    fn listen_for_output(&mut self) -> Result<(), VmError> {
        let start = Instant::now();
        let mut length = self.records().console_length();
        let mut quiet_at = start + BEGIN;
        while Instant::now() < quiet_at.min(start + LONGEST) {
            if self.listen_until(quiet_at.min(start + LONGEST))? {
                return Ok(());
            }
            let now = self.records().console_length();
            if now > length {
                length = now;
                quiet_at = Instant::now() + PAUSE;
            }
        }
        Ok(())
    }

    /// Takes one event, or waits until `deadline`. Says whether the machine has ended.
    fn listen_until(&mut self, deadline: Instant) -> Result<bool, VmError> {
        match self.next_event(deadline)? {
            Some(event @ (Event::Ended(_) | Event::Shutdown(_))) => {
                let ended = matches!(event, Event::Ended(_));
                Ok(ended)
            }
            _ => Ok(false),
        }
    }
}
