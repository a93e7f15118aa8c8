// Keeps a part of the page as the server would make it now. The server says when it has
// changed; the page is then loaded once more and the part replaced.

const selector = "[data-live]";
let source = null;
let loading = false;
let again = false;

function follow() {
  const part = document.querySelector(selector);
  source?.close();
  source = null;
  if (!part) return;
  source = new EventSource(part.dataset.live);
  source.addEventListener("changed", load);
  source.addEventListener("error", () => {
    // Refused for good, as when the session has ended: the page says what to do.
    if (source?.readyState === EventSource.CLOSED) location.reload();
  });
}

async function load() {
  if (loading) {
    again = true;
    return;
  }
  loading = true;
  try {
    do {
      again = false;
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (answer.redirected || !answer.ok) {
        location.reload();
        return;
      }
      show(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } while (again);
  } catch {
    // The server is away; the event source tries again by itself.
  } finally {
    loading = false;
  }
}

// Replaces the part, and leaves open what the reader has opened.
function show(fresh) {
  const part = document.querySelector(selector);
  const next = fresh.querySelector(selector);
  if (!part || !next) return;
  const opened = [...part.querySelectorAll("details")].map((one) => one.open);
  [...next.querySelectorAll("details")].forEach((one, place) => {
    if (opened[place]) one.open = true;
  });
  part.replaceChildren(...next.childNodes);
  document.title = fresh.title;
}

// Nobody looks at a hidden page, so it listens to nothing.
document.addEventListener("visibilitychange", () => {
  source?.close();
  source = null;
  if (!document.hidden && document.querySelector(selector)) load().then(follow);
});

follow();
addEventListener("pagehide", () => source?.close());
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
