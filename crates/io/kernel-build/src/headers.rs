//! A kernel of Debian together with what modules are built against.

use std::path::Path;

use crate::command::run;
use crate::debian::{newest_package, unpack_packages};
use crate::error::BuildError;

/// Downloads the newest kernel that `wanted` means with its headers, and unpacks all of it into the
/// one folder `place`: the packages refer to each other by relative links.
///
/// # Errors
/// When no package matches, or one cannot be downloaded or unpacked. `place` is then not made.
pub fn debian_kernel_with_headers(wanted: &str, place: &Path) -> Result<(), BuildError> {
    let image = newest_package(wanted)?;
    let no_package = || BuildError::NoPackage { wanted: wanted.to_owned() };
    let release = image.strip_prefix("linux-image-").ok_or_else(no_package)?;
    let headers = format!("linux-headers-{release}");
    let printed = run("apt-cache", "asking what the headers need", |command| {
        command.args(["depends", &headers]).current_dir("/")
    })?;
    let mut packages = vec![image, headers];
    packages.extend(needed_headers(&String::from_utf8_lossy(&printed.stdout)));
    unpack_packages(&packages, place)
}

/// The packages among those that the headers depend on which hold headers and build scripts.
fn needed_headers(depends: &str) -> impl Iterator<Item = String> {
    depends
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Depends: "))
        .filter(|name| {
            name.starts_with("linux-kbuild-")
                || (name.starts_with("linux-headers-") && name.contains("-common"))
        })
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    #[test]
    fn of_what_headers_depend_on_only_headers_and_scripts_are_taken() {
        let printed = "linux-headers-6.12.117+deb12-rt-amd64\n  Depends: linux-base\n  \
                       Depends: linux-headers-6.12.117+deb12-common-rt\n |Depends: \
                       linux-image-6.12.117+deb12-rt-amd64\n  Depends: \
                       linux-kbuild-6.12.117+deb12\n  Depends: gcc-12\n";
        let names: Vec<String> = super::needed_headers(printed).collect();
        assert_eq!(
            names,
            ["linux-headers-6.12.117+deb12-common-rt", "linux-kbuild-6.12.117+deb12"]
        );
    }
}
