//! Where kernels, modules and debug files lie.

use std::fs;
use std::path::{Path, PathBuf};

use crate::binary::hexadecimal;
use crate::image::Image;

/// The most folder entries that are looked at for one module.
const MOST_ENTRIES: usize = 400_000;
/// How deep folders are followed.
const MOST_DEPTH: usize = 12;

/// Folders in which debug files are installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roots(Vec<PathBuf>);

impl Default for Roots {
    fn default() -> Self {
        Self(vec![PathBuf::from("/usr/lib/debug")])
    }
}

impl Roots {
    /// Nothing is looked for.
    pub fn none() -> Self {
        Self(Vec::new())
    }

    /// The usual ones, and the one that an unpacked package has around `path`: `X/usr/lib/debug/…`.
    #[must_use]
    pub fn around(path: &Path) -> Self {
        let mut roots = Self::default();
        let own = path.ancestors().find(|folder| folder.ends_with("usr/lib/debug"));
        if let Some(own) = own.filter(|own| !roots.0.iter().any(|root| root == own)) {
            roots.0.insert(0, own.to_owned());
        }
        roots
    }
}

/// The kernel with names that is installed for a release or has a build id.
pub fn find_kernel(
    release: Option<&str>,
    build_id: Option<&str>,
    roots: &Roots,
) -> Option<PathBuf> {
    let mut candidates = Vec::new();
    for root in &roots.0 {
        if let Some((start, rest)) = build_id.and_then(|id| id.split_at_checked(2)) {
            candidates.push(root.join(".build-id").join(start).join(format!("{rest}.debug")));
        }
    }
    // The name comes from a log.
    if let Some(release) = release.filter(|name| !name.contains('/') && !name.starts_with('.')) {
        for root in &roots.0 {
            candidates.push(root.join(format!("boot/vmlinux-{release}")));
            candidates.push(root.join(format!("lib/modules/{release}/vmlinux")));
        }
        candidates.push(PathBuf::from(format!("/boot/vmlinux-{release}")));
        candidates.push(PathBuf::from(format!("/lib/modules/{release}/build/vmlinux")));
    }
    candidates.into_iter().find(|path| path.is_file())
}

/// The name under which the kernel knows a module of that file: `snd-hda-intel.ko.xz` is `snd_hda_intel`.
pub fn module_name(file: &str) -> Option<String> {
    let name = ["", ".xz", ".zst", ".gz", ".debug"]
        .iter()
        .find_map(|end| file.strip_suffix(end)?.strip_suffix(".ko"))?;
    Some(name.replace('-', "_"))
}

/// The file of a module, looked for in the given folders and then beside the kernel and where it is installed. One with
/// debug information is preferred.
pub fn find_module(
    name: &str,
    folders: &[PathBuf],
    kernel: &Path,
    release: Option<&str>,
) -> Option<PathBuf> {
    let mut places: Vec<PathBuf> = folders.to_vec();
    let release = release.filter(|name| !name.contains('/') && !name.starts_with('.'));
    if let Some(release) = release {
        for root in &Roots::around(kernel).0 {
            places.push(root.join("lib/modules").join(release));
        }
    }
    // A build's own folder is listed in its modules.order; other folders are not searched unasked.
    let beside = kernel.parent().filter(|folder| folder.join("modules.order").is_file());
    places.extend(beside.map(Path::to_owned));
    if let Some(release) = release {
        places.push(PathBuf::from("/lib/modules").join(release));
    }
    let wanted = name.replace('-', "_");
    let mut without = None;
    for place in places {
        for path in in_folder(&place, &wanted) {
            if has_lines(&path) {
                return Some(path);
            }
            without.get_or_insert(path);
        }
    }
    without
}

fn has_lines(path: &Path) -> bool {
    Image::open(path).is_ok_and(|image| image.has_debug_information())
}

/// Files of a module in a folder: from the list that a build or an installation has, or by looking.
fn in_folder(folder: &Path, wanted: &str) -> Vec<PathBuf> {
    for list in ["modules.order", "modules.dep"] {
        let Ok(text) = fs::read_to_string(folder.join(list)) else { continue };
        let listed = text.lines().filter_map(|line| {
            let path = line.split(':').next()?;
            let path = path
                .strip_suffix(".o")
                .map_or_else(|| path.to_owned(), |path| format!("{path}.ko"));
            let file = path.rsplit('/').next()?;
            (module_name(file)? == wanted).then(|| folder.join(&path))
        });
        let found: Vec<PathBuf> = listed.filter(|path| path.is_file()).collect();
        if !found.is_empty() {
            return found;
        }
    }
    let (mut found, mut left) = (Vec::new(), MOST_ENTRIES);
    look(folder, wanted, MOST_DEPTH, &mut left, &mut found);
    found.sort();
    found
}

fn look(folder: &Path, wanted: &str, depth: usize, left: &mut usize, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if *left == 0 {
            return;
        }
        *left -= 1;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && depth > 0 => {
                look(&entry.path(), wanted, depth - 1, left, found);
            }
            Ok(_) if module_name(name).is_some_and(|module| module == wanted) => {
                found.push(entry.path());
            }
            _ => {}
        }
    }
}

/// The debug file that was split off from an image: by its build id, by `.gnu_debuglink`.
pub(crate) fn split_off(image: &Image, roots: &Roots) -> Option<Image> {
    let mut candidates = Vec::new();
    if let Some(id) = image.build_id.as_ref().filter(|id| id.len() > 1) {
        let id = hexadecimal(id);
        let (start, rest) = id.split_at(2);
        for root in &roots.0 {
            candidates.push(root.join(".build-id").join(start).join(format!("{rest}.debug")));
        }
    }
    let path = image.path.canonicalize().unwrap_or_else(|_| image.path.clone());
    let folder = path.parent().unwrap_or(Path::new("."));
    if let Some((name, _)) = image.debug_link.as_ref().filter(|(name, _)| is_file_name(name)) {
        candidates.push(folder.join(name));
        candidates.push(folder.join(".debug").join(name));
        for root in &roots.0 {
            candidates.push(root.join(folder.strip_prefix("/").unwrap_or(folder)).join(name));
        }
    }
    candidates.into_iter().filter(|candidate| *candidate != path).find_map(|candidate| {
        let other = Image::open(&candidate).ok()?;
        (other.has_debug_information() && belongs(image, &other)).then_some(other)
    })
}

/// Whether a debug file was split off from the image.
fn belongs(image: &Image, other: &Image) -> bool {
    match (&image.build_id, &other.build_id, &image.debug_link) {
        (Some(own), Some(its), _) => own == its,
        (_, _, Some((_, checksum))) => {
            let mut sum = flate2::Crc::new();
            let mut at = 0;
            while at < other.length() {
                let length = (other.length() - at).min(1 << 20);
                let Ok(bytes) = other.bytes(at, length) else { return false };
                sum.update(&bytes);
                at += length;
            }
            sum.sum() == *checksum
        }
        _ => false,
    }
}

fn is_file_name(name: &str) -> bool {
    !name.is_empty() && !name.contains('/') && name != ".."
}

/// The file of `.gnu_debugaltlink`, with what several debug files have in common.
pub(crate) fn common(image: &Image, roots: &Roots) -> Option<Image> {
    let (name, id) = image.alt_link.as_ref()?;
    let path = image.path.canonicalize().unwrap_or_else(|_| image.path.clone());
    let mut candidates = vec![path.parent().unwrap_or(Path::new(".")).join(name)];
    for root in &roots.0 {
        // Links of installed packages are absolute; the package may be unpacked elsewhere.
        let below = name.strip_prefix("/usr/lib/debug/").unwrap_or(name.trim_start_matches('/'));
        candidates.push(root.join(below));
        let hex = hexadecimal(id);
        if let Some((start, rest)) = hex.split_at_checked(2) {
            candidates.push(root.join(".build-id").join(start).join(format!("{rest}.debug")));
        }
    }
    candidates.into_iter().find_map(|candidate| {
        let other = Image::open(&candidate).ok()?;
        (other.build_id.as_ref() == Some(id)).then_some(other)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_found_under_either_spelling_and_form() {
        assert_eq!(module_name("snd-hda-intel.ko.xz").as_deref(), Some("snd_hda_intel"));
        assert_eq!(module_name("xfs.ko.debug").as_deref(), Some("xfs"));
        assert_eq!(module_name("xfs.o"), None);
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("kernel/sound");
        fs::create_dir_all(&deep).unwrap();
        fs::write(deep.join("snd-hda.ko.zst"), "").unwrap();
        fs::write(deep.join("snd-hda-more.ko"), "").unwrap();
        let found = find_module(
            "snd_hda",
            &[folder.path().to_owned()],
            Path::new("/nowhere/vmlinux"),
            None,
        );
        assert_eq!(found, Some(deep.join("snd-hda.ko.zst")));
    }

    #[test]
    fn a_release_of_a_log_leads_out_of_no_folder() {
        assert_eq!(find_kernel(Some("../../etc/passwd"), Some("é"), &Roots::default()), None);
    }
}
