// page - what moves on the page: state, wishes, history, the operator's desk; preview.js is loaded before.
//
// Texts of viewers reach the page through textContent only. A hidden tab closes its connections: a browser has six
// for all tabs together.
"use strict";

const csrf = document.querySelector("meta[name=csrf]").content;
const viewer = remember(sessionStorage, "viewer", () => random(16));
const mine = JSON.parse(sessionStorage.getItem("wishes") || "[]"); // numbers of this page's wishes
let token = sessionStorage.getItem("operator") || "";
let status = null; // the last state
let statusAt = 0; // performance.now() of it
let turn = 0, nowAt = 0; // which dream is on, and from when on it is seen here

function remember(store, key, make) {
  let value = store.getItem(key);
  if (!value) store.setItem(key, (value = make()));
  return value;
}

function random(digits) {
  const bytes = crypto.getRandomValues(new Uint8Array(digits / 2));
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}

function element(tag, properties, ...children) {
  const e = Object.assign(document.createElement(tag), properties);
  e.append(...children);
  return e;
}

// A person's name: whatever direction it is written in, it turns nothing around.
const named = (name) => element("bdi", { textContent: name });
const headers = () => (token ? { Authorization: "Bearer " + token } : {});

async function post(path, body) {
  const r = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf, ...headers() },
    body: JSON.stringify(body),
  });
  const answer = await r.json().catch(() => ({}));
  return { status: r.status, ...answer };
}

// ---- state ---------------------------------------------------------------------------------------------------------

class Events {
  constructor() {
    this.running = false;
    this.round = 0; // as the player's
  }

  start() {
    if (this.running) return;
    this.running = true;
    this.loop(++this.round);
  }

  stop() {
    this.running = false;
    this.round++;
    if (this.abort) this.abort.abort();
  }

  restart() {
    if (this.abort) this.abort.abort();
  }

  async loop(round) {
    for (let wait = 0.5; this.round === round; wait = Math.min(8, wait * 2)) {
      try {
        this.abort = new AbortController();
        const r = await fetch("/events", { headers: headers(), signal: this.abort.signal });
        if (r.status === 401) leaveDesk("That is not the token of this show.");
        if (r.ok) {
          wait = 0.5;
          await this.read(r.body.getReader());
        }
      } catch (fault) {
        if (fault.name !== "AbortError" && this.round === round && !video.buffered.length)
          say("away", "the show is away, trying again");
      }
      if (this.round === round) await sleep(wait * 1000);
    }
  }

  async read(reader) {
    const text = new TextDecoder();
    let rest = "";
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      rest += text.decode(part.value, { stream: true });
      const messages = rest.split("\n\n");
      rest = messages.pop();
      messages.forEach((m) => this.take(m));
    }
  }

  take(message) {
    const kind = /^event: (.*)$/m.exec(message), data = /^data: (.*)$/m.exec(message);
    if (!kind || !data) return;
    if (kind[1] === "status") showStatus(JSON.parse(data[1]));
    if (kind[1] === "now") setTimeout(showHistory, 400);
  }
}

const events = new Events();

function clock(s) {
  const whole = Math.max(0, Math.round(s));
  return Math.floor(whole / 60) + ":" + String(whole % 60).padStart(2, "0");
}

function set(e, text) {
  if (e.textContent !== text) e.textContent = text;
}

function showStatus(s) {
  status = s;
  statusAt = performance.now();
  player.told(s.live);
  showNext(s);
  showNowInTime(s);
  if (s.operator) showHealth(s);
}

function places(now) {
  if (now.subjects.length < 2) return now.text;
  const at = (place) => (now.subjects.find((s) => s.place === place) || {}).name;
  return at("top") + " above, " + at("bottom") + " below";
}

// The picture here is a moment behind the show's, and what is said about it waits for it.
function showNowInTime(s) {
  if (!s.now) return;
  const late = s.now.turn === turn ? 0 : Math.min(3, player.delay() || 0);
  turn = s.now.turn;
  if (late) setTimeout(() => status.now.turn === s.now.turn && showNow(status), late * 1000);
  else if (performance.now() > nowAt) showNow(s);
  if (late) nowAt = performance.now() + late * 1000;
}

function showNow(s) {
  const now = s.now;
  set($("now-text"), places(now));
  const yours = mine.includes(now.id);
  const by = $("now-by"), said = yours ? "you wished for it" : now.by ? "for " : "its own idea";
  if (by.dataset.key !== said + now.by) {
    by.dataset.key = said + now.by;
    by.replaceChildren(said, ...(!yours && now.by ? [named(now.by)] : []));
  }
  $("seen-row").hidden = now.seen === undefined;
  if (now.seen !== undefined) {
    $("seen").value = now.seen;
    set($("seen-text"), Math.round(now.seen * 100) + " %" + (now.also ? ", also: " + now.also : ""));
  }
  showTug(now.tug);
  document.title = now.text + " - Reverie";
  video.setAttribute("aria-label", "The dream, live: " + now.text);
  stills.alt = "The dream, live: " + now.text;
}

// Two things pull at the picture: a button for each, and how much of it the upper one has.
function showTug(tug) {
  $("tug").hidden = !tug;
  if (!tug) return;
  set($("pull-upper"), tug.winner === tug.upper ? tug.upper + " wins" : "pull for " + tug.upper + ", " + tug.votes_upper);
  set($("pull-lower"), tug.winner === tug.lower ? tug.lower + " wins" : "pull for " + tug.lower + ", " + tug.votes_lower);
  $("pull-upper").disabled = $("pull-lower").disabled = !!tug.winner;
  $("front").value = tug.front;
}

$("pull-upper").onclick = () => pull("!1");
$("pull-lower").onclick = () => pull("!2");

async function pull(text) {
  try {
    const a = await post("/api/request", { text, viewer, name: $("name").value.trim() });
    reply(a.reply || a.text || "That did not work.");
  } catch {
    reply("The show does not answer. Is it still running?");
  }
}

// Between two states the seconds go on.
setInterval(() => {
  if (!status || !status.now) return;
  const left = status.now.changes_in_s - (performance.now() - statusAt) / 1000;
  const held = status.held_for_s > 0 ? "held, " : "";
  set($("changes"), left > 0.5 ? held + "changes in " + clock(left) : "about to change");
}, 250);

function showNext(s) {
  $("rehearsal").hidden = !s.rehearsal;
  const key = JSON.stringify([s.next, s.waiting, s.operator].map((x) => x && x.map ? x.map((d) => d.id) : x));
  $("next-none").hidden = s.waiting > 0;
  set($("next-none"), s.paused ? "No wishes are taken at the moment." : "Nobody waits. Whatever you name is next.");
  if ($("next").dataset.key === key) return;
  $("next").dataset.key = key;
  const rows = s.next.map((d) => {
    const yours = mine.includes(d.id);
    const what = element("span", { className: yours ? "what mine" : "what" }, d.text, yours ? ", yours" : ", for ",
                         ...(yours ? [] : [named(d.by || "somebody")]));
    const row = element("li", {}, what);
    if (s.operator) row.append(element("button", { textContent: "\u00d7", title: "Take it back", ariaLabel: "Take back " + d.text,
                                                   onclick: () => order("withdraw", { id: d.id }) }));
    return row;
  });
  const more = s.waiting - s.next.length;
  if (more > 0) rows.push(element("li", { className: "dim" }, element("span", { className: "what", textContent: "and " + more + " more" })));
  $("next").replaceChildren(...rows);
}

// ---- wishes --------------------------------------------------------------------------------------------------------

const wish = $("wish"), words = $("words");
let asked = 0, picked = -1;

function reply(text, near, links) {
  const shown = Object.entries(links || {}).filter(([, at]) => at)
    .flatMap(([name, at]) => [" ", element("a", { href: at, target: "_blank", rel: "noopener", textContent: name })]);
  $("reply").replaceChildren(text, ...shown);
  $("reply").className = "said";
  if (near && near.length) showChips(near);
}

async function send(text) {
  if (!text.trim()) return wish.focus();
  closeWords();
  $("send").disabled = true;
  try {
    const a = await post("/api/request", { text, viewer, name: $("name").value.trim() });
    if (a.status === 403 && a.error === "foreign") location.reload();
    reply(a.reply || a.text || "That did not work.", a.near, { "the picture": a.still, "the loop": a.loop });
    if (a.id) {
      mine.push(a.id);
      sessionStorage.setItem("wishes", JSON.stringify(mine.slice(-20)));
    }
    if (a.taken) {
      wish.value = "";
      showIdeas();
    }
  } catch {
    reply("The show does not answer. Is it still running?");
  }
  $("send").disabled = false;
}

$("form").onsubmit = (event) => {
  event.preventDefault();
  if (picked >= 0) pick(picked);
  else send(wish.value);
};

$("name").value = localStorage.getItem("name") || "";
$("name").onchange = () => localStorage.setItem("name", $("name").value.trim());

// Completion is for the thing behind the last plus.
const parts = () => /^(.*[+&,]\s*)?(.*)$/s.exec(wish.value);

async function complete() {
  const turn = ++asked, text = parts()[2].trim();
  if (text.length < 2) return closeWords();
  const r = await fetch("/api/words?limit=8&q=" + encodeURIComponent(text)).catch(() => null);
  const found = r && r.ok ? (await r.json()).words : [];
  if (turn !== asked || document.activeElement !== wish) return;
  if (!found.length || (found.length === 1 && found[0].word.toLowerCase() === text.toLowerCase())) return closeWords();
  picked = -1;
  words.replaceChildren(...found.map((w, i) => element("li", { id: "word-" + i, role: "option", ariaSelected: "false",
    onmousedown: (event) => (event.preventDefault(), pick(i)) }, w.word, ...(w.note ? [element("small", { textContent: w.note })] : []))));
  words.hidden = false;
  wish.setAttribute("aria-expanded", "true");
}

function closeWords() {
  asked++;
  picked = -1;
  words.hidden = true;
  wish.setAttribute("aria-expanded", "false");
  wish.removeAttribute("aria-activedescendant");
}

function pick(i) {
  wish.value = (parts()[1] || "") + words.children[i].firstChild.textContent;
  closeWords();
  wish.focus();
}

function mark(i) {
  const rows = words.children;
  picked = (i + rows.length) % rows.length;
  for (let k = 0; k < rows.length; k++) rows[k].setAttribute("aria-selected", String(k === picked));
  wish.setAttribute("aria-activedescendant", "word-" + picked);
}

let typing = 0;
wish.oninput = () => {
  clearTimeout(typing);
  typing = setTimeout(complete, 80);
};
wish.onblur = closeWords;
wish.onkeydown = (event) => {
  if (event.key === "Escape") closeWords();
  if (words.hidden) return;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    mark(event.key === "ArrowDown" ? picked + 1 : picked < 0 ? -1 : picked - 1);
  }
};

function showChips(names) {
  const chips = names.map((name) => element("button", { textContent: name, onclick: () => send(name) }));
  chips.push(element("button", { textContent: "surprise me", className: "surprise", onclick: surprise }));
  $("chips").replaceChildren(...chips);
}

const ideas = async (count) => (await (await fetch("/api/words?limit=" + count)).json()).words.map((w) => w.word);

async function showIdeas() {
  const names = await ideas(5).catch(() => []);
  if (names.length) showChips(names.length > 4 ? [...names.slice(0, 3), names[3] + " + " + names[4]] : names);
}

async function surprise() {
  const names = await ideas(2).catch(() => []);
  if (names.length) send(Math.random() < 0.5 ? names[0] : names.join(" + "));
}

// ---- history -------------------------------------------------------------------------------------------------------

function byline(d) {
  const when = new Date(d.ended * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  return d.by ? [", for ", named(d.by), ", " + when] : [", " + when];
}

async function showHistory() {
  const r = await fetch("/api/history?limit=12").catch(() => null);
  if (!r || !r.ok) return;
  const dreams = (await r.json()).dreams;
  $("before-none").hidden = dreams.length > 0;
  const known = new Map(Array.from($("before").children, (li) => [li.dataset.id, li]));
  $("before").replaceChildren(...dreams.map((d) => known.get(String(d.id)) || thumbnail(d)));
}

function thumbnail(d) {
  const caption = element("span", {}, element("b", { textContent: d.text }), ...byline(d));
  const picture = element("img", { src: d.picture, alt: "", loading: "lazy", width: 320, height: 180 });
  const li = element("li", {}, element("button", { onclick: () => enlarge(d), ariaLabel: d.text + ", larger" }, picture, caption));
  li.dataset.id = d.id;
  return li;
}

function enlarge(d) {
  $("large-picture").src = d.picture;
  $("large-picture").alt = d.text;
  $("large-text").textContent = d.text;
  $("large-by").replaceChildren(...byline(d), d.seen === undefined ? "" : ", seen " + Math.round(d.seen * 100) + " %");
  $("again").onclick = () => {
    $("large").close();
    send(d.text);
  };
  $("large").showModal();
}

$("close").onclick = () => $("large").close();
$("large").onclick = (event) => event.target === $("large") && $("large").close();

// ---- the operator's desk -------------------------------------------------------------------------------------------

function leaveDesk(why) {
  token = "";
  sessionStorage.removeItem("operator");
  $("desk").hidden = true;
  $("key-form").hidden = false;
  $("operator").hidden = false;
  $("key-form").querySelector(".dim").textContent = why;
}

// The link that the terminal shows carries the token behind #, which no server ever sees.
function takeToken() {
  const given = /^#operator=([0-9a-zA-Z._~-]+)$/.exec(location.hash);
  if (given) {
    token = given[1];
    sessionStorage.setItem("operator", token);
    history.replaceState(null, "", location.pathname);
  }
  if (given || token || location.hash === "#operator") $("operator").hidden = false;
}

$("to-operator").onclick = () => {
  $("operator").hidden = false;
};
$("key-form").onsubmit = (event) => {
  event.preventDefault();
  token = $("key").value.trim();
  $("key").value = "";
  sessionStorage.setItem("operator", token);
  events.restart();
};
$("ban-form").onsubmit = (event) => {
  event.preventDefault();
  if ($("ban").value.trim()) order("ban", { name: $("ban").value.trim() });
  $("ban").value = "";
};

async function order(what, body = {}) {
  const a = await post("/api/" + what, body).catch(() => ({ text: "The show does not answer." }));
  if (a.status === 401) leaveDesk("That is not the token of this show.");
  $("desk-reply").textContent = a.reply || a.text || "";
}

for (const button of document.querySelectorAll("[data-order]"))
  button.onclick = () => {
    const what = button.dataset.order, on = button.getAttribute("aria-pressed") === "true";
    if (what === "hold") order("hold", { seconds: on ? 0 : 120 });
    else order(what === "pause" && on ? "resume" : what);
  };

function bytes(n) {
  if (n < 1e6) return Math.round(n / 1e3) + " kB";
  return n < 1e9 ? (n / 1e6).toFixed(1) + " MB" : (n / 1e9).toFixed(2) + " GB";
}

// Each row: what, how it stands in words, and the colour that says the same.
function healthRows(s) {
  const all = s.frames.encoded + s.frames.left_out, missed = s.frames.repeated + s.frames.left_out;
  const late = all ? missed / all : 0;
  const rows = [["Picture", s.video.size + ", " + s.video.fps + " frames/s, " + s.frames.repeated + " repeated" +
                 (s.frames.left_out ? ", " + s.frames.left_out + " left out" : ""),
                 late < 0.001 ? "ok" : late < 0.02 ? "warn" : "bad"]];
  const steps = s.dream.steps_per_s;
  rows.push(["Dream", (steps === undefined ? "beginning" : steps.toFixed(1) + " steps/s") +
             (s.dream.backend ? " on " + s.dream.backend + " (" + s.dream.hardware + ")" : ""), ""]);
  const labels = { record: "Recording", rtmp: "Live", page: "Preview", md5: "Digest" };
  for (const k of s.sinks)
    rows.push([labels[k.name] || k.name, k.state + " " + k.text + (k.bytes ? ", " + bytes(k.bytes) : ""),
               k.state === "ok" ? "ok" : k.state === "retrying" ? "bad" : ""]);
  rows.push(["Chat", s.chat.text || s.chat.state, s.chat.state === "online" ? "ok" : s.chat.state === "off" ? "" : s.chat.state === "alarm" ? "bad" : "warn"]);
  rows.push(["Watching here", String(s.viewers || 0), ""]);
  return rows;
}

function showHealth(s) {
  $("operator").hidden = $("desk").hidden = false;
  $("key-form").hidden = true;
  $("health").replaceChildren(...healthRows(s).flatMap(([what, text, kind]) =>
    [element("dt", { textContent: what }), element("dd", { textContent: text, className: kind })]));
  document.querySelector("[data-order=hold]").setAttribute("aria-pressed", String(s.held_for_s > 0));
  document.querySelector("[data-order=pause]").setAttribute("aria-pressed", String(s.paused));
  $("alarms-head").hidden = !s.alarms.length;
  $("alarms").replaceChildren(...s.alarms.map((a) =>
    element("li", { className: a.level, textContent: clock(s.uptime_s - a.at_s) + " ago: " + a.text })));
}

// ---- keys, and the tab's life --------------------------------------------------------------------------------------

document.onkeydown = (event) => {
  const writing = event.target.matches && event.target.matches("input");
  if (writing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/") (event.preventDefault(), wish.focus());
  if (event.key === "m") $("sound").click();
  if (event.key === "f") $("full").click();
};

function live() {
  if (document.hidden) {
    player.stop();
    events.stop();
  } else {
    player.start();
    events.start();
  }
}

takeToken();
addEventListener("hashchange", () => (takeToken(), events.restart()));
document.addEventListener("visibilitychange", live);
live();
showIdeas();
showHistory();
