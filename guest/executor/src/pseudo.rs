//! Calls that are several of the kernel's, by the names of `guest_programs::PSEUDO_CALLS`.
//!
//! Their arguments point into memory that a program prepared and may have unmapped: it is copied, never
//! dereferenced.

use std::ffi::{CStr, CString};

use guest_programs::PSEUDO_CALLS;

use crate::sys::{self, nr};

/// What the calls need of the process that runs them.
pub(crate) struct Surroundings {
    /// The network namespace in which the guest started; negative if it is not known.
    pub(crate) first_network: i64,
}

/// Mappings that a program's calls made outside of its data area, to be taken away after it.
pub(crate) type Mappings = Vec<(u64, u64)>;

type Run = fn(&[u64; 9], &Surroundings, &mut Mappings) -> i64;

const CALLS: &[(&str, Run)] = &[
    ("syz_open_dev", open_dev),
    ("syz_open_procfs", open_procfs),
    ("syz_open_pts", open_pts),
    ("syz_genetlink_get_family_id", genetlink_family),
    ("syz_init_net_socket", init_net_socket),
    ("syz_io_uring_setup", io_uring_setup),
    ("syz_io_uring_submit", io_uring_submit),
    ("syz_io_uring_complete", io_uring_complete),
    ("syz_io_uring_modify_offsets", io_uring_modify_offsets),
    ("syz_memcpy_off", memcpy_off),
    ("syz_create_resource", |arguments, _, _| arguments[0] as i64),
    ("syz_pidfd_open", pidfd_open),
    ("syz_clone", clone),
    ("syz_clone3", clone3),
    ("syz_execute_func", execute_func),
];

/// How a pseudo call is made; `None` for one that this executor does not know.
pub(crate) fn find(number: u16) -> Option<Run> {
    let name = PSEUDO_CALLS.get(usize::from(number))?.name;
    CALLS.iter().find(|(of, _)| *of == name).map(|(_, run)| *run)
}

/// The text at an address, without its end.
fn text(at: u64) -> Option<Vec<u8>> {
    const MOST: u64 = 4096;
    let mut text = Vec::new();
    for offset in 0..MOST {
        let mut byte = [0];
        if !sys::copy_out(at + offset, &mut byte) {
            return None;
        }
        if byte[0] == 0 {
            return Some(text);
        }
        text.push(byte[0]);
    }
    None
}

fn number32(at: u64) -> Option<u32> {
    let mut bytes = [0; 4];
    sys::copy_out(at, &mut bytes).then(|| u32::from_le_bytes(bytes))
}

fn open(path: Vec<u8>, flags: u64) -> i64 {
    CString::new(path).map_or(-sys::EINVAL, |path| sys::open(&path, flags, 0))
}

/// `syz_open_dev(path with #, id, flags)`: each `#` becomes a digit of the id, lowest first. Or
/// `(0xc or 0xb, major, minor)`: a character or block device by its number.
fn open_dev(arguments: &[u64; 9], _: &Surroundings, _: &mut Mappings) -> i64 {
    const S_IFCHR: u64 = 0o020_000;
    const S_IFBLK: u64 = 0o060_000;
    const MKNOD: u64 = 133;
    const UNLINK: u64 = 87;
    const O_RDWR: u64 = 2;
    let [first, second, third, ..] = *arguments;
    if first == 0xc || first == 0xb {
        let kind = if first == 0xc { S_IFCHR } else { S_IFBLK };
        let (major, minor) = (second & 0xff, third & 0xff);
        let node = c".node";
        let made = sys::call3(MKNOD, node.as_ptr() as u64, kind | 0o600, major << 8 | minor);
        if made < 0 {
            return made;
        }
        let file = sys::open(node, O_RDWR, 0);
        sys::call3(UNLINK, node.as_ptr() as u64, 0, 0);
        return file;
    }
    let Some(mut path) = text(first) else { return -sys::EFAULT };
    let mut id = second;
    for byte in &mut path {
        if *byte == b'#' {
            *byte = b'0' + (id % 10) as u8;
            id /= 10;
        }
    }
    open(path, third)
}

/// `syz_open_procfs(pid, file)`: of this process for 0, of this thread for -1.
fn open_procfs(arguments: &[u64; 9], _: &Surroundings, _: &mut Mappings) -> i64 {
    let Some(file) = text(arguments[1]) else { return -sys::EFAULT };
    let mut path = match arguments[0] as i32 {
        0 => b"/proc/self/".to_vec(),
        -1 => b"/proc/thread-self/".to_vec(),
        pid => format!("/proc/self/task/{pid}/").into_bytes(),
    };
    path.extend_from_slice(&file);
    let both = open(path.clone(), 2);
    if both < 0 { open(path, 0) } else { both }
}

/// `syz_open_pts(master, flags)`: its other end.
fn open_pts(arguments: &[u64; 9], _: &Surroundings, _: &mut Mappings) -> i64 {
    const TIOCGPTN: u64 = 0x8004_5430;
    let mut number = [0_u32; 1];
    let result = sys::call3(nr::IOCTL, arguments[0], TIOCGPTN, number.as_mut_ptr() as u64);
    if result < 0 {
        return result;
    }
    open(format!("/dev/pts/{}", number[0]).into_bytes(), arguments[1])
}

const AF_NETLINK: u64 = 16;
const SOCK_RAW_CLOEXEC: u64 = 3 | 0o2_000_000;
const NETLINK_GENERIC: u64 = 16;

/// `syz_genetlink_get_family_id(name, socket or -1)`: asks the controller (`CTRL_CMD_GETFAMILY`).
fn genetlink_family(arguments: &[u64; 9], _: &Surroundings, _: &mut Mappings) -> i64 {
    let Some(name) = text(arguments[0]) else { return -sys::EFAULT };
    let own = arguments[1] as i32 == -1;
    let socket = if own {
        let socket = sys::call3(nr::SOCKET, AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_GENERIC);
        if socket < 0 {
            return socket;
        }
        socket as u64
    } else {
        arguments[1]
    };
    let result = ask_family(socket, &name);
    if own {
        sys::call3(nr::CLOSE, socket, 0, 0);
    }
    result
}

fn ask_family(socket: u64, name: &[u8]) -> i64 {
    const GENL_ID_CTRL: u16 = 16;
    const NLM_F_REQUEST: u16 = 1;
    const CTRL_CMD_GETFAMILY: u8 = 3;
    const CTRL_ATTR_FAMILY_ID: u16 = 1;
    const CTRL_ATTR_FAMILY_NAME: u16 = 2;
    const MSG_DONTWAIT: u64 = 0x40;
    let mut message = vec![0_u8; 4];
    message.extend_from_slice(&GENL_ID_CTRL.to_le_bytes());
    message.extend_from_slice(&NLM_F_REQUEST.to_le_bytes());
    message.extend_from_slice(&[0; 8]);
    message.extend_from_slice(&[CTRL_CMD_GETFAMILY, 1, 0, 0]);
    let length = u16::try_from(name.len() + 5).unwrap_or(u16::MAX);
    message.extend_from_slice(&length.to_le_bytes());
    message.extend_from_slice(&CTRL_ATTR_FAMILY_NAME.to_le_bytes());
    message.extend_from_slice(name);
    message.push(0);
    message.resize(message.len().next_multiple_of(4), 0);
    let length = message.len() as u32;
    message[..4].copy_from_slice(&length.to_le_bytes());
    let sent =
        sys::call(nr::SENDTO, [socket, message.as_ptr() as u64, message.len() as u64, 0, 0, 0]);
    if sent < 0 {
        // Not a socket that could be asked.
        return -sys::EINVAL;
    }
    let mut answer = [0_u8; 4096];
    let received = sys::call(
        nr::RECVFROM,
        [socket, answer.as_mut_ptr() as u64, answer.len() as u64, MSG_DONTWAIT, 0, 0],
    );
    let Ok(received) = usize::try_from(received) else { return received };
    let half = |at: usize| u16::from_le_bytes([answer[at], answer[at + 1]]);
    if received < 24 || half(4) != GENL_ID_CTRL {
        // An error message: its number follows the header.
        let error = i32::from_le_bytes([answer[16], answer[17], answer[18], answer[19]]);
        return if received >= 20 && error < 0 { i64::from(error) } else { -sys::EINVAL };
    }
    let mut at = 20;
    while at + 6 <= received {
        let length = usize::from(half(at));
        if half(at + 2) == CTRL_ATTR_FAMILY_ID {
            return i64::from(half(at + 4));
        }
        at += length.max(4).next_multiple_of(4);
    }
    -sys::EINVAL
}

/// `syz_init_net_socket(domain, type, protocol)`: a socket in the guest's first network namespace.
fn init_net_socket(arguments: &[u64; 9], surroundings: &Surroundings, _: &mut Mappings) -> i64 {
    const CLONE_NEWNET: u64 = 0x4000_0000;
    const O_CLOEXEC: u64 = 0o2_000_000;
    let here = sys::open(c"/proc/thread-self/ns/net", O_CLOEXEC, 0);
    if here < 0 {
        return here;
    }
    let moved = sys::call3(nr::SETNS, surroundings.first_network as u64, CLONE_NEWNET, 0);
    let result = if moved < 0 {
        moved
    } else {
        let socket = sys::call3(nr::SOCKET, arguments[0], arguments[1], arguments[2]);
        sys::call3(nr::SETNS, here as u64, CLONE_NEWNET, 0);
        socket
    };
    sys::call3(nr::CLOSE, here as u64, 0, 0);
    result
}

/// Offsets in `struct io_uring_params` (include/uapi/linux/io_uring.h).
mod ring {
    pub(super) const SQ_ENTRIES: u64 = 0;
    pub(super) const CQ_ENTRIES: u64 = 4;
    pub(super) const FLAGS: u64 = 8;
    pub(super) const SQ_TAIL: u64 = 44;
    pub(super) const SQ_MASK: u64 = 48;
    pub(super) const SQ_ARRAY: u64 = 64;
    pub(super) const CQ_HEAD: u64 = 80;
    pub(super) const CQ_TAIL: u64 = 84;
    pub(super) const CQ_MASK: u64 = 88;
    pub(super) const CQES: u64 = 100;
    pub(super) const SQE128: u32 = 1 << 10;
    pub(super) const CQE32: u32 = 1 << 11;
    pub(super) const NO_SQARRAY: u32 = 1 << 16;
}

/// `syz_io_uring_setup(entries, params, &params, &ring, &sqes)`: sets a ring up, maps it and its entries.
fn io_uring_setup(arguments: &[u64; 9], _: &Surroundings, mappings: &mut Mappings) -> i64 {
    const OFF_SQES: u64 = 0x1000_0000;
    const POPULATE: u64 = 0x8000;
    let [entries, params, params_out, ring_out, sqes_out, ..] = *arguments;
    let file = sys::call3(nr::IO_URING_SETUP, entries, params, 0);
    if file < 0 {
        return file;
    }
    let field = |at| number32(params + at).map(u64::from);
    let sizes = (|| {
        let flags = number32(params + ring::FLAGS)?;
        let sqe = if flags & ring::SQE128 != 0 { 128 } else { 64 };
        let cqe = if flags & ring::CQE32 != 0 { 32 } else { 16 };
        let array = field(ring::SQ_ARRAY)? + field(ring::SQ_ENTRIES)? * 4;
        let completions = field(ring::CQES)? + field(ring::CQ_ENTRIES)? * cqe;
        Some((array.max(completions), field(ring::SQ_ENTRIES)? * sqe))
    })();
    let Some((ring, sqes)) = sizes else { return file };
    let mut map = |length: u64, offset: u64| {
        let arguments = [0, length, sys::READ_WRITE, sys::SHARED | POPULATE, file as u64, offset];
        let address = sys::call(nr::MMAP, arguments);
        if address > 0 {
            mappings.push((address as u64, length));
        }
        address.max(0) as u64
    };
    let (ring, sqes) = (map(ring, 0), map(sqes, OFF_SQES));
    for (at, value) in [(params_out, params), (ring_out, ring), (sqes_out, sqes)] {
        sys::copy_in(at, &value.to_le_bytes());
    }
    file
}

/// `syz_io_uring_submit(params, ring, sqes, sqe)`: puts an entry behind the others.
fn io_uring_submit(arguments: &[u64; 9], _: &Surroundings, _: &mut Mappings) -> i64 {
    let [params, ring_at, sqes, sqe, ..] = *arguments;
    let submit = || {
        let flags = number32(params + ring::FLAGS)?;
        let length = if flags & ring::SQE128 != 0 { 128 } else { 64 };
        let field = |at| number32(params + at).map(u64::from);
        let tail_at = ring_at + field(ring::SQ_TAIL)?;
        let mask = number32(ring_at + field(ring::SQ_MASK)?)?;
        let tail = number32(tail_at)?;
        let slot = tail & mask;
        let mut entry = vec![0; length as usize];
        let whole =
            sys::copy_out(sqe, &mut entry) && sys::copy_in(sqes + u64::from(slot) * length, &entry);
        if flags & ring::NO_SQARRAY == 0 {
            let place = ring_at + field(ring::SQ_ARRAY)? + u64::from(slot) * 4;
            sys::copy_in(place, &slot.to_le_bytes());
        }
        std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
        (whole && sys::copy_in(tail_at, &tail.wrapping_add(1).to_le_bytes())).then_some(())
    };
    if submit().is_some() { 0 } else { -sys::EFAULT }
}

/// `syz_io_uring_complete(params, ring)`: takes a completion and returns its result.
fn io_uring_complete(arguments: &[u64; 9], _: &Surroundings, _: &mut Mappings) -> i64 {
    const EAGAIN: i64 = 11;
    let [params, ring_at, ..] = *arguments;
    let complete = || {
        let flags = number32(params + ring::FLAGS)?;
        let length = if flags & ring::CQE32 != 0 { 32 } else { 16 };
        let field = |at| number32(params + at).map(u64::from);
        let head_at = ring_at + field(ring::CQ_HEAD)?;
        let head = number32(head_at)?;
        if head == number32(ring_at + field(ring::CQ_TAIL)?)? {
            return Some(-EAGAIN);
        }
        let slot = head & number32(ring_at + field(ring::CQ_MASK)?)?;
        let entry = ring_at + field(ring::CQES)? + u64::from(slot) * length;
        let result = number32(entry + 8)? as i32;
        sys::copy_in(head_at, &head.wrapping_add(1).to_le_bytes());
        Some(i64::from(result))
    };
    complete().unwrap_or(-sys::EFAULT)
}

/// `syz_io_uring_modify_offsets(params, ring, field of params, value)`: writes the number of the ring that
/// the field points at.
fn io_uring_modify_offsets(arguments: &[u64; 9], _: &Surroundings, _: &mut Mappings) -> i64 {
    let [params, ring_at, field, value, ..] = *arguments;
    let Some(offset) = number32(params.wrapping_add(field)) else { return -sys::EFAULT };
    let place = ring_at.wrapping_add(u64::from(offset));
    if sys::copy_in(place, &(value as u32).to_le_bytes()) { 0 } else { -sys::EFAULT }
}

/// `syz_memcpy_off(to, its offset, from, its offset, length)`.
fn memcpy_off(arguments: &[u64; 9], _: &Surroundings, _: &mut Mappings) -> i64 {
    let [to, to_offset, from, from_offset, length, ..] = *arguments;
    let mut bytes = vec![0; length.min(1 << 20) as usize];
    let copied = sys::copy_out(from.wrapping_add(from_offset), &mut bytes)
        && sys::copy_in(to.wrapping_add(to_offset), &bytes);
    if copied { to as i64 } else { -sys::EFAULT }
}

/// `syz_pidfd_open(pid, flags)`: process 1 is ours, so itself is taken for it.
fn pidfd_open(arguments: &[u64; 9], _: &Surroundings, _: &mut Mappings) -> i64 {
    let pid = if arguments[0] == 1 { 0 } else { arguments[0] };
    sys::call3(nr::PIDFD_OPEN, pid, arguments[1], 0)
}

const CLONE_VM: u64 = 0x100;
const CLONE_VFORK: u64 = 0x4000;

/// `syz_clone(flags, stack, its length, parent's id, child's id, tls)`: a child that waits for signals.
fn clone(arguments: &[u64; 9], _: &Surroundings, _: &mut Mappings) -> i64 {
    let [flags, _stack, _length, parent, child, tls, ..] = *arguments;
    let flags = flags & !(CLONE_VM | CLONE_VFORK);
    sys::fork_call(nr::CLONE, [flags, 0, parent, child, tls, 0], false)
}

/// `syz_clone3(arguments, their length)`.
fn clone3(arguments: &[u64; 9], _: &Surroundings, _: &mut Mappings) -> i64 {
    const SMALLEST: usize = 64;
    const STACK: std::ops::Range<usize> = 40..56;
    let length = usize::try_from(arguments[1]).unwrap_or(usize::MAX).min(4096);
    let mut copy = vec![0_u8; length];
    if !sys::copy_out(arguments[0], &mut copy) {
        return -sys::EFAULT;
    }
    if length >= SMALLEST {
        let mut flags = [0; 8];
        flags.copy_from_slice(&copy[..8]);
        let flags = u64::from_le_bytes(flags) & !(CLONE_VM | CLONE_VFORK);
        copy[..8].copy_from_slice(&flags.to_le_bytes());
        copy[STACK].fill(0);
    }
    sys::fork_call(nr::CLONE3, [copy.as_ptr() as u64, length as u64, 0, 0, 0, 0], false)
}

/// `syz_execute_func(code)`.
fn execute_func(arguments: &[u64; 9], _: &Surroundings, _: &mut Mappings) -> i64 {
    sys::execute(arguments[0]);
    0
}

/// A path in `/proc` as a C string, for those who ask often.
pub(crate) fn proc_stat(thread: i64) -> CString {
    CString::new(format!("/proc/self/task/{thread}/stat")).unwrap_or_default()
}

/// The state letter of a thread: `R` when it runs, `S` when it sleeps.
pub(crate) fn thread_state(stat: &CStr) -> Option<u8> {
    let file = sys::open(stat, 0o2_000_000, 0);
    if file < 0 {
        return None;
    }
    let mut bytes = [0_u8; 128];
    let length = sys::call3(nr::READ, file as u64, bytes.as_mut_ptr() as u64, 128);
    sys::call3(nr::CLOSE, file as u64, 0, 0);
    let bytes = bytes.get(..usize::try_from(length).ok()?)?;
    let end = bytes.iter().rposition(|byte| *byte == b')')?;
    bytes.get(end + 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_to_run_runs_and_nothing_else() {
        for (number, call) in PSEUDO_CALLS.iter().enumerate() {
            let found = find(u16::try_from(number).unwrap()).is_some();
            assert_eq!(found, call.runs, "{}", call.name);
        }
        assert_eq!(CALLS.len(), PSEUDO_CALLS.iter().filter(|call| call.runs).count());
    }

    #[test]
    fn a_pointer_to_nowhere_is_an_error() {
        sys::catch_signals();
        let nowhere = [0x10_u64; 9];
        for number in 0..PSEUDO_CALLS.len() {
            let number = u16::try_from(number).unwrap();
            let name = PSEUDO_CALLS[usize::from(number)].name;
            // These start processes, jump, or make what lasts.
            if ["syz_clone", "syz_clone3", "syz_execute_func", "syz_init_net_socket"]
                .contains(&name)
                || ["syz_create_resource", "syz_pidfd_open"].contains(&name)
            {
                continue;
            }
            if let Some(run) = find(number) {
                let result = run(&nowhere, &Surroundings { first_network: -1 }, &mut Vec::new());
                assert!(result < 0, "{name}: {result}");
            }
        }
    }
}
