//! The protocol as both ends and a hostile guest use it.

use guest_protocol::{Decoder, FromGuest, MAXIMUM_PAYLOAD, ProtocolError, Stream, ToGuest, encode};
use proptest::prelude::*;

fn to_guest() -> impl Strategy<Value = ToGuest> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..40);
    let list = || prop::collection::vec(bytes(), 0..4);
    prop_oneof![
        (any::<u64>(), bytes()).prop_map(|(time, seed)| ToGuest::Hello { time, seed }),
        any::<u32>().prop_map(|request| ToGuest::Ping { request }),
        (any::<u32>(), bytes(), any::<u32>(), any::<u64>(), bytes()).prop_map(
            |(request, path, mode, offset, bytes)| ToGuest::WriteFile {
                request,
                path,
                mode,
                offset,
                bytes
            }
        ),
        (any::<u32>(), bytes(), bytes()).prop_map(|(request, path, parameters)| {
            ToGuest::InsertModule { request, path, parameters }
        }),
        (any::<u32>(), list(), list(), bytes()).prop_map(
            |(request, arguments, environment, directory)| ToGuest::Start {
                request,
                arguments,
                environment,
                directory
            }
        ),
        (any::<u32>(), any::<u32>())
            .prop_map(|(request, started)| ToGuest::Kill { request, started }),
        (any::<u32>(), any::<u8>()).prop_map(|(request, key)| ToGuest::SysRq { request, key }),
        (any::<u32>(), any::<u64>()).prop_map(|(request, seed)| ToGuest::Vary { request, seed }),
        Just(ToGuest::PowerOff),
    ]
}

fn from_guest() -> impl Strategy<Value = FromGuest> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..40);
    prop_oneof![
        (any::<u16>(), bytes(), any::<u32>(), any::<u64>()).prop_map(
            |(format, release, cpus, uptime)| FromGuest::Ready { format, release, cpus, uptime }
        ),
        any::<u64>().prop_map(|uptime| FromGuest::Alive { uptime }),
        any::<u32>().prop_map(|request| FromGuest::Done { request }),
        (any::<u32>(), any::<u32>(), bytes())
            .prop_map(|(request, errno, what)| FromGuest::Failed { request, errno, what }),
        (any::<u32>(), prop::bool::ANY, bytes()).prop_map(|(started, error, bytes)| {
            let stream = if error { Stream::Error } else { Stream::Output };
            FromGuest::Output { started, stream, bytes }
        }),
        (any::<u32>(), any::<Option<u32>>(), any::<u32>())
            .prop_map(|(started, status, signal)| FromGuest::Exited { started, status, signal }),
    ]
}

/// All messages in `bytes` when they arrive in pieces of `piece` bytes.
fn decode_all<M>(
    bytes: &[u8],
    piece: usize,
    decode: impl Fn(u8, &[u8]) -> Result<M, ProtocolError>,
) -> Result<Vec<M>, ProtocolError> {
    let mut decoder = Decoder::default();
    let mut messages = Vec::new();
    for part in bytes.chunks(piece) {
        decoder.push(part);
        while let Some((kind, payload)) = decoder.next_frame()? {
            messages.push(decode(kind, payload)?);
        }
    }
    Ok(messages)
}

proptest! {
    #[test]
    fn requests_survive_the_wire_however_they_are_cut(
        messages in prop::collection::vec(to_guest(), 0..8), piece in 1_usize..50,
    ) {
        let bytes: Vec<u8> = messages.iter().flat_map(ToGuest::encode).collect();
        prop_assert_eq!(decode_all(&bytes, piece, ToGuest::decode), Ok(messages));
    }

    #[test]
    fn answers_survive_the_wire_however_they_are_cut(
        messages in prop::collection::vec(from_guest(), 0..8), piece in 1_usize..50,
    ) {
        let bytes: Vec<u8> = messages.iter().flat_map(FromGuest::encode).collect();
        prop_assert_eq!(decode_all(&bytes, piece, FromGuest::decode), Ok(messages));
    }

    #[test]
    fn a_hostile_payload_never_panics(kind: u8, payload in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = FromGuest::decode(kind, &payload);
        let _ = ToGuest::decode(kind, &payload);
    }
}

#[test]
fn garbage_is_told_from_a_frame_at_its_first_byte() {
    let mut decoder = Decoder::default();
    decoder.push(b"root@guest# ");
    assert_eq!(decoder.next_frame(), Err(ProtocolError::NotAFrame { found: b"root".to_vec() }));
}

#[test]
fn a_frame_that_claims_too_much_is_refused_before_its_bytes_arrive() {
    let mut frame = encode(131, &[0; 4]);
    let claimed = u32::try_from(MAXIMUM_PAYLOAD).unwrap() + 1;
    frame[5..9].copy_from_slice(&claimed.to_le_bytes());
    let mut decoder = Decoder::default();
    decoder.push(&frame);
    assert_eq!(decoder.next_frame(), Err(ProtocolError::TooLong { length: claimed }));
}

#[test]
fn a_list_that_claims_more_than_its_payload_holds_is_malformed() {
    let mut payload = 7_u32.to_le_bytes().to_vec();
    payload.extend_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(
        ToGuest::decode(5, &payload),
        Err(ProtocolError::Malformed { kind: 5, field: "arguments" })
    );
}
