// Keeps the time live for which seats are held, and says it at five minutes and at one.

const hold = document.querySelector("[data-countdown]");
if (hold) {
  const left = hold.querySelector("[data-left]");
  const said = hold.querySelector("[data-said]");
  const end = performance.now() + Number(hold.dataset.countdown) * 1000;
  const unit = (name) => new Intl.NumberFormat(document.documentElement.lang, { style: "unit", unit: name, unitDisplay: "narrow", minimumIntegerDigits: 1 });
  const written = { hour: unit("hour"), minute: unit("minute"), second: unit("second") };
  const news = [[300, "five"], [60, "one"], [0, "over"]].filter(([seconds]) => Number(hold.dataset.countdown) > seconds);
  const pattern = hold.dataset.pattern;

  const tick = () => {
    const seconds = Math.max(0, Math.ceil((end - performance.now()) / 1000));
    const parts = [["hour", Math.floor(seconds / 3600)], ["minute", Math.floor(seconds / 60) % 60], ["second", seconds % 60]];
    const text = parts.filter(([name, number]) => number || name === "second").map(([name, number]) => written[name].format(number)).join(" ");
    left.textContent = seconds ? pattern.replace("%(time)s", text) : hold.dataset.over;
    hold.classList.toggle("is-short", seconds <= 300);
    while (news.length && seconds <= news[0][0]) said.textContent = hold.dataset[news.shift()[1]];
    if (seconds) setTimeout(tick, 1000 - ((performance.now() - end + 1e9) % 1000));
    else hold.querySelector("button").disabled = true;
  };
  tick();
}
