// What the server knows by now, without closing what the reader has opened.

const PAUSE = 30000;
const trouble = document.getElementById("trouble");
let text = "";

async function look() {
  const reply = await fetch(location.href, { cache: "no-cache" });
  if (!reply.ok) throw new Error(`it says ${reply.status}`);
  const news = await reply.text();
  if (news !== text) show(new DOMParser().parseFromString(news, "text/html"));
  text = news;
}

function show(page) {
  const main = document.querySelector("main");
  const open = [...main.querySelectorAll("details[open]")].map(({ id }) => id);
  const focus = document.activeElement.closest("details")?.id;
  for (const id of open) page.getElementById(id)?.setAttribute("open", "");
  document.title = page.title;
  document.querySelector("header p").replaceWith(page.querySelector("header p"));
  main.replaceWith(page.querySelector("main"));
  if (focus) document.getElementById(focus)?.querySelector("summary").focus({ preventScroll: true });
}

function tell(error) {
  trouble.hidden = !error;
  trouble.textContent = error ? `The server cannot be asked at present (${error.message}). This is what it said last.` : "";
}

async function lookAgain() {
  await look().then(() => tell(null), tell);
  setTimeout(lookAgain, PAUSE);
}

setTimeout(lookAgain, PAUSE);
