"use strict";
// The arrow keys move among the tokens of a text, and one stop of the tab key holds them all. All
// else works without this script: every token can be reached by the tab key, and shows its panel.
for (const text of document.querySelectorAll(".written")) {
  const tokens = [...text.querySelectorAll("a.t")];
  if (!tokens.length) continue;
  let current = 0;
  tokens.forEach((token, at) => {
    token.tabIndex = at ? -1 : 0;
  });

  // Where most of a token stands: its space may hang at the end of the line before.
  const placeOf = (at) =>
    [...tokens[at].getClientRects()].reduce((one, other) => (other.width > one.width ? other : one));

  // The token that stands nearest on the next line in a direction, -1 or 1.
  const onNextLine = (at, way) => {
    const from = placeOf(at);
    let [best, nearest] = [at, Infinity];
    let line = null;
    for (let to = at + way; to >= 0 && to < tokens.length; to += way) {
      const place = placeOf(to);
      if (Math.abs(place.top - from.top) < from.height / 2) continue;
      if (line === null) line = place.top;
      if (Math.abs(place.top - line) > from.height / 2) break;
      const distance = Math.abs(place.left - from.left);
      if (distance < nearest) [best, nearest] = [to, distance];
    }
    return best;
  };

  const target = (key) => {
    switch (key) {
      case "ArrowLeft": return current - 1;
      case "ArrowRight": return current + 1;
      case "ArrowUp": return onNextLine(current, -1);
      case "ArrowDown": return onNextLine(current, 1);
      case "Home": return 0;
      case "End": return tokens.length - 1;
      default: return null;
    }
  };

  text.addEventListener("focusin", (event) => {
    const at = tokens.indexOf(event.target);
    if (at < 0) return;
    tokens[current].tabIndex = -1;
    tokens[at].tabIndex = 0;
    current = at;
  });
  text.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.key === "Escape") event.target.blur();
    const to = target(event.key);
    if (to === null) return;
    event.preventDefault();
    tokens[Math.max(0, Math.min(to, tokens.length - 1))].focus();
  });
}
