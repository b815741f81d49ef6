"use strict";
// The web chat of 园企通: draws the talk, sends what the person says, listens for what we say.
//
// What the person says goes into `queue`, is shown at once, and leaves the queue when the server has it. The queue survives a
// reload, is sent strictly in order, and each entry keeps its id, so that sending again can't say a thing twice.

const $ = (id) => document.getElementById(id);
const room = $("room"), talk = $("talk"), input = $("input"), typing = $("typing"), below = $("below");
const TIME = { month: "long", day: "numeric", hour: "2-digit", minute: "2-digit" };
const AGAIN = new Set([403, 408, 429]); // refusals after which the same message may be taken
const WHO = { you: "您", bot: "园企通", team: "服务团队" };
const queue = stored();
const bubbles = new Map(); // id of a queued entry → its list item
let stream = null; // there once the talk so far is on the screen
let last = 0; // the newest event on the screen
let sending = false, watch = 0;
let anchor = null, drawnAt = 0, toldAt = 0; // where reading goes on; when something was last drawn; the time last told

// ---- drawing

function element(tag, className = "", textContent = "", more = {}) {
  return Object.assign(document.createElement(tag), { className, textContent, ...more });
}

function draw(message) {
  const at = message.at ? new Date(message.at) : new Date();
  if (at - toldAt > 30 * 60e3) talk.append(element("li", "time", at.toLocaleString("zh-CN", TIME)));
  toldAt = at;
  const item = element("li", `said ${message.by}`), bubble = element("div", "bubble");
  bubble.append(element("span", message.by === "team" ? "who" : "unseen", WHO[message.by]), element("p", "words", message.text));
  if (message.picture) bubble.append(picture(message.picture));
  if (message.link) bubble.append(report(message));
  if (message.citations?.length) bubble.append(basis(message.citations));
  item.append(bubble);
  if (message.options?.length) item.append(row(message.options));
  talk.append(item);
  if (message.by !== "bot" || Date.now() - drawnAt > 5e3) anchor = item; // the parts of one answer are read from the first
  drawnAt = Date.now();
  return item;
}

function picture(spec) {
  const href = `/picture/${spec}.svg`, link = element("a", "picture", "", { href, target: "_blank", rel: "noopener" });
  const alt = spec.split("/")[1] === "en" ? "Picture; the text says the same. Opens in full." : "图，内容见文字；点开看大图";
  link.append(element("img", "", "", { src: href, alt }));
  return link;
}

function row(options) {
  const buttons = element("div", "options");
  for (const { label, payload } of options) buttons.append(element("button", "", label, { type: "button", value: payload }));
  return buttons;
}

const inEnglish = (citations) => citations.some(({ gloss }) => gloss);

function report({ link, link_label, citations }) {
  const label = link_label ? link_label : inEnglish(citations) ? "Open the full report (printable)" : "打开完整报告（可打印）";
  return element("a", "report", label, { href: link, target: "_blank", rel: "noopener" });
}

function basis(citations) {
  const papers = new Map(); // the sections of one paper stand together
  const english = inEnglish(citations);
  for (const { title, gloss, number, section } of citations) {
    const paper = (gloss ? `${title} (${gloss})` : title) + (number && (gloss ? `, ${number},` : `（${number}）`) || "");
    papers.set(paper, [...new Set([...(papers.get(paper) ?? []), section])]);
  }
  const details = element("details"), list = element("ul");
  details.append(element("summary", "", english ? "Sources" : "依据"), list);
  for (const [paper, sections] of papers) list.append(element("li", "", `${paper} ${sections.join("；")}`));
  return details;
}

const end = () => room.scrollHeight - room.clientHeight;
const atEnd = () => end() - room.scrollTop < 120;
const follow = () => { room.scrollTop = Math.max(room.scrollTop, Math.min(anchor.offsetTop - 12, end())); };
const status = (words) => { Object.assign($("line"), { textContent: words, hidden: !words }); };

function wait(yes) {
  typing.hidden = !yes;
  clearTimeout(watch);
}

// ---- saying

function say(content, label) {
  const id = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  queue.push({ id, content, label });
  store();
  show(queue.at(-1));
  send();
}

function show({ id, label }) {
  bubbles.set(id, draw({ by: "you", text: label }));
  follow();
}

async function send() {
  if (sending) return;
  sending = true;
  while (queue.length) {
    const { id, content } = queue[0];
    const refusal = await post({ id, ...content });
    if (refusal?.again) {
      for (const entry of queue) mark(entry.id, refusal);
      break;
    }
    mark(id, refusal);
    queue.shift();
    store();
  }
  sending = false;
}

// Nothing when the server has the message; else why not, and whether it makes sense to try again.
async function post(message) {
  wait(true);
  if (anchor) follow();
  const call = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(message), signal: AbortSignal.timeout(20e3) };
  try {
    const response = await fetch("/api/messages", call);
    if (response.ok) {
      // A stream can be dead without anybody having noticed, as on a phone that changed networks: no answer, new stream.
      if (!typing.hidden) watch = setTimeout(() => { wait(false); listen(); }, 5e3);
      return null;
    }
    wait(false);
    return { words: (await response.json()).error, again: AGAIN.has(response.status) || response.status >= 500 };
  } catch {
    wait(false);
    return { words: "没有发出去，网络好像断了。", again: true };
  }
}

function mark(id, refusal) {
  const item = bubbles.get(id);
  item?.querySelector(".failed")?.remove();
  if (!item || !refusal) return;
  const line = element("p", "failed", refusal.words);
  if (refusal.again) line.append(element("button", "", "重发", { type: "button", onclick: send }));
  item.append(line);
  follow();
}

function stored() {
  try { return JSON.parse(sessionStorage.getItem("queue")) ?? []; } catch { return []; }
}

function store() {
  try { sessionStorage.setItem("queue", JSON.stringify(queue)); } catch { /* a reload then forgets what was not sent */ }
}

// ---- listening

async function start() {
  try {
    await send();
    const response = await fetch("/api/history"), history = await response.json();
    if (!response.ok) {
      status(history.error);
      if (response.status !== 403) setTimeout(start, 5e3);
      return;
    }
    $("welcome").hidden = false;
    history.messages.forEach(draw);
    queue.forEach(show);
    const settle = () => { room.scrollTop = end(); };
    for (const image of talk.querySelectorAll("img")) image.onload = settle; // a picture has its height only now
    settle();
    drawnAt = 0;
    talk.setAttribute("aria-live", "polite"); // from here on what comes is new
    last = history.last;
    listen();
  } catch {
    status("连不上园企通，正在重试…");
    setTimeout(start, 3e3);
  }
}

function listen() {
  stream?.close();
  stream = new EventSource(`/api/events?after=${last}`);
  stream.onopen = () => { status(""); send(); };
  stream.onmessage = (event) => {
    const reading = typing.hidden && !atEnd();
    wait(false);
    last = Number(event.lastEventId);
    draw(JSON.parse(event.data));
    if (!reading) follow();
    below.hidden = atEnd();
  };
  stream.onerror = () => {
    status("连接断了，正在重连…");
    if (stream.readyState === EventSource.CLOSED) setTimeout(listen, 3e3);
  };
}

// ---- hands

function grow() {
  input.style.height = "auto";
  input.style.height = `${input.scrollHeight + 2}px`;
}

input.oninput = grow;
input.onkeydown = (event) => {
  const composing = event.isComposing || event.keyCode === 229; // 229: Safari's Enter that ends a composition
  if (event.key !== "Enter" || event.shiftKey || composing) return;
  event.preventDefault();
  $("form").requestSubmit();
};
$("form").onsubmit = (event) => {
  event.preventDefault();
  const text = input.value.trim();
  if (!text || !stream) return;
  input.value = "";
  grow();
  say({ text }, text);
};
room.onclick = (event) => {
  const button = event.target.closest("button[value]");
  // The second click of a double one is no answer.
  if (button && event.detail < 2) say({ option: button.value }, button.dataset.label ?? button.textContent);
};
room.onscroll = () => { if (atEnd()) below.hidden = true; };
below.onclick = () => { room.scrollTop = end(); room.focus(); };
document.onvisibilitychange = window.ononline = () => { if (stream && !document.hidden) listen(); };
if (matchMedia("(pointer: fine)").matches) input.focus();
start();
