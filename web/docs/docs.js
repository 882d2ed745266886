// The description of the HTTP interface in Swagger UI. It is read here, not tried: the page asks for
// no token, and sends no call but the one for the description.
import { settings } from "../shared/api.js";

const DESCRIPTION = "/openapi.json";

const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

const waits = document.getElementById("waits");
try {
  const { api = "" } = await settings();
  window.SwaggerUIBundle({
    domNode: document.getElementById("viewer"),
    url: `${api}${DESCRIPTION}`,
    presets: [window.SwaggerUIBundle.presets.apis],
    plugins: [{ wrapComponents: { authorizeBtn: () => () => null, authorizeOperationBtn: () => () => null } }],
    supportedSubmitMethods: [],
    validatorUrl: null,
    deepLinking: true,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    onComplete: () => {
      waits.hidden = true;
    },
  });
} catch (error) {
  waits.textContent = `The description cannot be loaded: ${error.message}`;
  throw error;
}
