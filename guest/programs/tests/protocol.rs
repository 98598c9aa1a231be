//! What the two sides write comes back as it was, and what they could not have written is refused.

use std::sync::atomic::{AtomicU64, Ordering};

use guest_programs::*;
use proptest::prelude::*;

fn memory(layout: Layout) -> Vec<AtomicU64> {
    let mut words = Vec::new();
    words.resize_with(layout.length() as usize / 8, AtomicU64::default);
    words
}

fn small() -> Layout {
    Layout { lanes: 2, slots: 2, requests: 4 << 20, replies: 1 << 16, known: 16 }
}

fn formats() -> impl Strategy<Value = Format> {
    let order = prop_oneof![
        Just(Order::Little),
        Just(Order::Big),
        Just(Order::Decimal),
        Just(Order::Hexadecimal),
        Just(Order::Octal)
    ];
    (prop::sample::select(vec![1_u8, 2, 4, 8]), order, 0_u8..64, 0_u8..=64).prop_map(
        |(size, order, offset, length)| {
            let bits = size * 8;
            let bit_offset = offset % bits;
            let bit_length = length.min(bits - bit_offset);
            let bit_offset = if bit_length == 0 { 0 } else { bit_offset };
            Format { size, order, bit_offset, bit_length }
        },
    )
}

fn values() -> impl Strategy<Value = Value> {
    prop_oneof![
        (any::<u64>(), any::<u64>()).prop_map(|(value, stride)| Value::Constant { value, stride }),
        any::<u32>().prop_map(Value::Pointer),
        (0..MAXIMUM_RESULTS, any::<u64>(), any::<u64>(), any::<u64>()).prop_map(
            |(index, divide, add, default)| Value::Result { index, divide, add, default }
        ),
    ]
}

#[derive(Clone, Debug)]
enum Step {
    Store(u32, Format, Value),
    Data(u32, Vec<u8>),
    Checksum(u32, Vec<Chunk>),
    Call(Call),
    Load(u32, Format, u16),
}

impl Step {
    fn instruction(&self) -> Instruction<'_> {
        match self {
            Self::Store(at, format, value) => {
                Instruction::Store { at: *at, format: *format, value: *value }
            }
            Self::Data(at, bytes) => Instruction::Data { at: *at, bytes },
            Self::Checksum(at, chunks) => Instruction::Checksum { at: *at, chunks: chunks.clone() },
            Self::Call(call) => Instruction::Call(call.clone()),
            Self::Load(at, format, result) => {
                Instruction::Load { at: *at, format: *format, result: *result }
            }
        }
    }
}

fn steps() -> impl Strategy<Value = Step> {
    let place = 0..DATA_SIZE - 4096;
    let chunk = prop_oneof![
        (0..4096_u32, 0..4096_u32).prop_map(|(at, length)| Chunk::Memory { at, length }),
        (any::<u32>(), prop::sample::select(vec![2_u8, 4]))
            .prop_map(|(value, size)| Chunk::Number { value, size }),
    ];
    let call = (
        prop_oneof![any::<u32>().prop_map(Number::Kernel), (0..30_u16).prop_map(Number::Pseudo)],
        prop::collection::vec(values(), 0..=MAXIMUM_ARGUMENTS),
        prop::option::of(0..MAXIMUM_RESULTS),
        any::<(bool, bool, bool)>(),
        any::<(u32, u32, u32)>(),
    )
        .prop_map(|(number, arguments, result, flags, (timeout, fail_nth, rerun))| Call {
            number,
            arguments,
            result,
            flags: CallFlags { asynchronous: flags.0, remote: flags.1, ignore_return: flags.2 },
            timeout,
            fail_nth,
            rerun,
        });
    prop_oneof![
        (place.clone(), formats(), values()).prop_map(|(a, b, c)| Step::Store(a, b, c)),
        (place.clone(), prop::collection::vec(any::<u8>(), 0..64))
            .prop_map(|(a, b)| Step::Data(a, b)),
        (place.clone(), prop::collection::vec(chunk, 0..5)).prop_map(|(a, b)| Step::Checksum(a, b)),
        call.prop_map(Step::Call),
        (place, formats(), 0..MAXIMUM_RESULTS).prop_map(|(a, b, c)| Step::Load(a, b, c)),
    ]
}

proptest! {
    #[test]
    fn a_program_is_read_as_it_was_written(steps in prop::collection::vec(steps(), 0..12)) {
        let mut encoder = Encoder::default();
        let mut kept = Vec::new();
        for step in &steps {
            if encoder.push(&step.instruction()).is_ok() {
                kept.push(step.instruction());
            }
        }
        let bytes = encoder.finish();
        let program = Program::check(&bytes).unwrap();
        prop_assert_eq!(program.instructions().collect::<Vec<_>>(), kept);
    }

    #[test]
    fn a_number_is_loaded_as_it_was_stored(
        format in formats(), value: u64, before in prop::collection::vec(any::<u8>(), 23),
    ) {
        let bytes = format.render(value, &before);
        prop_assert_eq!(bytes.len(), format.length() as usize);
        if matches!(format.order, Order::Little | Order::Big) {
            let bits = if format.bit_length == 0 { format.size * 8 } else { format.bit_length };
            prop_assert_eq!(format.value(&bytes), value & (u64::MAX >> (64 - u32::from(bits))));
        }
    }

    #[test]
    fn any_bytes_are_a_program_a_batch_replies_or_an_error(bytes: Vec<u8>) {
        if let Ok(program) = Program::check(&bytes) {
            prop_assert!(program.instructions().count() <= bytes.len());
        }
        let _ = requests(&bytes);
        let _ = replies(&bytes);
    }

    #[test]
    fn a_reply_is_read_as_it_was_written(
        id: u64, status: u32, duration: u32, edges: Vec<(u32, u32)>,
        call in 0..MAXIMUM_CALLS as u16, errno: u32, result: u64, compared: Vec<(u64, u64, u32)>,
    ) {
        let edges: Vec<Edge> = edges.into_iter().map(|(from, to)| Edge { from, to }).collect();
        let comparisons: Vec<Comparison> = compared.into_iter()
            .map(|(first, second, pc)| Comparison { first, second, pc, size: 4, constant: true })
            .collect();
        let record = Record {
            call, outcome: Outcome::Late, errno, result, duration, injected: true, cut: false,
            edges: &edges, comparisons: &comparisons,
        };
        let header = ReplyHeader {
            id, end: End::Exited { status }, duration, begun: 1, cut: true, dirty: false,
            records: 1, length: (ReplyHeader::LENGTH + record.length()) as u32,
        };
        let mut bytes = header.encode().to_vec();
        record.encode(&mut bytes);
        let reply = replies(&bytes).unwrap().remove(0);
        prop_assert_eq!((reply.id, reply.end, reply.cut), (id, End::Exited { status }, true));
        let read = &reply.calls[0];
        prop_assert_eq!((read.errno, read.result, read.injected), (errno, result, true));
        prop_assert_eq!(&read.edges, &edges);
        prop_assert_eq!(&read.comparisons, &comparisons);
    }

}

proptest! {
    // Each case takes memory of some megabytes.
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn garbage_in_the_region_costs_an_error_at_most(
        noise in prop::collection::vec((any::<u16>(), any::<u64>()), 1..2000),
    ) {
        let layout = Layout { lanes: 2, slots: 1, known: 6, ..small() };
        let words = memory(layout);
        let region = Region::prepare(&words, layout).unwrap();
        let mut lane = region.host_lane(1).unwrap();
        lane.post(&region, 0, &batch(&[])).unwrap();
        for (at, value) in noise {
            // The first pages hold all numbers.
            words[usize::from(at) % (3 * 4096 / 8)].store(value, Ordering::Relaxed);
        }
        for slot in 0..3 {
            let _ = lane.progress(&region, slot);
            if let Ok(bytes) = lane.take(&region, slot) {
                prop_assert!(bytes.len() <= layout.replies as usize);
                let _ = replies(&bytes);
            }
        }
        let _ = region.features();
        if let Ok(region) = Region::open(&words) && let Ok(lane) = region.guest_lane(0) {
            let _ = lane.next_slot().map(|slot| lane.batch(slot));
        }
    }
}

#[test]
fn a_batch_goes_in_and_its_replies_come_out_in_pieces() {
    let layout = small();
    let words = memory(layout);
    let host = Region::prepare(&words, layout).unwrap();
    let guest = Region::open(&words).unwrap();
    assert_eq!(host.features(), Ok(None));
    guest.announce(features::COVERAGE);
    assert_eq!(host.features(), Ok(Some(features::COVERAGE)));

    let asked: Vec<Request> =
        (7..9).map(|id| Request::new(id, Options::default(), vec![1; id as usize])).collect();
    let mut lane = host.host_lane(1).unwrap();
    lane.post(&host, 1, &batch(&asked)).unwrap();
    assert_eq!(lane.post(&host, 1, &batch(&asked)), Err(RegionError::Busy));

    let work = guest.guest_lane(1).unwrap();
    assert_eq!(guest.guest_lane(0).unwrap().next_slot(), None);
    let slot = work.next_slot().unwrap();
    assert_eq!(requests(&work.batch(slot).unwrap()).unwrap(), asked);
    work.running(slot, 2, 1);
    let reply = |id| ReplyHeader {
        id,
        end: End::Finished,
        duration: 5,
        begun: 0,
        cut: false,
        dirty: false,
        records: 0,
        length: ReplyHeader::LENGTH as u32,
    };
    assert!(work.reply(slot, &reply(7).encode()));
    assert_eq!(
        lane.progress(&host, 1).unwrap(),
        Progress { done: false, replies: 1, begun: (2, 1) }
    );
    assert_eq!(replies(&lane.take(&host, 1).unwrap()).unwrap()[0].id, 7);
    assert!(work.reply(slot, &reply(8).encode()));
    work.finish(slot);
    assert_eq!(work.next_slot(), None);
    assert!(lane.progress(&host, 1).unwrap().done);
    assert_eq!(replies(&lane.take(&host, 1).unwrap()).unwrap()[0].id, 8);
    assert!(lane.take(&host, 1).unwrap().is_empty());
}

#[test]
fn batches_are_run_in_the_order_in_which_they_came() {
    let layout = small();
    let words = memory(layout);
    let host = Region::prepare(&words, layout).unwrap();
    let mut lane = host.host_lane(0).unwrap();
    let work = Region::open(&words).unwrap().guest_lane(0).unwrap();
    lane.post(&host, 0, &batch(&[])).unwrap();
    work.finish(0);
    lane.post(&host, 0, &batch(&[])).unwrap();
    lane.post(&host, 1, &batch(&[])).unwrap();
    // The first has number 2 in slot 0, the second number 1 in slot 1: both wait, none is lost.
    let first = work.next_slot().unwrap();
    work.finish(first);
    let second = work.next_slot().unwrap();
    assert_ne!(first, second);
    work.finish(second);
    assert_eq!(work.next_slot(), None);
}

#[test]
fn replies_that_do_not_fit_are_left_out() {
    let layout = small();
    let words = memory(layout);
    let host = Region::prepare(&words, layout).unwrap();
    let mut lane = host.host_lane(0).unwrap();
    lane.post(&host, 0, &batch(&[])).unwrap();
    let work = Region::open(&words).unwrap().guest_lane(0).unwrap();
    assert!(!work.reply(0, &vec![0; layout.replies as usize + 8]));
    assert_eq!(lane.progress(&host, 0).unwrap().replies, 1);
    assert!(lane.take(&host, 0).unwrap().is_empty());
}

#[test]
fn known_signals_are_told_from_new_ones() {
    let layout = small();
    let words = memory(layout);
    let host = Region::prepare(&words, layout).unwrap();
    let guest = Region::open(&words).unwrap();
    let edge = Edge { from: 0x8100_1234, to: 0x8100_2345 };
    assert!(!guest.is_known(edge.signal()));
    host.know(edge.signal());
    assert!(guest.is_known(edge.signal()));
    assert!(!guest.is_known(Edge { from: edge.to, to: edge.from }.signal()));
    host.forget();
    assert!(!guest.is_known(edge.signal()));
}

#[test]
fn memory_too_small_or_not_prepared_is_refused() {
    let layout = small();
    let words = memory(layout);
    assert_eq!(Region::open(&words).unwrap_err(), RegionError::NoMagic);
    assert_eq!(Region::prepare(&words[8..], layout).unwrap_err(), RegionError::Layout);
    let _ = Region::prepare(&words, layout).unwrap();
    assert_eq!(Region::open(&words[..64]).unwrap_err(), RegionError::Layout);
}

#[test]
fn limits_are_kept_by_the_one_who_writes() {
    let mut encoder = Encoder::default();
    let outside = Instruction::Data { at: DATA_SIZE - 1, bytes: b"ab" };
    assert!(encoder.push(&outside).is_err());
    let load = Instruction::Load { at: 0, format: Format::little(4), result: 0 };
    assert!(encoder.push(&load).is_err());
    for _ in 0..MAXIMUM_CALLS {
        encoder.push(&Instruction::Call(Call::new(Number::Kernel(39), []))).unwrap();
    }
    assert!(encoder.push(&Instruction::Call(Call::new(Number::Kernel(39), []))).is_err());
    assert_eq!(Program::check(&encoder.finish()).unwrap().calls(), MAXIMUM_CALLS);
}

#[test]
fn a_pseudo_call_is_found_under_any_variant() {
    let number = pseudo_named("syz_open_dev$loop").unwrap();
    assert_eq!(PSEUDO_CALLS[usize::from(number)].name, "syz_open_dev");
    assert_eq!(pseudo_named("openat$loop"), None);
}
