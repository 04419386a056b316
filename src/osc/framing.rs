//! Packets on a byte stream, both ways: OSC 1.1 wraps them in SLIP (RFC 1055, doubled ENDs), OSC
//! 1.0 puts their length before them. Which one a client speaks, its first byte tells. No sockets,
//! any thread.

use crate::osc::decode::PACKET_BYTES_MAX;

const END: u8 = 0xc0;
const ESCAPE: u8 = 0xdb;
const ESCAPED_END: u8 = 0xdc;
const ESCAPED_ESCAPE: u8 = 0xdd;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    Slip,
    Length,
}

/// The stream cannot be followed any more: nobody knows where the next packet begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a packet of {0} bytes is announced, at most {PACKET_BYTES_MAX} are allowed")]
pub struct Lost(usize);

/// Cuts packets out of the bytes of one connection.
#[derive(Debug, Default)]
pub struct Deframer {
    framing: Option<Framing>,
    packet: Vec<u8>,
    is_escaped: bool,
    /// The packet is too long or broken; its end is waited for.
    is_spoiled: bool,
}

impl Deframer {
    /// `None` before the first byte.
    pub fn framing(&self) -> Option<Framing> {
        self.framing
    }

    /// Hands out each packet that these bytes complete; `Err` is one that was broken.
    pub fn feed(
        &mut self,
        bytes: &[u8],
        mut take: impl FnMut(Result<&[u8], ()>),
    ) -> Result<(), Lost> {
        let Some(&first) = bytes.first() else { return Ok(()) };
        let framing = if first == END { Framing::Slip } else { Framing::Length };
        match *self.framing.get_or_insert(framing) {
            Framing::Slip => {
                bytes.iter().for_each(|&byte| self.slip(byte, &mut take));
                Ok(())
            }
            Framing::Length => self.length(bytes, &mut take),
        }
    }

    fn slip(&mut self, byte: u8, take: &mut impl FnMut(Result<&[u8], ()>)) {
        let was_escaped = std::mem::take(&mut self.is_escaped);
        let byte = match (was_escaped, byte) {
            (_, END) => {
                if self.is_spoiled || was_escaped {
                    take(Err(()));
                } else if !self.packet.is_empty() {
                    take(Ok(&self.packet));
                }
                self.packet.clear();
                self.is_spoiled = false;
                return;
            }
            (false, ESCAPE) => {
                self.is_escaped = true;
                return;
            }
            (true, ESCAPED_END) => END,
            (true, ESCAPED_ESCAPE) => ESCAPE,
            (true, _) => {
                self.is_spoiled = true;
                return;
            }
            (false, byte) => byte,
        };
        if self.packet.len() < PACKET_BYTES_MAX {
            self.packet.push(byte);
        } else {
            self.is_spoiled = true;
        }
    }

    /// `packet` holds the length too, until all is there.
    fn length(
        &mut self,
        mut bytes: &[u8],
        take: &mut impl FnMut(Result<&[u8], ()>),
    ) -> Result<(), Lost> {
        const HEAD: usize = 4;
        loop {
            let mut wanted = HEAD;
            if let Some(head) = self.packet.first_chunk() {
                let length = u32::from_be_bytes(*head) as usize; // a usize has 32 bits or more here
                if length > PACKET_BYTES_MAX {
                    return Err(Lost(length));
                }
                wanted += length;
            }
            if self.packet.len() < wanted {
                let (now, later) = bytes.split_at(bytes.len().min(wanted - self.packet.len()));
                self.packet.extend(now);
                bytes = later;
                if self.packet.len() < wanted {
                    return Ok(());
                }
            } else {
                if wanted > HEAD {
                    take(Ok(&self.packet[HEAD..]));
                }
                self.packet.clear();
            }
        }
    }
}

/// Appends the packet as this connection speaks.
pub fn frame(framing: Framing, packet: &[u8], out: &mut Vec<u8>) {
    match framing {
        Framing::Length => {
            let length = u32::try_from(packet.len()).expect("a datagram of ours is short");
            out.extend(length.to_be_bytes());
            out.extend(packet);
        }
        Framing::Slip => {
            out.push(END);
            for &byte in packet {
                match byte {
                    END => out.extend([ESCAPE, ESCAPED_END]),
                    ESCAPE => out.extend([ESCAPE, ESCAPED_ESCAPE]),
                    byte => out.push(byte),
                }
            }
            out.push(END);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What comes out of these bytes, cut into pieces of this size; `None` is a broken packet.
    fn check(bytes: &[u8], piece: usize, expected: &[Option<&[u8]>]) {
        let mut deframer = Deframer::default();
        let mut found = Vec::new();
        for piece in bytes.chunks(piece) {
            let take = |packet: Result<&[u8], ()>| found.push(packet.map(<[u8]>::to_vec).ok());
            deframer.feed(piece, take).expect("it can be followed");
        }
        let found: Vec<_> = found.iter().map(Option::as_deref).collect();
        assert_eq!(found, expected, "in pieces of {piece}");
    }

    /// From RFC 1055: END is 300 octal, ESC 333, ESC_END 334, ESC_ESC 335.
    #[test]
    fn slip_is_unwrapped_whatever_the_pieces() {
        for piece in [1, 2, 3, 100] {
            check(
                b"\xc0ab\xdb\xdcc\xc0\xc0\xdb\xdd\xc0",
                piece,
                &[Some(b"ab\xc0c"), Some(b"\xdb")],
            );
        }
    }

    #[test]
    fn a_broken_slip_packet_is_told_and_the_next_is_read() {
        check(b"\xc0a\xdbz\xc0ok\xc0", 1, &[None, Some(b"ok")]);
        let long = [&[0xc0][..], &[7; PACKET_BYTES_MAX + 1], b"\xc0ok\xc0"].concat();
        check(&long, 1000, &[None, Some(b"ok")]);
    }

    #[test]
    fn lengths_are_followed_whatever_the_pieces() {
        for piece in [1, 3, 100] {
            check(b"\0\0\0\x02ab\0\0\0\0\0\0\0\x01c", piece, &[Some(b"ab"), Some(b"c")]);
        }
    }

    #[test]
    fn a_length_beyond_all_measure_ends_the_connection() {
        let mut deframer = Deframer::default();
        let found = deframer.feed(b"GET / HTTP/1.1\r\n", |_| panic!("no packet"));
        assert_eq!(found, Err(Lost(0x4745_5420))); // "GET "
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn what_was_framed_comes_out_again(
            packets in proptest::collection::vec(
                proptest::collection::vec(
                    prop_oneof![Just(END), Just(ESCAPE), any::<u8>()], 1..50), 1..8),
            is_slip in any::<bool>(),
            piece in 1usize..40,
        ) {
            let framing = if is_slip { Framing::Slip } else { Framing::Length };
            let mut bytes = Vec::new();
            packets.iter().for_each(|packet| frame(framing, packet, &mut bytes));
            let mut deframer = Deframer::default();
            let mut found = Vec::new();
            for piece in bytes.chunks(piece) {
                let take = |packet: Result<&[u8], ()>| found.push(packet.map(<[u8]>::to_vec));
                prop_assert!(deframer.feed(piece, take).is_ok());
            }
            let expected: Vec<_> = packets.into_iter().map(Ok).collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn no_bytes_panic_or_grow(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut deframer = Deframer::default();
            for _ in 0..100 {
                if deframer.feed(&bytes, |_| ()).is_err() {
                    break;
                }
            }
            prop_assert!(deframer.packet.len() <= PACKET_BYTES_MAX + 4);
        }
    }
}
