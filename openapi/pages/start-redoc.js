"use strict";

const api = document.getElementById("api");

Redoc.init(new URL(api.dataset.document, document.baseURI).href, {
  disableGoogleFont: true,
  sanitize: true,
  untrustedSpec: true,
}, api);
