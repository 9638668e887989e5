"use strict";

const api = document.getElementById("api");
const doc = document.createElement("rapi-doc");

doc.setAttribute("spec-url", new URL(api.dataset.document, document.baseURI).href);
doc.setAttribute("render-style", "read");
doc.setAttribute("load-fonts", "false");
doc.setAttribute("show-header", "false");
doc.setAttribute("theme", matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
api.append(doc);
