//! Any bytes as a vmlinux or a module: no panic, bounded memory, and the places of an address do not depend on what was
//! asked before.
#![no_main]

use io_symbols::Binary;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut binary) = Binary::read(bytes.to_vec()) else { return };
    let named = ["start_kernel", "main", "_start", "f"];
    let mut addresses: Vec<u64> = named
        .iter()
        .flat_map(|name| binary.table().named(name).map(|s| s.address).collect::<Vec<_>>())
        .take(16)
        .collect();
    addresses.extend([0, 0x1000_0000, 0xffff_ffff_8100_0000, u64::MAX]);
    let ask = |binary: &mut Binary, address: u64| binary.places(address).ok();
    let first: Vec<_> = addresses.iter().map(|address| ask(&mut binary, *address)).collect();
    for (address, first) in addresses.iter().zip(&first).rev() {
        assert_eq!(&ask(&mut binary, *address), first);
        let symbol = binary.table().at(*address);
        assert!(symbol.is_none_or(|s| *address >= s.address && address - s.address < s.size));
        let held = binary.instructions(*address, 64);
        assert!(held.is_none_or(|held| held.len() <= 64));
    }
});
