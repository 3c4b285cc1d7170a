"use strict";
// What is marked as live is loaded again while something happens, and changed where it has changed.
// What the reader has chosen, opened or is at stays.
const seen = new Map([...document.querySelectorAll("[data-live]")].map((part) => [part.id, part.innerHTML]));
const first = document.querySelector("[data-reload]");
if (first) setTimeout(look, 1000 * first.dataset.reload);

async function look() {
  let seconds = document.querySelector("[data-reload]")?.dataset.reload ?? 5;
  if (!document.hidden) {
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" }, cache: "no-store" });
      if (answer.ok) {
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
        for (const part of document.querySelectorAll("[data-live]")) renew(part, fresh.getElementById(part.id));
        const next = fresh.querySelector("[data-reload]");
        if (!next) return location.reload(); // it is over: the report is there now
        seconds = next.dataset.reload;
        showAnew(document.querySelector("iframe.report"));
      } else if (answer.status === 401 || answer.status === 404) {
        return location.reload();
      }
    } catch {
      // The server is not there; it may come back.
    }
  }
  setTimeout(look, 1000 * seconds);
}

// A report that is being read stays as it is.
function showAnew(report) {
  if (report && !report.matches(":hover") && document.activeElement !== report) report.src = report.src;
}

function renew(part, fresh) {
  if (!fresh || seen.get(part.id) === fresh.innerHTML) return;
  if (part.contains(document.activeElement) && document.activeElement.matches("input, select, textarea")) {
    // A box that was ticked keeps its focus below; what is being written is left alone.
    if (document.activeElement.type !== "checkbox") return;
  }
  const chosen = [...part.querySelectorAll("input:checked")].map((box) => box.value);
  const opened = [...part.querySelectorAll("details")].map((each) => each.open);
  const at = [...part.querySelectorAll("a, button, input, summary")].indexOf(document.activeElement);
  seen.set(part.id, fresh.innerHTML);
  part.replaceChildren(...fresh.childNodes);
  for (const box of part.querySelectorAll("input[type=checkbox]")) box.checked = chosen.includes(box.value);
  part.querySelectorAll("details").forEach((each, k) => { each.open = opened[k] ?? each.open; });
  if (at >= 0) part.querySelectorAll("a, button, input, summary")[at]?.focus();
}

// What was asked for last is what the reader is shown.
document.querySelector("#wrong, [data-look]")?.scrollIntoView();
