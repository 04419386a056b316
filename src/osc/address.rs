//! The one table of every OSC address. The dispatcher, `/ser/list`, the streams' encoder and the
//! README's reference are made from it, so that they cannot disagree. No state, any thread.

mod instances;

mod kinds;

use crate::messages::EventKind;
use crate::units::SILENCE_DB;

pub use crate::osc::address::instances::{Instance, all_instances, instances, markdown};
pub use crate::osc::address::kinds::{
    Fact, Group, HealthValue, ReceiverField, Role, SegmentPart, Setting, Stream, Verb,
};

/// Version of the contract: an address changes meaning only with a new major.
pub const CONTRACT_MAJOR: i32 = 1;
pub const CONTRACT_MINOR: i32 = 2;

/// One address, or one per channel (`N`), label (`<label>`) or receiver (`<id>`).
#[derive(Debug)]
pub struct Address {
    /// Below the root.
    pub path: &'static str,
    /// OSC type tags; what stands in brackets may be left out from the right, `*` is anything.
    pub types: &'static str,
    pub role: Role,
    pub group: Option<Group>,
    pub range: Option<(f32, f32)>,
    pub unit: &'static str,
    pub text: &'static str,
}

const UNIT: Option<(f32, f32)> = Some((0.0, 1.0));

use Group::{Core, Feat, Raw, Text, Trig};

/// Every address of this version, in the order of the reference. One row a line, to be read as a
/// table.
#[rustfmt::skip]
pub const TABLE: &[Address] = &[
    stream(Stream::Time, Core, "/ch/N/t", "iiif", None, "", T_TEXT),
    stream(Stream::VoiceOn, Core, "/ch/N/voice/on", "i", UNIT, "", "1 while somebody speaks, after the hang-over"),
    stream(Stream::VoiceProbability, Core, "/ch/N/voice/prob", "f", UNIT, "", "probability of speech"),
    stream(Stream::Fresh, Core, "/ch/N/fresh", "i", UNIT, "", "0 when the result is too old or the device is gone"),
    stream(Stream::Level, Core, "/ch/N/level", "f", Some((SILENCE_DB, 0.0)), "dBFS", "level of the hop (RMS)"),
    stream(Stream::LevelNorm, Core, "/ch/N/level/norm", "f", UNIT, "", "the same, -60 dBFS is 0 and full scale 1"),
    stream(Stream::LevelClip, Core, "/ch/N/level/clip", "i", UNIT, "", "1 when a sample reached full scale"),
    stream(Stream::Class, Core, "/ch/N/class/<label>", "f", UNIT, "", "smoothed probability; all and unknown sum to 1"),
    stream(Stream::TopIndex, Core, "/ch/N/top/index", "i", Some((0.0, 15.0)), "", "the likeliest label, counted from 0 in labels; another must lead it by top/lead"),
    stream(Stream::TopProbability, Core, "/ch/N/top/prob", "f", UNIT, "", "its probability"),
    stream(Stream::TopLabel, Text, "/ch/N/top/label", "s", None, "", "its name"),
    stream(Stream::Quadrant, Core, "/ch/N/quadrant", "i", Some((0.0, 4.0)), "", "0 neutral, 1 excited, 2 tense, 3 gloomy, 4 calm: where arousal and valence lie"),
    stream(Stream::QuadrantName, Text, "/ch/N/quadrant/name", "s", None, "", "the same as a word"),
    stream(Stream::Arousal, Core, "/ch/N/dim/arousal", "f", UNIT, "", "calm 0 to excited 1, neutral 0.5"),
    stream(Stream::Valence, Core, "/ch/N/dim/valence", "f", UNIT, "", "unpleasant 0 to pleasant 1, neutral 0.5"),
    stream(Stream::Dominance, Core, "/ch/N/dim/dominance", "f", UNIT, "", "yielding 0 to in control 1, neutral 0.5"),
    stream(Stream::RelativeArousal, Core, "/ch/N/rel/arousal", "f", UNIT, "", "arousal against this person's neutral voice, which is 0.5; silent without calibrate"),
    stream(Stream::RelativeValence, Core, "/ch/N/rel/valence", "f", UNIT, "", "valence likewise"),
    stream(Stream::RelativeDominance, Core, "/ch/N/rel/dominance", "f", UNIT, "", "dominance likewise"),
    stream(Stream::Confidence, Core, "/ch/N/conf", "f", UNIT, "", "how far to trust the result"),
    stream(Stream::Classes, Group::Vec, "/ch/N/classes", "f*", UNIT, "", "all class values in one list, in the order of labels"),
    stream(Stream::RawClass, Raw, "/ch/N/raw/class/<label>", "f", UNIT, "", "probability before mask and smoothing, when the network ran"),
    stream(Stream::F0, Feat, "/ch/N/feat/f0", "f", Some((0.0, 1000.0)), "Hz", "fundamental frequency of the voice, of the last voiced frame"),
    stream(Stream::F0Range, Feat, "/ch/N/feat/f0_range", "f", Some((0.0, 60.0)), "semitones", "between the lower and the upper fifth of 3 s of voice"),
    stream(Stream::Rate, Feat, "/ch/N/feat/rate", "f", Some((0.0, 20.0)), "1/s", "syllables a second, over the last 3 s of speech"),
    stream(Stream::Jitter, Feat, "/ch/N/feat/jitter", "f", Some((0.0, 30.0)), "%", "how much neighbouring cycles differ in length, over a second of voice"),
    stream(Stream::Shimmer, Feat, "/ch/N/feat/shimmer", "f", Some((0.0, 5.0)), "dB", "how much they differ in height"),
    stream(Stream::Hnr, Feat, "/ch/N/feat/hnr", "f", Some((-40.0, 40.0)), "dB", "harmonics to noise, over a second of voice"),
    stream(Stream::Tilt, Feat, "/ch/N/feat/tilt", "f", Some((-60.0, 60.0)), "dB", "energy above 1 kHz to that below, over a second of voice"),
    stream(Stream::Loudness, Feat, "/ch/N/feat/loudness", "f", Some((SILENCE_DB, 10.0)), "LUFS", "EBU R128, momentary (0.4 s)"),
    stream(Stream::Snr, Feat, "/ch/N/feat/snr", "f", Some((0.0, 120.0)), "dB", "how far the speech of the last seconds stands above the noise between"),
    stream(Stream::Taught, Core, "/ch/N/teach/<taught>", "f", UNIT, "", "what this person taught: labels and none, which is far from all of them, sum to 1"),
    stream(Stream::Trigger, Trig, "/ch/N/trig/<trigger>", "i", UNIT, "", "1 when the trigger switches on, 0 when it switches off, and once a second"),
    segment(SegmentPart::Start, "/ch/N/seg/start", "if", "a voice begins: id, counted from 1; seconds since its onset"),
    segment(SegmentPart::Part, "/ch/N/seg/part", "iffffif", "once a second: id, seconds so far, mean arousal, valence, dominance, likeliest label, mean confidence"),
    segment(SegmentPart::Peak, "/ch/N/seg/peak", "iffff", "just before its end: id, greatest arousal, valence, dominance, level in dBFS"),
    segment(SegmentPart::End, "/ch/N/seg/end", "iffffifi", "as part over all of it, and flags: 1 short, 2 clipped, 4 cut by a stop or by voice/max_s, 8 low SNR"),
    fact(Fact::ChannelName, "/ch/N/name", "s", "what the configuration calls the channel, or nothing"),
    health(HealthValue::State, "/health/state", "i", Some((0.0, 7.0)), "", STATE_TEXT),
    Address { group: Some(Text), ..health(HealthValue::StateText, "/health/state/text", "s", None, "", "the same as a word") },
    health(HealthValue::Load, "/health/load", "f", UNIT, "", "share of one core that the analysis uses"),
    health(HealthValue::InferMs, "/health/infer_ms", "f", None, "ms", "mean time of one inference"),
    health(HealthValue::LatencyP50, "/health/lat_p50", "f", None, "ms", "sound to socket, median"),
    health(HealthValue::LatencyP95, "/health/lat_p95", "f", None, "ms", "sound to socket, 95 of 100 are faster"),
    health(HealthValue::LatencyP99, "/health/lat_p99", "f", None, "ms", "sound to socket, 99 of 100 are faster"),
    health(HealthValue::MemoryMb, "/health/mem_mb", "f", None, "MB", "memory in use"),
    health(HealthValue::Uptime, "/health/uptime", "f", None, "s", "time since start"),
    health(HealthValue::Xruns, "/health/xruns", "i", None, "", "interruptions that the sound system reported"),
    health(HealthValue::Repaired, "/health/repaired", "i", None, "", "samples that were no numbers (NaN, infinite) and were heard as silence"),
    health(HealthValue::PluginFaults, "/health/plugin_faults", "i", None, "", "times a plug-in crashed, hung, or was muted for NaN or far too loud a sound"),
    health(HealthValue::Dropped, "/health/dropped", "i", None, "", "hops lost because sound was lost before the analysis"),
    health(HealthValue::Late, "/health/late", "i", None, "", "results that came more than a hop late"),
    health(HealthValue::Restarts, "/health/restarts", "i", None, "", "times the source was opened again"),
    health(HealthValue::Clients, "/health/clients", "i", Some((0.0, 32.0)), "", "receivers at present"),
    health(HealthValue::Gpu, "/health/gpu", "i", UNIT, "", "1 when the network runs on a GPU"),
    health(HealthValue::Malformed, "/health/osc/malformed", "i", None, "", "packets that are no OSC, never answered"),
    health(HealthValue::Overrun, "/health/osc/overrun", "i", None, "", "packets thrown away because too many came at once"),
    health(HealthValue::Refused, "/health/osc/refused", "i", None, "", "packets that found no listener or no room on their way out"),
    health(HealthValue::Withheld, "/health/osc/withheld", "i", None, "", "answers not sent: far longer than a stranger's question, or more than 10 errors a second"),
    health(HealthValue::Heartbeat, "/heartbeat", "i", None, "", "counter, once a second to every receiver, whatever its groups"),
    event(EventKind::Device, "/event/device", "0 lost, 1 back or chosen, 2 list changed, 3 rate changed; id; text"),
    event(EventKind::Model, "/event/model", "1 another answers, 2 it moved to another backend; name; text"),
    event(EventKind::Config, "/event/config", "0 refused, 1 set, 2 reloaded, 3 rolled back, 4 saved; key or file; text"),
    event(EventKind::Overload, "/event/overload", "1 sound lost, 2 commands lost; number; text"),
    event(EventKind::Consent, "/event/consent", "the new value; empty; text"),
    event(EventKind::Client, "/event/client", "1 came, 0 went, 2 cannot be saved; address; text"),
    event(EventKind::Record, "/event/record", "code, subject, text"),
    event(EventKind::Plugin, "/event/plugin", "0 lost, 1 back, 2 muted, 3 a watched value; slot's name; text"),
    setting(Setting::Mute, "/mute", "i", UNIT, "", "1: no stream leaves; health, events and replies do"),
    setting(Setting::Config("privacy.consent"), "/consent", "i", UNIT, "", "0: nothing leaves but health, events and replies, nor can it be asked"),
    setting(Setting::ReplyPort, "/reply_port", "i", Some((0.0, 65535.0)), "", "where replies to this sender go; 0: where it sends from"),
    setting(Setting::Dump, "/dump", "i", Some((0.0, 2.0)), "", "1: a trace of each command comes to me, 2: of bad packets too; 0 ends it"),
    setting(Setting::Config("voice.threshold"), "/voice/threshold", "f", UNIT, "", "speech probability from which on a voice is assumed"),
    setting(Setting::Config("voice.floor_db"), "/voice/floor_db", "f", Some((-120.0, 0.0)), "dBFS", "sound below this is never a voice"),
    setting(Setting::Config("voice.on_ms"), "/voice/on_ms", "i", Some((0.0, 10_000.0)), "ms", "speech that switches on"),
    setting(Setting::Config("voice.off_ms"), "/voice/off_ms", "i", Some((0.0, 10_000.0)), "ms", "hang-over: no speech that switches off"),
    setting(Setting::Config("voice.margin_db"), "/voice/margin_db", "f", Some((0.0, 60.0)), "dB", "nor is what stands less than this above the noise of the room"),
    setting(Setting::Config("voice.min_ms"), "/voice/min_ms", "i", Some((0.0, 10_000.0)), "ms", "shorter segments are flagged"),
    setting(Setting::Config("voice.max_s"), "/voice/max_s", "f", Some((1.0, 3600.0)), "s", "longer segments are cut in two"),
    setting(Setting::Config("hold.policy"), "/hold/policy", "s", None, "", "after the last result: hold, decay, zero"),
    setting(Setting::Config("hold.time_s"), "/hold/time_s", "f", Some((0.1, 600.0)), "s", "age from which on a result is no longer fresh"),
    setting(Setting::Config("hold.unknown_max"), "/hold/unknown_max", "f", UNIT, "", "an answer with more unknown is no result, a voice without a result no segment"),
    setting(Setting::Config("smooth.attack_s"), "/smooth/attack_s", "f", Some((0.0, 60.0)), "s", "time constant of rising values, 0 at once"),
    setting(Setting::Config("smooth.release_s"), "/smooth/release_s", "f", Some((0.0, 60.0)), "s", "time constant of falling values"),
    setting(Setting::Config("smooth.mode"), "/smooth/mode", "s", None, "", "how values follow: off, release (attack and release), one_euro, hmm (classes that last)"),
    setting(Setting::Config("smooth.min_cutoff"), "/smooth/min_cutoff", "f", Some((0.0, 50.0)), "Hz", "one_euro: cutoff of a value at rest"),
    setting(Setting::Config("smooth.beta"), "/smooth/beta", "f", Some((0.0, 100.0)), "", "one_euro: how much the cutoff grows with the speed"),
    setting(Setting::Config("smooth.stay_s"), "/smooth/stay_s", "f", Some((0.1, 600.0)), "s", "hmm: how long an emotion lasts on average"),
    setting(Setting::Config("output.lead"), "/top/lead", "f", UNIT, "", "how far another label must be ahead to become the likeliest"),
    setting(Setting::Config("output.mask"), "/mask", "s[*]", None, "", "labels kept, the others are 0 and the kept ones sum to 1 with unknown; all: no mask"),
    setting(Setting::Config("model.window_s"), "/model/window_s", "f", Some((0.5, 10.0)), "s", "longest stretch of speech that one inference sees"),
    setting(Setting::Config("model.hop_s"), "/model/hop_s", "f", Some((0.02, 1.0)), "s", "time between two results, in whole steps of 0.01"),
    setting(Setting::Config("model.backend"), "/model/backend", "s", None, "", "where the network runs: auto, cpu, gpu"),
    setting(Setting::Config("input.follow_default"), "/device/follow_default", "i", UNIT, "", "1: a lost device may be replaced by the default one"),
    setting(Setting::Config("through.to"), "/through/to", "s", None, "", "where the sound goes on to: off, on, cpal:ID"),
    setting(Setting::Config("through.gain_db"), "/through/gain_db", "f", Some((-60.0, 12.0)), "dB", "gain of the sound that goes on"),
    setting(Setting::Config("through.mute"), "/through/mute", "i", UNIT, "", "1: the sound that goes on is silence"),
    setting(Setting::Config("plugins.tap"), "/plugin/tap", "i", Some((0.0, 64.0)), "", "the analysis hears what the first so many slots do; 0: the clean voice"),
    receiver(ReceiverField::Groups, "/sub/<id>/groups", "s", None, "", "names with commas: core, seg, trig, event, health, vec, raw, feat, text"),
    receiver(ReceiverField::Hz, "/sub/<id>/hz", "f", Some((0.0, 1000.0)), "Hz", "most bundles a second per channel, 0: no cap"),
    receiver(ReceiverField::Deadband, "/sub/<id>/deadband", "f", UNIT, "", "values that moved less stay here"),
    receiver(ReceiverField::Range, "/sub/<id>/range", "s", None, "", "unipolar: 0..1; bipolar: the dimensions from -1 to 1"),
    receiver(ReceiverField::Profile, "/sub/<id>/profile", "s", None, "", "names and types: plain, touchdesigner, max, pd, vrchat, wekinator, flat"),
    receiver(ReceiverField::Root, "/sub/<id>/root", "s", None, "", "first part of the addresses sent to it, empty: the profile's"),
    receiver(ReceiverField::Enabled, "/sub/<id>/enabled", "i", UNIT, "", "0: nothing but the heartbeat goes to it"),
    verb(Verb::Subscribe, "/subscribe", "[sisffs]", "host, port, groups, max_hz, lease_s (-1 permanent), profile: receive the streams"),
    verb(Verb::Unsubscribe, "/unsubscribe", "[i]", "end my subscriptions, or that one"),
    verb(Verb::Subscribers, "/subscribers", "", "one subscriber message each, then ok with their number"),
    verb(Verb::SubscribersClear, "/subscribers/clear", "", "ends all but those that the configuration names"),
    verb(Verb::Ping, "/ping", "[*]", "renew my subscription; answered by pong"),
    verb(Verb::PlainPing, "/ping", "[*]", "the same without the root, as TouchOSC sends it"),
    verb(Verb::Token, "/token", "s", "the token of the configuration: this sender may do what this machine may"),
    verb(Verb::Version, "/version", "", "ok with the program's name, and major and minor of this contract"),
    verb(Verb::List, "/list", "[s]", "one item each for the addresses that start so, then ok with their number"),
    verb(Verb::Labels, "/labels", "", "ok with the labels in the order of top/index"),
    verb(Verb::DeviceList, "/device/list", "", "one device/item each, then ok with their number"),
    verb(Verb::DeviceSelect, "/device/select", "s", "listen to this one: an id of the list, auto, or demo"),
    verb(Verb::DeviceRetry, "/device/retry", "", "try a lost device now instead of at the next attempt"),
    verb(Verb::ThroughList, "/through/list", "", "the outputs: one device/item each, then ok with their number"),
    verb(Verb::ModelList, "/model/list", "", "one model/item each, then ok with their number"),
    verb(Verb::ModelLoad, "/model/load", "s", "another model of the list, without a gap"),
    fact(Fact::ModelCurrent, "/model/current", "s", "the model that answers"),
    verb(Verb::ModelCard, "/model/card", "", "one model/card/item each, then ok with their number"),
    verb(Verb::ConfigGet, "/config/get", "s", "ok with the value of the key, section.key"),
    verb(Verb::ConfigSet, "/config/set", "s[*]", "key, value: holds at once; without a value the default"),
    verb(Verb::ConfigValidate, "/config/validate", "s", "checks a file of the configuration's folder, changes nothing"),
    verb(Verb::ConfigReload, "/config/reload", "", "the configuration file, whole or not at all"),
    verb(Verb::ConfigRollback, "/config/rollback", "", "what held before the last change"),
    verb(Verb::ConfigSave, "/config/save", "", "what holds now into the configuration file"),
    verb(Verb::ConfigDiff, "/config/diff", "", "one config/item for each key that differs from the file, then ok"),
    verb(Verb::ConsentNotice, "/consent/notice", "[s]", "ok with a sentence for the sign at the door: en, de, fr, es, it"),
    verb(Verb::CalibrateStart, "/ch/N/calibrate/start", "f", "seconds of speech, 5 to 120: somebody speaks in a neutral voice; ok with what was heard"),
    verb(Verb::CalibrateStop, "/ch/N/calibrate/stop", "", "it was enough: the baseline is of what was heard so far"),
    verb(Verb::CalibrateReset, "/ch/N/calibrate/reset", "", "somebody unknown speaks"),
    verb(Verb::CalibrateAdapt, "/ch/N/calibrate/adapt", "f", "how fast the baseline follows the voice: 1 as it was trained to, 0 not at all"),
    verb(Verb::ProfileSave, "/ch/N/calibrate/profile/save", "s", "name: the baseline, into NAME.profile.toml beside the configuration; numbers only"),
    verb(Verb::ProfileLoad, "/ch/N/calibrate/profile/load", "s", "name: this person speaks"),
    verb(Verb::ProfileList, "/ch/N/calibrate/profile/list", "", "one profile/item each, then ok with their number"),
    verb(Verb::TeachLabel, "/ch/N/teach/label", "si[f]", "name, 1 and 0: it is shown from now on, until now; with a value 0..1 the name is a slider, shown there"),
    verb(Verb::TeachUndo, "/ch/N/teach/undo", "", "the last recording is forgotten"),
    verb(Verb::TeachDelete, "/ch/N/teach/delete", "s", "name: it is forgotten"),
    verb(Verb::TeachCount, "/ch/N/teach/count", "", "one teach/item each, then ok with their number"),
    verb(Verb::TeachTrain, "/ch/N/teach/train", "", "teach/confusion for each label, then ok with the score on recordings left out"),
    verb(Verb::TeachEnrol, "/ch/N/teach/enrol", "i", "1: labels that are called as classes of the model are, once trained, change these classes too"),
    verb(Verb::TeachCancel, "/ch/N/teach/cancel", "", "the training that goes on is given up"),
    verb(Verb::TeachSave, "/ch/N/teach/save", "s", "name: what was shown and the baseline, into NAME.profile.toml beside the configuration"),
    verb(Verb::TeachLoad, "/ch/N/teach/load", "s", "name: this person, and what they taught"),
    verb(Verb::TeachList, "/ch/N/teach/list", "", "one profile/item each, then ok with their number"),
    verb(Verb::TeachLabel, "/teach/label", "si[f]", "the same of channel 1"),
    verb(Verb::TeachUndo, "/teach/undo", "", "the same of channel 1"),
    verb(Verb::TeachDelete, "/teach/delete", "s", "the same of channel 1"),
    verb(Verb::TeachCount, "/teach/count", "", "the same of channel 1"),
    verb(Verb::TeachTrain, "/teach/train", "", "the same of channel 1"),
    verb(Verb::TeachEnrol, "/teach/enrol", "i", "the same of channel 1"),
    verb(Verb::TeachCancel, "/teach/cancel", "", "the same of channel 1"),
    verb(Verb::TeachSave, "/teach/save", "s", "the same of channel 1"),
    verb(Verb::TeachLoad, "/teach/load", "s", "the same of channel 1"),
    verb(Verb::TeachList, "/teach/list", "", "the same of channel 1"),
    verb(Verb::PluginList, "/plugin/list", "", "the slots in their order: one plugin/item each, then ok with their number"),
    verb(Verb::PluginScan, "/plugin/scan", "", "what is installed: progress, one plugin/found each, then ok with their number"),
    verb(Verb::PluginAdd, "/plugin/add", "s[ii]", "uri, slot (0 or none: the last), channel (0 or none: all): a plug-in more"),
    verb(Verb::PluginRemove, "/plugin/remove", "i", "slot: its plug-in goes"),
    verb(Verb::PluginMove, "/plugin/move", "ii", "slot, slot: it goes there, the others make room"),
    verb(Verb::PluginBypass, "/plugin/bypass", "ii", "slot, 1 or 0: the sound passes it by"),
    verb(Verb::PluginTrust, "/plugin/trust", "ii", "slot, 1: it runs in our process, 0: in one of its own"),
    verb(Verb::PluginPreset, "/plugin/preset", "is", "slot, label or uri of a factory preset"),
    verb(Verb::PluginPresets, "/plugin/presets", "i", "slot: one plugin/preset/item each, then ok with their number"),
    verb(Verb::PluginParameter, "/plugin/param", "i*f", "slot, symbol or number, value: it glides there"),
    verb(Verb::PluginParameterGet, "/plugin/param/get", "i*", "slot, symbol or number: ok with the value"),
    verb(Verb::PluginParameters, "/plugin/params", "i", "slot: one plugin/param/item each and its plugin/param/labels, then ok with their number"),
    verb(Verb::PluginWatch, "/plugin/watch", "i*sf", "slot, symbol or number, one of > >= < <= == !=, value: an event when that begins or ends to hold"),
    verb(Verb::PluginUnwatch, "/plugin/unwatch", "i*", "slot, symbol or number: no such events any more"),
    verb(Verb::PluginStateSave, "/plugin/state/save", "s", "name: all slots as they are now, into NAME.chain.toml beside the configuration"),
    verb(Verb::PluginStateLoad, "/plugin/state/load", "s", "name: all slots as they were saved"),
    verb(Verb::MapAdd, "/map/add", "sssffffs[fs]", "name, source, target, in_min, in_max, out_min, out_max, curve, slew_s, gate"),
    verb(Verb::MapRemove, "/map/remove", "s", "name: it moves nothing any more"),
    verb(Verb::MapList, "/map/list", "", "one map/item each, then ok with their number"),
    verb(Verb::MapEnable, "/map/enable", "si", "name, 1 or 0"),
    verb(Verb::MapSolo, "/map/solo", "s", "name: only this one acts; empty: all again"),
    verb(Verb::TriggerAdd, "/trigger/add", "ssff[ffs]", "name, source, on, off, min_s, rearm_s, gate: on from the one value on, off from the other back"),
    verb(Verb::TriggerRemove, "/trigger/remove", "s", "name: it is off, and gone"),
    verb(Verb::TriggerList, "/trigger/list", "", "one trigger/item each, then ok with their number"),
    verb(Verb::TriggerEnable, "/trigger/enable", "si", "name, 1 or 0"),
    verb(Verb::TriggerClear, "/trigger/clear", "", "all are off, and gone"),
    verb(Verb::Sync, "/sync", "i", "synced with the same number once all earlier commands of this sender are answered"),
    verb(Verb::Request, "/req", "is[*]", "request id, address, arguments: a command whose answer bears the id"),
    verb(Verb::Quit, "/quit", "", "leave in order; from this machine or with the token"),
    reply("/ok", "si[*]", "address, request id, results: the command was carried out"),
    reply("/error", "siis", "address, request id, code, text: it was not, and why"),
    reply("/progress", "sifs", "address, request id, 0..1, text"),
    reply("/pong", "if", "subscription, seconds left; 0 0 without one, -1 when permanent"),
    reply("/synced", "i", "answer to sync"),
    reply("/item", "ssis", "address, types, access (1 read, 2 run, 3 read and set, 0 sent only), text"),
    reply("/subscriber", "isisffs", "id, host, port, groups, max_hz (0: no cap), lease left, profile"),
    reply("/device/item", "ssiii", "id, name, channels, rate in Hz, 1 for the default"),
    reply("/model/item", "ssii", "name, description, parameters, 1 for the one that answers"),
    reply("/model/card/item", "ss", "key, value"),
    reply("/profile/item", "ss", "name, model that it is of"),
    reply("/teach/item", "ssiif", "name, label or slider, recordings, examples, seconds of speech"),
    reply("/teach/confusion", "si[*]", "label, and its examples by the label that was found, in the order of teach/count"),
    reply("/plugin/item", "issiiiiiff", PLUGIN_TEXT),
    reply("/plugin/found", "sssii", "uri, name, format, inputs, outputs"),
    reply("/plugin/preset/item", "iss", "slot, label, uri"),
    reply("/plugin/param/item", "iisssffffi", "slot, number, symbol, name, unit, min, max, default, value, steps (0: none, 1: a switch)"),
    reply("/plugin/param/label", "isfs", "slot, symbol, value, its name"),
    reply("/map/item", "sssffffsfsi", "name, source, target, in_min, in_max, out_min, out_max, curve, slew_s, gate, 1 enabled"),
    reply("/trigger/item", "ssffffsi", "name, source, on, off, min_s, rearm_s, gate, 1 enabled"),
    reply("/config/item", "sss", "key, value that holds, value in the file"),
    reply("/trace", "sss", "from, address, arguments: what dump asked for"),
];

/// What the contract names and a later version brings: answered by -18 instead of -2. Patterns
/// below the root.
pub const LATER: &[&str] = &["/ch/*/emb", "/ch/*/words", "/x/*", "/x/*/*/*", "/record/*"];

const T_TEXT: &str =
    "sequence number, unix seconds, microseconds of the window's end, age in ms at send";
const STATE_TEXT: &str =
    "0 starting, 1 running, 2 paused, 3 muted, 4 stalled, 5 device lost, 6 degraded, 7 stopping";
const PLUGIN_TEXT: &str = "slot, name, uri, channel (0: all), 1 heard by the analysis, \
     1 bypassed, 1 in our process, state (0 runs, 1 down, 2 missing), latency in ms, share of a \
     block's time";

impl Address {
    /// The address as it is on the wire, for one channel (from 1), label or trigger, and receiver.
    pub fn full(&self, root: &str, channel: u16, label: &str, receiver: i32) -> String {
        let path = self.path.replace("/N/", &format!("/{channel}/"));
        let names = ["<label>", "<taught>", "<trigger>"];
        let path = names.iter().fold(path, |path, name| path.replace(name, label));
        format!("{}{}", self.root(root), path.replace("<id>", &receiver.to_string()))
    }

    /// The address as the reference shows it.
    pub fn template(&self, root: &str) -> String {
        format!("{}{}", self.root(root), self.path)
    }

    fn root<'a>(&self, root: &'a str) -> &'a str {
        if self.role == Role::Verb(Verb::PlainPing) { "" } else { root }
    }

    /// OSCQuery's ACCESS: 1 read, 2 write, 3 both, 0 neither.
    pub fn access(&self) -> i32 {
        match self.role {
            Role::Stream(_) | Role::Health(_) | Role::Fact(_) => 1,
            Role::Verb(_) => 2,
            Role::Setting(_) => 3,
            Role::Event(_) | Role::Segment(_) | Role::Reply => 0,
        }
    }
}

type Range = Option<(f32, f32)>;

const fn stream(
    stream: Stream,
    group: Group,
    path: &'static str,
    types: &'static str,
    range: Range,
    unit: &'static str,
    text: &'static str,
) -> Address {
    Address { path, types, role: Role::Stream(stream), group: Some(group), range, unit, text }
}

const fn segment(
    part: SegmentPart,
    path: &'static str,
    types: &'static str,
    text: &'static str,
) -> Address {
    let group = Some(Group::Seg);
    Address { path, types, role: Role::Segment(part), group, range: None, unit: "", text }
}

const fn health(
    value: HealthValue,
    path: &'static str,
    types: &'static str,
    range: Range,
    unit: &'static str,
    text: &'static str,
) -> Address {
    let group = Some(Group::Health);
    Address { path, types, role: Role::Health(value), group, range, unit, text }
}

const fn setting(
    setting: Setting,
    path: &'static str,
    types: &'static str,
    range: Range,
    unit: &'static str,
    text: &'static str,
) -> Address {
    Address { path, types, role: Role::Setting(setting), group: None, range, unit, text }
}

const fn receiver(
    field: ReceiverField,
    path: &'static str,
    types: &'static str,
    range: Range,
    unit: &'static str,
    text: &'static str,
) -> Address {
    setting(Setting::Receiver(field), path, types, range, unit, text)
}

const fn fact(fact: Fact, path: &'static str, types: &'static str, text: &'static str) -> Address {
    Address { path, types, role: Role::Fact(fact), group: None, range: None, unit: "", text }
}

const fn event(kind: EventKind, path: &'static str, text: &'static str) -> Address {
    let group = Some(Group::Event);
    Address { path, types: "iss", role: Role::Event(kind), group, range: None, unit: "", text }
}

const fn verb(verb: Verb, path: &'static str, types: &'static str, text: &'static str) -> Address {
    Address { path, types, role: Role::Verb(verb), group: None, range: None, unit: "", text }
}

const fn reply(path: &'static str, types: &'static str, text: &'static str) -> Address {
    Address { path, types, role: Role::Reply, group: None, range: None, unit: "", text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_lower_case_without_pattern_characters() {
        for row in TABLE {
            let plain = row.full("", 1, "label", 1);
            let allowed =
                |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "/_".contains(c);
            assert!(plain.starts_with('/') && plain.chars().all(allowed), "{plain}");
        }
    }

    #[test]
    fn no_address_stands_twice_in_the_table() {
        let mut names: Vec<String> = TABLE.iter().map(|row| row.template("/ser")).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), TABLE.len());
    }

    #[test]
    fn strings_leave_in_the_group_of_text_alone() {
        let read = TABLE.iter().filter(|row| row.access() & 1 == 1 && row.group.is_some());
        for row in read {
            let numbers = row.types.chars().all(|tag| "fi*".contains(tag));
            assert_eq!(numbers, row.group != Some(Text), "{}", row.path);
        }
    }
}
