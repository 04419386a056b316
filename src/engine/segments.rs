//! Segments: from the onset of a voice to its end, with what was felt meanwhile. Made from the
//! updates of one channel; onset and end are those of the frames of speech, not of the gate, which
//! waits for both. Told of once the network knows the voice for one; what it never knew was a door
//! or a song, and is not told. No allocation; the worker's thread.

use crate::config::checked::Voice;
use crate::messages::{CLASSES_MAX, Dimensions, Segment, SegmentEvent, SegmentFlags, Update};
use crate::units::to_f32;

/// Mean distance from speech to the noise below which a segment is flagged: our choice, near where
/// the network loses a tenth of what it knows (the robustness card).
const LOW_SNR_DB: f32 = 10.0;

const PART_EVERY_S: f64 = 1.0;

/// Stream times are sums of frames of 10 ms; less is rounding.
const ROUNDING_S: f64 = 0.005;

/// Hears of each event.
pub type Tell<'a> = &'a mut dyn FnMut(&SegmentEvent);

/// The segments of one channel.
#[derive(Debug)]
pub struct Segments {
    channel: u16,
    /// Of the last one that began; counted from 1.
    id: u32,
    open: Option<Open>,
}

/// One that goes on.
#[derive(Debug)]
struct Open {
    /// In stream time.
    onset_s: f64,
    /// End of its last hop.
    heard_s: f64,
    /// Its start was told.
    is_told: bool,
    /// When the next part is due.
    part_at_s: f64,
    sums: Sums,
    peak: Dimensions,
    level_peak_db: f32,
    has_clipped: bool,
}

#[derive(Debug, Default)]
struct Sums {
    hops: f32,
    snr_db: f32,
    /// Of those in which the network said something.
    inferred: f32,
    arousal: f32,
    valence: f32,
    dominance: f32,
    confidence: f32,
    classes: [f32; CLASSES_MAX],
}

impl Segments {
    pub fn new(channel: u16) -> Self {
        Self { channel, id: 0, open: None }
    }

    /// One hop; `tell` hears in order what began, went on and ended.
    pub fn advance(&mut self, update: &Update, voice: &Voice, tell: Tell) {
        let now_s = update.time_s;
        let onset_s = now_s - f64::from(update.since_onset_s);
        let is_another = |open: &Open| update.voice_on && open.onset_s < onset_s - ROUNDING_S;
        if self.open.as_ref().is_some_and(is_another) {
            // It went and came back within the hop.
            self.end(onset_s, voice, SegmentFlags::default(), tell);
        }
        if !update.voice_on {
            let speech_end_s = now_s - f64::from(update.since_speech_s);
            return self.end(speech_end_s, voice, SegmentFlags::default(), tell);
        }
        let open = self.open.get_or_insert_with(|| Open::new(onset_s, now_s));
        open.take(update);
        if update.voice_known && !open.is_told {
            open.is_told = true;
            self.id = self.id.wrapping_add(1);
            let ago_s = to_f32(now_s - open.onset_s);
            tell(&SegmentEvent::Start { channel: self.channel, id: self.id, ago_s });
        }
        if f64::from(voice.max_s) <= now_s - open.onset_s {
            self.end(now_s, voice, SegmentFlags::CUT, tell);
            self.open = Some(Open::new(now_s, now_s));
        } else if open.is_told && open.part_at_s <= now_s {
            open.part_at_s = now_s + PART_EVERY_S;
            tell(&SegmentEvent::Part(open.segment(self.channel, self.id, now_s)));
        }
    }

    /// The voice is heard no more, for whatever reason.
    pub fn release(&mut self, voice: &Voice, tell: Tell) {
        if let Some(open) = &self.open {
            self.end(open.heard_s, voice, SegmentFlags::CUT, tell);
        }
    }

    fn end(&mut self, end_s: f64, voice: &Voice, why: SegmentFlags, tell: Tell) {
        let Some(open) = self.open.take().filter(|open| open.is_told) else { return };
        let mut segment = open.segment(self.channel, self.id, end_s);
        segment.flags = why
            .with(SegmentFlags::SHORT, segment.duration_s * 1000.0 < voice.min_ms as f32)
            .with(SegmentFlags::CLIPPED, open.has_clipped)
            .with(SegmentFlags::LOW_SNR, segment.snr_db < LOW_SNR_DB);
        tell(&SegmentEvent::End(segment));
    }
}

impl Open {
    fn new(onset_s: f64, now_s: f64) -> Self {
        Self {
            onset_s,
            heard_s: now_s,
            is_told: false,
            part_at_s: now_s + PART_EVERY_S,
            sums: Sums::default(),
            peak: Dimensions { arousal: 0.0, valence: 0.0, dominance: 0.0 },
            level_peak_db: f32::NEG_INFINITY,
            has_clipped: false,
        }
    }

    fn take(&mut self, update: &Update) {
        self.heard_s = update.time_s;
        let (sums, dimensions) = (&mut self.sums, update.dimensions);
        sums.hops += 1.0;
        sums.snr_db += update.snr_db;
        self.level_peak_db = self.level_peak_db.max(update.level_db);
        self.has_clipped |= update.clipped;
        if !update.inferred {
            return; // what holds is of before
        }
        sums.inferred += 1.0;
        sums.arousal += dimensions.arousal;
        sums.valence += dimensions.valence;
        sums.dominance += dimensions.dominance;
        sums.confidence += update.confidence;
        for (sum, class) in sums.classes.iter_mut().zip(update.classes.as_slice()) {
            *sum += class;
        }
        self.peak.arousal = self.peak.arousal.max(dimensions.arousal);
        self.peak.valence = self.peak.valence.max(dimensions.valence);
        self.peak.dominance = self.peak.dominance.max(dimensions.dominance);
    }

    /// As it is at this stream time.
    fn segment(&self, channel: u16, id: u32, now_s: f64) -> Segment {
        let sums = &self.sums;
        let mean = |sum: f32| sum / sums.inferred.max(1.0);
        let classes = sums.classes.iter().copied().enumerate();
        let likeliest =
            |best: (usize, f32), one: (usize, f32)| if best.1 < one.1 { one } else { best };
        let is_known = 0.0 < sums.inferred;
        let means = Dimensions {
            arousal: mean(sums.arousal),
            valence: mean(sums.valence),
            dominance: mean(sums.dominance),
        };
        Segment {
            channel,
            id,
            duration_s: to_f32((now_s - self.onset_s).max(0.0)),
            mean: if is_known { means } else { Dimensions::NEUTRAL },
            peak: if is_known { self.peak } else { Dimensions::NEUTRAL },
            top: is_known.then(|| classes.fold((0, 0.0), likeliest).0),
            confidence: mean(sums.confidence),
            level_peak_db: self.level_peak_db,
            snr_db: sums.snr_db / sums.hops.max(1.0),
            flags: SegmentFlags::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::typed::Typed;
    use proptest::prelude::*;

    const HOP_S: f64 = 0.1;

    fn voice() -> Voice {
        Typed::default().check().unwrap().voice
    }

    /// The hop that ends at this time, with a voice since `onset_s` or, without, none.
    fn hop(index: u32, onset_s: Option<f64>) -> Update {
        let time_s = f64::from(index) * HOP_S;
        let mut update = Update { time_s, snr_db: 30.0, ..Update::nothing(1, 3) };
        update.since_speech_s = 0.4;
        if let Some(onset_s) = onset_s {
            update.voice_on = true;
            update.voice_known = true;
            update.since_onset_s = to_f32(time_s - onset_s);
            update.since_speech_s = 0.0;
        }
        update
    }

    /// All events of these hops.
    fn run(updates: &[Update], voice: &Voice) -> Vec<SegmentEvent> {
        let (mut segments, mut told) = (Segments::new(1), Vec::new());
        for update in updates {
            segments.advance(update, voice, &mut |event| told.push(*event));
        }
        segments.release(voice, &mut |event| told.push(*event));
        told
    }

    fn ends(events: &[SegmentEvent]) -> Vec<Segment> {
        let end = |event: &SegmentEvent| match event {
            SegmentEvent::End(segment) => Some(*segment),
            _ => None,
        };
        events.iter().filter_map(end).collect()
    }

    #[test]
    fn a_segment_lasts_from_the_first_to_the_last_frame_of_speech() {
        // Speech from 0.53 s on; the gate closes 0.4 s after its last frame, in the hop to 2.0 s.
        let hops: Vec<_> = (1..=20).map(|i| hop(i, (7..20).contains(&i).then_some(0.53))).collect();
        let events = run(&hops, &voice());
        let SegmentEvent::Start { id: 1, ago_s, .. } = events[0] else { panic!("{events:?}") };
        assert!((ago_s - 0.17).abs() < 1e-4, "{ago_s}");
        let [end] = ends(&events)[..] else { panic!("{events:?}") };
        assert!((end.duration_s - 1.07).abs() < 1e-4, "{end:?}");
        assert_eq!((end.flags.bits(), end.top), (0, None));
        assert!(matches!(events[1], SegmentEvent::Part(_)));
    }

    #[test]
    fn means_and_peaks_are_of_what_the_network_said() {
        let mut hops: Vec<_> = (1..=6).map(|i| hop(i, (i < 6).then_some(0.0))).collect();
        for (index, arousal) in [(2, 0.6), (3, 0.9)] {
            hops[index].inferred = true;
            hops[index].dimensions.arousal = arousal;
            hops[index].classes.as_mut_slice().copy_from_slice(&[0.1, 0.8, 0.1]);
        }
        hops[1].clipped = true;
        hops[1].snr_db = -120.0;
        let [end] = ends(&run(&hops, &voice()))[..] else { panic!("one") };
        assert!((end.mean.arousal - 0.75).abs() < 1e-6);
        assert_eq!((end.peak.arousal, end.top), (0.9, Some(1)));
        let expected = SegmentFlags::default()
            .with(SegmentFlags::SHORT, true)
            .with(SegmentFlags::CLIPPED, true)
            .with(SegmentFlags::LOW_SNR, true);
        assert_eq!(end.flags, expected);
    }

    #[test]
    fn one_that_is_too_long_or_stopped_is_cut_and_goes_on_as_another() {
        let voice = Voice { max_s: 1.0, ..voice() };
        let hops: Vec<_> = (1..=25).map(|i| hop(i, Some(0.0))).collect();
        let ends = ends(&run(&hops, &voice));
        let lengths: Vec<f32> = ends.iter().map(|end| (end.duration_s * 10.0).round()).collect();
        assert_eq!(lengths, [10.0, 10.0, 5.0]);
        assert_eq!(ends.iter().map(|end| end.id).collect::<Vec<_>>(), [1, 2, 3]);
        assert!(ends.iter().all(|end| end.flags.bits() & 4 == 4));
    }

    #[test]
    fn nothing_is_told_of_what_the_network_never_knew_and_all_of_what_it_knew_late() {
        let mut hops: Vec<_> = (1..=12).map(|i| hop(i, (i < 12).then_some(0.03))).collect();
        hops.iter_mut().for_each(|hop| hop.voice_known = false);
        assert_eq!(run(&hops, &voice()), []);
        hops[2].clipped = true;
        hops[6..11].iter_mut().for_each(|hop| hop.voice_known = true);
        let events = run(&hops, &voice());
        let SegmentEvent::Start { id: 1, ago_s, .. } = events[0] else { panic!("{events:?}") };
        assert!((ago_s - 0.67).abs() < 1e-4, "{ago_s}");
        let [end] = ends(&events)[..] else { panic!("{events:?}") };
        assert!((end.duration_s - 0.77).abs() < 1e-4, "{end:?}");
        assert_eq!(end.flags.bits(), 2, "of what was before it was told");
    }

    proptest! {
        #[test]
        fn every_start_has_one_end(
            voices in prop::collection::vec(any::<bool>(), 0..60),
            known_after_s in 0.0..1.0,
        ) {
            let mut onset_s = None;
            let mut hops = Vec::new();
            for (index, &is_on) in (1..).zip(&voices) {
                let begins_s = f64::from(index) * HOP_S - 0.07;
                onset_s = is_on.then(|| onset_s.unwrap_or(begins_s));
                let mut hop = hop(index, onset_s);
                hop.voice_known = onset_s.is_some_and(|at_s| known_after_s < hop.time_s - at_s);
                hops.push(hop);
            }
            let mut open = None;
            for event in run(&hops, &voice()) {
                match event {
                    SegmentEvent::Start { id, .. } => {
                        prop_assert_eq!(open, None);
                        open = Some(id);
                    }
                    SegmentEvent::Part(segment) => prop_assert_eq!(open, Some(segment.id)),
                    SegmentEvent::End(segment) => {
                        prop_assert_eq!(open.take(), Some(segment.id));
                        prop_assert!(0.0 <= segment.duration_s);
                    }
                }
            }
            prop_assert_eq!(open, None);
        }
    }
}
