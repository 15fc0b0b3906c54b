"use strict";
(() => {
  const content = JSON.parse(document.getElementById("data").textContent);
  const DASHES = ["solid", "dash", "dot", "dashdot", "longdash"];
  const STROKES = ["", "6 3", "2 3", "6 3 2 3", "10 4"];
  const BANDS_UP_TO = 4;
  const PRINT_WIDTH = 680;
  const byId = (name) => document.getElementById(name);
  const make = (tag, text, attributes = {}) => {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  };
  const say = (text) => { byId("said").textContent = text; };

  // State: what the reader chose, kept in the page's address.
  const state = { budget: content.budget, hidden: new Set(), theme: "auto", map: 0, tables: {} };

  function readState() {
    const given = new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");
    const budget = Number(given.get("budget"));
    state.budget = content.budgets.includes(budget) ? budget : content.budget;
    const hidden = (given.get("hide") || "").split(".").filter(Boolean).map(Number);
    state.hidden = new Set(hidden.filter((i) => i < content.lines.length));
    state.theme = ["dark", "light"].includes(given.get("theme")) ? given.get("theme") : "auto";
    state.map = Math.max(0, content.maps.findIndex((map) => map.name === given.get("map")));
    state.tables = {};
    for (const [key, value] of given) {
      const [, what, name] = key.match(/^(sort|find|only)-(.+)$/) || [];
      if (what) state.tables[name] = { ...state.tables[name], [what]: value };
    }
  }

  function writeState() {
    const kept = new URLSearchParams();
    if (state.budget !== content.budget) kept.set("budget", state.budget);
    if (state.hidden.size) kept.set("hide", [...state.hidden].sort((a, b) => a - b).join("."));
    if (state.theme !== "auto") kept.set("theme", state.theme);
    if (state.map) kept.set("map", content.maps[state.map].name);
    for (const [name, table] of Object.entries(state.tables)) {
      for (const what of ["sort", "find", "only"]) if (table[what]) kept.set(`${what}-${name}`, table[what]);
    }
    const text = kept.toString();
    history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
  }

  // Downloads.
  function download(name, text, type) {
    const link = make("a", "", { href: URL.createObjectURL(new Blob([text], { type })), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    say(`${name} written`);
  }

  function csv(rows) {
    const cell = (value) => {
      if (value === null || value === undefined) return "";
      let text = String(value);
      // no spreadsheet may take a text for a formula
      if (/^[=+@-]/.test(text) && !/^[+-]?[\d.]+(e[+-]?\d+)?$/i.test(text)) text = `'${text}`;
      return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    };
    return rows.map((row) => row.map(cell).join(",")).join("\n") + "\n";
  }

  // Tables.
  const NUMBER = /^[+-]?\d+(\.\d+)?(e[+-]?\d+)?/i;
  const INTERVAL = /^([+-]?[\d.]+(?:e[+-]?\d+)?) \[(?:([^,\]]+), ([^\]]+)|—)\]/i;
  const collator = new Intl.Collator("en", { numeric: true });
  const tables = [];

  function compare(a, b, isNumber, sign) {
    if (!isNumber) return sign * collator.compare(a, b);
    const [x, y] = [a, b].map((text) => (text.match(NUMBER) || [])[0]);
    if (x === undefined || y === undefined) return (x === undefined) - (y === undefined); // dashes last, both ways
    return sign * (Number(x) - Number(y));
  }

  function enhance(section) {
    const name = section.dataset.table;
    const heads = [...section.querySelectorAll("thead th")];
    const body = section.querySelector("tbody");
    const rows = [...body.rows].map((row) => ({ row, cells: [...row.cells].map((c) => c.textContent) }));
    for (const entry of rows) entry.text = entry.cells.join(" ").toLowerCase();
    const texts = heads.map((head) => head.textContent);
    const labels = texts.map((text) => text.replaceAll("\u00a0", " "));
    const numeric = heads.map((head, i) => head.classList.contains("number") || rows.every((r) => NUMBER.test(r.cells[i]) && !Number.isNaN(Number(r.cells[i]))));
    const chosen = heads.findIndex((head) => head.hasAttribute("data-select"));
    const own = () => (state.tables[name] ??= {});

    const tools = make("div", undefined, { class: "tools" });
    const find = make("input", undefined, { type: "search", placeholder: "Filter rows", "aria-label": `Filter rows of ${section.querySelector("h3").textContent}` });
    const only = make("select", undefined, { "aria-label": chosen < 0 ? "" : labels[chosen] });
    const count = make("span", "", { class: "count" });
    const save = make("button", "CSV", { type: "button", title: "Download the rows shown as CSV" });
    if (rows.length > 3) tools.append(find);
    if (chosen >= 0) {
      only.append(make("option", `every ${labels[chosen]}`, { value: "*" }));
      for (const value of [...new Set(rows.map((r) => r.cells[chosen]))].sort(collator.compare)) {
        only.append(make("option", `${labels[chosen]} ${value}`, { value }));
      }
      if (only.options.length > 2) tools.append(only);
    }
    tools.append(count, save);
    section.querySelector("h3").after(tools);

    heads.forEach((head, i) => {
      head.textContent = "";
      const button = make("button", texts[i], { type: "button" });
      button.addEventListener("click", () => {
        own().sort = own().sort === `${i}a` ? `${i}d` : `${i}a`;
        show();
        writeState();
        say(`sorted by ${labels[i]}, ${own().sort.endsWith("a") ? "ascending" : "descending"}`);
      });
      head.append(button);
    });
    find.addEventListener("input", () => { own().find = find.value; show(); writeState(); });
    only.addEventListener("change", () => { own().only = only.value; show(); writeState(); });

    function show() {
      const { sort, find: query = "", only: value } = state.tables[name] || {};
      find.value = query;
      const follows = chosen >= 0 && labels[chosen] === "budget" ? String(state.budget) : "*";
      only.value = value ?? follows;
      if (only.selectedIndex < 0) only.value = "*";
      const words = query.toLowerCase().split(/\s+/).filter(Boolean);
      const [, column, direction] = (sort || "").match(/^(\d+)([ad])$/) || [];
      const ordered = [...rows];
      if (column !== undefined && column < heads.length) {
        const sign = direction === "a" ? 1 : -1;
        ordered.sort((a, b) => compare(a.cells[column], b.cells[column], numeric[column], sign));
      }
      heads.forEach((head, i) => {
        if (String(i) === column) head.setAttribute("aria-sort", direction === "a" ? "ascending" : "descending");
        else head.removeAttribute("aria-sort");
      });
      let shown = 0;
      for (const entry of ordered) {
        const keep = words.every((word) => entry.text.includes(word)) && (only.value === "*" || chosen < 0 || entry.cells[chosen] === only.value);
        entry.row.hidden = !keep;
        shown += keep;
      }
      body.append(...ordered.map((entry) => entry.row));
      count.textContent = shown === rows.length ? `${shown} rows` : `${shown} of ${rows.length} rows`;
    }

    save.addEventListener("click", () => {
      const shown = [...body.rows].filter((row) => !row.hidden).map((row) => [...row.cells].map((c) => c.textContent));
      const split = labels.map((_, i) => shown.some((cells) => INTERVAL.test(cells[i])));
      const head = labels.flatMap((label, i) => (split[i] ? [label, `${label} low`, `${label} high`] : [label]));
      const lines = shown.map((cells) => cells.flatMap((text, i) => {
        if (!split[i]) return [text === "—" ? "" : text];
        const [, mean, low, high] = text.match(INTERVAL) || [];
        return [mean, low, high];
      }));
      download(`${name}.csv`, csv([head, ...lines]), "text/csv");
    });
    tables.push(show);
  }

  // Figures.
  const escaped = (text) => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  const cut = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
  const isDark = () => document.documentElement.dataset.theme === "dark";
  let printing = false;

  function colour(line, dark) {
    const hue = content.lines[line].colour;
    if (!dark) return hue;
    return { "#555555": "#b8c0c8", "#0072B2": "#3a8fe0", "#56B4E9": "#a6dcfa", "#D55E00": "#ee7f2b", "#009E73": "#22bd92" }[hue] || hue;
  }

  function faded(hex, share) {
    const [r, g, b] = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
    return `rgba(${r},${g},${b},${share})`;
  }

  function swatch(line) {
    const look = content.lines[line];
    const space = "http://www.w3.org/2000/svg";
    const picture = document.createElementNS(space, "svg");
    for (const [name, value] of Object.entries({ width: 30, height: 10, "aria-hidden": "true" })) picture.setAttribute(name, value);
    const stroke = document.createElementNS(space, "line");
    const values = { x1: 0, x2: 30, y1: 5, y2: 5, stroke: colour(line, isDark()), "stroke-width": 3, "stroke-dasharray": STROKES[look.dash % STROKES.length] };
    for (const [name, value] of Object.entries(values)) stroke.setAttribute(name, value);
    picture.append(stroke);
    return picture;
  }

  function layout(dark, width, height, more) {
    const ink = dark ? "#e8ebee" : "#1b1f23";
    const axis = { gridcolor: dark ? "#2b333b" : "#e6e9ec", linecolor: dark ? "#59636e" : "#9aa4ae", zerolinecolor: dark ? "#59636e" : "#9aa4ae", ticks: "outside", automargin: true };
    return {
      axis,
      base: {
        width, height, paper_bgcolor: dark ? "#14181c" : "#ffffff", plot_bgcolor: dark ? "#14181c" : "#ffffff",
        font: { family: "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif", size: 13, color: ink },
        margin: { l: 56, r: 14, t: 12, b: 48 }, showlegend: false, hovermode: "closest",
        hoverlabel: { bgcolor: dark ? "#2b333b" : "#ffffff", bordercolor: dark ? "#a3adb8" : "#59636e", font: { color: ink }, align: "left", namelength: -1 },
        dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom", ...more,
      },
    };
  }

  const withLegend = (built) => ({ ...built, layout: { ...built.layout, showlegend: true } });

  function curves(figure, drawing, dark, width) {
    const { axes } = figure;
    const series = drawing.series.filter((s) => !state.hidden.has(s.line));
    const few = series.length <= BANDS_UP_TO;
    const bands = !axes.bars && few && series.some((s) => s.low);
    const data = [];
    const unit = axes.percent ? " %" : "";
    for (const s of series) {
      const look = content.lines[s.line];
      const hue = colour(s.line, dark);
      const shape = axes.step ? "hv" : "linear";
      if (bands) {
        const edge = { type: "scatter", x: s.x, mode: "lines", line: { width: 0, shape }, hoverinfo: "skip", showlegend: false };
        data.push({ ...edge, y: s.low }, { ...edge, y: s.high, fill: "tonexty", fillcolor: faded(hue, 0.18) });
      }
      const trace = {
        type: "scatter", name: escaped(look.name), x: s.x, y: s.y, mode: axes.bars ? "lines+markers" : "lines",
        line: { color: hue, width: 2, dash: DASHES[look.dash % DASHES.length], shape }, marker: { size: 6 },
        hovertemplate: `<b>${escaped(look.name)}</b><br>${escaped(axes.x)}: %{x:.4~g}<br>${escaped(axes.y)}: %{y:.2f}<extra></extra>`,
      };
      if (axes.bars) {
        if (few) trace.error_y = { type: "data", symmetric: false, thickness: 1, width: 3, color: faded(hue, 0.6), array: s.high.map((h, i) => (h === null ? 0 : h - s.y[i])), arrayminus: s.low.map((l, i) => (l === null ? 0 : s.y[i] - l)) };
        trace.customdata = s.low.map((low, i) => (low === null ? "—" : `${low.toFixed(2)}, ${s.high[i].toFixed(2)}`));
        trace.hovertemplate = `<b>${escaped(look.name)}</b><br>${escaped(axes.x)}: %{x}<br>${escaped(axes.y)}: %{y:.2f} [%{customdata}]<extra></extra>`;
      }
      data.push(trace);
    }
    const { axis, base } = layout(dark, width, width < 600 ? 340 : 430);
    const x = { ...axis, title: { text: axes.x, standoff: 8 }, type: axes.log ? "log" : "linear" };
    if (drawing.ticks) Object.assign(x, { tickvals: drawing.ticks, ticktext: drawing.ticks.map(String) });
    else if (axes.log) Object.assign(x, { tickformat: "~g", dtick: width < 600 ? 1 : "D2" });
    const y = { ...axis, title: { text: axes.y, standoff: 6 }, rangemode: "tozero" };
    if (axes.percent) Object.assign(y, { range: [0, 102], ticksuffix: unit });
    return { data, layout: { ...base, xaxis: x, yaxis: y } };
  }

  function dots(figure, drawing, dark, width) {
    const isNarrow = width < 640;
    const isEmpty = (panel) => panel.bars && panel.values.every((v) => !v.mean);
    const panels = drawing.panels.filter((panel) => !(isNarrow && isEmpty(panel)));
    const stacked = isNarrow && panels.length > 1;
    const dropped = panels.length < drawing.panels.length ? "; no run is infeasible" : "";
    const shownLines = new Map();
    for (const panel of panels) for (const v of panel.values) if (!state.hidden.has(v.line) && !shownLines.has(v.line)) shownLines.set(v.line, shownLines.size);
    const order = [...shownLines.keys()];
    const first = new Map(panels[0].values.map((v) => [v.line, v.mean]));
    const better = panels[0].mark === undefined ? 1 : -1;
    order.sort((a, b) => better * ((first.get(a) ?? Infinity) - (first.get(b) ?? Infinity)));
    const place = new Map(order.map((line, i) => [line, i]));
    const most = isNarrow ? 20 : 44;
    const rows = Math.max(2, order.length);
    const height = (stacked ? 2 : 1) * (rows * 23 + 70);
    const { axis, base } = layout(dark, width, height);
    const data = [];
    const shapes = [];
    const parts = { ...base, grid: undefined, shapes };
    panels.forEach((panel, k) => {
      const n = k ? k + 1 : "";
      const values = panel.values.filter((v) => place.has(v.line));
      const common = {
        y: values.map((v) => place.get(v.line)), x: values.map((v) => v.mean), xaxis: `x${n}`, yaxis: `y${n}`, showlegend: false,
        text: values.map((v) => escaped(content.lines[v.line].name)),
        customdata: values.map((v) => (v.low === undefined ? "" : v.low === null ? " [—]" : ` [${v.low.toFixed(2)}, ${v.high.toFixed(2)}]`)),
        hovertemplate: `<b>%{text}</b><br>${escaped(panel.title)}: %{x:.2f}%{customdata}<extra></extra>`,
      };
      const hues = values.map((v) => colour(v.line, dark));
      if (panel.bars) data.push({ ...common, type: "bar", orientation: "h", width: 0.55, marker: { color: hues }, texttemplate: "%{x:.3~g}", textposition: "outside", cliponaxis: false });
      else {
        const ends = (side) => values.map((v) => (v[side] === null || v[side] === undefined ? 0 : Math.abs(v[side] - v.mean)));
        data.push({
          ...common, type: "scatter", mode: "markers", marker: { color: hues, size: 10, symbol: values.map((v) => ["circle", "diamond", "square", "cross", "x"][content.lines[v.line].dash % 5]) },
          error_x: { type: "data", symmetric: false, array: ends("high"), arrayminus: ends("low"), thickness: 2, width: 4, color: dark ? "#a3adb8" : "#59636e" },
        });
      }
      const domain = panels.length === 1 ? [0, 1] : stacked ? [0, 1] : k ? [0.66, 1] : [0, 0.6];
      const band = !stacked ? [0, 1] : k ? [0, 0.4] : [0.58, 1];
      const x = { ...axis, title: { text: escaped(panel.title + dropped), standoff: 6 }, domain, anchor: `y${n}` };
      if (panel.range) x.range = panel.range;
      if (panel.bars) Object.assign(x, { range: [0, Math.max(5, ...values.map((v) => v.mean * 1.15))] });
      parts[`xaxis${n}`] = x;
      const isLeft = !k || stacked;
      parts[`yaxis${n}`] = { ...axis, domain: band, anchor: `x${n}`, range: [rows - 0.5, -0.5], zeroline: false, tickvals: order.map((_, i) => i), ticktext: order.map((line) => (isLeft ? escaped(cut(content.lines[line].name, most)) : "")), showticklabels: isLeft };
      if (panel.mark !== undefined) shapes.push({ type: "line", xref: `x${n}`, yref: "paper", x0: panel.mark, x1: panel.mark, y0: 0, y1: 1, line: { color: dark ? "#a3adb8" : "#59636e", width: 1.5, dash: "dot" }, layer: "below" });
    });
    return { data, layout: parts };
  }

  function mapDrawing(map, dark, width) {
    const data = [];
    const depot = map.points[0];
    const palette = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#555555"];
    const hue = (k) => {
      const plain = palette[k % palette.length];
      return dark ? { "#555555": "#b8c0c8", "#0072B2": "#3d9fdb" }[plain] || plain : plain;
    };
    const angle = (route) => {
      const [x, y] = [0, 1].map((d) => route.reduce((sum, i) => sum + map.points[i][d] - depot[d], 0));
      return Math.atan2(y, x);
    };
    [...map.routes.entries()].sort((a, b) => angle(a[1]) - angle(b[1])).forEach(([number, route], k) => {
      const load = route.reduce((sum, i) => sum + map.demand[i - 1], 0);
      const stops = [0, ...route, 0];
      data.push({
        type: "scatter", mode: "lines+markers", name: `route ${number + 1}`, showlegend: false,
        x: stops.map((i) => map.points[i][0]), y: stops.map((i) => map.points[i][1]),
        line: { color: hue(k), width: 1.8, dash: DASHES[Math.floor(k / palette.length) % DASHES.length] },
        marker: { color: hue(k), size: stops.map((i) => (i ? 7 : 0)) },
        text: stops.map((i) => (i ? `customer ${i}, demand ${map.demand[i - 1]}` : "depot")),
        hovertemplate: `<b>route ${number + 1}</b>, load ${load} of ${map.capacity}<br>%{text}<extra></extra>`,
      });
    });
    const ink = dark ? "#e8ebee" : "#1b1f23";
    data.push({ type: "scatter", mode: "markers", x: [depot[0]], y: [depot[1]], showlegend: false, marker: { symbol: "square", size: 13, color: ink, line: { width: 1.5, color: dark ? "#14181c" : "#ffffff" } }, hovertemplate: "depot<extra></extra>" });
    const { axis, base } = layout(dark, width, Math.min(620, Math.max(320, width * 0.75)));
    const plain = { ...axis, zeroline: false, showgrid: false };
    return { data, layout: { ...base, xaxis: { ...plain, constrain: "domain" }, yaxis: { ...plain, scaleanchor: "x", constrain: "domain" } } };
  }

  const shownDrawing = (figure) => figure.drawings[state.budget] || figure.drawings[0];

  function build(figure, dark, width) {
    if (figure.kind === "map") return mapDrawing(content.maps[state.map], dark, width);
    const drawing = shownDrawing(figure);
    if (!drawing) return null;
    return (figure.kind === "curves" ? curves : dots)(figure, drawing, dark, width);
  }

  const all = [...content.figures, ...(content.maps.length ? [{ name: "map", title: "Routes", kind: "map", axes: {} }] : [])];

  function draw(figure) {
    const place = byId(`plot-${figure.name}`);
    if (!place) return;
    const built = build(figure, isDark(), printing ? PRINT_WIDTH : place.clientWidth);
    place.querySelectorAll(":scope > .missing").forEach((old) => old.remove());
    if (!built) {
      Plotly.purge(place);
      place.append(make("p", `The rows at ${state.budget} evaluations hold nothing to draw here.`, { class: "missing" }));
    } else Plotly.react(place, built.data, built.layout, { displayModeBar: false, displaylogo: false, showTips: false });
    if (figure.kind === "curves") drawKey(figure, place);
    if (figure.kind === "map") {
      const map = content.maps[state.map];
      const gap = map.best_known ? `, ${((100 * (map.cost - map.best_known)) / map.best_known).toFixed(2)} % above the best known ${map.best_known}` : "";
      byId("map-note").textContent = `${map.name}: ${map.routes.length} routes, cost ${map.cost}${gap}. Source: ${map.source}.`;
    }
  }

  function drawKey(figure, place) {
    const list = make("ul", undefined, { class: "key" });
    for (const s of (shownDrawing(figure) || { series: [] }).series) {
      if (state.hidden.has(s.line)) continue;
      const item = make("li");
      item.append(swatch(s.line), make("span", cut(content.lines[s.line].name, 48)));
      list.append(item);
    }
    if (place.nextElementSibling.classList.contains("key")) place.nextElementSibling.remove();
    place.after(list);
  }

  function figureRows(figure) {
    if (figure.kind === "map") {
      const map = content.maps[state.map];
      const rows = map.routes.flatMap((route, k) => route.map((i, at) => [k + 1, at + 1, i, ...map.points[i], map.demand[i - 1]]));
      return [["route", "position", "customer", "x", "y", "demand"], ["depot", "", 0, ...map.points[0], ""], ...rows];
    }
    const drawing = shownDrawing(figure);
    const name = (v) => content.lines[v.line].name;
    if (figure.kind === "curves") {
      const rows = drawing.series.flatMap((s) => s.x.map((x, i) => [name(s), x, s.y[i], s.low && s.low[i], s.high && s.high[i]]));
      return [["line", figure.axes.x, figure.axes.y, "low", "high"], ...rows];
    }
    const rows = drawing.panels.flatMap((panel) => panel.values.map((v) => [name(v), panel.title, v.mean, v.low, v.high]));
    return [["line", "quantity", "mean", "low", "high"], ...rows];
  }

  function fileName(figure, end) {
    const part = figure.kind === "map" ? content.maps[state.map].name : figure.drawings[state.budget] ? state.budget : "all";
    return `${figure.name}-${part}`.replace(/[^\w.-]+/g, "_") + end;
  }

  function addButtons(figure) {
    const caption = byId(`figure-${figure.name}`)?.querySelector("figcaption");
    if (!caption || !byId(`plot-${figure.name}`)) return;
    if (figure.kind === "map" && content.maps.length > 1) {
      const pick = make("select", undefined, { id: "map", "aria-label": "Instance of the map" });
      content.maps.forEach((map, i) => pick.append(make("option", map.name, { value: i })));
      pick.addEventListener("change", () => { state.map = Number(pick.value); draw(figure); writeState(); });
      caption.append(pick);
    }
    const data = make("button", "CSV", { type: "button", title: "Download the figure's numbers as CSV" });
    data.addEventListener("click", () => {
      if (figure.kind !== "map" && !shownDrawing(figure)) say("nothing to write");
      else download(fileName(figure, ".csv"), csv(figureRows(figure)), "text/csv");
    });
    const picture = make("button", "SVG", { type: "button", title: "Download the figure as SVG" });
    picture.addEventListener("click", async () => {
      const built = build(figure, false, 900);
      if (!built) { say("nothing to write"); return; }
      const { data: traces, layout: plan } = figure.kind === "curves" ? withLegend(built) : built;
      const address = await Plotly.toImage({ data: traces, layout: plan }, { format: "svg", width: plan.width, height: plan.height });
      download(fileName(figure, ".svg"), decodeURIComponent(address.slice(address.indexOf(",") + 1)), "image/svg+xml");
    });
    const actions = make("span", undefined, { class: "actions" });
    actions.append(data, picture);
    caption.append(actions);
  }

  // Controls that act on the whole page.
  function fillBar() {
    const budget = byId("budget");
    for (const value of content.budgets) budget.append(make("option", `${value} evaluations`, { value }));
    budget.addEventListener("change", () => {
      state.budget = Number(budget.value);
      for (const table of Object.values(state.tables)) if (/^\d+$/.test(table.only || "")) delete table.only;
      showAll();
      writeState();
    });
    const list = byId("line-list");
    content.lines.forEach((look, i) => {
      const label = make("label");
      const box = make("input", undefined, { type: "checkbox", value: i });
      box.addEventListener("change", () => { box.checked ? state.hidden.delete(i) : state.hidden.add(i); showAll(); writeState(); });
      label.append(box, swatch(i), make("span", look.name));
      list.append(label);
    });
    byId("all").addEventListener("click", () => { state.hidden.clear(); showAll(); writeState(); });
    byId("none").addEventListener("click", () => { state.hidden = new Set(content.lines.keys()); showAll(); writeState(); });
    const lines = byId("lines");
    document.addEventListener("click", (event) => { if (!lines.contains(event.target)) lines.open = false; });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && lines.open) { lines.open = false; lines.querySelector("summary").focus(); }
    });
    byId("theme").addEventListener("click", () => { state.theme = isDark() ? "light" : "dark"; showAll(); writeState(); });
    for (const part of document.querySelectorAll("section.part")) byId("nav").append(make("a", part.dataset.name, { href: `#${part.id}` }));
    document.addEventListener("click", (event) => {
      const link = event.target.closest('a[href^="#"]');
      const target = link && byId(link.getAttribute("href").slice(1));
      if (!target) return;
      event.preventDefault(); // the address holds the state
      target.scrollIntoView();
      target.setAttribute("tabindex", "-1");
      target.focus({ preventScroll: true });
    });
    byId("bar").hidden = false;
  }

  const system = matchMedia("(prefers-color-scheme: dark)");

  function showAll() {
    const dark = !printing && (state.theme === "auto" ? system.matches : state.theme === "dark");
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    byId("theme").textContent = dark ? "Light" : "Dark";
    byId("theme").setAttribute("aria-label", dark ? "Light colours" : "Dark colours");
    byId("budget").value = state.budget;
    byId("n-lines").textContent = `(${content.lines.length - state.hidden.size} of ${content.lines.length})`;
    for (const box of byId("line-list").querySelectorAll("input")) {
      box.checked = !state.hidden.has(Number(box.value));
      box.nextElementSibling.replaceWith(swatch(Number(box.value)));
    }
    for (const part of document.querySelectorAll("[data-budget]")) part.hidden = part.dataset.budget !== String(state.budget);
    if (byId("map")) byId("map").value = state.map;
    tables.forEach((show) => show());
    all.forEach(draw);
  }

  readState();
  document.querySelectorAll("section[data-table]").forEach(enhance);
  all.forEach(addButtons);
  fillBar();
  showAll();
  system.addEventListener("change", showAll);
  addEventListener("hashchange", () => { readState(); showAll(); });
  let waiting;
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth === width) return; // a phone's address bar
    width = innerWidth;
    clearTimeout(waiting);
    waiting = setTimeout(() => all.forEach(draw), 150);
  });
  addEventListener("beforeprint", () => { printing = true; showAll(); });
  addEventListener("afterprint", () => { printing = false; showAll(); });
})();
