//! Puts packets on the wire. Nobody waits for a receiver: what cannot be sent is counted and
//! gone. The worker's thread.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crossbeam_channel::Sender;
use mio::Waker;

use crate::osc::endpoint::Endpoint;
use crate::osc::tcp::Link;

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
    /// Answers that were not sent: far longer than a stranger's question, or errors in a flood.
    pub withheld: AtomicU64,
    /// Answers of others that came in here; never answered, or two programs could talk for ever.
    pub ignored: AtomicU64,
    /// Receivers at present.
    pub clients: AtomicU64,
    /// Somebody wants to hear of malformed packets.
    pub is_traced: AtomicBool,
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
    links: HashMap<u32, Sender<Vec<u8>>>,
    /// Wakes the TCP thread, where there is one.
    waker: Option<Arc<Waker>>,
    has_frames: bool,
    /// The system's buffer is full; what else this round has to send would only wait.
    is_congested: bool,
    counters: Arc<Counters>,
}

impl Outlet {
    /// Sets the socket's send time limit.
    pub fn new(
        socket: UdpSocket,
        waker: Option<Arc<Waker>>,
        counters: Arc<Counters>,
    ) -> io::Result<Self> {
        socket.set_write_timeout(Some(SEND_TIMEOUT))?;
        let any: Option<IpAddr> = match socket.local_addr()?.ip() {
            ours if !ours.is_loopback() => None,
            IpAddr::V4(_) => Some(Ipv4Addr::UNSPECIFIED.into()),
            IpAddr::V6(_) => Some(Ipv6Addr::UNSPECIFIED.into()),
        };
        let outward = any.map(|any| UdpSocket::bind((any, 0))).transpose()?;
        outward.as_ref().map(|socket| socket.set_nonblocking(true)).transpose()?;
        let links = HashMap::new();
        let (has_frames, is_congested) = (false, false);
        Ok(Self { socket, outward, links, waker, has_frames, is_congested, counters })
    }

    pub fn connect(&mut self, link: Link) {
        self.links.insert(link.id, link.frames);
    }

    pub fn disconnect(&mut self, endpoint: Endpoint) {
        if let Endpoint::Tcp { id, .. } = endpoint {
            self.links.remove(&id);
        }
    }

    /// Before each hop's or command's packets: a full buffer costs one wait, not one per packet.
    pub fn begin_round(&mut self) {
        self.is_congested = false;
    }

    /// After them: what TCP clients get leaves with it.
    pub fn end_round(&mut self) {
        if std::mem::take(&mut self.has_frames)
            && let Some(waker) = &self.waker
            && let Err(error) = waker.wake()
        {
            log::debug!("the TCP thread was not woken, it looks by itself: {error}");
        }
    }

    pub fn send(&mut self, packet: &[u8], to: Endpoint) {
        let is_sent = match to {
            Endpoint::Udp(address) => self.send_datagram(packet, address),
            Endpoint::Tcp { id, .. } => {
                self.has_frames = true;
                let link = self.links.get(&id);
                link.is_some_and(|frames| frames.try_send(packet.to_vec()).is_ok())
            }
        };
        let counter = if is_sent { &self.counters.sent } else { &self.counters.refused };
        counter.fetch_add(1, Relaxed);
    }

    fn send_datagram(&mut self, datagram: &[u8], destination: SocketAddr) -> bool {
        if self.is_congested {
            return false;
        }
        let socket = match &self.outward {
            Some(outward) if !destination.ip().to_canonical().is_loopback() => outward,
            _ => &self.socket,
        };
        match socket.send_to(datagram, destination) {
            Ok(_) => true,
            Err(error) => {
                self.is_congested =
                    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut);
                log::debug!("sending to {destination} failed: {error}");
                false
            }
        }
    }
}
