//! Debian's kernels: found by a short name, downloaded and unpacked, never installed.

use std::cmp::Ordering;
use std::fs;
use std::path::{Path, PathBuf};

use crate::command::run;
use crate::error::BuildError;

/// An unpacked kernel package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DebianKernel {
    /// The package, such as `linux-image-6.1.0-56-cloud-amd64`.
    pub package: String,
    /// The image.
    pub image: PathBuf,
    /// `lib/modules/RELEASE`.
    pub modules: Option<PathBuf>,
}

/// Whether `package` is what `wanted` means: a package's whole name, or a version with an optional
/// flavour, such as `6.1`, `6.12-cloud` or `6.12-rt`.
pub fn package_matches(wanted: &str, package: &str) -> bool {
    if package == wanted {
        return true;
    }
    let (version, flavour) = split_flavour(wanted);
    let Some(rest) =
        package.strip_prefix("linux-image-").and_then(|rest| rest.strip_suffix("-amd64"))
    else {
        return false;
    };
    let Some(rest) = rest.strip_prefix(version) else { return false };
    // `6.1` is not `6.12`, and a package without anything after the version only names another one.
    let (details, has_flavour) = split_flavour(rest);
    details.starts_with(['.', '+', '-'])
        && details.contains(|c: char| c.is_ascii_digit())
        && has_flavour == flavour
}

const FLAVOURS: &[&str] = &["cloud", "rt"];

fn split_flavour(name: &str) -> (&str, Option<&'static str>) {
    FLAVOURS
        .iter()
        .find_map(|flavour| Some((name.strip_suffix(flavour)?.strip_suffix('-')?, Some(*flavour))))
        .unwrap_or((name, None))
}

/// The kernel that `wanted` means, from the packages that lie unpacked in `folder`.
pub fn unpacked(wanted: &str, folder: &Path) -> Option<DebianKernel> {
    let packages = fs::read_dir(folder).ok()?.flatten();
    packages
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|package| package_matches(wanted, package))
        .max_by(|a, b| compare(a, b))
        .and_then(|package| kernel_in(&package, &folder.join(&package)))
}

/// The newest kernel package that `wanted` means, downloaded into `folder` and unpacked there.
///
/// # Errors
/// When no package matches, or it cannot be downloaded or unpacked.
pub fn debian_kernel(wanted: &str, folder: &Path) -> Result<DebianKernel, BuildError> {
    let no_package = || BuildError::NoPackage { wanted: wanted.to_owned() };
    let package = newest_package(wanted)?;
    let place = folder.join(&package);
    if let Some(kernel) = kernel_in(&package, &place) {
        return Ok(kernel);
    }
    unpack_packages(std::slice::from_ref(&package), &place)?;
    kernel_in(&package, &place).ok_or_else(no_package)
}

/// The newest kernel package that `wanted` means.
pub(crate) fn newest_package(wanted: &str) -> Result<String, BuildError> {
    let listed = run("apt-cache", "listing the kernel packages", |command| {
        command.args(["pkgnames", "linux-image-"]).current_dir("/")
    })?;
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    listed
        .lines()
        .filter(|package| package_matches(wanted, package))
        .max_by(|a, b| compare(a, b))
        .map(str::to_owned)
        .ok_or_else(|| BuildError::NoPackage { wanted: wanted.to_owned() })
}

/// Downloads packages and unpacks all of them into `place`. What is half done lies beside it under
/// another name, so an interrupted download is never taken for a kernel.
pub(crate) fn unpack_packages(packages: &[String], place: &Path) -> Result<(), BuildError> {
    let parent = place.parent().unwrap_or(Path::new("."));
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    let work = parent.join(format!(".{name}.{}", std::process::id()));
    let root = work.join("root");
    let _ = fs::remove_dir_all(&work);
    fs::create_dir_all(&root)
        .map_err(BuildError::io(format!("make the folder {}", root.display())))?;
    let result = download(packages, &work, &root).and_then(|()| {
        let _ = fs::remove_dir_all(place);
        fs::rename(&root, place)
            .map_err(BuildError::io(format!("move what was unpacked to {}", place.display())))
    });
    let _ = fs::remove_dir_all(&work);
    result
}

/// Downloads packages into `work` and unpacks all of them into `root`.
fn download(packages: &[String], work: &Path, root: &Path) -> Result<(), BuildError> {
    run("apt-get", &format!("downloading {}", packages.join(", ")), |command| {
        command.args(["download", "-q"]).args(packages).current_dir(work)
    })?;
    let entries =
        fs::read_dir(work).map_err(BuildError::io(format!("read {}", work.display())))?.flatten();
    for file in entries.map(|entry| entry.path()) {
        if file.extension().is_some_and(|extension| extension == "deb") {
            run("dpkg-deb", &format!("unpacking {}", file.display()), |command| {
                command.arg("-x").arg(&file).arg(root).current_dir(work)
            })?;
        }
    }
    Ok(())
}

fn kernel_in(package: &str, folder: &Path) -> Option<DebianKernel> {
    let (image, release) = fs::read_dir(folder.join("boot")).ok()?.flatten().find_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        Some((entry.path(), name.strip_prefix("vmlinuz-")?.to_owned()))
    })?;
    let modules = folder.join("lib/modules").join(release);
    let modules = modules.is_dir().then_some(modules);
    Some(DebianKernel { package: package.to_owned(), image, modules })
}

/// Orders names so that numbers in them count as numbers.
fn compare(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    loop {
        let (number_a, rest_a) = leading_number(a);
        let (number_b, rest_b) = leading_number(b);
        let order = match (number_a, number_b) {
            (Some(x), Some(y)) => x.cmp(&y),
            _ => a.first().cmp(&b.first()),
        };
        if order != Ordering::Equal || a.is_empty() {
            return order;
        }
        (a, b) = match (number_a, number_b) {
            (Some(_), Some(_)) => (rest_a, rest_b),
            _ => (&a[1..], &b[1..]),
        };
    }
}

fn leading_number(text: &[u8]) -> (Option<u64>, &[u8]) {
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = std::str::from_utf8(&text[..length]).ok().and_then(|digits| digits.parse().ok());
    (number, &text[length..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_name_means_the_real_packages_of_that_version_and_flavour() {
        for (wanted, package, means) in [
            ("6.1", "linux-image-6.1.0-56-amd64", true),
            ("6.1", "linux-image-6.12.117+deb12-amd64", false),
            ("6.1", "linux-image-6.1.0-56-cloud-amd64", false),
            ("6.1-cloud", "linux-image-6.1.0-56-cloud-amd64", true),
            ("6.12-rt", "linux-image-6.12.117+deb12-rt-amd64", true),
            ("6.12-rt", "linux-image-6.12-rt-amd64", false),
            ("6.12", "linux-image-6.12.117+deb12-amd64-unsigned", false),
            ("6.12", "linux-image-6.12.117+deb12-amd64-dbg", false),
            ("6.12.111", "linux-image-6.12.111+deb12-amd64", true),
            ("linux-image-6.1.0-56-amd64", "linux-image-6.1.0-56-amd64", true),
        ] {
            assert_eq!(package_matches(wanted, package), means, "{wanted} {package}");
        }
    }

    #[test]
    fn numbers_in_names_order_as_numbers() {
        let newest = ["6.12.99+deb12", "6.12.117+deb12", "6.12.100+deb12"]
            .into_iter()
            .max_by(|a, b| compare(a, b));
        assert_eq!(newest, Some("6.12.117+deb12"));
        assert_eq!(compare("a1", "a1"), Ordering::Equal);
    }
}
