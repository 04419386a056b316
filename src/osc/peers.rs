//! What is remembered of those who send commands: where they want replies, whether they know the
//! token, what they trace, how much they may be answered, and how many errors they had of late.
//! Time comes as an argument. The worker's thread.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::osc::endpoint::Endpoint;

/// Errors to one sender in [`ERROR_WINDOW`]; a patch that sends nonsense at frame rate must not
/// drown in answers.
const ERRORS_PER_WINDOW: u32 = 10;
const ERROR_WINDOW: Duration = Duration::from_secs(1);

/// Twice the receivers; the one unheard of longest makes room.
const PEERS_MAX: usize = 64;

/// A trace ends when its owner was unheard of for so long, like a subscription.
const TRACE_LEASE: Duration = Duration::from_secs(75);

/// What a stranger is answered is at most so many times as long as the question, or we would
/// multiply what somebody sends us under a false address.
const AMPLIFICATION_MAX: usize = 3;

#[derive(Debug)]
struct Peer {
    endpoint: Endpoint,
    /// 0: where it sends from.
    reply_port: u16,
    has_token: bool,
    /// 0 nothing, 1 commands, 2 malformed packets too.
    trace: u8,
    seen: Instant,
    window_start: Instant,
    errors: u32,
    suppressed: i32,
}

#[derive(Debug, Default)]
pub struct Peers {
    known: Vec<Peer>,
    /// Who sent something of late, and the bytes that he may still be answered. Apart from `known`,
    /// so that a crowd of false senders drives nobody out who has a port or the token.
    allowances: VecDeque<(Endpoint, usize)>,
}

impl Peers {
    pub fn set_reply_port(&mut self, endpoint: Endpoint, port: u16, now: Instant) {
        self.entry(endpoint, now).reply_port = port;
    }

    pub fn reply_port(&self, endpoint: Endpoint) -> u16 {
        self.get(endpoint).map_or(0, |peer| peer.reply_port)
    }

    /// Where replies to this sender go.
    pub fn reply_endpoint(&self, endpoint: Endpoint) -> Endpoint {
        match self.reply_port(endpoint) {
            0 => endpoint,
            port => Endpoint::Udp(SocketAddr::new(endpoint.address().ip(), port)),
        }
    }

    pub fn trust(&mut self, endpoint: Endpoint, now: Instant) {
        self.entry(endpoint, now).has_token = true;
    }

    pub fn has_token(&self, endpoint: Endpoint) -> bool {
        self.get(endpoint).is_some_and(|peer| peer.has_token)
    }

    pub fn set_trace(&mut self, endpoint: Endpoint, level: u8, now: Instant) {
        self.entry(endpoint, now).trace = level;
    }

    pub fn trace(&self, endpoint: Endpoint) -> u8 {
        self.get(endpoint).map_or(0, |peer| peer.trace)
    }

    /// Who traces at least so much.
    pub fn tracers(&self, level: u8) -> Vec<Endpoint> {
        self.known.iter().filter(|peer| level <= peer.trace).map(|peer| peer.endpoint).collect()
    }

    /// A packet came: its sender is not the one who makes room, and may be answered.
    pub fn seen(&mut self, endpoint: Endpoint, bytes: usize, now: Instant) {
        if let Some(peer) = self.known.iter_mut().find(|peer| peer.endpoint == endpoint) {
            peer.seen = now;
        }
        self.allowances.retain(|(known, _)| *known != endpoint);
        if self.allowances.len() >= PEERS_MAX {
            self.allowances.pop_front();
        }
        self.allowances.push_back((endpoint, AMPLIFICATION_MAX * bytes));
    }

    /// Takes so many bytes off what a stranger may be answered, if there are as many.
    pub fn spend(&mut self, endpoint: Endpoint, bytes: usize) -> bool {
        let found = self.allowances.iter_mut().find(|(known, _)| *known == endpoint);
        let Some((_, left)) = found.filter(|(_, left)| bytes <= *left) else { return false };
        *left -= bytes;
        true
    }

    /// A connection has ended.
    pub fn forget(&mut self, endpoint: Endpoint) {
        self.known.retain(|peer| peer.endpoint != endpoint);
    }

    /// Ends traces that nobody follows any more.
    pub fn lapse(&mut self, now: Instant) {
        let lapsed = |peer: &&mut Peer| TRACE_LEASE <= now.duration_since(peer.seen);
        self.known.iter_mut().filter(lapsed).for_each(|peer| peer.trace = 0);
    }

    fn get(&self, endpoint: Endpoint) -> Option<&Peer> {
        self.known.iter().find(|peer| peer.endpoint == endpoint)
    }

    /// True if one more error may go to this sender; if not it is counted.
    pub fn admit_error(&mut self, endpoint: Endpoint, now: Instant) -> bool {
        let peer = self.entry(endpoint, now);
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
    pub fn take_suppressed(&mut self, now: Instant) -> Vec<(Endpoint, i32)> {
        let mut taken = Vec::new();
        for peer in self.known.iter_mut().filter(|peer| peer.suppressed > 0) {
            if now.duration_since(peer.window_start) >= ERROR_WINDOW {
                taken.push((peer.endpoint, std::mem::take(&mut peer.suppressed)));
                peer.window_start = now;
                peer.errors = 0;
            }
        }
        taken
    }

    fn entry(&mut self, endpoint: Endpoint, now: Instant) -> &mut Peer {
        let known = self.known.iter().position(|peer| peer.endpoint == endpoint);
        let index = known.unwrap_or_else(|| {
            if self.known.len() >= PEERS_MAX {
                let oldest = (0..self.known.len()).min_by_key(|&index| self.known[index].seen);
                self.known.swap_remove(oldest.expect("the list is full, not empty"));
            }
            self.known.push(Peer {
                endpoint,
                reply_port: 0,
                has_token: false,
                trace: 0,
                seen: now,
                window_start: now,
                errors: 0,
                suppressed: 0,
            });
            self.known.len() - 1
        });
        &mut self.known[index]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(port: u16) -> Endpoint {
        Endpoint::Udp(([127, 0, 0, 1], port).into())
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
        assert_eq!(peers.reply_endpoint(port(1)), port(1));
        peers.set_reply_port(port(1), 7371, Instant::now());
        assert_eq!(peers.reply_endpoint(port(1)), port(7371));
        assert_eq!(peers.reply_endpoint(port(2)), port(2));
    }

    #[test]
    fn a_crowd_of_senders_takes_no_more_room() {
        let (mut peers, start) = (Peers::default(), Instant::now());
        for index in 0..1000 {
            peers.set_reply_port(port(index), 1, start + Duration::from_millis(u64::from(index)));
        }
        assert_eq!(peers.known.len(), PEERS_MAX);
        assert_eq!(peers.reply_port(port(999)), 1);
        assert_eq!(peers.reply_port(port(0)), 0);
    }

    #[test]
    fn a_stranger_is_answered_three_times_as_long_and_no_longer() {
        let (mut peers, now) = (Peers::default(), Instant::now());
        assert!(!peers.spend(port(1), 1));
        peers.seen(port(1), 20, now);
        assert!(peers.spend(port(1), 44) && peers.spend(port(1), 16) && !peers.spend(port(1), 1));
        peers.seen(port(1), 20, now);
        assert!(!peers.spend(port(1), 61));
    }

    #[test]
    fn a_trace_ends_when_its_owner_is_silent() {
        let (mut peers, start) = (Peers::default(), Instant::now());
        peers.set_trace(port(1), 2, start);
        peers.lapse(start + Duration::from_secs(74));
        assert_eq!((peers.tracers(1), peers.tracers(2)), (vec![port(1)], vec![port(1)]));
        peers.lapse(start + Duration::from_secs(75));
        assert_eq!(peers.tracers(1), []);
    }

    #[test]
    fn a_crowd_of_false_senders_drives_nobody_out() {
        let (mut peers, start) = (Peers::default(), Instant::now());
        peers.trust(port(7), start);
        for index in 1000..2000 {
            peers.seen(port(index), 20, start + Duration::from_secs(1));
        }
        assert!(peers.has_token(port(7)));
        assert_eq!(peers.allowances.len(), PEERS_MAX);
    }
}
