SwaggerUIBundle({
  url: document.getElementById("swagger").dataset.schema,
  dom_id: "#swagger",
  deepLinking: true,
  persistAuthorization: false,
  validatorUrl: null,
  requestInterceptor: (request) => {
    const token = document.cookie.split("; ").find((cookie) => cookie.startsWith("csrftoken="));
    if (token) request.headers["X-CSRFToken"] = token.split("=")[1];
    return request;
  },
});
