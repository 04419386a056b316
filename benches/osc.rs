//! What the OSC surface costs: one hop of the core group encoded and sent over loopback to 1, 8 and
//! 32 receivers of one shape or of seven, and one command from bytes to answer.

use std::hint::black_box;
use std::net::UdpSocket;
use std::time::{Instant, SystemTime};

use affectd::bench::osc::{Receivers, sample_surface, sample_update};
use affectd::osc::decode::decode;
use affectd::osc::endpoint::Endpoint;
use affectd::osc::receive::Inbound;
use affectd::osc::surface::Moment;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

fn hop(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("one hop, core, encoded and sent");
    for count in [1, 8, 32] {
        for (name, receivers) in
            [("plain", Receivers::Alike), ("of seven profiles", Receivers::Mixed)]
        {
            let mut stage = sample_surface(count, receivers).expect("loopback has free ports");
            let mut sequence = 0;
            group.bench_function(BenchmarkId::new(name, count), |bencher| {
                bencher.iter(|| {
                    sequence += 1;
                    let update = sample_update(sequence);
                    stage.surface.update(black_box(&update), SystemTime::now(), Moment::now());
                });
            });
        }
    }
    group.finish();
}

fn command(criterion: &mut Criterion) {
    let mut stage = sample_surface(1, Receivers::Alike).expect("loopback has free ports");
    let patch = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let from = Endpoint::Udp(patch.local_addr().expect("bound"));
    let mut group = criterion.benchmark_group("one command, from bytes to answer");
    for (name, packet) in [
        ("version", &b"/ser/version\0\0\0\0,\0\0\0"[..]),
        ("a value", &b"/ser/ch/1/dim/arousal\0\0\0,\0\0\0"[..]),
        ("unknown", &b"/ser/no/such\0\0\0\0,\0\0\0"[..]),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let messages = decode(black_box(packet)).expect("a good packet");
                let inbound = Inbound::Packet { from, bytes: packet.len(), messages };
                black_box(stage.surface.handle(inbound, Instant::now()));
            });
        });
    }
    group.finish();
}

criterion_group!(osc, hop, command);
criterion_main!(osc);
