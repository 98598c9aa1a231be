//! The kernel for tests and benches on real guests, and programs for them.

#![expect(dead_code, reason = "tests and benches use different parts")]

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use app_guests::{Design, Sandbox};
use guest_programs::{Call, Encoder, Format, Instruction, Number, Value};
use io_vm::{Accelerator, Kernel, Settings};

/// An image of a kernel for fuzzing: `ktriage lab build debian:6.12 --name fuzz --with fuzz` makes one.
pub(crate) const VARIABLE: &str = "KTRIAGE_FUZZ_KERNEL";
pub(crate) const QEMU: &str = "qemu-system-x86_64";

/// Guests with the kernel of [`VARIABLE`], if there is one.
pub(crate) fn design(accelerator: Accelerator) -> Option<Design> {
    let image = std::env::var_os(VARIABLE)?;
    Some(Design {
        settings: Settings {
            qemu: QEMU.into(),
            accelerator,
            memory: 512,
            cpus: 2,
            command_line: String::new(),
            stop: Arc::new(AtomicBool::new(false)),
        },
        kernel: Kernel { image: image.into(), modules: None },
        modules: Vec::new(),
        inserted: Vec::new(),
        sandbox: Sandbox::None,
        lanes: 2,
        boot: Duration::from_secs(300),
    })
}

/// Makes programs.
#[derive(Default)]
pub(crate) struct Maker(Encoder);

impl Maker {
    pub(crate) fn data(&mut self, at: u32, bytes: &[u8]) {
        self.0.push(&Instruction::Data { at, bytes }).expect("within the limits");
    }

    pub(crate) fn load(&mut self, at: u32, format: Format, result: u16) {
        self.0.push(&Instruction::Load { at, format, result }).expect("within the limits");
    }

    pub(crate) fn call(&mut self, number: u32, arguments: &[Value], result: Option<u16>) {
        let call = Call { result, ..Call::new(Number::Kernel(number), arguments) };
        self.0.push(&Instruction::Call(call)).expect("within the limits");
    }
}

pub(crate) fn program(make: impl FnOnce(&mut Maker)) -> Vec<u8> {
    let mut maker = Maker::default();
    make(&mut maker);
    maker.0.finish()
}

pub(crate) fn at_fdcwd() -> Value {
    Value::plain(-100_i64 as u64)
}

pub(crate) fn result(index: u16) -> Value {
    Value::Result { index, divide: 0, add: 0, default: u64::MAX }
}

pub(crate) fn getpid() -> Vec<u8> {
    program(|p| p.call(39, &[], None))
}

pub(crate) fn files() -> Vec<u8> {
    program(|p| {
        p.data(0, b"./file0\0");
        p.call(
            257,
            &[at_fdcwd(), Value::Pointer(0), Value::plain(0o102), Value::plain(0o644)],
            Some(0),
        );
        p.call(1, &[result(0), Value::Pointer(0), Value::plain(8)], None);
        p.call(8, &[result(0), Value::plain(0), Value::plain(0)], None);
        p.call(0, &[result(0), Value::Pointer(64), Value::plain(8)], None);
        p.call(3, &[result(0)], None);
    })
}

pub(crate) fn sockets() -> Vec<u8> {
    program(|p| {
        p.data(0, &[2, 0, 0x4e, 0x20, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
        p.call(41, &[Value::plain(2), Value::plain(2), Value::plain(0)], Some(0));
        p.call(49, &[result(0), Value::Pointer(0), Value::plain(16)], None);
        p.call(42, &[result(0), Value::Pointer(0), Value::plain(16)], None);
        let none = Value::plain(0);
        p.call(44, &[result(0), Value::Pointer(0), Value::plain(64), none, none, none], None);
    })
}

pub(crate) fn memory() -> Vec<u8> {
    program(|p| {
        let length = Value::plain(0x1000);
        p.call(9, &[Value::Pointer(0x10000), length, Value::plain(3), Value::plain(0x32)], None);
        p.call(28, &[Value::Pointer(0x10000), length, Value::plain(4)], None);
        p.call(11, &[Value::Pointer(0x10000), length], None);
    })
}

pub(crate) fn blocked() -> Vec<u8> {
    program(|p| {
        p.call(22, &[Value::Pointer(0)], None);
        p.call(41, &[Value::plain(1), Value::plain(2), Value::plain(0)], Some(0));
        let none = Value::plain(0);
        p.call(45, &[result(0), Value::Pointer(0), Value::plain(8), none, none, none], None);
        p.call(39, &[], None);
    })
}

pub(crate) fn unshare() -> Vec<u8> {
    program(|p| p.call(272, &[Value::plain(0x400_0000)], None))
}
