// While an order is carried out the page looks again by itself; what has come of it takes the place of the waiting.

const place = document.getElementById("sold");
let waits = 700;

async function look() {
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const news = page.getElementById("sold");
    if (news && news.innerHTML !== place.innerHTML) {
      place.replaceChildren(...news.childNodes);
      place.dataset.state = news.dataset.state;
      document.title = page.title;
    }
  } catch { /* the network is away: look again */ }
  again();
}

function again() {
  if (place.dataset.state !== "waiting") return;
  setTimeout(look, waits);
  waits = Math.min(waits * 1.3, 5000);
}

again();
