// What script adds to pages that work without it: forms that send themselves, and tokens without loading the page again.

const hub = document.body.dataset.hub;
const user = document.body.dataset.user;

// The way back from the sign-in service: the form sends itself once.
document.querySelector("form[data-auto-submit]")?.requestSubmit();

// A form is sent once, however often its button is pressed.
for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
}
// A page that comes back from the browser's memory can be used again.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// A server that starts by itself after some seconds, unless the reader says no.
const implicit = document.querySelector("[data-implicit-seconds]");
if (implicit) {
  const left = document.getElementById("implicit-left");
  let seconds = Number(implicit.dataset.implicitSeconds);
  document.getElementById("implicit").hidden = false;
  const timer = setInterval(() => {
    seconds -= 1;
    left.textContent = Math.max(seconds, 0);
    if (seconds > 0) return;
    clearInterval(timer);
    if (implicit.tagName === "FORM") implicit.requestSubmit();
    else location.assign(implicit.href);
  }, 1000);
  document.getElementById("implicit-cancel").addEventListener("click", () => {
    clearInterval(timer);
    document.getElementById("implicit").hidden = true;
    document.getElementById("start").focus();
  });
}

// A page about something that is under way looks again after some seconds.
const underWay = document.querySelector("[data-look-again-seconds]");
if (underWay) setTimeout(() => location.reload(), Number(underWay.dataset.lookAgainSeconds) * 1000);

// Calls the hub's API for the user's tokens; gives the answer or throws its message.
async function tokens(method, path, body) {
  const answer = await fetch(`${hub}api/users/${encodeURIComponent(user)}/tokens${path}`, {
    method,
    headers: { "Content-Type": "application/json", "X-XSRFToken": document.body.dataset.xsrf },
    body: body && JSON.stringify(body),
  });
  const model = await answer.json().catch(() => null);
  if (!answer.ok) throw new Error(model?.message || `The hub answered ${answer.status}. Load the page again and try once more.`);
  return model;
}

const problem = document.getElementById("request-error");
function complain(error) {
  problem.textContent = error.message;
  problem.hidden = false;
  problem.scrollIntoView({ block: "center" });
}

const copy = document.getElementById("fresh-copy");
if (copy && navigator.clipboard) {
  copy.hidden = false;
  copy.addEventListener("click", async () => {
    const said = document.getElementById("fresh-said");
    try {
      await navigator.clipboard.writeText(document.getElementById("fresh-token").textContent);
      said.textContent = "Copied.";
    } catch {
      said.textContent = "The browser did not allow it: select the token and copy it yourself.";
    }
  });
}

const request = document.getElementById("request-token-form");
request?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const data = new FormData(request);
  const model = { note: data.get("note") || "Requested via the token page" };
  if (data.get("expires_in")) model.expires_in = Number(data.get("expires_in"));
  const scopes = data.get("scopes").split(/[\s,]+/).filter(Boolean);
  if (scopes.length) model.scopes = scopes;
  const button = request.querySelector("button");
  button.disabled = true;
  try {
    const made = await tokens("POST", "", model);
    problem.hidden = true;
    document.getElementById("fresh-token").textContent = made.token;
    document.getElementById("fresh-said").textContent = "The token is made.";
    const fresh = document.getElementById("fresh");
    fresh.hidden = false;
    fresh.scrollIntoView({ block: "center" });
    request.reset();
  } catch (error) {
    complain(error);
  } finally {
    button.disabled = false;
    delete request.dataset.sent;
  }
});

for (const form of document.querySelectorAll("form[data-revoke]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    try {
      await tokens("DELETE", `/${encodeURIComponent(form.dataset.revoke)}`);
      form.closest("tr").remove();
      problem.hidden = true;
      document.getElementById("main").focus();
    } catch (error) {
      button.disabled = false;
      delete form.dataset.sent;
      complain(error);
    }
  });
}
