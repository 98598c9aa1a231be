"use strict";
// News come as server-sent events; a page that they are about is loaded again where it stands.
const news = new EventSource("/events" + location.pathname);
news.addEventListener("changed", () => location.reload());
addEventListener("pagehide", () => news.close());
addEventListener("keydown", (event) => {
  if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) {
    document.querySelector("input[type=search]").focus();
    event.preventDefault();
  }
});
