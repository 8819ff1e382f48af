// Spares the phones page its reloads: forms are sent in the background, and what changed is
// patched in. Everything shown is rendered by the server; without this file the page still works.
"use strict";

const WAIT_S = 20;          // one long-poll; the server allows 25
const PATCH_GAP_MS = 200;   // at most five patches a second, however busy the carrier is
const LEAD_EVERY_MS = 1500; // a lead's timeline moves without the carrier noticing
const RETRY_MS = 2000;

const state = {
  boot: document.body.dataset.boot,
  cursor: Number(document.body.dataset.cursor),
  lead: document.body.dataset.lead,
};
const rendered = new WeakMap(); // node -> the HTML it was made from, before times were localised
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// Makes the children of `now` those of `next`, keeping every node that did not change, so that
// focus, half-typed text and screen readers are left alone.
function patchList(now, next) {
  const known = new Map([...now.children].map((child) => [child.dataset.key, child]));
  let place = now.firstElementChild;
  for (const fresh of [...next.children]) {
    const old = known.get(fresh.dataset.key);
    known.delete(fresh.dataset.key);
    if (old) {
      const lists = old.querySelectorAll("[data-live]");
      if (old.matches("[data-live]")) {
        patchList(old, fresh);
      } else if (lists.length) {
        for (const list of lists) {
          const other = fresh.querySelector(`[data-live="${list.dataset.live}"]`);
          if (other) patchList(list, other);
        }
      } else if (rendered.get(old) !== fresh.innerHTML) {
        rendered.set(old, fresh.innerHTML);
        old.innerHTML = fresh.innerHTML;
      }
      if (old !== place) now.insertBefore(old, place);
      place = old.nextElementSibling;
    } else {
      rendered.set(fresh, fresh.innerHTML);
      now.insertBefore(fresh, place);
    }
  }
  for (const gone of known.values()) gone.remove();
}

function showLocalTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]:not([data-local])")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    time.textContent = at.toLocaleTimeString([], { hour12: false });
    time.dataset.local = "yes";
  }
}

function patchPart(now, next) {
  const list = now.matches('[data-live="thread"], [data-live="lines"], [data-live="lead"]');
  const before = now.childElementCount;
  patchList(now, next);
  // What is new is shown, wherever the thread stood: a call above it may have moved its end.
  if (list && now.childElementCount !== before) now.scrollTop = now.scrollHeight;
  const lines = now.querySelector(".lines");
  if (lines) lines.scrollTop = lines.scrollHeight;
}

function patchPhone(now, next) {
  for (const part of now.querySelectorAll(".live")) {
    const other = next.querySelector(`.live[data-live="${part.dataset.live}"]`);
    if (other) patchPart(part, other);
  }
  const mode = now.querySelector('select[name="mode"]');
  if (mode && mode !== document.activeElement) {
    mode.value = next.querySelector('select[name="mode"]').value;
  }
}

function patchPage(board) {
  const phones = document.getElementById("phones");
  const seen = new Set();
  for (const next of board.querySelectorAll(".phone")) {
    seen.add(next.dataset.phone);
    const now = phones.querySelector(`.phone[data-phone="${CSS.escape(next.dataset.phone)}"]`);
    if (now) {
      patchPhone(now, next);
      const title = now.querySelector("h3");
      const name = next.querySelector("h3").textContent;
      if (title.textContent !== name) title.textContent = name;
    } else {
      phones.append(next);
      const thread = next.querySelector(".thread");
      thread.scrollTop = thread.scrollHeight;
    }
  }
  for (const phone of phones.querySelectorAll(".phone")) {
    if (!seen.has(phone.dataset.phone)) phone.remove();
  }
  const panel = document.querySelector("#lead-panel > .live");
  const next = board.querySelector("#lead-panel > .live");
  if (panel && next && panel.outerHTML !== next.outerHTML) {
    if (panel.querySelector(".timeline") && next.querySelector(".timeline")) patchList(panel, next);
    else panel.replaceWith(next);
  }
  showLocalTimes(document);
}

let patching = null;
function refresh() {
  patching = (patching || Promise.resolve()).then(async () => {
    const answer = await fetch(`/sandbox/board?lead=${encodeURIComponent(state.lead)}`);
    if (!answer.ok) return;
    patchPage(new DOMParser().parseFromString(await answer.text(), "text/html"));
  }).catch(() => {});
  return patching;
}

function say(id, text) {
  const place = document.getElementById(id);
  place.textContent = text;
  place.hidden = !text;
}

async function follow() {
  for (;;) {
    try {
      const answer = await fetch(
        `/sandbox/api/items?after=${state.cursor}&wait=${WAIT_S}&limit=5000`);
      if (!answer.ok) throw new Error(String(answer.status));
      const news = await answer.json();
      if (news.boot !== state.boot) { location.reload(); return; }
      say("link-state", "Live");
      document.body.classList.add("connected");
      if (news.items.length) {
        state.cursor = news.cursor;
        await refresh();
        await pause(PATCH_GAP_MS);
      }
    } catch {
      document.body.classList.remove("connected");
      say("link-state", "The carrier does not answer; trying again");
      await pause(RETRY_MS);
    }
  }
}

async function send(form, button) {
  const fields = new URLSearchParams(new FormData(form, button));
  if (form.matches(".reply")) form.querySelector('input[name="body"]').value = "";
  try {
    const answer = await fetch(button?.hasAttribute("formaction") ? button.formAction : form.action, {
      method: "POST", body: fields, headers: { "X-Sandbox-Script": "1" },
    });
    const told = await answer.json();
    say("trouble", told.trouble || "");
    if (told.lead) {
      state.lead = told.lead;
      history.replaceState(null, "", `/sandbox?lead=${encodeURIComponent(told.lead)}`);
    }
  } catch {
    say("trouble", "The carrier did not answer. Is it still running?");
  }
  await refresh();
}

document.addEventListener("submit", (event) => {
  if (event.target.method !== "post") return;
  event.preventDefault();
  send(event.target, event.submitter);
});

document.addEventListener("change", (event) => {
  if (event.target.matches('select[name="mode"]')) event.target.form.requestSubmit();
});

// On a call, the computer's own number keys work as the keypad while focus is on the phone.
document.addEventListener("keydown", (event) => {
  if (event.target.matches("input, textarea, select") || event.ctrlKey || event.metaKey) return;
  if (!/^[0-9*#]$/.test(event.key)) return;
  const keypad = event.target.closest(".phone")?.querySelector(".keypad");
  const button = keypad?.querySelector(`button[value="${CSS.escape(event.key)}"]`);
  if (button) { event.preventDefault(); keypad.requestSubmit(button); }
});

document.body.classList.add("scripted");
for (const thread of document.querySelectorAll(".thread")) thread.scrollTop = thread.scrollHeight;
showLocalTimes(document);
follow();
setInterval(() => { if (state.lead && !document.hidden) refresh(); }, LEAD_EVERY_MS);
