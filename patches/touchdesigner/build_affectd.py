"""Builds a TouchDesigner network that hears affectd, and a shape that a voice moves.

In TouchDesigner 2023 or later: make a Text DAT, paste all of this into it, right-click the DAT and
choose Run Script. A component called `affectd` appears beside it. Run it again after a change up
here: it replaces the component that it made, with all that was changed inside, and nothing else.

`me` and `parent` are TouchDesigner's own; it offers them to every script.
"""

DAEMON = "127.0.0.1"  # the machine that affectd runs on; another one needs `affectd --lan`
COMMANDS_PORT = 7370  # where affectd hears commands
STREAMS_PORT = 7371  # where we hear its numbers …
REPLIES_PORT = 7373  # … and its replies; 7372 is affectd's own
CHANNEL = 1  # of affectd: the first voice

NAME = "affectd"
TAG = "made-by-build_affectd"  # by this we know our component when the script runs again

VOICE = f"ser/ch/{CHANNEL}/voice/on"
AROUSAL = f"ser/ch/{CHANNEL}/dim/arousal"
VALENCE = f"ser/ch/{CHANNEL}/dim/valence"

# What the shape shows before the first packet: an OSC In CHOP has no channels until then.
REST = {VOICE: 1.0, AROUSAL: 0.5, VALENCE: 0.5}

# Runs in the Execute DAT. Addresses and ports are read from the nodes, so change them there.
SUBSCRIBE = '''\
# Subscribes, and looks every 10 s whether affectd still counts the seconds for us: it forgets whom
# it has not heard of for 75 s, and one that was started anew does not know us yet.
import time

EVERY_S = 10
last_s = float("-inf")
last_beat = 0.0


def onFrameStart(frame):
    global last_s, last_beat
    now_s = time.monotonic()
    if now_s - last_s < EVERY_S:
        return
    channel = op("streams")["ser/heartbeat"]
    beat = 0.0 if channel is None else float(channel)
    if abs((beat - last_beat) - (now_s - last_s)) < 3:
        op("commands").sendOSC("/ser/ping", [])
    else:
        subscribe()
    last_s, last_beat = now_s, beat


def subscribe():
    commands = op("commands")
    commands.sendOSC("/ser/reply_port", [int(op("replies").par.port.eval())])
    # An empty host is this machine. Then: port, groups, most bundles a second (0: all), lease in
    # seconds, profile: numbers alone, because a CHOP takes no words.
    port = int(op("streams").par.port.eval())
    terms = ["", port, "core,trig,event,health", 0.0, 75.0, "touchdesigner"]
    commands.sendOSC("/ser/subscribe", terms)
'''


def build(place, x, y):
    old = place.op(NAME)
    if old is not None:
        if TAG not in old.tags:
            raise ValueError(f"{old.path} is not of this script: rename it, then run this again")
        x, y = old.nodeX, old.nodeY
        old.destroy()
    base = place.create("baseCOMP", NAME)
    base.tags.add(TAG)
    base.nodeX, base.nodeY = x, y
    base.comment = "hears affectd; op('affectd/channels') has all that it says"
    build_osc(base)
    build_scene(base)
    base.par.opviewer = "./picture"
    base.viewer = True


def build_osc(base):
    streams = add(base, "oscinCHOP", "streams", 0, 0, port=STREAMS_PORT, queued=False)
    channels = add(base, "nullCHOP", "channels", 3, 0)
    channels.comment = "everything that affectd says: connect your own here"
    channels.viewer = True
    connect(streams, channels)

    rest = add(base, "constantCHOP", "rest", 0, 1)
    rest.comment = "what the shape shows before the first packet"
    rest.seq.const.numBlocks = len(REST)
    for index, (name, value) in enumerate(REST.items()):
        setattr(rest.par, f"const{index}name", name)
        setattr(rest.par, f"const{index}value", value)
    live = add(base, "replaceCHOP", "live", 1, 1, length="first")
    connect(rest, live)
    streams.outputConnectors[0].connect(live.inputConnectors[1])
    # affectd speaks ten times a second, the picture moves sixty times.
    glide = add(base, "lagCHOP", "glide", 2, 1, lag1=0.1, lag2=0.1)
    moves = add(base, "nullCHOP", "moves", 3, 1)
    moves.comment = "the three that move the shape"
    connect(live, glide, moves)

    commands = add(base, "oscoutDAT", "commands", 0, 2, address=DAEMON, port=COMMANDS_PORT)
    commands.comment = "op('affectd/commands').sendOSC('/ser/mute', [1])"
    replies = add(base, "oscinDAT", "replies", 1, 2, port=REPLIES_PORT)
    replies.comment = "ok or error for each command"
    subscribe = add(base, "executeDAT", "subscribe", 3, 2)
    subscribe.text = SUBSCRIBE
    subscribe.par.framestart = True
    subscribe.par.active = True


def build_scene(base):
    shape = add(base, "geometryCOMP", "shape", 0, 3, material="material")
    for child in list(shape.children):  # a new one comes with a torus
        child.destroy()
    ball = add(shape, "sphereSOP", "ball", 0, 0, type="mesh", rows=60, cols=60)
    bumps = add(shape, "noiseSOP", "bumps", 1, 0, type="sparse", rough=0.5)
    bumps.par.amp.expr = f"0.6 * op('../moves')['{AROUSAL}']"
    bumps.par.tz.expr = "0.5 * absTime.seconds"
    bumps.render = bumps.display = True
    connect(ball, bumps)
    shape.par.scale.expr = f"0.4 + 1.2 * op('moves')['{AROUSAL}']"
    shape.par.render.expr = f"op('moves')['{VOICE}'] > 0.5"

    material = add(base, "phongMAT", "material", 1, 3, diffb=0.4)
    material.par.diffr.expr = f"1 - op('moves')['{VALENCE}']"
    material.par.diffg.expr = f"op('moves')['{VALENCE}']"

    add(base, "cameraCOMP", "camera", 0, 4, tz=6)
    add(base, "lightCOMP", "light", 1, 4, tx=3, ty=3, tz=6)
    add(base, "renderTOP", "picture", 3, 4, camera="camera", geometry="shape", lights="light")


def add(place, kind, name, column, row, **parameters):
    made = place.create(kind, name)
    made.nodeX, made.nodeY = 200 * column, -180 * row
    for parameter, value in parameters.items():
        setattr(made.par, parameter, value)
    return made


def connect(*row):
    for source, target in zip(row, row[1:]):
        source.outputConnectors[0].connect(target)


build(parent(), me.nodeX + 250, me.nodeY)
