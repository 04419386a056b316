"""As much of TouchDesigner as patches/touchdesigner/build_affectd.py uses, for tests without it.

It is strict where TouchDesigner is: an operator type, a parameter, a menu item or a member that
does not exist is an error, names are unique within a component, paths and expressions are resolved
from where their operator stands. OSC really goes through sockets. Pictures are not made.
"""

import fnmatch
import re
import socket
import tomllib
from pathlib import Path
from types import SimpleNamespace

from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.osc_packet import OscPacket

OPERATORS = tomllib.loads(Path(__file__).with_name("touchdesigner_operators.toml").read_text())

SETTABLE = {"name", "nodeX", "nodeY", "comment", "color", "viewer", "display", "render", "bypass"}


class Par:
    def __init__(self, owner, name):
        self.__dict__.update(owner=owner, name=name, mode="CONSTANT", _value=0, _expr="")

    def __setattr__(self, member, value):
        if member == "val":
            self.owner._check_value(self.name, value)
            self.__dict__.update(mode="CONSTANT", _value=value)
        elif member == "expr":
            compile(value, f"{self.owner.path}.par.{self.name}", "eval")
            self.__dict__.update(mode="EXPRESSION", _expr=value)
        else:
            raise AttributeError(f"Par has no settable member {member}")

    @property
    def val(self):
        return self._value

    @property
    def expr(self):
        return self._expr

    def eval(self):
        if self.mode == "CONSTANT":
            return self._value
        return eval(self._expr, self.owner._globals())


class ParCollection:
    def __init__(self, owner, names):
        self.__dict__.update(owner=owner, _pars={name: Par(owner, name) for name in names})

    def __getattr__(self, name):
        try:
            return self.__dict__["_pars"][name]
        except KeyError:
            raise AttributeError(f"{self.owner.OPType} has no parameter {name}") from None

    def __setattr__(self, name, value):
        getattr(self, name).val = value

    def __getitem__(self, name):
        return self._pars.get(name)


class Sequence:
    """Parameters that come in blocks: const0name, const0value, const1name …"""

    def __init__(self, owner, name, members):
        self.owner, self.name, self.members = owner, name, members
        self.numBlocks = 1

    @property
    def numBlocks(self):
        return self._blocks

    @numBlocks.setter
    def numBlocks(self, count):
        pars = self.owner.par._pars
        pattern = re.compile(rf"{self.name}\d+({'|'.join(self.members)})")
        names = [f"{self.name}{block}{member}" for block in range(count) for member in self.members]
        for name in [name for name in pars if pattern.fullmatch(name) and name not in names]:
            del pars[name]
        for name in names:
            pars.setdefault(name, Par(self.owner, name))
        self._blocks = count


class Connector:
    def __init__(self, owner, index, is_input):
        self.owner, self.index, self.isInput = owner, index, is_input
        self.connections = []

    def connect(self, target):
        if isinstance(target, OP):
            ends = target.outputConnectors if self.isInput else target.inputConnectors
            target = ends[0]
        if self.isInput == target.isInput:
            raise ValueError("an input is connected with an output")
        if self.owner.family != target.owner.family or self.owner._place is not target.owner._place:
            raise ValueError(f"{self.owner.path} and {target.owner.path} cannot be connected")
        source, sink = (target, self) if self.isInput else (self, target)
        sink.disconnect()
        source.connections.append(sink)
        sink.connections.append(source)

    def disconnect(self):
        for other in self.connections:
            other.connections.remove(self)
        self.connections = []


class OP:
    def __init__(self, place, kind, name):
        spec = OPERATORS.get(kind)
        if spec is None:
            raise TypeError(f"there is no operator type {kind}")
        self.__dict__.update(
            OPType=kind, family=family_of(kind), _spec=spec, _place=place, name=name,
            valid=True, children=[], docked=[], tags=set(),
            nodeX=0, nodeY=0, comment="", color=(0.5, 0.5, 0.5), viewer=False, display=False,
            render=False, bypass=False, storage={},
            inputConnectors=[Connector(self, i, True) for i in range(spec.get("inputs", 0))],
            outputConnectors=[Connector(self, i, False) for i in range(spec.get("outputs", 0))],
        )  # fmt: skip
        self.__dict__["par"] = ParCollection(self, spec["parameters"].split())
        sequences = spec.get("sequence", {})
        found = {title: Sequence(self, title, members) for title, members in sequences.items()}
        self.__dict__["seq"] = SimpleNamespace(**found)

    def __setattr__(self, member, value):
        if member not in SETTABLE:
            raise AttributeError(f"{self.OPType} has no settable member {member}")
        self.__dict__[member] = value

    @property
    def path(self):
        return "/" if self._place is None else f"{self._place.path.rstrip('/')}/{self.name}"

    @property
    def inputs(self):
        return [end.connections[0].owner for end in self.inputConnectors if end.connections]

    def parent(self, levels=1):
        place = self
        for _ in range(levels):
            place = place._place
        return place

    def op(self, pattern):
        """Looks inside this operator."""
        place = self
        if pattern.startswith("/"):
            while place._place is not None:
                place = place._place
        for part in pattern.strip("/").split("/"):
            if place is None:
                return None
            if part == "..":
                place = place._place
            elif part != ".":
                inside = (one for one in place.children if fnmatch.fnmatchcase(one.name, part))
                place = next(inside, None)
        return place

    def destroy(self):
        if not self.valid:
            raise RuntimeError(f"{self.path} is destroyed already")
        for inner in self.children + self.docked:
            if inner.valid:
                inner.destroy()
        for end in self.inputConnectors + self.outputConnectors:
            end.disconnect()
        self._place.children.remove(self)
        self.__dict__["valid"] = False

    def _globals(self):
        near = self._place.op  # a bare name in a script or an expression stands beside it
        return {"me": self, "op": near, "parent": self.parent, "absTime": ABS_TIME}

    def _check_value(self, name, value):
        menu = self._spec.get("menus", {}).get(name)
        if menu is not None and value not in menu:
            raise ValueError(f"{self.OPType}.par.{name}: {value} is not in its menu {menu}")
        if not isinstance(value, (bool, int, float, str, OP)):
            raise TypeError(f"{self.OPType}.par.{name} cannot be {value!r}")


class COMP(OP):
    def create(self, kind, name=None):
        families = {"COMP": COMP, "CHOP": CHOP, "DAT": DAT}
        special = {"oscinCHOP": OscInCHOP, "oscinDAT": OscInDAT, "oscoutDAT": OscOutDAT,
                   "executeDAT": ExecuteDAT}  # fmt: skip
        family = family_of(kind)
        name = self._free(name or kind.removesuffix(family) + "1")
        made = special.get(kind, families.get(family, OP))(self, kind, name)
        self.children.append(made)
        for inner in made._spec.get("children", []):
            made.create(inner)
        if "docked" in made._spec:
            made.docked.append(self.create("textDAT", f"{name}_{made._spec['docked']}"))
        return made

    def _free(self, name):
        taken = {child.name for child in self.children}
        stem, number = name.rstrip("0123456789"), 1
        while name in taken:
            name, number = f"{stem}{number}", number + 1
        return name


class Channel(float):
    pass


class CHOP(OP):
    def _channels(self):
        """By name, as they leave this operator; a lag is taken for none."""
        if self.OPType == "constantCHOP":
            blocks = range(self.seq.const.numBlocks)
            pairs = ((self.par[f"const{i}name"], self.par[f"const{i}value"]) for i in blocks)
            return {name.eval(): value.eval() for name, value in pairs if name.eval()}
        first = self.inputs[0]._channels() if self.inputs else {}
        if self.OPType == "replaceCHOP":
            second = self.inputs[1]._channels()
            return {name: second.get(name, value) for name, value in first.items()}
        return first

    def __getitem__(self, name):
        value = self._channels().get(name)
        return None if value is None else Channel(value)


class OscInCHOP(CHOP):
    """Strips the leading slash; several numbers of one message get one channel each."""

    def __init__(self, place, kind, name):
        super().__init__(place, kind, name)
        self.__dict__.update(_found={}, _socket=None, _refused=[])

    def _channels(self):
        return self._found

    def _listen(self):
        for address, values in heard(self):
            if any(not isinstance(value, (int, float)) for value in values):
                self._refused.append((address, values))  # TouchDesigner warns
                continue
            name = address.lstrip("/")
            if len(values) == 1:
                self._found[name] = values[0]
            else:
                for index, value in enumerate(values, 1):
                    self._found[f"{name}{index}"] = value


class DAT(OP):
    def __init__(self, place, kind, name):
        super().__init__(place, kind, name)
        self.__dict__["text"] = ""

    def __setattr__(self, member, value):
        if member == "text":
            self.__dict__["text"] = value
        else:
            super().__setattr__(member, value)

    def run(self):
        exec(compile(self.text, self.path, "exec"), self._globals())


class OscInDAT(DAT):
    def __init__(self, place, kind, name):
        super().__init__(place, kind, name)
        self.__dict__.update(_rows=[], _socket=None)

    def _listen(self):
        self._rows.extend(heard(self))


class OscOutDAT(DAT):
    def __init__(self, place, kind, name):
        super().__init__(place, kind, name)
        self.__dict__["_socket"] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def sendOSC(self, address, *values, asBundle=False, useNonStandardTypes=True):
        """Pairs of an address and a list of values, each a message."""
        if asBundle or useNonStandardTypes is not True:
            raise NotImplementedError("the script does without")
        pairs = [address, *values]
        if len(pairs) % 2 != 0:
            raise TypeError("sendOSC takes an address and a list of values")
        sent = 0
        for name, listed in zip(pairs[::2], pairs[1::2]):
            if not isinstance(listed, list):
                raise TypeError(f"sendOSC takes a list of values, not {listed!r}")
            builder = OscMessageBuilder(name)
            for value in listed:
                builder.add_arg(value)
            to = (self.par.address.eval(), int(self.par.port.eval()))
            sent += self._socket.sendto(builder.build().dgram, to)
        return sent


class ExecuteDAT(DAT):
    """Its text is a module that is run once and keeps its variables until the text changes."""

    def __setattr__(self, member, value):
        self.__dict__["_module"] = None
        super().__setattr__(member, value)

    def _frame(self, frame):
        if not (self.par.active.eval() and self.par.framestart.eval()):
            return
        if self.__dict__.get("_module") is None:
            self.__dict__["_module"] = self._globals()
            exec(compile(self.text, self.path, "exec"), self._module)
        self._module["onFrameStart"](frame)


def family_of(kind):
    return kind[-4:] if kind[-4:] in ("CHOP", "COMP") else kind[-3:]


ABS_TIME = SimpleNamespace(frame=0, seconds=0.0)


def heard(receiver):
    """What has come to its port; each bundle is taken apart."""
    if receiver._socket is None:
        found = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        found.bind(("127.0.0.1", int(receiver.par.port.eval())))
        found.setblocking(False)
        receiver.__dict__["_socket"] = found
    while True:
        try:
            packet = receiver._socket.recv(65_536)
        except BlockingIOError:
            return
        for timed in OscPacket(packet).messages:
            yield timed.message.address, timed.message.params


def new_project():
    """The network of a new file: / with project1 in it."""
    root = COMP(None, "baseCOMP", "")
    return root.create("baseCOMP", "project1")


def frame(place):
    """One sixtieth of a second in this component and all within."""
    for child in list(place.children):
        if isinstance(child, ExecuteDAT):
            child._frame(ABS_TIME.frame)
        elif isinstance(child, (OscInCHOP, OscInDAT)):
            child._listen()
        elif isinstance(child, COMP):
            frame(child)
