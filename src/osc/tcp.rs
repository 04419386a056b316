//! Body of the TCP thread: takes connections, cuts packets out of their bytes and queues them for
//! the worker, and writes what the worker has for them. A client that does not read costs nobody
//! but itself: its queue fills, and what finds no room there is gone.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use crossbeam_channel::{Receiver, SendError, Sender, bounded};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};

use crate::osc::decode::decode;
use crate::osc::endpoint::Endpoint;
use crate::osc::framing::{Deframer, frame};
use crate::osc::receive::{Inbound, STOP_CHECK};
use crate::osc::send::Counters;

/// As many as there are receivers. One more takes the place of one that never sent a byte, or is
/// turned away.
const CONNECTIONS_MAX: usize = 32;

/// Packets that wait for one client that is slow to read. A client with a quarter of them waiting
/// is not listened to: the rest has room for the answers to what it has sent before, of which the
/// worker's queue holds 256 and one read some 200.
const FRAMES_WAITING: usize = 1024;
const FRAMES_PATIENCE: usize = FRAMES_WAITING / 4;

/// Bytes read from one connection before the next has its turn.
const READ_BYTES: usize = 4096;

const LISTENER: Token = Token(0);
const WAKER: Token = Token(1);
/// Connection `id` has the token `id + FIRST_CONNECTION`.
const FIRST_CONNECTION: usize = 2;

/// The worker's way to one connection.
#[derive(Clone, Debug)]
pub struct Link {
    pub id: u32,
    pub frames: Sender<Vec<u8>>,
}

pub struct TcpServer {
    poll: Poll,
    listener: TcpListener,
    connections: Vec<Connection>,
    last_id: u32,
}

struct Connection {
    id: u32,
    address: SocketAddr,
    stream: TcpStream,
    deframer: Deframer,
    frames: Receiver<Vec<u8>>,
    /// What the system did not take yet.
    unsent: Vec<u8>,
    /// The system may have more bytes; it says so only once.
    is_readable: bool,
}

/// Why a connection ends.
enum End {
    Closed,
    /// The daemon leaves.
    NoWorker,
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self::Closed
    }
}

impl<T> From<SendError<T>> for End {
    fn from(_: SendError<T>) -> Self {
        Self::NoWorker
    }
}

impl TcpServer {
    /// `listener` is bound. The waker is for who puts frames into a [`Link`].
    pub fn new(listener: std::net::TcpListener) -> io::Result<(Self, Arc<Waker>)> {
        listener.set_nonblocking(true)?;
        let mut listener = TcpListener::from_std(listener);
        let poll = Poll::new()?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        Ok((Self { poll, listener, connections: Vec::new(), last_id: 0 }, waker))
    }

    /// Returns when `stop` is set or the worker has gone.
    pub fn run(
        mut self,
        queue: &Sender<Inbound>,
        counters: &Counters,
        stop: &AtomicBool,
    ) -> io::Result<()> {
        let mut events = Events::with_capacity(2 * CONNECTIONS_MAX);
        while !stop.load(Relaxed) {
            let is_busy = self.connections.iter().any(Connection::may_read);
            let wait = if is_busy { Duration::ZERO } else { STOP_CHECK };
            match self.poll.poll(&mut events, Some(wait)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                polled => polled?,
            }
            for event in &events {
                if event.token() == LISTENER {
                    if self.accept(queue).is_err() {
                        return Ok(());
                    }
                } else if event.is_readable() {
                    let token = event.token().0;
                    let found = self.connections.iter_mut().find(|c| c.token().0 == token);
                    found.into_iter().for_each(|connection| connection.is_readable = true);
                }
            }
            if self.serve(queue, counters).is_err() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn accept(&mut self, queue: &Sender<Inbound>) -> Result<(), SendError<Inbound>> {
        // Anything but a connection means that none waits now.
        while let Ok((mut stream, address)) = self.listener.accept() {
            if self.connections.len() >= CONNECTIONS_MAX {
                let is_mute = |connection: &Connection| connection.deframer.framing().is_none();
                let Some(mute) = self.connections.iter().position(is_mute) else {
                    log::warn!("{address} is turned away: {CONNECTIONS_MAX} TCP clients are there");
                    continue; // dropped, and so closed
                };
                queue.send(Inbound::Closed(self.connections.remove(mute).endpoint()))?;
            }
            self.last_id = self.last_id.wrapping_add(1);
            let id = self.last_id;
            let both = Interest::READABLE | Interest::WRITABLE;
            let (sender, frames) = bounded(FRAMES_WAITING);
            let token = Token(id as usize + FIRST_CONNECTION);
            if self.poll.registry().register(&mut stream, token, both).is_err() {
                continue;
            }
            // Small packets must not wait for more; a system that cannot is only slower.
            stream.set_nodelay(true).unwrap_or_default();
            let link = Link { id, frames: sender };
            self.connections.push(Connection {
                id,
                address,
                stream,
                deframer: Deframer::default(),
                frames,
                unsent: Vec::new(),
                is_readable: true,
            });
            queue.send(Inbound::Connected(link))?;
        }
        Ok(())
    }

    /// A turn for each connection.
    fn serve(&mut self, queue: &Sender<Inbound>, counters: &Counters) -> Result<(), End> {
        let mut ended = Vec::new();
        for connection in &mut self.connections {
            let served = connection
                .read(queue, counters)
                .and_then(|()| connection.write().map_err(End::from));
            match served {
                Ok(()) => {}
                Err(End::Closed) => ended.push(connection.id),
                Err(End::NoWorker) => return Err(End::NoWorker),
            }
        }
        for connection in self.connections.extract_if(.., |c| ended.contains(&c.id)) {
            queue.send(Inbound::Closed(connection.endpoint()))?;
        }
        Ok(())
    }
}

impl Connection {
    fn token(&self) -> Token {
        Token(self.id as usize + FIRST_CONNECTION)
    }

    fn endpoint(&self) -> Endpoint {
        Endpoint::Tcp { id: self.id, address: self.address }
    }

    /// Who does not read its answers gets no more of them.
    fn may_read(&self) -> bool {
        self.is_readable && self.frames.len() < FRAMES_PATIENCE
    }

    /// Waits for the worker when its queue is full: TCP passes that on to the client.
    fn read(&mut self, queue: &Sender<Inbound>, counters: &Counters) -> Result<(), End> {
        if !self.may_read() {
            return Ok(());
        }
        let mut bytes = [0; READ_BYTES];
        let length = match self.stream.read(&mut bytes) {
            Ok(0) => return Err(End::Closed),
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.is_readable = false;
                return Ok(());
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let from = self.endpoint();
        let mut sent = Ok(());
        let followed = self.deframer.feed(&bytes[..length], |packet| {
            let messages = packet.map_err(|()| None).and_then(|p| decode(p).map_err(Some));
            let inbound = match messages {
                Ok(messages) => {
                    Inbound::Packet { from, bytes: packet.map_or(0, <[u8]>::len), messages }
                }
                Err(error) => {
                    counters.malformed.fetch_add(1, Relaxed);
                    let text = error.map_or("broken SLIP".to_owned(), |error| error.to_string());
                    Inbound::Malformed { from, text }
                }
            };
            if sent.is_ok() {
                sent = queue.send(inbound);
            }
        });
        sent?;
        followed.map_err(|lost| {
            counters.malformed.fetch_add(1, Relaxed);
            log::debug!("connection of {from} ends: {lost}");
            End::Closed
        })
    }

    fn write(&mut self) -> io::Result<()> {
        let Some(framing) = self.deframer.framing() else { return Ok(()) };
        loop {
            if self.unsent.is_empty() {
                let Ok(packet) = self.frames.try_recv() else { return Ok(()) };
                frame(framing, &packet, &mut self.unsent);
            }
            match self.stream.write(&self.unsent) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(taken) => drop(self.unsent.drain(..taken)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}
