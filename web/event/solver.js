// A worker: finds the number whose SHA-256 behind a salt is the challenge (ALTCHA, version 1).

import { sha256 } from "../vendor/sha2.js";

// Some tens of milliseconds on a phone: often enough to show progress.
const NUMBERS_A_MESSAGE = 5000;

onmessage = ({ data: { salt, challenge, maxnumber, first, step } }) => {
  const prefix = new TextEncoder().encode(salt);
  const wanted = Uint8Array.from(challenge.match(/../g), (pair) => Number.parseInt(pair, 16));
  const text = new Uint8Array(prefix.length + String(maxnumber).length);
  text.set(prefix);
  let tried = 0;
  for (let number = first; number <= maxnumber; number += step) {
    const length = write(number, text, prefix.length);
    const hash = sha256(text.subarray(0, length));
    tried += 1;
    if (isSame(hash, wanted)) {
      postMessage({ tried, number, isOver: true });
      return;
    }
    if (tried % NUMBERS_A_MESSAGE === 0) postMessage({ tried, number: null, isOver: false });
  }
  postMessage({ tried, number: null, isOver: true });
};

/** Write a number's digits at a place; return where they end. */
function write(number, into, place) {
  const digits = String(number);
  for (let index = 0; index < digits.length; index += 1) into[place + index] = digits.charCodeAt(index);
  return place + digits.length;
}

function isSame(hash, wanted) {
  for (let index = 0; index < wanted.length; index += 1) if (hash[index] !== wanted[index]) return false;
  return hash.length === wanted.length;
}
