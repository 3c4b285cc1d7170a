"use strict";
// What is marked as live is replaced when the server tells that it has changed.
// What the reader has chosen, opened or is at stays.
const parts = [...document.querySelectorAll("[data-live]")];
const seen = new Map(parts.map((part) => [part.id, part.innerHTML]));
const events = document.querySelector("[data-events]")?.dataset.events;
let line;
if (events) {
  document.addEventListener("visibilitychange", listen);
  listen();
}

// A tab that nobody sees holds no connection: a browser has but six of them to a server.
function listen() {
  line?.close();
  if (document.hidden) return;
  const own = line = new EventSource(events);
  for (const part of parts) own.addEventListener(part.id, (event) => renew(part, JSON.parse(event.data)));
  own.addEventListener("end", () => {
    own.close();
    location.reload(); // all of it is there now
  });
  own.addEventListener("error", () => {
    if (own.readyState === EventSource.CLOSED && own === line) listenAgain();
  });
}

// The server has refused: for another token, a study that is gone, or a proxy that waits for it.
async function listenAgain() {
  try {
    const { ok, status } = await fetch(location.href, { headers: { accept: "text/html" } });
    if (status === 401 || status === 404) return location.reload();
    if (ok) return listen();
  } catch {
    // It is not there; it may come back.
  }
  setTimeout(listenAgain, 5000);
}

function renew(part, html) {
  const fresh = document.createElement("template");
  fresh.innerHTML = html;
  if (seen.get(part.id) === fresh.innerHTML) return;
  const [report, next] = [part, fresh.content].map((each) => each.querySelector("iframe.report"));
  if (report && next) {
    // One that is being read stays as it is.
    if (!report.matches(":hover") && document.activeElement !== report) report.src = next.src;
    return;
  }
  const chosen = [...part.querySelectorAll("input:checked")].map((box) => box.value);
  const opened = [...part.querySelectorAll("details")].map((each) => each.open);
  const at = [...part.querySelectorAll("a, button, input, summary")].indexOf(document.activeElement);
  seen.set(part.id, fresh.innerHTML);
  part.replaceChildren(fresh.content);
  for (const box of part.querySelectorAll("input[type=checkbox]")) box.checked = chosen.includes(box.value);
  part.querySelectorAll("details").forEach((each, k) => { each.open = opened[k] ?? each.open; });
  if (at >= 0) part.querySelectorAll("a, button, input, summary")[at]?.focus();
}

// What was asked for last is what the reader is shown.
document.querySelector("#wrong, [data-look]")?.scrollIntoView();
