//! Bytes to messages. Whatever arrives, this returns: size and nesting are checked before rosc sees
//! anything (0.11 follows nested bundles recursively and overflows the stack of the process).
//! Pure; runs on the receive thread.

use rosc::{OscMessage, OscPacket};

/// Our commands are below 1 KB and a datagram that is not fragmented below 1.5 KB; this leaves room
/// for bundles over loopback.
pub const PACKET_BYTES_MAX: usize = 8192;

/// Bundles in bundles. No sender we know nests at all.
const DEPTH_MAX: usize = 4;

/// Arrays in one message: enough for any sender, too few for a deep nest (they are freed
/// recursively).
const ARRAYS_MAX: usize = 8;

const BUNDLE_TAG: &[u8] = b"#bundle\0";

/// `#bundle` and its time tag.
const BUNDLE_HEAD_BYTES: usize = 16;

#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    #[error("packet has more than {PACKET_BYTES_MAX} bytes")]
    TooLong,
    #[error("bundles are nested more than {DEPTH_MAX} deep")]
    TooDeep,
    #[error("message has more than {ARRAYS_MAX} arrays")]
    TooManyArrays,
    #[error("an element of the bundle is cut short")]
    CutShort,
    #[error("bytes are left after the message")]
    BytesLeft,
    #[error(transparent)]
    Message(#[from] rosc::OscError),
}

/// All messages of a packet in their order, or none of them. Time tags are dropped: commands act at
/// once.
pub fn decode(packet: &[u8]) -> Result<Vec<OscMessage>, DecodeError> {
    if packet.len() > PACKET_BYTES_MAX {
        return Err(DecodeError::TooLong);
    }
    let mut messages = Vec::new();
    collect(packet, 0, &mut messages)?;
    Ok(messages)
}

fn collect(packet: &[u8], depth: usize, messages: &mut Vec<OscMessage>) -> Result<(), DecodeError> {
    if !packet.starts_with(BUNDLE_TAG) {
        messages.push(message(packet)?);
        return Ok(());
    }
    if depth >= DEPTH_MAX {
        return Err(DecodeError::TooDeep);
    }
    let mut rest = packet.get(BUNDLE_HEAD_BYTES..).ok_or(DecodeError::CutShort)?;
    while !rest.is_empty() {
        let (size, after) = rest.split_first_chunk().ok_or(DecodeError::CutShort)?;
        let size = u32::from_be_bytes(*size) as usize; // a usize has 32 bits or more here
        let (element, after) = after.split_at_checked(size).ok_or(DecodeError::CutShort)?;
        collect(element, depth + 1, messages)?;
        rest = after;
    }
    Ok(())
}

fn message(bytes: &[u8]) -> Result<OscMessage, DecodeError> {
    let address_bytes = padded_string_bytes(bytes);
    if address_bytes == bytes.len() {
        // Old senders leave the type tags out when there are no arguments.
        return parse(&[bytes, b",\0\0\0"].concat());
    }
    let tags = bytes.get(address_bytes..).unwrap_or_default();
    let arrays = tags.iter().take_while(|&&tag| tag != 0).filter(|&&tag| tag == b'[').count();
    if arrays > ARRAYS_MAX {
        return Err(DecodeError::TooManyArrays);
    }
    parse(bytes)
}

/// Length of the OSC string at the start: up to its first zero, padded to a multiple of 4.
fn padded_string_bytes(bytes: &[u8]) -> usize {
    let text = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    (text / 4 + 1) * 4
}

fn parse(bytes: &[u8]) -> Result<OscMessage, DecodeError> {
    match rosc::decoder::decode_udp(bytes)? {
        ([], OscPacket::Message(message)) => Ok(message),
        _ => Err(DecodeError::BytesLeft),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rosc::OscType;

    fn check(packet: &[u8], expected: &[(&str, &[OscType])]) {
        let found = decode(packet).expect("a well-formed packet");
        let found: Vec<_> = found.iter().map(|m| (m.addr.as_str(), m.args.as_slice())).collect();
        assert_eq!(found, expected);
    }

    /// `inner` in a bundle with time tag "at once".
    fn bundled(inner: &[u8]) -> Vec<u8> {
        let mut packet = b"#bundle\0\0\0\0\0\0\0\0\x01".to_vec();
        packet.extend(u32::try_from(inner.len()).expect("a short test packet").to_be_bytes());
        packet.extend(inner);
        packet
    }

    #[test]
    fn a_message_is_read_with_its_arguments() {
        check(
            b"/a\0\0,if\0\0\0\0\x07\x3f\0\0\0",
            &[("/a", &[OscType::Int(7), OscType::Float(0.5)])],
        );
    }

    #[test]
    fn a_message_without_type_tags_has_no_arguments() {
        check(b"/ping\0\0\0", &[("/ping", &[])]);
    }

    #[test]
    fn messages_of_nested_bundles_come_in_order() {
        let mut packet = bundled(&bundled(b"/a\0\0,\0\0\0"));
        packet.extend(b"\0\0\0\x08/b\0\0,\0\0\0");
        check(&packet, &[("/a", &[]), ("/b", &[])]);
    }

    #[test]
    fn an_empty_bundle_holds_nothing() {
        check(b"#bundle\0\0\0\0\0\0\0\0\x01", &[]);
    }

    #[test]
    fn a_packet_of_nested_bundles_is_refused_and_not_followed() {
        let mut packet = b"/a\0\0,\0\0\0".to_vec();
        while packet.len() < PACKET_BYTES_MAX - 20 {
            packet = bundled(&packet);
        }
        assert!(matches!(decode(&packet), Err(DecodeError::TooDeep)));
    }

    #[test]
    fn a_nest_of_arrays_is_refused() {
        let mut packet = b"/a\0\0,".to_vec();
        packet.extend([b'['; 2001]);
        packet.extend([b']'; 2001]);
        packet.push(0);
        assert!(matches!(decode(&packet), Err(DecodeError::TooManyArrays)));
    }

    #[test]
    fn a_huge_packet_is_refused() {
        assert!(matches!(decode(&[0; PACKET_BYTES_MAX + 1]), Err(DecodeError::TooLong)));
    }

    #[test]
    fn an_element_longer_than_its_bundle_is_refused() {
        let packet = b"#bundle\0\0\0\0\0\0\0\0\x01\x7f\xff\xff\xff/a\0\0";
        assert!(matches!(decode(packet), Err(DecodeError::CutShort)));
    }

    #[test]
    fn an_address_without_a_slash_is_refused() {
        assert!(decode(b"abc\0,\0\0\0").is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            std::hint::black_box(decode(&bytes).is_ok());
        }

        #[test]
        fn random_bytes_after_a_good_head_never_panic(
            head in prop_oneof![Just(&b"#bundle\0\0\0\0\0\0\0\0\x01"[..]), Just(&b"/a\0\0,"[..])],
            tail in proptest::collection::vec(
                prop_oneof![Just(0u8), Just(b'['), Just(b'b'), any::<u8>()],
                0..300,
            ),
        ) {
            std::hint::black_box(decode(&[head, &tail].concat()).is_ok());
        }
    }
}
