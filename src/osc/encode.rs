//! Messages to datagrams of at most [`DATAGRAM_BYTES_MAX`] bytes, and the messages that answer
//! commands. Buffers are reused. Runs on the worker thread.

use std::time::SystemTime;

use rosc::{OscMessage, OscPacket, OscTime, OscType, encoder};

use crate::messages::Event;
use crate::osc::fault::Fault;

/// Ethernet's 1500 bytes less IPv4 (20) and UDP (8) headers: more would be sent in fragments, and
/// one lost fragment loses all.
pub const DATAGRAM_BYTES_MAX: usize = 1472;

/// OSC's time tag for "at once".
pub const AT_ONCE: OscTime = OscTime { seconds: 0, fractional: 1 };

/// `#bundle`, time tag.
const BUNDLE_HEAD_BYTES: usize = 16;

/// Longest string that we send: two of them, as in an error, fit a datagram.
const TEXT_BYTES_MAX: usize = 600;

/// Datagrams that wait to be sent, one after the other in one buffer.
#[derive(Debug, Default)]
pub struct Datagrams {
    bytes: Vec<u8>,
    /// Where each datagram ends.
    ends: Vec<usize>,
    scratch: Vec<u8>,
}

impl Datagrams {
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| &self.bytes[start..end])
    }

    /// One datagram with one message.
    pub fn push_message(&mut self, message: &OscPacket) {
        append(message, &mut self.bytes);
        self.end();
    }

    /// One bundle with all messages, or several of the same time tag where one would be too long.
    /// No messages, no bundle.
    pub fn push_bundle<'a>(
        &mut self,
        time: OscTime,
        messages: impl IntoIterator<Item = &'a OscPacket>,
    ) {
        let mut used = DATAGRAM_BYTES_MAX; // as if full: the first message opens the first bundle
        let mut is_open = false;
        for message in messages {
            self.scratch.clear();
            append(message, &mut self.scratch);
            let needed = 4 + self.scratch.len(); // each element follows its length
            if used + needed > DATAGRAM_BYTES_MAX {
                if is_open {
                    self.end();
                }
                self.bytes.extend(b"#bundle\0");
                self.bytes.extend(time.seconds.to_be_bytes());
                self.bytes.extend(time.fractional.to_be_bytes());
                used = BUNDLE_HEAD_BYTES;
                is_open = true;
            }
            // Below 1472 bytes, or left out by `end`.
            let length = u32::try_from(self.scratch.len()).unwrap_or(0);
            self.bytes.extend(length.to_be_bytes());
            self.bytes.extend(&self.scratch);
            used += needed;
        }
        if is_open {
            self.end();
        }
    }

    /// Several messages that belong together; a single one goes out bare, which every peer reads.
    pub fn push_replies(&mut self, replies: &[OscPacket]) {
        match replies {
            [reply] => self.push_message(reply),
            replies => self.push_bundle(AT_ONCE, replies),
        }
    }

    fn end(&mut self) {
        let start = self.ends.last().copied().unwrap_or(0);
        if self.bytes.len() - start > DATAGRAM_BYTES_MAX {
            // Only a root or label of absurd length gets here; better nothing than fragments.
            log::error!("OSC message of {} bytes left out", self.bytes.len() - start);
            self.bytes.truncate(start);
            return;
        }
        self.ends.push(self.bytes.len());
    }
}

fn append(message: &OscPacket, bytes: &mut Vec<u8>) {
    match encoder::encode_into(message, bytes) {
        Ok(_) => {}
        Err(never) => match never {},
    }
}

/// Time tag of a moment. Before 1970 or after 2036 OSC has none, and the tag says "at once".
pub fn time_tag(moment: SystemTime) -> OscTime {
    OscTime::try_from(moment).unwrap_or(AT_ONCE)
}

pub fn message(address: String, arguments: Vec<OscType>) -> OscPacket {
    OscPacket::Message(OscMessage { addr: address, args: arguments })
}

/// A string that cannot break the packet: no zero bytes, at most `TEXT_BYTES_MAX`.
pub fn text(text: &str) -> OscType {
    let cut = &text[..text.floor_char_boundary(TEXT_BYTES_MAX)];
    OscType::String(cut.replace(char::is_control, " "))
}

pub fn ok(root: &str, address: &str, request: i32, results: Vec<OscType>) -> OscPacket {
    let mut arguments = vec![text(address), OscType::Int(request)];
    arguments.extend(results);
    message(format!("{root}/ok"), arguments)
}

pub fn error(root: &str, address: &str, request: i32, fault: &Fault) -> OscPacket {
    let code = OscType::Int(fault.code as i32);
    let arguments = vec![text(address), OscType::Int(request), code, text(&fault.text)];
    message(format!("{root}/error"), arguments)
}

/// `address` as the table names it for the kind of the event.
pub fn event(address: String, event: &Event) -> OscPacket {
    message(address, vec![OscType::Int(event.code), text(&event.subject), text(&event.text)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::osc::fault::Code;

    fn float(address: &str) -> OscPacket {
        message(address.to_string(), vec![OscType::Float(0.5)])
    }

    /// By hand from the OSC 1.0 specification: "#bundle" and a zero; seconds since 1900 (1970 is
    /// 2_208_988_800 = 0x83AA7E80) and half a second as 2^31; length 16 = 0x10; address padded to
    /// 8; ",f" padded to 4; 0.5 is 0x3F000000.
    #[test]
    fn a_bundle_has_the_bytes_of_the_specification() {
        let mut datagrams = Datagrams::default();
        let time = time_tag(SystemTime::UNIX_EPOCH + std::time::Duration::from_millis(500));
        datagrams.push_bundle(time, &[float("/ser/a")]);
        let expected = b"#bundle\0\x83\xaa\x7e\x80\x80\0\0\0\0\0\0\x10/ser/a\0\0,f\0\0\x3f\0\0\0";
        assert_eq!(datagrams.iter().collect::<Vec<_>>(), [expected]);
    }

    /// 16 bytes of head and (1472 - 16) / (4 + 16) = 72.8 messages as above.
    #[test]
    fn a_bundle_that_would_be_too_long_becomes_two() {
        let messages = vec![float("/ser/a"); 73];
        let mut datagrams = Datagrams::default();
        datagrams.push_bundle(AT_ONCE, &messages);
        let lengths: Vec<_> = datagrams.iter().map(<[u8]>::len).collect();
        assert_eq!(lengths, [16 + 72 * 20, 16 + 20]);
    }

    #[test]
    fn no_messages_make_no_bundle() {
        let mut datagrams = Datagrams::default();
        datagrams.push_bundle(AT_ONCE, []);
        assert!(datagrams.is_empty());
    }

    #[test]
    fn a_message_of_absurd_length_is_left_out_and_the_rest_goes() {
        let mut datagrams = Datagrams::default();
        datagrams.push_bundle(AT_ONCE, &[float("/a"), float(&"/long".repeat(400)), float("/b")]);
        assert_eq!(datagrams.iter().count(), 2);
        assert!(datagrams.iter().all(|datagram| datagram.len() < 100));
    }

    #[test]
    fn an_error_fits_a_datagram_whatever_the_sender_wrote() {
        let fault = Fault::new(Code::General, "ü\0".repeat(5000));
        let mut datagrams = Datagrams::default();
        datagrams.push_message(&error("/ser", &"/x".repeat(4000), 7, &fault));
        let packet = datagrams.iter().next().expect("one datagram");
        assert!(packet.len() <= DATAGRAM_BYTES_MAX);
        assert!(rosc::decoder::decode_udp(packet).is_ok_and(|(rest, _)| rest.is_empty()));
    }
}
