"use strict";
document.documentElement.classList.add("js");

// Rows are sorted within their group: values of different groups have nothing to do with one another.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = head.querySelector("button");
    if (!button) return;
    button.addEventListener("click", () => {
      const falling = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", falling ? "descending" : "ascending");
      const sign = falling ? -1 : 1;
      for (const body of table.tBodies) {
        const rows = [...body.rows].filter((row) => row.dataset.key);
        const keyed = rows.map((row) => {
          const cell = row.cells[Math.min(column, row.cells.length - 1)];
          return { row, key: cell.dataset.sort ?? "" };
        });
        const words = head.dataset.type === "text";
        keyed.sort((a, b) => {
          if (words) return sign * a.key.localeCompare(b.key);
          // What was not measured stays at the end, whichever way is sorted.
          if (a.key === "" || b.key === "") return (a.key === "") - (b.key === "");
          return sign * (Number(a.key) - Number(b.key));
        });
        body.append(...keyed.map((entry) => entry.row));
      }
    });
  });
}

function place(cell, frame, columns, rows) {
  const x = frame % columns, y = Math.floor(frame / columns);
  cell.style.backgroundPosition =
    `${columns > 1 ? (100 * x) / (columns - 1) : 0}% ${rows > 1 ? (100 * y) / (rows - 1) : 0}%`;
}

for (const player of document.querySelectorAll(".player")) {
  const { frames, columns, rows, rate, indices } = JSON.parse(player.dataset.player);
  const cells = [...player.querySelectorAll(".cell")];
  const time = player.querySelector("input.time"), output = player.querySelector("output");
  const button = player.querySelector("button.play");
  let timer = 0;
  const show = () => {
    const frame = Number(time.value);
    cells.forEach((cell) => place(cell, frame, columns, rows));
    output.textContent = `frame ${indices[frame]}`;
    time.setAttribute("aria-valuetext", output.textContent);
  };
  const stop = () => { clearInterval(timer); timer = 0; button.textContent = "Play"; };
  time.addEventListener("input", () => { stop(); show(); });
  button.addEventListener("click", () => {
    if (timer) { stop(); return; }
    button.textContent = "Pause";
    timer = setInterval(() => { time.value = String((Number(time.value) + 1) % frames); show(); }, 1000 / rate);
  });
  const stage = player.querySelector(".stage");
  const split = player.querySelector("input.split");
  if (stage && split) {
    const move = () => stage.style.setProperty("--split", `${split.value}%`);
    split.addEventListener("input", move);
    const drag = (event) => {
      const box = stage.getBoundingClientRect();
      split.value = String(Math.round((100 * (event.clientX - box.left)) / box.width));
      move();
    };
    stage.addEventListener("pointerdown", (event) => { stage.setPointerCapture(event.pointerId); drag(event); });
    stage.addEventListener("pointermove", (event) => { if (event.buttons) drag(event); });
    move();
  }
  for (const select of player.querySelectorAll("select")) {
    const cell = stage.querySelector(select.dataset.side === "left" ? ".over" : ".under");
    const tag = stage.querySelector(`.tag.${select.dataset.side}`);
    const choose = () => {
      cell.className = cell.className.replace(/\bsheet-\S+/, "").trim() + " " + select.value;
      tag.textContent = select.selectedOptions[0].textContent;
    };
    select.addEventListener("change", choose);
    choose();
  }
  show();
}
