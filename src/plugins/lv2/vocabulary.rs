//! The words of LV2's descriptions that the host asks for, as nodes of one lilv world, and what a
//! node says as a number. What they mean is left to `ports` and `controls`. On the plug-in thread.

use livi::lilv;
use livi::lilv::node::Node;

pub struct Vocabulary {
    pub input: Node,
    pub output: Node,
    pub audio: Node,
    pub control: Node,
    pub cv: Node,
    pub mod_cv: Node,
    pub atom: Node,
    pub buffer_type: Node,
    pub sequence: Node,
    pub minimum_size: Node,
    pub state_interface: Node,
    pub load_default_state: Node,
    pub worker_schedule: Node,
    pub designation: Node,
    pub enabled: Node,
    pub free_wheeling: Node,
    pub toggled: Node,
    pub integer: Node,
    pub enumeration: Node,
    pub logarithmic: Node,
    pub sample_rate: Node,
    pub unit: Node,
    pub unit_symbol: Node,
    pub preset: Node,
    pub label: Node,
    pub see_also: Node,
}

impl Vocabulary {
    pub fn new(world: &lilv::World) -> Self {
        let core = |word| world.new_uri(&format!("http://lv2plug.in/ns/lv2core#{word}"));
        let extension = |word| world.new_uri(&format!("http://lv2plug.in/ns/ext/{word}"));
        let unit = |word| world.new_uri(&format!("http://lv2plug.in/ns/extensions/units#{word}"));
        let schema = |word| world.new_uri(&format!("http://www.w3.org/2000/01/rdf-schema#{word}"));
        Self {
            input: core("InputPort"),
            output: core("OutputPort"),
            audio: core("AudioPort"),
            control: core("ControlPort"),
            cv: core("CVPort"),
            mod_cv: world.new_uri("http://moddevices.com/ns/mod#CVPort"),
            atom: extension("atom#AtomPort"),
            buffer_type: extension("atom#bufferType"),
            sequence: extension("atom#Sequence"),
            minimum_size: extension("resize-port#minimumSize"),
            state_interface: extension("state#interface"),
            load_default_state: extension("state#loadDefaultState"),
            worker_schedule: extension("worker#schedule"),
            designation: core("designation"),
            enabled: core("enabled"),
            free_wheeling: core("freeWheeling"),
            toggled: core("toggled"),
            integer: core("integer"),
            enumeration: core("enumeration"),
            logarithmic: extension("port-props#logarithmic"),
            sample_rate: core("sampleRate"),
            unit: unit("unit"),
            unit_symbol: unit("symbol"),
            preset: extension("presets#Preset"),
            label: schema("label"),
            see_also: schema("seeAlso"),
        }
    }
}

/// The finite number that a node says; a word that is true or false is 1 or 0.
#[expect(clippy::cast_precision_loss, reason = "bounds beyond 2^24 need not be exact")]
pub fn number(node: &Node) -> Option<f32> {
    node.as_float()
        .or_else(|| node.as_int().map(|whole| whole as f32))
        .or_else(|| node.as_bool().map(|is_true| f32::from(u8::from(is_true))))
        .filter(|value| value.is_finite())
}

/// What a node says as text; empty for none.
pub fn text(node: Option<&Node>) -> String {
    node.and_then(Node::as_str).unwrap_or_default().to_owned()
}
