// What is wider than the screen is scrolled by itself, with the keyboard too.
addEventListener("load", () => {
  for (const part of document.querySelectorAll("pre, .table-wrapper, .output")) {
    if (part.scrollWidth > part.clientWidth) part.tabIndex = 0;
  }
});
