// Follows the start of a server through the hub's event stream and goes to the server when it is ready.
// The stream is read with fetch and not with EventSource, so that the XSRF token is in a header and not in an address.

const box = document.getElementById("pending");
const bar = document.getElementById("progress");
const now = document.getElementById("progress-message");
const story = document.getElementById("story");
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

function show(event) {
  if (typeof event.progress === "number") bar.value = event.progress;
  if (!event.message) return;
  now.textContent = event.message;
  const line = document.createElement("li");
  line.textContent = event.message;
  if (event.failed) line.className = "error";
  story.append(line);
}

// sameHost gives an address of this host, or null: the page never leads elsewhere by itself.
function sameHost(address) {
  if (!address) return null;
  const url = new URL(address, location.href);
  return url.origin === location.origin ? url.href : null;
}

// Takes one event; true ends the story.
function take(event) {
  show(event);
  if (event.ready) {
    document.getElementById("queue")?.remove();
    location.replace(sameHost(box.dataset.next) || sameHost(event.url) || `${document.body.dataset.hub}home`);
    return true;
  }
  if (event.failed) {
    location.reload(); // the hub shows why, and the last lines of the log
    return true;
  }
  return false;
}

// Reads one connection to its end; true when the story has ended.
async function follow() {
  const answer = await fetch(box.dataset.progressUrl, {
    headers: { Accept: "text/event-stream", "X-XSRFToken": document.body.dataset.xsrf },
    cache: "no-store",
  });
  if (answer.status >= 400 && answer.status < 500 && answer.status !== 429) {
    location.reload(); // not starting any more, or signed out: the hub knows where to go
    return true;
  }
  if (!answer.ok) return false;
  story.replaceChildren(); // every connection tells the story from its beginning
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return false;
    rest += value;
    const frames = rest.split("\n\n");
    rest = frames.pop();
    for (const frame of frames) {
      const data = frame.split("\n").filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trim()).join("\n");
      if (data && take(JSON.parse(data))) return true;
    }
  }
}

for (let wait = 1000; ; wait = Math.min(wait * 2, 15000)) {
  const begin = Date.now();
  try {
    if (await follow()) break;
  } catch {
    now.textContent = "The connection to the hub is lost. Trying again…";
  }
  if (Date.now() - begin > 10000) wait = 1000;
  await pause(wait);
}
