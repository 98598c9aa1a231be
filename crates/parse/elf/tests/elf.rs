//! Facts about real and damaged ELF files. The test program itself is the sample.

use parse_elf::{Elf, ElfError};

fn sample() -> Vec<u8> {
    std::fs::read(std::env::current_exe().unwrap()).unwrap()
}

#[test]
fn a_dynamic_program_names_its_loader_and_libraries() {
    let bytes = sample();
    let dynamic = Elf::parse(&bytes).unwrap().dynamic().unwrap();
    assert!(dynamic.interpreter.unwrap().contains("ld-linux"));
    assert!(dynamic.needed.iter().any(|name| name == "libc.so.6"), "{:?}", dynamic.needed);
}

#[test]
fn sections_have_names_flags_and_bytes() {
    let bytes = sample();
    let sections = Elf::parse(&bytes).unwrap().sections().unwrap();
    let text = sections.iter().find(|section| section.name == ".text").unwrap();
    assert!(text.is_allocated() && text.data.len() as u64 == text.size);
    let bss = sections.iter().find(|section| section.name == ".bss").unwrap();
    assert!(bss.is_empty_in_file() && bss.data.is_empty() && bss.size > 0);
}

#[test]
fn a_file_cut_anywhere_gives_an_error_or_facts_but_no_panic() {
    let bytes = sample();
    for length in (0..bytes.len()).step_by(bytes.len() / 300 + 1).chain(0..200) {
        if let Ok(elf) = Elf::parse(&bytes[..length]) {
            let _ = elf.sections();
            let _ = elf.dynamic();
            let _ = elf.module_information("depends");
        }
    }
    assert_eq!(Elf::parse(b"#!/bin/sh\n").unwrap_err(), ElfError::NotElf);
}

#[test]
fn damaged_headers_never_panic() {
    let bytes = sample();
    let mut random = fastrand::Rng::with_seed(1);
    for _ in 0..2000 {
        let mut damaged = bytes[..4096.min(bytes.len())].to_vec();
        for _ in 0..4 {
            let at = random.usize(6..damaged.len());
            damaged[at] = random.u8(..);
        }
        if let Ok(elf) = Elf::parse(&damaged) {
            let _ = elf.sections();
            let _ = elf.dynamic();
        }
    }
}
