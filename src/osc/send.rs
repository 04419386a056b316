//! Puts datagrams on the wire. Nobody waits for a receiver: what cannot be sent is counted and
//! gone. The worker's thread.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// What the network did since the start; written by the worker and the receive thread, read by
/// anyone. Each stands alone, so relaxed accesses are enough.
#[derive(Debug, Default)]
pub struct Counters {
    pub sent: AtomicU64,
    /// Datagrams that the system did not take, or that nobody listened for.
    pub refused: AtomicU64,
    /// Packets that are no OSC; never answered.
    pub malformed: AtomicU64,
    /// Packets thrown away because the queue to the worker was full.
    pub overrun: AtomicU64,
    /// Answers of others that came in here; never answered, or two programs could talk for ever.
    pub ignored: AtomicU64,
    /// Receivers at present.
    pub clients: AtomicU64,
}

/// A socket cannot be non-blocking for us alone: the receive thread waits on the same one. The
/// system rounds this up to one tick, 1 to 10 ms.
const SEND_TIMEOUT: Duration = Duration::from_micros(1);

/// The way out, from the port that we listen on.
#[derive(Debug)]
pub struct Outlet {
    socket: UdpSocket,
    /// For other machines when `socket` is bound to loopback and cannot reach them.
    outward: Option<UdpSocket>,
    /// The system's buffer is full; what else this round has to send would only wait.
    is_congested: bool,
    counters: Arc<Counters>,
}

impl Outlet {
    /// Sets the socket's send time limit.
    pub fn new(socket: UdpSocket, counters: Arc<Counters>) -> io::Result<Self> {
        socket.set_write_timeout(Some(SEND_TIMEOUT))?;
        let mut outward = None;
        if socket.local_addr()?.ip() == Ipv4Addr::LOCALHOST {
            let other = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
            other.set_nonblocking(true)?;
            outward = Some(other);
        }
        Ok(Self { socket, outward, is_congested: false, counters })
    }

    /// Before each hop's or command's packets: a full buffer costs one wait, not one per packet.
    pub fn begin_round(&mut self) {
        self.is_congested = false;
    }

    pub fn send(&mut self, datagram: &[u8], destination: SocketAddr) {
        if self.is_congested {
            self.counters.refused.fetch_add(1, Relaxed);
            return;
        }
        let socket = match &self.outward {
            Some(outward) if !destination.ip().is_loopback() => outward,
            _ => &self.socket,
        };
        match socket.send_to(datagram, destination) {
            Ok(_) => {
                self.counters.sent.fetch_add(1, Relaxed);
            }
            Err(error) => {
                self.is_congested =
                    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut);
                self.counters.refused.fetch_add(1, Relaxed);
                log::debug!("sending to {destination} failed: {error}");
            }
        }
    }
}
