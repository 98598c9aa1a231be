//! What was asked of the page allocator, by its flags. Source: include/linux/gfp_types.h (gfp.h to 5.19), GFP_ZONE_TABLE,
//! gfp_to_alloc_flags.

use model::MigrateType;

/// The zones in the order in which a kernel has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ZoneKind {
    /// Memory for old devices.
    Dma,
    /// Memory below 4 GiB.
    Dma32,
    /// Memory that is always mapped.
    Normal,
    /// Memory that 32-bit kernels map on demand.
    HighMem,
    /// Memory for movable pages only.
    Movable,
    /// Memory of devices.
    Device,
}

impl ZoneKind {
    /// Every kind, in order.
    pub(crate) const ALL: [Self; 6] =
        [Self::Dma, Self::Dma32, Self::Normal, Self::HighMem, Self::Movable, Self::Device];

    /// As the kernel prints it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Dma => "DMA",
            Self::Dma32 => "DMA32",
            Self::Normal => "Normal",
            Self::HighMem => "HighMem",
            Self::Movable => "Movable",
            Self::Device => "Device",
        }
    }

    /// The zone of that name.
    pub(crate) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A request, as far as its flags tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// 2^order pages.
    pub order: u32,
    /// Type of the pages it takes first.
    pub migrate_type: MigrateType,
    /// The highest zone it may use.
    pub highest: ZoneKind,
    /// It may not wait, and may go below the watermarks and into the reserve for atomic requests.
    pub atomic: bool,
    /// It keeps to the nodes of its cpuset.
    pub hardwall: bool,
}

impl Request {
    /// Reads `0x40cc0(GFP_KERNEL|__GFP_COMP)`; `None` when the flags are not there by name, or change the checks in ways
    /// that the report does not tell.
    pub fn read(order: u32, mode: &str) -> Option<Self> {
        let flags = mode.split_once('(')?.1.strip_suffix(')')?;
        let flags: Vec<&str> =
            flags.split('|').map(str::trim).filter(|flag| !flag.is_empty()).collect();
        let any = |names: &[&str]| flags.iter().any(|flag| names.contains(flag));
        // No watermarks, one node of many, or less of a reserve than an atomic request.
        let untold = any(&["__GFP_MEMALLOC", "__GFP_THISNODE", "__GFP_HIGH"]);
        if flags.is_empty() || untold || flags.iter().any(|flag| flag.starts_with("0x")) {
            return None;
        }
        let huge = any(&["GFP_TRANSHUGE", "GFP_TRANSHUGE_LIGHT"]);
        let highuser_movable = huge || any(&["GFP_HIGHUSER_MOVABLE"]);
        let movable = highuser_movable || any(&["__GFP_MOVABLE"]);
        let high = any(&["GFP_HIGHUSER", "__GFP_HIGHMEM"]);
        let highest = match () {
            () if any(&["GFP_DMA", "__GFP_DMA"]) => ZoneKind::Dma,
            () if any(&["GFP_DMA32", "__GFP_DMA32"]) => ZoneKind::Dma32,
            () if highuser_movable || high && movable => ZoneKind::Movable,
            () if high => ZoneKind::HighMem,
            () => ZoneKind::Normal,
        };
        let user = any(&["GFP_USER", "GFP_HIGHUSER", "__GFP_HARDWALL"]);
        Some(Self {
            order,
            migrate_type: match (movable, any(&["__GFP_RECLAIMABLE"])) {
                (true, _) => MigrateType::Movable,
                (_, true) => MigrateType::Reclaimable,
                _ => MigrateType::Unmovable,
            },
            highest,
            atomic: any(&["GFP_ATOMIC"]),
            hardwall: user || highuser_movable,
        })
    }

    /// Whether it may take a block of the type with that letter; `None` for a letter whose meaning changed.
    pub(crate) fn may_take(&self, letter: char) -> Option<bool> {
        match letter {
            'U' | 'M' | 'E' => Some(true),
            'C' => Some(self.migrate_type == MigrateType::Movable),
            'H' => Some(self.atomic),
            'I' => Some(false),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r70_flags_tell_type_zone_and_urgency() {
        let kernel = Request::read(3, "0x40dc0(GFP_KERNEL|__GFP_COMP|__GFP_ZERO)").unwrap();
        assert_eq!(
            (kernel.migrate_type, kernel.highest, kernel.atomic),
            (MigrateType::Unmovable, ZoneKind::Normal, false)
        );
        assert_eq!(kernel.may_take('C'), Some(false));
        let user = Request::read(0, "0x140cca(GFP_HIGHUSER_MOVABLE|__GFP_COMP)").unwrap();
        assert_eq!((user.highest, user.may_take('C')), (ZoneKind::Movable, Some(true)));
        let atomic = Request::read(0, "0xa20(GFP_ATOMIC)").unwrap();
        assert_eq!(atomic.may_take('H'), Some(true));
    }

    #[test]
    fn r70_flags_without_names_or_with_untold_effects_are_no_request() {
        assert_eq!(Request::read(0, "0x0()"), None);
        assert_eq!(Request::read(0, "0x4020"), None);
        assert_eq!(Request::read(2, "0x2c20(GFP_ATOMIC|__GFP_MEMALLOC)"), None);
    }
}
