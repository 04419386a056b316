//! Body of the receive thread: waits for datagrams, decodes them and queues them for the worker. It
//! does not look at what they ask for.

use std::io;
use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use crossbeam_channel::{Sender, TrySendError};
use rosc::OscMessage;

use crate::osc::decode::{PACKET_BYTES_MAX, decode};
use crate::osc::endpoint::Endpoint;
use crate::osc::send::Counters;
use crate::osc::tcp::Link;

/// Packets that may wait for the worker, who empties the queue every few milliseconds; a patch
/// that sends all its settings at once stays below a hundred.
pub const INBOUND_CAPACITY: usize = 256;

/// So long after the stop flag the thread may still wait.
pub const STOP_CHECK: Duration = Duration::from_millis(100);

/// What reaches the worker from the network.
#[derive(Clone, Debug)]
pub enum Inbound {
    /// The messages of one packet, its length and who sent it.
    Packet {
        from: Endpoint,
        bytes: usize,
        messages: Vec<OscMessage>,
    },
    /// What is no OSC, told only while somebody traces.
    Malformed {
        from: Endpoint,
        text: String,
    },
    /// A TCP client came; answers go by this link.
    Connected(Link),
    Closed(Endpoint),
}

/// Returns when `stop` is set or the worker has gone. An error means that the socket is of no more
/// use.
pub fn run(
    socket: &UdpSocket,
    queue: &Sender<Inbound>,
    counters: &Counters,
    stop: &AtomicBool,
) -> io::Result<()> {
    socket.set_read_timeout(Some(STOP_CHECK))?;
    let mut packet = vec![0; PACKET_BYTES_MAX + 1]; // one more, to see what is too long
    while !stop.load(Relaxed) {
        let (length, from) = match socket.recv_from(&mut packet) {
            Ok(received) => received,
            Err(error) if is_nothing(&error) => continue,
            Err(error) if is_from_a_dead_receiver(&error) => {
                counters.refused.fetch_add(1, Relaxed);
                continue;
            }
            Err(error) => return Err(error),
        };
        let from = Endpoint::Udp(from);
        let inbound = match decode(&packet[..length]) {
            Ok(messages) => Inbound::Packet { from, bytes: length, messages },
            Err(error) => {
                counters.malformed.fetch_add(1, Relaxed);
                if !counters.is_traced.load(Relaxed) {
                    continue;
                }
                Inbound::Malformed { from, text: error.to_string() }
            }
        };
        match queue.try_send(inbound) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                counters.overrun.fetch_add(1, Relaxed);
            }
            Err(TrySendError::Disconnected(_)) => return Ok(()),
        }
    }
    Ok(())
}

fn is_nothing(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), WouldBlock | TimedOut | Interrupted)
}

/// The system reports at the next receive that an earlier packet found no one; Windows also calls a
/// packet that is longer than the buffer an error.
fn is_from_a_dead_receiver(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, ConnectionReset, HostUnreachable, NetworkUnreachable};
    matches!(
        error.kind(),
        ConnectionRefused | ConnectionReset | HostUnreachable | NetworkUnreachable
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    /// What the worker gets of these packets, and the counters, with a queue of `capacity`.
    fn check(packets: &[&[u8]], capacity: usize, expected: (usize, u64, u64)) {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        let listen = socket.local_addr().expect("its address");
        let sender = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        for packet in packets {
            sender.send_to(packet, listen).expect("loopback takes it");
        }
        let (queue, worker) = crossbeam_channel::bounded(capacity);
        let (counters, stop) = (Arc::new(Counters::default()), Arc::new(AtomicBool::new(false)));
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| run(&socket, &queue, &counters, &stop));
            // The packets already lie in the socket's buffer: one wait in vain means all are read.
            let seen = || {
                worker.len() as u64
                    + counters.malformed.load(Relaxed)
                    + counters.overrun.load(Relaxed)
            };
            while seen() < packets.len() as u64 {
                std::thread::yield_now();
            }
            stop.store(true, Relaxed);
            thread.join().expect("no panic").expect("a good socket");
        });
        let found =
            (worker.len(), counters.malformed.load(Relaxed), counters.overrun.load(Relaxed));
        assert_eq!(found, expected);
    }

    #[test]
    fn good_packets_are_queued_and_bad_ones_counted() {
        check(&[b"/a\0\0,\0\0\0", b"nonsense", b"", &[b'/'; 9000]], 8, (1, 3, 0));
    }

    #[test]
    fn a_full_queue_drops_the_newest_and_counts_it() {
        check(&[b"/a\0\0,\0\0\0".as_slice(); 5], 2, (2, 0, 3));
    }
}
