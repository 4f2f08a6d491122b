"use strict";
/* Shows values under the pointer and hides lines in the charts of learning curves. */

const SVG = "http://www.w3.org/2000/svg";

function position(scale, value) {
  return scale.start + (value - scale.low) * (scale.end - scale.start) / (scale.high - scale.low);
}

function nearest(sorted, wanted) {
  let best = 0;
  sorted.forEach((value, k) => { if (Math.abs(value - wanted) < Math.abs(sorted[best] - wanted)) best = k; });
  return best;
}

function svgElement(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

class Chart {
  constructor(figure) {
    this.figure = figure;
    this.svg = figure.querySelector("svg");
    this.pointer = figure.querySelector(".pointer");
    this.readout = figure.querySelector(".readout");
    this.values = JSON.parse(figure.querySelector("script").textContent);
    this.svg.addEventListener("pointermove", (event) => this.show(event));
    this.svg.addEventListener("pointerleave", () => this.clear());
    for (const box of figure.querySelectorAll("[data-toggles]")) {
      box.hidden = false;
      box.addEventListener("change", () => this.toggle(box));
    }
    for (const element of figure.querySelectorAll(".scripted")) element.hidden = false;
  }

  group(number) {
    return this.svg.querySelector(`[data-line="${number}"]`);
  }

  toggle(box) {
    const groups = box.dataset.toggles === "runs" ? this.svg.querySelectorAll(".runs") : [this.group(box.dataset.toggles)];
    for (const group of groups) group.classList.toggle("off", !box.checked);
    this.clear();
  }

  clear() {
    this.pointer.replaceChildren();
    this.readout.hidden = true;
  }

  show(event) {
    const box = this.svg.getBoundingClientRect();
    const { x, y, lines } = this.values;
    const scale = this.svg.viewBox.baseVal.width / box.width;
    const wanted = x.low + ((event.clientX - box.left) * scale - x.start) * (x.high - x.low) / (x.end - x.start);
    const visible = lines.map((line, k) => [line, this.group(k)]).filter(([, group]) => !group.classList.contains("off"));
    this.clear();
    if (!visible.length) return;
    const timesteps = visible.map(([line]) => line.x[nearest(line.x, wanted)]);
    const at = timesteps[nearest(timesteps, wanted)];
    this.pointer.append(svgElement("path", { d: `M${position(x, at)} ${y.start}V${y.end}` }));
    this.readout.replaceChildren(this.row(at.toLocaleString("en") + " timesteps"));
    for (const [line, group] of visible) this.mark(line, group.getAttribute("stroke"), at);
    this.readout.hidden = false;
    this.moveReadout(box, position(x, at) / scale);
  }

  mark(line, color, at) {
    const k = nearest(line.x, at);
    const { x, y } = this.values;
    this.pointer.append(svgElement("circle", { cx: position(x, line.x[k]), cy: position(y, line.y[k]), r: 4, fill: color }));
    this.readout.append(this.row(`${line.label}: ${line.text[k]}`, color));
  }

  row(text, color) {
    const row = document.createElement("div");
    if (color) {
      const swatch = document.createElement("span");
      swatch.textContent = "\u25a0 ";
      swatch.style.color = color;
      row.append(swatch);
    }
    row.append(text);
    return row;
  }

  moveReadout(box, at) {
    const left = at + this.readout.offsetWidth + 20 > box.width ? at - this.readout.offsetWidth - 12 : at + 12;
    this.readout.style.left = `${Math.max(0, left)}px`;
    this.readout.style.top = "16px";
  }
}

for (const data of document.querySelectorAll("figure.chart > script")) new Chart(data.parentElement);
