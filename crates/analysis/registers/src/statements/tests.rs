//! Each rule of registers on a log of our own making.

use model::{AddressMeaning, Grade, IrqState, PoisonValue, Predicate, RuleId, Task, UserFaultKind};

use super::statements;

/// Grade, rule and predicate of each statement of a log.
fn said(text: &str) -> Vec<(Grade, RuleId, Predicate)> {
    let lines: Vec<_> = parse_console::lines(text.as_bytes()).collect();
    statements(&lines).into_iter().map(|s| (s.grade(), s.rule(), s.predicate().clone())).collect()
}

fn meaning(address: u64, register: Option<&str>, meaning: AddressMeaning) -> Predicate {
    Predicate::AddressMeaning { address, register: register.map(str::to_owned), meaning }
}

#[track_caller]
fn has(said: &[(Grade, RuleId, Predicate)], grade: Grade, rule: RuleId, predicate: &Predicate) {
    let found = said.iter().any(|(g, r, p)| *g == grade && *r == rule && p == predicate);
    assert!(found, "{grade} {rule} {predicate:?} is not in {said:#?}");
}

fn meanings(said: &[(Grade, RuleId, Predicate)]) -> Vec<&AddressMeaning> {
    let each = said.iter().filter_map(|(.., predicate)| match predicate {
        Predicate::AddressMeaning { meaning, .. } => Some(meaning),
        _ => None,
    });
    each.collect()
}

const NULL_DEREFERENCE: &str = "\
    BUG: kernel NULL pointer dereference, address: 0000000000000018\n\
    #PF: supervisor read access in kernel mode\n\
    #PF: error_code(0x0000) - not-present page\n\
    Oops: 0000 [#1] PREEMPT SMP\n\
    RIP: 0010:do_it+0x4/0x20\n\
    Code: 55 <48> 8b 43 18 c3\n\
    RSP: 0018:ffffc90000000000 EFLAGS: 00010246\n\
    RAX: 0000000000000001 RBX: 0000000000000000 RCX: 6b6b6b6b6b6b6b6b\n\
    RDX: dead000000000100 RSI: 0000000000000000 RDI: 0000000000000000\n";

#[test]
fn x03_x10_null_plus_a_member_is_said_by_the_displacement_that_was_decoded() {
    let said = said(NULL_DEREFERENCE);
    let null = meaning(0, Some("RBX"), AddressMeaning::NullOffset { offset: 0x18 });
    has(&said, Grade::Derived, RuleId::X10, &null);
    has(
        &said,
        Grade::Derived,
        RuleId::X10,
        &Predicate::FaultingInstruction {
            text: "mov 0x18(%rbx),%rax".into(),
            operand: Some("0x18(%rbx)".into()),
            computed: Some(0x18),
        },
    );
    // Zeros in other registers are no findings.
    assert_eq!(meanings(&said).len(), 3, "{said:#?}");
}

#[test]
fn x10_a_small_number_in_the_register_is_not_called_null() {
    // 0x34(%rdi) with RDI = 0x29a.
    let said = said(
        "BUG: kernel NULL pointer dereference, address: 00000000000002ce\n\
         #PF: error_code(0x0000) - not-present page\n\
         RIP: 0010:do_it+0x4/0x20\n\
         Code: 55 <8b> 47 34 c3\n\
         RSP: 0018:ffffc90000000000 EFLAGS: 00010246\n\
         RAX: 0000000000000001 RBX: 0000000000000000 RCX: 0000000000000000\n\
         RDX: 0000000000000000 RSI: 0000000000000000 RDI: 000000000000029a\n",
    );
    has(&said, Grade::Derived, RuleId::X10, &meaning(0x29a, Some("RDI"), AddressMeaning::NearNull));
    assert_eq!(meanings(&said), [&AddressMeaning::NearNull]);
}

#[test]
fn x03_without_a_decoded_operand_no_member_is_named() {
    let said =
        said("Unable to handle kernel NULL pointer dereference at virtual address 00000018\n");
    has(&said, Grade::Derived, RuleId::X03, &meaning(0x18, None, AddressMeaning::NearNull));
    assert_eq!(said.len(), 1);
}

#[test]
fn x10_registers_of_another_fault_are_not_used() {
    // CR2 tells that these registers are not those of the fault.
    let said = said(&format!(
        "{NULL_DEREFERENCE}CR2: ffffc90000abc000 CR3: 0000000007a3a004 CR4: 0000000000771ee0\n"
    ));
    assert!(!said.iter().any(|(_, rule, _)| *rule == RuleId::X10), "{said:#?}");
    has(&said, Grade::Derived, RuleId::X03, &meaning(0x18, None, AddressMeaning::NearNull));
}

#[test]
fn x10_a_dump_that_lacks_the_register_gives_no_operand() {
    let cut = NULL_DEREFERENCE.replace("RBX: 0000000000000000 ", "");
    assert!(!said(&cut).iter().any(|(_, rule, _)| *rule == RuleId::X10));
}

#[test]
fn x02_x10_an_error_number_used_as_a_pointer_is_found_through_its_register() {
    // 0x20(%rax) with RAX = -ENOMEM wraps to a small address.
    let said = said(
        "BUG: kernel NULL pointer dereference, address: 0000000000000014\n\
         #PF: error_code(0x0000) - not-present page\n\
         RIP: 0010:do_it+0x4/0x20\n\
         Code: 55 <48> 8b 40 20 c3\n\
         RSP: 0018:ffffc90000000000 EFLAGS: 00010246\n\
         RAX: fffffffffffffff4 RBX: 0000000000000000 RCX: 0000000000000000\n",
    );
    let errno = AddressMeaning::ErrorPointer { errno: 12 };
    has(&said, Grade::Inferred, RuleId::X10, &meaning(0xffff_ffff_ffff_fff4, Some("RAX"), errno));
}

#[test]
fn x02_x10_poison_is_named_with_the_register_that_held_it() {
    let said = said(
        "general protection fault, probably for non-canonical address 0xdead000000000108: 0000 [#1] SMP\n\
         RIP: 0010:do_it+0x4/0x20\n\
         Code: 55 <48> 89 42 08 c3\n\
         RSP: 0018:ffffc90000000000 EFLAGS: 00010246\n\
         RAX: 0000000000000001 RBX: 6b6b6b6b6b6b6b6b RCX: cccccccccccccccc\n\
         RDX: dead000000000100 RSI: 0000000000000000 RDI: 0000000000000000\n",
    );
    let list = AddressMeaning::Poison { name: PoisonValue::ListPoison1, offset: 0 };
    has(&said, Grade::Inferred, RuleId::X10, &meaning(0xdead_0000_0000_0100, Some("RDX"), list));
    let freed = AddressMeaning::Poison { name: PoisonValue::SlabFree, offset: 0 };
    has(&said, Grade::Inferred, RuleId::X02, &meaning(0x6b6b_6b6b_6b6b_6b6b, Some("RBX"), freed));
    assert_eq!(meanings(&said).len(), 2, "{said:#?}");
}

#[test]
fn x04_a_protection_fault_without_address_is_explained_by_its_only_bad_operand() {
    let said = said(
        "general protection fault: 0000 [#1] SMP\n\
         RIP: 0010:do_it+0x4/0x20\n\
         Code: 55 <48> 8b 43 18 c3\n\
         RSP: 0018:ffffc90000000000 EFLAGS: 00010246\n\
         RAX: 0000000000000001 RBX: 0c0a4f2b3d1e5f70 RCX: 0000000000000002\n",
    );
    let garbage = meaning(0x0c0a_4f2b_3d1e_5f70, Some("RBX"), AddressMeaning::NonCanonical);
    has(&said, Grade::Derived, RuleId::X10, &garbage);
}

#[test]
fn x04_on_a_machine_with_4_levels_48_bits_decide() {
    let said = said(
        "general protection fault: 0000 [#1] SMP\n\
         RIP: 0010:do_it+0x4/0x20\n\
         Code: 55 <48> 8b 43 18 c3\n\
         RSP: 0018:ffffc90000000000 EFLAGS: 00010246\n\
         RAX: 0000000000000001 RBX: ffff00427a1c0040 RCX: 0000000000000002\n",
    );
    let garbage = meaning(0xffff_0042_7a1c_0040, Some("RBX"), AddressMeaning::NonCanonical);
    has(&said, Grade::Derived, RuleId::X10, &garbage);
}

#[test]
fn x03_a_number_cut_at_the_edge_of_a_terminal_says_nothing() {
    let cut =
        said("Unable to handle kernel paging request at virtual address 00000000\n00000018\n");
    assert!(cut.is_empty(), "{cut:#?}");
    let short =
        said("Unable to handle kernel paging request at virtual address ffffff4\n013be2a80\n");
    assert!(short.is_empty(), "{short:#?}");
}

#[test]
fn x04_one_flipped_bit_and_text_in_a_pointer_are_told() {
    let log = |rbx: &str| {
        said(&format!(
            "general protection fault, probably for non-canonical address 0x{rbx}: 0000 [#1] SMP\n\
             RIP: 0010:do_it+0x4/0x20\n\
             Code: 55 <48> 8b 03 c3\n\
             RSP: 0018:ffffc90000000000 EFLAGS: 00010246\n\
             RAX: 0000000000000001 RBX: {rbx} RCX: 0000000000000002\n"
        ))
    };
    let flipped =
        meaning(0xbfff_8881_0a2b_3c40, Some("RBX"), AddressMeaning::FlippedBit { bit: 62 });
    has(&log("bfff88810a2b3c40"), Grade::Guess, RuleId::X04, &flipped);
    let value = u64::from_le_bytes(*b"/var/log");
    let text = meaning(value, Some("RBX"), AddressMeaning::Text { text: "/var/log".into() });
    has(&log(&format!("{value:016x}")), Grade::Inferred, RuleId::X10, &text);
}

#[test]
fn x05_a_kasan_check_is_turned_back_to_the_pointer_that_was_null() {
    // lea 0x18(%rbx),%rdi; mov %rdi,%rdx; shr $3,%rdx; cmpb $0,(%rdx,%rax)
    let said = said(
        "general protection fault, probably for non-canonical address 0xdffffc0000000003: 0000 [#1] PREEMPT SMP KASAN\n\
         KASAN: null-ptr-deref in range [0x0000000000000018-0x000000000000001f]\n\
         RIP: 0010:do_it+0x4/0x20\n\
         Code: 48 8d 7b 18 48 89 fa 48 c1 ea 03 <80> 3c 02 00 0f 85 11 22 00 00\n\
         RSP: 0018:ffffc90000000000 EFLAGS: 00010246\n\
         RAX: dffffc0000000000 RBX: 0000000000000000 RCX: 0000000000000002\n\
         RDX: 0000000000000003 RSI: 0000000000000000 RDI: 0000000000000018\n",
    );
    let shadow = AddressMeaning::KasanShadow { of: 0x18 };
    has(&said, Grade::Derived, RuleId::X05, &meaning(0xdfff_fc00_0000_0003, None, shadow));
    let null = meaning(0, Some("RBX"), AddressMeaning::NullOffset { offset: 0x18 });
    has(&said, Grade::Inferred, RuleId::X10, &null);
}

#[test]
fn x05_shadow_that_kasan_does_not_confirm_is_inferred() {
    let said = said(
        "general protection fault, probably for non-canonical address 0xdffffc0000000003: 0000 [#1] SMP\n",
    );
    let shadow = AddressMeaning::KasanShadow { of: 0x18 };
    has(&said, Grade::Inferred, RuleId::X05, &meaning(0xdfff_fc00_0000_0003, None, shadow));
}

#[test]
fn x10_a_jump_to_null_is_told_by_the_instruction_pointer() {
    let said = said(
        "BUG: kernel NULL pointer dereference, address: 0000000000000000\n\
         #PF: supervisor instruction fetch in kernel mode\n\
         #PF: error_code(0x0010) - not-present page\n\
         RIP: 0010:0x0\n\
         Code: Unable to access opcode bytes at 0xffffffffffffffd6.\n\
         RSP: 0018:ffffc90000000000 EFLAGS: 00010246\n\
         RAX: 0000000000000001 RBX: 0000000000000000 RCX: 0000000000000000\n\
         CR2: ffffffffffffffd6 CR3: 0000000007a3a004 CR4: 0000000000771ee0\n",
    );
    let jump = meaning(0, Some("RIP"), AddressMeaning::NullOffset { offset: 0 });
    has(&said, Grade::Derived, RuleId::X10, &jump);
}

#[test]
fn x06_the_instruction_of_a_cpu_that_did_not_fault_is_shown_and_a_trap_is_not() {
    let log = |code: &str| {
        said(&format!(
            "RIP: 0010:do_it+0x4/0x20\nCode: 55 {code} 90\nRSP: 0018:ffffc90000000000 EFLAGS: 00010246\n\
             RAX: 0000000000000001 RBX: 0000000000000000 RCX: 0000000000000002\n"
        ))
    };
    let pause =
        Predicate::FaultingInstruction { text: "pause".into(), operand: None, computed: None };
    has(&log("<f3> 90"), Grade::Derived, RuleId::X06, &pause);
    assert!(!log("<0f> 0b").iter().any(|(_, rule, _)| *rule == RuleId::X06));
}

#[test]
fn x07_the_codes_of_faults_are_spelled_out_on_each_architecture() {
    let pf = said("#PF: error_code(0x0002) - not-present page\n");
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let expected = Predicate::FaultBits {
        code: 2,
        bits: words(&["write", "page not present", "kernel mode"]),
    };
    has(&pf, Grade::Derived, RuleId::X07, &expected);
    let newer = said(
        "BUG: unable to handle page fault for address: ffffc900040a1010\nOops: Oops: 0002 [#1] SMP\n",
    );
    has(&newer, Grade::Derived, RuleId::X07, &expected);
    let mips = said(
        "$ 0   : 00000000 00000001 80394254 80cd6638\nStatus: 11008403 KERNEL EXL IE\nCause : 0080000c (ExcCode 03)\n",
    );
    let store = Predicate::FaultBits {
        code: 0x0080_000c,
        bits: words(&["store to an address that is not mapped"]),
    };
    has(&mips, Grade::Derived, RuleId::X07, &store);
}

#[test]
fn x01_a_system_call_is_told_by_its_registers_and_an_exception_of_user_code_is_none() {
    let log = |rax: &str, rcx: &str| {
        said(&format!(
            "RIP: 0033:0x447cf9\nRSP: 002b:00007f3cabb9ecd8 EFLAGS: 00000246 ORIG_RAX: 0000000000000003\n\
             RAX: {rax} RBX: 00000000006e39e8 RCX: {rcx}\n\
             RDX: 0000000000000001 RSI: 0000000000000002 RDI: 0000000000000007\n"
        ))
    };
    let call = |result: Option<i64>| Predicate::SystemCallArguments {
        name: Some("close".into()),
        number: 3,
        arguments: vec!["fd=7".into()],
        result,
    };
    has(&log("ffffffffffffffda", "0000000000000001"), Grade::Derived, RuleId::X01, &call(None));
    // The entry code keeps -ENOSYS in RAX: something else is the result.
    has(&log("fffffffffffffffc", "0000000000447cf9"), Grade::Derived, RuleId::X01, &call(Some(-4)));
    // The code of a page fault stands in the same place.
    assert!(log("0000000000000000", "0000000000000001").is_empty());
}

#[test]
fn x08_a_user_segfault_says_what_was_tried_and_where() {
    let said = said(
        "a.out[4711]: segfault at 0 ip 000055d0c0401136 sp 00007ffe00000010 error 6 in a.out[55d0c0401000+1000]\n",
    );
    let task = Task::new("a.out", 4711);
    let fault = Predicate::UserFault {
        task: task.clone(),
        kind: UserFaultKind::Segfault,
        address: Some(0),
        ip: 0x55d0_c040_1136,
    };
    has(&said, Grade::Seen, RuleId::X08, &fault);
    let place = Predicate::UserFaultPlace {
        task,
        file: "a.out".into(),
        in_mapping: Some(0x136),
        in_file: None,
    };
    has(&said, Grade::Derived, RuleId::X08, &place);
}

#[test]
fn x09_the_saved_flags_of_each_architecture_tell_whether_irqs_were_enabled() {
    let state = |log: &str| {
        said(log).into_iter().find_map(|(.., predicate)| match predicate {
            Predicate::Irqs { state, .. } => Some(state),
            _ => None,
        })
    };
    assert_eq!(state(NULL_DEREFERENCE), Some(IrqState::Enabled));
    let loongarch = "pc 900000000410645c ra 90000000041310b8 tp 9000000100608000 sp 900000010060b4f0\n PRMD: 00000000 (PPLV0 -PIE -PWE)\nESTAT: 00020000 [PIS] (IS= ECode=2 EsubCode=0)\n";
    assert_eq!(state(loongarch), Some(IrqState::Disabled));
    let s390 = "Krnl PSW : 0404c00180000000 00000000001141a2 (do_it+0xba/0x1f8)\nKrnl GPRS: 0000000000000001 0000000000000002 0000000000000003 0000000000000004\n";
    assert_eq!(state(s390), Some(IrqState::Disabled));
    // The CPU's own bit is set, but the kernel masks by software.
    let power = |mask: &str| {
        state(&format!(
            "NIP:  c000000000d02480 LR: c000000000151318 CTR: c000000000444d00\nREGS: c00000003fd37d80 TRAP: 0100   Not tainted  (6.1.0)\nMSR:  9000000000009033 <SF,HV,EE,ME,IR,DR,RI,LE>  CR: 28008484  XER: 00000000\n{mask}"
        ))
    };
    assert_eq!(power("IRQMASK: 1\n"), Some(IrqState::Disabled));
    assert_eq!(power("IRQMASK: 0\n"), Some(IrqState::Enabled));
    assert_eq!(power(""), None);
    // User code tells nothing.
    let user = NULL_DEREFERENCE.replace("RIP: 0010:", "RIP: 0033:");
    assert_eq!(state(&user), None);
}

#[test]
fn arbitrary_bytes_give_no_panic() {
    for text in [
        "Code: <",
        "Code: <>",
        "RIP: ",
        "RIP:",
        "EIP: 0060:[<",
        "GPR: ",
        "$: ",
        "$ 99: 00000000",
        "Exception stack(0x",
        "Exception stack(0xff to 0xff)\nffff: 00000000",
        "Krnl PSW : ",
        "x[1]: segfault at 1 ip 1 sp 1 error 1 in a[1+1]",
        "ESR = 0x",
        "Oops: ",
        "Oops: Oops: ",
    ] {
        let _ = said(text);
    }
}

#[test]
fn x06_a_fetch_that_faulted_has_no_instruction() {
    let log = |code: &str, address: &str| {
        said(&format!(
            "BUG: unable to handle page fault for address: {address}\n\
             #PF: error_code({code}) - permissions violation\n\
             RIP: 0010:0xffffc90000123450\n\
             Code: 55 55 <48> 89 d8 90\n\
             RSP: 0018:ffffc90000000000 EFLAGS: 00010246\n\
             RAX: 0000000000000001 RBX: 0000000000000000 RCX: 0000000000000002\n"
        ))
    };
    let shows = |said: &[(Grade, RuleId, Predicate)]| {
        said.iter().any(|(.., said)| matches!(said, Predicate::FaultingInstruction { .. }))
    };
    assert!(!shows(&log("0x0011", "ffffc90000123450")));
    assert!(!shows(&log("0x0010", "ffffc90000123452")));
    assert!(shows(&log("0x0000", "ffffc90000777770")));
}

#[test]
fn x02_a_member_of_what_another_register_points_to_is_no_error_number() {
    let log = |base: &str| {
        said(&format!(
            "BUG: unable to handle page fault for address: fffffffffffffff4\n\
             RIP: 0010:do_it+0x4/0x20\n\
             RSP: 0018:ffffc90000000000 EFLAGS: 00010246\n\
             RAX: 0000000000000001 RBX: {base} RCX: 0000000000000002\n"
        ))
    };
    let errno = |said: &[(Grade, RuleId, Predicate)]| {
        meanings(said).iter().any(|meaning| matches!(meaning, AddressMeaning::ErrorPointer { .. }))
    };
    assert!(!errno(&log("ffffffffffffff84")));
    assert!(errno(&log("ffff888000000000")));
}
