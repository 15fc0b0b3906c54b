"use strict";
(() => {
  const content = JSON.parse(document.getElementById("data").textContent);
  const DASHES = ["solid", "dash", "dot", "dashdot", "longdash"];
  const STROKES = ["", "6 3", "2 3", "6 3 2 3", "10 4"];
  const BANDS_UP_TO = 4; // lines; up to as many have their name at the end
  const ONE_PANEL_UP_TO = 8; // lines; more are drawn in a panel for each group
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
  const state = { budget: content.budget, hidden: new Set(), marked: null, theme: "auto", map: 0, tables: {} };

  function readState() {
    const given = new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");
    const budget = Number(given.get("budget"));
    state.budget = content.budgets.includes(budget) ? budget : content.budget;
    const hidden = (given.get("hide") || "").split(".").filter(Boolean).map(Number);
    state.hidden = new Set(hidden.filter((i) => i < content.lines.length));
    const marked = given.get("line");
    state.marked = marked !== null && content.lines[marked] ? Number(marked) : null;
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
    if (state.marked !== null) kept.set("line", state.marked);
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

  const palette = (dark) => content.colours[dark ? "dark" : "light"];
  const colour = (line, dark) => palette(dark)[content.lines[line].colour];
  const isFaint = (line, marked) => marked !== null && line !== marked;

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

  const inkOf = (dark) => (dark ? "#e8ebee" : "#1b1f23");
  const greyOf = (dark) => (dark ? "#59636e" : "#b3bac1");

  function layout(dark, width, height) {
    const ink = inkOf(dark);
    const axis = { gridcolor: dark ? "#2b333b" : "#e6e9ec", linecolor: dark ? "#59636e" : "#9aa4ae", zerolinecolor: dark ? "#59636e" : "#9aa4ae", ticks: "outside", automargin: true };
    return {
      axis,
      base: {
        width, height, paper_bgcolor: dark ? "#14181c" : "#ffffff", plot_bgcolor: dark ? "#14181c" : "#ffffff",
        font: { family: "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif", size: 13, color: ink },
        margin: { l: 56, r: 14, t: 12, b: 48 }, showlegend: false, hovermode: "closest",
        hoverlabel: { bgcolor: dark ? "#2b333b" : "#ffffff", bordercolor: dark ? "#a3adb8" : "#59636e", font: { color: ink }, align: "left", namelength: -1 },
        dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
      },
    };
  }

  const withLegend = (built) => ({ ...built, layout: { ...built.layout, showlegend: true } });

  // Series of the lines that are shown, the best one first: by the mean of a share, or by the last gap.
  function shownSeries(figure, drawing) {
    const shown = drawing.series.filter((s) => !state.hidden.has(s.line));
    const last = (s) => s.y.findLast((y) => y !== null) ?? Infinity;
    const rank = (s) => (figure.axes.percent ? -s.y.reduce((sum, y) => sum + y, 0) / s.y.length : last(s));
    return shown.sort((a, b) => rank(a) - rank(b));
  }

  function trace(figure, s, dark, { bars = false, opacity = 1, width = 2, aside = 0 }) {
    const { axes } = figure;
    const look = content.lines[s.line];
    const hue = colour(s.line, dark);
    const made = {
      type: "scatter", name: escaped(look.name), x: s.x, y: s.y, mode: axes.bars ? "lines+markers" : "lines", opacity,
      line: { color: hue, width, dash: DASHES[look.dash % DASHES.length], shape: axes.step ? "hv" : "linear" }, marker: { size: 6 },
      hovertemplate: `<b>${escaped(look.name)}</b><br>${escaped(axes.x)}: %{x:.4~g}<br>${escaped(axes.y)}: %{y:.2f}<extra></extra>`,
    };
    if (!axes.bars) return made;
    if (bars) made.error_y = { type: "data", symmetric: false, thickness: 1, width: 3, color: faded(hue, 0.6), array: s.high.map((h, i) => (h === null ? 0 : h - s.y[i])), arrayminus: s.low.map((l, i) => (l === null ? 0 : s.y[i] - l)) };
    made.x = s.x.map((x) => x * 1.012 ** aside); // bars at one budget stand side by side
    made.customdata = s.low.map((low, i) => [s.x[i], low === null ? "—" : `${low.toFixed(2)}, ${s.high[i].toFixed(2)}`]);
    made.hovertemplate = `<b>${escaped(look.name)}</b><br>${escaped(axes.x)}: %{customdata[0]}<br>${escaped(axes.y)}: %{y:.2f} [%{customdata[1]}]<extra></extra>`;
    return made;
  }

  function axesOf(figure, drawing, axis, width) {
    const { axes } = figure;
    const x = { ...axis, type: axes.log ? "log" : "linear" };
    if (drawing.ticks) Object.assign(x, { tickvals: drawing.ticks, ticktext: drawing.ticks.map(String) });
    else if (axes.log) Object.assign(x, { tickformat: "~g", dtick: width < 600 ? 1 : "D2" });
    const y = { ...axis, rangemode: "tozero" };
    if (axes.percent) Object.assign(y, { range: [0, 102], ticksuffix: " %" });
    return { x, y };
  }

  function curves(figure, drawing, dark, width, marked) {
    const series = shownSeries(figure, drawing);
    if (!series.some((s) => s.line === marked)) marked = null; // hidden, or not in this figure: no other is faint
    if (series.length > ONE_PANEL_UP_TO) return panels(figure, drawing, series, dark, width, marked);
    const { axes } = figure;
    const few = series.length <= BANDS_UP_TO;
    const data = [];
    series.forEach((s, i) => {
      const faint = isFaint(s.line, marked);
      if (few && s.low && !axes.bars && !faint) {
        const edge = { type: "scatter", x: s.x, mode: "lines", line: { width: 0, shape: axes.step ? "hv" : "linear" }, hoverinfo: "skip", showlegend: false };
        data.push({ ...edge, y: s.low }, { ...edge, y: s.high, fill: "tonexty", fillcolor: faded(colour(s.line, dark), 0.18) });
      }
      data.push(trace(figure, s, dark, { bars: few && !faint, opacity: faint ? 0.18 : 1, aside: few ? i - (series.length - 1) / 2 : 0 }));
    });
    const height = width < 600 ? 340 : 430;
    const { axis, base } = layout(dark, width, height);
    const { x, y } = axesOf(figure, drawing, axis, width);
    x.title = { text: axes.x, standoff: 8 };
    y.title = { text: axes.y, standoff: 6 };
    if (few && series.length && width >= 600 && !axes.percent) base.annotations = endLabels(series, dark, marked, base, height, axes.log);
    return { data, layout: { ...base, xaxis: x, yaxis: y } };
  }

  // Names at the right ends of a few lines, moved apart where they would overlap; their margin is made wide enough.
  function endLabels(series, dark, marked, base, height, isLog) {
    const top = 1.05 * Math.max(...series.flatMap((s) => [...s.y, ...(s.high || [])]).filter(Number.isFinite));
    const scale = (height - base.margin.t - base.margin.b) / top;
    let lowest = -Infinity;
    const ends = series.map((s) => ({ line: s.line, x: s.x.at(-1), y: s.y.at(-1) })).sort((a, b) => a.y - b.y);
    const texts = ends.map((end) => escaped(cut(content.lines[end.line].name, 24)));
    base.margin.r = 20 + 7.5 * Math.max(...texts.map((text) => text.length));
    return ends.map((end, i) => {
      const place = Math.max(end.y * scale, lowest + 16);
      lowest = place;
      return {
        x: isLog ? Math.log10(end.x) : end.x, y: end.y, text: texts[i], xanchor: "left", xshift: 12, yshift: place - end.y * scale, showarrow: false,
        font: { color: colour(end.line, dark), size: 13 }, opacity: isFaint(end.line, marked) ? 0.18 : 1,
      };
    });
  }

  // A panel for each group of lines, over all other lines in grey; a marked line is in every panel.
  function panels(figure, drawing, series, dark, width, marked) {
    const groups = [...new Set(series.map((s) => content.lines[s.line].group))].sort(collator.compare);
    const most = Math.max(2, Math.floor(width / 205));
    const n = { rows: Math.ceil(groups.length / most) };
    n.columns = Math.ceil(groups.length / n.rows);
    const rowHeight = width < 600 ? 170 : 200;
    const { axis, base } = layout(dark, width, n.rows * rowHeight + 70);
    const gap = { x: 14 / width, y: 44 / (n.rows * rowHeight) };
    const side = { x: (1 - (n.columns - 1) * gap.x) / n.columns, y: (1 - n.rows * gap.y) / n.rows };
    const all = series.flatMap((s) => s.y.map((y, i) => [s.x[i], y]).concat([[null, null]]));
    const grey = { type: "scatter", mode: "lines", x: all.map((p) => p[0]), y: all.map((p) => p[1]), line: { color: greyOf(dark), width: 1, shape: figure.axes.step ? "hv" : "linear" }, opacity: 0.6, hoverinfo: "skip", showlegend: false };
    const shape = axesOf(figure, drawing, axis, width / n.columns);
    const parts = { ...base, annotations: [] };
    const data = [];
    groups.forEach((group, k) => {
      const id = k ? k + 1 : "";
      const at = { xaxis: `x${id}`, yaxis: `y${id}` };
      const [column, row] = [k % n.columns, Math.floor(k / n.columns)];
      const left = column * (side.x + gap.x);
      const top = 1 - row * (side.y + gap.y) - gap.y * 0.7;
      data.push({ ...grey, ...at });
      for (const s of series) {
        const own = content.lines[s.line].group === group;
        const look = s.line === marked ? { width: 3 } : { opacity: marked === null ? 1 : 0.45 };
        if (own || s.line === marked) data.push({ ...trace(figure, s, dark, look), ...at, showlegend: own });
      }
      const isLowest = k + n.columns >= groups.length;
      parts[`xaxis${id}`] = { ...shape.x, ...(k ? { matches: "x" } : {}), domain: [left, left + side.x], anchor: at.yaxis, showticklabels: isLowest, nticks: 5, title: isLowest ? { text: figure.axes.x, standoff: 6, font: { size: 12 } } : undefined };
      parts[`yaxis${id}`] = { ...shape.y, ...(k ? { matches: "y" } : {}), domain: [top - side.y, top], anchor: at.xaxis, showticklabels: !column, nticks: 5, title: column ? undefined : { text: figure.axes.y, standoff: 4, font: { size: 12 } } };
      parts.annotations.push({ text: `<b>${escaped(cut(group, Math.floor((side.x * width) / 8)))}</b>`, xref: "paper", yref: "paper", x: left, y: top, xanchor: "left", yanchor: "bottom", showarrow: false, font: { size: 13 } });
    });
    return { data, layout: parts };
  }

  function dots(figure, drawing, dark, width, marked) {
    const isNarrow = width < 640;
    const isEmpty = (panel) => panel.bars && panel.values.every((v) => !v.mean);
    const panels = drawing.panels.filter((panel) => !(isNarrow && isEmpty(panel)));
    const stacked = isNarrow && panels.length > 1;
    const dropped = panels.length < drawing.panels.length ? "<br>(no run is infeasible)" : "";
    const order = [...new Set(panels.flatMap((panel) => panel.values.map((v) => v.line)))].filter((line) => !state.hidden.has(line));
    if (!order.includes(marked)) marked = null;
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
    const parts = { ...base, shapes };
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
      const opacity = values.map((v) => (isFaint(v.line, marked) ? 0.25 : 1));
      if (panel.bars) data.push({ ...common, type: "bar", orientation: "h", width: 0.55, marker: { color: hues, opacity }, texttemplate: "%{x:.3~g}", textposition: "outside", cliponaxis: false });
      else {
        const ends = (side) => values.map((v) => (v[side] === null || v[side] === undefined ? 0 : Math.abs(v[side] - v.mean)));
        data.push({
          ...common, type: "scatter", mode: "markers", marker: { color: hues, opacity, size: 10, symbol: values.map((v) => ["circle", "diamond", "square", "cross", "x"][content.lines[v.line].dash % 5]) },
          error_x: { type: "data", symmetric: false, array: ends("high"), arrayminus: ends("low"), thickness: 2, width: 4, color: dark ? "#a3adb8" : "#59636e" },
        });
      }
      const domain = panels.length === 1 ? [0, 1] : stacked ? [0, 1] : k ? [0.66, 1] : [0, 0.6];
      const band = !stacked ? [0, 1] : k ? [0, 0.4] : [0.58, 1];
      const x = { ...axis, title: { text: escaped(panel.title) + dropped, standoff: 6 }, domain, anchor: `y${n}` };
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
    const hues = palette(dark);
    const hue = (k) => hues[k % hues.length];
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
        line: { color: hue(k), width: 1.8, dash: DASHES[Math.floor(k / hues.length) % DASHES.length] },
        marker: { color: hue(k), size: stops.map((i) => (i ? 7 : 0)) },
        text: stops.map((i) => (i ? `customer ${i}, demand ${map.demand[i - 1]}` : "depot")),
        hovertemplate: `<b>route ${number + 1}</b>, load ${load} of ${map.capacity}<br>%{text}<extra></extra>`,
      });
    });
    const ink = inkOf(dark);
    data.push({ type: "scatter", mode: "markers", x: [depot[0]], y: [depot[1]], showlegend: false, marker: { symbol: "square", size: 13, color: ink, line: { width: 1.5, color: dark ? "#14181c" : "#ffffff" } }, hovertemplate: "depot<extra></extra>" });
    const { axis, base } = layout(dark, width, Math.min(620, Math.max(320, width * 0.75)));
    const plain = { ...axis, zeroline: false, showgrid: false };
    return { data, layout: { ...base, xaxis: { ...plain, constrain: "domain" }, yaxis: { ...plain, scaleanchor: "x", constrain: "domain" } } };
  }

  const shownDrawing = (figure) => figure.drawings[state.budget] || figure.drawings[0];

  function build(figure, dark, width, marked = state.marked) {
    if (figure.kind === "map") return mapDrawing(content.maps[state.map], dark, width);
    const drawing = shownDrawing(figure);
    if (!drawing) return null;
    return (figure.kind === "curves" ? curves : dots)(figure, drawing, dark, width, marked);
  }

  const all = [...content.figures, ...(content.maps.length ? [{ name: "map", title: "Routes", kind: "map", axes: {} }] : [])];

  function draw(figure, marked = state.marked) {
    const place = byId(`plot-${figure.name}`);
    if (!place) return;
    if (figure.kind === "curves") drawKey(figure, place);
    const built = build(figure, isDark(), printing ? PRINT_WIDTH : place.clientWidth, marked);
    place.querySelectorAll(":scope > .missing").forEach((old) => old.remove());
    if (!built) {
      Plotly.purge(place);
      place.append(make("p", `The rows at ${state.budget} evaluations hold nothing to draw here.`, { class: "missing" }));
    } else Plotly.react(place, built.data, built.layout, { displayModeBar: false, displaylogo: false, showTips: false });
    if (figure.kind === "map") {
      const map = content.maps[state.map];
      const gap = map.best_known ? `, ${((100 * (map.cost - map.best_known)) / map.best_known).toFixed(2)} % above the best known ${map.best_known}` : "";
      byId("map-note").textContent = `${map.name}: ${map.routes.length} routes, cost ${map.cost}${gap}. Source: ${map.source}.`;
    }
  }

  // The lines beside a figure: the pointer on one shows it alone in this figure, a click in all figures until the next.
  function drawKey(figure, place) {
    const drawing = shownDrawing(figure);
    const lines = drawing ? shownSeries(figure, drawing).map((s) => s.line) : [];
    const old = place.nextElementSibling;
    const made = `${isDark()} ${lines}`;
    if (old?.dataset.made === made) { // the same element, so that it keeps the focus
      for (const button of old.querySelectorAll("button")) button.setAttribute("aria-pressed", Number(button.value) === state.marked);
      return;
    }
    const list = make("ul", undefined, { class: "key", "data-made": made, "aria-label": "Lines, the best first" });
    for (const line of lines) {
      const button = make("button", undefined, { type: "button", value: line, "aria-pressed": line === state.marked, title: content.lines[line].name });
      button.append(swatch(line), make("span", cut(content.lines[line].name, 48)));
      button.addEventListener("click", () => {
        state.marked = state.marked === line ? null : line;
        all.forEach((each) => draw(each));
        writeState();
        say(state.marked === null ? "all lines shown alike" : `${content.lines[line].name} marked`);
      });
      button.addEventListener("pointerenter", (event) => { if (event.pointerType === "mouse") draw(figure, line); });
      button.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") draw(figure); });
      const item = make("li");
      item.append(button);
      list.append(item);
    }
    if (old) old.remove();
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
      const built = build(figure, false, 900, null);
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
    byId("all").addEventListener("click", () => { state.hidden.clear(); state.marked = null; showAll(); writeState(); });
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
    all.forEach((figure) => draw(figure));
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
    waiting = setTimeout(() => all.forEach((figure) => draw(figure)), 150);
  });
  addEventListener("beforeprint", () => { printing = true; showAll(); });
  addEventListener("afterprint", () => { printing = false; showAll(); });
})();
