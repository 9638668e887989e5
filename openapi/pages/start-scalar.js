"use strict";

const api = document.getElementById("api");

// Nothing of theirs is asked over the network: no fonts, no proxy, no telemetry.
Scalar.createApiReference("#api", {
  url: new URL(api.dataset.document, document.baseURI).href,
  withDefaultFonts: false,
  proxyUrl: "",
  telemetry: false,
  agent: { disabled: true },
  hideClientButton: true,
  showDeveloperTools: "never",
});
