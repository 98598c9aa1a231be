//! Free places in the data area.

use super::size::size_of;
use super::value::{Arg, Call, Value};
use super::visit::each_arg;
use crate::types::{AREA, PAGE, Target};

/// Bytes that are given out together.
const GRANULE: u64 = 64;

/// Which parts of the data area are in use.
#[derive(Debug, Clone)]
pub struct Area {
    granules: Vec<u64>,
    pages: Vec<bool>,
    first_free: usize,
}

impl Default for Area {
    fn default() -> Self {
        let granules = usize::try_from(AREA / GRANULE / 64).unwrap_or(0);
        let pages = usize::try_from(AREA / PAGE).unwrap_or(0);
        Self { granules: vec![0; granules], pages: vec![false; pages], first_free: 0 }
    }
}

impl Area {
    /// Notes what a call uses.
    pub fn note(&mut self, target: &Target, call: &Call) {
        for arg in &call.arguments {
            each_arg(arg, &mut |arg| self.note_arg(target, arg));
        }
    }

    fn note_arg(&mut self, target: &Target, arg: &Arg) {
        match &arg.value {
            Value::Pointer(address, to) => self.mark(*address, size_of(target, to)),
            Value::Pages(address, size) if *size <= AREA => {
                let first = usize::try_from(address / PAGE).unwrap_or(usize::MAX);
                let count = usize::try_from(size / PAGE).unwrap_or(0);
                for page in self.pages.iter_mut().skip(first).take(count) {
                    *page = true;
                }
            }
            _ => {}
        }
    }

    fn mark(&mut self, address: u64, size: u64) {
        let first = address / GRANULE;
        let last = (address.saturating_add(size.max(1)) - 1) / GRANULE;
        for granule in first..=last.min(AREA / GRANULE - 1) {
            let index = usize::try_from(granule / 64).unwrap_or(usize::MAX);
            if let Some(word) = self.granules.get_mut(index) {
                *word |= 1 << (granule % 64);
            }
        }
    }

    fn free(&self, granule: u64) -> bool {
        let index = usize::try_from(granule / 64).unwrap_or(usize::MAX);
        self.granules.get(index).is_some_and(|word| word >> (granule % 64) & 1 == 0)
    }

    /// The first free place for so many bytes, never offset 0. Where none is left, the area begins anew.
    pub fn take(&mut self, size: u64) -> u64 {
        let need = size.max(1).div_ceil(GRANULE);
        while self.first_free < self.granules.len() && self.granules[self.first_free] == u64::MAX {
            self.first_free += 1;
        }
        let (mut start, mut granule) = (None, (self.first_free as u64 * 64).max(1));
        while granule < AREA / GRANULE {
            if !self.free(granule) {
                start = None;
                granule += 1;
                continue;
            }
            let begin = *start.get_or_insert(granule);
            if granule + 1 - begin == need {
                self.mark(begin * GRANULE, size);
                return begin * GRANULE;
            }
            granule += 1;
        }
        *self = Self { pages: std::mem::take(&mut self.pages), ..Self::default() };
        if need < AREA / GRANULE - 1 {
            self.mark(GRANULE, size);
        }
        GRANULE
    }

    /// The first free pages, from the area's end; where none are left, the last ones.
    pub fn take_pages(&mut self, count: u64) -> u64 {
        let count = usize::try_from(count).unwrap_or(usize::MAX).min(self.pages.len());
        let mut begin = self.pages.len() - count;
        while begin > 0 && self.pages[begin..begin + count].iter().any(|used| *used) {
            begin -= 1;
        }
        if self.pages[begin..begin + count].iter().any(|used| *used) {
            begin = self.pages.len() - count;
        }
        for page in &mut self.pages[begin..begin + count] {
            *page = true;
        }
        begin as u64 * PAGE
    }
}
