//! Where packets may be sent, and who may say so: never to ourselves, and to others only if they
//! asked or somebody who is trusted did. The worker's thread.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use ipnet::IpNet;

use crate::osc::endpoint::Endpoint;
use crate::osc::fault::{Code, Fault};

/// The rules of one listening address.
#[derive(Debug)]
pub struct Destinations {
    /// As bound, with its real port.
    listen: SocketAddr,
    /// Networks that are trusted like this machine.
    allow: Vec<IpNet>,
    token: Option<String>,
}

impl Destinations {
    pub fn new(listen: SocketAddr, allow: Vec<IpNet>, token: Option<String>) -> Self {
        Self { listen, allow, token }
    }

    /// After a change of the configuration.
    pub fn set_trust(&mut self, allow: Vec<IpNet>, token: Option<String>) {
        self.allow = allow;
        self.token = token;
    }

    /// This machine, or one of an allowed network.
    pub fn trusts(&self, from: Endpoint) -> bool {
        from.is_loopback() || self.allow.iter().any(|network| network.contains(&from.ip()))
    }

    /// Takes the same time whatever is wrong with the token.
    pub fn is_token(&self, given: &str) -> bool {
        let Some(token) = &self.token else { return false };
        let pairs = token.bytes().zip(given.bytes().chain(std::iter::repeat(0)));
        let differing = pairs.fold(0, |bits, (ours, theirs)| bits | (ours ^ theirs));
        differing == 0 && token.len() == given.len()
    }

    /// What `host` and `port` of a command mean for its sender; an empty host and port 0 are the
    /// sender's. A port is one for datagrams.
    pub fn resolve(
        &self,
        from: Endpoint,
        is_trusted: bool,
        host: &str,
        port: i32,
    ) -> Result<Endpoint, Fault> {
        let is_own = host.is_empty() && port == 0;
        if is_own && from.is_tcp() {
            return Ok(from);
        }
        let port = match u16::try_from(port) {
            Ok(0) => from.address().port(),
            Ok(port) => port,
            Err(_) => {
                let text = format!("port is {port}, allowed are 0 to 65535");
                return Err(Fault::new(Code::OutOfRange, text));
            }
        };
        let ip = match host {
            "" => self.in_our_family(from.ip())?,
            // No other name is looked up: that could take seconds, and the streams would wait.
            "localhost" => self.in_our_family(IpAddr::V4(Ipv4Addr::LOCALHOST))?,
            host => self.in_our_family(host.parse().map_err(|_| {
                let text = format!("host is {host:?}, needed is an IP address or an empty string");
                Fault::new(Code::WrongTypes, text)
            })?)?,
        };
        if ip.to_canonical() != from.ip() && !is_trusted {
            let text = format!("host is {ip}, from {} only that address is allowed", from.ip());
            return Err(Fault::new(Code::NotAllowed, text));
        }
        let destination = SocketAddr::new(ip, port);
        self.check(destination)?;
        Ok(Endpoint::Udp(destination))
    }

    /// Refuses our own listening address and what is no address of a machine.
    pub fn check(&self, destination: SocketAddr) -> Result<(), Fault> {
        let ip = destination.ip().to_canonical();
        if ip.is_unspecified() {
            let text = format!("host is {ip}, needed is the address of one machine");
            return Err(Fault::new(Code::OutOfRange, text));
        }
        if self.is_ourselves(destination) {
            let text = format!("{destination} is where affectd itself listens");
            return Err(Fault::new(Code::Loop, text));
        }
        Ok(())
    }

    /// Our own port, at the address that we listen on or, if that is all of them, at any of this
    /// machine.
    pub fn is_ourselves(&self, destination: SocketAddr) -> bool {
        if destination.port() != self.listen.port() {
            return false;
        }
        let (ours, theirs) = (self.listen.ip().to_canonical(), destination.ip().to_canonical());
        if ours.is_unspecified() { is_of_this_machine(theirs) } else { ours == theirs }
    }

    /// A socket for IPv6 names IPv4 addresses in its own way; one for IPv4 knows no others.
    pub fn in_our_family(&self, ip: IpAddr) -> Result<IpAddr, Fault> {
        match (self.listen.ip(), ip.to_canonical()) {
            (IpAddr::V4(_), IpAddr::V6(_)) => {
                let text = format!("host is {ip}, affectd listens on IPv4 only");
                Err(Fault::new(Code::OutOfRange, text))
            }
            (IpAddr::V6(_), IpAddr::V4(v4)) => Ok(IpAddr::V6(v4.to_ipv6_mapped())),
            (_, ip) => Ok(ip),
        }
    }
}

/// Only an address of this machine can be bound; std has no list of interfaces.
fn is_of_this_machine(ip: IpAddr) -> bool {
    ip.is_loopback() || UdpSocket::bind((ip, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().expect("an address in the test")
    }

    fn check(listen: &str, from: &str, host: &str, port: i32, expected: Result<&str, Code>) {
        let rules = Destinations::new(address(listen), vec![], None);
        let from = Endpoint::Udp(address(from));
        let found = rules.resolve(from, rules.trusts(from), host, port).map_err(|f| f.code);
        let expected = expected.map(|text| Endpoint::Udp(address(text)));
        assert_eq!(found, expected, "{listen} {from} {host} {port}");
    }

    const HERE: &str = "127.0.0.1:7370";
    const EVERYWHERE: &str = "0.0.0.0:7370";
    const PATCH: &str = "127.0.0.1:5000";

    #[test]
    fn nothing_named_means_the_sender() {
        check(HERE, PATCH, "", 0, Ok(PATCH));
        check(HERE, PATCH, "", 7371, Ok("127.0.0.1:7371"));
    }

    #[test]
    fn our_own_address_would_loop() {
        check(HERE, PATCH, "", 7370, Err(Code::Loop));
        check(HERE, PATCH, "localhost", 7370, Err(Code::Loop));
        check(EVERYWHERE, PATCH, "127.0.0.1", 7370, Err(Code::Loop));
        check(EVERYWHERE, PATCH, "127.9.9.9", 7370, Err(Code::Loop));
        check("[::]:7370", "[::1]:5000", "127.0.0.1", 7370, Err(Code::Loop));
    }

    #[test]
    fn any_interface_of_this_machine_would_loop() {
        // Asks the system which address it would use; no packet is sent. Without a network there is
        // nothing to check.
        let probe = UdpSocket::bind("0.0.0.0:0").expect("a socket");
        if probe.connect("192.0.2.1:9").is_ok() {
            let ours = probe.local_addr().expect("its address").ip().to_string();
            check(EVERYWHERE, PATCH, &ours, 7370, Err(Code::Loop));
        }
    }

    #[test]
    fn another_machine_is_sent_to_only_from_here() {
        check(EVERYWHERE, PATCH, "192.0.2.7", 7371, Ok("192.0.2.7:7371"));
        check(EVERYWHERE, "192.0.2.8:5000", "192.0.2.7", 7371, Err(Code::NotAllowed));
        check(EVERYWHERE, "192.0.2.8:5000", "192.0.2.8", 7371, Ok("192.0.2.8:7371"));
    }

    #[test]
    fn names_and_odd_ports_are_refused() {
        check(HERE, PATCH, "example.org", 7371, Err(Code::WrongTypes));
        check(HERE, PATCH, "", 70_000, Err(Code::OutOfRange));
        check(HERE, PATCH, "", -1, Err(Code::OutOfRange));
        check(EVERYWHERE, PATCH, "0.0.0.0", 7371, Err(Code::OutOfRange));
        check(EVERYWHERE, PATCH, "::1", 7371, Err(Code::OutOfRange));
    }

    #[test]
    fn networks_and_tokens_make_a_sender_trusted() {
        let allow = vec!["192.0.2.0/25".parse().expect("a network")];
        let rules = Destinations::new(address(EVERYWHERE), allow, Some("open sesame".to_owned()));
        let trusts = |text| rules.trusts(Endpoint::Udp(address(text)));
        assert!(trusts("192.0.2.9:1") && trusts("127.0.0.1:1") && trusts("[::ffff:192.0.2.9]:1"));
        assert!(!trusts("192.0.2.200:1"));
        assert!(rules.is_token("open sesame"));
        for wrong in ["", "open", "open sesame ", "open sesamf", "open sesame\0"] {
            assert!(!rules.is_token(wrong), "{wrong:?}");
        }
        assert!(!Destinations::new(address(HERE), vec![], None).is_token(""));
    }

    #[test]
    fn a_connection_is_answered_on_itself_and_may_name_a_port() {
        let rules = Destinations::new(address(HERE), vec![], None);
        let from = Endpoint::Tcp { id: 3, address: address(PATCH) };
        assert_eq!(rules.resolve(from, true, "", 0), Ok(from));
        let named = Ok(Endpoint::Udp(address("127.0.0.1:7371")));
        assert_eq!(rules.resolve(from, true, "", 7371), named);
    }
}
