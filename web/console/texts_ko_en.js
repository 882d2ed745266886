// The console's words. A key that one language has, the other has as well: a test compares them.
import { EN } from "./texts_en.js";
import { KO } from "./texts_ko.js";

export const TEXTS = { ko: KO, en: EN };
