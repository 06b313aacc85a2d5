"use strict";

const $ = (id) => document.getElementById(id);
const number = new Intl.NumberFormat("en");
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const kinds = [["warehouse", "Warehouses", "wh"], ["store", "Stores", "st"], ["ecommerce", "Online", "ec"]];

let state = null;
let sort = null; // null: low stock first, then the latest change
const seen = new Map(); // sku -> number of its events when it was last drawn
const drawn = new Map(); // sku -> its row

function text(el, value) {
  if (el.textContent !== value) el.textContent = value;
}

function make(tag, className, content) {
  const el = document.createElement(tag);
  if (className) el.className = className;
  if (content !== undefined) el.textContent = content;
  return el;
}

function figure(n) {
  return Math.abs(n) >= 1e6 ? short.format(n) : number.format(n);
}

function drawHeader({ app }) {
  text($("where"), [app.id, app.cluster].filter(Boolean).join(" \u00b7 "));
  $("guarantee").hidden = !app.guarantee;
  text($("guarantee"), app.guarantee.replaceAll("_", " "));
  pill(app.state || "starting", app.state === "running" ? "good" : app.state === "failed" ? "bad" : "wait");
  $("notice").hidden = !app.waiting;
  text($("notice"), app.waiting);
}

function pill(label, look) {
  $("state").className = "pill " + look;
  text($("state").querySelector("b"), label);
}

function drawFigures(s) {
  text($("products"), figure(s.products));
  $("low").hidden = s.low === 0;
  $("lownone").hidden = s.low !== 0;
  text($("low"), `${number.format(s.low)} low on stock`);
  text($("available"), figure(s.totals.available));
  text($("reserved"), figure(s.totals.reserved));
  const recent = (s.rate || []).slice(-5);
  const rate = recent.reduce((a, b) => a + b, 0) / (recent.length || 1);
  text($("rate"), rate >= 100 ? figure(Math.round(rate)) : rate.toFixed(rate < 10 ? 1 : 0));
  text($("events"), figure(s.events));
  const lag = (s.lag || []).at(-1) || 0;
  text($("lag"), figure(lag));
  text($("lagfoot"), lag === 0 ? "caught up" : "waiting");
  text($("dead"), figure(s.dead));
  text($("invalid"), figure(s.byType.VALIDATION_ERROR || 0));
  text($("undecodable"), figure(s.byType.DESERIALIZATION_ERROR || 0));
  curve($("ratecurve"), s.rate || []);
  curve($("lagcurve"), s.lag || []);
}

function curve(svg, values) {
  if (values.length < 2) {
    svg.replaceChildren();
    return;
  }
  const top = Math.max(...values, 1e-9);
  const points = values.map((v, i) => {
    const x = 120 - (values.length - 1 - i) * (120 / 119);
    return `${x.toFixed(1)} ${(34 - (v / top) * 30).toFixed(1)}`;
  });
  const first = points[0].split(" ")[0];
  const path = (className, d) => {
    const p = document.createElementNS("http://www.w3.org/2000/svg", "path");
    if (className) p.setAttribute("class", className);
    p.setAttribute("d", d);
    return p;
  };
  svg.replaceChildren(
    path("area", `M${first} 36 L${points.join(" L")} L120 36 Z`),
    path("", `M${points.join(" L")}`),
  );
}

function drawKinds({ totals }) {
  const most = Math.max(...kinds.map(([k]) => totals[k]), 1);
  const sum = kinds.reduce((n, [k]) => n + Math.max(totals[k], 0), 0) || 1;
  $("kinds").replaceChildren(...kinds.map(([k, label, c]) => {
    const box = make("div");
    box.style.setProperty("--c", `var(--${c})`);
    const name = make("div", "name");
    const figures = make("b", "", figure(totals[k]));
    figures.append(make("span", "", `${Math.round(100 * Math.max(totals[k], 0) / sum)}%`));
    name.append(make("em", "", label), figures);
    const track = make("div", "track");
    const bar = make("i");
    bar.style.width = `${100 * Math.max(totals[k], 0) / most}%`;
    track.append(bar);
    box.append(name, track);
    return box;
  }));
}

function row(sku) {
  let tr = drawn.get(sku);
  if (tr) return tr;
  tr = make("tr");
  const product = make("td", "product");
  product.append(make("b"), make("span", "", sku));
  const mix = make("td", "mix");
  const bar = make("div", "bar");
  bar.append(...kinds.map(([, , c]) => make("i", c)));
  mix.append(bar);
  const status = make("td", "status");
  status.append(make("span", "tag"));
  tr.append(product, ...kinds.map(() => make("td", "wide")), mix, make("td", "mid"), make("td", "available"), status);
  drawn.set(sku, tr);
  return tr;
}

function fill(tr, r) {
  const cells = tr.cells;
  tr.className = r.low ? "low" : "";
  text(cells[0].firstChild, r.name || r.sku);
  kinds.forEach(([k], i) => text(cells[i + 1], figure(r[k])));
  const sum = kinds.reduce((n, [k]) => n + Math.max(r[k], 0), 0) || 1;
  kinds.forEach(([k], i) => { cells[4].firstChild.children[i].style.width = `${100 * Math.max(r[k], 0) / sum}%`; });
  cells[4].title = kinds.map(([k, label]) => `${label} ${number.format(r[k])}`).join(", ");
  text(cells[5], figure(r.reserved));
  text(cells[6], figure(r.available));
  const tag = cells[7].firstChild;
  tag.className = r.low ? "tag low" : "tag ok";
  text(tag, r.low ? (r.available > 0 ? "low" : "out") : "in stock");
  if (seen.has(r.sku) && seen.get(r.sku) !== r.events) {
    tr.classList.add("flash");
    setTimeout(() => tr.classList.remove("flash"), 60);
  }
  seen.set(r.sku, r.events);
}

function visible(s) {
  const query = $("search").value.trim().toLowerCase();
  const low = $("onlylow").checked;
  const rows = s.rows.filter((r) => (!low || r.low) && (!query || `${r.name} ${r.sku}`.toLowerCase().includes(query)));
  const by = sort ? sort.by : "name";
  const sign = sort && sort.down ? -1 : 1;
  return rows.sort((a, b) => {
    if (!sort && a.low !== b.low) return a.low ? -1 : 1;
    const x = by === "name" ? a.name || a.sku : a[by];
    const y = by === "name" ? b.name || b.sku : b[by];
    return (sign * (typeof x === "string" ? x.localeCompare(y) : x - y)) || a.sku.localeCompare(b.sku);
  });
}

function drawRows(s) {
  const rows = visible(s);
  const body = $("rows");
  rows.forEach((r, i) => {
    const tr = row(r.sku);
    fill(tr, r);
    if (body.children[i] !== tr) body.insertBefore(tr, body.children[i] || null);
  });
  while (body.children.length > rows.length) body.lastChild.remove();
  for (const sku of drawn.keys()) {
    if (!drawn.get(sku).isConnected) drawn.delete(sku);
  }
  $("norows").hidden = rows.length > 0;
  text($("norows"), s.products === 0 ? "No products yet. The first event makes the first row." : "No product matches.");
  $("more").hidden = s.rows.length >= s.products;
  text($("more"), `The ${number.format(s.rows.length)} scarcest and latest of ${number.format(s.products)} products.`);
}

function drawLetters(s) {
  $("noletters").hidden = s.dead > 0;
  $("reasons").replaceChildren(...(s.reasons || []).slice(0, 5).map((r) => {
    const li = make("li");
    const message = make("span", "", r.message);
    message.title = r.message;
    li.append(message, make("b", "", number.format(r.count)));
    return li;
  }));
  $("letters").replaceChildren(...(s.letters || []).map((l) => {
    const li = make("li");
    const line = make("div", "line");
    const key = make("b");
    key.append(make("i", l.type === "DESERIALIZATION_ERROR" ? "dot undecodable" : "dot"), l.key || "no key");
    line.append(key, make("span", "", `${l.partition}/${l.offset} \u00b7 ${clock.format(l.time)}`));
    li.append(line, make("p", "", l.message));
    return li;
  }));
}

function draw() {
  if (!state) return;
  drawHeader(state);
  drawFigures(state);
  drawKinds(state);
  drawRows(state);
  drawLetters(state);
}

for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => {
    const by = button.dataset.by;
    const down = sort && sort.by === by ? !sort.down : by !== "name";
    sort = { by, down };
    document.querySelectorAll("th[aria-sort]").forEach((th) => th.removeAttribute("aria-sort"));
    button.parentElement.setAttribute("aria-sort", down ? "descending" : "ascending");
    draw();
  });
}
$("search").addEventListener("input", draw);
$("onlylow").addEventListener("change", draw);


const events = new EventSource("events");
events.onmessage = (e) => {
  state = JSON.parse(e.data);
  draw();
};
events.onerror = () => pill("no connection", "bad");
