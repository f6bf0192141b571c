// Draws the plots, and asks for news every three seconds while somebody looks.
(() => {
  const EVERY_MS = 3000;
  const HEIGHT = 170;
  const section = document.querySelector(".plots");
  const details = document.getElementById("figures");
  const feed = document.getElementById("feed");
  const feedText = document.getElementById("feed-text");
  const said = document.getElementById("said");
  let plots = [];
  let latest = null;

  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const milliseconds = (value) => (value == null ? "–" : value < 1000 ? `${Math.round(value)} ms` : `${(value / 1000).toFixed(1)} s`);
  const count = (value) => (value == null ? "–" : String(Math.round(value * 10) / 10));
  const percent = (value) => (value == null ? "–" : `${Math.round(value * 100) / 100} %`);
  const time = (seconds) => new Date(seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

  // A line joins neighbours; a minute without any is a point.
  const alone = (plot, index) => {
    const values = plot.data[index];
    return values.flatMap((value, at) => (value != null && values[at - 1] == null && values[at + 1] == null ? [at] : []));
  };
  const line = (label, name, show) => ({
    label, stroke: color(name), width: 1.6, value: (_, value) => show(value), points: { show: true, size: 4, fill: color(name), width: 0, filter: alone },
  });
  const bars = (label, name) => ({
    label, stroke: color(name), fill: color(name), width: 0, paths: uPlot.paths.bars({ size: [0.7, 14] }),
    points: { show: false }, value: (_, value) => count(value),
  });

  const definitions = () => [
    { id: "plot-requests", show: count, least: 5, series: [bars("all", "--plot-1"), bars("failed", "--bad-fill")],
      values: (data) => [data.requests, data.failed] },
    { id: "plot-latency", show: milliseconds, least: 100, series: [line("p50", "--plot-1", milliseconds), line("p95", "--plot-2", milliseconds)],
      values: (data) => [data.p50_ms, data.p95_ms] },
    { id: "plot-errors", show: percent, least: 5, series: [line("failed", "--bad-fill", percent)],
      values: (data) => [data.error_percent] },
  ];

  const options = (definition, width) => {
    const axis = {
      stroke: color("--muted"), font: "11px system-ui", grid: { stroke: color("--line"), width: 1 }, ticks: { show: false },
    };
    return {
      width, height: HEIGHT, padding: [6, 8, 0, 0],
      cursor: { y: false, points: { size: 6 } },
      legend: { markers: { width: 0, fill: (plot, place) => plot.series[place].stroke() } },
      scales: { x: { range: (_, first, last) => [first - 30, last + 30] }, y: { range: (_, low, high) => [0, Math.max(definition.least, (high || 0) * 1.15)] } },
      axes: [
        { ...axis, values: (_, ticks) => ticks.map(time), space: 60, size: 26 },
        { ...axis, values: (_, ticks) => ticks.map(definition.show), size: 58 },
      ],
      series: [{ label: "at", value: (_, value) => (value == null ? "–" : time(value)) }, ...definition.series],
    };
  };

  const draw = () => {
    plots.forEach((plot) => plot.destroy());
    plots = definitions().map((definition) => {
      const place = document.getElementById(definition.id);
      const data = latest ? [latest.times, ...definition.values(latest)] : undefined;
      return new uPlot(options(definition, place.clientWidth), data, place);
    });
  };

  const tell = (data) => {
    const total = data.requests.reduce((sum, value) => sum + value, 0);
    const failed = data.failed.reduce((sum, value) => sum + value, 0);
    document.getElementById("plot-requests").setAttribute("aria-label", `Requests a minute over the last hour: ${total} in all, ${failed} failed`);
    if (!details.open) return;
    const rows = data.times.map((at, place) => [time(at), data.requests[place], data.failed[place], milliseconds(data.p50_ms[place]), milliseconds(data.p95_ms[place])]);
    const filled = rows.filter((row) => row[1]).reverse().map((row) => {
      const line = document.createElement("tr");
      row.forEach((text, place) => {
        const cell = document.createElement(place ? "td" : "th");
        if (place) cell.className = "number"; else cell.scope = "row";
        cell.textContent = text;
        line.append(cell);
      });
      return line;
    });
    details.querySelector("tbody").replaceChildren(...filled);
  };

  const update = async () => {
    const answer = await fetch(section.dataset.from, { headers: { accept: "application/json" } });
    if (!answer.ok) throw new Error(String(answer.status));
    latest = await answer.json();
    definitions().forEach((definition, place) => plots[place].setData([latest.times, ...definition.values(latest)]));
    tell(latest);
  };

  const state = (word, text) => {
    feed.dataset.state = word;
    if (feedText.textContent !== text) feedText.textContent = text;
  };

  const tick = async () => {
    if (!document.hidden) {
      htmx.trigger(document.body, "tick");
      try {
        await update();
        state("live", "Live");
      } catch {
        state("lost", "No connection, trying again");
      }
    }
    setTimeout(tick, EVERY_MS);
  };

  document.documentElement.addEventListener("theme", draw);
  let redraw = 0;
  new ResizeObserver(() => {
    cancelAnimationFrame(redraw);
    redraw = requestAnimationFrame(() => plots.forEach((plot) => plot.setSize({ width: plot.root.parentElement.clientWidth, height: HEIGHT })));
  }).observe(section);
  details.addEventListener("toggle", () => latest && tell(latest));
  document.body.addEventListener("htmx:afterSwap", () => {
    const text = document.querySelector("[data-said]").dataset.said;
    if (said.textContent !== text) said.textContent = text;
  });
  draw();
  tick();
})();
