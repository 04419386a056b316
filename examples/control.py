"""Sends the daemon one command and prints its replies, up to `ok` (exit code 0) or an error (1):

python3 control.py [--to HOST:PORT] ADDRESS [ARGUMENT…]

For example `/ser/model/window_s 1.5`, `/ser/labels`, or `/ser/ch/1/dim/arousal` to ask a value.
What looks like a whole number goes as an int, another number as a float, the rest as a string.
Needs python-osc. The answer goes to where the command came from, so one socket serves both ways.
"""

import re
import socket
import sys

from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.osc_packet import OscPacket

REQUEST = 1  # this socket sends one command only, so any id will do
SILENCE_MAX_S = 5


def main():
    to, words = "127.0.0.1:7370", sys.argv[1:]
    if words[:1] == ["--to"]:
        to, words = "".join(words[1:2]), words[2:]
    if not words:
        sys.exit("needed are [--to HOST:PORT] ADDRESS [ARGUMENT…]")
    host, port = to.rsplit(":", 1)
    daemon = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    daemon.connect((host, int(port)))
    daemon.settimeout(SILENCE_MAX_S)

    builder = OscMessageBuilder("/ser/req")
    for value in (REQUEST, words[0], *map(argument, words[1:])):
        builder.add_arg(value)
    daemon.send(builder.build().dgram)
    try:
        while not any([hear(timed.message) for timed in OscPacket(daemon.recv(65_536)).messages]):
            pass
    except OSError as error:
        sys.exit(f"{to}: no answer, {error}")


def argument(word):
    if re.fullmatch(r"[+-]?\d+", word):
        return int(word)
    if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", word, re.IGNORECASE):
        return float(word)
    return word


def hear(message):
    """Prints a reply; true if it is the `ok`."""
    match message.address, message.params:
        case "/ser/error", [_, request, code, text] if request == REQUEST:
            sys.exit(f"{code}: {text}")
        case "/ser/ok", [_, request, *results] if request == REQUEST:
            print("ok", *results)
            return True
        case address, arguments:
            print(address, *arguments)
            return False


if __name__ == "__main__":
    main()
