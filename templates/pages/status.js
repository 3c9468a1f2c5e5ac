// Keeps the page as new as the cache: asks for it again every few seconds, and changes what changed.
// The server draws; nothing is formatted here, so what is seen with and without script is the same.

const EVERY = 5000; // ms between two looks
const PATIENCE = 10000; // ms for one answer
const root = document.documentElement;
const $ = (selector, within = document) => within.querySelector(selector);

// --- the figures -----------------------------------------------------------------------------------

// Make `old` say what `fresh` says, touching only what differs: focus, selection and open parts stay.
function renew(old, fresh) {
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName || old.id !== fresh.id) {
    old.replaceWith(document.importNode(fresh, true));
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  if (old.hasAttribute("data-still") && fresh.hasAttribute("data-still")) return;
  renewAttributes(old, fresh);
  const before = [...old.childNodes], after = [...fresh.childNodes];
  after.forEach((child, place) => {
    if (place < before.length) renew(before[place], child);
    else old.append(document.importNode(child, true));
  });
  before.slice(after.length).forEach((child) => child.remove());
}

function renewAttributes(old, fresh) {
  const isKept = (name) => ["open", "checked"].includes(name); // the reader's doing
  for (const { name, value } of fresh.attributes) {
    if (!isKept(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const { name } of [...old.attributes]) {
    if (!isKept(name) && !fresh.hasAttribute(name)) old.removeAttribute(name);
  }
}

async function look() {
  const answer = await fetch(location.pathname + location.search, {
    cache: "no-store",
    headers: { Accept: "text/html" },
    signal: AbortSignal.timeout(PATIENCE),
  });
  if (!answer.ok) throw new Error(`the answer was ${answer.status}`);
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (!$("#figures", fresh)) throw new Error("the answer was another page");
  if (fresh.documentElement.dataset.build !== root.dataset.build) return location.reload();
  document.title = fresh.title;
  renewAttributes($("link[rel=icon]"), $("link[rel=icon]", fresh));
  for (const id of ["headline", "figures"]) renew($(`#${id}`), $(`#${id}`, fresh));
  prepareSnippets();
}

// --- when ------------------------------------------------------------------------------------------

let timer, looking = false;

async function turn() {
  clearTimeout(timer);
  if (looking || document.hidden) return;
  looking = true;
  try {
    await look();
    tell("");
  } catch (error) {
    const reason = error.message.startsWith("the answer was") ? ` (${error.message})` : "";
    tell(`Lost touch${reason}: these are the last figures, from ${root.dataset.seen}. Trying again.`);
  }
  looking = false;
  clearTimeout(timer);
  timer = setTimeout(turn, EVERY);
}

function tell(words) {
  const note = $("#lost");
  if (note.textContent !== words) note.textContent = words;
  root.classList.toggle("is-lost", words !== "");
  if (words) document.title = document.title.replace(/^[^·]*/, "Lost touch ");
  if (!words) root.dataset.seen = $("#taken").textContent;
}

// --- what only makes sense with script -------------------------------------------------------------

async function copy(code) {
  // The clipboard interface is absent over plain HTTP; a selection is there for Ctrl-C anyway.
  getSelection().selectAllChildren(code);
  if (!navigator.clipboard) return document.execCommand("copy");
  return navigator.clipboard.writeText(code.textContent.trimEnd()).then(() => true, () => false);
}

function prepareSnippets() {
  for (const box of document.querySelectorAll(".copy:not(.has-button)")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    button.setAttribute("aria-live", "polite");
    button.addEventListener("click", async () => {
      const done = await copy($("code", box));
      button.textContent = done ? "Copied" : "Selected";
      button.classList.toggle("done", done);
      setTimeout(() => { button.textContent = "Copy"; button.classList.remove("done"); }, 2000);
    });
    box.classList.add("has-button");
    box.append(button);
  }
}

// A browser that keeps nothing (a private window, a policy) still shows the page.
const remember = (name, value) => {
  try { localStorage.setItem(`passthru-${name}`, value); } catch { /* not kept */ }
};
const recall = (name) => {
  try { return localStorage.getItem(`passthru-${name}`); } catch { return null; }
};

function prepareChoices() {
  const theme = $("#theme"), span = recall("span"), chosen = root.dataset.theme ?? "auto";
  theme.hidden = false;
  $(`input[value="${chosen}"]`, theme).checked = true;
  theme.addEventListener("change", ({ target }) => {
    if (target.value === "auto") delete root.dataset.theme;
    else root.dataset.theme = target.value;
    remember("theme", target.value);
  });
  if (["hour", "day", "month"].includes(span)) $(`#span-${span}`)?.click();
  document.addEventListener("change", ({ target }) => {
    if (target.name === "span") remember("span", target.value);
  });
}

prepareChoices();
prepareSnippets();
tell("");
$("#every").textContent = `every ${EVERY / 1000} s`;
document.addEventListener("visibilitychange", turn);
timer = setTimeout(turn, EVERY);
