"""Makes the daemon know one voice: a baseline, then three labels, shown while the demo voice plays.

    affectd --input demo
    python3 teach.py [HOST:PORT [NAME]]

Ends with a profile NAME ("demo" if none is given) beside the daemon's configuration, which
`/ser/teach/load NAME` brings back. With a voice of your own, a button that sends
`/ser/teach/label calm 1` and, released, `/ser/teach/label calm 0` does what the table of the demo
voice does here. Needs python-osc.
"""

import csv
import socket
import sys
from pathlib import Path

from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.osc_packet import OscPacket

HOP_S = 0.1
LOOP_S = 35.0  # the daemon plays demo_voice.flac, is silent, and begins again
LABELS = ("neutral", "sad", "angry")
BASELINE_S = 8.0


def main():
    host, port = (sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:7370").rsplit(":", 1)
    name = sys.argv[2] if len(sys.argv) > 2 else "demo"
    daemon = Daemon(host, int(port))
    daemon.ask("/ser/subscribe", "", 0, "core")  # "" and 0: to where this comes from
    print(f"baseline of {BASELINE_S:.0f} s of speech …")
    daemon.ask("/ser/ch/1/calibrate/start", BASELINE_S)
    show(daemon)
    daemon.ask("/ser/teach/count")
    (score,) = daemon.ask("/ser/teach/train")
    print(f"{100 * score:.0f} % right on recordings left out")
    daemon.ask("/ser/teach/save", name)
    daemon.ask("/ser/unsubscribe")


def show(daemon):
    """Shows each label where the demo voice does, for one loop."""
    with open(Path(__file__).with_name("demo_voice.csv"), encoding="utf-8") as table:
        shown = [row for row in csv.DictReader(table) if row["emotion"] in LABELS]
    begin = daemon.time_s() // LOOP_S * LOOP_S + LOOP_S  # of the next loop
    for row in shown:
        daemon.wait_until(begin + float(row["start_s"]))
        daemon.ask("/ser/teach/label", row["emotion"], 1)
        daemon.wait_until(begin + float(row["end_s"]))
        (examples,) = daemon.ask("/ser/teach/label", row["emotion"], 0)
        print(f"{row['emotion']}: {examples} examples")


class Daemon:
    """Commands one after the other, and the time of the stream in between."""

    def __init__(self, host, port):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect((host, port))
        self.socket.settimeout(60)
        self.seq = 0

    def ask(self, address, *arguments):
        builder = OscMessageBuilder(address)
        for argument in arguments:
            builder.add_arg(argument)
        try:
            self.socket.send(builder.build().dgram)
            while True:
                for heard, values in self.messages():
                    match heard, values:
                        case "/ser/ok", [to, _, *results] if to == address:
                            return results
                        case "/ser/error", [to, _, code, text] if to == address:
                            sys.exit(f"{address}: {text} ({code})")
                        case "/ser/progress" | "/ser/teach/item" | "/ser/teach/confusion", _:
                            print("  ", *values)
        except OSError as error:
            sys.exit(f"no answer: {error}")

    def time_s(self):
        before = self.seq
        while self.seq == before:
            self.messages()
        return self.seq * HOP_S

    def wait_until(self, time_s):
        while self.time_s() < time_s:
            pass

    def messages(self):
        """What one packet holds; keeps the sequence number of the last hop."""
        packet = OscPacket(self.socket.recv(65_536))
        found = [(timed.message.address, timed.message.params) for timed in packet.messages]
        for address, values in found:
            if address == "/ser/ch/1/t":
                self.seq = values[0]
        return found


if __name__ == "__main__":
    main()
