//! Programs that are made and changed: valid, the same for the same seed, as small as asked.

use std::collections::BTreeSet;

use analysis_fuzz::{
    CallId, Catalog, Compared, Constants, Descriptions, OWN, Program, Reading, Reduced, Target,
    compile, generate, hints, minimise, mutate, read_program, relations, remove_call, usable,
    write_call,
};
use fastrand::Rng;
use parse_syzlang::{parse, parse_constants, parse_program};

fn target(files: &[(&str, &str)]) -> Target {
    let mut constants = Constants::default();
    let mut parsed = Vec::new();
    for (name, text) in files {
        if name.ends_with(".const") {
            constants.add(name, &parse_constants(text).expect("reads"));
        } else {
            parsed.push(((*name).to_owned(), parse(text).expect("reads")));
        }
    }
    let (all, _) = Descriptions::new(parsed);
    let (target, wrong) = compile(&all, &constants, "amd64");
    assert!(wrong.is_empty(), "{wrong:?}");
    target
}

fn all_calls(target: &Target) -> BTreeSet<CallId> {
    (0..).map(CallId).take(target.calls().len()).collect()
}

fn text(target: &Target, program: &Program) -> String {
    write_call(target, program).join("\n") + "\n"
}

/// What is written reads back as the same text, strictly.
fn check(target: &Target, program: &Program, seed: u64) {
    let written = text(target, program);
    let again = parse_program(&written)
        .and_then(|parsed| read_program(target, &parsed, Reading::Strict))
        .unwrap_or_else(|error| panic!("seed {seed}: {error}\n{written}"));
    assert_eq!(text(target, &again), written, "seed {seed}");
}

#[test]
fn generated_and_changed_programs_are_valid_and_depend_on_the_seed_alone() {
    let target = target(&OWN);
    let catalog = Catalog::new(&target, &all_calls(&target));
    let mut last = Vec::new();
    let mut used = BTreeSet::new();
    for seed in 0..100 {
        let make = || {
            let mut rng = Rng::with_seed(seed);
            let mut program = generate(&target, &catalog, &mut rng, 12);
            let first = text(&target, &program);
            let corpus: Vec<&Program> = last.iter().collect();
            for _ in 0..4 {
                mutate(&target, &catalog, &mut rng, &mut program, &corpus);
                check(&target, &program, seed);
            }
            (first, program)
        };
        let (first, program) = make();
        let (again, same) = make();
        assert_eq!((&first, &program), (&again, &same), "seed {seed}");
        check(&target, &program, seed);
        used.extend(program.calls.iter().map(|call| call.kind));
        last.push(program);
        if last.len() > 20 {
            last.remove(0);
        }
    }
    assert!(used.len() > target.calls().len() / 2, "{} of {}", used.len(), target.calls().len());
}

#[test]
fn calls_get_resources_from_calls_that_make_them() {
    let target = target(&OWN);
    let catalog = Catalog::new(&target, &all_calls(&target));
    let (mut with, mut without) = (0, 0);
    for seed in 0..200 {
        let program = generate(&target, &catalog, &mut Rng::with_seed(seed), 10);
        for line in write_call(&target, &program) {
            if line.contains("epoll_ctl$add(") {
                if line.contains("(r") { with += 1 } else { without += 1 }
            }
        }
    }
    assert!(with > 3 * without, "{with} of {}", with + without);
}

#[test]
fn what_a_minimised_program_keeps_cannot_go() {
    let target = target(&OWN);
    let catalog = Catalog::new(&target, &all_calls(&target));
    for seed in 0..60 {
        let mut rng = Rng::with_seed(seed);
        let program = generate(&target, &catalog, &mut rng, 20);
        let wanted: Vec<CallId> = program.calls.iter().map(|call| call.kind).collect();
        let wanted = [wanted[rng.usize(0..wanted.len())], wanted[rng.usize(0..wanted.len())]];
        let holds = |program: &Program| {
            wanted.iter().all(|kind| program.calls.iter().any(|call| call.kind == *kind))
        };
        let (small, _) =
            minimise(&target, &program, None, Reduced::Crash, &mut |program, _| holds(program));
        assert!(holds(&small), "seed {seed}");
        check(&target, &small, seed);
        for index in 0..small.calls.len() {
            let mut less = small.clone();
            remove_call(&target, &mut less, index);
            assert!(!holds(&less), "seed {seed}: {}", text(&target, &small));
        }
    }
}

#[test]
fn the_call_of_interest_is_followed_while_others_go() {
    let target = target(&OWN);
    let parsed = parse_program("getpid()\ngettid()\nsched_yield()\ngetpid()\n").expect("reads");
    let program = read_program(&target, &parsed, Reading::Strict).expect("reads");
    let wanted = program.calls[2].kind;
    let (small, call) =
        minimise(&target, &program, Some(2), Reduced::Coverage, &mut |program, call| {
            call.is_some_and(|call| program.calls[call].kind == wanted)
        });
    assert_eq!((text(&target, &small).as_str(), call), ("sched_yield()\n", Some(0)));
}

#[test]
fn hints_put_in_what_the_kernel_compared_with() {
    let target = target(&OWN);
    let line = "write(0xffffffffffffffff, &(0x7f0000000040)=\"1122334455667788\", 0x8)\n";
    let parsed = parse_program(line).expect("reads");
    let program = read_program(&target, &parsed, Reading::Strict).expect("reads");
    let mut compared = Compared::default();
    compared.add(0x4433_2211, 0xdead_beef);
    // The same bytes as a big-endian number.
    compared.add(0x5566_7788, 0x0102_0304);
    let found: Vec<String> =
        hints(&target, &program, 0, &compared).iter().map(|one| text(&target, one)).collect();
    assert!(found.iter().any(|one| one.contains("efbeadde55667788")), "{found:?}");
    assert!(found.iter().any(|one| one.contains("1122334401020304")), "{found:?}");
    let parsed = parse_program("personality(0x1234567)\n").expect("reads");
    let program = read_program(&target, &parsed, Reading::Strict).expect("reads");
    let mut compared = Compared::default();
    compared.add(0x1234567, 0xcafe_f00d_0000_0001);
    let found = hints(&target, &program, 0, &compared);
    assert_eq!(text(&target, &found[0]), "personality(0xcafef00d00000001)\n");
    let mut other = Compared::default();
    other.add(0x1234567, 5);
    compared.intersect(&other);
    assert!(compared.is_empty());
}

#[test]
fn usable_calls_are_those_whose_resources_are_made_by_usable_calls() {
    let constants = "arches = amd64\n__NR_a = 1\n__NR_b = 2\n__NR_c = 3\n";
    let calls = "resource r[int32]\nresource s[r]\na() s\nb(x r)\nc(x s)\n";
    let target = target(&[("k.txt", calls), ("k.txt.const", constants)]);
    let relations = relations(&target);
    let id = |name| target.named(name).expect("a call");
    let all = all_calls(&target);
    let (usable_calls, lacking) = usable(&target, &relations, &all);
    assert_eq!((usable_calls.len(), lacking.len()), (3, 0));
    let some: BTreeSet<CallId> = [id("b"), id("c")].into();
    let (usable_calls, lacking) = usable(&target, &relations, &some);
    assert_eq!((usable_calls.len(), lacking.len()), (0, 2));
    let names: Vec<&str> =
        lacking[1].1.iter().map(|kind| target.resource(*kind).name.as_str()).collect();
    assert_eq!(names, ["s"]);
}
