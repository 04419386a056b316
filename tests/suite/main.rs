//! The integration tests, one binary: linking is what costs. Each module tests one promise.

mod counting;

mod harness;

mod scripted;

mod golden;

mod prosody;

mod signals;

mod allocation;

mod realtime;

mod engine;

mod cuts;

mod jackd;

mod jack;

mod through;

mod timing;

mod plugins;

mod isolation;

mod mappings;

mod pulseaudio;

mod pulse;

#[cfg(target_os = "linux")]
mod alsa;

#[cfg(feature = "pipewire")]
mod pipewire;

mod live;

mod control;

mod people;

mod transport;

mod peers;

mod languages;

mod puredata;

mod pages;

mod maxpat;

mod examples;

mod faults;

mod training;

mod models;

mod shrinking;

mod folds;

mod robustness;

mod outlier;

mod readme;

#[cfg(feature = "wgpu")]
mod gpu;
