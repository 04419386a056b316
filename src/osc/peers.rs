//! What is remembered of those who send commands: where they want replies, and how many errors they
//! had of late. Time comes as an argument. The worker's thread.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Errors to one sender in [`ERROR_WINDOW`]; a patch that sends nonsense at frame rate must not
/// drown in answers.
const ERRORS_PER_WINDOW: u32 = 10;
const ERROR_WINDOW: Duration = Duration::from_secs(1);

/// Twice the receivers; the one unheard of longest makes room.
const PEERS_MAX: usize = 64;

#[derive(Debug)]
struct Peer {
    address: SocketAddr,
    /// 0: where it sends from.
    reply_port: u16,
    seen: Instant,
    window_start: Instant,
    errors: u32,
    suppressed: i32,
}

#[derive(Debug, Default)]
pub struct Peers(Vec<Peer>);

impl Peers {
    pub fn set_reply_port(&mut self, address: SocketAddr, port: u16, now: Instant) {
        self.entry(address, now).reply_port = port;
    }

    pub fn reply_port(&self, address: SocketAddr) -> u16 {
        self.0.iter().find(|peer| peer.address == address).map_or(0, |peer| peer.reply_port)
    }

    /// Where replies to this sender go.
    pub fn reply_address(&self, address: SocketAddr) -> SocketAddr {
        match self.reply_port(address) {
            0 => address,
            port => SocketAddr::new(address.ip(), port),
        }
    }

    /// Keeps a sender from being the one who makes room.
    pub fn seen(&mut self, address: SocketAddr, now: Instant) {
        if let Some(peer) = self.0.iter_mut().find(|peer| peer.address == address) {
            peer.seen = now;
        }
    }

    /// True if one more error may go to this sender; if not it is counted.
    pub fn admit_error(&mut self, address: SocketAddr, now: Instant) -> bool {
        let peer = self.entry(address, now);
        // With errors held back a new window opens only once their number was told.
        if peer.suppressed == 0 && now.duration_since(peer.window_start) >= ERROR_WINDOW {
            peer.window_start = now;
            peer.errors = 0;
        }
        if peer.errors < ERRORS_PER_WINDOW {
            peer.errors += 1;
            return true;
        }
        peer.suppressed = peer.suppressed.saturating_add(1);
        false
    }

    /// Senders whose window is over, with the number of errors that they did not get.
    pub fn take_suppressed(&mut self, now: Instant) -> Vec<(SocketAddr, i32)> {
        let mut taken = Vec::new();
        for peer in self.0.iter_mut().filter(|peer| peer.suppressed > 0) {
            if now.duration_since(peer.window_start) >= ERROR_WINDOW {
                taken.push((peer.address, std::mem::take(&mut peer.suppressed)));
                peer.window_start = now;
                peer.errors = 0;
            }
        }
        taken
    }

    fn entry(&mut self, address: SocketAddr, now: Instant) -> &mut Peer {
        let known = self.0.iter().position(|peer| peer.address == address);
        let index = known.unwrap_or_else(|| {
            if self.0.len() >= PEERS_MAX {
                let oldest = (0..self.0.len()).min_by_key(|&index| self.0[index].seen);
                self.0.swap_remove(oldest.expect("the list is full, not empty"));
            }
            let window_start = now;
            let peer =
                Peer { address, reply_port: 0, seen: now, window_start, errors: 0, suppressed: 0 };
            self.0.push(peer);
            self.0.len() - 1
        });
        &mut self.0[index]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    #[test]
    fn ten_errors_a_second_pass_and_the_rest_is_counted_once() {
        let (mut peers, start) = (Peers::default(), Instant::now());
        let passed = (0..25).filter(|_| peers.admit_error(port(1), start)).count();
        assert_eq!(passed, 10);
        assert_eq!(peers.take_suppressed(start + Duration::from_millis(999)), []);
        assert_eq!(peers.take_suppressed(start + Duration::from_secs(1)), [(port(1), 15)]);
        assert_eq!(peers.take_suppressed(start + Duration::from_secs(9)), []);
    }

    #[test]
    fn a_second_later_errors_pass_again_and_other_senders_never_wait() {
        let (mut peers, start) = (Peers::default(), Instant::now());
        assert!((0..10).all(|_| peers.admit_error(port(1), start)));
        assert!(peers.admit_error(port(2), start));
        assert!(peers.admit_error(port(1), start + Duration::from_secs(1)));
    }

    #[test]
    fn replies_go_to_the_port_that_the_sender_chose() {
        let mut peers = Peers::default();
        assert_eq!(peers.reply_address(port(1)), port(1));
        peers.set_reply_port(port(1), 7371, Instant::now());
        assert_eq!(peers.reply_address(port(1)), port(7371));
        assert_eq!(peers.reply_address(port(2)), port(2));
    }

    #[test]
    fn a_crowd_of_senders_takes_no_more_room() {
        let (mut peers, start) = (Peers::default(), Instant::now());
        for index in 0..1000 {
            peers.set_reply_port(port(index), 1, start + Duration::from_millis(u64::from(index)));
        }
        assert_eq!(peers.0.len(), PEERS_MAX);
        assert_eq!(peers.reply_port(port(999)), 1);
        assert_eq!(peers.reply_port(port(0)), 0);
    }
}
