"use strict";
const page = document.getElementById("redoc");
Redoc.init(page.dataset.schema, { nonce: page.dataset.styleNonce, hideLoading: true }, page);
