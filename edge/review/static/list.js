// The list of cues: choosing many, and filters that act at once.
const boxes = [...document.querySelectorAll("input[name=number]")];
const all = document.getElementById("all"), chosen = document.getElementById("chosen");
let before = -1;

function count() {
  const n = boxes.filter((box) => box.checked).length;
  chosen.textContent = n ? String(n) : "";
  if (all) { all.checked = n > 0 && n === boxes.length; all.indeterminate = n > 0 && n < boxes.length; }
}

boxes.forEach((box, k) => box.addEventListener("click", (event) => {
  if (event.shiftKey && before >= 0) {
    for (let j = Math.min(before, k); j <= Math.max(before, k); j++) boxes[j].checked = box.checked;
  }
  before = k;
  count();
}));
if (all) all.addEventListener("change", () => { for (const box of boxes) box.checked = all.checked; count(); });
for (const field of document.querySelectorAll("#filters select, #filters input")) {
  field.addEventListener("change", () => document.getElementById("filters").submit());
}
