
"use strict";
// The page of a running study loads itself again; where the reader is on it stays.
const { written, reload } = document.body.dataset;
if (reload) {
  const minutes = Math.floor((Date.now() / 1000 - written) / 60);
  if (minutes >= 5) {
    document.getElementById("silence").textContent =
      `No news for ${minutes} minutes: epochs take long, or the study was killed.`;
  }
  // Of no origin, as a server shows it, it would ask without the reader's cookie: its frame loads it.
  const alone = origin !== "null" || location.protocol === "file:";
  if (alone) setInterval(() => document.hidden || location.reload(), 1000 * reload);
}

// Sorts tables by a click on a heading: ascending, descending, as written.
for (const table of document.querySelectorAll("table.sortable")) {
  const [body] = table.tBodies;
  const written = [...body.rows];
  const headings = [...table.tHead.rows[0].cells];
  const next = { none: "ascending", ascending: "descending", descending: "none" };

  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    heading.ariaSort = "none";
    button.addEventListener("click", () => {
      const order = next[heading.ariaSort];
      for (const other of headings) other.ariaSort = "none";
      heading.ariaSort = order;
      const rows = [...written];
      if (order !== "none") rows.sort((a, b) => compare(a, b, column, order === "ascending" ? 1 : -1));
      body.append(...rows);
    });
  });
}

// Numbers before words, and cells that hold nothing last in either direction.
function compare(a, b, column, direction) {
  const [left, right] = [a, b].map((row) => row.cells[column]);
  const [x, y] = [left, right].map((cell) => rank(cell));
  if (x !== y) return x - y;
  if (x === 0) return direction * (Number(left.dataset.sort) - Number(right.dataset.sort));
  return direction * left.innerText.localeCompare(right.innerText, "en", { numeric: true });
}

function rank(cell) {
  const key = cell.dataset.sort;
  return key === undefined ? 1 : key === "" ? 2 : 0;
}

// On a narrow screen a figure can be shown at full size, to be scrolled sideways.
for (const figure of document.querySelectorAll("figure")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Enlarge";
  button.ariaPressed = "false";
  button.addEventListener("click", () => {
    button.ariaPressed = String(figure.classList.toggle("wide"));
    button.textContent = figure.classList.contains("wide") ? "Fit" : "Enlarge";
  });
  figure.querySelector("figcaption").append(button);
}
