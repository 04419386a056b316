// Hears the daemon from Node through the npm package osc: node listen.js DAEMON_PORT
//
// Subscribes itself, asks for the version, prints a line for each arousal and for the answer, and
// ends after enough of them with 0, after 30 s with 1. Node looks for the package from NODE_PATH.
"use strict";
const osc = require("osc");

const daemonPort = Number(process.argv[2]);
// Port 0: one that is free. All that is sent leaves from it, so answers come to it.
const port = new osc.UDPPort({ localAddress: "127.0.0.1", localPort: 0, metadata: true });
let arousals = 0;
let isAnswered = false;

port.on("message", ({ address, args }) => {
    const values = args.map((argument) => argument.value);
    if (address === "/ser/ch/1/dim/arousal") {
        arousals += 1;
        console.log("arousal", values[0]);
    } else if (address === "/ser/ch/1/classes" || address === "/ser/ch/1/top/label") {
        console.log(address, ...values);
    } else if (address === "/ser/ok") {
        isAnswered = isAnswered || values[0] === "/ser/version";
        console.log("answered", values[0], values[2]);
    } else if (address === "/ser/error") {
        console.log("refused", values[0], values[3]);
    }
    if (isAnswered && arousals >= 20) {
        process.exit(0);
    }
});

port.on("error", (error) => {
    console.error("error", error.message);
});

port.on("ready", () => {
    ask();
    setInterval(ask, 1000);
});

setTimeout(() => {
    console.log("timed out");
    process.exit(1);
}, 30000);

port.open();

// Until it is heard: the daemon may still be starting.
function ask() {
    if (arousals === 0) {
        const ours = port.socket.address().port;
        // Without a cap, for 75 s, with the lists and texts that a patch of Max takes.
        send("/ser/subscribe", [
            ["s", ""], ["i", ours], ["s", "core,vec,text"], ["f", 0], ["f", 75], ["s", "max"],
        ]);
    }
    if (!isAnswered) {
        send("/ser/version", []);
    }
}

function send(address, args) {
    const typed = args.map(([type, value]) => ({ type, value }));
    port.send({ address, args: typed }, "127.0.0.1", daemonPort);
}
