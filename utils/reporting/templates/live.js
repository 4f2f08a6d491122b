/* Reloads a page that is kept up to date, and keeps the scroll position, open details and hidden lines. */

class LivePage {
  constructor(times) {
    this.written = 1000 * Number(times.dataset.now);
    this.seconds = Number(times.dataset.reload);
    this.restore(history.state || {});
    this.warn();
    setTimeout(() => this.reload(), 1000 * this.seconds);
  }

  boxes() {
    return [...document.querySelectorAll("[data-toggles]")];
  }

  reload() {
    const open = [...document.querySelectorAll("details")].map((each) => each.open);
    const checked = this.boxes().map((box) => box.checked);
    history.scrollRestoration = "manual";
    history.replaceState({ x: scrollX, y: scrollY, open, checked }, "");
    location.reload();
  }

  restore({ x, y, open, checked }) {
    document.querySelectorAll("details").forEach((each, k) => { if (open && k in open) each.open = open[k]; });
    this.boxes().forEach((box, k) => { if (checked && checked[k] === false && box.checked) box.click(); });
    if (y !== undefined) scrollTo(x, y);
  }

  warn() {
    const late = Date.now() - this.written > 1000 * (10 * this.seconds + 60);
    document.getElementById("old").hidden = !late;
  }
}

for (const times of document.querySelectorAll("#times[data-reload]")) new LivePage(times);
