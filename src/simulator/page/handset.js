// A phone: follows its calls by server-sent events and does to them what a person does.

const byId = (id) => document.getElementById(id);
const phone = byId("handset");
const number = new URLSearchParams(location.search).get("number")?.trim() || "";
const keys = [...document.querySelectorAll("[data-key]")];

let call = null;
let opened = false;
let past = null; // the call that had ended before this page opened
let audio = null;
let ringing = null;
let playing = null;

const pretty = (text) => (/^\d{7,}$/.test(text) ? `+${text}` : text);
byId("number").textContent = number ? pretty(number.replace(/^\+/, "")) : "any number";
if (number) document.title = `${pretty(number.replace(/^\+/, ""))} · Virtual handset`;

function show(event) {
  if (!opened && event.call?.state === "ended") past = event.call.id;
  opened = true;
  call = event.call?.id === past ? null : event.call;
  const state = call?.state === "dialing" ? "idle" : (call?.state ?? "idle");
  phone.dataset.state = state;
  byId("state").textContent = { idle: "Waiting for a call", ringing: "Incoming call", answered: "In call", ended: "Call ended" }[state];
  byId("detail").textContent = detail(state);
  if (!number) byId("number").textContent = call ? pretty(call.number) : "any number";
  byId("answer").disabled = state !== "ringing";
  byId("hangup").disabled = state !== "ringing" && state !== "answered";
  for (const key of keys) key.disabled = state !== "answered";
  ring(state === "ringing");
  play(state === "answered" ? event.sound : null, call?.playing);
  tick();
}

function detail(state) {
  if (state === "ringing") return call.from && call.from !== "0" ? `from ${pretty(call.from)}` : "";
  if (state === "answered") {
    if (call.playing === "code") return `A voice says: ${call.spoken}`;
    return { greeting: "The greeting plays: press a key", confirmed: `Pressed ${call.key}: the confirmation plays`, fallback: `${call.key ? `Pressed ${call.key}` : "No key pressed"}: the fallback plays` }[call.playing] ?? "";
  }
  if (state === "ended") {
    if (call.key) return `Pressed ${call.key}`;
    return call.answered_at ? "No key pressed" : `Not answered (${call.disposition})`;
  }
  return "";
}

function tick() {
  const since = call?.state === "answered" ? Date.parse(call.answered_at) : NaN;
  const seconds = Math.max(0, Math.floor((Date.now() - since) / 1000));
  byId("timer").textContent = Number.isNaN(seconds) ? "" : `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
setInterval(tick, 500);

// Sound: browsers allow it only after the person has touched the page.

function wakeAudio() {
  audio ??= new AudioContext();
  audio.resume().then(soundState);
}

// What has been heard is kept on the page, for those who test with it.
function heard(what) {
  phone.dataset.heard = `${phone.dataset.heard ?? ""} ${what}`.trim();
}

function soundState() {
  const on = audio?.state === "running";
  byId("sound").setAttribute("aria-pressed", String(on));
  byId("sound").textContent = on ? "Sound is on" : "Turn sound on";
}

function ring(on) {
  if (!on) {
    clearInterval(ringing);
    ringing = null;
  } else if (ringing === null) {
    const burst = () => {
      const audible = beep([440, 480], 0, 0.4) && beep([440, 480], 0.6, 0.4);
      if (audible) heard("ring");
      if (audio) navigator.vibrate?.([400, 200, 400]);
    };
    burst();
    ringing = setInterval(burst, 2400);
  }
}

function beep(tones, delay, length, loudness = 0.08) {
  if (audio?.state !== "running") return false;
  const from = audio.currentTime + delay;
  const gain = new GainNode(audio, { gain: 0 });
  gain.gain.setValueAtTime(0, from);
  gain.gain.linearRampToValueAtTime(loudness, from + 0.02);
  gain.gain.setValueAtTime(loudness, from + length - 0.02);
  gain.gain.linearRampToValueAtTime(0, from + length);
  gain.connect(audio.destination);
  for (const frequency of tones) {
    const tone = new OscillatorNode(audio, { frequency });
    tone.connect(gain);
    tone.start(from);
    tone.stop(from + length);
  }
  return true;
}

function play(id, name) {
  if (playing?.id === id) return;
  playing?.element.pause();
  playing = null;
  if (!id) return;
  const element = new Audio(`sounds/${encodeURIComponent(id)}`);
  playing = { id, element };
  element.addEventListener("playing", () => heard(`${name} ${name}=${id}`), { once: true });
  element.play().catch(() => { /* No sound before the first touch; the text tells the same. */ });
}

// What a person does.

async function act(step) {
  if (!call) return;
  wakeAudio();
  await fetch(`calls/${call.id}/${step}`, { method: "POST" });
}

const tones = { 1: [697, 1209], 2: [697, 1336], 3: [697, 1477], 4: [770, 1209], 5: [770, 1336], 6: [770, 1477], 7: [852, 1209], 8: [852, 1336], 9: [852, 1477], "*": [941, 1209], 0: [941, 1336], "#": [941, 1477] };

function press(key) {
  const button = keys.find((button) => button.dataset.key === key);
  if (!button || button.disabled) return;
  button.classList.add("pressed");
  setTimeout(() => button.classList.remove("pressed"), 150);
  beep(tones[key], 0, 0.15, 0.05);
  act(`press/${encodeURIComponent(key)}`);
}

byId("answer").addEventListener("click", () => act("answer"));
byId("hangup").addEventListener("click", () => act("hangup"));
byId("sound").addEventListener("click", () => { wakeAudio(); beep([880], 0, 0.1); });
for (const key of keys) key.addEventListener("click", () => press(key.dataset.key));
document.addEventListener("pointerdown", wakeAudio, { once: true });
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") act("hangup");
  else if (event.key === "Enter" && !(event.target instanceof HTMLButtonElement)) act("answer");
  else press(event.key);
});

const events = new EventSource(`events${number ? `?number=${encodeURIComponent(number)}` : ""}`);
events.onmessage = (message) => show(JSON.parse(message.data));
events.onerror = () => {
  byId("state").textContent = "Connecting";
  ring(false);
  play(null);
};
