"""Runs TouchDesigner's script on a stub of TouchDesigner and looks at what it built:

    python3 touchdesigner.py [HOST:PORT]

With a daemon's address the network is then alive: its OSC Out DAT subscribes, its OSC In CHOP hears
the demo voice, and the shape must move. Ends with 0 and one line, or with what is wrong.
"""

import ast
import re
import socket
import sys
import time
from pathlib import Path

import touchdesigner_stub as td

HERE = Path(__file__).resolve().parent
PATCH = HERE.parent.parent / "patches/touchdesigner"
SCRIPT = (PATCH / "build_affectd.py").read_text(encoding="utf-8")

# Name, type and the inputs of all that must be there.
NETWORK = {
    "streams": ("oscinCHOP", []),
    "channels": ("nullCHOP", ["streams"]),
    "rest": ("constantCHOP", []),
    "live": ("replaceCHOP", ["rest", "streams"]),
    "glide": ("lagCHOP", ["live"]),
    "moves": ("nullCHOP", ["glide"]),
    "commands": ("oscoutDAT", []),
    "replies": ("oscinDAT", []),
    "replies_callbacks": ("textDAT", []),
    "subscribe": ("executeDAT", []),
    "shape": ("geometryCOMP", []),
    "material": ("phongMAT", []),
    "camera": ("cameraCOMP", []),
    "light": ("lightCOMP", []),
    "picture": ("renderTOP", []),
}
INSIDE_SHAPE = {"ball": ("sphereSOP", []), "bumps": ("noiseSOP", ["ball"])}
SENT_SOMETIMES = r"ser/ch/1/(rel|teach|trig)/.*|ser/event/.*"  # once something is asked for
WAIT_MAX_S = 50.0  # the demo voice is angry 6.6 s after its start, and starts again after 33 s


def main():
    project = td.new_project()
    own = project.create("nullCHOP", "mine")
    text = project.create("textDAT", "text1")
    text.text = SCRIPT
    text.run()
    check_network(project)
    first = project.op("affectd")
    first.nodeX = 777
    text.run()
    check_network(project)
    assert not first.valid and project.op("affectd").nodeX == 777, "it takes the place of the old"
    assert own.valid and len(project.children) == 3, "nothing else is touched"
    check_somebody_elses_component()
    check_channels(project.op("affectd"))
    check_the_clock(project.op("affectd"))
    if len(sys.argv) > 1:
        host, port = sys.argv[1].rsplit(":", 1)
        check_live(project, host, int(port))
    print("TouchDesigner's network is as it should be")


def check_network(project):
    base = project.op("affectd")
    for place, expected in [(base, NETWORK), (base.op("shape"), INSIDE_SHAPE)]:
        found = {
            one.name: (one.OPType, [source.name for source in one.inputs]) for one in place.children
        }
        assert found == expected, f"{place.path}: {found}"
        places = [(one.nodeX, one.nodeY) for one in place.children if one not in docked(place)]
        assert len(set(places)) == len(places), f"{place.path}: nodes lie on each other: {places}"
    picture, shape = base.op("picture"), base.op("shape")
    for parameter, kind in [("camera", "camera"), ("geometry", "shape"), ("lights", "light")]:
        seen = base.op(getattr(picture.par, parameter).eval())
        assert seen is base.op(kind), f"picture.par.{parameter}"
    assert base.op(shape.par.material.eval()) is base.op("material")
    assert shape.op("bumps").render and not shape.op("ball").render
    assert base.op(base.par.opviewer.eval()) is picture and base.viewer
    # Before the first packet: neutral and visible, so that one sees that something was made.
    assert look(base) == (1.0, True, 0.5, 0.5), look(base)


def docked(place):
    return [inner for one in place.children for inner in one.docked]


def look(base):
    """Size, visible, red and green as the expressions give them."""
    shape, material = base.op("shape"), base.op("material")
    assert 0.0 <= shape.op("bumps").par.amp.eval() <= 0.6
    size, visible = round(shape.par.scale.eval(), 6), bool(shape.par.render.eval())
    return size, visible, material.par.diffr.eval(), material.par.diffg.eval()


def check_somebody_elses_component():
    project = td.new_project()
    theirs = project.create("baseCOMP", "affectd")
    text = project.create("textDAT", "text1")
    text.text = SCRIPT
    try:
        text.run()
    except ValueError as error:
        assert "rename it" in str(error)
    else:
        raise AssertionError("a component of the same name that is not ours was replaced")
    assert theirs.valid


def table():
    """A pattern for each channel of channels.md."""
    lines = (PATCH / "channels.md").read_text(encoding="utf-8").splitlines()
    names = [line.split("`")[1] for line in lines if line.startswith("| `")]
    assert len(names) == len(set(names)) > 50
    return {name: re.compile(re.escape(name).replace("NAME", "[a-z0-9_]+")) for name in names}


def used(base):
    """Channels that an expression asks for, and those with a value at rest."""
    names = {base.op("rest").par[f"const{index}name"].eval() for index in range(3)}
    for one in base.children + base.op("shape").children:
        for par in one.par._pars.values():
            if par.mode == "EXPRESSION":
                strings = ast.walk(ast.parse(par.expr))
                strings = (node.value for node in strings if isinstance(node, ast.Constant))
                names |= {name for name in strings if isinstance(name, str) and "ser/" in name}
    return names


def check_channels(base):
    known = table()
    assert len(used(base)) == 3
    for name in used(base):
        assert name in known, f"{name} is not in channels.md"


def check_the_clock(base):
    """Subscribes at once; then asks again only where the heartbeat does not count our seconds."""
    clock = type("Clock", (), {"monotonic": lambda: clock.now_s, "now_s": 5.0})
    sent = []
    base.op("commands").__dict__["sendOSC"] = lambda address, values: sent.append(address)
    heard, subscribe = base.op("streams")._found, base.op("subscribe")
    subscribe._frame(1)
    subscribe._module.update(time=clock, last_s=5.0, last_beat=0.0)
    asked, ping = ["/ser/reply_port", "/ser/subscribe"], ["/ser/ping"]
    assert sent == asked, sent
    # Seconds that pass, what the heartbeat counts then, and what must be sent.
    course = [(9.0, None, []), (1.5, None, asked), (10.0, 10, ping), (10.5, 21, ping),
              (5.0, 26, []), (6.0, 31, ping), (11.0, 31, asked), (10.0, 9, asked),
              (10.0, 19, ping)]  # fmt: skip
    for seconds, beat, expected in course:
        del sent[:]
        clock.now_s += seconds
        if beat is not None:
            heard["ser/heartbeat"] = beat
        subscribe._frame(2)
        assert sent == expected, f"{sent} after {seconds} s with {beat}"
    del base.op("commands").__dict__["sendOSC"]
    heard.clear()
    subscribe.text = subscribe.text  # forgets its variables


def check_live(project, host, port):
    base = project.op("affectd")
    streams, replies, commands = base.op("streams"), base.op("replies"), base.op("commands")
    commands.par.address, commands.par.port = host, port
    streams.par.port, replies.par.port = free_port(), free_port()
    sizes, seen, end = set(), set(), time.monotonic() + WAIT_MAX_S
    while not (len(sizes) > 50 and max(sizes) - min(sizes) > 0.15 and len(seen) == 2):
        assert time.monotonic() < end, f"the shape stands still: {sorted(sizes)}, {seen}"
        td.frame(base)
        size, visible, red, green = look(base)
        assert 0.4 <= size <= 1.6 and 0.0 <= red <= 1.0 and abs(red + green - 1.0) < 1e-6
        sizes.add(size)
        seen.add(visible)
        time.sleep(1 / 60)
    assert not streams._refused, f"a CHOP takes no words: {streams._refused}"
    check_subscription(base)
    check_table(base)


def check_subscription(base):
    streams, replies, commands = base.op("streams"), base.op("replies"), base.op("commands")
    commands.sendOSC("/ser/subscribers", [])
    answers = wait_for(base, lambda: [row for row in replies._rows if row[0] == "/ser/subscriber"])
    port = streams.par.port.eval()
    ours = [values for _, values in answers if values[2] == port]
    assert len(ours) == 1 and ours[0][6] == "touchdesigner", answers
    assert set(ours[0][3].split(",")) == {"core", "trig", "event", "health"}, ours
    assert 70.0 < ours[0][5] <= 75.0, "a lease that ends with the network"
    errors = [row for row in replies._rows if row[0] == "/ser/error"]
    assert not errors, errors


def check_table(base):
    """All groups: what comes is in the table, and what is in the table comes."""
    streams, commands = base.op("streams"), base.op("commands")
    base.op("subscribe").par.active = False  # it would ask for its own groups again
    groups = "core,seg,trig,event,health,raw,feat,vec,text"
    terms = ["", streams.par.port.eval(), groups, 0.0, 75.0, "touchdesigner"]
    commands.sendOSC("/ser/subscribe", terms)
    commands.sendOSC("/ser/trigger/add", ["excited", "dim/arousal", 0.7, 0.55, 0.5, 2.0])
    known = table()
    wanted = [name for name in known if not re.fullmatch(SENT_SOMETIMES, name)]
    wait_for(base, lambda: "ser/ch/1/trig/excited" in streams._found)
    wait_for(base, lambda: all(name in streams._found for name in wanted), wanted)
    for name in streams._found:
        is_listed = any(pattern.fullmatch(name) for pattern in known.values())
        is_more_of_it = name[:-1] + "1" in known  # classes2 beside classes1
        assert is_listed or is_more_of_it, f"{name} is not in channels.md"
    assert not streams._refused, f"a CHOP takes no words: {streams._refused}"


def wait_for(base, found, wanted=()):
    end = time.monotonic() + WAIT_MAX_S
    while not found():
        missing = [name for name in wanted if name not in base.op("streams")._found]
        assert time.monotonic() < end, f"in vain: {missing}"
        td.frame(base)
        time.sleep(1 / 60)
    return found()


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


if __name__ == "__main__":
    main()
