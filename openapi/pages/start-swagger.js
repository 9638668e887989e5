"use strict";

const api = document.getElementById("api");

SwaggerUIBundle({
  url: new URL(api.dataset.document, document.baseURI).href,
  dom_id: "#api",
  deepLinking: true,
  validatorUrl: null,
  queryConfigEnabled: false,
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
});
