// What Code-OSS uses of @vscode/spdlog, in JavaScript: that package's compiled part is not built here, and without it
// an extension's output channel stays empty. Files don't rotate: a test writes little.
const { appendFileSync, mkdirSync } = require("node:fs");
const { dirname } = require("node:path");

const NAMES = ["trace", "debug", "info", "warning", "error", "critical"];
const INFO = 2;

class Logger {
  #path;
  #level = INFO;
  #isPlain = false;

  constructor(_type, _name, path) {
    mkdirSync(dirname(path), { recursive: true });
    this.#path = path;
  }

  trace(message) {
    this.#write(0, message);
  }
  debug(message) {
    this.#write(1, message);
  }
  info(message) {
    this.#write(2, message);
  }
  warn(message) {
    this.#write(3, message);
  }
  error(message) {
    this.#write(4, message);
  }
  critical(message) {
    this.#write(5, message);
  }
  getLevel() {
    return this.#level;
  }
  setLevel(level) {
    this.#level = level;
  }
  // Of the patterns, the editor uses only its own "time [level] message".
  setPattern() {}
  clearFormatters() {
    this.#isPlain = true;
  }
  flush() {}
  drop() {}

  #write(level, message) {
    if (level < this.#level) return;
    const time = new Date().toISOString().replace("T", " ").replace("Z", "");
    appendFileSync(this.#path, this.#isPlain ? message : `${time} [${NAMES[level]}] ${message}\n`);
  }
}

const createLogger = async (name, path) => new Logger("rotating", name, path);

// One by one, so that `import` finds the names.
exports.version = 0;
exports.setLevel = () => {};
exports.setFlushOn = () => {};
exports.Logger = Logger;
exports.createRotatingLogger = createLogger;
exports.createAsyncRotatingLogger = createLogger;
