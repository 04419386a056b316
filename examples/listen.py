"""Prints what the daemon says about a voice, a line every tenth of a second, until Ctrl-C or for
some seconds:

python3 listen.py [HOST:PORT [SECONDS]]

Needs python-osc. One socket serves both ways, so that the daemon's answers and streams, which go to
where a command came from, find it; python-osc's own client and server are two.
"""

import math
import socket
import sys
import time

from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.osc_packet import OscPacket


def main():
    host, port = (sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:7370").rsplit(":", 1)
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else math.inf
    daemon = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    daemon.connect((host, int(port)))
    daemon.settimeout(0.1)
    voice = {"labels": [], "on": 0, "top": 0, "arousal": 0.5}
    try:
        send(daemon, "/ser/labels")
        send(daemon, "/ser/subscribe", "", 0, "core,event")  # "" and 0: to where this comes from
        listen(daemon, voice, time.monotonic() + seconds)
    except KeyboardInterrupt:
        pass
    except ConnectionRefusedError:
        sys.exit(f"nothing listens at {host}:{port}")
    send(daemon, "/ser/unsubscribe")


def listen(daemon, voice, end):
    renewed = time.monotonic()
    while time.monotonic() < end:
        if time.monotonic() - renewed > 30:  # the daemon forgets whom it has not heard for 75 s
            send(daemon, "/ser/ping")
            renewed = time.monotonic()
        try:
            packet = daemon.recv(65_536)
        except TimeoutError:
            continue
        for timed in OscPacket(packet).messages:
            hear(timed.message.address, timed.message.params, voice)


def hear(address, arguments, voice):
    match address, arguments:
        case "/ser/ch/1/voice/on", [on]:
            voice["on"] = on
        case "/ser/ch/1/top/index", [top]:
            voice["top"] = top
        case "/ser/ch/1/dim/arousal", [arousal]:
            voice["arousal"] = arousal
        case "/ser/ch/1/dim/valence", [valence]:  # follows arousal in each bundle
            label = voice["labels"][voice["top"]] if voice["labels"] else "?"
            print(f"voice {voice['on']} {label:12} arousal {voice['arousal']:.2f}"
                  f" valence {valence:.2f}", flush=True)
        case "/ser/ok", ["/ser/labels", _, *labels]:
            voice["labels"] = labels
        case "/ser/error", [command, *_, text]:
            sys.exit(f"{command}: {text}")
        case _ if address.startswith("/ser/event/"):
            print(address, *arguments, flush=True)


def send(daemon, address, *arguments):
    builder = OscMessageBuilder(address)
    for argument in arguments:
        builder.add_arg(argument)
    daemon.send(builder.build().dgram)


if __name__ == "__main__":
    main()
