//! A kernel of Debian together with what modules are built against.

use std::fs;
use std::path::Path;

use crate::command::run;
use crate::debian::newest_package;
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
    let parent = place.parent().unwrap_or(Path::new("."));
    let work = parent.join(format!(".headers.{}", std::process::id()));
    let making = |path: &Path| BuildError::io(format!("make the folder {}", path.display()));
    let _ = fs::remove_dir_all(&work);
    let root = work.join("root");
    fs::create_dir_all(&root).map_err(making(&root))?;
    let result = download(&packages, &work, &root).and_then(|()| {
        let _ = fs::remove_dir_all(place);
        fs::rename(&root, place)
            .map_err(BuildError::io(format!("move the kernel to {}", place.display())))
    });
    let _ = fs::remove_dir_all(&work);
    result
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

fn download(packages: &[String], work: &Path, root: &Path) -> Result<(), BuildError> {
    run("apt-get", &format!("downloading {}", packages.join(", ")), |command| {
        command.args(["download", "-q"]).args(packages).current_dir(work)
    })?;
    for entry in
        fs::read_dir(work).map_err(BuildError::io(format!("read {}", work.display())))?.flatten()
    {
        let file = entry.path();
        if file.extension().is_some_and(|extension| extension == "deb") {
            run("dpkg-deb", &format!("unpacking {}", file.display()), |command| {
                command.arg("-x").arg(&file).arg(root).current_dir(work)
            })?;
        }
    }
    Ok(())
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
