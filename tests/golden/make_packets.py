"""Writes packets/*.hex: what a receiver of each profile gets for one hop, made from the
specification of OSC 1.0 (big-endian, strings padded to four bytes) with nothing but struct.

    python3 tests/golden/make_packets.py

The hop: channel 1, sequence 4711, recorded at 1790000000.25 s and sent 38 ms later; somebody
speaks; labels happy, sad and unknown.
"""

import pathlib
import struct

LABELS = ["happy", "sad", "unknown"]
CLASSES = [0.625, 0.25, 0.125]
RAW = [0.75, 0.25, 0.0]
DIMENSIONS = {"arousal": 0.625, "valence": 0.75, "dominance": 0.5}
LEVEL_DB = -30.0

# Streams of the group core, in the order of the reference: name, type and values.
CORE = [
    ("t", "iiif", [4711, 1790000000, 250000, 38.0]),
    ("voice/on", "i", [1]),
    ("voice/prob", "f", [0.875]),
    ("fresh", "i", [1]),
    ("level", "f", [LEVEL_DB]),
    ("level/norm", "f", [(LEVEL_DB + 60) / 60]),
    ("level/clip", "i", [0]),
    *((f"class/{label}", "f", [value]) for label, value in zip(LABELS, CLASSES)),
    ("top/index", "i", [0]),
    ("top/prob", "f", [CLASSES[0]]),
    ("quadrant", "i", [1]),
    *((f"dim/{name}", "f", [value]) for name, value in DIMENSIONS.items()),
    ("conf", "f", [0.75]),
]
TOP_LABEL = ("top/label", "s", ["happy"])
QUADRANT_NAME = ("quadrant/name", "s", ["excited"])
LISTED = ("classes", "fff", CLASSES)

SHORT = {
    "voice/on": "voice", "voice/prob": "voice_prob", "level": "level_db", "level/norm": "level",
    "level/clip": "clip", "top/index": "top", "top/prob": "top_prob",
}


def string(text):
    data = text.encode() + b"\0"
    return data + b"\0" * (-len(data) % 4)


def message(address, types, values):
    data = string(address) + string("," + types)
    for tag, value in zip(types, values):
        if tag in "TF":
            continue
        data += string(value) if tag == "s" else struct.pack({"i": ">i", "f": ">f"}[tag], value)
    return data


def bundle(messages):
    # Seconds since 1900, and a quarter of a second as a fraction of 2 to the 32.
    data = string("#bundle") + struct.pack(">II", 1790000000 + 2208988800, 1 << 30)
    for one in messages:
        data += struct.pack(">I", len(one)) + one
    return data


def short(name):
    return SHORT.get(name, name.split("/")[-1])


def below(root, streams):
    return [message(f"{root}/{name}", types, values) for name, types, values in streams]


def with_words():
    """Words come after their numbers, the list after all others."""
    place = [name for name, *_ in CORE].index("quadrant")
    words = [TOP_LABEL, CORE[place], QUADRANT_NAME]
    return CORE[:place] + words + CORE[place + 1 :] + [LISTED]


def vrchat():
    """Flags as true and false, each message by itself, and only what is another than at rest."""
    at_rest = {"level/clip", "dim/dominance"}
    for name, types, values in CORE:
        if name == "t" or name in at_rest:
            continue
        if name in ("voice/on", "fresh"):
            types = "T" if values[0] else "F"
        yield message(f"/avatar/parameters/SER/{short(name)}", types, values)


def main():
    plain = [bundle(below("/ser/ch/1", CORE))]
    inputs = [*DIMENSIONS.values(), *CLASSES]
    packets = {
        "plain": plain,
        "touchdesigner": plain,
        "pd": plain,
        "max": [bundle(below("/ser/ch/1", with_words()))],
        "flat": [bundle([message(f"/{short(n)}", types, values) for n, types, values in CORE])],
        "vrchat": list(vrchat()),
        "wekinator": [message("/wek/inputs", "f" * len(inputs), inputs)],
    }
    folder = pathlib.Path(__file__).parent / "packets"
    folder.mkdir(exist_ok=True)
    for profile, datagrams in packets.items():
        lines = ["# one datagram a line, made by make_packets.py", *(d.hex() for d in datagrams)]
        (folder / f"{profile}.hex").write_text("\n".join(lines) + "\n")


main()
