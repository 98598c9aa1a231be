//! Values that the kernel compared with what a program gave it.

use std::collections::{BTreeMap, BTreeSet};

use crate::program::{Program, Value, each_arg, each_arg_mut, fix_conditions, fix_lengths};
use crate::types::{Content, Direction, Format, Kind, Target};

/// Most offsets of a buffer that are looked at.
const OFFSETS: usize = 100;
/// Most programs from one call.
const MOST: usize = 4096;
/// Numbers that are tried anyway.
const SMALL: u64 = 64;

/// What the kernel compared: by the first operand, the others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compared {
    pairs: BTreeMap<u64, BTreeSet<u64>>,
}

impl Compared {
    /// Notes a comparison of so many bytes. `first` may come from the program; where either may, both ways are noted.
    pub fn add(&mut self, first: u64, second: u64) {
        if first != second {
            self.pairs.entry(first).or_default().insert(second);
        }
    }

    /// Keeps what another run saw too.
    pub fn intersect(&mut self, other: &Self) {
        self.pairs.retain(|first, seconds| {
            let Some(others) = other.pairs.get(first) else { return false };
            seconds.retain(|second| others.contains(second));
            !seconds.is_empty()
        });
    }

    /// Whether nothing was compared.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Values that could stand in place of one of so many bytes.
    fn replacements(&self, value: u64, bytes: usize) -> BTreeSet<u64> {
        let mut found = BTreeSet::new();
        for width in [8, 4, 2, 1] {
            if width > bytes {
                continue;
            }
            let mask = u64::MAX >> (64 - 8 * width);
            let low = value & mask;
            let sign = low >> (8 * width - 1) & 1 == 1;
            let extended = if sign && width < 8 { low | !mask } else { low };
            let swapped = low.swap_bytes() >> (64 - 8 * width);
            for (operand, swap) in [(low, false), (extended, false), (swapped, true)] {
                if swap && width == 1 {
                    continue;
                }
                for other in self.pairs.get(&operand).into_iter().flatten() {
                    let high = other & !mask;
                    if high != 0 && high != !mask {
                        continue;
                    }
                    let mut new = other & mask;
                    if swap {
                        new = new.swap_bytes() >> (64 - 8 * width);
                    }
                    let all = value & !mask | new;
                    if all != value && !(all < SMALL && value < SMALL) {
                        found.insert(all);
                    }
                }
            }
        }
        found
    }
}

/// Programs in which one value of a call is replaced by one that the kernel compared it with.
#[must_use]
pub fn hints(target: &Target, program: &Program, call: usize, compared: &Compared) -> Vec<Program> {
    let Some(original) = program.calls.get(call) else { return Vec::new() };
    let mut changes: Vec<(usize, usize, u64, usize)> = Vec::new();
    let mut number = 0;
    for arg in &original.arguments {
        each_arg(arg, &mut |arg| {
            collect(target, arg, number, compared, &mut changes);
            number += 1;
        });
    }
    changes.truncate(MOST);
    changes
        .into_iter()
        .map(|(number, offset, value, width)| {
            let mut changed = program.clone();
            let call = &mut changed.calls[call];
            let mut current = 0;
            for arg in &mut call.arguments {
                each_arg_mut(arg, &mut |arg| {
                    if current == number {
                        match &mut arg.value {
                            Value::Number(old) => *old = value,
                            Value::Data(bytes) => {
                                bytes[offset..offset + width]
                                    .copy_from_slice(&value.to_le_bytes()[..width]);
                            }
                            _ => {}
                        }
                    }
                    current += 1;
                });
            }
            if fix_conditions(target, call) {
                fix_lengths(target, call, true);
            }
            changed
        })
        .collect()
}

/// Changes of one value: which value, offset in it, new number, its bytes.
fn collect(
    target: &Target,
    arg: &crate::program::Arg,
    number: usize,
    compared: &Compared,
    changes: &mut Vec<(usize, usize, u64, usize)>,
) {
    if arg.direction == Direction::Out {
        return;
    }
    match (&arg.value, &target.get(arg.kind).kind) {
        (Value::Number(value), Kind::Int(shape, _) | Kind::Flags(shape, ..))
            if shape.width() >= 8 =>
        {
            let bytes = usize::from(shape.bytes);
            let swap = |value: u64| value.swap_bytes() >> (64 - 8 * u32::from(shape.bytes));
            let big = shape.format == Format::Big;
            let value = value & (u64::MAX >> (64 - 8 * u32::from(shape.bytes)));
            let seen = if big { swap(value) } else { value };
            for new in compared.replacements(seen, bytes) {
                changes.push((number, 0, if big { swap(new) } else { new }, bytes));
            }
        }
        (Value::Data(bytes), Kind::Buffer(Content::Blob(_) | Content::Text { .. })) => {
            if matches!(&target.get(arg.kind).kind, Kind::Buffer(Content::Text { values, .. }) if !values.is_empty())
            {
                return;
            }
            for offset in 0..bytes.len().min(OFFSETS) {
                for width in [8, 4, 2, 1] {
                    if offset + width > bytes.len() || width == 1 && bytes.len() > 16 {
                        continue;
                    }
                    let mut unit = [0; 8];
                    unit[..width].copy_from_slice(&bytes[offset..offset + width]);
                    for new in compared.replacements_of(u64::from_le_bytes(unit), width) {
                        changes.push((number, offset, new, width));
                    }
                }
            }
        }
        _ => {}
    }
}

impl Compared {
    /// As [`Self::replacements`], of exactly that width.
    fn replacements_of(&self, value: u64, width: usize) -> BTreeSet<u64> {
        let mut found = self.replacements(value, width);
        // Narrower operands are found at their own offset and width.
        let mask = u64::MAX >> (64 - 8 * width);
        found.retain(|new| new & !mask == 0);
        found
    }
}
