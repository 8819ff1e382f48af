// Spares a rep on the phone some trouble: clocks that run, no press that counts twice, and a page
// that is read anew when they come back from their call. Without this file everything still works.
"use strict";

const AWAY_MS = 15000; // a glance at another screen is no reason to load anew

const shownAt = performance.now();
const clocks = document.querySelectorAll("time.clock");

function lasted(seconds) {
  if (seconds < 3600) return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  const days = Math.floor(seconds / 86400);
  return days === 1 ? "1 day" : `${days} days`;
}

function tick() {
  const passed = Math.floor((performance.now() - shownAt) / 1000);
  for (const clock of clocks) {
    if (clock.dataset.waited) {
      clock.textContent = lasted(Number(clock.dataset.waited) + passed);
    } else {
      const left = Number(clock.dataset.left) - passed;
      clock.textContent = left > 0 ? `(${lasted(left)} left)` : "(now)";
    }
  }
}

// The button keeps its value: a disabled one would not be sent.
document.addEventListener("submit", (event) => {
  if (document.body.classList.contains("sending")) {
    event.preventDefault();
    return;
  }
  document.body.classList.add("sending");
});

// A page out of the browser's own memory shows what was true before the press.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

// A time half written, or a voicemail that plays, is not to be lost.
function isBusy() {
  const written = [...document.querySelectorAll("input.when")].some((field) => field.value);
  return written || [...document.querySelectorAll("audio")].some((each) => !each.paused);
}

let hiddenAt = 0;
document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    hiddenAt = performance.now();
  } else if (hiddenAt && performance.now() - hiddenAt > AWAY_MS && !isBusy()) {
    location.reload();
  }
});

if (clocks.length) {
  tick();
  setInterval(tick, 1000);
}
