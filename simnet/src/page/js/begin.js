// The page begins.

const address = location.hash;
byId("twin").open = false;
startTheme();
const page = new Page(JSON.parse(byId("data").textContent));
listenToButtons(page);
listenToKeys(page);
fillLegend();
printable(page);
recall(page, address);
window.addEventListener("hashchange", () => recall(page, location.hash));
page.drawing.scroller.focus({ preventScroll: true });
document.documentElement.dataset.ready = "true";
