//! How far the kernel was moved in memory at boot (`CONFIG_RANDOMIZE_BASE`).

use crate::facts::{Boot, Known};

/// How far the kernel was moved, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kaslr {
    /// The log says so in this line (`Kernel Offset: …`).
    Stated {
        /// How far.
        offset: u64,
        /// The line.
        line: u64,
    },
    /// Addresses of functions say so; all that were compared agree.
    Derived {
        /// How far.
        offset: u64,
        /// The first line that shows it.
        line: u64,
        /// How many functions agree.
        functions: usize,
    },
}

impl Kaslr {
    /// How far.
    pub fn offset(self) -> u64 {
        match self {
            Self::Stated { offset, .. } | Self::Derived { offset, .. } => offset,
        }
    }
}

/// How far the kernel of a boot was moved; `None` where the log does not show it. `addresses` gives where functions of
/// a name and size were linked.
pub fn kaslr(boot: &Boot, addresses: impl Fn(&Known) -> Vec<u64>) -> Option<Kaslr> {
    if let Some((offset, line)) = boot.moved {
        return Some(Kaslr::Stated { offset, line });
    }
    let mut found: Option<(u64, u64, usize)> = None;
    for known in boot.known.iter().filter(|known| known.module.is_none()) {
        let Some(address) = known.address else { continue };
        // A name that two functions have shows nothing by itself.
        let [linked] = addresses(known)[..] else { continue };
        let offset = address.wrapping_sub(linked.wrapping_add(known.offset));
        found = match found {
            None => Some((offset, known.line, 1)),
            Some((other, ..)) if other != offset => return None,
            Some((_, line, functions)) => Some((offset, line, functions + 1)),
        };
    }
    found.map(|(offset, line, functions)| Kaslr::Derived { offset, line, functions })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(address: u64, offset: u64) -> Known {
        Known {
            function: "f".into(),
            offset,
            size: 64,
            module: None,
            address: Some(address),
            line: 7,
        }
    }

    #[test]
    fn addresses_beside_functions_show_how_far_the_kernel_was_moved() {
        let mut boot =
            Boot { known: vec![known(0x1110, 0x10), known(0x1120, 0x20)], ..Boot::default() };
        assert_eq!(
            kaslr(&boot, |_| vec![0x100]),
            Some(Kaslr::Derived { offset: 0x1000, line: 7, functions: 2 })
        );
        assert_eq!(kaslr(&boot, |_| vec![0x100, 0x200]), None, "two functions of one name");
        boot.known.push(known(0x2110, 0x10));
        assert_eq!(kaslr(&boot, |_| vec![0x100]), None, "they disagree");
        boot.moved = Some((0x5000, 3));
        assert_eq!(kaslr(&boot, |_| vec![0x100]), Some(Kaslr::Stated { offset: 0x5000, line: 3 }));
    }
}
