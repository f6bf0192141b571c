// Shows the API description with Redoc.
window.addEventListener("load", () => {
  Redoc.init("/openapi.json", { hideLogo: true, nativeScrollbars: true }, document.getElementById("docs"));
});
