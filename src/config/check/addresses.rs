//! Addresses of the network as they are typed: checked, and host names resolved, which may take
//! seconds.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::ops::RangeInclusive;

use ipnet::IpNet;

use crate::config::check::{Problems, quoted, wrong};
use crate::config::error::Problem;

/// As many as the OSC contract allows to subscribe.
const RECEIVERS_MAX: usize = 32;
const ROOT_CHARS_MAX: usize = 32;
const TOKEN_CHARS: RangeInclusive<usize> = 8..=64;

const ADDRESS: &str = "HOST:PORT with a port from 1 to 65535";

pub(super) fn network(value: &str) -> Result<IpNet, Problem> {
    let allowed = "a network like 192.168.1.0/24, or one address";
    let one = |_| value.parse::<IpAddr>().map(IpNet::from);
    value.parse().or_else(one).map_err(|_| wrong("osc.allow", quoted(value), allowed))
}

/// What could be guessed over a network in a day at ten tries a second is none.
pub(super) fn token(value: &str) -> Result<Option<String>, Problem> {
    let is_good = TOKEN_CHARS.contains(&value.chars().count());
    if !value.is_empty() && (!is_good || value.chars().any(char::is_control)) {
        let (low, high) = (TOKEN_CHARS.start(), TOKEN_CHARS.end());
        let allowed = format!("{low} to {high} printable characters, or none at all");
        return Err(wrong("osc.token", "(hidden)", allowed));
    }
    Ok((!value.is_empty()).then(|| value.to_owned()))
}

/// The rules of the OSC contract; pattern characters are refused with all others.
pub(crate) fn root(key: &'static str, value: &str) -> Result<String, Problem> {
    let part_is_good = |part: &str| {
        let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        !part.is_empty() && part.chars().all(good)
    };
    let is_good = value.len() <= ROOT_CHARS_MAX
        && value.strip_prefix('/').is_some_and(|rest| rest.split('/').all(part_is_good));
    if is_good {
        return Ok(value.to_owned());
    }
    let allowed = format!("/ and then a-z, 0-9, _, no / at the end, at most {ROOT_CHARS_MAX} long");
    Err(wrong(key, quoted(value), allowed))
}

/// IPv4 where a name has both: it is what most receivers listen on.
pub(super) fn listen(value: &str) -> Result<SocketAddr, Problem> {
    let found = resolve("osc.listen", value)?;
    Ok(found.iter().copied().find(SocketAddr::is_ipv4).unwrap_or(found[0]))
}

pub(super) fn receivers(
    values: &[String],
    listen: SocketAddr,
    problems: &mut Problems,
) -> Option<Vec<SocketAddr>> {
    if values.len() > RECEIVERS_MAX {
        let count = format!("{} receivers", values.len());
        return problems.keep(Err(wrong("osc.send", count, format!("at most {RECEIVERS_MAX}"))));
    }
    let found: Vec<Option<SocketAddr>> =
        values.iter().map(|value| problems.keep(receiver(value, listen))).collect();
    found.into_iter().collect()
}

/// One socket listens and sends, so a receiver must be of its family.
fn receiver(value: &str, listen: SocketAddr) -> Result<SocketAddr, Problem> {
    let found = resolve("osc.send", value)?;
    let Some(&address) = found.iter().find(|found| found.is_ipv4() == listen.is_ipv4()) else {
        let family = if listen.is_ipv4() { "an IPv4" } else { "an IPv6" };
        let allowed = format!("{family} address, because osc.listen is {listen}");
        return Err(wrong("osc.send", quoted(value), allowed));
    };
    if address.ip().is_unspecified() {
        return Err(wrong("osc.send", quoted(value), "the address of a machine, not of all"));
    }
    if is_heard_by(address, listen) {
        let allowed = format!("any but our own listening address {listen}, which would loop");
        return Err(wrong("osc.send", quoted(value), allowed));
    }
    Ok(address)
}

pub(crate) fn is_heard_by(address: SocketAddr, listen: SocketAddr) -> bool {
    let reaches =
        listen.ip() == address.ip() || listen.ip().is_unspecified() && is_own_address(address.ip());
    address.port() == listen.port() && reaches
}

/// The system lets a socket be bound to the machine's own addresses only.
fn is_own_address(ip: IpAddr) -> bool {
    ip.is_loopback() || !ip.is_multicast() && UdpSocket::bind((ip, 0)).is_ok()
}

/// At least one address.
fn resolve(key: &'static str, value: &str) -> Result<Vec<SocketAddr>, Problem> {
    let port = value.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
    if port.is_none_or(|port| port == 0) {
        return Err(wrong(key, quoted(value), ADDRESS));
    }
    let unknown = |cause: String| wrong(key, quoted(value), format!("{ADDRESS} ({cause})"));
    let found = value.to_socket_addrs().map_err(|error| unknown(error.to_string()))?;
    let found: Vec<SocketAddr> = found.collect();
    if found.is_empty() {
        return Err(unknown("the name has no address".into()));
    }
    Ok(found)
}
