// Before the page is drawn, so that it does not flash: the theme the viewer chose last.
const kept = localStorage.getItem("theme");
if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
