//! Whether a file is the kernel that wrote a log.
//!
//! A build id decides alone. Without one the kernel's own words on its version decide, and the sizes of functions:
//! two builds of one release differ in some.

use crate::facts::{Boot, release_of};

/// Of so many functions one may have another size: lines of a serial console get mixed up.
const FUNCTIONS_A_DAMAGE: usize = 10;
/// Functions of other sizes that are told.
const MOST_TOLD: usize = 8;

/// What a file says of itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct FileFacts<'a> {
    /// The build id in hexadecimal digits.
    pub build_id: Option<&'a str>,
    /// `Linux version …`.
    pub banner: Option<&'a str>,
}

/// What shows that a file is the kernel of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fit {
    /// The same build id, in this line of the log.
    BuildId {
        /// The line.
        line: u64,
    },
    /// The same words on the version, and functions of the same sizes.
    Banner {
        /// The line of the words.
        line: u64,
        /// Functions that were compared.
        functions: usize,
    },
    /// The same release, and functions of the same sizes.
    Release {
        /// The line of the release.
        line: u64,
        /// Functions that were compared.
        functions: usize,
    },
    /// Functions of the same sizes; the log or the file does not say its version.
    Sizes {
        /// Functions that were compared.
        functions: usize,
    },
    /// Nothing was there to compare.
    Nothing,
}

/// What shows that a file is another kernel than that of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// Another build id.
    BuildId {
        /// That of the log.
        wanted: String,
        /// That of the file; none where it has none.
        found: Option<String>,
        /// The line.
        line: u64,
    },
    /// Other words on the version.
    Version {
        /// Those of the log.
        wanted: String,
        /// Those of the file.
        found: String,
        /// The line.
        line: u64,
    },
    /// Functions of other sizes.
    Sizes {
        /// Some of them.
        wrong: Vec<WrongSize>,
        /// How many differ.
        different: usize,
        /// How many were compared.
        functions: usize,
    },
}

/// A function whose size is another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongSize {
    /// Its name.
    pub function: String,
    /// Its size in the log, in bytes.
    pub wanted: u64,
    /// Its sizes in the file; empty where there is no such function.
    pub found: Vec<u64>,
    /// The line of the log.
    pub line: u64,
}

/// Compares a boot with a file. `sizes` gives the sizes of all functions of a name in the file.
///
/// # Errors
/// What shows that it is another kernel.
pub fn fit(
    boot: &Boot,
    file: FileFacts<'_>,
    sizes: impl Fn(&str) -> Vec<u64>,
) -> Result<Fit, Misfit> {
    if let (Some((wanted, line)), found) = (&boot.build_id, file.build_id) {
        return match found {
            Some(found) if found.eq_ignore_ascii_case(wanted) => Ok(Fit::BuildId { line: *line }),
            found => Err(Misfit::BuildId {
                wanted: wanted.clone(),
                found: found.map(str::to_owned),
                line: *line,
            }),
        };
    }
    let same_words = version(boot, file)?;
    let (wrong, functions) = compare(boot, sizes);
    if wrong.len() * FUNCTIONS_A_DAMAGE > functions {
        let different = wrong.len();
        let wrong = wrong.into_iter().take(MOST_TOLD).collect();
        return Err(Misfit::Sizes { wrong, different, functions });
    }
    Ok(match same_words {
        Some((true, line)) => Fit::Banner { line, functions },
        Some((false, line)) => Fit::Release { line, functions },
        None if functions > 0 => Fit::Sizes { functions },
        None => Fit::Nothing,
    })
}

/// Compares the words on the version: whether the whole banner is the same, and its line. `None` where one of the two
/// does not say it.
fn version(boot: &Boot, file: FileFacts<'_>) -> Result<Option<(bool, u64)>, Misfit> {
    let Some(of_file) = file.banner else { return Ok(None) };
    let differ = |wanted: &str, found: &str, line| {
        Err(Misfit::Version { wanted: wanted.to_owned(), found: found.to_owned(), line })
    };
    let release = release_of(of_file).unwrap_or_default();
    if let Some((wanted, line)) = &boot.release
        && wanted != release
    {
        return differ(wanted, release, *line);
    }
    if let Some((banner, line)) = &boot.banner {
        // A long line may be cut off; words of a mail may have lost a blank.
        let plain = |text: &str| text.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        let (wanted, found) = (plain(banner), plain(of_file));
        if wanted == found {
            return Ok(Some((true, *line)));
        }
        if !found.starts_with(&wanted) {
            return differ(banner, of_file, *line);
        }
    }
    Ok(boot.release.as_ref().map(|(_, line)| (false, *line)))
}

/// The functions of the kernel itself whose sizes are other ones, and how many were compared.
fn compare(boot: &Boot, sizes: impl Fn(&str) -> Vec<u64>) -> (Vec<WrongSize>, usize) {
    let mut compared = std::collections::BTreeSet::new();
    let mut wrong = Vec::new();
    for known in boot.known.iter().filter(|known| known.module.is_none() && known.size > 0) {
        if !compared.insert((&known.function, known.size)) {
            continue;
        }
        let found = sizes(&known.function);
        if !found.contains(&known.size) {
            wrong.push(WrongSize {
                function: known.function.clone(),
                wanted: known.size,
                found,
                line: known.line,
            });
        }
    }
    (wrong, compared.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;

    fn boot(banner: Option<&str>, build_id: Option<&str>, sizes: &[u64]) -> Boot {
        let known = sizes.iter().enumerate().map(|(at, size)| Known {
            function: format!("f{at}"),
            offset: 1,
            size: *size,
            module: None,
            address: None,
            line: 9,
        });
        Boot {
            first_line: 1,
            banner: banner.map(|text| (text.to_owned(), 2)),
            release: banner.and_then(release_of).map(|text| (text.to_owned(), 2)),
            build_id: build_id.map(|text| (text.to_owned(), 3)),
            moved: None,
            known: known.collect(),
        }
    }

    const BANNER: &str = "Linux version 6.1.0 (me) (gcc) #1 SMP 1970";

    fn file(build_id: Option<&'static str>, banner: Option<&'static str>) -> FileFacts<'static> {
        FileFacts { build_id, banner }
    }

    #[test]
    fn a_build_id_decides_alone() {
        let log = boot(Some("Linux version 9 (me)"), Some("ABCD"), &[1, 2]);
        assert_eq!(
            fit(&log, file(Some("abcd"), Some(BANNER)), |_| vec![]),
            Ok(Fit::BuildId { line: 3 })
        );
        let other = fit(&log, file(Some("ef"), None), |_| vec![]).unwrap_err();
        assert!(matches!(other, Misfit::BuildId { found: Some(_), line: 3, .. }), "{other:?}");
        assert!(fit(&log, file(None, None), |_| vec![]).is_err());
    }

    #[test]
    fn without_a_build_id_version_and_sizes_decide() {
        let log = boot(Some(BANNER), None, &[16; 12]);
        let right = fit(&log, file(None, Some(BANNER)), |_| vec![32, 16]);
        assert_eq!(right, Ok(Fit::Banner { line: 2, functions: 12 }));
        // One mixed-up line of twelve does not make it another kernel.
        assert!(
            fit(&log, file(None, Some(BANNER)), |f| vec![if f == "f3" { 48 } else { 16 }]).is_ok()
        );
        let sizes = fit(&log, file(None, Some(BANNER)), |f| vec![if f < "f3" { 48 } else { 16 }]);
        assert!(
            matches!(sizes, Err(Misfit::Sizes { different: 5, functions: 12, .. })),
            "{sizes:?}"
        );
        let rebuilt =
            fit(&log, file(None, Some("Linux version 6.1.0 (me) (gcc) #2 SMP 1970")), |_| vec![16]);
        assert!(matches!(rebuilt, Err(Misfit::Version { .. })), "{rebuilt:?}");
        let other = fit(&log, file(None, Some("Linux version 6.1.1 (me)")), |_| vec![16]);
        assert!(
            matches!(&other, Err(Misfit::Version { wanted, found, .. }) if wanted == "6.1.0" && found == "6.1.1")
        );
    }

    #[test]
    fn with_nothing_but_frames_their_sizes_decide() {
        let log = boot(None, None, &[16, 32]);
        assert_eq!(fit(&log, file(None, None), |_| vec![16, 32]), Ok(Fit::Sizes { functions: 2 }));
        assert!(fit(&log, file(None, None), |_| vec![16]).is_err());
        assert!(fit(&log, file(None, None), |_| vec![]).is_err());
        assert_eq!(fit(&boot(None, None, &[]), file(None, None), |_| vec![]), Ok(Fit::Nothing));
    }
}
