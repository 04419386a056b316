//! The configuration by OSC: got, set, compared, taken back; what is allowed, and what changes
//! nothing.

use super::*;

#[test]
fn a_key_is_set_by_its_address_or_by_its_name() {
    let mut stage = Stage::new(true);
    let heard = stage.ask("/ser/config/set", &["smooth.attack_s".into(), float(0.5)]);
    assert_eq!(names(&heard), ["/ser/event/config", "/ser/ok"]);
    assert_eq!(heard[0].args[..2], [int(1), "smooth.attack_s".into()]);
    assert_eq!(stage.ask("/ser/smooth/attack_s", &[])[0].args, [float(0.5)]);
    stage.ask("/ser/hold/policy", &["zero".into()]);
    assert_eq!(stage.ask("/ser/config/get", &["hold.policy".into()])[0].args[2..], ["zero".into()]);
    let heard = stage.ask("/ser/config/diff", &[]);
    let keys: Vec<_> = heard.iter().filter(|m| m.addr == "/ser/config/item").collect();
    let told = |index: usize| keys[index].args.clone();
    assert_eq!(told(0), ["hold.policy".into(), "\"zero\"".into(), "\"decay\"".into()]);
    assert_eq!(told(1), ["smooth.attack_s".into(), "0.5".into(), "0.4".into()]);
}

#[test]
fn a_change_is_taken_back_step_by_step() {
    let mut stage = Stage::new(false);
    stage.ask("/ser/voice/on_ms", &[int(200)]);
    stage.ask("/ser/voice/on_ms", &[int(300)]);
    stage.ask("/ser/config/rollback", &[]);
    assert_eq!(stage.ask("/ser/voice/on_ms", &[])[0].args, [int(200)]);
    stage.ask("/ser/config/rollback", &[]);
    assert_eq!(stage.ask("/ser/voice/on_ms", &[])[0].args, [int(100)]);
    assert_eq!(stage.error("/ser/config/rollback", &[]), -5);
}

#[test]
fn what_the_configuration_refuses_has_the_code_that_fits() {
    let mut stage = Stage::new(false);
    let mut set = |key: &str, value: OscType| stage.error("/ser/config/set", &[key.into(), value]);
    assert_eq!(set("voice.threshold", float(7.0)), -4);
    assert_eq!(set("voice.threshold", "loud".into()), -3);
    assert_eq!(set("voice.treshold", float(0.5)), -7);
    assert_eq!(set("nonsense", float(0.5)), -7);
    assert_eq!(set("osc.token", "open sesame".into()), -6);
    assert_eq!(set("input.source", "file:/etc/passwd".into()), -6);
    assert_eq!(set("model.folder", "../elsewhere".into()), -6);
    assert_eq!(set("output.mask", "angry".into()), -7);
    let mut stage = Stage::new(false); // ten errors a second are told
    assert_eq!(stage.error("/ser/config/get", &["osc.token".into()]), -6);
    assert_eq!(stage.error("/ser/device/select", &["file:/etc/passwd".into()]), -6);
    for name in ["../evil", "a/b", "..", "/", ""] {
        assert_eq!(stage.error("/ser/model/load", &[name.into()]), -6, "{name:?}");
    }
}

#[test]
fn the_table_and_the_configuration_have_the_same_ranges() {
    for instance in all_instances("/ser", &identity(), &[]) {
        let Role::Setting(crate::osc::address::Setting::Config(key)) = instance.row.role else {
            continue;
        };
        let Some((low, high)) = instance.row.range else { continue };
        let mut stage = Stage::new(false);
        // The model of the tests has a window of its own, within that of the configuration.
        if key != "model.window_s" {
            for value in [low, high] {
                let heard = stage.ask(&instance.name, &[float(value)]);
                assert_eq!(heard.last().expect("an answer").addr, "/ser/ok", "{key} {value}");
            }
        }
        for value in [low - 1.0, high + 1.0] {
            let code = stage.error(&instance.name, &[float(value)]);
            // A flag takes no other number at all.
            assert!(code == -4 || code == -3, "{key} {value}: {code}");
        }
    }
}

#[test]
fn lists_of_numbers_are_set_too() {
    let mut stage = Stage::new(false);
    stage.ask("/ser/config/set", &["input.map".into(), float(3.0)]);
    assert_eq!(stage.ask("/ser/config/get", &["input.map".into()])[0].args[2..], [int(3)]);
    assert_eq!(stage.error("/ser/config/set", &["input.map".into(), float(0.0)]), -4);
}

#[test]
fn a_mask_is_set_with_labels_and_taken_off_with_all() {
    let mut stage = Stage::new(false);
    stage.ask("/ser/mask", &["happy".into(), "unknown".into()]);
    assert_eq!(stage.ask("/ser/mask", &[])[0].args, ["happy".into(), "unknown".into()]);
    stage.ask("/ser/mask", &["all".into()]);
    assert_eq!(stage.ask("/ser/mask", &[])[0].args, ["all".into()]);
    assert_eq!(stage.error("/ser/mask", &["happy".into(), int(3)]), -3);
}

#[test]
fn a_bad_reload_changes_nothing_on_any_stream() {
    let mut stage = Stage::new(true);
    stage.hop(&update(1, 0));
    stage.heard();
    let before = stage.ask("/ser/{voice,hold,smooth,model}/*", &[]);
    stage.send(OscMessage { addr: "/ser/config/reload".to_string(), args: vec![] });
    let pending = stage.pending.pop().expect("the clerk is asked");
    assert!(matches!(pending.request, Request::Reload(_)));
    let fault = Fault::new(Code::Config, "a.toml:2: voice.threshold = 7: allowed is 0..1");
    stage.surface.answer(pending.ticket, Err(fault), stage.now);
    let heard = stage.heard();
    assert_eq!(names(&heard), ["/ser/error"]);
    assert_eq!(heard[0].args[2], int(-16));
    assert_eq!(stage.ask("/ser/{voice,hold,smooth,model}/*", &[]), before);
    stage.hop(&update(1, 1));
    let heard = stage.heard();
    assert_eq!(heard[0].args[0], int(1));
    assert!(!names(&heard).contains(&"/ser/ch/1/voice/on"), "nothing has changed");
}

#[test]
fn receivers_of_the_configuration_change_with_it() {
    let mut stage = Stage::new(true);
    stage.send(OscMessage {
        addr: "/ser/config/set".to_string(),
        args: vec!["osc.send".into(), "127.0.0.1:40123".into(), "127.0.0.1:40124".into()],
    });
    let pending = stage.pending.pop().expect("the clerk resolves names");
    let Request::Check(typed) = pending.request else { panic!("{pending:?}") };
    let config = typed.check().expect("plain addresses");
    let state = Box::new(config::running::State { typed: *typed, config });
    let cause = Cause::Set("osc".to_string());
    stage.surface.answer(pending.ticket, Ok(Done::Adopted { state, cause }), stage.now);
    let ports: Vec<_> =
        stage.surface.receivers.iter().map(|receiver| receiver.to.address().port()).collect();
    assert_eq!(ports, [40_123, 40_124]);
}

#[test]
fn devices_and_models_are_listed_as_items() {
    let mut stage = Stage::new(false);
    stage.send(OscMessage { addr: "/ser/device/list".to_string(), args: vec![] });
    let pending = stage.pending.pop().expect("the clerk is asked");
    let device = crate::messages::DeviceItem {
        id: "alsa:hw:1,0".into(),
        name: "USB".into(),
        channels: 2,
        rate_hz: 48_000,
        is_default: true,
    };
    stage.surface.answer(pending.ticket, Ok(Done::Devices(vec![device])), stage.now);
    let heard = stage.heard();
    assert_eq!(names(&heard), ["/ser/device/item", "/ser/ok"]);
    assert_eq!(heard[0].args[2..], [int(2), int(48_000), int(1)]);
    assert_eq!(heard[1].args[2], int(1));
    assert_eq!(stage.ask("/ser/model/current", &[])[0].args, ["test-1".into()]);
    assert_eq!(stage.ask("/ser/ch/2/name", &[])[0].args, ["right".into()]);
}
