// preview - the live picture: one connection into a MediaSource, kept near the newest picture, or pictures one by one.
//
// The badge tells the delay that was measured and nothing else. Loaded first: what every script needs stands here.
"use strict";

const $ = (id) => document.getElementById(id);
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const calm = matchMedia("(prefers-reduced-motion: reduce)");

const video = $("video"), stills = $("stills"), badge = $("badge");
const Source = window.ManagedMediaSource || window.MediaSource;
const safari = !window.MediaSource || /^((?!chrom|android).)*safari/i.test(navigator.userAgent);
const KEEP_S = 10, TARGET_S = 0.3, LATE_S = 0.45, LOST_S = 1.5;

function say(state, text) {
  if (badge.dataset.state !== state) badge.dataset.state = state;
  if ($("badge-text").textContent !== text) $("badge-text").textContent = text;
}

class Player {
  constructor() {
    this.running = false;
    this.round = 0; // counts starts, so that a loop that slept through a stop knows that it is not wanted any more
    this.failures = 0;
    this.drawn = null; // what is drawn now, less this clock; null: not known
    this.stills = 0; // which fallback: 0 none, 1 moving pictures, 2 one a second
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
    stills.removeAttribute("src");
  }

  async loop(round) {
    while (this.round === round) {
      if (!Source || this.stills) return this.fallBack();
      try {
        await this.play();
        this.failures = 0;
      } catch (fault) {
        if (fault.name === "NotSupportedError") this.stills = 1;
        this.failures++;
      }
      if (this.round !== round || this.stills) continue;
      const wait = Math.min(8, 0.5 * 2 ** Math.min(this.failures, 4));
      if (this.failures > 0) say("away", "the show is away, trying again in " + Math.ceil(wait) + " s");
      await sleep(wait * 1000);
    }
  }

  // One connection, from its header to its end.
  async play() {
    this.abort = new AbortController();
    const r = await fetch("/live.mp4", { signal: this.abort.signal });
    if (!r.ok) throw new Error("no preview");
    const type = r.headers.get("Reverie-Media-Type");
    if (!Source.isTypeSupported(type)) {
      this.abort.abort();
      throw new DOMException("", "NotSupportedError");
    }
    const buffer = await this.open(type);
    const reader = r.body.getReader();
    this.failures = 0;
    try {
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        await this.append(buffer, part.value);
        this.steer();
      }
    } finally {
      this.abort.abort();
    }
  }

  open(type) {
    this.source = new Source();
    video.src = URL.createObjectURL(this.source);
    return new Promise((done) =>
      this.source.addEventListener("sourceopen", () => {
        URL.revokeObjectURL(video.src);
        done(this.source.addSourceBuffer(type));
      }, { once: true }));
  }

  async append(buffer, bytes) {
    await this.settle(buffer, () => buffer.appendBuffer(bytes));
    const old = video.currentTime - KEEP_S;
    if (buffer.buffered.length && buffer.buffered.start(0) < old - KEEP_S)
      await this.settle(buffer, () => buffer.remove(0, old));
  }

  settle(buffer, change) {
    return new Promise((done, fail) => {
      const stop = () => {
        buffer.removeEventListener("updateend", finish);
        buffer.removeEventListener("error", broken);
      };
      const finish = () => (stop(), done());
      const broken = () => (stop(), fail(new Error("the preview cannot be read")));
      buffer.addEventListener("updateend", finish);
      buffer.addEventListener("error", broken);
      change();
    });
  }

  // Near the newest picture, but never so near that it stops: faster when a little late, a jump when lost.
  steer() {
    const ranges = video.buffered;
    if (!ranges.length) return;
    const end = ranges.end(ranges.length - 1), start = ranges.start(ranges.length - 1);
    const behind = end - video.currentTime;
    if (behind > LOST_S || video.currentTime < start) video.currentTime = Math.max(start, end - TARGET_S);
    if (!safari) video.playbackRate = behind > LATE_S ? 1.1 : 1;
    if (video.paused && !video.dataset.held) {
      video.play().then(() => ($("tap").hidden = true), (fault) => {
        if (fault.name === "NotAllowedError") $("tap").hidden = false;
      });
    }
  }

  // Browsers without MediaSource, or without the codec: pictures one by one, made for them alone.
  fallBack() {
    this.stills = Math.max(this.stills, 1); // from here on the badge is not the video's
    video.hidden = true;
    stills.hidden = false;
    if (this.stills < 2 && !calm.matches) {
      stills.onerror = () => ((this.stills = 2), this.fallBack());
      stills.src = "/live.mjpg?fps=10";
      say("still", "moving pictures without sound");
      return;
    }
    say("still", "one picture a second");
    const next = () => this.running && (stills.src = "/frame.jpg?t=" + Date.now());
    stills.onload = stills.onerror = () => setTimeout(next, 1000);
    next();
  }

  // The show's clock: which time of the preview is being drawn now.
  told(live) {
    this.drawn = live ? live.drawn_s - performance.now() / 1000 : null;
  }

  // Seconds between a picture being drawn there and being seen here, as far as both clocks tell.
  delay() {
    if (this.drawn === null || video.readyState < 2) return NaN;
    return Math.max(0, this.drawn + performance.now() / 1000 - video.currentTime);
  }
}

const player = new Player();

setInterval(() => {
  if (player.stills || !player.running || badge.dataset.state === "away" && video.readyState < 3) return;
  const delay = player.delay();
  if (video.paused) say("wait", video.readyState ? "paused" : "waking up");
  else if (isNaN(delay)) say("wait", "waking up");
  else if (delay > 3) say("late", "catching up, " + delay.toFixed(1) + " s behind");
  else say("live", "live, " + delay.toFixed(1) + " s behind");
}, 500);

$("tap").onclick = () => video.play().then(() => ($("tap").hidden = true));
$("sound").onclick = () => {
  video.muted = !video.muted;
  $("sound").setAttribute("aria-pressed", String(!video.muted));
};
$("full").onclick = () => {
  if (document.fullscreenElement) document.exitFullscreen();
  else if ($("stage").requestFullscreen) $("stage").requestFullscreen();
  else if (video.webkitEnterFullscreen) video.webkitEnterFullscreen();
};
