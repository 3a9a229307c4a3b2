"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  document.documentElement.classList.add("has-js");

  // A mark that is chosen opens what hides its message, and the focus goes there.
  const show = () => {
    const target = location.hash.length > 1 && byId(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (let node = target.parentElement; node; node = node.parentElement) {
      if (node.tagName === "DETAILS") node.open = true;
    }
    const gentle = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    target.scrollIntoView({ block: target.matches(".msg") ? "center" : "start", behavior: gentle ? "smooth" : "auto" });
    if (target.matches(".msg")) target.focus({ preventScroll: true });
  };
  addEventListener("hashchange", show);
  document.addEventListener("click", (event) => {
    const link = event.target.closest && event.target.closest("a[href^='#']");
    const hash = link && link.getAttribute("href");
    if (hash && hash === location.hash) { event.preventDefault(); show(); }
  });
  show();

  document.addEventListener("click", async (event) => {
    const button = event.target.closest && event.target.closest("button[data-copy]");
    if (!button) return;
    const source = byId(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent);
    } catch {
      const range = document.createRange();
      range.selectNodeContents(source);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      document.execCommand("copy");
    }
    const said = button.textContent;
    button.textContent = button.dataset.done;
    setTimeout(() => { button.textContent = said; }, 2000);
  });

  // Days are counted in whole UTC days, so that no summer time moves them. Day 1 is the day itself.
  const DAY = 86400000;
  const kind = byId("co-kind"), received = byId("co-date"), goods = byId("co-goods"), none = byId("co-none");
  const answer = byId("co-answer"), said = answer.dataset;
  const count = () => {
    const option = kind.selectedOptions[0], days = Number(option.dataset.days);
    byId("co-delivery").hidden = !option.dataset.delivery;
    const tell = (text, state) => { answer.textContent = text; answer.className = "answer " + state; };
    if (!days) return tell(said["188"], "ask");
    if (none.checked) return tell(said.none, "ask");
    if (!received.value) return tell(said.ask, "");
    const first = Math.max(received.valueAsNumber, (option.dataset.delivery && goods.valueAsNumber) || 0);
    const last = first + (days - 1) * DAY;
    const now = new Date(), today = Date.UTC(now.getFullYear(), now.getMonth(), now.getDate());
    const date = new Intl.DateTimeFormat(said.locale, { dateStyle: "full", timeZone: "UTC" }).format(last);
    const left = Math.round((last - today) / DAY) + 1;
    const text = (left > 0 ? said.open : said.past).replace("{date}", date).replace("{n}", left);
    return tell(text + " (" + said.source + ": " + option.dataset.source + ")", left > 0 ? "open" : "past");
  };
  for (const field of [kind, received, goods, none]) field.addEventListener("input", count);
  count();
})();
