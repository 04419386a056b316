//! The far end of a packet: an address that takes datagrams, or a TCP connection. No state, any
//! thread.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    Udp(SocketAddr),
    /// `id` names the connection: the same address may come again with another one.
    Tcp {
        id: u32,
        address: SocketAddr,
    },
}

impl Endpoint {
    pub fn address(self) -> SocketAddr {
        match self {
            Self::Udp(address) | Self::Tcp { address, .. } => address,
        }
    }

    /// IPv4 as IPv4, whatever socket it came by.
    pub fn ip(self) -> IpAddr {
        self.address().ip().to_canonical()
    }

    pub fn is_tcp(self) -> bool {
        matches!(self, Self::Tcp { .. })
    }

    pub fn is_loopback(self) -> bool {
        self.ip().is_loopback()
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = SocketAddr::new(self.ip(), self.address().port());
        match self {
            Self::Udp(_) => write!(formatter, "{address}"),
            Self::Tcp { .. } => write!(formatter, "{address} (TCP)"),
        }
    }
}
