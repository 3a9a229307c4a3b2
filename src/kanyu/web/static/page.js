"use strict";
// Everything here is a comfort: without it the forms still work, one page at a time.
(() => {
  const root = document.documentElement;
  const lang = root.lang === "en" ? "en" : "ja";
  const say = (ja, en) => (lang === "ja" ? ja : en);
  const find = (selector, within = document) => within.querySelector(selector);
  const to = (path) => `${path}?lang=${lang}`;
  root.classList.add("with-script");

  const answer = find("#answer");
  const status = find("#status");
  const tell = (words) => { if (status) status.textContent = words; };

  const parse = (html) => {
    const page = new DOMParser().parseFromString(html, "text/html");
    const part = document.createDocumentFragment();
    part.append(...page.body.childNodes);
    return part;
  };
  const complaint = (words) => {
    const box = document.createElement("div");
    box.className = "card problem";
    box.setAttribute("role", "alert");
    const line = document.createElement("p");
    line.textContent = words;
    box.append(line);
    return box;
  };
  const show = (place, part) => {
    place.replaceChildren(part);
    const heading = find("[data-heading]", place) || find("[role=alert]", place);
    if (heading) {
      heading.tabIndex = -1;
      heading.focus({ preventScroll: true });
      heading.closest("article, div").scrollIntoView({ block: "start" });
    }
    tell("");
  };
  const lost = () => say(
    "kanyuにつながりません。kanyuを開いた画面が閉じていないか確かめて、もう一度お試しください。",
    "kanyu does not answer. See whether it is still running, and try again.");

  // The words of an answer, or null after a complaint.
  const ask = async (path, options, place) => {
    let reply;
    try {
      reply = await fetch(path, { ...options, headers: { "X-Fragment": "1" }, redirect: "error" });
    } catch {
      show(place, complaint(lost()));
      return null;
    }
    if (reply.ok) return reply;
    let words = lost();
    try { words = (await reply.json()).detail || words; } catch { /* no JSON: keep the general words */ }
    show(place, complaint(words));
    return null;
  };

  const busy = (form, is) => {
    form.setAttribute("aria-busy", String(is));
    for (const button of form.querySelectorAll("button")) button.disabled = is;
  };

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (form.id === "drop") {
      event.preventDefault();
      const file = find("#file");
      scan(Array.from(file.files));
      return;
    }
    if (!form.hasAttribute("data-inline")) return;
    event.preventDefault();
    const fields = new URLSearchParams(new FormData(form));
    if (form.hasAttribute("data-example")) find("#text").value = fields.get("text");
    const isFeedback = form.hasAttribute("data-feedback");
    const place = isFeedback ? form.parentElement.parentElement.insertBefore(document.createElement("div"), form.parentElement.nextSibling) : answer;
    busy(form, true);
    tell(say("調べています", "Checking"));
    const reply = await ask(form.getAttribute("action"), { method: "POST", body: fields }, place);
    busy(form, false);
    if (!reply) return;
    show(place, parse(await reply.text()));
    if (isFeedback) form.parentElement.remove();
    else remember(fields.get("text"), find("[data-heading]", place));
  });

  // Why a word is coloured: on hover, focus or touch, below the message.
  const explain = (event) => {
    const word = event.target.closest && event.target.closest(".ev");
    if (!word) return;
    const box = word.closest("[data-tips]");
    for (const other of box.querySelectorAll(".ev[aria-expanded=true]")) other.setAttribute("aria-expanded", "false");
    word.setAttribute("aria-expanded", "true");
    find(".tip", box).textContent = word.dataset.tip;
  };
  document.addEventListener("pointerover", explain);
  document.addEventListener("focusin", explain);
  document.addEventListener("click", explain);
  document.addEventListener("keydown", (event) => {
    if ((event.key === "Enter" || event.key === " ") && event.target.matches && event.target.matches(".ev")) {
      event.preventDefault();
      explain(event);
    }
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.id === "text") event.target.form.requestSubmit();
  });

  // Exported chats.
  const size = (bytes) => `${Math.ceil(bytes / 1048576).toLocaleString()} MB`;
  const stages = { read: say("ファイルを読んでいます", "Reading"), judge: say("メッセージを調べています", "Judging"), report: say("報告書を作っています", "Writing the report") };
  let running = 0;
  const scan = async (files) => {
    const drop = find("#drop");
    const most = Number(drop.dataset.max);
    const total = files.reduce((sum, file) => sum + file.size, 0);
    if (!files.length || !total) {
      show(answer, complaint(say("ファイルがないか、空です。フォルダーはzipにまとめてから選んでください。", "No file, or an empty one. Put a folder into a zip first.")));
      return;
    }
    if (total > most) {
      show(answer, complaint(say(`一度に調べられるのは${size(most)}までです(${size(total)}でした)。写真や動画を除いて書き出すか、コマンド kanyu scan を使ってください。`, `At most ${size(most)} at once (this is ${size(total)}). Export without photos, or use kanyu scan.`)));
      return;
    }
    const body = new FormData();
    for (const file of files) body.append("file", file, file.name);
    const me = find("#me").value.trim();
    if (me) body.append("me", me);
    const mine = ++running;
    busy(drop, true);
    const box = parse(`<div class="card working"><h2 data-heading></h2><p class="stage"></p><progress></progress><p class="actions"><button type="button" hidden></button></p></div>`);
    const [heading, stage, bar, stop] = [find("h2", box), find(".stage", box), find("progress", box), find("button", box)];
    stop.textContent = say("やめる", "Stop");
    heading.textContent = say("調べています", "Working");
    stage.textContent = stages.read;
    bar.setAttribute("aria-label", say("進み具合", "Progress"));
    show(answer, box);
    let reply = await ask(to("/scans"), { method: "POST", body }, answer);
    let job = reply && await reply.json();
    if (job) {
      stop.dataset.forget = job.id;
      stop.hidden = false;
    }
    while (job && job.state === "running" && mine === running) {
      stage.textContent = stages[job.what] + (job.total > 1 ? ` ${job.done.toLocaleString()} / ${job.total.toLocaleString()}` : "");
      if (job.what === "judge" && job.total && job.done) { bar.max = job.total; bar.value = job.done; } else bar.removeAttribute("value");
      await new Promise((done) => setTimeout(done, 250));
      if (mine !== running) return;
      reply = await ask(to(`/scans/${job.id}`), {}, answer);
      job = reply && await reply.json();
    }
    busy(drop, false);
    if (!job || mine !== running) return;
    reply = await ask(to(`/scans/${job.id}/result`), {}, answer);
    if (reply) show(answer, parse(await reply.text()));
  };

  const zone = find("#zone");
  if (zone) {
    const file = find("#file");
    const name = () => {
      const names = Array.from(file.files, (one) => one.name);
      const rest = names.length - 3;
      find("#chosen").textContent = names.slice(0, 3).join("、") + (rest > 0 ? say(` ほか${rest}件`, ` and ${rest} more`) : "");
    };
    file.addEventListener("change", name);
    name();
    const hasFiles = (event) => Array.from(event.dataTransfer ? event.dataTransfer.types : []).includes("Files");
    let depth = 0;
    const mark = (is) => root.classList.toggle("dropping", is);
    document.addEventListener("dragenter", (event) => { if (hasFiles(event)) { depth += 1; mark(true); } });
    document.addEventListener("dragleave", (event) => { if (hasFiles(event) && --depth <= 0) { depth = 0; mark(false); } });
    document.addEventListener("dragover", (event) => { if (hasFiles(event)) event.preventDefault(); });
    document.addEventListener("drop", (event) => {
      depth = 0;
      mark(false);
      if (!hasFiles(event)) return;
      event.preventDefault();
      scan(Array.from(event.dataTransfer.files));
    });
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest && event.target.closest("[data-forget]");
    if (!button) return;
    const reply = await ask(to(`/scans/${button.dataset.forget}`), { method: "DELETE" }, answer);
    if (!reply) return;
    running += 1;
    busy(find("#drop"), false);
    answer.replaceChildren();
    tell(say("結果を消しました", "Deleted"));
    find("#file").value = "";
    find("#chosen").textContent = "";
    find("#file").focus();
  });

  // History: only when asked for, only in this tab, only in memory.
  const keep = find("#keep-history");
  const list = find("#history-list");
  const remember = (text, heading) => {
    if (!keep || !keep.checked || !heading) return;
    const item = document.createElement("li");
    const again = document.createElement("button");
    again.type = "button";
    again.textContent = text.replace(/\s+/g, " ").slice(0, 40);
    const words = document.createElement("span");
    words.textContent = ` ${heading.textContent}`;
    again.addEventListener("click", () => { find("#text").value = text; find("#paste").requestSubmit(); });
    item.append(again, words);
    list.prepend(item);
    find("#history").hidden = false;
  };
  const forget = () => { list.replaceChildren(); find("#history").hidden = true; };
  if (keep) {
    keep.addEventListener("change", () => { if (!keep.checked) forget(); });
    find("#history-clear").addEventListener("click", () => { forget(); keep.focus(); });
  }
})();
