// Everything works without this file; with it, pages stay up to date and there are keyboard shortcuts.
"use strict";

const typing = (element) => element.closest("input, textarea, select, [contenteditable]");

// The node's times are UTC; people read local time.
const two = (number) => String(number).padStart(2, "0");
const localTime = (moment) =>
  `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())} ` +
  `${two(moment.getHours())}:${two(moment.getMinutes())}:${two(moment.getSeconds())}`;
function localise(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    if (!Number.isNaN(moment.valueOf())) {
      time.title = time.dateTime;
      time.textContent = localTime(moment);
    }
  }
}

// A part with data-poll is fetched again every few seconds while the page is visible.
function keepFresh(part) {
  const every = Number(part.dataset.every || 2) * 1000;
  async function fetchOnce() {
    if (!document.hidden) {
      try {
        const response = await fetch(part.dataset.poll, {
          headers: { "X-Auditscp-Poll": "1" }, redirect: "error", credentials: "same-origin",
        });
        if (response.status === 401) {
          location.reload();
          return;
        }
        if (response.ok) {
          const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
          part.replaceChildren(...fresh.body.childNodes);
          localise(part);
        }
        part.classList.toggle("stale", !response.ok);
      } catch {
        part.classList.add("stale");
      }
    }
    setTimeout(fetchOnce, every);
  }
  setTimeout(fetchOnce, every);
}

// Keys: g and a letter go to a page, j and k move along the rows.
const pages = { n: "/", s: "/series", q: "/quarantine", e: "/senders", r: "/rules" };
let going = 0;

function walk(step) {
  const rows = [...document.querySelectorAll("tr.link, li.link")];
  if (!rows.length) return;
  const at = rows.findIndex((row) => row.classList.contains("at"));
  const next = rows[Math.min(Math.max(at + step, 0), rows.length - 1)];
  rows.forEach((row) => row.classList.toggle("at", row === next));
  next.querySelector("a.row")?.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

const keys = {
  j: () => walk(1),
  k: () => walk(-1),
  "/": () => document.querySelector("[data-search]")?.focus(),
  "?": () => document.querySelector("#keys")?.showModal(),
  u: () => document.querySelector(".crumb a")?.click(),
  a: () => document.querySelector("[data-acts] :is(button, input:not([type=hidden]))")?.focus(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.key === "Escape" && typing(event.target)) {
    event.target.blur();
    return;
  }
  if (typing(event.target)) return;
  if (going && event.timeStamp - going < 1200 && pages[event.key]) {
    going = 0;
    location.assign(pages[event.key]);
  } else if (event.key === "g") {
    going = event.timeStamp;
    return;
  } else if (keys[event.key]) {
    keys[event.key]();
  } else {
    going = 0;
    return;
  }
  going = 0;
  event.preventDefault();
});

// A click anywhere in a row is a click on its link.
document.addEventListener("click", (event) => {
  if (event.target.closest("a, button, input, label, summary") || getSelection()?.toString()) return;
  event.target.closest("tr.link")?.querySelector("a.row")?.click();
});

// The checkbox in a table's head selects all of its rows.
document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-tick-all]")) return;
  for (const box of event.target.closest("form").querySelectorAll('input[name="receipt"]')) {
    box.checked = event.target.checked;
  }
});

// An image that cannot be shown is replaced by a sentence.
for (const image of document.querySelectorAll("img[data-instead]")) {
  const replace = async () => {
    const words = document.createElement("p");
    words.className = "soft";
    words.textContent = image.dataset.instead;
    image.replaceWith(words);
  };
  if (image.complete && image.naturalWidth === 0) replace();
  image.addEventListener("error", replace);
}

localise(document);
document.querySelectorAll("[data-poll]").forEach(keepFresh);
