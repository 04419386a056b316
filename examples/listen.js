// Prints what the daemon says about a voice, a line every tenth of a second, until Ctrl-C or for
// some seconds:
//
// npm install osc@2
// node listen.js [HOST:PORT [SECONDS]]
//
// All that is sent leaves from the port that we listen on: answers and streams go to where a
// command came from. osc sends each number as a float; the daemon takes a whole one for an int.
"use strict";
const osc = require("osc");

const ANSWER_MAX_MS = 3000;
const [to = "127.0.0.1:7370", seconds] = process.argv.slice(2);
const end = to.lastIndexOf(":");
const [host, daemonPort] = [to.slice(0, end), Number(to.slice(end + 1))];
const voice = { labels: [], on: 0, top: 0, arousal: 0.5 };
const port = new osc.UDPPort({ localAddress: "0.0.0.0", localPort: 0 });

port.on("ready", () => {
    send("/ser/labels");
    send("/ser/subscribe", "", 0, "core,event"); // "" and 0: to where this comes from
    setInterval(() => send("/ser/ping"), 30000); // it forgets whom it has not heard for 75 s
    setTimeout(() => {
        if (voice.labels.length === 0) stop(`no answer from ${to}`);
    }, ANSWER_MAX_MS);
    if (seconds !== undefined) setTimeout(stop, 1000 * Number(seconds));
});
port.on("message", ({ address, args }) => hear(address, args));
port.on("error", (error) => stop(error.message));
process.on("SIGINT", () => stop());
port.open();

function hear(address, args) {
    if (address === "/ser/ch/1/voice/on") {
        voice.on = args[0];
    } else if (address === "/ser/ch/1/top/index") {
        voice.top = args[0];
    } else if (address === "/ser/ch/1/dim/arousal") {
        voice.arousal = args[0];
    } else if (address === "/ser/ch/1/dim/valence") { // follows arousal in each bundle
        const label = (voice.labels[voice.top] ?? "?").padEnd(12);
        const [arousal, valence] = [voice.arousal.toFixed(2), args[0].toFixed(2)];
        console.log(`voice ${voice.on} ${label} arousal ${arousal} valence ${valence}`);
    } else if (address === "/ser/ok" && args[0] === "/ser/labels") {
        voice.labels = args.slice(2);
    } else if (address === "/ser/error") {
        stop(`${args[0]}: ${args[3]}`);
    } else if (address.startsWith("/ser/event/")) {
        console.log(address, ...args);
    }
}

function send(address, ...args) {
    port.send({ address, args }, host, daemonPort);
}

function stop(trouble) {
    if (trouble !== undefined) console.error(trouble);
    send("/ser/unsubscribe");
    setTimeout(() => process.exit(trouble === undefined ? 0 : 1), 100); // once that has left
}
