//! The mappings at work: reads each map's stream from an update and tells where its target is now.
//! Where the values go is the caller's affair. Time is the hops' length; nothing is allocated per
//! hop. The worker's thread.

use crate::config::map::{Curve, Map};
use crate::config::rule::{Kind, RuleError};
use crate::engine::reading::{Names, is_open, read};
use crate::messages::Update;
use crate::units::{to_count, to_f32};

/// How steep `exp` is: its slope at the end over that at the start.
const EXP_RATIO: f64 = 100.0;

/// A slew that is this close, in steps, has arrived: thousands of steps whose length was rounded to
/// f32 may end a hair short.
const LAST_STEP: f64 = 1.001;

/// Up to [`Kind::most`] maps of different names, in the order in which they came.
#[derive(Debug, Default)]
pub struct Mapper {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    map: Map,
    is_solo: bool,
    /// Where the target is, more exactly than it is told; absent before the first value.
    position: Option<f64>,
    /// What the target was told last; absent when it may have been moved by others since.
    told: Option<f32>,
}

impl Mapper {
    fn add(&mut self, map: Map) -> Result<(), RuleError> {
        if self.entries.iter().any(|entry| entry.map.name == map.name) {
            return Err(RuleError::Exists { kind: Kind::Map, name: map.name });
        }
        if self.entries.len() == Kind::Map.most() {
            return Err(RuleError::TooMany { kind: Kind::Map });
        }
        self.entries.push(Entry { map, is_solo: false, position: None, told: None });
        Ok(())
    }

    /// All or, with an error, none. A map that moves the same target as the one of its name did
    /// goes on from there, and stays solo.
    pub fn set_all(&mut self, maps: Vec<Map>) -> Result<(), RuleError> {
        let mut next = Self::default();
        maps.into_iter().try_for_each(|map| next.add(map))?;
        for entry in &mut next.entries {
            let Ok(old) = self.entry(&entry.map.name) else { continue };
            entry.is_solo = old.is_solo;
            if old.map.target == entry.map.target {
                (entry.position, entry.told) = (old.position, old.told);
            }
        }
        *self = next;
        Ok(())
    }

    /// Only this map acts from now on, if it is enabled; `None`: all again.
    pub fn solo(&mut self, name: Option<&str>) -> Result<(), RuleError> {
        if let Some(name) = name {
            self.entry(name)?;
        }
        for entry in &mut self.entries {
            entry.is_solo = name == Some(entry.map.name.as_str());
        }
        Ok(())
    }

    /// The next hop tells every value, moved or not: for targets that forgot theirs.
    pub fn tell_again(&mut self) {
        for entry in &mut self.entries {
            entry.told = None;
        }
    }

    /// One hop of one channel. `moved` hears of each target that has moved. NaN, a name that nobody
    /// has and a closed gate hold the target where it is, in mid-slew too. A map that was off, or
    /// silent because another one was solo, tells its value again though it may not have moved.
    pub fn advance(
        &mut self,
        update: &Update,
        names: Names,
        hop_s: f32,
        moved: &mut dyn FnMut(&Map, f32),
    ) {
        let has_solo = self.entries.iter().any(|entry| entry.is_solo);
        for entry in &mut self.entries {
            if !entry.map.is_enabled || has_solo && !entry.is_solo {
                entry.told = None;
            } else if entry.map.source.channel == update.channel
                && let Some(value) = entry.advance(update, names, f64::from(hop_s))
            {
                moved(&entry.map, value);
            }
        }
    }

    fn entry(&mut self, name: &str) -> Result<&mut Entry, RuleError> {
        let entry = self.entries.iter_mut().find(|entry| entry.map.name == name);
        entry.ok_or_else(|| RuleError::Missing { kind: Kind::Map, name: name.to_owned() })
    }
}

impl Entry {
    /// The target's new value, if it is not where it was told to be.
    fn advance(&mut self, update: &Update, names: Names, hop_s: f64) -> Option<f32> {
        if !is_open(self.map.gate, update) {
            return None;
        }
        let goal = output(&self.map, read(&self.map.source.stream, update, names)?);
        let position = self.slewed(goal, hop_s);
        let (value, before) = (to_f32(position), self.told);
        (self.position, self.told) = (Some(position), Some(value));
        (before.map(f32::to_bits) != Some(value.to_bits())).then_some(value)
    }

    /// As far towards the goal as one hop may go.
    fn slewed(&self, goal: f64, hop_s: f64) -> f64 {
        let Some(position) = self.position else { return goal };
        let [start, end] = self.map.output.map(f64::from);
        let (way, slew_s) = (goal - position, f64::from(self.map.slew_s));
        // An output without extent has no speed to keep to.
        let is_slow = 0.0 < slew_s && start != end;
        let step = if is_slow { (end - start).abs() * hop_s / slew_s } else { f64::INFINITY };
        if way.abs() <= step * LAST_STEP { goal } else { position + step.copysign(way) }
    }
}

/// Where the source's value, which is not NaN, puts the target.
fn output(map: &Map, value: f32) -> f64 {
    let ([low, high], [start, end]) = (map.input.map(f64::from), map.output.map(f64::from));
    let x = ((f64::from(value) - low) / (high - low)).clamp(0.0, 1.0);
    let place = if map.curve == Curve::Exp && 0.0 < start * end {
        start * (end / start).powf(x)
    } else {
        let share = shape(&map.curve, x);
        start * (1.0 - share) + end * share // exact at both ends
    };
    place.clamp(start.min(end), start.max(end)) // rounding
}

/// From 0..1 to 0..1.
fn shape(curve: &Curve, x: f64) -> f64 {
    match curve {
        Curve::Linear => x,
        Curve::Exp => (EXP_RATIO.powf(x) - 1.0) / (EXP_RATIO - 1.0),
        Curve::Log => (1.0 + (EXP_RATIO - 1.0) * x).ln() / EXP_RATIO.ln(),
        Curve::S => x * x * (3.0 - 2.0 * x),
        Curve::Table(values) => {
            let place = x * (values.len() - 1) as f64;
            let before = to_count(place.floor()).min(values.len() - 2);
            let share = place - before as f64;
            let [low, high] = [values[before], values[before + 1]].map(f64::from);
            low * (1.0 - share) + high * share
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::map::TypedMap;
    use crate::config::rule::SourceStream;
    use crate::messages::{ClassScores, Dimensions};

    fn typed(output: [f32; 2], curve: &str) -> TypedMap {
        let (name, source, target) = ("a".into(), "arousal".into(), "/a".into());
        TypedMap { name, source, target, output, curve: curve.into(), ..TypedMap::default() }
    }

    fn map(typed: &TypedMap) -> Map {
        typed.check().expect("a good map")
    }

    /// From 0 to 1 in a second: a tenth a hop.
    fn slow() -> TypedMap {
        TypedMap { slew_s: 1.0, ..typed([0.0, 1.0], "linear") }
    }

    fn named(name: &str) -> TypedMap {
        TypedMap { name: name.into(), ..slow() }
    }

    fn update(arousal: f32) -> Update {
        let mut classes = ClassScores::unknown(2);
        classes.as_mut_slice().copy_from_slice(&[0.7, 0.2, 0.1]);
        Update {
            voice_on: true,
            voice_probability: 0.9,
            level_db: -30.0,
            classes,
            dimensions: Dimensions { arousal, valence: 0.2, dominance: 0.8 },
            confidence: 0.5,
            top: 0,
            inferred: true,
            ..Update::nothing(1, 3)
        }
    }

    /// Names and values that one hop of 0.1 s tells.
    fn hop(mapper: &mut Mapper, update: &Update) -> Vec<(String, f32)> {
        let labels = ["happy", "sad", "unknown"].map(String::from);
        let mut told = Vec::new();
        mapper.advance(update, Names { labels: &labels, taught: &[] }, 0.1, &mut |map, value| {
            told.push((map.name.clone(), value));
        });
        told
    }

    /// Names of the maps that tell a value in one more hop.
    fn check_told(mapper: &mut Mapper, expected: &str) {
        let told = hop(mapper, &update(0.5)).into_iter().map(|(name, _)| name);
        assert_eq!(told.collect::<String>(), expected);
    }

    fn with(maps: &[TypedMap]) -> Mapper {
        let mut mapper = Mapper::default();
        mapper.set_all(maps.iter().map(map).collect()).expect("different names");
        mapper
    }

    /// What one map tells in one hop after the other.
    fn run(typed: &TypedMap, updates: &[Update]) -> Vec<Option<f32>> {
        let mut mapper = with(std::slice::from_ref(typed));
        let told = |update| hop(&mut mapper, update).first().map(|told| told.1);
        updates.iter().map(told).collect()
    }

    /// The first value for 0, 1/4, 1/2, 1; ends to the bit, those between to a millionth.
    fn check(output: [f32; 2], curve: &str, expected: [f32; 4]) {
        let value = |x| run(&typed(output, curve), &[update(x)])[0].expect("the first is told");
        let values = [0.0, 0.25, 0.5, 1.0].map(value);
        assert_eq!([values[0], values[3]], [expected[0], expected[3]], "{curve}");
        let are_near = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-6 * b.abs().max(1.0);
        assert!(values.iter().zip(&expected).all(are_near), "{curve}: {values:?}");
    }

    #[test]
    fn each_curve_has_its_ends_and_middle() {
        check([0.0, 1.0], "linear", [0.0, 0.25, 0.5, 1.0]);
        check([0.0, 1.0], "s", [0.0, 0.15625, 0.5, 1.0]); // 3/16 - 2/64
        // 100^(1/4) is √10 and 100^(1/2) is 10: 2.1622777/99 and 9/99.
        check([0.0, 1.0], "exp", [0.0, 0.021_841_19, 0.090_909_09, 1.0]);
        // ln 25.75 / ln 100 and ln 50.5 / ln 100.
        check([0.0, 1.0], "log", [0.0, 0.705_388_6, 0.851_645_7, 1.0]);
        check([0.0, 1.0], "table:0,0.2,0.9,1", [0.0, 0.15, 0.55, 1.0]);
        check([0.0, 1.0], "table:1,0", [1.0, 0.75, 0.5, 0.0]);
        // Equal ratios where both ends have one sign.
        check([20.0, 20_000.0], "exp", [20.0, 112.468_27, 632.455_5, 20_000.0]); // 20 · 1000^x
        check([-16.0, -1.0], "exp", [-16.0, -8.0, -4.0, -1.0]);
        check([-99.0, 99.0], "exp", [-99.0, -94.675_446, -81.0, 99.0]); // -99 + 198 · 9/99
    }

    #[test]
    fn input_and_output_may_descend_and_the_input_is_clamped() {
        check([10.0, -10.0], "linear", [10.0, 5.0, 0.0, -10.0]);
        check([0.7, 0.7], "linear", [0.7; 4]);
        let typed = TypedMap { input: [0.75, 0.25], ..typed([0.0, 8.0], "linear") };
        let values = [1.0, 0.75, 0.625, 0.25, -1.0].map(|x| run(&typed, &[update(x)])[0]);
        assert_eq!(values, [0.0, 0.0, 2.0, 8.0, 8.0].map(Some));
    }

    #[test]
    fn every_stream_is_read_of_its_own_channel_alone() {
        let loud = [("level", -30.0), ("level/norm", 0.5), ("voice/prob", 0.9), ("conf", 0.5)];
        let flags = [("voice/on", 1.0), ("fresh", 0.0), ("top/prob", 0.7), ("unknown", 0.1)];
        let states = [("level/clip", 0.0), ("top/index", 0.0)];
        let scores = [("happy", 0.7), ("raw/class/unknown", 1.0), ("raw/class/sad", 0.0)];
        let dims = [("arousal", 0.3), ("dim/valence", 0.2), ("dominance", 0.8)];
        for (source, value) in [&loud[..], &flags, &scores, &dims, &states].concat() {
            let ends = TypedMap { input: [-50.0, 50.0], ..typed([-50.0, 50.0], "linear") };
            let near = run(&TypedMap { source: source.into(), ..ends.clone() }, &[update(0.3)])[0];
            assert!(near.is_some_and(|near| (near - value).abs() < 1e-5), "{source}: {near:?}");
            let source = format!("ch/2/{source}");
            assert_eq!(run(&TypedMap { source, ..ends }, &[update(0.3)]), [None]);
        }
    }

    #[test]
    fn the_first_value_comes_at_once_and_a_second_of_slew_takes_ten_hops() {
        let told = run(&slow(), &[&[update(0.0)][..], &[update(1.0); 12]].concat());
        assert_eq!(told[0], Some(0.0));
        assert!(told[9].is_some_and(|value| (value - 0.9).abs() < 1e-6), "{told:?}");
        assert_eq!(told[10..], [Some(1.0), None, None]);
        assert_eq!(run(&slow(), &[1.0, 1.0, 0.9375].map(update)), [Some(1.0), None, Some(0.9375)]);
    }

    #[test]
    fn nan_strange_labels_and_closed_gates_hold_the_target_in_mid_slew_too() {
        let (mut silent, mut unsure) = (update(1.0), update(1.0));
        (silent.voice_on, unsure.confidence) = (false, 0.4);
        let is_held = |gate: &str, held: Update| {
            let typed = TypedMap { gate: gate.into(), ..slow() };
            let told = run(&typed, &[update(0.0), held, held, update(1.0)]);
            told == [Some(0.0), None, None, Some(0.1)]
        };
        assert!(is_held("none", update(f32::NAN)));
        assert!(is_held("voice", silent) && !is_held("none", silent));
        assert!(is_held("conf:0.5", unsure) && !is_held("conf:0.4", unsure));
        assert!(is_held("voice,conf:0.5", silent) && is_held("voice,conf:0.5", unsure));
        assert!(is_held("conf:0", Update { confidence: f32::NAN, ..update(1.0) }));
        assert_eq!(run(&TypedMap { source: "angry".into(), ..slow() }, &[update(0.0)]), [None]);
    }

    #[test]
    fn a_trigger_is_followed_by_its_place() {
        let mut follows = map(&TypedMap { source: "trig/loud".into(), ..slow() });
        follows.source.stream = SourceStream::Trigger("loud".into(), 1);
        let mut mapper = Mapper::default();
        mapper.set_all(vec![follows]).unwrap();
        let mut told = |index| {
            let mut update = update(0.5);
            update.triggers.set(index, true);
            hop(&mut mapper, &update).first().map(|told| told.1)
        };
        assert_eq!([told(0), told(1), told(0)], [Some(0.0), Some(0.1), Some(0.0)]);
    }

    #[test]
    fn only_the_map_that_is_solo_acts_and_the_others_tell_their_value_afterwards() {
        let mut mapper = with(&[slow(), named("b")]);
        check_told(&mut mapper, "ab");
        mapper.solo(Some("b")).unwrap();
        check_told(&mut mapper, "");
        mapper.solo(None).unwrap();
        check_told(&mut mapper, "a");
        let off = TypedMap { enabled: false, ..named("b") };
        mapper.set_all(vec![map(&slow()), map(&off)]).unwrap();
        check_told(&mut mapper, "");
        mapper.set_all(vec![map(&slow()), map(&named("b"))]).unwrap();
        check_told(&mut mapper, "b");
        mapper.solo(Some("b")).unwrap();
        check_told(&mut mapper, "");
        // With the one that is solo its solo goes too.
        mapper.set_all(vec![map(&slow())]).unwrap();
        check_told(&mut mapper, "a");
        mapper.tell_again();
        check_told(&mut mapper, "a");
    }

    #[test]
    fn maps_set_anew_go_on_from_where_their_target_is() {
        let mut mapper = with(&[slow()]);
        hop(&mut mapper, &update(0.0));
        mapper.set_all(vec![map(&named("b")), map(&slow())]).unwrap();
        assert_eq!(hop(&mut mapper, &update(1.0)), [("b".into(), 1.0), ("a".into(), 0.1)]);
        mapper.set_all(vec![map(&TypedMap { target: "/b".into(), ..slow() })]).unwrap();
        assert_eq!(hop(&mut mapper, &update(1.0)), [("a".into(), 1.0)]);
    }

    #[test]
    fn names_taken_or_missing_and_too_many_are_refused_and_change_nothing() {
        let mut mapper = with(&[slow()]);
        assert!(matches!(mapper.add(map(&slow())), Err(RuleError::Exists { .. })));
        assert!(matches!(mapper.solo(Some("b")), Err(RuleError::Missing { .. })));
        assert!(mapper.set_all(vec![map(&named("b")); 2]).is_err());
        let many = (0..65).map(|index| map(&named(&index.to_string()))).collect();
        assert_eq!(mapper.set_all(many), Err(RuleError::TooMany { kind: Kind::Map }));
        check_told(&mut mapper, "a");
    }
}
