//! Numbers by chance, with those preferred at which programs change their ways.

use fastrand::Rng;

use crate::types::Range;

/// Numbers at which size checks, sign checks and masks change their ways.
const SPECIAL: [u64; 30] = [
    0,
    1,
    2,
    3,
    4,
    7,
    8,
    15,
    16,
    31,
    32,
    63,
    64,
    127,
    128,
    129,
    255,
    256,
    257,
    511,
    512,
    1023,
    1024,
    4095,
    4096,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x7fff_ffff_ffff_ffff,
    0x8000_0000_0000_0000,
];

/// Whether something happens that has a chance of 1 in `n`.
pub(super) fn one_of(rng: &mut Rng, n: u64) -> bool {
    rng.u64(0..n.max(1)) == 0
}

/// A number of so many bits.
pub(super) fn number(rng: &mut Rng, bits: u32) -> u64 {
    let mut value = match rng.u32(0..100) {
        0..55 => rng.u64(0..10),
        55..82 => match rng.u32(0..3) {
            0 => SPECIAL[rng.usize(0..SPECIAL.len())],
            1 => 1_u64 << rng.u32(0..64),
            _ => (1_u64 << rng.u32(0..64)).wrapping_sub(1),
        },
        82..90 => rng.u64(0..256),
        90..94 => rng.u64(0..4 << 10),
        94..97 => rng.u64(0..64 << 10),
        97..99 => rng.u64(0..1 << 31),
        _ => rng.u64(..),
    };
    if one_of(rng, 20) {
        value = value.wrapping_neg();
    }
    if one_of(rng, 50) {
        value <<= rng.u32(0..bits.clamp(1, 64));
    }
    value & (u64::MAX >> (64 - bits.clamp(1, 64)))
}

/// A number of a range; rarely any other.
pub(super) fn in_range(rng: &mut Rng, range: Range, bits: u32) -> u64 {
    if one_of(rng, 100) {
        return number(rng, bits);
    }
    let span = range.high.wrapping_sub(range.low);
    let step = range.align.max(1);
    let steps = span / step;
    let chosen = match rng.u32(0..8) {
        0 => 0,
        1 => steps,
        _ if steps == u64::MAX => rng.u64(..),
        2 if steps > 16 => rng.u64(0..16),
        _ => rng.u64(0..=steps),
    };
    range.low.wrapping_add(chosen.wrapping_mul(step))
}

/// Some of the flags.
pub(super) fn flags(rng: &mut Rng, values: &[u64], mask: bool, bits: u32) -> u64 {
    match rng.u32(0..50) {
        0 => return 0,
        1 => return number(rng, bits),
        _ => {}
    }
    let mut value = values[rng.usize(0..values.len())];
    if mask {
        while rng.bool() {
            value |= values[rng.usize(0..values.len())];
        }
    } else if one_of(rng, 10) {
        value |= values[rng.usize(0..values.len())];
    }
    value
}

/// A small count of elements.
pub(super) fn count(rng: &mut Rng) -> u64 {
    match rng.u32(0..20) {
        0..10 => rng.u64(0..3),
        10..17 => rng.u64(0..6),
        17..19 => rng.u64(0..12),
        _ => rng.u64(0..40),
    }
}

/// Bytes of a buffer.
pub(super) fn bytes(rng: &mut Rng, length: usize) -> Vec<u8> {
    match rng.u32(0..4) {
        0 => vec![0; length],
        1 => vec![rng.u8(..); length],
        _ => (0..length).map(|_| rng.u8(..)).collect(),
    }
}

/// Length of a buffer without a size.
pub(super) fn length(rng: &mut Rng) -> usize {
    match rng.u32(0..100) {
        0..50 => rng.usize(0..16),
        50..80 => rng.usize(0..100),
        80..90 => rng.usize(0..256),
        90..97 => rng.usize(0..4096),
        97 => 4096,
        98 => rng.usize(0..20_000),
        _ => 1 << rng.u32(0..14),
    }
}

/// Another number near an old one.
pub(super) fn changed(rng: &mut Rng, old: u64, bits: u32) -> u64 {
    let value = match rng.u32(0..6) {
        0..3 => number(rng, bits),
        3 => old.wrapping_add(rng.u64(1..5)),
        4 => old.wrapping_sub(rng.u64(1..5)),
        _ => old ^ 1 << rng.u32(0..bits.clamp(1, 64)),
    };
    value & (u64::MAX >> (64 - bits.clamp(1, 64)))
}

/// Changes bytes in place. `fixed`: their number stays.
pub(super) fn mutate_bytes(rng: &mut Rng, data: &mut Vec<u8>, fixed: bool, most: usize) {
    loop {
        let length = data.len();
        match rng.u32(0..8) {
            0 if length > 0 => data[rng.usize(0..length)] ^= 1 << rng.u32(0..8),
            1 if !fixed && length < most => {
                for _ in 0..rng.usize(1..17).min(most - length) {
                    let at = rng.usize(0..=data.len());
                    data.insert(at, rng.u8(..));
                }
            }
            2 if !fixed && length > 0 => {
                let begin = rng.usize(0..length);
                let count = rng.usize(1..17).min(length - begin);
                data.drain(begin..begin + count);
            }
            3 if !fixed && length < most => {
                let more = length_of_more(rng).min(most - length);
                data.extend(std::iter::repeat_n(rng.u8(..), more));
            }
            4..6 if length > 0 => {
                let width = (1 << rng.usize(0..4)).min(length);
                let at = rng.usize(0..=length - width);
                let value = if rng.bool() { number(rng, 64) } else { rng.u64(..) };
                let bytes =
                    if rng.bool() { value.to_le_bytes() } else { value.swap_bytes().to_le_bytes() };
                data[at..at + width].copy_from_slice(&bytes[..width]);
            }
            6 if length > 0 => {
                let at = rng.usize(0..length);
                let delta = rng.u8(1..36);
                data[at] = if rng.bool() {
                    data[at].wrapping_add(delta)
                } else {
                    data[at].wrapping_sub(delta)
                };
            }
            7 if length > 0 => {
                data[rng.usize(0..length)] = [0, 1, 0x7f, 0x80, 0xff][rng.usize(0..5)];
            }
            _ if length == 0 && fixed => return,
            _ => continue,
        }
        if one_of(rng, 3) {
            return;
        }
    }
}

fn length_of_more(rng: &mut Rng) -> usize {
    if one_of(rng, 10) { 256 } else { rng.usize(1..33) }
}
