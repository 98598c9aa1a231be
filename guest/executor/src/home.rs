//! The folder in which programs run: it is empty when one starts.

use crate::sys::{self, nr};

const GETDENTS64: u64 = 217;
const UNLINKAT: u64 = 263;
const OPENAT: u64 = 257;
const AT_REMOVEDIR: u64 = 0x200;
const AT_FDCWD: u64 = -100_i64 as u64;
const MNT_DETACH_NOFOLLOW: u64 = 2 | 8;
const O_DIRECTORY_NOFOLLOW_CLOEXEC: u64 = 0o2_600_000;
const ENOTDIR: i64 = 20;
const EISDIR: i64 = 21;
/// Folders in folders, at most.
const DEEPEST: u32 = 64;
const ROUNDS: u32 = 4;

/// Empties the folder that `folder` is. False if something stays.
pub(crate) fn clean(folder: i64) -> bool {
    // tmpfs counts its entries in the folder's size, so one call tells of an empty one.
    let mut stat = [0_u64; 18];
    let result = sys::call3(nr::FSTAT, folder as u64, stat.as_mut_ptr() as u64, 0);
    const SIZE: usize = 6;
    if result == 0 && stat[SIZE] == 0 {
        return true;
    }
    empty(folder, 0)
}

fn empty(folder: i64, depth: u32) -> bool {
    if depth > DEEPEST {
        return false;
    }
    for _ in 0..ROUNDS {
        let names = names(folder);
        if names.is_empty() {
            return true;
        }
        let before = names.len();
        let removed = names.iter().filter(|name| remove(folder, name, depth)).count();
        if removed == 0 && before > 0 {
            return false;
        }
    }
    names(folder).is_empty()
}

/// Entries of a folder, each with its closing zero.
fn names(folder: i64) -> Vec<Vec<u8>> {
    const LSEEK: u64 = 8;
    let mut names = Vec::new();
    let mut buffer = vec![0_u8; 8192];
    sys::call3(LSEEK, folder as u64, 0, 0);
    loop {
        let length =
            sys::call3(GETDENTS64, folder as u64, buffer.as_mut_ptr() as u64, buffer.len() as u64);
        let Ok(length) = usize::try_from(length) else { return names };
        if length == 0 || names.len() > 10_000 {
            return names;
        }
        // struct linux_dirent64: inode, offset, length of the record (16 bits at 16), type, name.
        let mut at = 0;
        while at + 19 < length {
            let record = usize::from(u16::from_le_bytes([buffer[at + 16], buffer[at + 17]]));
            let end = (at + record.max(20)).min(length);
            let name = buffer[at + 19..end].split(|byte| *byte == 0).next().unwrap_or_default();
            if name != b"." && name != b".." {
                let mut name = name.to_vec();
                name.push(0);
                names.push(name);
            }
            at = end;
        }
    }
}

fn remove(folder: i64, name: &[u8], depth: u32) -> bool {
    let path = name.as_ptr() as u64;
    let unlink = |flags| sys::call3(UNLINKAT, folder as u64, path, flags);
    let mut result = unlink(0);
    if result == -sys::EBUSY || result == -sys::EPERM {
        // Something is mounted on it, or it must not change.
        forget_mounts(folder, name);
        make_mutable(folder, path);
        result = unlink(0);
    }
    if result == -EISDIR || result == -ENOTDIR || result == -sys::EPERM {
        forget_mounts(folder, name);
        let flags = O_DIRECTORY_NOFOLLOW_CLOEXEC;
        let inner = sys::call(OPENAT, [folder as u64, path, flags, 0, 0, 0]);
        if inner >= 0 {
            let inner = sys::hide(inner);
            empty(inner, depth + 1);
            sys::call3(nr::CLOSE, inner as u64, 0, 0);
        }
        result = unlink(AT_REMOVEDIR);
    }
    result == 0
}

fn forget_mounts(folder: i64, name: &[u8]) {
    // umount2 knows paths only: by way of the folder's own descriptor.
    let mut path = format!("/proc/self/fd/{folder}/").into_bytes();
    path.extend_from_slice(name);
    for _ in 0..16 {
        let at = path.as_ptr() as u64;
        if sys::call3(nr::UMOUNT2, at, MNT_DETACH_NOFOLLOW, 0) != 0 {
            return;
        }
    }
}

/// Takes the immutable and append-only attributes away.
fn make_mutable(folder: i64, path: u64) {
    const FS_IOC_SETFLAGS: u64 = 0x4008_6602;
    const O_NONBLOCK_NOFOLLOW_CLOEXEC: u64 = 0o2_404_000;
    let flags = O_NONBLOCK_NOFOLLOW_CLOEXEC;
    let file = sys::call(OPENAT, [folder as u64, path, flags, 0, 0, 0]);
    if file >= 0 {
        let none = 0_u64;
        sys::call3(nr::IOCTL, file as u64, FS_IOC_SETFLAGS, &raw const none as u64);
        sys::call3(nr::CLOSE, file as u64, 0, 0);
    }
}

/// Makes the folder and opens it; a negative result is an errno.
pub(crate) fn make(path: &std::ffi::CStr) -> i64 {
    const MKDIR: u64 = 83;
    const O_DIRECTORY_CLOEXEC: u64 = 0o2_200_000;
    sys::call3(MKDIR, path.as_ptr() as u64, 0o777, 0);
    let folder = sys::call(OPENAT, [AT_FDCWD, path.as_ptr() as u64, O_DIRECTORY_CLOEXEC, 0, 0, 0]);
    if folder < 0 { folder } else { sys::hide(folder) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_folder_becomes_an_empty_one() {
        let base = std::env::temp_dir().join(format!("executor-home-{}", std::process::id()));
        std::fs::create_dir_all(base.join("a/b/c")).unwrap();
        std::fs::write(base.join("a/file"), "x").unwrap();
        std::os::unix::fs::symlink("/nowhere", base.join("link")).unwrap();
        let path = std::ffi::CString::new(base.to_str().unwrap()).unwrap();
        let folder = make(&path);
        assert!(folder >= 0);
        assert!(empty(folder, 0));
        assert_eq!(std::fs::read_dir(&base).unwrap().count(), 0);
        std::fs::remove_dir(&base).unwrap();
    }
}
