// Draws each figure from the specification beside it; when it is drawn, the table that says the same folds away.
for (const figure of document.querySelectorAll("figure[data-chart]")) {
  const spec = JSON.parse(document.getElementById(figure.dataset.chart).textContent);
  const place = figure.querySelector(".chart");
  const options = { mode: "vega-lite", renderer: "svg", ast: true, actions: false, defaultStyle: false, tooltip: false };
  vegaEmbed(place, spec, options).then(() => {
    const drawing = place.querySelector("svg");
    drawing.setAttribute("role", "img");
    drawing.setAttribute("aria-label", figure.dataset.shows);
    figure.querySelector("details").open = false;
    figure.classList.add("drawn");
  });
}
